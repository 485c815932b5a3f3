# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Bulldog's only build description. `make help` lists the targets.
# Order: settings, sources, loader, kernel, host, tests, lint, the rest.

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
COMMON := -std=gnu2x -g -Iinclude $(WARNINGS) -fno-common \
	-ffile-prefix-map=$(CURDIR)/=

# --- sources -------------------------------------------------------------
ROOM_SOURCES := $(sort $(wildcard mm/base/*.c mm/boot/*.c mm/*.c))
HOSTED_ROOMS := $(filter-out mm/base/string.c,$(ROOM_SOURCES))

# --- host: tool and tests --------------------------------------------------
HOST_FLAGS := $(COMMON) -O2 -pthread
CHECK_FLAGS := $(COMMON) -O1 -Itests/fake -I. -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all -pthread
TOOL_SOURCES := $(sort $(wildcard scripts/bulldog/*.c))
UNIT_TESTS := $(sort $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c)))
FAKE_SOURCES := $(sort $(wildcard tests/fake/*.c))
# Loader logic without a word of EFI in it: runs on the host too.
PURE_LOADER := $(sort $(wildcard efi/pure_*.c))

host_objects = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

$(BUILD)/host/%.o: %.c
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOST_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/host/bulldog: $(call host_objects,host,$(TOOL_SOURCES) $(HOSTED_ROOMS))
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_FLAGS) -o $@ $^

define check_rules
$$(BUILD)/check-$(1)/%.o: %.c
	$$(call say,$(2),$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) $$(CHECK_FLAGS) -MMD -MP -c -o $$@ $$<

$$(BUILD)/check-$(1)/test_%: $$(BUILD)/check-$(1)/tests/unit/test_%.o \
		$$(call host_objects,check-$(1),$$(HOSTED_ROOMS) $$(FAKE_SOURCES) $$(PURE_LOADER))
	$$(call say,LINK,$$@)
	$$(Q)$(2) $$(CHECK_FLAGS) -o $$@ $$^
endef
$(eval $(call check_rules,gcc,$(CC)))
$(eval $(call check_rules,clang,$(CLANG)))
.SECONDARY:

# One test binary: make check-one TEST=test_region [COMPILER=gcc] [CASE=part]
COMPILER ?= gcc
.PHONY: check-one
check-one: $(BUILD)/check-$(COMPILER)/$(TEST)
	$(Q)$< $(CASE)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
