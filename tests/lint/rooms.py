# SPDX-License-Identifier: MIT OR Apache-2.0
"""The order of rooms, from includes and from symbols."""

from case import case


def layer(name, path, include, *want, **others):
    files = {path: include + "\n"}
    files.update(others.get("files", {}))
    case(name, "layers", files, *[w % path for w in want])


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
look("layers_refuse_an_unknown_room", "mm/attic.c",
     "#include <base/bits.h>", "%s:1: layer")
look("layers_refuse_an_unknown_folder", "attic/x.c",
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
