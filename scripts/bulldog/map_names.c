// SPDX-License-Identifier: MIT OR Apache-2.0
#include "map_names.h"

#include <base/bits.h>

struct name {
	const char *text;
	uint32_t type;		/* enum efi_memory_type, or an e820 type     */
};

/* The UEFI Shell's, short and long, and FreeBSD's. */
static const struct name shell_names[] = {
	{ "reserved", EFI_TYPE_RESERVED },
	{ "loadercode", EFI_TYPE_LOADER_CODE },
	{ "loaderdata", EFI_TYPE_LOADER_DATA },
	{ "bs_code", EFI_TYPE_BOOT_CODE },
	{ "bootservicecode", EFI_TYPE_BOOT_CODE },
	{ "bootservicescode", EFI_TYPE_BOOT_CODE },
	{ "bs_data", EFI_TYPE_BOOT_DATA },
	{ "bootservicedata", EFI_TYPE_BOOT_DATA },
	{ "bootservicesdata", EFI_TYPE_BOOT_DATA },
	{ "rt_code", EFI_TYPE_RUNTIME_CODE },
	{ "runtimecode", EFI_TYPE_RUNTIME_CODE },
	{ "runtimeservicescode", EFI_TYPE_RUNTIME_CODE },
	{ "rt_data", EFI_TYPE_RUNTIME_DATA },
	{ "runtimedata", EFI_TYPE_RUNTIME_DATA },
	{ "runtimeservicesdata", EFI_TYPE_RUNTIME_DATA },
	{ "available", EFI_TYPE_CONVENTIONAL },
	{ "conventionalmemory", EFI_TYPE_CONVENTIONAL },
	{ "unusable", EFI_TYPE_UNUSABLE },
	{ "unusablememory", EFI_TYPE_UNUSABLE },
	{ "acpi_recl", EFI_TYPE_ACPI_RECLAIM },
	{ "acpireclaimmemory", EFI_TYPE_ACPI_RECLAIM },
	{ "acpi_nvs", EFI_TYPE_ACPI_NVS },
	{ "acpimemorynvs", EFI_TYPE_ACPI_NVS },
	{ "mmio", EFI_TYPE_MMIO },
	{ "memmapio", EFI_TYPE_MMIO },
	{ "memorymappedio", EFI_TYPE_MMIO },
	{ "mmio_port", EFI_TYPE_MMIO_PORT },
	{ "memportio", EFI_TYPE_MMIO_PORT },
	{ "memorymappedioportspace", EFI_TYPE_MMIO_PORT },
	{ "palcode", EFI_TYPE_PAL_CODE },
	{ "pal_code", EFI_TYPE_PAL_CODE },
	{ "persistent", EFI_TYPE_PERSISTENT },
	{ "persistentmemory", EFI_TYPE_PERSISTENT },
	{ "unaccepted", EFI_TYPE_UNACCEPTED },
};

static const struct name grub_names[] = {
	{ "reserved", EFI_TYPE_RESERVED },
	{ "ldr-code", EFI_TYPE_LOADER_CODE },
	{ "ldr-data", EFI_TYPE_LOADER_DATA },
	{ "bs-code", EFI_TYPE_BOOT_CODE },
	{ "bs-data", EFI_TYPE_BOOT_DATA },
	{ "rt-code", EFI_TYPE_RUNTIME_CODE },
	{ "rt-data", EFI_TYPE_RUNTIME_DATA },
	{ "conv-mem", EFI_TYPE_CONVENTIONAL },
	{ "unusable", EFI_TYPE_UNUSABLE },
	{ "acpi-rec", EFI_TYPE_ACPI_RECLAIM },
	{ "acpi-nvs", EFI_TYPE_ACPI_NVS },
	{ "mmio", EFI_TYPE_MMIO },
	{ "io-ports", EFI_TYPE_MMIO_PORT },
	{ "pal-code", EFI_TYPE_PAL_CODE },
	{ "persist", EFI_TYPE_PERSISTENT },
};

