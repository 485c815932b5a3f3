# SPDX-License-Identifier: MIT OR Apache-2.0
"""Style, formats, locks, shell scripts, documents, links."""

import os
import pathlib
import subprocess
import tempfile

from case import HASH_SPDX, SPDX, TOP, case

STATUS_H = ("#ifndef S_H\n#define S_H\n"
            "enum [[nodiscard]] status { ST_OK };\n"
            "enum status give(int page);\n#endif\n")
# Split, so that the checkers do not find them in this file.
UNFINISHED = "TO" "DO"
ONES_HOME = "/ho" "me/alice/x"


def guarded(body):
    return "#ifndef X_H\n#define X_H\n" + body + "#endif\n"


def function(lines):
    """A function of that many lines, its head and braces included."""
    return SPDX + "\nint f(void)\n{\n" + "\tf();\n" * (lines - 4) + \
        "\treturn 0;\n}\n"


# --- style -------------------------------------------------------------------

case("style_passes_a_plain_file", "style",
     {"kernel/a.c": function(70), "README.md": "# Title\n"})
case("style_refuses_81_columns", "style",
     {"kernel/a.c": SPDX + "/* " + "x" * 78 + "\n"}, "kernel/a.c:2: columns")
case("style_counts_a_tab_as_eight_columns", "style",
     {"kernel/a.c": SPDX + "\t" * 9 + "/* 34567\n" + "\t" * 9 +
      "/* 345678\n"}, "kernel/a.c:3: columns")
case("style_measures_shell_and_python_too", "style",
     {"scripts/a": "#!/bin/sh\n" + HASH_SPDX + "# " + "x" * 79 + "\n",
      "scripts/b.py": HASH_SPDX + "# " + "x" * 79 + "\n"},
     "scripts/a:3: columns", "scripts/b.py:2: columns")
case("style_refuses_a_function_of_71_lines", "style",
     {"kernel/a.c": function(71)}, "kernel/a.c:3: function")
case("style_counts_a_head_of_two_lines", "style",
     {"kernel/a.c": function(70).replace("int f(void)", "int\nf(void)")},
     "kernel/a.c:3: function")
case("style_refuses_601_lines", "style",
     {"kernel/a.c": SPDX + "int x;\n" * 600,
      "kernel/b.c": SPDX + "int x;\n" * 599}, "kernel/a.c:601: length")
case("style_refuses_a_condition_in_mm", "style",
     {"mm/region.c": SPDX + "int x;\n#ifdef DEBUG\nint y;\n#endif\n",
      "kernel/a.c": SPDX + "#ifdef DEBUG\nint y;\n#endif\n"},
     "mm/region.c:3: condition", "mm/region.c:5: condition")
case("style_allows_an_include_guard_and_no_more", "style",
     {"include/mm/a.h": SPDX + guarded("int x;\n"),
      "include/mm/b.h": SPDX + guarded("#if X\nint x;\n#endif\n")},
     "include/mm/b.h:4: condition", "include/mm/b.h:6: condition")
case("style_is_not_fooled_by_a_condition_in_a_comment", "style",
     {"mm/region.c": SPDX + "/*\n#if 0\n#endif\n*/\nint x;\n"})
case("style_refuses_a_dropped_status", "style",
     {"include/a.h": SPDX + STATUS_H,
      "kernel/a.c": SPDX + "void f(void)\n{\n\t(void)give(1);\n"
      "\t(void)printed(1);\n}\n"}, "kernel/a.c:4: status")
case("style_refuses_a_dropped_status_behind_a_pointer", "style",
     {"include/a.h": SPDX + "struct s { enum status (*take)(int x); };\n",
      "kernel/a.c": SPDX + "void f(struct s *s)\n{\n"
      "\t(void)s->take(1);\n}\n"}, "kernel/a.c:4: status")
case("style_refuses_an_unfinished_note_without_a_number", "style",
     {"kernel/a.c": SPDX + "/* %s: later */\n/* %s #12: ok */\n"
      "/* %s: decision 0003 */\n" % ((UNFINISHED,) * 3)},
     "kernel/a.c:2: unfinished")
case("style_wants_a_licence_line", "style",
     {"kernel/a.c": "int x;\n", "scripts/a": "#!/bin/sh\ntrue\n",
      "Makefile": "all:\n", "notes.md": "x\n"},
     "kernel/a.c:1: licence", "scripts/a:1: licence", "Makefile:1: licence")
case("style_refuses_trailing_blanks_everywhere", "style",
     {"kernel/a.c": SPDX + "int x; \n", "notes.md": "x\t\n",
      "end.md": "x\n\n", "cut.md": "x"}, "kernel/a.c:2: blanks",
     "notes.md:1: blanks", "end.md:2: blanks", "cut.md:1: blanks")
case("style_refuses_a_bool_parameter_in_a_public_header", "style",
     {"include/a.h": SPDX + guarded(
         "void f(int a,\n\t bool b);\nvoid g(bool);\n"
         "void h(void (*then)(bool good));\n")},
     "include/a.h:5: bool", "include/a.h:6: bool", "include/a.h:7: bool")
