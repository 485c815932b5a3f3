#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""L5: refuses the words that the second table of docs/glossary.md retires.

Its third column says where: `code` is identifiers of C and assembler and the
names of their files, `text` is comments and pages, `all` is every word of
every file. Then may follow `in` or `outside` with paths, and `but` with paths,
with identifiers that a `*` completes, and with `lines with` words. In the
first column, `(files)` retires the words as names of files only, and
`(file, function)` as names of files and of functions.
"""

import fnmatch
import re
import sys
from typing import NamedTuple, Tuple

import prose
import style
import tree

GLOSSARY = "docs/glossary.md"
# They say what was, or are made from what is searched.
UNSEARCHED = (GLOSSARY, "docs/decisions/", "docs/house.md")
HEADER = "| retired | use | where |"
QUOTED = re.compile(r"`([^`]+)`")
WHERE = re.compile(
    r"(?P<kind>code|text|all)(?: in (?P<inside>.*?))?"
    r"(?: outside (?P<outside>.*?))?(?: but (?P<but>.*?))?(?: \(.*\))?")


class Row(NamedTuple):
    line: int
    words: Tuple[str, ...]
    pattern: "re.Pattern"
    file_pattern: "re.Pattern"
    only: str                   # files, or functions, or everything
    use: str
    kind: str                   # code, text, all
    inside: Tuple[str, ...]
    outside: Tuple[str, ...]
    names: Tuple[str, ...]      # identifiers and files that keep the word
    lines: Tuple[str, ...]      # words of a line that keep it there


def items(text):
    return tuple(re.split(r", | and ", text)) if text else ()


def pattern_of(words, only):
    """Each word by itself, or between the underscores of an identifier."""
    after = r"(?=\w*\()" if only == "functions" else ""
    each = [re.escape(word) if word.isupper() else
            "(?i:%s)" % re.escape(word) for word in words]
    return re.compile(r"(?<![A-Za-z0-9])(?:%s)(?![A-Za-z0-9])%s" %
                      ("|".join(each), after))


def read_row(number, line):
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    where = WHERE.fullmatch(cells[2]) if len(cells) == 3 else None
    words = QUOTED.findall(cells[0])
    if not where or not words:
        return None
    only = "files" if cells[0].endswith("(files)") else \
        "functions" if cells[0].endswith("(file, function)") else "-"
    but, _, lines = (where["but"] or "").partition("lines with ")
    return Row(number, tuple(words), pattern_of(words, only),
               pattern_of(words, "files"), only, cells[1], where["kind"],
               items(where["inside"]), items(where["outside"]),
               tuple(filter(None, (i.strip() for i in items(but)))),
               tuple(QUOTED.findall(lines)))


def read_table():
    """(rows, lines that are none)"""
    rows, broken, inside = [], [], False
    for number, line in enumerate(tree.read(GLOSSARY).split("\n"), 1):
        if line == HEADER:
            inside = True
        elif inside and not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|--"):
            row = read_row(number, line)
            (rows if row else broken).append(row or number)
    return rows, broken


def under(path, folders):
    """include/mm/x.h counts as mm/x."""
    names = (path, re.sub(r"^include/mm/", "mm/", path))
    return any(name == folder or name.startswith(folder + "/") or
               re.match(re.escape(folder) + r"[_.]", name)
               for name in names for folder in folders)


def keeps(row, path, text, match):
    """Whether the row itself lets the word stand there."""
    names = [name for name in row.names if "/" not in name]
    file_name = path.rpartition("/")[2]
    if under(path, [n for n in row.names if "/" in n]) or any(
            fnmatch.fnmatch(file_name, name) for name in names):
        return True
    start, end = match.span()
    while start > 0 and re.match(r"\w", text[start - 1]):
        start -= 1
    while end < len(text) and re.match(r"\w", text[end]):
        end += 1
    if any(fnmatch.fnmatch(text[start:end], name) for name in names):
        return True
    line = text[text.rfind("\n", 0, start) + 1:]
    line = line[:line.find("\n")].lower()
    return any(word in line for word in row.lines)


def is_code(path):
    return path.endswith((".c", ".h", ".S"))


def applies(row, path):
    if row.inside and not under(path, row.inside):
        return False
    return not under(path, row.outside)


def parts(text):
    return set(re.findall("[a-z0-9]+", text.lower()))


def may_match(row, have):
    """A quick look, since few files have any word of a row."""
    return any(parts(word) <= have for word in row.words)


def search(row, path, texts):
    text = texts.get(row.kind)
    if text is None or not applies(row, path):
        return
    if row.only != "files":
        for match in row.pattern.finditer(text):
            if not keeps(row, path, text, match):
                yield style.line_of(text, match.start()), match.group()
    if row.kind != "text" and is_code(path):
        match = row.file_pattern.search(path.rpartition("/")[2])
        if match and not under(path, row.names):
            yield 1, match.group()


def texts_of(path):
    """The text of a file that each kind of row looks at."""
    whole = tree.read(path)
    texts = {"all": whole}
    if is_code(path):
        texts["code"] = style.without_comments(whole)
    comments = prose.comments(path, whole)
    if comments is not None:
        texts["text"] = comments
    return texts


def findings(paths):
    if not (tree.ROOT / GLOSSARY).is_file():
        yield tree.Finding(GLOSSARY, 1, "word", "there is no such table")
        return
    rows, broken = read_table()
    for number in broken:
        yield tree.Finding(GLOSSARY, number, "word", "no row of the table")
    for path in paths:
        if path.startswith(UNSEARCHED) or not style.is_text(path):
            continue
        texts = texts_of(path)
        have = parts(path + " " + texts["all"])
        for row in rows:
            if not may_match(row, have):
                continue
            for line, word in search(row, path, texts):
                yield tree.Finding(path, line, "word", "%s: use %s" %
                                   (word, row.use))


if __name__ == "__main__":
    sys.exit(tree.main(findings))
