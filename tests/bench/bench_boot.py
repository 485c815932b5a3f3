#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures what was promised about booting, next to the promise.

Time is the guest's own under `-icount shift=0`: one instruction is one
nanosecond is one tick of its clock, the same on every host and in every run.
Exit status 1 when a goal is missed. Writes below build/ only.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from boot import boot, machine, oracle, records  # noqa: E402

KIB = 1 << 10
# Goals of 512 MiB and of 4 TiB.
SMALL_TICKS, LARGEST_TICKS = 3_000_000, 4_200_000
SMALL, PROMISED = "exact-512m", "exact-600g"
LARGE = {PROMISED: "600 GiB", "exact-4t": "4 TiB"}
# The log has microseconds, which here are thousands of instructions.
LINE = re.compile(r"^\[(\d+)\.(\d{6})\] \w (\w+: \w+)", re.M)


class Table:
    """Rows of what, goal, measured; remembers whether all goals are met."""

    def __init__(self):
        self.good = True
        print(f"{'what':48} {'goal':>16} {'measured':>16}")

    def row(self, what, goal, measured, met=None):
        """`met` None: there is no goal, the number is for the curious."""
        verdict = {None: "", True: "  ok", False: "  MISSED"}[met]
        self.good = self.good and met is not False
        print(f"{what:48} {goal:>16} {measured:>16}{verdict}")

    def at_most(self, what, limit, value, unit=""):
        """A number that must not exceed another."""
        self.row(what, f"<= {limit:,}{unit}", f"{value:,}{unit}",
                 value <= limit)


def loader_lines():
    """Lines in efi/ that are neither blank nor only comment."""
    count = 0
    for path in sorted((ROOT / "efi").glob("*.[chS]")):
        text = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"),
                      path.read_text(), flags=re.S)
        text = re.sub(r"//.*", "", text)
        count += sum(1 for line in text.splitlines() if line.strip())
    return count


def sizes(table, build):
    """The bytes to copy to a disk."""
    shipped = (build / "BOOTX64.EFI").stat().st_size
    kernel = (build / "kernel.stripped.elf").stat().st_size
    table.at_most("BOOTX64.EFI without the kernel", 60000,
                  shipped - kernel, " B")
    table.at_most("kernel, stripped", 512 * KIB, kernel, " B")
    table.at_most("lines in efi/", 1900, loader_lines())


def boot_once(lab, name, commands, exact, options=""):
    """The Outcome of one good boot; ends the program after a bad one."""
    request = boot.Request(machine=name, app=lab.app, exact=exact, cmdline=
                           f'{options} run="{commands}" on-idle=exit')
    outcome = lab.run(request, lab.scratch / f"{name}-{exact}")
    if outcome.verdict != "ok":
        sys.exit(f"{name}: the boot: {outcome.verdict}\n{outcome.serial}")
    return outcome


def boot_ticks(lab, name):
    """(ours, {firmware call: ticks}) from efi_main to ready."""
    bootinfo = boot_once(lab, name, "bootinfo -m", exact=True) \
        .answer_with("stage")
    stage = {record["name"]: record.number("tsc")
             for record in bootinfo.all("stage")}
    calls = {record["name"]: record.number("tsc_ticks")
             for record in bootinfo.all("firmware_call")}
    whole = stage["ready"] - stage["efi_main"]
    return whole - sum(calls.values()), calls


def seconds(ticks):
    """Virtual nanoseconds, for people."""
    return f"{ticks / 1e9:.6f} s"


def times(table, lab):
    """How long the boot takes, small and large."""
    small, calls = boot_ticks(lab, SMALL)
    table.row("efi_main to ready, 512 MiB", f"<= {seconds(SMALL_TICKS)}",
              seconds(small), small <= SMALL_TICKS)
    of_firmware = [(call, "512 MiB", ticks) for call, ticks in calls.items()]
    for name, size in LARGE.items():
        large, calls = boot_ticks(lab, name)
        limit = small * 1.08 if name == PROMISED else LARGEST_TICKS
        table.row(f"the same, {size} in 1 GiB pages ({large / small - 1:+.1%})",
                  f"<= {seconds(limit)}", seconds(large), large <= limit)
        of_firmware += [(call, size, ticks) for call, ticks in calls.items()]
    for call, size, ticks in sorted(of_firmware, key=lambda row: row[0]):
        table.row(f"{call}, {size} (apart)", "", seconds(ticks))


