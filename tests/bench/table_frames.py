#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures the frame allocator, and prints the tables of its document.

usage: tests/bench/table_frames.py [--build DIR] [--write] [FILE...]

Runs bench_frames.sh, count_frames.sh and bench_kernel_frames.py, whose
records it passes on, or reads their records from files. The tables are those
of docs/memory/frames.md, to the letter; --write replaces them there. Exit
status 1 when a measurement fails, or when an exact number misses its goal;
goals in ns are only judged in print.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from boot import records  # noqa: E402

DOCUMENT = ROOT / "docs/memory/frames.md"
HOST, COUNT, KERNEL = ("bench_frames.sh 5", "count_frames.sh",
                       "bench_kernel_frames.py")
PEERS = ("shape", "floor", "bitmap", "list", "buddy", "bulldog")
# Names in the document, and what is promised of ours next to the bitmap.
WORKLOADS = (
    ("bulk_4k", "bulk 4 KiB", 0.40), ("repeat_4k", "repeat 4 KiB", 0.40),
    ("burst_4k", "burst 4 KiB", 0.40),
    ("random_4k", "random free 4 KiB", 0.95),
    ("bulk_2m", "bulk 2 MiB", 1.0), ("random_2m", "random 2 MiB", 1.0),
    ("repeat_2m", "repeat 2 MiB", 0.35),
    ("churn_4k_8g", "churn 4 KiB, 8 GiB", None),
    ("churn_4k_64g", "churn 4 KiB, 64 GiB", 0.5),
    ("churn_scattered_8g", "the same, scattered, 8 GiB", None),
    ("churn_scattered_64g", "the same, scattered, 64 GiB", None),
    ("two_threads_4k", "two threads", None))
CPUS = (1, 4, 16, 64)
MANY = (("many_repeat_4k", "512, freed at once"),
        ("many_bulk_4k", "all memory, 512 at a time"),
        ("many_scattered_4k", "512 out of half-full memory"))
MACHINES = (("512M", "1"), ("512M", "4"), ("8G", "1"), ("1G", "16"))
PAIRS = (
    ("burst_4k", "cache, bursts of 64"), ("repeat_4k", "cache, repeat"),
    ("bulk_4k", "cache, 4,096"), ("random_4k", "cache, random"),
    ("repeat_2m", "cache, repeat, 2 MiB"),
    ("request_4k", "public call, bursts of 64"),
    ("request_repeat_4k", "public call, repeat"),
    ("request_bulk_4k", "public call, 4,096"),
    ("request_random_4k", "public call, random"),
    ("request_repeat_2m", "public call, repeat, 2 MiB"),
    ("request_bulk_2m", "public call, 16 of 2 MiB"),
    ("request_random_2m", "public call, random, 2 MiB"),
    ("request_many_4k", "public call, 512 at once, a frame"),
    ("zeroed_4k", "public call, zeroed"))


class Measured:
    """All records, by what they are of."""

    def __init__(self, lines):
        self.host, self.kernel, self.slots = {}, {}, 0
        for line in lines:
            if line.startswith(("@frames ", "@count ", "@kernel_frames ")):
                self._keep(records.parse(line.strip()))

    def _keep(self, record):
        if record.type == "frames" and "ns" in record.values:
            self.host[record["workload"], record["peer"]] = \
                float(record["ns"])
        elif record.type == "kernel_frames":
            self.kernel[record["memory"], record["cpus"],
                        record["workload"]] = (
                            float(record["instructions"]),
                            float(record["locked"]))
        elif record.type == "count" and "alloc" in record["operation"]:
            self.slots = max(self.slots, record.number("most_slots"))

    def ns(self, workload, peer="bulldog"):
        """Of a pair, the harness included."""
        return self.host[workload, peer]

    def net(self, workload, of="shape"):
        """The same without the harness."""
        return self.ns(workload) - self.ns(workload, of)

    def of_bitmap(self, workload):
        """Ours next to the bitmap, the harness included in both."""
        return self.ns(workload) / self.ns(workload, "bitmap")


TABLES = []  # the lines of each


def row(*cells):
    """One line of a table."""
    line = "| " + " | ".join(map(str, cells)) + " |"
    TABLES[-1].append(line.replace("|  |", "| |").replace("|  |", "| |"))
    print(TABLES[-1][-1])


def heading(text, *cells):
    """The text above a table, and its first lines."""
    print(f"\n{text}\n")
    TABLES.append([])
    row(*cells)
    TABLES[-1].append("|" + "---|" * len(cells))
    print(TABLES[-1][-1])


