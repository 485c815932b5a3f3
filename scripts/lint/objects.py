#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""L2, L3, L4: refuses calls against the order of the rooms.

Includes do not show what a file calls: a header may declare what another
room defines. nm does. The objects are those of the last build.
"""

import os
import posixpath
import re
import subprocess
import sys
from typing import FrozenSet, NamedTuple

import layers
import style
import tree

BUILD = os.environ.get("BUILD") or "build"
# Declared here, defined by the program that links them.
SEAM_HEADERS = re.compile(r"include/arch/\w+\.h|include/base/assert\.h")
DECLARED = re.compile(r"\b(\w+)\s*\(")
ASSEMBLY = re.compile(r"\b(__)?asm(__)?\b")
ASSERT_FAILED = "assert_failed"
# entry.S hands over to it; it is the room above all others.
KERNEL_MAIN = "kernel_main"
# One unit with a .c file of another name.
UNIT_OF = {"kernel/smp/ap_start": "kernel/smp/smp"}


class Symbols(NamedTuple):
    defined: FrozenSet[str]
    undefined: FrozenSet[str]


def is_built(path):
    return (path.endswith((".c", ".S")) and not path.endswith(".lds.S") and
            layers.place_of(path).house in ("mm", "kernel") and
            not path.startswith("include/"))


def object_of(path):
    return os.path.join(BUILD, "kernel", path + ".o")


def read_symbols(objects):
    """{object: Symbols} from one run of nm."""
    lines = subprocess.run(
        ["nm", "-A", "-P", "-g", *objects], cwd=tree.ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=True).stdout.split("\n")
    found = {name: (set(), set()) for name in objects}
    for line in lines:
        name, _, rest = line.partition(": ")
        if rest:
            symbol, kind = rest.split()[:2]
            found[name][kind in "Uwv"].add(symbol)
    return {name: Symbols(frozenset(defined), frozenset(undefined))
            for name, (defined, undefined) in found.items()}


def missing(sources):
    """Sources whose object is not there, or older than they are."""
    for path in sources:
        built = tree.ROOT / object_of(path)
        if not built.is_file():
            yield tree.Finding(path, 1, "object",
                               "not built: make products")
        elif built.stat().st_mtime < (tree.ROOT / path).stat().st_mtime:
            yield tree.Finding(path, 1, "object",
                               "changed since it was built: make products")


def seams(paths):
    names = {KERNEL_MAIN}
    for path in paths:
        if SEAM_HEADERS.fullmatch(path):
            names.update(DECLARED.findall(tree.read(path)))
    return names


class Edge(NamedTuple):
    source: str
    symbol: str
    target: str


def edges_of(symbols):
    """Each use of a symbol that another file of ours defines."""
    definer = {name: path for path, has in sorted(symbols.items())
               for name in has.defined}
    for path, has in sorted(symbols.items()):
        for name in sorted(has.undefined):
            if name in definer:
                yield Edge(path, name, definer[name])


def unit_of(path):
    stem = path.rpartition(".")[0]
    return UNIT_OF.get(stem, stem)


# --- L2: the order of rooms, and of files where a folder has one -------------

def refuse_files(source, target):
    """Both are in the same room."""
    folder, name = posixpath.split(unit_of(source))
    order = layers.FILE_ORDER.get(folder)
    if not order or posixpath.dirname(target) != folder:
        return None
    later = posixpath.basename(unit_of(target))
    if name in order and later in order and \
            order.index(later) > order.index(name):
        return "%s comes before %s" % (name, later)
    return None


def refuse_edge(edge):
    here, there = layers.place_of(edge.source), layers.place_of(edge.target)
    if here.house == "kernel" and there.house == "mm":
        return None
    if here.house == "mm" and there.house == "kernel":
        return "mm/ calls nothing of kernel/"
    if layers.rank_of(there) > layers.rank_of(here):
        return "%s comes before %s" % (here.room, there.room)
    if here.room == there.room:
        return refuse_files(edge.source, edge.target)
    return None


def order(edges, free):
    for edge in edges:
        why = None if edge.symbol in free else refuse_edge(edge)
        if why:
            yield tree.Finding(edge.source, 1, "symbol", "%s of %s: %s" % (
                edge.symbol, edge.target, why))


def unlisted(paths):
    """A folder with an order lists all of its files."""
    for path in paths:
        folder, name = posixpath.split(unit_of(path))
        if name not in layers.FILE_ORDER.get(folder, (name,)):
            yield tree.Finding(path, 1, "symbol", "FILE_ORDER in scripts/lint/"
                               "layers.py does not list this file")


# --- L3: no circle of files inside a room ------------------------------------

def reachable(graph, start):
    seen, todo = set(), [start]
    while todo:
        for unit in graph.get(todo.pop(), ()):
            if unit not in seen:
                seen.add(unit)
                todo.append(unit)
    return seen


def circles(edges):
    graph, first = {}, {}
    for edge in edges:
        here, there = unit_of(edge.source), unit_of(edge.target)
        first.setdefault(here, edge.source)
        if here != there and (layers.place_of(edge.source)[:2] ==
                              layers.place_of(edge.target)[:2]):
            graph.setdefault(here, set()).add(there)
    reach = {unit: reachable(graph, unit) for unit in graph}
    for unit in sorted(reach):
        others = sorted(u for u in reach[unit] if unit in reach.get(u, ()))
        if others:
            yield tree.Finding(
                first[unit], 1, "circle", "a circle of files: " +
                " ".join(posixpath.basename(u) for u in others))


# --- L4: kernel/HOSTED, both ways --------------------------------------------

def has_instructions(path, known, seen):
    """It, or a header that it sees, is written in instructions."""
    seen.add(path)
    if ASSEMBLY.search(style.without_comments(tree.read(path))):
        return True
    targets = (layers.resolve(path, mark, name, known)
               for _, mark, name in layers.includes(path))
    return any(has_instructions(target, known, seen) for target in targets
               if target and target not in seen and
               not target.startswith("include/base/"))


def outside(symbols, hosted):
    """The symbols of files that a hosted file must not link. A symbol of the
    linker itself is of no file, and is data to it."""
    own = {ASSERT_FAILED}
    for path, has in symbols.items():
        if path in hosted or layers.place_of(path).house == "mm":
            own |= has.defined
    return set().union(*(has.defined for has in symbols.values())) - own


def could_be_hosted(symbols, known):
    """The largest set of files that need mm/ and one another only."""
    files = [path for path in symbols if path.endswith(".c") and
             layers.place_of(path).house == "kernel" and
             not has_instructions(path, known, set())]
    while True:
        foreign = outside(symbols, files)
        left = [path for path in files
                if not symbols[path].undefined & foreign]
        if left == files:
            return left
        files = left


def refuse_hosted(symbols, known):
    listed = set(layers.hosted_files())
    foreign = outside(symbols, listed)
    for path in sorted(listed - set(symbols)):
        yield tree.Finding("kernel/HOSTED", 1, "hosted",
                           "there is no %s" % path)
    for path in sorted(listed & set(symbols)):
        for name in sorted(symbols[path].undefined & foreign):
            yield tree.Finding(
                path, 1, "hosted", "kernel/HOSTED lists it, but %s is neither "
                "of mm/ nor of a hosted file" % name)
    for path in sorted(set(could_be_hosted(symbols, known)) - listed):
        yield tree.Finding(
            path, 1, "hosted", "it could run on the host, and kernel/HOSTED "
            "does not list it")


# --- the loader --------------------------------------------------------------

def loader_rooms():
    """The files of mm/ that the Makefile compiles for the loader."""
    done = subprocess.run(
        ["make", "-s", "--no-print-directory", "loader-rooms"],
        cwd=tree.ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=False)
    return done.stdout.split()


def loader_links():
    """Each file of LOADER_ROOMS has a symbol in the linked loader."""
    linked = os.path.join(BUILD, "loader.so")
    if not (tree.ROOT / linked).is_file():
        yield tree.Finding("Makefile", 1, "object",
                           "the loader is not built: make products")
        return
    names = subprocess.run(
        ["nm", "-P", "--defined-only", linked], cwd=tree.ROOT, text=True,
        stdout=subprocess.PIPE, check=True).stdout
    there = {line.split()[0] for line in names.split("\n") if line}
    built = {os.path.join(BUILD, "efi", path + ".o"): path
             for path in loader_rooms()}
    if not built:
        yield tree.Finding("Makefile", 1, "loader", "no LOADER_ROOMS")
        return
    for name, has in sorted(read_symbols(list(built)).items()):
        if not has.defined & there:
            yield tree.Finding(
                "Makefile", 1, "loader", "the loader compiles %s and links "
                "nothing of it" % built[name])


# --- all of them -------------------------------------------------------------

def findings(paths):
    """Looks at the whole tree: no file can be judged by itself."""
    every = tree.all_files()
    sources = [path for path in every if is_built(path) and
               layers.place_of(path).room]
    unbuilt = list(missing(sources))
    if unbuilt or not sources:
        yield from unbuilt
        return
    symbols = read_symbols([object_of(path) for path in sources])
    symbols = {path: symbols[object_of(path)] for path in sources}
    edges = list(edges_of(symbols))
    yield from unlisted(sources)
    yield from order(edges, seams(every))
    yield from circles(edges)
    yield from refuse_hosted(symbols, frozenset(every))
    if any(path.startswith("efi/") for path in every):
        yield from loader_links()


if __name__ == "__main__":
    sys.exit(tree.main(findings))
