/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* map_names.h - types and attributes of memory, as each program names them. */
#ifndef BULLDOG_MAP_NAMES_H
#define BULLDOG_MAP_NAMES_H

#include <mm/region.h>

#include "cursor.h"

/* The address range types of ACPI 6.5 section 15, and Linux' additions. */
enum {
	E820_USABLE = 1,
	E820_RESERVED = 2,
	E820_ACPI = 3,
	E820_NVS = 4,
	E820_UNUSABLE = 5,
	E820_PERSISTENT = 7,
	E820_PERSISTENT_OLD = 12,
	E820_RUNTIME_CODE = 20,
	E820_SOFT_RESERVED = 0xefffffffU,
};

/* Each takes a name, in any case; false: nothing is taken. */
bool take_shell_name(struct cursor *line, uint32_t *efi_type);
bool take_grub_name(struct cursor *line, uint32_t *efi_type);
bool take_linux_efi_name(struct cursor *line, uint32_t *efi_type);
/* Of Linux' log, of its /sys/firmware/memmap, and of Xen. */
bool take_e820_name(struct cursor *line, uint32_t *e820_type);

/* The attributes as words, `RT UC WC`, up to the end of the line. */
bool take_attribute_words(struct cursor *line, uint64_t *attributes);
/* Linux' `|RUN|  |WB|...]` or `|attr=0x...]`. */
bool take_linux_flags(struct cursor *line, uint64_t *attributes);

/* Decimal, in 32 bits. */
bool take_type_number(struct cursor *line, uint32_t *type);

/* An e820 type as UEFI has it; e820 memory is write-back. */
void set_e820_type(struct map_entry *entry, uint64_t e820_type);

#endif