def write_tables():
    """Each in the place of the document's table with the same first line."""
    lines = DOCUMENT.read_text().splitlines()
    for table in TABLES:
        start = end = lines.index(table[0])
        while end < len(lines) and lines[end].startswith("|"):
            end += 1
        lines[start:end] = table
    DOCUMENT.write_text("\n".join(lines) + "\n")


def print_workloads(measured):
    """Every peer, 1 CPU."""
    heading("ns for a pair:", "workload", "shape", "floor", "bitmap", "list",
            "buddy", "Bulldog", "net of shape", "of bitmap", "net of both",
            "goal")
    for workload, name, goal in WORKLOADS:
        cells = [f"{measured.host[workload, peer]:.1f}"
                 if (workload, peer) in measured.host else ""
                 for peer in PEERS]
        ratio = measured.of_bitmap(workload)
        shape = measured.ns(workload, "shape")
        net = measured.net(workload) / (
            measured.ns(workload, "bitmap") - shape)
        row(name, *cells, f"{measured.net(workload):.1f}", f"{ratio:.2f}",
            f"{net:.2f}", goal_cell(goal, ratio))


def goal_cell(goal, value):
    """A number that is not to be exceeded, and whether it is."""
    if goal is None:
        return ""
    return f"{goal}" if value <= goal else f"{goal}, **missed**"


def workload_at(kind, cpus):
    """The name of a row of the host's harness."""
    return kind if cpus == 1 else f"{kind}_{cpus}cpu"


def print_cpus(measured):
    """2 MiB for allocators that were told of more CPUs."""
    heading("Told of more CPUs (as many caches, one thread), ns for a pair, "
            "net of shape, of the bitmap:", "workload",
            *(f"{cpus} CPU" + "s" * (cpus > 1) for cpus in CPUS))
    for kind, name in (("bulk_2m", "bulk 2 MiB"),
                       ("random_2m", "random 2 MiB"),
                       ("repeat_2m", "repeat 2 MiB")):
        row(name, *(figures(measured, workload_at(kind, cpus))
                    for cpus in CPUS))
    row("bulk 4 KiB, 1 GiB", "", "",
        figures(measured, "bulk_4k_1g_16cpu"), "")


def figures(measured, workload):
    """ns, net, ratio."""
    return (f"{measured.ns(workload):.1f} / {measured.net(workload):.1f} / "
            f"{measured.of_bitmap(workload):.2f}")


def print_many(measured):
    """512 frames in a call."""
    heading("512 frames in one call, ns for a frame:", "workload", "floor",
            "bitmap, one by one", "Bulldog", "net of floor")
    for workload, name in MANY:
        row(name, *(f"{measured.ns(workload, peer):.1f}"
                    for peer in ("floor", "bitmap", "bulldog")),
            f"{measured.net(workload, 'floor'):.2f}")


def print_kernel(measured):
    """The kernel's calls under icount."""
    heading("In the kernel, instructions / locked ones of a pair, without the "
            "loop:", "pair", *(f"{memory[:-1]} {memory[-1]}iB, {cpus} CPU"
                               + "s" * (cpus != "1")
                               for memory, cpus in MACHINES))
    for workload, name in PAIRS:
        row(name, *(pair_cell(measured.kernel[(*at, workload)])
                    for at in MACHINES))


def pair_cell(pair):
    """Rounded, but no locked instruction to none."""
    instructions, locked = pair
    share = "0" if locked == 0 else max(f"{locked:.2f}", "0.01")
    return f"{instructions:,.0f} / {share}"


# --- what is to be reached ---------------------------------------------------
@dataclass
class Goal:
    """One line; `values` may be several, all of which count."""

    what: str
    before: str
    goal: str
    values: list
    met: bool
    command: str
    form: str = "{:,.2f}"
    exact: bool = False

    def print(self):
        """As the document has it."""
        text = ", ".join(self.form.format(value) for value in self.values)
        row(self.what, self.before, self.goal,
            text + ("" if self.met else ", **missed**"),
            f"`{self.command}`")

    def has_failed(self):
        """Only what is exact can."""
        return self.exact and not self.met


def at_cpus(measured, kind, name, before, limit):
    """The ratios at each number of CPUs, and that they are all alike."""
    names = [workload_at(kind, cpus) for cpus in CPUS]
    ratios = [measured.of_bitmap(one) for one in names]
    alike = [measured.ns(one) for one in names]
    return Goal(f"{name} at 1, 4, 16, 64 CPUs, of the bitmap", before,
                f"≤ {limit}, flat within 10 %", ratios,
                max(ratios) <= limit and max(alike) <= 1.1 * min(alike), HOST)


