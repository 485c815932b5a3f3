#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prints docs/house.md: the rooms in their order, and the files of each.

The rooms are those of layers.py. A file's purpose is the first sentence of
its header (`x.h - purpose`) or, for a file without one, of its own first
comment. A file that states none is an error.
"""

import posixpath
import re
import sys

import layers
import tree

# The rights of a line of code, in the columns of RIGHTS_HEAD.
RIGHTS_HEAD = ("room", "instructions", "allocate", "log", "locks", "context")
RIGHTS = (
    (("mm/*",), "no", "only through a frame source", "no",
     "no (atomics; heap and vm get a lock rank from the caller)",
     "any but NMI"),
    (("lib",), "no", "no", "no", "no", "any"),
    (("arch",), "yes", "no", "**no**: returns what it found", "no", "any"),
    (("sync",), "yes", "no", "no", "it implements them", "task, interrupt"),
    (("log",), "port I/O", "no", "it implements it",
     "LOG, CRASH_LOG, CONSOLE", "task, interrupt"),
    (("boot", "platform"), "MMIO through the fixmap", "`boot_alloc`", "yes",
     "none: boot CPU only, asserted (power and fixmap: any task, power also "
     "from a panic)", "boot"),
    (("memory",), "no", "yes", "yes", "none: atomics",
     "task; interrupt where its header says so"),
    (("smp", "console", "sched", "vfs", "process", "syscall", "ui"),
     "user copy only", "pages and heap, may fail", "yes", "their own ranks",
     "task"),
    (("debug",), "reads only", "**never**", "yes, after breaking the locks",
     "none", "any, NMI too"),
    (("monitor",), "–", "yes", "yes", "–", "task"),
)

COMMENT = re.compile(r"/\*+(.*?)\*/|(?:^//[^\n]*\n)+", re.DOTALL | re.M)
NAMED = re.compile(r"[\w/.]+ - (.*)")
SENTENCE = re.compile(r"(.*?\?|.*?)(?:[.!](?=\s|$)|(?<=\?)\s|$)")
SHORTEST, LONGEST = 8, 130

INTRO = """\
# House

<!-- Made by scripts/generate-docs from scripts/lint/layers.py and from the
     first comments of the files: do not edit. -->

A room is a module with a place in an order. A file may include and call its
own room and the rooms before it in its list, never a later one; `make lint`
proves it. The kernel sees all of mm/. kernel/main.c is the boot order: it
sees every room, and no room sees it.

