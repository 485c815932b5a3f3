#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""L1: refuses an #include against the order of the rooms.

A room sees its own files and the rooms before it in its list, so that each
can be read, tested and replaced without the rooms after it; gnu-efi is used
in efi/ only. include/mm/x.h and mm/x.c, mm/x_y.c and mm/x/y.c are one room,
x; kernel/x/ is the room x of the kernel.
"""

import posixpath
import re
import sys
from typing import NamedTuple, Optional

import tree

# Each room with its subject, in the order in which they may see each other:
# a room sees those above it. docs/house.md is made from these two lists.
MM_ROOMS = {
    "base": "strings, text, sorting, checksums, status names",
    "boot": "formats that loader and kernel share: handover, options, ELF",
    "sweep": "the edge walk that settles overlapping ranges",
    "region": "the firmware's map as a sorted list of regions",
    "memtype": "the memory type of a range, from the MTRRs",
    "window": "from a physical page to a pointer",
    "source": "the interface that gives and takes single pages",
    "ledger": "one owner for each page that the firmware names",
    "early": "the list of free runs before the pools",
    "table": "page tables: map, change, unmap, adopt, audit",
    "frame": "the frame allocator: pools per node, caches per CPU",
    "tlb": "unmapped frames that wait for a shootdown",
    "vmem": "kernel virtual address ranges",
    "heap": "objects smaller than a page",
    "vm": "user address spaces",
}
KERNEL_ROOMS = {
    "lib": "numbers, names, command lines, symbols",
    "arch": "the processor: traps, descriptors, local APIC, clock, TLB",
    "sync": "locks, calls between CPUs, TLB shootdown",
    "log": "log lines, the crash log, the serial port",
    "boot": "memory before the frame pools",
    "platform": "ACPI, NUMA, the CPU list, PCI, power",
    "memory": "frame pools, pages, stacks, bad frames",
    "smp": "bring-up of the other CPUs, and idle",
    "console": "screen, keyboard, line editor",
    "sched": "threads, waiting, timers",
    "vfs": "files and pipes",
    "process": "processes and signals",
    "syscall": "system calls",
    "debug": "exception reports, machine checks, panic, audits",
    "ui": "the live picture of memory",
    "monitor": "the commands of the monitor",
}
# Files of one folder in the order in which they may call each other.
FILE_ORDER = {
    "mm/table": ("step", "table", "change", "adopt", "visit",
                 "kernel_tables", "log"),
    "mm/frame": ("report", "tree", "block", "late", "search", "run", "query",
                 "add", "pick", "pool", "nodes", "plan", "fill", "bytes",
                 "many", "cache_query", "cache_set", "cache",
                 "cache_many", "many_free", "audit_caches", "audit_finding",
                 "audit"),
}
# Headers whose room their name does not say.
ROOM_OF_HEADER = {"kernel_tables": "table"}
MM_RANK = {room: rank for rank, room in enumerate(MM_ROOMS)}
KERNEL_RANK = {room: rank for rank, room in enumerate(KERNEL_ROOMS)}
# The boot order: kernel/main.c sees every room, and no room sees it.
MAIN = "main"
KERNEL_RANK[MAIN] = len(KERNEL_ROOMS)

# Headers that the compiler has without a library.
FREESTANDING = frozenset((
    "float.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
    "stdbool.h", "stddef.h", "stdint.h", "cpuid.h"))
PURE = frozenset(("stdarg.h", "stdbool.h", "stddef.h", "stdint.h"))
# One file wraps the library that we take from the distribution.
WRAPPED = {"mm/base/text.c": frozenset(("stb/stb_sprintf.h",))}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
EFI_HEADER = re.compile(r"(^|/)efi\w*\.h$")
EFI_HOMES = ("efi/", "tests/firmware/", "tests/loader/")


class Place(NamedTuple):
    """Where a file stands; it has a room only where an order applies."""
    house: str
    room: Optional[str]
    path: str


def room_of_stem(stem):
    """The longest room of mm/ that `stem` is, or is a part of."""
    if stem in ROOM_OF_HEADER:
        return ROOM_OF_HEADER[stem]
    fits = [r for r in MM_ROOMS if stem == r or stem.startswith(r + "_")]
    return max(fits, key=len) if fits else None


def hosted_files():
    """The files that kernel/HOSTED lists."""
    try:
        lines = tree.read("kernel/HOSTED").split("\n")
    except FileNotFoundError:
        return ()
    return tuple(line for line in lines
                 if line and not line.startswith("#"))


# Headers without a .c file that hosted files share.
HOSTED_HEADERS = frozenset((
    "kernel/platform/acpi_entries.h", "kernel/platform/numa_internal.h",
    "kernel/console/cell.h", "kernel/console/keys.h",
    "kernel/console/line_row.h"))


def is_hosted(path):
    stems = [f.rpartition(".")[0] for f in hosted_files()]
    return path.rpartition(".")[0] in stems or path in HOSTED_HEADERS


def mm_room(parts):
    """The room of a file of mm/ or include/mm/."""
    name = parts[1] if len(parts) > 2 else parts[1].rpartition(".")[0]
    return room_of_stem(name)


def kernel_room(parts):
    if len(parts) == 2:
        return MAIN
    return parts[1] if parts[1] in KERNEL_ROOMS else None


def place_of(path):
    parts = path.split("/")
    if parts[0] == "include" and len(parts) > 2:
        parts = parts[1:]
        if parts[0] in ("base", "boot"):
            return Place("mm", parts[0], path)
    if parts[0] == "mm" and len(parts) > 1:
        return Place("mm", mm_room(parts), path)
    if parts[0] == "kernel" and len(parts) > 1:
        return Place("kernel", kernel_room(parts), path)
    return Place(parts[0], None, path)


def rank_of(place):
    """A file's number in its list of rooms."""
    return (MM_RANK if place.house == "mm" else KERNEL_RANK)[place.room]


