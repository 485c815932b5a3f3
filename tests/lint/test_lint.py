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

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SPDX = "// SPDX-License-" "Identifier: MIT OR Apache-2.0\n"
HASH_SPDX = "# SPDX-License-" "Identifier: MIT OR Apache-2.0\n"
STATUS_H = ("#ifndef S_H\n#define S_H\n"
            "enum [[nodiscard]] status { ST_OK };\n"
            "enum status give(int page);\n#endif\n")
# Split, so that the checkers do not find them in this file.
UNFINISHED = "TO" "DO"
ONES_HOME = "/ho" "me/alice/x"

# name: (check, {path: text}, ["path:line: rule", ...])
CASES = {}


def case(name, check, files, *want):
    assert name not in CASES, name
    CASES[name] = (check, files, sorted(want))


def layer(name, path, include, *want, **others):
    files = {path: include + "\n"}
    files.update(others.get("files", {}))
    case(name, "layers", files, *[w % path for w in want])


def guarded(body):
    return "#ifndef X_H\n#define X_H\n" + body + "#endif\n"


def function(lines):
    """A function of that many lines, its head and braces included."""
    return SPDX + "\nint f(void)\n{\n" + "\tf();\n" * (lines - 4) + \
        "\treturn 0;\n}\n"


# --- layers ------------------------------------------------------------------

EMPTY = {"include/mm/region.h": "", "include/mm/table.h": "",
         "include/arch/mmu.h": "", "include/base/bits.h": "",
         "include/boot/elf.h": "", "include/mm/frame.h": "",
         "include/mm/frame_cache.h": "", "include/abi/errno.h": "",
         "kernel/log/log.h": "", "kernel/arch/gdt.h": "",
         "kernel/debug/panic.h": "", "kernel/main.h": "",
         "mm/table/internal.h": "", "efi/loader.h": "#include <efi.h>\n",
         "tests/support/check.h": "", "mm/boot/elf.h": ""}


def look(name, path, include, *want):
    layer(name, path, include, *want, files={
        k: v for k, v in EMPTY.items() if k != path})


look("layers_let_a_room_see_earlier_rooms", "mm/table/table.c",
     "#include <mm/region.h>\n#include <base/bits.h>\n#include <boot/elf.h>")
look("layers_refuse_a_later_room", "mm/region.c", "\n#include <mm/table.h>",
     "%s:2: layer")
look("layers_know_a_part_of_a_room_by_its_name", "mm/region_sweep_edges.c",
     "#include <mm/table.h>", "%s:1: layer")
look("layers_know_a_room_by_its_folder", "mm/frame/depot.c",
     "#include <mm/frame_cache.h>")
look("layers_refuse_a_later_room_in_a_folder", "mm/table/depot.c",
     "#include <mm/frame_cache.h>", "%s:1: layer")
look("layers_know_the_room_of_a_header_by_the_list",
     "include/mm/kernel_tables.h", "#include <mm/frame.h>", "%s:1: layer")
look("layers_refuse_a_header_that_looks_ahead", "include/mm/region.h",
     "#include <mm/table.h>", "%s:1: layer")
look("layers_refuse_base_that_sees_boot", "mm/base/bits.c",
     "#include <boot/elf.h>", "%s:1: layer")
look("layers_refuse_a_room_that_nobody_knows", "mm/attic.c",
     "#include <base/bits.h>", "%s:1: layer")
look("layers_refuse_a_house_that_nobody_knows", "attic/x.c",
     "#include <base/bits.h>", "%s:1: layer")
look("layers_let_table_know_the_processor", "mm/table_walk.c",
     "#include <arch/mmu.h>")
look("layers_refuse_a_processor_below_table", "mm/region.c",
     "#include <arch/mmu.h>", "%s:1: layer")
look("layers_refuse_libc_in_mm", "mm/region.c", "#include <stdlib.h>",
     "%s:1: layer")
look("layers_let_mm_use_the_compilers_headers", "mm/region.c",
     "#include <stdint.h>\n#include <stddef.h>\n#include <stdarg.h>\n"
     "#include <stdbool.h>")
look("layers_let_one_file_wrap_the_formatter", "mm/base/text.c",
     "#include <stb/stb_sprintf.h>")
look("layers_refuse_the_formatter_elsewhere", "mm/region.c",
     "#include <stb/stb_sprintf.h>", "%s:1: layer")
