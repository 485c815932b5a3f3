# SPDX-License-Identifier: MIT OR Apache-2.0
"""Words, sentences, commit subjects, sizes."""

from case import case

# --- words -------------------------------------------------------------------

OLD = "dro" "ught"
GLOSSARY = """# Words

| term | meaning |
|---|---|
| frame | 4 KiB |

| retired | use | where |
|---|---|---|
| `%s` | shortage | all |
| `depot` `depots` | frame_cache | all but machine_check*, mc_*, \
docs/cpu/exceptions.md and lines with `machine check` or `mce` |
| `FORE` | back | code |
| `frame_pool_pick` `pick` | frame_pool_alloc_at | code in mm/frame and \
kernel/memory |
| `early_take` | boot_alloc | code outside mm |
| `say` (files) | log | code in efi |
| `place` (file, function) | describe_address | code in kernel/debug |
| `halfway` | flush_pending | all (but of others) |
""" % OLD


def words(name, files, *want):
    files = dict({"docs/glossary.md": GLOSSARY}, **files)
    case("words_" + name, "words", files, *want)


words("pass_what_the_table_uses", {
    "mm/frame/a.c": "int shortage;\n", "docs/a.md": "The frame cache.\n"})
words("refuse_a_word_in_code_comments_pages_and_elsewhere", {
    "mm/a.c": "int %s;\n/* a %s */\n" % (OLD, OLD),
    "docs/a.md": "A %s.\n" % OLD.capitalize(), "tests/a.txt": OLD + "\n",
    "docs/decisions/0001-a.md": OLD + "\n"},
    "mm/a.c:1: word", "mm/a.c:2: word", "docs/a.md:1: word",
    "tests/a.txt:1: word")
words("refuse_a_part_of_an_identifier", {
    "mm/a.c": "int frame_%s_x;\nint %sy;\nint %s1;\n" % ((OLD,) * 3)},
    "mm/a.c:1: word")
words("refuse_a_name_of_a_file",
      {"kernel/memory/frame_%s.c" % OLD: ""},
      "kernel/memory/frame_%s.c:1: word" % OLD)
words("refuse_capitals_only_where_the_table_has_them",
      {"mm/a.c": "int FORE;\nint fore;\n"}, "mm/a.c:1: word")
words("let_code_words_stand_in_comments_and_literals",
      {"mm/a.c": '/* FORE */ char *a = "FORE";\n', "docs/a.md": "FORE\n"})
words("refuse_a_word_in_its_folders_only", {
    "mm/frame/a.c": "int pick;\n",
    "include/mm/frame_cache.h": "int x_pick;\n",
    "kernel/memory/a.c": "int frame_pool_pick;\n",
    "kernel/console/a.c": "int pick;\n", "tests/a.c": "int pick;\n"},
    "mm/frame/a.c:1: word", "include/mm/frame_cache.h:1: word",
    "kernel/memory/a.c:1: word")
words("refuse_a_word_outside_its_folder", {
    "mm/a.c": "int early_take;\n", "kernel/boot/a.c": "int early_take_x;\n"},
    "kernel/boot/a.c:1: word")
words("let_exceptions_stand", {
    "kernel/debug/machine_check.c": "int depot;\n",
    "docs/cpu/exceptions.md": "The depots.\n",
    "kernel/a.c": "int mc_depot;\n/* an MCE depot */\n\nint depot;\n"},
    "kernel/a.c:4: word")
words("refuse_names_of_files_and_functions_alone", {
    "efi/say.c": "void say(void);\n", "efi/a.c": "void say(void);\n",
    "kernel/debug/a.c": "int place;\nint place_of(int x);\n"},
    "efi/say.c:1: word", "kernel/debug/a.c:2: word")
words("refuse_a_row_that_is_none",
      {"docs/glossary.md": GLOSSARY + "| `a` | b | somewhere |\n"},
      "docs/glossary.md:%d: word" % (GLOSSARY.count("\n") + 1))
case("words_refuse_a_tree_without_a_table", "words", {"mm/a.c": ""},
     "docs/glossary.md:1: word")

# --- prose -------------------------------------------------------------------

BEGINS = "What" "ever"
HE = "h" "e"
case("prose_passes_plain_sentences", "prose",
     {"mm/a.c": "/*\n * The caller that waits\n * is told. A CPU, what else?\n"
      " */\nint Whose;\n",
      "docs/a.md": "# What it is\n\n| Who | a |\n|---|---|\n"
      "| What it does | b. |\n\nWhose is it? Ours.\n"})
