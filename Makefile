# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Bulldog's only build description.
# Order: settings, sources, kernel, loader, host, people, tests, lint, the rest.
#
#? make             build/BOOTX64.EFI, build/kernel.elf, build/host/bulldog
#? make run         boot under QEMU, serial port in this terminal
#?                  MEM=512M SMP=1 NUMA= KVM=1 CMDLINE= DISPLAY_BACKEND=
#?                  GDB=1 GDBPORT= QEMUFLAGS= V=1
#? make debug       the same, stopped in gdb at the kernel's first instruction
#? make test        all tests; test-host and test-boot are its halves
#? make bench       the numbers of docs/numbers.md, measured
#? make fuzz        long random runs and every planted mistake
#? make lint        layers, style, formats, shell scripts, documents
#? make docs        writes the generated documents
#? make image       build/bulldog.img, a disk with BOOTX64.EFI on it
#? make usb DIR=    copies BOOTX64.EFI to the stick that is mounted there;
#?                  FORCE=1 takes any folder
#? make sign        build/BOOTX64.signed.EFI; SIGN_KEY= SIGN_CERT=
#? make check-one   one test: TEST=test_region [COMPILER=clang] [CASE=part]
#? make clean       removes build/

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

# --- settings ------------------------------------------------------------
BUILD ?= build
CC := gcc
CLANG := clang
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(patsubst $(CURDIR)/%,%,$(2))')

WARNINGS := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif
COMMON := -std=gnu2x -g -Iinclude -I. $(WARNINGS) -fno-common \
	"-ffile-prefix-map=$(CURDIR)/="

# --- sources -------------------------------------------------------------
ROOM_SOURCES := $(sort $(wildcard mm/*.c mm/*/*.c))
# Files of the kernel that also run on the host; scripts/lint proves the list.
HOSTED := $(shell sed '/^\#/d' kernel/HOSTED)
HOSTED_ROOMS := $(filter-out mm/base/string.c,$(ROOM_SOURCES)) $(HOSTED)