def pool_ticks(lab, name):
    """Between the log's line that the frame pools are up and the one before."""
    serial = boot_once(lab, name, "bootinfo -m", True, "loglevel=7").serial
    lines = [(1_000_000 * int(line[0]) + int(line[1]), line[2])
             for line in LINE.findall(serial)]
    up = [event for _, event in lines].index("frames: up")
    return 1000 * (lines[up][0] - lines[up - 1][0])


def pools(table, lab):
    """The price of the frame pools, and of each GiB: the gradient to 4 TiB."""
    small = pool_ticks(lab, SMALL)
    table.row("frame pools, 512 MiB, instructions", "", f"{small:,}")
    large = pool_ticks(lab, PROMISED)
    table.row("the same, 600 GiB", "", f"{large:,}")
    largest = pool_ticks(lab, "exact-4t")
    table.row("the same, 4 TiB", "", f"{largest:,}")
    table.at_most("the same, for each GiB of 4 TiB", 280,
                  round((largest - small) / 4095.5))


def kernel_pages(table, lab):
    """The memory that the kernel keeps on the smallest machine."""
    ledger = boot_once(lab, "q35-64m", "ledger -m", exact=False) \
        .answer_with("ledger")
    pages = sum(record.number("pages") for record in ledger.all("ledger")
                if record["owner"] in oracle.CARVED)
    table.at_most("the kernel's own pages, 64 MiB", (8 << 20) // oracle.PAGE,
                  pages)


def lost_share(tool, path):
    """lost_pages over usable pages of one map."""
    done = subprocess.run([tool, "regions", path], capture_output=True,
                          text=True, check=True)
    total = records.having(records.answers(done.stdout), "total").one("total")
    lost = total.number("lost_pages")
    usable = sum(total.number(kind + "_pages")
                 for kind in ("free", "later", "low")) + lost
    return lost / usable if usable else 0.0


def lost_pages(table, build, show_all):
    """On every map in tests/data. The goal is for real machines: of QEMU's
    smallest, the 16 pages below 64 KiB are already more than a thousandth."""
    maps = sorted(path for folder in ("efi", "e820")
                  for path in (ROOT / "tests/data" / folder).glob("*.txt"))
    shares = {path: lost_share(build / "host/bulldog", path) for path in maps}
    for path, share in shares.items():
        if show_all:
            table.row(path.name[:48], "", f"{share:.4%}")
    made = {path for path in maps if path.name.startswith("qemu-")}
    for what, group, limit in (
            ("real machines", shares.keys() - made, 0.001),
            ("QEMU machines", made, None)):
        worst = max(group, key=shares.get)
        table.row(f"lost pages, worst of {len(group)} {what}",
                  f"<= {limit:.4%}" if limit else "",
                  f"{shares[worst]:.4%}",
                  shares[worst] <= limit if limit else None)
        print(f"  it is {worst.name}")


def main():
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", type=Path)
    parser.add_argument("--all", action="store_true",
                        help="a row for each map in tests/data")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    lab = boot.Lab(build, build / "scratch" / f"bench-{os.getpid()}")
    table = Table()
    try:
        sizes(table, build)
        times(table, lab)
        pools(table, lab)
        kernel_pages(table, lab)
        lost_pages(table, build, arguments.all)
    finally:
        lab.close()
        # Sparse, but very long: a copy of build/ might not notice.
        for name in LARGE:
            lab.snapshots.drop(machine.MACHINES[name])
    return 0 if table.good else 1


if __name__ == "__main__":
    sys.exit(main())
