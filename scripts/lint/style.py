#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Refuses what the style forbids and a program can see.

Each rule is a function from a file to findings; RULES says which files it
looks at. Limits are the hard ones: most code stays far below them.
"""

import re
import sys

import tree

COLUMNS = 80
FUNCTION_LINES = 70
FILE_LINES = 600
SPDX = "SPDX-License-Identifier: MIT OR Apache-2.0"

UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")
REFERENCE = re.compile(r"#\d+|\b\d{4}-[a-z]|decision \d+")
# Absolute, and a place that only one person's machine has.
MACHINE_PATH = re.compile(
    r"(?<![\w.)}$-])/(home|work|root|tmp|Users)/[A-Za-z0-9_.]")
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b")
BOOL_PARAMETER = re.compile(
    r"(?:(?<!sizeof)(?<=[\w)])\(|,)\s*"
    r"(?:const\s+)?(?:bool|_Bool)(?:\s+\w+)?\s*[,)]")
STATUS_FUNCTION = re.compile(
    r"\benum\s+status\s+(?:\(\s*\*\s*)?(\w+)\s*\)?\s*\(")
VOID_CALL = re.compile(r"\(\s*void\s*\)\s*(?:\w+(?:->|\.))*(\w+)\s*\(")


def without_comments(text):
    """Blanks comments and the insides of literals; every line stays."""
    pattern = re.compile(
        r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
        re.DOTALL)

    def blank(match):
        found = match.group()
        if found[0] == "/":
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[0]

    return pattern.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


# --- any text ----------------------------------------------------------------

def trailing_blanks(text):
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield number, "white space at the end of the line"
    if text and not text.endswith("\n"):
        yield line_of(text, len(text)), "the last line does not end"
    elif text.endswith("\n\n"):
        yield line_of(text, len(text)) - 1, "an empty line at the end"


def machine_paths(text):
    for match in MACHINE_PATH.finditer(text):
        yield (line_of(text, match.start()),
               "a path that only one machine has: " + match.group() + "...")


# --- any source --------------------------------------------------------------

def licence(text):
    if SPDX not in "\n".join(text.split("\n")[:3]):
        yield 1, "no line `%s` at the top" % SPDX


def columns(text):
    for number, line in enumerate(text.split("\n"), 1):
        width = len(line.expandtabs(8))
        if width > COLUMNS:
            yield number, "%d columns, the limit is %d" % (width, COLUMNS)


def file_length(text):
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield lines, "%d lines, the limit is %d" % (lines, FILE_LINES)


def unfinished(text):
    for number, line in enumerate(text.split("\n"), 1):
        found = UNFINISHED.search(line)
        if found and not REFERENCE.search(line):
            yield number, found.group() + " without an issue or a decision"


# --- C -----------------------------------------------------------------------

def function_length(text):
    """A body starts and ends in column 0; its head is counted with it."""
    lines = without_comments(text).split("\n")
    head = start = None
    for number, line in enumerate(lines, 1):
        if start is None and re.match(r"\w", line):
            if head is None or re.search(r"[;}]\s*$", lines[number - 2]):
                head = number
        elif start is None and not line.strip():
            head = None
        if line.startswith("{"):
            start = head or number
        elif line.startswith("}") and start is not None:
            length = number - start + 1
            if length > FUNCTION_LINES:
                yield start, "a function of %d lines, the limit is %d" % (
                    length, FUNCTION_LINES)
            head = start = None


def conditions(text):
    """Every #if but the guard that opens and closes a header."""
    lines = without_comments(text).split("\n")
    code = [i for i, line in enumerate(lines) if line.strip()]
    guard = set()
    if len(code) > 2:
        first = re.match(r"#ifndef (\w+)$", lines[code[0]].strip())
        if (first and
                lines[code[1]].strip() == "#define " + first.group(1) and
                lines[code[-1]].strip() == "#endif"):
            guard = {code[0], code[-1]}
    for i in code:
        if CONDITION.match(lines[i]) and i not in guard:
            yield i + 1, "conditional compilation in mm/"


def bool_parameters(text):
    code = without_comments(text)
    for match in BOOL_PARAMETER.finditer(code):
        yield (line_of(code, match.end() - 1),
               "a bool parameter: use an enum or a request field")


def status_functions():
    names = set()
    for path in tree.all_files():
        if tree.is_c(path):
            text = without_comments(tree.read(path))
            names.update(STATUS_FUNCTION.findall(text))
    return names


def make_void_casts():
    names = status_functions()

    def void_casts(text):
        code = without_comments(text)
        for match in VOID_CALL.finditer(code):
            if match.group(1) in names:
                yield (line_of(code, match.start()),
                       "the status of %s is thrown away" % match.group(1))
    return void_casts


# --- which rule looks where --------------------------------------------------

def is_text(path):
    data = (tree.ROOT / path).read_bytes()
    return b"\0" not in data


def is_own_text(path):
    """A planted mistake quotes a file's text, blanks and all."""
    return is_text(path) and not path.startswith("tests/mutants/")


def is_c_source(path):
    return path.endswith((".c", ".h", ".S", ".lds"))


def is_source(path):
    return (is_c_source(path) or tree.is_shell(path) or
            tree.is_python(path) or path.endswith("Makefile"))


def is_narrow(path):
    return is_source(path) and not path.endswith("Makefile")


def is_pure(path):
    return tree.is_c(path) and path.startswith(("mm/", "include/mm/"))


def is_public_header(path):
    return path.startswith("include/") and path.endswith(".h")


def rules():
    return (
        (is_own_text, "blanks", trailing_blanks),
        (is_text, "machine", machine_paths),
        (is_source, "licence", licence),
        (is_narrow, "columns", columns),
        (is_source, "length", file_length),
        (is_source, "unfinished", unfinished),
        (tree.is_c, "function", function_length),
        (is_pure, "condition", conditions),
        (is_public_header, "bool", bool_parameters),
        (tree.is_c, "status", make_void_casts()),
    )


def findings(paths):
    every = rules()
    for path in paths:
        if not is_text(path):
            continue
        text = tree.read(path)
        for applies, name, rule in every:
            if not applies(path):
                continue
            for line, why in rule(text):
                yield tree.Finding(path, line, name, why)


if __name__ == "__main__":
    sys.exit(tree.main(findings))
