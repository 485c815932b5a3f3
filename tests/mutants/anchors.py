# SPDX-License-Identifier: MIT OR Apache-2.0
"""Finds the one place that a mutant names, in whatever file that is.

A definition is a function, a macro, a struct or a variable that begins in
column 0; it ends at a `}` in column 0, or at its `;`. A mutant names a
definition and a text that occurs once in it, however it is wrapped.
"""
import re

PRODUCT = ("kernel", "mm", "efi", "include", "scripts/bulldog")
# The explorer has lists of its own. It gives way: it names product functions.
ENGINE = "tests/explorer"
# Strings come first: what looks like a comment inside of one is none.
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])*'|"
                     r"/\*.*?\*/|//[^\n]*", re.S)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)|\[\[\w+\]\]|"
                       r"_Alignas\s*\([^()]*\)|__asm__\s*\([^()]*\)", re.S)
# What may be wrapped without a blank being there before.
WRAPPED = re.compile(r"(\(|->)(?=\S)")


class NotOnce(Exception):
    """The name or the text is not there, or more than once."""


def without_comments(text):
    """The same number of characters, for offsets to stay true."""
    def blank(match):
        found = match.group(0)
        return found if found[0] in "\"'" else re.sub(r"[^\n]", " ", found)
    return COMMENT.sub(blank, text)


def name_of(declaration):
    """The name that a declaration defines, or None."""
    head = ATTRIBUTE.sub("", re.split(r"[={;]", declaration)[0]).strip()
    tag = re.search(r"^(?:typedef )?((?:struct|enum|union) \w+)$", head)
    if tag:
        return tag.group(1) if "{" in declaration else None
    function = re.search(r"(\w+)\s*\(", head)
    if function:
        return function.group(1) if "{" in declaration else None
    if head.startswith("extern "):
        return None
    variable = re.search(r"(\w+)\s*(?:\[[^\]]*\]\s*)*$", head)
    return variable.group(1) if variable else None


def definitions(text):
    """Yields (name, start, end) of each definition in a file."""
    offset, begun, opened, macro = 0, None, False, None
    code = without_comments(text)
    for line in code.splitlines(keepends=True):
        start, offset = offset, offset + len(line)
        bare = line.rstrip()
        if macro or bare.startswith("#"):
            named = re.match(r"#\s*define\s+(\w+)", bare)
            macro = macro or (named.group(1) if named else "#", start)
            if not bare.endswith("\\"):
                if macro[0] != "#":
                    yield macro[0], macro[1], offset
                macro = None
            continue
        if begun is None:
            if bare == "" or line[0] in " \t}":
                continue
            begun, opened = start, False
        opened = opened or bare.endswith("{")
        if line[0] == "}" or not opened and bare.endswith((";", "}")):
            name = name_of(code[begun:offset])
            if name:
                yield name, begun, offset
            begun = None


def pattern(text):
    """Matches the text however it is indented and wrapped."""
    words = WRAPPED.sub(r"\1 ", text).split()
    parts = [re.escape(word) for word in words]
    for number, word in enumerate(words[:-1]):
        parts[number] += r"\s*" if word.endswith(("(", "->")) else r"\s+"
    return re.compile("".join(parts))


class Tree:
    """The sources below a folder, and their definitions by name."""

    def __init__(self, root):
        self.texts, self.named = {}, {}
        for folder in (*PRODUCT, ENGINE):
            for path in sorted((root / folder).rglob("*.[ch]")):
                if not path.name.startswith("test_"):
                    self.read(str(path.relative_to(root)), path.read_text())

    def read(self, path, text):
        self.texts[path] = text
        for name, start, end in definitions(text):
            self.named.setdefault(name, []).append((path, start, end))

    def definition(self, anchor):
        """The one of `name`, or of `file:name`: the file without its suffix,
        behind as many folders as tell it from others of that name."""
        file, _, name = anchor.rpartition(":")
        found = self.named.get(name, [])
        if file:
            found = [one for one in found if ("/" + one[0]).rpartition(".")[0]
                     .endswith("/" + file)]
        found = [one for one in found if not one[0].startswith(ENGINE)] or \
            found
        if len(found) != 1:
            places = ", ".join(path for path, _, _ in found)
            raise NotOnce(f"`{anchor}` is defined {len(found)} times" +
                          (f" ({places})" if places else ""))
        return found[0]

    def planted(self, mutant):
        """(path, text of that file with the mistake in it)."""
        path, start, end = self.definition(mutant["in"])
        text = self.texts[path]
        wanted = pattern(mutant["from"])
        found = list(wanted.finditer(text, start, end))
        if mutant["from"] == "" or len(found) != 1:
            raise NotOnce(f"`from` occurs {len(found)} times in "
                          f"`{mutant['in']}` ({path})")
        if mutant["from"].split() == mutant["to"].split():
            raise NotOnce("`from` and `to` are the same")
        return path, (text[:found[0].start()] + mutant["to"].strip() +
                      text[found[0].end():])