case("style_allows_bool_results_fields_and_pointers", "style",
     {"include/a.h": SPDX + guarded(
         "struct s { bool b; };\nbool f(int a, bool *out);\n"
         "void g(bool (*visit)(void *context));\n"
         "static inline int h(int a)\n{\n\treturn (bool)a;\n}\n"),
      "kernel/a.c": SPDX + "static void f(bool b)\n{\n}\n"})
case("style_refuses_a_path_of_one_machine", "style",
     {"docs/a.md": "see %s\nsee docs%s\n" % (ONES_HOME, ONES_HOME)},
     "docs/a.md:1: machine")
case("style_leaves_copied_data_alone", "style",
     {"tests/data/map.txt": "x \n" + ONES_HOME + "\n"})

# --- format ------------------------------------------------------------------

case("format_passes_hand_aligned_comments_and_early_breaks", "format",
     {"mm/region.c": "int f(int a,\n      int b);\n\nstruct s {\n"
      "\tint a;\t\t\t/* one */\n\tint bcd;\t\t/* two */\n};\n"})
case("format_passes_a_table_that_is_broken_by_hand", "format",
     {"mm/region.c": "static const int prefix[] = { 0, 10, 11, 0, 12, 0,\n"
      "\t\t\t      0, 14 };\n"})
case("format_refuses_a_block_on_the_line_of_its_condition", "format",
     {"mm/region.c": "int f(int a)\n{\n\twhile (a) { a--; f(a); }\n"
      "\treturn a;\n}\n"},
     "mm/region.c:3: format")
case("format_refuses_spaces_for_tabs", "format",
     {"mm/region.c": "int f(void)\n{\n    return 0;\n}\n"},
     "mm/region.c:3: format")
case("format_refuses_a_missing_space", "format",
     {"mm/region.c": "int f(int a)\n{\n\tif(a)\n\t\treturn 1;\n"
      "\treturn a+1;\n}\n"},
     "mm/region.c:3: format", "mm/region.c:5: format")
case("format_refuses_a_brace_in_the_wrong_place", "format",
     {"mm/region.c": "int f(void) {\n\treturn 0;\n}\n"},
     "mm/region.c:1: format")
case("format_refuses_a_brace_on_a_line_of_its_own", "format",
     {"mm/region.c": "int f(int a)\n{\n\tif (a)\n\t{\n\t\ta = 1;\n"
      "\t\ta = 2;\n\t}\n\telse {\n\t\ta = 3;\n\t\ta = 4;\n\t}\n"
      "\treturn a;\n}\n"},
     "mm/region.c:4: format", "mm/region.c:8: format")
case("format_refuses_two_statements_on_a_line", "format",
     {"mm/region.c": "int f(int a)\n{\n\tif (a) return 1;\n"
      "\ta = 2; return a;\n}\n"},
     "mm/region.c:3: format", "mm/region.c:4: format")
case("format_refuses_two_empty_lines", "format",
     {"mm/region.c": "int a;\n\n\nint b;\n"}, "mm/region.c:4: format")

# --- threads -----------------------------------------------------------------

LOCK = ("struct __attribute__((capability(\"lock\"))) lock { int x; };\n"
        "struct s { struct lock lock; };\n"
        "int f_locked(struct s *s)\n"
        "\t__attribute__((requires_capability(s->lock)));\n"
        "int f(struct s *s);\n")
case("threads_refuse_a_call_without_the_lock", "threads",
     {"kernel/a.c": LOCK + "int f(struct s *s)\n{\n"
      "\treturn f_locked(s);\n}\n"}, "kernel/a.c:8: threads")
case("threads_pass_a_promise_that_is_handed_on", "threads",
     {"kernel/a.c": LOCK + "int f_locked(struct s *s)\n{\n"
      "\treturn s->lock.x;\n}\n"})
case("threads_refuse_an_ignored_status", "threads",
     {"include/s.h": STATUS_H, "mm/region.c":
      "#include <s.h>\nvoid f(void);\nvoid f(void)\n{\n\tgive(1);\n}\n"},
     "mm/region.c:5: threads")

# --- shell -------------------------------------------------------------------

case("shell_refuses_an_unquoted_variable", "shell",
     {"scripts/a": "#!/bin/sh\nrm $1\n", "scripts/b.txt": "rm $1\n"},
     "scripts/a:2: shell")

# --- docs --------------------------------------------------------------------


def layout_tree():
    files = {}
    for path in ("scripts/generate-docs", "scripts/generate/layout.c",
                 "include/boot/layout.h", "include/base/address.h",
                 "include/base/bits.h", "docs/layout.md",
                 "scripts/generate/locks.c", "kernel/arch/lock_ranks.h",
                 "include/base/atomic.h", "include/base/atomic_builtin.h",
                 "docs/locks.md", "scripts/lint/house.py",
                 "scripts/lint/layers.py", "scripts/lint/tree.py"):
        files[path] = (TOP / path).read_text(encoding="utf-8")
    files["kernel/log/log.h"] = "/* log.h - the log. */\n"
    files["kernel/log/late.S"] = "/* The last word. */\n"
    files["docs/house.md"] = house(files)
    return files