KERNEL_SOURCES := $(sort $(wildcard kernel/*.c kernel/*/*.c))
KERNEL_ASSEMBLY := $(sort $(wildcard kernel/*.S kernel/*/*.S))
KERNEL_ASSEMBLY := $(filter-out %.lds.S,$(KERNEL_ASSEMBLY))
LOADER_SOURCES := $(sort $(wildcard efi/*.c))
# The files of mm/ that the loader links.
LOADER_ROOMS := $(sort $(wildcard mm/base/*.c mm/boot/*.c)) mm/sweep.c \
	mm/region.c mm/region_runs.c mm/memtype.c mm/early.c mm/table/table.c \
	mm/table/step.c mm/table/kernel_tables.c
LOADER_ASSEMBLY := $(sort $(filter-out %_blob.S,$(wildcard efi/*.S)))

.PHONY: all products
all: setup-build
	$(Q)$(MAKE) --no-print-directory products

products: $(BUILD)/BOOTX64.EFI $(BUILD)/kernel.elf $(BUILD)/host/bulldog \
	compile_commands.json

# Both the loader and the kernel have no C library, no SSE, no red zone.
BARE := $(COMMON) -O2 -ffreestanding -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-builtin-printf \
	-fcf-protection=none -fno-delete-null-pointer-checks \
	-ffunction-sections -fdata-sections
# GCC must not turn the loops of memcpy and memset into calls of themselves.
NO_LOOP_CALLS := -fno-tree-loop-distribute-patterns

# --- fonts: from the distribution, cut down to what the console shows ------
FONT_FOLDER ?= /usr/share/consolefonts
FONTS := $(patsubst %,$(BUILD)/fonts/spleen-%.psf,5x8 8x16 12x24 16x32 32x64)

$(BUILD)/host/psf_trim: scripts/psf_trim.c kernel/console/psf_font.c
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(COMMON) -O1 -o $@ $^

$(BUILD)/fonts/%.psf: $(FONT_FOLDER)/%.psfu.gz $(BUILD)/host/psf_trim
	$(call say,FONT,$@)
	$(Q)mkdir -p $(@D)
	$(Q)zcat $< | $(BUILD)/host/psf_trim > $@

$(BUILD)/kernel/kernel/console/font.S.o: $(FONTS)
$(BUILD)/kernel/kernel/console/font.S.o: KERNEL_FLAGS += -Wa,-I$(BUILD)/fonts

# --- kernel ----------------------------------------------------------------
KERNEL_FLAGS := $(BARE) -mcmodel=kernel -fno-pic -fno-omit-frame-pointer
KERNEL_OBJECTS := $(patsubst %,$(BUILD)/kernel/%.o,\
	$(KERNEL_SOURCES) $(KERNEL_ASSEMBLY) $(ROOM_SOURCES))

$(BUILD)/kernel/%.c.o: %.c Makefile
	$(call say,KCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) $(if $(filter %/string.c,$<),$(NO_LOOP_CALLS)) \
		-MMD -MP -c -o $@ $<

$(BUILD)/kernel/%.S.o: %.S Makefile
	$(call say,KAS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/kernel/kernel.lds: kernel/kernel.lds.S
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp -D__ASSEMBLER__ -Iinclude -MMD -MP \
		-MT $@ -MF $(@:.lds=.lds.d) -o $@ $<

KERNEL_LINK = $(CC) -nostdlib -static -no-pie -Wl,-T,$(BUILD)/kernel/kernel.lds \
	-Wl,-z,max-page-size=4096 -Wl,--build-id=none -Wl,-z,noexecstack \
	-Wl,--no-warn-rwx-segments -Wl,--gc-sections

# Twice: the second link has the names of the first in its rodata. That they
# still fit is checked by making them once more, from the second.
SYMBOLS_MAKE = LC_ALL=C awk -f scripts/symbols.awk

$(BUILD)/kernel/no_symbols.S: scripts/symbols.awk
	$(Q)mkdir -p $(@D)
	$(Q)$(SYMBOLS_MAKE) </dev/null >$@

$(BUILD)/kernel/symbols.S: $(BUILD)/kernel.pass1.elf scripts/symbols.awk
	$(Q)LC_ALL=C nm -n $< | $(SYMBOLS_MAKE) >$@

$(BUILD)/kernel/symbols.o $(BUILD)/kernel/no_symbols.o: %.o: %.S Makefile
	$(call say,KAS,$@)
	$(Q)$(CC) $(KERNEL_FLAGS) -c -o $@ $<

$(BUILD)/kernel.pass1.elf: $(KERNEL_OBJECTS) $(BUILD)/kernel/no_symbols.o \
		$(BUILD)/kernel/kernel.lds
	$(call say,LINK,$@)
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJECTS) $(BUILD)/kernel/no_symbols.o

$(BUILD)/kernel.elf: $(KERNEL_OBJECTS) $(BUILD)/kernel/symbols.o \
		$(BUILD)/kernel/kernel.lds
	$(call say,LINK,$@)
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJECTS) $(BUILD)/kernel/symbols.o
	$(Q)LC_ALL=C nm -n $@ | $(SYMBOLS_MAKE) | cmp - $(BUILD)/kernel/symbols.S

$(BUILD)/kernel.stripped.elf: $(BUILD)/kernel.elf
	$(call say,STRIP,$@)
	$(Q)strip --strip-all -o $@ $<

# --- loader ----------------------------------------------------------------
EFI_INCLUDE := /usr/include/efi
# Debian, then Fedora, then Arch.
EFI_LIBRARY := $(patsubst %/crt0-efi-x86_64.o,%,$(firstword $(wildcard \
	$(addsuffix /crt0-efi-x86_64.o,/usr/lib /usr/lib64/gnuefi /usr/lib/gnuefi))))
LOADER_FLAGS := $(BARE) -Os -fpic -fshort-wchar -fvisibility=hidden \
	-DGNU_EFI_USE_MS_ABI -isystem $(EFI_INCLUDE) \
	-isystem $(EFI_INCLUDE)/x86_64
# Loops over the map and over gigabytes: by time, not by size.
LOADER_LOOPS := mm/table/table.c mm/base/sort.c mm/sweep.c mm/region.c
LOADER_OBJECTS := $(patsubst %,$(BUILD)/efi/%.o,\
	$(LOADER_SOURCES) $(LOADER_ASSEMBLY) $(LOADER_ROOMS))

$(BUILD)/efi/%.c.o: %.c Makefile
	$(call say,EFICC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LOADER_FLAGS) $(if $(filter %/string.c,$<),$(NO_LOOP_CALLS)) \
		$(if $(filter $(LOADER_LOOPS),$<),-O2) -MMD -MP -c -o $@ $<

$(BUILD)/efi/%.S.o: %.S Makefile
	$(call say,EFIAS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LOADER_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/efi/kernel_blob.o: efi/kernel_blob.S $(BUILD)/kernel.stripped.elf
	$(call say,EFIAS,$@)
	$(Q)$(CC) $(LOADER_FLAGS) -DKERNEL_FILE='"$(BUILD)/kernel.stripped.elf"' \
		-c -o $@ $<

$(BUILD)/efi/font_blob.o: efi/font_blob.S $(BUILD)/fonts/spleen-8x16.psf
	$(call say,EFIAS,$@)
	$(Q)$(CC) $(LOADER_FLAGS) -DFONT_FILE='"$(BUILD)/fonts/spleen-8x16.psf"' \
		-c -o $@ $<

# The crt0 of gnu-efi 3.0.18 calls _entry: in libefi, that is InitializeLib and
# then efi_main. The loader is linked without libefi, so it is efi_main at once,
# as in 3.0.15.
EFI_LINK = ld -nostdlib -shared -Bsymbolic -znocombreloc --no-undefined \
	--no-warn-rwx-segments -z noexecstack --build-id=none --gc-sections \
	--defsym=_entry=efi_main $(EFI_LIBRARY)/crt0-efi-x86_64.o
PE_SECTIONS := .text .reloc .rodata .sbat .data .dynamic .rela .dynsym .kernel
PE_COPY = objcopy -S $(addprefix -j ,$(PE_SECTIONS)) \
	--output-target=efi-app-x86_64 --section-alignment=4096

LOADER_BLOBS := $(BUILD)/efi/kernel_blob.o $(BUILD)/efi/font_blob.o
$(BUILD)/loader.so: $(LOADER_OBJECTS) $(LOADER_BLOBS) efi/loader.lds
	$(call say,LINK,$@)
	$(Q)$(EFI_LINK) -T efi/loader.lds -o $@ $(LOADER_OBJECTS) $(LOADER_BLOBS) \
		$(EFI_LIBRARY)/libgnuefi.a

$(BUILD)/host/pe_finish: scripts/pe_finish.c
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(COMMON) -O1 -o $@ $<

$(BUILD)/BOOTX64.EFI: $(BUILD)/loader.so $(BUILD)/host/pe_finish
	$(call say,PE,$@)
	$(Q)$(PE_COPY) $< $@
	$(Q)$(BUILD)/host/pe_finish $@ $<

# --- host: tool and tests --------------------------------------------------
# Rooms that a program does not enter may ask for what it does not have.
HOST_FLAGS := $(COMMON) -O2 -pthread -ffunction-sections -Wl,--gc-sections
TEST_FOLDERS := -Itests/support -Itests/fake -Itests/explorer
CHECK_FLAGS := $(COMMON) -O1 $(TEST_FOLDERS) -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all -pthread
TOOL_SOURCES := $(sort $(wildcard scripts/bulldog/*.c))
# tests/explorer/test_seam.c is a program of the explorer's own build.
UNIT_SOURCES := $(sort $(wildcard tests/unit/*/test_*.c) \
	$(filter-out %/test_seam.c,$(wildcard tests/explorer/test_*.c)))
