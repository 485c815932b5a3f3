#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sees to it that every mutant still applies, and that one that does not is
an error. Prints KTAP lines; exits 1 when a case fails.

Usage: tests/lint/test_mutants.py [PART OF A CASE'S NAME]
"""
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCE = """
#define LIMIT	8
static const char *const words[] = {
	"a {", /* } */
};
static int twice(int a,
		 int b)
{
	if (a > LIMIT &&
	    b > LIMIT)
		return use(
			a, b);
	return a + b;
}
struct pair {
	int a, b;
};
"""
MUTANT = """
mutant: one
in: {0}
test: test_pair
from: {1}
to: {2}
"""


def checked(anchor, text, to="0"):
    """(exit status, output) of run.py --check on a mutant of SOURCE."""
    with tempfile.TemporaryDirectory(prefix="bulldog-mutants.") as name:
        root = pathlib.Path(name)
        files = {"mm/pair.c": SOURCE, "tests/unit/mm/test_pair.c": "",
                 "mm/other.c": "int other(void)\n{\n\treturn a + b;\n}\n",
                 "mm/other.h": "static int twin(void)\n{\n}\n",
                 "kernel/other.h": "static int twin(void)\n{\n}\n",
                 "tests/mutants/l.txt": MUTANT.format(anchor, text, to)}
        for file in ("run.py", "anchors.py"):
            path = TOP / "tests/mutants" / file
            files[f"tests/mutants/{file}"] = path.read_text()
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
        done = subprocess.run(
            [sys.executable, str(root / "tests/mutants/run.py"), "--check"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
    return done.returncode, done.stdout


def applies(anchor, text):
    status, output = checked(anchor, text)
    return "" if status == 0 else output


def refused(anchor, text, reason, to="0"):
    status, output = checked(anchor, text, to)
    if status == 1 and output.startswith("one: ") and reason in output:
        return ""
    return f"want `{reason}`, status 1; got status {status}: {output}"


def every_mutant():
    done = subprocess.run([TOP / "tests/mutants/run.py", "--check"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return "" if done.returncode == 0 else done.stdout


CASES = {
    "mutants_all_apply": every_mutant,
    "mutants_find_text_however_it_is_wrapped": lambda:
        applies("pair:twice", "a > LIMIT && b > LIMIT)\n\treturn use(a, b);"),
    "mutants_find_macros_variables_and_structs": lambda:
        applies("LIMIT", "8") or applies("words", '"a') or
        applies("struct pair", "int a, b;"),
    "mutants_refuse_a_function_that_is_renamed": lambda:
        refused("thrice", "a + b", "`thrice` is defined 0 times"),
    "mutants_refuse_a_function_that_is_there_twice": lambda:
        refused("other:twin", "{", "`other:twin` is defined 2 times "
                "(kernel/other.h, mm/other.h)"),
    "mutants_refuse_text_that_is_there_twice": lambda:
        refused("twice", "LIMIT", "`from` occurs 2 times in `twice`"),
    "mutants_refuse_text_of_another_function": lambda:
        refused("other", "return use", "`from` occurs 0 times in `other`"),
    "mutants_refuse_a_change_of_nothing": lambda:
        refused("twice", "a + b", "are the same", "a  + b"),
}


def main():
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [name for name in CASES if part in name]
    bad = 0
    print("KTAP version 1")
    for number, name in enumerate(chosen, 1):
        why = CASES[name]()
        for line in why.strip().split("\n") if why else []:
            print("# " + line)
        print("%s %d %s" % ("not ok" if why else "ok", number, name),
              flush=True)
        bad += bool(why)
    print("1..%d" % len(chosen))
    return bad != 0 or not chosen


if __name__ == "__main__":
    sys.exit(main())