def house(files):
    """The page as the generator makes it of these files."""
    with tempfile.TemporaryDirectory(prefix="bulldog-lint.") as name:
        for path, text in files.items():
            (pathlib.Path(name) / path).parent.mkdir(parents=True,
                                                     exist_ok=True)
            (pathlib.Path(name) / path).write_text(text, encoding="utf-8")
        return subprocess.run(
            [TOP / "scripts/lint/house.py"], check=True, text=True,
            env=dict(os.environ, LINT_ROOT=name, GIT_DIR=name + "/.git"),
            stdout=subprocess.PIPE).stdout


def changed(files, path, old, new):
    assert old in files[path], (path, old)
    return dict(files, **{path: files[path].replace(old, new, 1)})


case("docs_pass_when_current", "docs", layout_tree())
case("docs_refuse_a_page_that_is_behind_the_header", "docs",
     changed(layout_tree(), "include/boot/layout.h",
             "kernel image in 2 MiB pages", "kernel image"),
     "docs/layout.md:1: docs")
case("docs_refuse_a_new_slot_that_is_not_listed", "docs",
     changed(layout_tree(), "include/boot/layout.h", "#define FIXMAP_SLOT\t",
             "#define NEW_SLOT\t\t0xffffc00088000000\n"
             "#define FIXMAP_SLOT\t"), "docs/layout.md:1: docs")
case("docs_refuse_a_lock_order_that_is_behind_the_header", "docs",
     changed(layout_tree(), "kernel/arch/lock_ranks.h",
             "ROW(LOG, log,", "ROW(LOG, logs,"),
     "docs/locks.md:1: docs")
case("docs_refuse_a_lock_of_tasks_inside_one_of_handlers", "docs",
     changed(layout_tree(), "kernel/arch/lock_ranks.h", "console, INTERRUPT",
             "console, TASK"), "scripts/generate-docs:0: docs")
case("docs_refuse_areas_out_of_order", "docs",
     changed(layout_tree(), "include/boot/layout.h",
             "#define VMEM_START\t\t0xffffc01000000000",
             "#define VMEM_START\t\t0xffffc00000000000"),
     "scripts/generate-docs:0: docs")

case("docs_refuse_a_house_with_a_room_more", "docs",
     changed(layout_tree(), "scripts/lint/layers.py",
             '    "log": "', '    "attic": "x",\n    "log": "'),
     "scripts/lint/house.py:1: docs")
case("docs_refuse_a_house_without_a_new_file", "docs",
     dict(layout_tree(), **{"kernel/log/serial.c": "/* The serial port. */\n"}),
     "docs/house.md:1: docs")
case("docs_refuse_a_file_that_states_no_purpose", "docs",
     dict(layout_tree(), **{"kernel/log/serial.c": "int x;\n"}),
     "kernel/log/serial.c:1: docs")

# --- links -------------------------------------------------------------------

PAGES = {"README.md": "[a](docs/a.md) [all](docs/decisions/) [web](https://x)",
         "docs/a.md": "see [b](b.md#part), [the README](../README.md)",
         "docs/b.md": "", "docs/decisions/0001-x.md": "",
         "mm/a.c": "/* docs/b.md has it. */"}
case("links_pass_when_each_page_is_found", "links", PAGES)
case("links_refuse_a_page_without_a_link", "links",
     dict(PAGES, **{"docs/c.md": "[me](c.md)"}), "docs/c.md:1: links")
case("links_refuse_a_page_that_is_not_there", "links",
     dict(PAGES, **{"docs/b.md": "\n[c](c.md)",
                    "mm/a.c": "/* See\n docs/c.md. */"}),
     "docs/b.md:2: links", "mm/a.c:2: links")
case("links_refuse_a_source_that_is_not_there", "links",
     {"README.md": "`mm/gone.c`\n", "mm/a.c": "/*\n * gone.c has\n * it, and"
      " tests/gone.py. */\nint a; /* boot/a.h */\n", "include/mm/a.h": "",
      "scripts/a.py": "A = 1  # gone.h\n", "a.S": "// mm/a.c, a.md\n"},
     "README.md:1: links", "mm/a.c:2: links", "mm/a.c:3: links",
     "mm/a.c:4: links", "scripts/a.py:1: links", "a.S:1: links")
case("links_pass_names_of_sources_with_or_without_their_folders", "links",
     {"README.md": "`a.c`, `mm/a.c` and `include/mm/a.h`, README.md, and "
      "[old ones](docs/decisions/)\n",
      "mm/a.c": "#include <none.h>\n/* mm/a.h, a.c, x.c, mm/x/y.c; a.b->c.h()"
      ", build/*.c, list.code */\nconst char *a = \"gone.c\";\n",
      "include/mm/a.h": "", "docs/decisions/0001-x.md": "It was gone.c.\n"})
