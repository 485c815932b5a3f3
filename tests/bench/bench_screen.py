#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The cost of scrolling, against its goal: docs/console/screen.md.

usage: tests/bench/bench_screen.py [--build DIR]

QEMU counts instructions (-icount shift=0): one instruction is one tick of
the guest's clock. The command `screen bench` scrolls a screen full of text
and says how many ticks that took and how many pixels had another colour
afterwards. Exit status 1 when the goal is missed. Writes below build/ only.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from boot import boot, machine  # noqa: E402

GOAL = 4.0
SCREENS = ((1920, 1080, GOAL), (1280, 800, None), (2560, 1600, None))


def shape_of(width, height):
    """A machine with such a screen, among those that can be booted."""
    shape = machine.Machine(
        f"q35-512m-{width}x{height}", "q35", "512M", "max",
        ("-device", f"VGA,xres={width},yres={height},vgamem_mb=32"))
    machine.MACHINES[shape.name] = shape
    return shape.name


def measure(lab, name):
    """The fields of the bench's record and of what the screen is."""
    request = boot.Request(machine=name, app=lab.app, exact=True,
                           cmdline='run="screen -m; screen bench -m" '
                                   'on-idle=exit')
    outcome = lab.run(request, lab.scratch / name)
    if outcome.verdict != "ok":
        sys.exit(f"{name}: the boot: {outcome.verdict}\n{outcome.serial}")
    return (outcome.answer_with("screen").one("screen"),
            outcome.answer_with("screen_bench").one("screen_bench"))


def main():
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", type=Path)
    build = parser.parse_args().build.resolve()
    names = {shape_of(width, height): goal
             for width, height, goal in SCREENS}
    lab = boot.Lab(build, build / "scratch" / f"screen-{os.getpid()}")
    good = True
    try:
        for name, goal in names.items():
            screen, bench = measure(lab, name)
            each = bench.number("ticks") / bench.number("changed_pixels")
            good = good and (goal is None or each <= goal)
            print(f"scrolling {screen['width']}x{screen['height']}, font "
                  f"{screen['font']}: {each:.2f} instructions a changed "
                  f"pixel, {bench.number('ticks') // 50:,} a scroll"
                  + (f" (goal {goal})" if goal else ""))
    finally:
        lab.close()
        for name in names:
            lab.snapshots.drop(machine.MACHINES[name])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
