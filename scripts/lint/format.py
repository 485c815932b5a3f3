#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Refuses C whose shape differs from .clang-format where it matters.

clang-format cannot keep a hand-made column of comments, nor a line that is
broken early because it reads better so. It changes white space only, hence
each of its changes can be looked at by itself: a space that should be there
or should not, an indentation, a blank line, a second statement on a line. A
change that only aligns, or breaks a line elsewhere, is left to the author.
"""

import re
import subprocess
import sys
import xml.etree.ElementTree

import style
import tree

# A body on one line that reads as one thing: a boxed number, a table's row.
ONE_LINERS = re.compile(
    rb"^\s*((static|const|typedef) )*(struct|union|enum)\b.*\{.*\}"
    rb"|^\s*(case\b|default:)")
# Code that clang-format 14 misreads, each seen in this tree.
MISREAD = re.compile(rb"\[\[|\(if \(|^\s*\} \*|<[^;]*&& \*\w+ >")


def replacements(path):
    """Yields (offset, length, text) of what clang-format would change."""
    done = subprocess.run(
        ["clang-format", "--style=file", "--output-replacements-xml", path],
        cwd=tree.ROOT, stdout=subprocess.PIPE, check=True)
    for node in xml.etree.ElementTree.fromstring(done.stdout):
        if node.tag == "replacement":
            yield (int(node.get("offset")), int(node.get("length")),
                   (node.text or "").encode())


def indent_of(space):
    return space.rpartition(b"\n")[2].expandtabs(8)


def line_around(source, offset):
    start = source.rfind(b"\n", 0, offset) + 1
    end = source.find(b"\n", offset)
    return source[start:end if end >= 0 else len(source)]


def refuse_spacing(source, offset, had, wants):
    """One line before and after: only a space too many or too few counts."""
    around = source[:offset][-2:] + b"|" + source[offset + len(had):][:1]
    if bool(had) == bool(wants) or around[1:] in (b";|)", b";|;"):
        return None
    # A dereference behind && looks like a C++ reference to it.
    if around in (b"&&|*", b"&&|&") or around.endswith(b'"'):
        return None
    if MISREAD.search(line_around(source, offset)):
        return None
    return "a space is missing" if wants else "a space too many"


def in_parentheses(source, offset):
    text = style.without_comments(source[:offset].decode("latin-1"))
    return text.count("(") > text.count(")")


def refuse_break(source, offset):
    """clang-format wants a line break here."""
    before = source[:offset].rstrip()[-1:]
    line = line_around(source, offset)
    controls = re.match(rb"\s*(\} )?(else\b|if|for|while|switch|do)\b", line)
    if before == b")" and source[offset:].lstrip()[:1] == b"{":
        return "the brace of a function stands on a line of its own"
    if ONE_LINERS.match(line) or before not in (b";", b")", b"{"):
        return None
    if before == b";" and in_parentheses(source, offset):
        return None
    if before in (b")", b"{") and not controls:
        return None
    return "a second statement on the line"


def refuse_join(source, offset, length):
    """clang-format wants no line break here."""
    before = source[:offset].rstrip()
    after = source[offset + length:]
    if re.search(rb"(\)|\belse|\bdo)$", before) and after[:1] == b"{":
        return "the brace belongs to the line before"
    if before[-1:] == b"}" and re.match(rb"else\b|while\b", after):
        return "this belongs behind the brace"
    return None


def starts_statement(source, offset, length):
    """False where a line goes on with what the one before began."""
    before = source[:offset].rstrip()
    last_line = before.rpartition(b"\n")[2].lstrip()
    if last_line.startswith(b"#") or re.search(rb"\{\s*/[/*]", last_line):
        return False
    if re.match(rb"\.\w|\}[,)]", source[offset + length:]):
        return False
    if before[-1:] not in (b";", b"{", b"}", b":", b"/"):
        return False
    return not in_parentheses(source, offset)


def refuse(source, offset, length, wants):
    had = source[offset:offset + length].replace(b"\\\n", b"\n")
    wants = wants.replace(b"\\\n", b"\n")
    if had.strip() or wants.strip():
        return "not as clang-format has it"
    if b"\n" not in had and b"\n" not in wants:
        return refuse_spacing(source, offset, had, wants)
    if b"\n" not in had:
        return refuse_break(source, offset)
    if b"\n" not in wants:
        return refuse_join(source, offset, length)
    if had.count(b"\n") != wants.count(b"\n"):
        return "a blank line too many or too few"
    if (indent_of(had) != indent_of(wants) and
            starts_statement(source, offset, length)):
        return "indented by %d columns, not %d" % (
            len(indent_of(had)), len(indent_of(wants)))
    return None


def check_file(path):
    source = (tree.ROOT / path).read_bytes()
    found = set()
    for offset, length, wants in replacements(path):
        why = refuse(source, offset, length, wants)
        if why:
            line = source.count(b"\n", 0, offset + length) + 1
            found.add(tree.Finding(path, line, "format", why))
    return sorted(found)


def findings(paths):
    for path in paths:
        if tree.is_c(path):
            yield from check_file(path)


if __name__ == "__main__":
    sys.exit(tree.main(findings))
