#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""P1 to P4: refuses prose that a reader in a hurry has to read twice.

P1: no sentence begins with one of the words of P1 as its subject; headings
and questions may. P2: no pronoun of P2. Both in comments and in pages. P3:
the last commit's subject is `area: imperative verb and object`. P4: no word
of P4 stands for the actor, in sources and pages, strings and identifiers
too; docs/glossary.md and docs/decisions/ are not searched.
"""

import re
import subprocess
import sys

import tree

P1 = re.compile(r"[\"'(*_`]*(Wh(?:o|at)(?:ever)?|Whose)\b")
P2 = re.compile(r"\b(he|his|him)\b", re.IGNORECASE)
P4 = re.compile(r"(?<![a-z])(?:(?:any|every|no|some)body(?:'?s)?|who[e]ver)"
                r"(?![a-z])", re.IGNORECASE)
SENTENCE = re.compile(r"[^\s](?:.*?[.!?][\"')*_`]*(?=\s|$)|.*$)", re.DOTALL)

SUBJECT_COLUMNS = 72
SUBJECT = re.compile(r"[\w.][\w./*-]*(?:, [\w.][\w./*-]*)*: (\S+) \S.*")
# A word that cannot be an imperative: a noun with an article, a pronoun, a
# number, or a verb in another form.
NO_VERB = re.compile(
    r"(?:an?|the|this|that|these|those|each|every|all|no|some|any|one|two|"
    r"three|i|we|you|it|its|they|who|what|which|where|when|how|why|if|as|"
    r"in|on|at|to|from|by|for|with|without|of|and|or|but|not|never|only|"
    r"new|more|less|is|are|was|be|can|may|must|\d.*|\W.*|"
    r"\w*[^su]s|(?!bring|ping|ring|string|sing)\w+ing|"
    r"(?!embed|feed|need|seed|shed|speed|weed)\w+ed)")


# --- where prose is ----------------------------------------------------------

LITERAL = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
C_PART = re.compile(r"(?P<text>//[^\n]*|/\*.*?\*/)|" + LITERAL, re.DOTALL)
PYTHON_PART = re.compile(
    r"(?P<text>\"\"\".*?\"\"\"|#[^\n]*)|" + LITERAL, re.DOTALL)
HASH_PART = re.compile(r"(?:^|(?<=\s))(?P<text>#[^\n]*)", re.MULTILINE)
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def part_of(path):
    if path.endswith((".c", ".h", ".S", ".lds")):
        return C_PART
    if tree.is_python(path):
        return PYTHON_PART
    if tree.is_shell(path) or path.endswith(
            ("Makefile", ".awk", ".txt", "HOSTED")):
        return HASH_PART
    return None


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def comments(path, text):
    """The text with all but its comments blanked, or None."""
    if path.endswith(".md"):
        return FENCE.sub(lambda m: blank(m.group()), text)
    part = part_of(path)
    if not part:
        return None
    out, last = [], 0
    for match in part.finditer(text):
        if match.groupdict().get("text") is not None:
            out += blank(text[last:match.start()]), match.group()
            last = match.end()
    return "".join(out) + blank(text[last:])


# --- sentences ---------------------------------------------------------------

LEADERS = re.compile(r"^\s*(?:/\*+|\*/|\*|//|#+|\"\"\")?\s*")
BULLET = re.compile(r"(?:[-*+]|\d+\.)\s+")


def page_lines(text):
    """(line, text, whether a paragraph begins) of a page."""
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if bare.startswith("#") or re.fullmatch(r"[|:\s-]*", bare):
            yield number, "", True
        elif bare.startswith("|"):
            # A cell is a label, unless it ends as a sentence does.
            for cell in bare.strip("|").split("|"):
                if cell.strip().endswith((".", "!")):
                    yield number, cell.strip(), True
            yield number, "", True
        else:
            bullet = BULLET.match(bare)
            yield number, bare[bullet.end() if bullet else 0:], bool(bullet)


def comment_lines(text):
    for number, line in enumerate(text.split("\n"), 1):
        lead = LEADERS.match(line).end()
        starts = re.search(r"/\*|\"\"\"", line) is not None
        bare = re.sub(r"^/\*+\s*|\*/.*$|\"\"\"", "", line[lead:]).strip()
        yield number, bare, starts


def paragraphs(lines):
    """(line of each, text) of runs of lines with something in them."""
    run = []
    for number, text, starts in lines:
        if run and (starts or not text):
            yield run
            run = []
        if text:
            run.append((number, text))
    if run:
        yield run


def sentences(path, text):
    """(line, sentence)"""
    lines = page_lines if path.endswith(".md") else comment_lines
    for run in paragraphs(lines(text)):
        whole = "\n".join(line for _, line in run)
        for match in SENTENCE.finditer(whole):
            yield run[whole.count("\n", 0, match.start())][0], match.group()


def findings(paths):
    for path in paths:
        # A planted mistake quotes a file as it is.
        if path.startswith("tests/mutants/") or \
                (path.startswith("docs/decisions/")):
            continue
        text = comments(path, tree.read(path))
        if text is None:
            continue
        for line, sentence in sentences(path, text):
            first = P1.match(sentence)
            if first and not sentence.rstrip("\"')*_`").endswith("?"):
                yield tree.Finding(path, line, "P1", "a sentence begins with "
                                   "%s" % first.group(1))
        for number, line in enumerate(text.split("\n"), 1):
            for match in P2.finditer(line):
                yield tree.Finding(path, number, "P2", "%s: a CPU is it, a "
                                   "person is they" % match.group())
    yield from actor_findings(paths)
    yield from subject_findings()


# --- actors ------------------------------------------------------------------

def has_actors(path):
    return not path.startswith(("docs/glossary.md", "docs/decisions/")) and (
        path.endswith((".c", ".h", ".S", ".lds", ".md", "Makefile")) or
        tree.is_python(path) or tree.is_shell(path))


def actor_findings(paths):
    for path in filter(has_actors, paths):
        for number, line in enumerate(tree.read(path).split("\n"), 1):
            for match in P4.finditer(line):
                yield tree.Finding(path, number, "P4", "%s: name the actor, a "
                                   "CPU, a caller, a task" % match.group())


# --- commits -----------------------------------------------------------------

def refuse_subject(subject):
    if len(subject) > SUBJECT_COLUMNS:
        return "%d columns, the limit is %d" % (len(subject), SUBJECT_COLUMNS)
    match = SUBJECT.fullmatch(subject)
    if not match or NO_VERB.fullmatch(match.group(1)):
        return "not `area: imperative verb and object`"
    return None


def subject_findings():
    """Of the last commit; a tree without one has none to refuse."""
    done = subprocess.run(
        ["git", "log", "-1", "--no-merges", "--format=%s"], cwd=tree.ROOT,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=False)
    subject = done.stdout.strip()
    why = refuse_subject(subject) if done.returncode == 0 and subject else None
    if why:
        yield tree.Finding("HEAD", 1, "P3", "%s: %s" % (subject, why))


if __name__ == "__main__":
    sys.exit(tree.main(findings))
