#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Refuses a link or a mention of a page that is not there, a page that no
other one links to, and in comments and pages the name of a source that is not
there: a reader cannot find it. x.c, x_y.c and x/y.c stand for any."""

import os
import re
import sys

import prose
import tree

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
MENTION = re.compile(r"(?<![\w/.-])docs/[\w/.-]+\.md\b")
SOURCE = re.compile(r"(?<![\w./<>*%$-])([\w-]+(?:/[\w-]+)*\.(?:c|h|S|py|md))"
                    r"(?![\w*/(-]|\.\w)")
ANY = re.compile(r"(?:^|/)x(?:_y)?[./]")
FOREIGN = ("http:", "https:", "mailto:")
# Their pages are missing on purpose.
EXAMPLES = ("tests/lint/",)
# Decisions name files as they were.
HISTORY = ("docs/decisions/",)


def links(path):
    """Yields (line, target from ROOT) of a page's links into the tree."""
    for number, line in enumerate(tree.read(path).split("\n"), 1):
        for target in LINK.findall(line):
            if not target.startswith(FOREIGN):
                yield number, os.path.normpath(
                    os.path.join(os.path.dirname(path), target))


def mentions(path):
    for number, line in enumerate(tree.read(path).split("\n"), 1):
        for target in MENTION.findall(line):
            yield number, target


def sources(path):
    """Yields (line, name) of the files that comments or a page name."""
    text = prose.comments(path, tree.read(path)) or ""
    for number, line in enumerate(text.split("\n"), 1):
        for target in SOURCE.findall(line):
            if not ANY.search(target):
                yield number, target


def ends_of(paths):
    """Every way to name a file of the tree: its name, behind any folders."""
    return {end for path in paths for end in
            (path.split("/", n)[-1] for n in range(path.count("/") + 1))}


def linked_pages():
    """Link targets of the tree's pages; a folder stands for all in it."""
    return {target for path in tree.all_files() if path.endswith(".md")
            for _, target in links(path) if target != path}


def is_text(path):
    return (path.endswith((".md", ".S", ".sh", ".txt", "Makefile")) or
            tree.is_c(path) or tree.is_python(path) or tree.is_shell(path))


def findings(paths):
    linked = linked_pages()
    ends = ends_of(tree.all_files())
    for path in paths:
        if path.startswith(EXAMPLES) or not is_text(path):
            continue
        places = set(mentions(path))
        if path.endswith(".md"):
            places.update(links(path))
        for line, target in sorted(places):
            if not (tree.ROOT / target).exists():
                yield tree.Finding(path, line, "links",
                                   "there is no %s" % target)
        for line, target in () if path.startswith(HISTORY) else sources(path):
            if target not in ends:
                yield tree.Finding(path, line, "links",
                                   "there is no %s" % target)
        if path.startswith("docs/") and path.endswith(".md") and \
                not {path, os.path.dirname(path)} & linked:
            yield tree.Finding(path, 1, "links", "no page links to this one")


if __name__ == "__main__":
    sys.exit(tree.main(findings))