case("prose_refuses_a_sentence_that_begins_without_a_subject", "prose",
     {"mm/a.c": "int a; /* %s waits. */\n/*\n * One. %s\n * waits.\n */\n"
      % (BEGINS, BEGINS), "docs/a.md": "It\nis. **%s** waits.\n- %s\n" %
      (BEGINS, BEGINS), "scripts/a.py": '"""A page.\n\n%s waits.\n"""\n# %s\n'
      % (BEGINS, BEGINS), "scripts/b.sh": "ls  # %s.\n" % BEGINS},
     "mm/a.c:1: P1", "mm/a.c:3: P1", "docs/a.md:2: P1", "docs/a.md:3: P1",
     "scripts/a.py:3: P1", "scripts/a.py:5: P1", "scripts/b.sh:1: P1")
case("prose_is_not_fooled_by_literals_and_fences", "prose",
     {"mm/a.c": 'char *a = "%s waits. %s /* %s */";\n' % (BEGINS, HE, HE),
      "docs/a.md": "```\n%s\n%s\n```\n" % (BEGINS, HE)})
case("prose_refuses_a_pronoun_for_a_cpu", "prose",
     {"mm/a.c": "/* A CPU and what\n %s has. */\n" % HE,
      "docs/a.md": "Hi%s own.\n" % "s"}, "mm/a.c:2: P2", "docs/a.md:1: P2")

BODY = "bo" "dy"
case("prose_passes_words_that_name_an_actor", "prose",
     {"mm/a.c": "/* no body, any%sx, a%sguard */\nint nobles;\n"
      % (BODY, BODY),
      "docs/glossary.md": "No%s.\n" % BODY, "a.txt": "no%s\n" % BODY,
      "docs/decisions/0001-a.md": "Some%s.\n" % BODY})
case("prose_refuses_words_that_name_no_actor", "prose",
     {"mm/a.c": "/* No%s\n * asks who" "ever waits. */\n" % BODY,
      "mm/a.h": "#define NO%s 0\nint every%s_in;\nint no%ss;\n"
      % (BODY.upper(), BODY, BODY),
      "mm/a.S": "/* any%s */\n" % BODY,
      "kernel/a.c": 'char *a = "some%s\'s";\n' % BODY,
      "a.py": "a = 'no%s'\n" % BODY, "b.sh": "ls  # any%s\n" % BODY,
      "Makefile": "# every%s\n" % BODY, "docs/a.md": "```\nno%s\n```\n" % BODY},
     "mm/a.c:1: P4", "mm/a.c:2: P4", "mm/a.h:1: P4", "mm/a.h:2: P4",
     "mm/a.h:3: P4", "mm/a.S:1: P4", "kernel/a.c:1: P4", "a.py:1: P4",
     "b.sh:1: P4", "Makefile:1: P4", "docs/a.md:2: P4")


def subject(name, text, *want):
    case("prose_" + name, "prose", {".git/subject": text}, *want)


for number, line in enumerate((
        "mm/region: let the strictest kind win", "kernel: process each list",
        "mm/frame, docs: bring pages up to date", "Makefile: feed the linker")):
    subject("passes_a_subject_%d" % number, line)
for number, line in enumerate((
        "mm/region: the strictest kind wins", "let the strictest kind win",
        "mm: lets it win", "mm: fixed a bug", "mm: fixing bugs", "mm: let",
        "mm/region: let the strictest kind win " + "x" * 40)):
    subject("refuses_a_subject_%d" % number, line, "HEAD:1: P3")

# --- sizes -------------------------------------------------------------------


def asserting(lines, count):
    """A file of that many lines, and as many assertions."""
    return "\tASSERT(x);\n" * count + "x;\n" * (lines - count)


case("sizes_refuse_a_header_of_201_lines", "sizes",
     {"kernel/log/a.h": "\n" * 201, "kernel/log/b.h": "\n" * 200,
      "kernel/log/c.c": "\n" * 300}, "kernel/log/a.h:201: header")
case("sizes_refuse_a_file_that_asserts_too_little", "sizes",
     {"mm/a.c": asserting(1000, 14), "mm/b.c": asserting(1000, 15) + "\n" * 99,
      "mm/c.c": asserting(99, 0), "mm/base/d.c": asserting(1000, 0),
      "mm/e.c": "/* ASSERT(x) */\n" * 100},
     "mm/a.c:1: assert", "mm/e.c:1: assert")
case("sizes_count_what_the_compiler_asserts", "sizes",
     {"mm/a.c": '_Static_assert(1, "x");\n' * 2 + "x;\n" * 100})