/* Where one name begins another, the longer comes first. */
static const struct name linux_names[] = {
	{ "reserved", EFI_TYPE_RESERVED },
	{ "loader code", EFI_TYPE_LOADER_CODE },
	{ "loader data", EFI_TYPE_LOADER_DATA },
	{ "boot code", EFI_TYPE_BOOT_CODE },
	{ "boot data", EFI_TYPE_BOOT_DATA },
	{ "runtime code", EFI_TYPE_RUNTIME_CODE },
	{ "runtime data", EFI_TYPE_RUNTIME_DATA },
	{ "conventional memory", EFI_TYPE_CONVENTIONAL },
	{ "conventional", EFI_TYPE_CONVENTIONAL },
	{ "unusable memory", EFI_TYPE_UNUSABLE },
	{ "unusable", EFI_TYPE_UNUSABLE },
	{ "acpi reclaim memory", EFI_TYPE_ACPI_RECLAIM },
	{ "acpi reclaim", EFI_TYPE_ACPI_RECLAIM },
	{ "acpi memory nvs", EFI_TYPE_ACPI_NVS },
	{ "acpi mem nvs", EFI_TYPE_ACPI_NVS },
	{ "memory mapped i/o", EFI_TYPE_MMIO },
	{ "mmio port space", EFI_TYPE_MMIO_PORT },
	{ "mmio port", EFI_TYPE_MMIO_PORT },
	{ "mmio", EFI_TYPE_MMIO },
	{ "pal code", EFI_TYPE_PAL_CODE },
	{ "persistent memory", EFI_TYPE_PERSISTENT },
	{ "persistent", EFI_TYPE_PERSISTENT },
	{ "unaccepted memory", EFI_TYPE_UNACCEPTED },
	{ "unaccepted", EFI_TYPE_UNACCEPTED },
};

static const struct name e820_names[] = {
	{ "usable", E820_USABLE },
	{ "system ram", E820_USABLE },
	{ "reserved", E820_RESERVED },
	{ "device reserved", E820_RESERVED },
	{ "unknown e820 type", E820_RESERVED },
	{ "soft reserved", E820_SOFT_RESERVED },
	{ "acpi data", E820_ACPI },
	{ "acpi tables", E820_ACPI },
	{ "acpi nvs", E820_NVS },
	{ "acpi non-volatile storage", E820_NVS },
	{ "unusable memory", E820_UNUSABLE },
	{ "unusable", E820_UNUSABLE },
	{ "persistent memory (legacy)", E820_PERSISTENT_OLD },
	{ "persistent memory", E820_PERSISTENT },
};

struct flag {
	const char *text;
	uint64_t attribute;
};

/* As Linux abbreviates them; UEFI 2.10 section 7.2 has the bits. */
static const struct flag linux_flags[] = {
	{ "run", EFI_ATTRIBUTE_RUNTIME },
	{ "hp", 0x100000 },
	{ "cc", 0x80000 },
	{ "sp", EFI_ATTRIBUTE_SP },
	{ "ro", 0x20000 },
	{ "mr", 0x10000 },
	{ "nv", 0x8000 },
	{ "xp", 0x4000 },
	{ "rp", 0x2000 },
	{ "wp", 0x1000 },
	{ "uce", 0x10 },
	{ "wb", EFI_ATTRIBUTE_WB },
	{ "wt", 4 },
	{ "wc", 2 },
	{ "uc", 1 },
};

/* GRUB's and FreeBSD's. */
static const struct flag word_flags[] = {
	{ "runtime", EFI_ATTRIBUTE_RUNTIME },
	{ "rt", EFI_ATTRIBUTE_RUNTIME },
	{ "sp", EFI_ATTRIBUTE_SP },
	{ "ro", 0x20000 },
	{ "more_reliable", 0x10000 },
	{ "mr", 0x10000 },
	{ "nv", 0x8000 },
	{ "xp", 0x4000 },
	{ "rp", 0x2000 },
	{ "wp", 0x1000 },
	{ "uce", 0x10 },
	{ "wb", EFI_ATTRIBUTE_WB },
	{ "wt", 4 },
	{ "wc", 2 },
	{ "uc", 1 },
};

