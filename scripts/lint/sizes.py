#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""L6, L7: headers that are too long, files of mm/ that assert too little.

A header of the product is a contract, so it is short. Some headers of tests
hold code and data that several programs include: their limit is a file's.
"""

import re
import sys

import style
import tree

HEADER_LINES = 200
# Assertions per 1000 lines that are not blank, in each file of mm/ from
# ASSERTED_LINES on.
ASSERTIONS = 15
ASSERTED_LINES = 100
ASSERTION = re.compile(
    r"\b(?:ASSERT|MUST|EXPECT_NONE|static_assert|_Static_assert)\s*\(")
# Without state or promises of its own.
NOT_ASSERTED = ("mm/base/",)
TESTS = ("tests/",)


def header_length(path):
    lines = tree.read(path).count("\n")
    if lines > HEADER_LINES:
        yield tree.Finding(path, lines, "header", "%d lines, the limit is %d" %
                           (lines, HEADER_LINES))


def is_asserted(path):
    return (path.startswith("mm/") and path.endswith(".c") and
            not path.startswith(NOT_ASSERTED) and
            tree.read(path).count("\n") >= ASSERTED_LINES)


def assertions_per_1000(path):
    text = tree.read(path)
    lines = sum(1 for line in text.split("\n") if line.strip())
    found = len(ASSERTION.findall(style.without_comments(text)))
    return found * 1000 / lines


def findings(paths):
    for path in paths:
        if path.endswith(".h") and not path.startswith(TESTS):
            yield from header_length(path)
    for path in filter(is_asserted, paths):
        rate = assertions_per_1000(path)
        if rate < ASSERTIONS:
            yield tree.Finding(
                path, 1, "assert", "%.1f assertions per 1000 lines, the "
                "least is %d" % (rate, ASSERTIONS))


if __name__ == "__main__":
    sys.exit(tree.main(findings))