look("layers_refuse_the_kernel_in_mm", "mm/table/table.c",
     '#include "../kernel/log.h"', "%s:1: layer")
look("layers_refuse_a_test_header_in_mm", "mm/table/table.c",
     "#include <check.h>", "%s:1: layer")
look("layers_let_efi_use_gnu_efi", "efi/main.c",
     '#include <efi.h>\n#include <efilib.h>\n#include "loader.h"\n'
     "#include <mm/table.h>")
look("layers_refuse_efi_that_sees_beyond_table", "efi/main.c",
     "#include <mm/frame.h>", "%s:1: layer")
look("layers_refuse_the_kernel_in_efi", "efi/main.c",
     "#include <kernel/log/log.h>", "%s:1: layer")
look("layers_refuse_gnu_efi_in_the_kernel", "kernel/main.c",
     "#include <efi.h>", "%s:1: layer")
look("layers_refuse_gnu_efi_in_mm", "mm/region.c", "#include <efilib.h>",
     "%s:1: layer")
look("layers_refuse_gnu_efi_in_a_host_test", "tests/unit/test_x.c",
     "#include <efi.h>", "%s:1: layer")
look("layers_let_the_firmware_tests_use_gnu_efi", "tests/firmware/app.c",
     "#include <efi.h>")
look("layers_let_the_kernel_see_mm_and_abi", "kernel/main.c",
     "#include <mm/frame_cache.h>\n#include <abi/errno.h>\n"
     "#include <kernel/log/log.h>\n#include <arch/mmu.h>")
look("layers_refuse_efi_files_in_the_kernel", "kernel/main.c",
     "#include <efi/loader.h>", "%s:1: layer")
look("layers_refuse_mm_in_user_programs", "user/sh.c",
     "#include <abi/errno.h>\n#include <base/bits.h>\n"
     "#include <mm/region.h>", "%s:3: layer")
look("layers_refuse_a_header_that_is_not_there", "kernel/main.c",
     '#include "nowhere.h"', "%s:1: layer")
look("layers_refuse_libc_in_the_kernel", "kernel/main.c",
     "#include <stdio.h>", "%s:1: layer")

look("layers_let_a_room_of_the_kernel_see_earlier_ones", "kernel/log/log.c",
     '#include "log.h"\n#include <kernel/arch/gdt.h>')
look("layers_refuse_a_later_room_of_the_kernel", "kernel/log/log.c",
     '#include "log.h"\n#include <kernel/debug/panic.h>', "%s:2: layer")
look("layers_refuse_a_header_of_the_kernel_that_looks_ahead",
     "kernel/arch/gdt.h", "#include <kernel/log/log.h>", "%s:1: layer")
look("layers_let_main_see_every_room", "kernel/main.c",
     "#include <kernel/arch/gdt.h>\n#include <kernel/debug/panic.h>")
look("layers_refuse_main_in_a_room", "kernel/debug/panic.c",
     "#include <kernel/main.h>", "%s:1: layer")
look("layers_refuse_a_room_of_the_kernel_that_is_not_listed",
     "kernel/attic/x.c", "#include <base/bits.h>", "%s:1: layer")
look("layers_refuse_brackets_inside_a_room", "kernel/log/log.c",
     "#include <kernel/log/log.h>", "%s:1: layer")
look("layers_refuse_a_relative_path_into_a_room", "kernel/log/log.c",
     '#include "../arch/gdt.h"', "%s:1: layer")
look("layers_refuse_a_room_of_mm_that_opens_another", "mm/frame/pool.c",
     "#include <mm/table/internal.h>", "%s:1: layer")
case("layers_let_the_host_tool_see_hosted_files", "layers",
     {"kernel/HOSTED": "# a list\nkernel/lib/number.c\n",
      "kernel/lib/number.h": "", "scripts/bulldog/main.c":
      "#include <kernel/lib/number.h>\n#include <stdio.h>\n"})
case("layers_refuse_other_files_of_the_kernel_in_the_host_tool", "layers",
     {"kernel/HOSTED": "", "kernel/lib/number.h": "",
      "scripts/bulldog/main.c": "#include <kernel/lib/number.h>\n"},
     "scripts/bulldog/main.c:1: layer")

# --- objects -----------------------------------------------------------------


def calls(own, *others):
    """A C file that defines `own` and calls the others."""
    return "".join("void %s(void);\n" % name for name in (own, *others)) + \
        "void %s(void)\n{\n%s}\n" % (
            own, "".join("\t%s();\n" % name for name in others))