static bool take_name(struct cursor *line, const struct name *names,
		      size_t count, uint32_t *type)
{
	for (size_t i = 0; i < count; i++) {
		if (take_word(line, names[i].text)) {
			*type = names[i].type;
			return true;
		}
	}
	return false;
}

bool take_type_number(struct cursor *line, uint32_t *type)
{
	struct cursor rest = *line;
	uint64_t number;

	if (!take_decimal(&rest, &number) || number > UINT32_MAX)
		return false;
	*type = (uint32_t)number;
	*line = rest;
	return true;
}

bool take_shell_name(struct cursor *line, uint32_t *type)
{
	return take_name(line, shell_names, ARRAY_LENGTH(shell_names), type);
}

bool take_grub_name(struct cursor *line, uint32_t *type)
{
	struct cursor rest = *line;
	uint64_t number;

	if (take_name(line, grub_names, ARRAY_LENGTH(grub_names), type))
		return true;
	if (!take_word(&rest, "unk") || !take_hex(&rest, &number) ||
	    number > UINT32_MAX)
		return false;
	*type = (uint32_t)number;
	*line = rest;
	return true;
}

bool take_linux_efi_name(struct cursor *line, uint32_t *type)
{
	return take_name(line, linux_names, ARRAY_LENGTH(linux_names), type);
}

bool take_e820_name(struct cursor *line, uint32_t *type)
{
	struct cursor rest = *line;
	uint32_t number;

	if (take_name(line, e820_names, ARRAY_LENGTH(e820_names), type))
		return true;
	if (take_word(&rest, "persistent")) {
		(void)take_word(&rest, "ram");
		if (!take_text(&rest, "(") || !take_word(&rest, "type") ||
		    !take_type_number(&rest, &number) || !take_text(&rest, ")"))
			return false;
		*type = E820_PERSISTENT;
	} else if (!take_word(&rest, "type") ||
		   !take_type_number(&rest, type)) {
		return false;
	}
	*line = rest;
	return true;
}

static bool take_flag(struct cursor *line, const struct flag *flags,
		      size_t count, uint64_t *attributes)
{
	for (size_t i = 0; i < count; i++) {
		if (take_word(line, flags[i].text)) {
			*attributes |= flags[i].attribute;
			return true;
		}
	}
	return false;
}

bool take_attribute_words(struct cursor *line, uint64_t *attributes)
{
	*attributes = 0;
	while (take_flag(line, word_flags, ARRAY_LENGTH(word_flags),
			 attributes))
		;
	return at_end(line);
}

bool take_linux_flags(struct cursor *line, uint64_t *attributes)
{
	*attributes = 0;
	if (take_text(line, "|attr="))
		return take_hex(line, attributes) && take_text(line, "]");
	while (take_text(line, "|"))
		if (!take_flag(line, linux_flags, ARRAY_LENGTH(linux_flags),
			       attributes))
			skip_word(line);
	return take_text(line, "]");
}

void set_e820_type(struct map_entry *entry, uint64_t e820_type)
{
	entry->attributes = EFI_ATTRIBUTE_WB;
	switch (e820_type) {
	case E820_USABLE:
		entry->type = EFI_TYPE_CONVENTIONAL;
		break;
	case E820_ACPI:
		entry->type = EFI_TYPE_ACPI_RECLAIM;
		break;
	case E820_NVS:
		entry->type = EFI_TYPE_ACPI_NVS;
		break;
	case E820_UNUSABLE:
		entry->type = EFI_TYPE_UNUSABLE;
		break;
	case E820_PERSISTENT:
	case E820_PERSISTENT_OLD:
		entry->type = EFI_TYPE_PERSISTENT;
		break;
	case E820_RUNTIME_CODE:
		entry->type = EFI_TYPE_RUNTIME_CODE;
		break;
	case E820_SOFT_RESERVED:
		entry->type = EFI_TYPE_CONVENTIONAL;
		entry->attributes |= EFI_ATTRIBUTE_SP;
		break;
	default:
		entry->type = EFI_TYPE_RESERVED;
		break;
	}
}
