#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Feeds each checker of scripts/lint what it must refuse, and what not.

A case is a tree of one or more files and the findings that it must give,
no more and no fewer. Prints KTAP lines; exits 1 when a case fails.
Usage: tests/lint/test_lint.py [PART OF A CASE'S NAME]
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Each of these lists its cases.
import prose
import rooms
import shape
from case import CASES, TOP

assert prose and rooms and shape

# --- running -----------------------------------------------------------------

def lint(root, check):
    environment = dict(os.environ, LINT_ROOT=str(root),
                       BUILD=str(root / "build"))
    # Only the case's own files: no repository around them is asked.
    environment["GIT_DIR"] = str(root / ".git")
    return subprocess.run(
        [sys.executable, str(TOP / "scripts/lint/run"), "--only", check],
        env=environment, cwd=root, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False, text=True)


def build(root, files):
    """The files that objects reads: an object a source, and a loader."""
    for path in files:
        if path.endswith((".c", ".S")) and path.startswith(("kernel/", "mm/")):
            for kind in ("kernel", "efi"):
                out = root / "build" / kind / (path + ".o")
                out.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["gcc", "-c", "-w", "-fPIC", "-o", out, path],
                               cwd=root, check=False,
                               stderr=subprocess.DEVNULL)
    if "efi/main.c" in files:
        subprocess.run(["gcc", "-shared", "-nostdlib", "-w", "-fPIC", "-o",
                        "build/loader.so", "efi/main.c",
                        "build/efi/mm/region.c.o"], cwd=root, check=True)


def commit(root, text):
    git = ["git", "-C", root, "-c", "user.name=x", "-c", "user.email=x"]
    environment = dict(os.environ, GIT_DIR=str(root / ".git"))
    subprocess.run([*git, "init", "-q"], env=environment, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", text],
                   env=environment, check=True)


def complaint(check, files, want):
    """The difference to the wanted findings, or an empty string."""
    with tempfile.TemporaryDirectory(prefix="bulldog-lint.") as name:
        root = pathlib.Path(name)
        shutil.copy(TOP / ".clang-format", root)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
            if text.startswith("#!"):
                (root / path).chmod(0o755)
        if check == "objects":
            build(root, files)
        if ".git/subject" in files:
            commit(root, files[".git/subject"])
        done = lint(root, check)
    found = sorted({m.group(1) for m in re.finditer(
        r"^(\S+:\d+: \w+): ", done.stdout, re.M)})
    summary = done.stdout.strip().split("\n")[-1]
    if found != want:
        return "want %s\ngot  %s\n%s" % (want, found, done.stdout)
    if done.returncode != (1 if want else 0):
        return "exit status %d" % done.returncode
    if not re.fullmatch(r"lint: 1 checks, \d+ findings", summary):
        return "no summary: " + done.stdout
    return ""


def main():
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [name for name in sorted(CASES) if part in name]
    bad = 0
    print("KTAP version 1")
    for number, name in enumerate(chosen, 1):
        why = complaint(*CASES[name])
        for line in why.strip().split("\n") if why else []:
            print("# " + line)
        print("%s %d %s" % ("not ok" if why else "ok", number, name),
              flush=True)
        bad += bool(why)
    print("1..%d" % len(chosen))
    return bad != 0 or not chosen


if __name__ == "__main__":
    sys.exit(main())