ASM = "void %s(void)\n{\n\tasm(\"cli\");\n}\n"
ROOMS = {"kernel/arch/trap.c": ASM % "trap", "kernel/sync/ipi.c":
         calls("ipi", "trap", "region"), "mm/region.c": calls("region")}


def objects(name, files, *want):
    case("objects_" + name, "objects", dict(ROOMS, **files), *want)


objects("pass_calls_of_earlier_rooms", {"kernel/main.c": calls(
    "kernel_main", "ipi", "trap"), "kernel/sync/call.c": calls("call", "ipi")})
objects("refuse_a_call_of_a_later_room",
        {"kernel/arch/gdt.c": calls("gdt", "ipi")},
        "kernel/arch/gdt.c:1: symbol")
objects("refuse_a_call_of_a_later_room_from_assembler",
        {"kernel/arch/entry.S": "call ipi\n"}, "kernel/arch/entry.S:1: symbol")
objects("pass_the_entry_into_main",
        {"kernel/arch/entry.S": "call kernel_main\n",
         "kernel/main.c": calls("kernel_main", "ipi")})
objects("pass_a_seam",
        {"include/arch/mmu.h": "void flush(void);\n",
         "kernel/sync/flush.c": calls("flush", "trap"),
         "mm/table/step.c": calls("step", "flush"),
         "mm/early.c": calls("early", "assert_failed"),
         "include/base/assert.h": "void assert_failed(void);\n",
         "kernel/debug/panic.c": calls("assert_failed", "trap")})
objects("refuse_mm_that_calls_the_kernel",
        {"mm/early.c": calls("early", "ipi")}, "mm/early.c:1: symbol")
objects("refuse_a_call_of_a_later_room_of_mm",
        {"mm/early.c": calls("early", "region"),
         "mm/region.c": calls("region", "early_other"),
         "mm/early_other.c": calls("early_other")}, "mm/region.c:1: symbol")
objects("refuse_a_call_of_a_later_file_in_a_folder_with_an_order",
        {"mm/table/step.c": calls("step", "table"),
         "mm/table/table.c": calls("table"),
         "mm/table/change.c": calls("change", "step")},
        "mm/table/step.c:1: symbol")
objects("refuse_a_file_that_the_order_of_its_folder_lacks",
        {"mm/table/other.c": calls("other")}, "mm/table/other.c:1: symbol")
objects("refuse_a_circle_of_files",
        {"kernel/arch/a.c": calls("a", "b", "trap"),
         "kernel/arch/b.c": calls("b", "c"),
         "kernel/arch/c.c": calls("c", "a")},
        "kernel/arch/a.c:1: circle", "kernel/arch/b.c:1: circle",
        "kernel/arch/c.c:1: circle")
objects("pass_a_circle_of_assembler_and_its_own_file",
        {"kernel/arch/gate.c": calls("gate", "gate_return", "trap"),
         "kernel/arch/gate.S": ".globl gate_return\ngate_return:\ncall gate\n"})
objects("refuse_a_listed_file_that_needs_the_kernel",
        {"kernel/HOSTED": "kernel/sync/ipi.c\n"},
        "kernel/sync/ipi.c:1: hosted")
objects("refuse_a_listed_file_that_is_not_there",
        {"kernel/HOSTED": "kernel/lib/none.c\n"}, "kernel/HOSTED:1: hosted")
objects("refuse_an_unlisted_file_that_could_be_hosted",
        {"kernel/HOSTED": "kernel/lib/number.c\n",
         "kernel/lib/number.c": calls("number", "region"),
         "kernel/lib/name.c": calls("name", "number"),
         "kernel/arch/clock.c": '#include "clock.h"\n' + calls("clock"),
         "kernel/arch/clock.h": "static " + ASM % "halt"},
        "kernel/lib/name.c:1: hosted")
objects("refuse_a_room_that_the_loader_does_not_link",
        {"efi/main.c": calls("efi_main", "region"),
         "mm/early.c": calls("early"),
         "Makefile": "loader-rooms:\n\t@echo mm/region.c mm/early.c\n"},
        "Makefile:1: loader")
case("objects_refuse_a_tree_that_is_not_built", "objects",
     {"kernel/lib/number.c": "int x = ;\n"}, "kernel/lib/number.c:1: object")

# --- allowed -----------------------------------------------------------------

