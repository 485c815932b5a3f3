#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Instructions, and locked ones among them, of a frame's alloc and free.

usage: tests/bench/bench_kernel_frames.py [--build DIR]

The monitor's `bench frames` runs under -icount shift=0, where one instruction
is one tick of the guest's clock; a plugin of QEMU (locked_plugin.c) counts
the locked ones. Both are exact: each run of one build gives the same. The
loop is not in the figures: from each the loop around two functions that do
nothing is taken away, and these functions' own four instructions are added.
`request_` is the kernel's public call, all else the CPU's cache itself.
Records: @kernel_frames. Writes below build/ only.
"""

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from boot import boot, machine  # noqa: E402

FLOOR_INSTRUCTIONS = 4
# The loop of a workload, by the end of its name; the others' is `floor`.
FLOORS = (("random_2m", "floor_random_2m"), ("random_4k", "floor_random"),
          ("repeat_2m", "floor_repeat"), ("repeat_4k", "floor_repeat"),
          ("many_4k", None), ("zeroed_4k", None))
SIZES = (("512M", 1), ("512M", 4), ("8G", 1), ("1G", 16))
MARK = "bench_read_tsc"
LOCKED = re.compile(r"\s*([0-9a-f]+):\s+(?:lock\b|xchg\b.*\()")


@dataclass
class Counted(boot.Request):
    """A boot under the plugin."""

    plugin: Path = None

    def arguments(self, folder):
        return [*super().arguments(folder), "-plugin",
                f"{self.plugin},list={self.plugin.with_suffix('.list')},"
                f"out={folder}/locked"]


def text_of(*command):
    """The output of a program that succeeds."""
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def make_plugin(folder, kernel):
    """The plugin, and beside it the addresses of what it counts."""
    major = int(re.search(r"version (\d+)", machine.qemu_version())[1])
    version = 1 if major < 9 else 2 if major == 9 else 4
    plugin = folder / "locked.so"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-std=gnu2x", "-O2", "-fPIC", "-shared",
                    f"-DVERSION={version}", "-o", plugin,
                    ROOT / "tests/bench/locked_plugin.c"], check=True)
    mark = re.search(rf"^([0-9a-f]+) T {MARK}$", text_of("nm", kernel), re.M)
    code = text_of("objdump", "-d", "--no-show-raw-insn", kernel)
    locked = [found[1] for found in map(LOCKED.match, code.splitlines())
              if found]
    plugin.with_suffix(".list").write_text("\n".join([mark[1], *locked]))
    return plugin


def shape_of(memory, cpus):
    """A machine that is the same on each host, made known to the boots."""
    shape = machine.Machine(f"exact-{memory.lower()}-{cpus}cpu", "q35",
                            memory, "max", ("-smp", str(cpus)),
                            has_disk=False)
    machine.MACHINES[shape.name] = shape
    return shape.name


def floor_of(name):
    """The workload that is the loop of this one; None: it has hardly any."""
    for end, floor in FLOORS:
        if name.endswith(end):
            return floor
    return "floor"


def measure(lab, plugin, name):
    """{workload: (instructions, locked)} of a pair, the loop included."""
    folder = lab.scratch / name
    outcome = lab.run(Counted(
        machine=name, app=lab.app, exact=True, plugin=plugin,
        cmdline='run="bench frames -m" on-idle=exit panic=exit'), folder)
    if outcome.verdict != "ok":
        sys.exit(f"{name}: the boot: {outcome.verdict}\n{outcome.serial}")
    bench = outcome.answer_with("bench").all("bench")
    marks = [int(line) for line in (folder / "locked").read_text().split()]
    if len(marks) != 2 * len(bench):
        sys.exit(f"{name}: {len(marks)} marks of {len(bench)} workloads")
    each = {}
    for record, before, after in zip(bench, marks[::2], marks[1::2]):
        pairs = record.number("operations")
        each[record["name"]] = (record.number("tsc_ticks") / pairs,
                                (after - before) / pairs)
    return each


def report(memory, cpus, each):
    """One record for each workload that is not a loop alone."""
    for name, (ticks, locked) in each.items():
        floor = floor_of(name)
        if name.startswith("floor"):
            continue
        if floor:
            ticks += FLOOR_INSTRUCTIONS - each[floor][0]
        print(f"@kernel_frames memory={memory} cpus={cpus} workload={name} "
              f"instructions={ticks:.2f} locked={locked:.3f}")


def main():
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", type=Path)
    build = parser.parse_args().build.resolve()
    names = {shape_of(*size): size for size in SIZES}
    lab = boot.Lab(build, build / "scratch" / f"kernel-frames-{os.getpid()}")
    try:
        plugin = make_plugin(lab.scratch, build / "kernel.elf")
        for name, size in names.items():
            report(*size, measure(lab, plugin, name))
    finally:
        lab.close()
        for name in names:
            lab.snapshots.drop(machine.MACHINES[name])
    print("@end cmd=bench_kernel_frames status=0")
    return 0


if __name__ == "__main__":
    sys.exit(main())
