// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Each format has a reader that takes the whole line or refuses it; they
 * are tried in turn. No line is in two formats: three bare numbers, four
 * bare numbers, a name before a range, and Linux' two prefixes exclude each
 * other. So order does not matter, and a file may mix them.
 *
 * Sources of the formats: UEFI Shell 2.2 `memmap` and the EFI toolkit's
 * before it; Linux' efi_print_memmap and e820__print_table through the
 * years. Any text before Linux' prefixes (time stamps, host names) is skipped.
 */
#include "map_line.h"

#include <base/bits.h>

#include "cursor.h"

struct name {
	const char *text;
	uint32_t type;		/* enum efi_memory_type, or an e820 type     */
};

static const struct name shell_names[] = {
	{ "reserved", EFI_TYPE_RESERVED },
	{ "loadercode", EFI_TYPE_LOADER_CODE },
	{ "loaderdata", EFI_TYPE_LOADER_DATA },
	{ "bs_code", EFI_TYPE_BOOT_CODE },
	{ "bootservicecode", EFI_TYPE_BOOT_CODE },
	{ "bs_data", EFI_TYPE_BOOT_DATA },
	{ "bootservicedata", EFI_TYPE_BOOT_DATA },
	{ "rt_code", EFI_TYPE_RUNTIME_CODE },
	{ "runtimecode", EFI_TYPE_RUNTIME_CODE },
	{ "rt_data", EFI_TYPE_RUNTIME_DATA },
	{ "runtimedata", EFI_TYPE_RUNTIME_DATA },
	{ "available", EFI_TYPE_CONVENTIONAL },
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
	{ "unaccepted", EFI_TYPE_UNACCEPTED },
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

static const struct name e820_names[] = {
	{ "usable", E820_USABLE },
	{ "system ram", E820_USABLE },
	{ "reserved", E820_RESERVED },
	{ "device reserved", E820_RESERVED },
	{ "soft reserved", E820_SOFT_RESERVED },
	{ "acpi data", E820_ACPI },
	{ "acpi nvs", E820_NVS },
	{ "unusable", E820_UNUSABLE },
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

static bool take_type_number(struct cursor *line, uint32_t *type)
{
	struct cursor rest = *line;
	uint64_t number;

	if (!take_decimal(&rest, &number) || number > UINT32_MAX)
		return false;
	*type = (uint32_t)number;
	*line = rest;
	return true;
}

static uint64_t pages_to_bytes(uint64_t pages)
{
	uint64_t bytes;

	return __builtin_mul_overflow(pages, PAGE_SIZE, &bytes) ? UINT64_MAX
								: bytes;
}

/*
 * The length of [start..last]. A last byte below the first has wrapped, and
 * so does the length, which is what region.h wants; one just below it is an
 * empty range. The exception is [0..2^64 - 1]: an empty range at 0 looks the
 * same, and we believe the stricter reading.
 */
static uint64_t inclusive_bytes(uint64_t start, uint64_t last)
{
	if (start == 0 && last == UINT64_MAX)
		return UINT64_MAX;
	return last - start + 1;
}

/* EFI: TYPE START PAGES ATTRIBUTES. */
static bool read_efi_columns(struct cursor line, struct map_entry *out)
{
	uint64_t pages;

	if (!take_type_number(&line, &out->type) ||
	    !take_hex(&line, &out->start) || !take_hex(&line, &pages) ||
	    !take_hex(&line, &out->attributes))
		return false;
	out->bytes = pages_to_bytes(pages);
	return at_end(&line);
}

static void set_e820_type(struct map_entry *entry, uint64_t e820_type)
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

/* e820: START LAST TYPE. */
static bool read_e820_columns(struct cursor line, struct map_entry *out)
{
	uint64_t last, type;

	if (!take_hex(&line, &out->start) || !take_hex(&line, &last) ||
	    !take_hex(&line, &type) || !at_end(&line))
		return false;
	out->bytes = inclusive_bytes(out->start, last);
	set_e820_type(out, type);
	return true;
}

static bool take_shell_type(struct cursor *line, uint32_t *type)
{
	struct cursor rest = *line;
	uint64_t number;

	if (take_name(line, shell_names, ARRAY_LENGTH(shell_names), type))
		return true;
	/* Types without a name, as an OEM's, are printed in hex. */
	if (!take_hex(&rest, &number) || number > UINT32_MAX)
		return false;
	*type = (uint32_t)number;
	*line = rest;
	return true;
}

/* UEFI Shell: NAME START-LAST PAGES ATTRIBUTES. */
static bool read_shell_row(struct cursor line, struct map_entry *out)
{
	uint64_t last, pages;

	if (!take_shell_type(&line, &out->type) ||
	    !take_hex(&line, &out->start) || !take_text(&line, "-") ||
	    !take_hex(&line, &last) || !take_hex(&line, &pages) ||
	    !take_hex(&line, &out->attributes) || !at_end(&line))
		return false;
	/* The shell computes the one from the other, modulo 2^64. */
	if (last != out->start + pages * PAGE_SIZE - 1)
		return false;
	out->bytes = pages_to_bytes(pages);
	return true;
}

static bool is_shell_sum(struct cursor line)
{
	uint32_t type;

	if (take_word(&line, "total memory"))
		return take_text(&line, ":");
	if (!take_shell_type(&line, &type) || !take_text(&line, ":"))
		return false;
	return skip_past(&line, "pages");
}

static bool is_rule(struct cursor line)
{
	if (!take_text(&line, "--"))
		return false;
	while (take_text(&line, "-"))
		;
	return at_end(&line);
}

/* `Shell> memmap` or `FS0:\> memmap`, as a pasted screen begins and ends. */
static bool is_prompt(struct cursor line)
{
	if (!skip_past(&line, "shell>") &&
	    !(skip_past(&line, ":\\") && skip_past(&line, ">")))
		return false;
	return at_end(&line) || take_word(&line, "memmap");
}

/* `EFI v2.70 by Whom`, before Linux' list. */
static bool is_efi_version(struct cursor line)
{
	uint64_t number;

	return skip_past(&line, "EFI v") && take_decimal(&line, &number) &&
	       take_text(&line, ".") && take_decimal(&line, &number) &&
	       take_word(&line, "by");
}

static bool is_heading(struct cursor line)
{
	if (is_prompt(line) || is_efi_version(line))
		return true;
	if (take_word(&line, "type"))
		return take_word(&line, "start") && take_word(&line, "end");
	return skip_past(&line, "BIOS-provided physical RAM map:");
}

/* `[START-LAST]` or `[START-END)`. */
static bool take_range(struct cursor *line, struct map_entry *out)
{
	struct number end;

	if (!take_text(line, "[") || !take_hex(line, &out->start) ||
	    !take_text(line, "-") || !take_hex_number(line, &end))
		return false;
	if (take_text(line, ")"))
		out->bytes = end.value - out->start;
	else if (take_text(line, "]"))
		out->bytes = inclusive_bytes(out->start, end.value);
	else
		return false;
	/* Linux prints ends beyond 2^64 of entries that it calls invalid. */
	if (end.too_large)
		out->bytes = UINT64_MAX;
	return true;
}

/* `|RUN|  |WB|...]` or `|attr=0x...]`. */
static bool take_linux_flags(struct cursor *line, uint64_t *attributes)
{
	*attributes = 0;
	if (take_text(line, "|attr="))
		return take_hex(line, attributes) && take_text(line, "]");
	while (take_text(line, "|")) {
		for (size_t i = 0; i < ARRAY_LENGTH(linux_flags); i++) {
			if (take_word(line, linux_flags[i].text)) {
				*attributes |= linux_flags[i].attribute;
				break;
			}
		}
	}
	return take_text(line, "]");
}

static bool take_linux_kind(struct cursor *line, struct map_entry *out)
{
	if (take_text(line, "type="))
		return take_type_number(line, &out->type) &&
		       take_text(line, ",") && take_text(line, "attr=") &&
		       take_hex(line, &out->attributes) &&
		       take_text(line, ",");
	if (!take_text(line, "["))
		return false;
	if (take_text(line, "type=")) {
		if (!take_type_number(line, &out->type))
			return false;
	} else if (!take_name(line, linux_names, ARRAY_LENGTH(linux_names),
			      &out->type)) {
		return false;
	}
	return take_linux_flags(line, &out->attributes);
}

/* Linux: `efi: mem00: KIND range=RANGE (0MB)`. */
static bool read_linux_efi(struct cursor line, struct map_entry *out)
{
	uint64_t number;

	if (!skip_past(&line, "efi: mem") || !take_decimal(&line, &number) ||
	    !take_text(&line, ":") || !take_linux_kind(&line, out) ||
	    !take_text(&line, "range=") || !take_range(&line, out))
		return false;
	/* The size again, or a word about it. */
	if (take_text(&line, "("))
		return skip_past(&line, ")") && at_end(&line);
	return at_end(&line);
}

static bool take_e820_name(struct cursor *line, uint32_t *type)
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

/* `[mem START-LAST] NAME`, and before Linux 3.5 `START - END (NAME)`. */
static bool read_linux_e820(struct cursor line, struct map_entry *out)
{
	uint64_t end;
	uint32_t type;

	if (!skip_past(&line, "BIOS-e820:"))
		return false;
	if (take_text(&line, "[mem")) {
		if (!take_hex(&line, &out->start) || !take_text(&line, "-") ||
		    !take_hex(&line, &end) || !take_text(&line, "]") ||
		    !take_e820_name(&line, &type))
			return false;
		out->bytes = inclusive_bytes(out->start, end);
	} else {
		if (!take_hex(&line, &out->start) || !take_text(&line, "-") ||
		    !take_hex(&line, &end))
			return false;
		if (take_text(&line, "(")) {
			if (!take_e820_name(&line, &type) ||
			    !take_text(&line, ")"))
				return false;
		} else if (!take_e820_name(&line, &type)) {
			return false;
		}
		out->bytes = end - out->start;
	}
	set_e820_type(out, type);
	return at_end(&line);
}

/* Newer kernels list the holes, too. */
static bool is_linux_gap(struct cursor line)
{
	uint64_t start, last;

	return skip_past(&line, "BIOS-e820:") && take_text(&line, "[gap") &&
	       take_hex(&line, &start) && take_text(&line, "-") &&
	       take_hex(&line, &last) && take_text(&line, "]") &&
	       at_end(&line);
}

static struct cursor without_comment(struct cursor line)
{
	for (const char *at = line.at; at < line.end; at++) {
		if (*at == '#') {
			line.end = at;
			break;
		}
	}
	return line;
}

enum map_line map_line_read(const char *text, size_t bytes,
			    struct map_entry *out)
{
	struct cursor line = { text, text + bytes };

	if (bytes > 0 && text[bytes - 1] == '\r')
		line.end--;
	line = without_comment(line);
	if (at_end(&line))
		return MAP_LINE_NOTHING;
	*out = (struct map_entry){ .start = 0 };
	if (read_efi_columns(line, out) || read_e820_columns(line, out) ||
	    read_shell_row(line, out) || read_linux_efi(line, out) ||
	    read_linux_e820(line, out))
		return MAP_LINE_ENTRY;
	if (is_heading(line) || is_shell_sum(line) || is_rule(line) ||
	    is_linux_gap(line))
		return MAP_LINE_NOTHING;
	return MAP_LINE_STRANGE;
}