UPWARD = {"kernel/arch/a.c": "#include <kernel/log/log.h>\n",
          "kernel/arch/b.c": "#include <kernel/log/log.h>\n",
          "kernel/log/log.h": ""}


def allow(path, count):
    return "# A list.\nlayers %s kernel/log/log.h %d\n" % (path, count)


case("allowed_passes_what_it_lists_and_nothing_else", "layers",
     dict(UPWARD, **{"scripts/lint/allowed.txt": allow("kernel/arch/a.c", 1)}),
     "kernel/arch/b.c:1: layer")
case("allowed_refuses_what_is_not_needed", "layers",
     {"kernel/arch/a.c": "", "scripts/lint/allowed.txt":
      allow("kernel/arch/a.c", 1) + "layers kernel/gone.c x.h 1\n"},
     "scripts/lint/allowed.txt:2: allowed",
     "scripts/lint/allowed.txt:3: allowed")

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
                 "scripts/generate/locks.c", "kernel/sync/lock.h",
                 "include/base/atomic.h", "include/base/atomic_builtin.h",
                 "docs/locks.md"):
        files[path] = (TOP / path).read_text(encoding="utf-8")
    return files


def changed(files, path, old, new):
    assert old in files[path], (path, old)
    return dict(files, **{path: files[path].replace(old, new, 1)})


case("docs_pass_when_current", "docs", layout_tree())
case("docs_refuse_a_page_that_is_behind_the_header", "docs",
     changed(layout_tree(), "include/boot/layout.h",
             "kernel image in 2 MiB pages", "kernel image"),
     "docs/layout.md:1: docs")
case("docs_refuse_a_new_slot_that_is_not_listed", "docs",
     changed(layout_tree(), "include/boot/layout.h", "#define PEEK_SLOT\t",
             "#define NEW_SLOT\t\t0xffffc00088000000\n"
             "#define PEEK_SLOT\t"), "docs/layout.md:1: docs")
case("docs_refuse_a_lock_order_that_is_behind_the_header", "docs",
     changed(layout_tree(), "kernel/sync/lock.h",
             "the serial port and the screen", "the serial port"),
     "docs/locks.md:1: docs")
case("docs_refuse_a_lock_of_tasks_inside_one_of_handlers", "docs",
     changed(layout_tree(), "kernel/sync/lock.h", "evidence, INTERRUPT",
             "evidence, TASK"), "scripts/generate-docs:0: docs")
case("docs_refuse_areas_out_of_order", "docs",
     changed(layout_tree(), "include/boot/layout.h",
             "#define ARENA_START\t\t0xffffc01000000000",
             "#define ARENA_START\t\t0xffffc00000000000"),
     "scripts/generate-docs:0: docs")

# --- links -------------------------------------------------------------------

PAGES = {"README.md": "[a](docs/a.md) [all](docs/decisions/) [web](https://x)",
         "docs/a.md": "see [b](b.md#part), [the README](../README.md)",
         "docs/b.md": "", "docs/decisions/0001-x.md": "",
         "mm/a.c": "/* docs/b.md has it. */"}
case("links_pass_when_each_page_is_found", "links", PAGES)
case("links_refuse_a_page_that_nobody_finds", "links",
     dict(PAGES, **{"docs/c.md": "[me](c.md)"}), "docs/c.md:1: links")
case("links_refuse_a_page_that_is_not_there", "links",
     dict(PAGES, **{"docs/b.md": "\n[c](c.md)",
                    "mm/a.c": "/* See\n docs/c.md. */"}),
     "docs/b.md:2: links", "mm/a.c:2: links")


# --- running -----------------------------------------------------------------

def lint(root, check):
    environment = dict(os.environ, LINT_ROOT=str(root),
                       BUILD=str(root / "build"))
    # Only the case's own files: no repository around them is asked.
    environment["GIT_DIR"] = str(root / "nowhere")
    return subprocess.run(
        [sys.executable, str(TOP / "scripts/lint/run"), "--only", check],
        env=environment, cwd=root, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False, text=True)


def build(root, files):
    """What objects reads: an object for each source, and a loader."""
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


def complaint(check, files, want):
    """What is wrong with the checker's answer, or an empty string."""
    with tempfile.TemporaryDirectory(prefix="bulldog-lint.") as name:
        root = pathlib.Path(name)
        shutil.copy(TOP / ".clang-format", root)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
            if text.startswith("#!") or path == "scripts/generate-docs":
                (root / path).chmod(0o755)
        if check == "objects":
            build(root, files)
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
