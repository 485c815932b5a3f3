#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Plants each known mistake in a copy of the tree and wants its test to see it.

usage: tests/mutants/run.py [--check | --keep] [NAME...]

NAME is a list (`region` is tests/mutants/region.txt) or one mutant in any
list; without one, all lists are run. A mutant is a block of lines

    mutant: region_milder_kind_wins
    in: strictest
    test: test_region
    from: text that occurs exactly once in that definition
    to: the text to replace it with

`in` names a function, a macro, a `struct x` or a variable that is defined
once, whichever file has it; where files share a name, it is `file:name`, the
file without its suffix (`elf:check_place`, `bulldog/numa:read`). `from` and
`to` may go on over further lines; their indentation and line ends do not
matter. A blank line ends the block; lines that begin with # outside of
blocks are comments.

--check only sees whether each mutant applies. One that does not is an error:
without --check, no mutant is run then.

killed    a case failed, a sanitizer spoke up, or the test never ended
survived  the test passed: it is blind to this mistake
broken    the mutant does not build, or fails otherwise
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import anchors  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTS = ROOT / "tests" / "mutants"
# A directory a run: two at a time must not clear away each other's trees.
RUNS = ROOT / "build" / "mutants"
WORK = RUNS / str(os.getpid())
COPIED = ["Makefile", "mm", "include", "efi", "kernel", "tests/unit",
          "tests/support", "tests/fake", "tests/explorer", "tests/data",
          "tests/loader", "scripts"]
OBJECTS = "build/check-gcc"
KEYS = ("mutant", "in", "test", "from", "to")
KEY_LINE = re.compile(r"^(%s):(?: (.*))?$" % "|".join(KEYS))
AT_ONCE = 2
BUILD_SECONDS = 300
BASE_SECONDS = 1800
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
    """The names that shutil must skip: only the linked tests are large."""
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


def build(tree, tests, seconds, jobs=1):
    """None, or what make had to say."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "-s", f"-j{jobs}", "BUILD=build",
         *(f"{OBJECTS}/{test}" for test in tests)], cwd=tree,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=seconds, text=True, errors="replace", check=False)
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


def check(root, mutants):
    """Gives each mutant its `planted` (path, text); returns a line for each
    one that cannot be run."""
    tree = anchors.Tree(root)
    tests = {path.stem for path in root.glob("tests/unit/*/test_*.c")} | \
        {path.stem for path in root.glob("tests/explorer/test_*.c")} | \
        {"test_loader"}
    found = []
    for mutant in mutants:
        try:
            mutant["planted"] = tree.planted(mutant)
            if mutant["test"] not in tests:
                raise anchors.NotOnce(f"no test `{mutant['test']}`")
        except anchors.NotOnce as fault:
            found.append(f"{mutant['mutant']}: {fault}")
    return found


def plant(tree, mutant):
    path, text = mutant["planted"]
    (tree / path).unlink()
    (tree / path).write_text(text)


def try_one(mutant, keep):
    """(verdict, why) of one mutant, in a tree of its own."""
    tree = WORK / mutant["mutant"]
    try:
        copy_tree(WORK / "base", tree)
        plant(tree, mutant)
        said = build(tree, [mutant["test"]], BUILD_SECONDS)
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


def prepare_base(pool, tests):
    """Without a mistake every test must pass, or no verdict means a thing."""
    said = build(WORK / "base", tests, BASE_SECONDS, AT_ONCE)
    if said is not None:
        raise SystemExit(f"{said}the tests do not build")
    whys = pool.map(lambda test: run(WORK / "base", test), tests)
    for test, why in zip(tests, whys):
        if why is not None:
            raise SystemExit(f"{test} fails as it is: {why}")


def run_all(mutants, keep):
    """The exit status: 0 when each mutant was killed."""
    counts = {"killed": 0, "survived": 0, "broken": 0}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        prepare_base(pool, sorted({mutant["test"] for mutant in mutants}))
        verdicts = pool.map(lambda mutant: try_one(mutant, keep), mutants)
        for mutant, (verdict, why) in zip(mutants, verdicts):
            counts[verdict] += 1
            print(f"{verdict:8} {mutant['mutant']}: {why}", flush=True)
    print(f"@mutants total={len(mutants)} killed={counts['killed']} "
          f"survived={counts['survived']} broken={counts['broken']}")
    return 0 if mutants and counts["killed"] == len(mutants) else 1


def check_only(mutants):
    wrong = check(ROOT, mutants)
    for line in wrong:
        print(line)
    print(f"@mutants total={len(mutants)} wrong={len(wrong)}")
    return 0 if mutants and not wrong else 1


def main(arguments):
    flags = {name for name in arguments if name.startswith("-")}
    names = [name for name in arguments if name not in flags]
    if flags - {"--keep", "--check"}:
        print(__doc__.strip())
        return 0 if flags <= {"-h", "--help"} else 2
    mutants = choose(names)
    if "--check" in flags:
        return check_only(mutants)
    clear_away_dead_runs()
    shutil.rmtree(WORK, ignore_errors=True)
    try:
        copy_tree(ROOT, WORK / "base")
        wrong = check(WORK / "base", mutants)
        if wrong:
            raise SystemExit("\n".join(wrong))
        return run_all(mutants, "--keep" in flags)
    finally:
        if "--keep" not in flags:
            shutil.rmtree(WORK, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
