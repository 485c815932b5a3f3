// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Lines of Linux' log through the years, of its /sys/firmware/memmap, and of
 * Xen. Any text before their prefixes (time stamps, host names) is skipped.
 */
#include "map_forms.h"

#include "map_names.h"

/* `[START-LAST]` or `[START-END)`; marked `(invalid)`, it may wrap. */
static enum map_line take_range(struct cursor *line, struct map_entry *out)
{
	struct cursor rest;
	struct number end;
	bool inclusive;

	if (!take_text(line, "[") || !take_hex(line, &out->start) ||
	    !take_text(line, "-") || !take_hex_number(line, &end))
		return MAP_LINE_STRANGE;
	inclusive = take_text(line, "]");
	if (!inclusive && !take_text(line, ")"))
		return MAP_LINE_STRANGE;
	rest = *line;
	if (end.too_large) {
		out->bytes = UINT64_MAX;
		return take_text(&rest, "(invalid)") ? MAP_LINE_ENTRY :
						       MAP_LINE_STRANGE;
	}
	return inclusive ? set_last(out, end.value) : set_end(out, end.value);
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
	} else if (!take_linux_efi_name(line, &out->type)) {
		return false;
	}
	return take_linux_flags(line, &out->attributes);
}

/* `efi: mem00: KIND range=RANGE (0MB)`. */
enum map_line read_linux_efi(struct cursor line, struct map_entry *out)
{
	enum map_line kind;
	uint64_t number;

	if (!skip_past(&line, "efi: mem") || !take_decimal(&line, &number) ||
	    !take_text(&line, ":") || !take_linux_kind(&line, out) ||
	    !take_text(&line, "range="))
		return MAP_LINE_STRANGE;
	kind = take_range(&line, out);
	/* The size again, or a word about it. */
	if (take_text(&line, "(") && !skip_past(&line, ")"))
		return MAP_LINE_STRANGE;
	return at_end(&line) ? kind : MAP_LINE_STRANGE;
}

/* `64 KB` or `1.5 GB`, as newer kernels print behind a range. */
static void take_size(struct cursor *line)
{
	static const char *const units[] = {
		"bytes", "B", "KB", "MB", "GB", "TB", "PB", "EB",
		"KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	struct cursor rest = *line;
	uint64_t number;

	if (!take_decimal(&rest, &number))
		return;
	if (take_text(&rest, ".") && !take_decimal(&rest, &number))
		return;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (take_word(&rest, units[i])) {
			*line = rest;
			return;
		}
	}
}

/* `NAME`, or before Linux 3.5, and by Xen, `(NAME)`. */
static bool take_e820_kind(struct cursor *line, struct map_entry *out)
{
	bool in_brackets = take_text(line, "(");
	uint32_t type;

	if (!take_e820_name(line, &type) ||
	    (in_brackets && !take_text(line, ")")))
		return false;
	set_e820_type(out, type);
	return at_end(line);
}

/* `[mem START-LAST] NAME`, and before Linux 3.5 `START - END (NAME)`. */
enum map_line read_linux_e820(struct cursor line, struct map_entry *out)
{
	bool newer;
	uint64_t end;

	if (!skip_past(&line, "BIOS-e820:") && !skip_past(&line, "Xen:"))
		return MAP_LINE_STRANGE;
	newer = take_text(&line, "[mem");
	if (!take_hex(&line, &out->start) || !take_text(&line, "-") ||
	    !take_hex(&line, &end) || (newer && !take_text(&line, "]")))
		return MAP_LINE_STRANGE;
	take_size(&line);
	if (!take_e820_kind(&line, out))
		return MAP_LINE_STRANGE;
	return newer ? set_last(out, end) : set_end(out, end);
}

/* `START-LAST type=TYPE attr=ATTRIBUTES`: of the firmware's own map. */
static enum map_line read_xen_efi(struct cursor line, struct map_entry *out)
{
	uint64_t last;

	if (!take_hex(&line, &out->start) || !take_text(&line, "-") ||
	    !take_hex(&line, &last) || !take_text(&line, "type=") ||
	    !take_type_number(&line, &out->type) ||
	    !take_text(&line, "attr=") ||
	    !take_hex(&line, &out->attributes) || !at_end(&line))
		return MAP_LINE_STRANGE;
	return set_last(out, last);
}

/* `[START, LAST] (NAME)`, or before Xen 4.13 `START - END (NAME)`. */
enum map_line read_xen(struct cursor line, struct map_entry *out)
{
	enum map_line kind;
	uint64_t end;
	bool newer;

	if (!skip_past_xen(&line))
		return MAP_LINE_STRANGE;
	kind = read_xen_efi(line, out);
	if (kind != MAP_LINE_STRANGE)
		return kind;
	newer = take_text(&line, "[");
	if (!take_hex(&line, &out->start) ||
	    !take_text(&line, newer ? "," : "-") || !take_hex(&line, &end) ||
	    (newer && !take_text(&line, "]")) || !take_e820_kind(&line, out))
		return MAP_LINE_STRANGE;
	return newer ? set_last(out, end) : set_end(out, end);
}

/*
 * `START-END (NAME)`, as the script of Linux' documentation prints an entry of
 * /sys/firmware/memmap. It adds 1 to the end, people's own scripts do not:
 * a last byte is odd, the end of no memory is.
 */
enum map_line read_sysfs_script(struct cursor line, struct map_entry *out)
{
	uint64_t end;

	if (!take_hex(&line, &out->start) || !take_text(&line, "-") ||
	    !take_hex(&line, &end) || !stands_next(line, "(") ||
	    !take_e820_kind(&line, out))
		return MAP_LINE_STRANGE;
	return end % 2 != 0 ? set_last(out, end) : set_end(out, end);
}

/* `EFI v2.70 by Whom`, before Linux' list. */
static bool is_efi_version(struct cursor line)
{
	uint64_t number;

	return skip_past(&line, "EFI v") && take_decimal(&line, &number) &&
	       take_text(&line, ".") && take_decimal(&line, &number) &&
	       take_word(&line, "by");
}

/* Newer kernels list the holes, too. */
static bool is_gap(struct cursor line)
{
	uint64_t start, last;

	return skip_past(&line, "[gap") && take_hex(&line, &start) &&
	       take_text(&line, "-") && take_hex(&line, &last) &&
	       take_text(&line, "]");
}

static bool is_xen_heading(struct cursor line)
{
	return skip_past(&line, "(XEN)") &&
	       (skip_past(&line, "RAM map:") ||
		skip_past(&line, "EFI memory map:"));
}

bool is_linux_heading(struct cursor line)
{
	return is_efi_version(line) || is_gap(line) || is_xen_heading(line) ||
	       skip_past(&line, "BIOS-provided physical RAM map:");
}
