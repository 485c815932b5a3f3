# SPDX-License-Identifier: MIT OR Apache-2.0
"""Page-table leaves: as the kernel dumps them, and as QEMU walks them.

`info tlb` has a line for each leaf but not its size; `info mem` has the
exact ends of what is mapped, but joined over leaves. Inside one range of the
latter leaves touch, so together they give each leaf's size.
"""

import bisect
import re
from dataclasses import dataclass

SIZES = (1 << 12, 1 << 21, 1 << 30)
# The meaning of PWT and PCD of a leaf; the third bit is PAT. QEMU shows PAT for
# small pages only (the letter P), so a large one may be either of two.
CACHES = ("wb", "wt", "uc-", "uc", "wc")

_TLB = re.compile(r"([0-9a-f]{16}): ([0-9a-f]{16}) "
                  r"([-X])([-G])([-P])([-D])([-A])([-C])([-T])([-U])([-W])")
_MEM = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16}) [0-9a-f]{16} \S+")


class Strange(Exception):
    """QEMU's view makes no sense to us."""


@dataclass(frozen=True)
class Leaf:
    """`rights` are five letters of rwxgu, or `-`."""

    virt: int
    phys: int
    bytes: int
    rights: str
    cache: str

    def __repr__(self):
        return (f"[{self.virt:#x}+{self.bytes:#x} -> {self.phys:#x} "
                f"{self.rights} {self.cache}]")


def leaves_of(answer):
    """The @leaf records of `pt dump -m`."""
    return [Leaf(record.number("virt"), record.number("phys"),
                 record.number("bytes"), record["rights"],
                 _cache_class(record["cache"]))
            for record in answer.all("leaf")]


def _cache_class(cache):
    """The name, without what QEMU does not print: the PAT bit of a leaf."""
    return "wb" if cache == "wc" else cache


def leaves_of_qemu(tlb, mem):
    """The leaves in the texts of `info tlb` and `info mem`."""
    lines = [_TLB.fullmatch(line.strip()) for line in tlb.splitlines()]
    if not lines or not all(lines):
        raise Strange("info tlb has lines of another form")
    ends = sorted((int(start, 16), int(end, 16))
                  for start, end in _MEM.findall(mem))
    starts = [start for start, _ in ends]
    leaves = []
    for index, line in enumerate(lines):
        virt = int(line[1], 16)
        end = ends[bisect.bisect_right(starts, virt) - 1][1]
        if index + 1 < len(lines):
            end = min(end, int(lines[index + 1][1], 16))
        leaves.append(_leaf(line, virt, end - virt))
    return leaves


def _leaf(line, virt, size):
    if size not in SIZES:
        raise Strange(f"a leaf of {size:#x} bytes at {virt:#x}")
    no_execute, is_global, pat, _, _, pcd, pwt, user, write = line.groups()[2:]
    if size != SIZES[0] and pat != "P":
        raise Strange(f"a large leaf without its bit at {virt:#x}")
    slot = (pwt == "T") + 2 * (pcd == "C")
    rights = "r" + ("w" if write == "W" else "-") \
        + ("-" if no_execute == "X" else "x") \
        + ("g" if is_global == "G" else "-") + ("u" if user == "U" else "-")
    return Leaf(virt, int(line[2], 16), size, rights, CACHES[slot])
