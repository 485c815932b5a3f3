# SPDX-License-Identifier: MIT OR Apache-2.0
"""The cases of tests/lint/test_lint.py, as its parts list them."""

import pathlib

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SPDX = "// SPDX-License-" "Identifier: MIT OR Apache-2.0\n"
HASH_SPDX = "# SPDX-License-" "Identifier: MIT OR Apache-2.0\n"

# name: (check, {path: text}, ["path:line: rule", ...])
CASES = {}


def case(name, check, files, *want):
    assert name not in CASES, name
    CASES[name] = (check, files, sorted(want))