def below(what, before, limit, value, command, **more):
    """One number."""
    return Goal(what, before, f"≤ {limit}" if limit else "0", [value],
                value <= limit, command, **more)


def host_goals(measured):
    """In ns: ratios of one interleaved run."""
    small = measured.ns("bulk_4k_1g_16cpu") / measured.ns("bulk_4k")
    yield at_cpus(measured, "bulk_2m", "bulk 2 MiB", BEFORE["bulk_2m"], 1.15)
    yield at_cpus(measured, "random_2m", "random 2 MiB", BEFORE["random_2m"],
                  1.25)
    yield below("repeat 2 MiB, 64 CPUs, of the bitmap", BEFORE["repeat_2m"],
                0.45, measured.of_bitmap("repeat_2m_64cpu"), HOST)
    yield below("bulk 4 KiB, 1 GiB with 16 CPUs, of 8 GiB with 1 CPU",
                BEFORE["small"], 1.2, small, HOST)
    yield below("random free 4 KiB, 8 GiB, of the bitmap",
                BEFORE["random_4k"], 0.95, measured.of_bitmap("random_4k"),
                HOST)
    many = [measured.net(workload, "floor") for workload, _ in MANY[:2]]
    yield Goal("512 frames at once, freed at once, and all memory so: ns a "
               "frame, net of the loop", BEFORE["many"], "≤ 1.0", many,
               max(many) <= 1.0, HOST)


def exact_goals(measured):
    """In instructions: the same in each run."""
    small, more = MACHINES[:2]
    cached = measured.kernel[(*small, "burst_4k")]
    public = measured.kernel[(*small, "request_4k")]
    blocks = [measured.kernel[(*more, workload)][0]
              for workload in ("repeat_2m", "request_repeat_2m")]
    yield below("cached pair in the kernel, instructions", "36", 36,
                cached[0], KERNEL, form="{:,.0f}", exact=True)
    yield below("locked ones of these", "0", 0, cached[1], KERNEL,
                form="{:g}", exact=True)
    yield below("the same through the kernel's public call", "241", 80,
                public[0], KERNEL, form="{:,.0f}", exact=True)
    yield Goal("2 MiB pair at 512 MiB on 4 CPUs: cache, public call; "
               "instructions", "1,106, 1,319", "≤ 150", blocks,
               max(blocks) <= 150, KERNEL, form="{:,.0f}", exact=True)
    yield below("a zeroed frame through the public call, with 1 CPU", "844",
                845, measured.kernel[(*small, "zeroed_4k")][0], KERNEL,
                form="{:,.0f}")
    yield below("slots of other CPUs read by a successful alloc, 2 nodes with "
                "16 CPUs", "60", 0, measured.slots, COUNT, form="{:.0f}",
                exact=True)


# Measured by the same harness before the goals were set.
BEFORE = {"bulk_2m": "0.44, 0.95, 3.13, 3.98",
          "random_2m": "1.06, 1.37, 3.08, 3.07", "repeat_2m": "27.3",
          "small": "2.52", "random_4k": "0.83",
          "many": "3.1, 3.8 one by one"}


def print_goals(measured):
    """Whether all exact goals are met."""
    heading("To reach:", "what", "before", "goal", "measured",
            "`tests/bench/`")
    good = True
    for goal in [*host_goals(measured), *exact_goals(measured)]:
        goal.print()
        if goal.has_failed():
            print(f"table_frames: {goal.what}: missed", file=sys.stderr)
            good = False
    return good


def lines_of(build):
    """Runs all three; the end of the program when one fails."""
    kept = []
    for command in (HOST, COUNT, f"{KERNEL} --build {build}"):
        program, *arguments = command.split(" ", 2)
        with subprocess.Popen([ROOT / "tests/bench" / program, *arguments],
                              stdout=subprocess.PIPE, text=True) as running:
            for line in running.stdout:
                sys.stdout.write(line)
                kept.append(line)
        if running.returncode != 0:
            sys.exit(f"table_frames: {program} failed")
    return kept


def main():
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", type=Path)
    parser.add_argument("--write", action="store_true",
                        help=f"replace the tables of {DOCUMENT.name}")
    parser.add_argument("files", nargs="*", type=Path)
    arguments = parser.parse_args()
    lines = [line for path in arguments.files
             for line in path.read_text().splitlines()]
    measured = Measured(lines or lines_of(arguments.build.resolve()))
    print_workloads(measured)
    print_cpus(measured)
    print_many(measured)
    print_kernel(measured)
    good = print_goals(measured)
    if arguments.write:
        write_tables()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