UNIT_TESTS := $(notdir $(UNIT_SOURCES:.c=))
FAKE_SOURCES := $(sort $(wildcard tests/support/*.c tests/fake/*.c) \
	$(filter-out tests/explorer/test_%,$(wildcard tests/explorer/*.c)))

host_objects = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

$(BUILD)/host/%.o: %.c
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/host/bulldog: $(call host_objects,host,$(TOOL_SOURCES) $(HOSTED_ROOMS))
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) -o $@ $^

# A test's object is looked up by its name: it may be in any folder.
.SECONDEXPANSION:
PERCENT := %
define check_rules
$$(BUILD)/check-$(1)/%.o: %.c
	$$(call say,$(2),$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) $$(CHECK_FLAGS) -MMD -MP -c -o $$@ $$<

# An archive, since some tests include a file of a room instead of linking it.
$$(BUILD)/check-$(1)/rooms.a: $$(call host_objects,check-$(1),$$(HOSTED_ROOMS))
	$$(Q)rm -f $$@
	$$(Q)ar rcs $$@ $$^

$$(addprefix $$(BUILD)/check-$(1)/,$$(UNIT_TESTS)): $$(BUILD)/check-$(1)/%: \
		$$$$(filter $$$$(BUILD)/check-$(1)/tests/$$$$(PERCENT)/$$$$*.o,\
			$$$$(call host_objects,check-$(1),$$$$(UNIT_SOURCES))) \
		$$(call host_objects,check-$(1),$$(FAKE_SOURCES)) \
		$$(BUILD)/check-$(1)/rooms.a
	$$(call say,LINK,$$@)
	$$(Q)$(2) $$(CHECK_FLAGS) -o $$@ $$^
endef
# The loader itself, against a firmware made of bookkeeping: its headers for
# instructions come before the real ones.
LOADER_CHECK_FLAGS := -Itests/loader/include $(CHECK_FLAGS) -fshort-wchar \
	-DGNU_EFI_USE_MS_ABI -isystem $(EFI_INCLUDE) -isystem $(EFI_INCLUDE)/x86_64
LOADER_CHECKED := $(filter-out efi/mmu.c,$(LOADER_SOURCES)) \
	$(sort $(wildcard tests/loader/*.c))

define loader_check_rules
$$(BUILD)/check-$(1)/loader_bench/%.o: %.c
	$$(call say,$(2),$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) $$(LOADER_CHECK_FLAGS) -MMD -MP -c -o $$@ $$<

$$(BUILD)/check-$(1)/test_loader: \
		$$(call host_objects,check-$(1)/loader_bench,$$(LOADER_CHECKED)) \
		$$(call host_objects,check-$(1),tests/support/check.c \
			tests/fake/fake_mmu.c tests/fake/fake_cpu.c) \
		$$(BUILD)/check-$(1)/rooms.a
	$$(call say,LINK,$$@)
	$$(Q)$(2) $$(CHECK_FLAGS) -o $$@ $$^
endef
# exit.c calls the switch page, a copy: clang would read the type of a function
# in front of it, which is not allocated.
$(BUILD)/check-clang/loader_bench/efi/exit.o: \
	LOADER_CHECK_FLAGS += -fno-sanitize=function
$(eval $(call loader_check_rules,gcc,$(CC)))
$(eval $(call loader_check_rules,clang,$(CLANG)))
$(eval $(call check_rules,gcc,$(CC)))
$(eval $(call check_rules,clang,$(CLANG)))
.SECONDARY:

# One test binary: make check-one TEST=test_region [COMPILER=gcc] [CASE=part]
COMPILER ?= gcc
.PHONY: check-one
check-one: $(if $(filter 1,$(words $(TEST))),\
		$(patsubst %,$(BUILD)/check-$(COMPILER)/%,\
			$(filter $(TEST),$(UNIT_TESTS) test_loader)))
	@test -n "$<" || { echo 'check-one: TEST=$(TEST) is no file of tests/unit: name one of them, as in make check-one TEST=test_region'; exit 1; }
	$(Q)$< $(CASE)

# --- every interleaving: mm against instrumented atomics ----------------------
EXPLORE_FLAGS := -Itests/explorer/include $(COMMON) -O2 $(TEST_FOLDERS) \
	-ffunction-sections -Wl,--gc-sections -pthread
EXPLORE_TESTS := test_seam

$(BUILD)/explore-gcc/%.o: %.c
	$(call say,explore,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(EXPLORE_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/explore-gcc/test_%: $(BUILD)/explore-gcc/tests/explorer/test_%.o \
		$(call host_objects,explore-gcc,$(HOSTED_ROOMS) $(FAKE_SOURCES))
	$(call say,LINK,$@)
	$(Q)$(CC) $(EXPLORE_FLAGS) -o $@ $^

# --- missing synchronisation: real threads, watched ---------------------------
# It does not know fences; the one there is orders what a wrong free looks at.
TSAN_FLAGS := $(COMMON) -O1 $(TEST_FOLDERS) -fno-omit-frame-pointer \
	-fsanitize=thread -pthread -Wno-tsan
TSAN_TESTS := test_frame_threads test_frame_threads_mixed

$(BUILD)/check-tsan/%.o: %.c
	$(call say,tsan,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TSAN_FLAGS) -MMD -MP -c -o $@ $<

# An archive: rooms that a test does not enter may ask for what it lacks.
$(BUILD)/check-tsan/rooms.a: $(call host_objects,check-tsan,$(HOSTED_ROOMS))
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/check-tsan/test_%: $(BUILD)/check-tsan/tests/unit/mm/test_%.o \
		$(call host_objects,check-tsan,tests/support/check.c \
			tests/fake/fake_cpu.c tests/fake/fake_mmu.c \
			tests/support/frame_world.c) \
		$(BUILD)/check-tsan/rooms.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(TSAN_FLAGS) -o $@ $^

# --- what people type --------------------------------------------------------
# Each target first sees to it that the machine has what it needs.
.PHONY: setup-%
setup-%:
	$(Q)BUILD=$(BUILD) CC=$(CC) CLANG=$(CLANG) scripts/setup $*

export MEM SMP NUMA KVM CMDLINE GDB GDBPORT QEMUFLAGS V BUILD
export OVMF_CODE OVMF_VARS DISPLAY_BACKEND

.PHONY: run image usb debug
run: setup-run
	$(Q)$(MAKE) --no-print-directory image
	$(Q)scripts/run-qemu $(BUILD)/bulldog.img

image: setup-image
	$(Q)$(MAKE) --no-print-directory $(BUILD)/bulldog.img
$(BUILD)/bulldog.img: $(BUILD)/BOOTX64.EFI esp/BULLDOG.CFG scripts/make-image
	$(call say,IMAGE,$@)
	$(Q)scripts/make-image $< $@

debug: setup-debug
	$(Q)$(MAKE) --no-print-directory image
	$(Q)scripts/debug $(BUILD)/bulldog.img $(BUILD)/kernel.elf

# --- tests -------------------------------------------------------------------
UNIT_BINARIES := $(foreach compiler,gcc clang,\
	$(addprefix $(BUILD)/check-$(compiler)/,\
		$(UNIT_TESTS) test_loader)) \
	$(addprefix $(BUILD)/explore-gcc/,$(EXPLORE_TESTS))

.PHONY: test test-host test-boot test-programs
test: setup-test
	$(Q)$(MAKE) --no-print-directory test-programs
	$(Q)tests/run.py --build $(BUILD) $(UNIT_BINARIES)

test-host: setup-test
	$(Q)$(MAKE) --no-print-directory test-programs
	$(Q)tests/run.py --no-boot --build $(BUILD) $(UNIT_BINARIES)

test-boot: setup-test
	$(Q)$(MAKE) --no-print-directory test-programs
	$(Q)tests/run.py --build $(BUILD)

# Compiling is most of a first run: both cores, whatever -j says.
test-programs:
	$(Q)$(MAKE) --no-print-directory -j2 boot-programs $(UNIT_BINARIES) \
		bench-objects

# All that a boot test starts; tests/run.py --only asks for it.
.PHONY: boot-programs
boot-programs: products $(BUILD)/springboard.efi

# The springboard, with the hostile firmware in it.
SPRINGBOARD_OBJECTS := $(patsubst %,$(BUILD)/%.o,\
	$(sort $(wildcard tests/firmware/*.c tests/firmware/*.S)))

$(BUILD)/tests/firmware/%.o: tests/firmware/% Makefile
	$(call say,EFICC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LOADER_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/springboard.so: $(SPRINGBOARD_OBJECTS) efi/loader.lds
	$(call say,LINK,$@)
	$(Q)$(EFI_LINK) -T efi/loader.lds -o $@ $(SPRINGBOARD_OBJECTS) \
		$(EFI_LIBRARY)/libefi.a $(EFI_LIBRARY)/libgnuefi.a

$(BUILD)/springboard.efi: $(BUILD)/springboard.so
	$(call say,PE,$@)
	$(Q)$(PE_COPY) $< $@

# Compiled with the tests, since nothing else sees an error in them; but for
# what needs the header of valgrind. tests/bench/*.sh build what they run.
.PHONY: bench-objects
BENCH_OBJECTS := $(call host_objects,bench,\
	$(filter-out %/count_frames.c,$(wildcard tests/bench/*.c)))
$(BENCH_OBJECTS): $(BUILD)/bench/%.o: %.c
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -Itests/bench -DVERSION=1 -MMD -MP -c -o $@ $<
-include $(BENCH_OBJECTS:.o=.d)
bench-objects: $(BENCH_OBJECTS)

.PHONY: bench fuzz
bench: setup-bench
	$(Q)$(MAKE) --no-print-directory -j2 products $(BUILD)/springboard.efi
	$(Q)tests/bench/bench_boot.py --build $(BUILD)
	$(Q)tests/bench/bench_screen.py --build $(BUILD)
	$(Q)tests/bench/bench_table.sh
	$(Q)tests/bench/table_frames.py --build $(BUILD)

FUZZ_MAPS ?= 1000000
FUZZ_FILES ?= 1000000
FUZZ_TABLES ?= 1000000
FUZZ_FONTS ?= 1000000
FUZZ_SEED ?= 1
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_count_fuzz_regions = $(FUZZ_MAPS)
fuzz_count_fuzz_elf = $(FUZZ_FILES)
fuzz_count_fuzz_acpi = $(FUZZ_TABLES)
fuzz_count_fuzz_numa = $(FUZZ_TABLES)
fuzz_count_fuzz_psf = $(FUZZ_FONTS)
FUZZ_FLAGS := $(HOST_FLAGS) $(TEST_FOLDERS)

$(BUILD)/fuzz/%.o: %.c
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

FUZZ_HELPERS := $(filter-out tests/support/check.c,$(FAKE_SOURCES))
$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o \
		$(call host_objects,fuzz,$(HOSTED_ROOMS) $(FUZZ_HELPERS))
	$(call say,LINK,$@)
	$(Q)$(CC) $(FUZZ_FLAGS) -o $@ $^

# libFuzzer's own: coverage decides what is tried next. The corpora in the
# tree are seeds; what a run learns stays in build/.
# 10,000,000 each takes most of an hour on two cores.
FUZZ_RUNS ?= 1000000
FUZZ_TARGETS := $(patsubst tests/fuzz/target_%.c,%,$(wildcard tests/fuzz/target_*.c))
TARGET_FLAGS := $(COMMON) -O1 $(TEST_FOLDERS) -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all

$(BUILD)/targets/%.o: %.c
	$(call say,CLANG,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(TARGET_FLAGS) -MMD -MP -c -o $@ $<

# An archive, so that a target is linked with the rooms that it enters only.
$(BUILD)/targets/rooms.a: \
		$(call host_objects,targets,$(HOSTED_ROOMS))
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/targets/target_%: $(BUILD)/targets/tests/fuzz/target_%.o \
		$(BUILD)/targets/rooms.a
	$(call say,LINK,$@)
	$(Q)$(CLANG) $(TARGET_FLAGS) -o $@ $^

fuzz: setup-fuzz
	$(Q)$(MAKE) --no-print-directory -j2 products \
		$(addprefix $(BUILD)/fuzz/,$(FUZZERS)) \
		$(addprefix $(BUILD)/targets/target_,$(FUZZ_TARGETS))
	$(Q)tests/fuzz/run-targets $(BUILD) $(FUZZ_RUNS) $(FUZZ_TARGETS)
	$(Q)$(foreach fuzzer,$(FUZZERS),\
		$(BUILD)/fuzz/$(fuzzer) $(fuzz_count_$(fuzzer)) $(FUZZ_SEED) &&) true
	$(Q)tests/model/run.sh
	$(Q)tests/mutants/run.py
	$(Q)$(MAKE) --no-print-directory $(addprefix $(BUILD)/check-tsan/,\
		$(TSAN_TESTS))
	$(Q)$(foreach test,$(TSAN_TESTS),$(BUILD)/check-tsan/$(test) &&) true

# --- lint, documents, the rest ---------------------------------------------------
.PHONY: lint docs loader-rooms
# Symbols are read from the objects, so these are built first.
lint: setup-lint
	$(Q)$(MAKE) --no-print-directory -j2 products
	$(Q)BUILD=$(BUILD) scripts/lint/run

# For scripts/lint/objects.py.
loader-rooms:
	@echo $(LOADER_ROOMS)

docs: setup-docs
	$(Q)scripts/generate-docs

# Each time: a new file changes no rule. It is written only when it differs.
.PHONY: every-time
every-time:

compile_commands.json: every-time
	$(Q)scripts/compile-commands $@ \
		-- $(CC) $(KERNEL_FLAGS) : $(KERNEL_SOURCES) $(ROOM_SOURCES) \
		-- $(CC) $(LOADER_FLAGS) : $(LOADER_SOURCES) \
			$(sort $(wildcard tests/firmware/*.c)) \
		-- $(CC) $(CHECK_FLAGS) : $(UNIT_SOURCES) $(FAKE_SOURCES) \
		-- $(CC) $(LOADER_CHECK_FLAGS) : $(wildcard tests/loader/*.c) \
		-- $(CC) $(EXPLORE_FLAGS) : tests/explorer/test_seam.c \
		-- $(CC) $(FUZZ_FLAGS) : $(wildcard tests/fuzz/fuzz_*.c) \
		-- $(CLANG) $(TARGET_FLAGS) : $(wildcard tests/fuzz/target_*.c) \
		-- $(CC) $(HOST_FLAGS) : $(TOOL_SOURCES) \
		-- $(CC) $(COMMON) -O2 -Itests/bench : \
			$(wildcard scripts/*.c tests/bench/*.c)

# For a machine with the snakeoil keys of Debian's ovmf; your own are better.
.PHONY: sign
sign: setup-sign
	$(Q)$(MAKE) --no-print-directory $(BUILD)/BOOTX64.EFI
	$(Q)scripts/sign $(BUILD)/BOOTX64.EFI $(BUILD)/BOOTX64.signed.EFI

# make usb DIR=/media/stick: the whole installation is one file.
usb: setup-build
	@FORCE=$(FORCE) scripts/copy-to-stick "$(DIR)"
	$(Q)$(MAKE) --no-print-directory $(BUILD)/BOOTX64.EFI
	@FORCE=$(FORCE) scripts/copy-to-stick "$(DIR)" $(BUILD)/BOOTX64.EFI

.PHONY: clean help
clean:
	$(Q)rm -rf $(BUILD) compile_commands.json

help:
	@sed -n 's/^#? //p' Makefile

OBJECT_FOLDERS := $(wildcard $(addprefix $(BUILD)/,kernel efi host check-gcc \
	check-clang check-tsan explore-gcc fuzz targets tests/firmware))
ifneq ($(OBJECT_FOLDERS),)
-include $(shell find $(OBJECT_FOLDERS) -type f -name '*.d')
endif
