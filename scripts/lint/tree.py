# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shared by the checkers: the files of the tree, the form of a finding."""

import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(os.environ.get("LINT_ROOT") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)

# Copied from real machines, byte for byte: no rule of ours applies.
FOREIGN = ("tests/data/", "LICENSE-")


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return "%s:%d: %s: %s" % self


def walk():
    """Every file below ROOT that is not built, for a tree without git."""
    for directory, names, files in os.walk(ROOT):
        names[:] = [n for n in names if n not in ("build", ".git")]
        for name in files:
            if name == "compile_commands.json":
                continue
            yield str(pathlib.Path(directory, name).relative_to(ROOT))


def all_files():
    """The files that git tracks or would track, from ROOT, sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=False)
    if listed.returncode == 0:
        names = [n.decode() for n in listed.stdout.split(b"\0") if n]
    else:
        names = list(walk())
    return sorted({n for n in names
                   if not n.startswith(FOREIGN) and (ROOT / n).is_file()})


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def is_c(path):
    return path.endswith((".c", ".h"))


def interpreter(path):
    """The first line of a script, else an empty string."""
    with open(ROOT / path, "rb") as file:
        first = file.readline(200)
    if not first.startswith(b"#!"):
        return ""
    return first.decode(errors="replace").strip()


def is_shell(path):
    words = interpreter(path).replace("/", " ").split()
    return path.endswith(".sh") or (
        bool(words) and words[-1] in ("sh", "bash", "dash"))


def is_python(path):
    return path.endswith(".py") or "python" in interpreter(path)


def main(findings):
    """Prints what `findings` yields for the given files, or for all."""
    count = 0
    for finding in findings(sys.argv[1:] or all_files()):
        print(finding)
        count += 1
    return count > 0
