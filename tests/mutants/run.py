#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Plants each known mistake in a copy of the tree and wants its test to see it.

usage: tests/mutants/run.py [--keep] [NAME...]

NAME is a list (`region` is tests/mutants/region.txt) or one mutant in any
list; without one, all lists are run. A mutant is a block of lines

    mutant: region_milder_kind_wins
    file: mm/region.c
    test: test_region
    from: text that occurs exactly once in the file
    to: what stands there instead

whose `from` and `to` may go on over further lines. A blank line ends the
block; lines that begin with # outside of blocks are comments.

killed    a case failed, a sanitizer spoke up, or the test never ended
survived  the test passed: it is blind to this mistake
broken    the mutant does not apply, does not build, or fails otherwise
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTS = ROOT / "tests" / "mutants"
# A directory a run: two at a time must not clear away each other's trees.
RUNS = ROOT / "build" / "mutants"
WORK = RUNS / str(os.getpid())
COPIED = ["Makefile", "mm", "include", "efi", "kernel", "tests/unit",
          "tests/support", "tests/fake", "tests/explorer", "tests/data",
          "tests/loader", "scripts"]
OBJECTS = "build/check-gcc"
KEYS = ("mutant", "file", "test", "from", "to")
KEY_LINE = re.compile(r"^(%s):(?: (.*))?$" % "|".join(KEYS))
AT_ONCE = 2
BUILD_SECONDS = 300
TEST_SECONDS = 120


class Broken(Exception):
    """The mutant itself is at fault."""


def parse_block(where, lines):
    mutant = {}
    key = None
    for line in lines:
        match = KEY_LINE.match(line)
        if match:
            key = match.group(1)
            if key in mutant:
                raise SystemExit(f"{where}: `{key}:` twice in a block")
            mutant[key] = [match.group(2) or ""]
        elif key in ("from", "to"):
            mutant[key].append(line)
        else:
            raise SystemExit(f"{where}: cannot read `{line}`")
    missing = [key for key in KEYS if key not in mutant]
    if missing:
        raise SystemExit(f"{where}: no `{missing[0]}:` in a block")
    return {key: "\n".join(text) for key, text in mutant.items()}


def parse_list(path):
    mutants = []
    block, where = [], None
    for number, line in enumerate(path.read_text().split("\n") + [""], 1):
        if line.strip() == "":
            if block:
                mutants.append(parse_block(where, block))
            block = []
        elif block or not line.startswith("#"):
            if not block:
                where = f"{path.name}:{number}"
            block.append(line)
    return mutants


def choose(names):
    """The mutants that the names ask for, in the lists' order."""
    paths = sorted(LISTS.glob("*.txt"))
    wanted = set(names)
    known = {path.stem for path in paths}
    chosen, seen = [], set()
    for path in paths:
        for mutant in parse_list(path):
            name = mutant["mutant"]
            if not re.fullmatch(r"[a-z0-9_]+", name) or name == "base":
                raise SystemExit(f"{path.name}: `{name}` is no name")
            if name in seen:
                raise SystemExit(f"{path.name}: `{name}` is there twice")
            seen.add(name)
            if not wanted or wanted & {name, path.stem}:
                chosen.append(mutant)
    for name in sorted(wanted - known - seen):
        raise SystemExit(f"no list and no mutant `{name}`")
    return chosen


def clear_away_dead_runs():
    for place in RUNS.glob("*"):
        try:
            os.kill(int(place.name), 0)
        except (ValueError, ProcessLookupError):
            shutil.rmtree(place, ignore_errors=True)
        except PermissionError:
            pass


def all_but_objects(directory, names):
    """What shutil is not to copy: only the linked tests are large."""
    return [name for name in names if not name.endswith((".o", ".d"))
            and not os.path.isdir(os.path.join(directory, name))]


def copy_tree(source, target):
    """Copies with the times, so that make trusts what was built before."""
    target.mkdir(parents=True)
    for part in COPIED:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part)
        elif (source / part).exists():
            shutil.copy2(source / part, target / part)
    if (source / OBJECTS).is_dir():
        shutil.copytree(source / OBJECTS, target / OBJECTS,
                        ignore=all_but_objects)