- **mm/**: %s
- **kernel/**: %s, then main.c

A room in parentheses is not written yet. `mm/x.c` or `mm/x/` implements
`include/mm/x.h`. mm/ asks the processor through the headers of include/arch,
which kernel/, efi/ and the tests implement. A file that also runs on the
build machine is marked *hosted*. A letter at a field says when it may change:
`[C]` never, once it is set up; `[O]` only by its owner; `[A]` by an atomic
access; `[L]` under the lock of its struct.
"""


class Unnamed(Exception):
    pass


# --- the purpose of a file ---------------------------------------------------

def first_comment(path):
    """The first paragraph of the first comment behind the licence."""
    text = re.sub(r"^.*SPDX.*\n", "", tree.read(path), count=1)
    match = COMMENT.search(text)
    body = match.group(1) if match and match.group(1) else ""
    lines = [re.sub(r"^[ \t]*\*?[ \t]?", "", line)
             for line in body.strip().split("\n")]
    return " ".join(" ".join(lines + [""]).split("  ")[0].split())


def shortened(text):
    """Its first sentence; of a long one, the part before a colon."""
    first = SENTENCE.match(text).group(1)
    return first if len(first) <= LONGEST else re.split("[:;] ", first)[0]


def purpose_of(paths):
    """The header's word for it, else the file's own."""
    for path in paths:
        named = NAMED.match(first_comment(path))
        if named:
            return shortened(named.group(1))
    text = shortened(first_comment(paths[0]))
    if not SHORTEST <= len(text) <= LONGEST:
        raise Unnamed("%s:1: docs: its first comment does not begin with its "
                      "purpose, in at most %d characters" %
                      (paths[0], LONGEST))
    return text


# --- the files of a room -----------------------------------------------------

def is_product(path):
    return path.endswith((".c", ".h", ".S")) and not path.endswith(".lds.S")


def key_of(path, room):
    """The name that x.c and its headers share: frame_cache.h is of cache.c."""
    name = posixpath.basename(path).partition(".")[0]
    if "mm/" + room in layers.FILE_ORDER and name.startswith(room + "_"):
        return name[len(room) + 1:]
    return name


def is_named_otherwise(path, code):
    """Whether `path` is a header that no file of `code` shares its name with.
    """
    def stem(name):
        return posixpath.basename(name).partition(".")[0]
    return path.endswith(".h") and stem(path) not in map(stem, code)


def rows(room, files):
    """(names, purpose) for each x.c with its header and x.S."""
    groups = {}
    for path in files:
        groups.setdefault(key_of(path, room), []).append(path)
    order = layers.FILE_ORDER.get("mm/" + room, ())
    hosted = set(layers.hosted_files())
    for key in sorted(groups, key=lambda k: (
            order.index(k) if k in order else -1, k)):
        own = sorted(groups[key], key=lambda p: (not p.endswith(".h"), p))
        code = [path for path in own if not path.endswith(".h")]
        shown = code + [path for path in own if is_named_otherwise(path, code)]
        names = ", ".join("`%s`" % posixpath.basename(p) for p in shown)
        yield (names + (" *hosted*" if hosted & set(code) else ""),
               purpose_of(own))


def table(head, body):
    lines = ["| %s |" % " | ".join(head), "|---" * len(head) + "|"]
    lines += ["| %s |" % " | ".join(row) for row in body]
    return "\n".join(lines) + "\n"


def section(title, room, files):
    if files:
        print("\n### %s\n\n%s" % (title, table(("file", "purpose"),
                                               rows(room, files))), end="")


def sections(house, prefix, rooms):
    every = [path for path in tree.all_files() if is_product(path)]
    for room, subject in rooms.items():
        files = [path for path in every
                 if layers.place_of(path)[:2] == (house, room)]
        section("%s%s: %s" % (prefix, room, subject), room, files)


# --- the page ----------------------------------------------------------------

def is_there(house, room):
    return any(layers.place_of(path)[:2] == (house, room)
               for path in tree.all_files())


def listed(house, rooms):
    """The rooms in their order; one without files is not written yet."""
    return " · ".join(room if is_there(house, room) else "(%s)" % room
                      for room in rooms)


def check_rights():
    named = [room for row in RIGHTS for room in row[0]]
    if sorted(named) != sorted(["mm/*", *layers.KERNEL_ROOMS]):
        raise Unnamed("scripts/lint/house.py:1: docs: RIGHTS and the rooms of "
                      "layers.py differ")


def page():
    check_rights()
    print(INTRO % (listed("mm", layers.MM_ROOMS),
                   listed("kernel", layers.KERNEL_ROOMS)))
    print("## What a line of code may do\n")
    print(table(RIGHTS_HEAD, ((", ".join(row[0]), *row[1:])
                              for row in RIGHTS)))
    print("## Where a file is")
    sections("mm", "mm/", layers.MM_ROOMS)
    sections("kernel", "kernel/", layers.KERNEL_ROOMS)
    for folder, subject in (
            ("include/arch", "what mm/ asks of the processor"),
            ("efi", "the loader")):
        section("%s: %s" % (folder, subject), folder, [
            path for path in tree.all_files()
            if is_product(path) and posixpath.dirname(path) == folder])


if __name__ == "__main__":
    try:
        page()
    except Unnamed as error:
        sys.exit(str(error))
