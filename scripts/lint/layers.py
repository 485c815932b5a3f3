#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Refuses an #include that looks the wrong way.

A room of mm/ sees earlier rooms only, so that each can be read, tested and
replaced without the rooms after it; gnu-efi is used in efi/ only.
include/mm/x.h and mm/x.c, mm/x_y.c and mm/x/y.c are one room, x.
"""

import posixpath
import re
import sys

import tree

ROOMS = (
    "base", "boot", "sweep", "region", "memtype", "window", "source",
    "ledger", "early", "table", "frame", "tlb", "vmem", "heap", "vm",
)
# Headers whose room their name does not say.
ROOM_OF_HEADER = {"kernel_tables": "table"}
RANK = {room: rank for rank, room in enumerate(ROOMS)}

# What the compiler brings along without a library.
FREESTANDING = frozenset((
    "float.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
    "stdbool.h", "stddef.h", "stdint.h", "cpuid.h"))
PURE = frozenset(("stdarg.h", "stdbool.h", "stddef.h", "stdint.h"))
# One file wraps the library that we take from the distribution.
WRAPPED = {"mm/base/text.c": frozenset(("stb/stb_sprintf.h",))}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
EFI_HEADER = re.compile(r"(^|/)efi\w*\.h$")
EFI_HOMES = ("efi/", "tests/firmware/", "tests/loader/")


def room_of_stem(stem):
    """The longest room that `stem` is, or is a part of."""
    if stem in ROOM_OF_HEADER:
        return ROOM_OF_HEADER[stem]
    fits = [r for r in ROOMS if stem == r or stem.startswith(r + "_")]
    return max(fits, key=len) if fits else None


def hosted():
    """The files that kernel/HOSTED lists, without their endings."""
    try:
        lines = tree.read("kernel/HOSTED").split("\n")
    except FileNotFoundError:
        return frozenset()
    return frozenset(line.rpartition(".")[0] for line in lines
                     if line and not line.startswith("#"))


# Headers without a .c file that hosted files share.
HOSTED_HEADERS = frozenset((
    "kernel/platform/acpi_entries.h", "kernel/platform/numa_internal.h",
    "kernel/console/cell.h", "kernel/console/keys.h",
    "kernel/console/line_row.h"))


def is_hosted(path):
    return path.rpartition(".")[0] in hosted() or path in HOSTED_HEADERS


def place_of(path):
    """(house, room): the room is a name only where mm's order applies."""
    parts = path.split("/")
    if parts[0] == "include" and len(parts) > 2:
        parts = parts[1:]
        if parts[0] in ("base", "boot"):
            return "mm", parts[0]
    if parts[0] != "mm":
        return parts[0], "hosted" if is_hosted(path) else None
    if len(parts) == 2:
        return "mm", room_of_stem(parts[1].rpartition(".")[0])
    return "mm", room_of_stem(parts[1])


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


# --- who may see what: a reason to refuse, or None ---------------------------

def from_mm(room, house, target_room):
    if house == "arch":
        if RANK[room] < RANK["table"]:
            return "only rooms from table on know the processor"
        return None
    if house != "mm":
        return "mm/ sees base, boot, arch and mm only"
    if target_room is None or RANK[target_room] > RANK[room]:
        return "%s comes before %s" % (room, target_room)
    return None


def from_efi(room, house, target_room):
    if house in ("efi", "arch"):
        return None
    if house == "mm" and target_room is not None:
        if RANK[target_room] <= RANK["table"]:
            return None
    return "efi/ sees base, boot, arch and mm up to table"


def from_kernel(room, house, target_room):
    if house in ("kernel", "arch", "mm", "abi"):
        return None
    return "kernel/ sees base, boot, arch, mm and abi"


def from_user(room, house, target_room):
    if house in ("user", "abi") or target_room == "base":
        return None
    return "user/ sees base and abi only"


def from_arch(room, house, target_room):
    if house == "arch" or target_room in ("base", "boot"):
        return None
    return "arch/ sees base and boot only"


def from_abi(room, house, target_room):
    if house == "abi" or target_room == "base":
        return None
    return "abi/ sees base only"


def from_scripts(room, house, target_room):
    if house in ("scripts", "mm") or target_room == "hosted":
        return None
    return "the host tool sees base, boot, mm and hosted files of kernel/ only"


def from_tests(room, house, target_room):
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


def judge_foreign(path, house, name):
    """An #include that is no file of ours."""
    if EFI_HEADER.search(name):
        if not path.startswith(EFI_HOMES):
            return "gnu-efi lives in efi/ and its tests only"
        return None
    if name in SYSTEM.get(house, (name,)):
        return None
    if name in WRAPPED.get(path, ()):
        return None
    return "%s/ may not include <%s>" % (house, name)


def check_file(path, known):
    house, room = place_of(path)
    if house not in SEES:
        yield tree.Finding(path, 1, "layer",
                           "no house in scripts/lint/layers.py has this file")
        return
    if house == "mm" and room is None:
        yield tree.Finding(path, 1, "layer",
                           "no room in scripts/lint/layers.py has this file")
        return
    for line, mark, name in includes(path):
        target = resolve(path, mark, name, known)
        if target:
            why = SEES[house](room, *place_of(target))
        elif mark == '"':
            why = "there is no \"%s\"" % name
        else:
            why = judge_foreign(path, house, name)
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