def build(tree, test):
    """None, or what make had to say."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    # Two mutants at a time are the parallelism; -s keeps make quiet.
    done = subprocess.run(
        ["make", "-s", f"{OBJECTS}/{test}", "BUILD=build"], cwd=tree,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=BUILD_SECONDS, text=True, errors="replace", check=False)
    return done.stdout if done.returncode != 0 else None


def run(tree, test):
    """None when the test passes, else why not, in a few words."""
    try:
        done = subprocess.run(
            [f"{OBJECTS}/{test}"], cwd=tree, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=TEST_SECONDS, text=True, errors="replace", check=False)
    except subprocess.TimeoutExpired:
        return "never ended"
    if done.returncode == 0:
        return None
    failed = re.findall(r"^not ok \d+ (\S+)", done.stdout, re.MULTILINE)
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        return failed[0] + more
    fault = re.search(r"ERROR: (\w+Sanitizer: \S+)|(runtime error: .*)",
                      done.stdout)
    if fault:
        return fault.group(1) or fault.group(2)
    raise Broken(f"exit code {done.returncode} without a failed case")


def plant(tree, mutant):
    path = tree / mutant["file"]
    if not path.is_file():
        raise Broken(f"no file {mutant['file']}")
    text = path.read_text()
    times = text.count(mutant["from"])
    if mutant["from"] == "" or times != 1:
        raise Broken(f"`from` occurs {times} times in {mutant['file']}")
    if mutant["from"] == mutant["to"]:
        raise Broken("`from` and `to` are the same")
    path.unlink()
    path.write_text(text.replace(mutant["from"], mutant["to"]))


def judge(mutant, keep):
    """(verdict, why) of one mutant, in a tree of its own."""
    tree = WORK / mutant["mutant"]
    try:
        copy_tree(WORK / "base", tree)
        plant(tree, mutant)
        said = build(tree, mutant["test"])
        if said is not None:
            first = re.search(r"error: .*", said)
            raise Broken("does not build: " +
                         (first.group(0) if first else "see make"))
        why = run(tree, mutant["test"])
        verdict = ("killed", why) if why else ("survived", mutant["test"])
    except (Broken, subprocess.TimeoutExpired) as fault:
        verdict = ("broken", str(fault))
    if not keep:
        shutil.rmtree(tree, ignore_errors=True)
    return verdict


def prepare_base(tests):
    """Without a mistake every test must pass, or no verdict means a thing."""
    copy_tree(ROOT, WORK / "base")
    for test in tests:
        said = build(WORK / "base", test)
        if said is not None:
            raise SystemExit(f"{said}{test} does not build")
        why = run(WORK / "base", test)
        if why is not None:
            raise SystemExit(f"{test} fails as it is: {why}")


def main(arguments):
    keep = "--keep" in arguments
    names = [name for name in arguments if name != "--keep"]
    if any(name.startswith("-") for name in names):
        print(__doc__.strip())
        return 0 if names[0] in ("-h", "--help") else 2
    mutants = choose(names)
    counts = {"killed": 0, "survived": 0, "broken": 0}
    clear_away_dead_runs()
    shutil.rmtree(WORK, ignore_errors=True)
    try:
        prepare_base(sorted({mutant["test"] for mutant in mutants}))
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            verdicts = pool.map(lambda mutant: judge(mutant, keep), mutants)
            for mutant, (verdict, why) in zip(mutants, verdicts):
                counts[verdict] += 1
                print(f"{verdict:8} {mutant['mutant']}: {why}", flush=True)
    finally:
        if not keep:
            shutil.rmtree(WORK, ignore_errors=True)
    print(f"@mutants total={len(mutants)} killed={counts['killed']} "
          f"survived={counts['survived']} broken={counts['broken']}")
    return 0 if mutants and counts["killed"] == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