def resolve(path, mark, name, known):
    """The file of ours that an #include means, or None."""
    if mark == '"':
        beside = posixpath.normpath(
            posixpath.join(posixpath.dirname(path), name))
        if beside in known:
            return beside
    for start in ("include/", "tests/support/", "tests/fake/",
                  "tests/explorer/", ""):
        if start + name in known:
            return start + name
    return None


def includes(path):
    text = tree.read(path)
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        yield line, match.group(1), match.group(2)


# --- which house sees what: a reason to refuse, or None ----------------------

def from_mm(here, target):
    if target.house == "arch":
        if rank_of(here) < MM_RANK["table"]:
            return "only rooms from table on know the processor"
        return None
    if target.house != "mm":
        return "mm/ sees base, boot, arch and mm only"
    if target.room is None or rank_of(target) > rank_of(here):
        return "%s comes before %s" % (here.room, target.room)
    return None


def from_efi(here, target):
    if target.house in ("efi", "arch"):
        return None
    if target.house == "mm" and target.room is not None:
        if rank_of(target) <= MM_RANK["table"]:
            return None
    return "efi/ sees base, boot, arch and mm up to table"


def from_kernel(here, target):
    if target.house in ("arch", "mm", "abi"):
        return None
    if target.house != "kernel":
        return "kernel/ sees base, boot, arch, mm and abi"
    if target.room is None or rank_of(target) > rank_of(here):
        return "%s comes before %s" % (here.room, target.room)
    return None


def from_user(here, target):
    if target.house in ("user", "abi") or target.room == "base":
        return None
    return "user/ sees base and abi only"


def from_arch(here, target):
    if target.house == "arch" or target.room in ("base", "boot"):
        return None
    return "arch/ sees base and boot only"


def from_abi(here, target):
    if target.house == "abi" or target.room == "base":
        return None
    return "abi/ sees base only"


def from_scripts(here, target):
    if target.house in ("scripts", "mm"):
        return None
    if target.house == "kernel" and is_hosted(target.path):
        return None
    return "the host tool sees base, boot, mm and hosted files of kernel/ only"


def from_tests(here, target):
    return None


SEES = {
    "mm": from_mm, "efi": from_efi, "kernel": from_kernel,
    "user": from_user, "arch": from_arch, "abi": from_abi,
    "scripts": from_scripts, "tests": from_tests,
}
SYSTEM = {
    "mm": PURE, "arch": PURE, "abi": PURE, "efi": PURE,
    "kernel": FREESTANDING, "user": FREESTANDING,
}


def refuse_foreign(path, house, name):
    """An #include that is no file of ours."""
    if EFI_HEADER.search(name):
        if not path.startswith(EFI_HOMES):
            return "gnu-efi is used in efi/ and its tests only"
        return None
    if name in SYSTEM.get(house, (name,)):
        return None
    if name in WRAPPED.get(path, ()):
        return None
    return "%s/ may not include <%s>" % (house, name)


def refuse_spelling(here, mark, name, target):
    """A header of a room is "x.h" inside it, <kernel/room/x.h> outside."""
    if here.house not in ("mm", "kernel"):
        return None
    folder = posixpath.dirname(target.path)
    if folder == posixpath.dirname(here.path):
        if mark != '"' and not folder.startswith("include/"):
            return 'inside its room this is "%s"' % posixpath.basename(name)
    elif target.house == "kernel" and (mark, name) != ("<", target.path):
        return "outside its room this is <%s>" % target.path
    elif target.path.startswith("mm/"):
        return "only its own folder sees this header"
    return None


def refuse(here, mark, name, known):
    target = resolve(here.path, mark, name, known)
    if target:
        there = place_of(target)
        return (SEES[here.house](here, there) or
                refuse_spelling(here, mark, name, there))
    if mark == '"':
        return "there is no \"%s\"" % name
    return refuse_foreign(here.path, here.house, name)


def check_file(path, known):
    here = place_of(path)
    if here.house not in SEES:
        yield tree.Finding(path, 1, "layer",
                           "no house in scripts/lint/layers.py has this file")
        return
    if here.house in ("mm", "kernel") and here.room is None:
        yield tree.Finding(path, 1, "layer",
                           "no room in scripts/lint/layers.py has this file")
        return
    for line, mark, name in includes(path):
        why = refuse(here, mark, name, known)
        if why:
            yield tree.Finding(path, line, "layer", why)


def findings(paths):
    known = frozenset(tree.all_files())
    for path in paths:
        if not path.endswith((".c", ".h", ".S")):
            continue
        yield from check_file(path, known)


if __name__ == "__main__":
    sys.exit(tree.main(findings))
