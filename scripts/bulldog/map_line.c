// SPDX-License-Identifier: MIT OR Apache-2.0
#include "map_line.h"

#include <base/bits.h>

#include "map_forms.h"
#include "map_names.h"

/* --- lengths ---------------------------------------------------------------*/

enum map_line set_pages(struct map_entry *out, uint64_t pages)
{
	if (__builtin_mul_overflow(pages, PAGE_SIZE, &out->bytes))
		out->bytes = UINT64_MAX;
	return MAP_LINE_ENTRY;
}

/*
 * A last byte just below the first is an empty range. The exception is
 * [0..2^64 - 1]: an empty range at 0 looks the same, and the stricter reading
 * is taken.
 */
enum map_line set_last(struct map_entry *out, uint64_t last)
{
	if (out->start == 0 && last == UINT64_MAX) {
		out->bytes = UINT64_MAX;
		return MAP_LINE_ENTRY;
	}
	out->bytes = last + 1 - out->start;
	return last + 1 >= out->start || last == UINT64_MAX ?
		       MAP_LINE_ENTRY : MAP_LINE_REVERSED;
}

enum map_line set_end(struct map_entry *out, uint64_t end)
{
	out->bytes = end - out->start;
	return end >= out->start ? MAP_LINE_ENTRY : MAP_LINE_REVERSED;
}

/* --- columns ---------------------------------------------------------------*/

/* EFI: TYPE START PAGES ATTRIBUTES. */
static enum map_line read_efi_columns(struct cursor line,
				      struct map_entry *out)
{
	uint64_t pages;

	if (!take_type_number(&line, &out->type) ||
	    !take_hex(&line, &out->start) || !take_hex(&line, &pages) ||
	    !take_hex(&line, &out->attributes) || !at_end(&line))
		return MAP_LINE_STRANGE;
	return set_pages(out, pages);
}

/* e820: START LAST TYPE. */
static enum map_line read_e820_columns(struct cursor line,
				       struct map_entry *out)
{
	uint64_t last, type;

	if (!take_hex(&line, &out->start) || !take_hex(&line, &last) ||
	    !take_hex(&line, &type) || !at_end(&line))
		return MAP_LINE_STRANGE;
	set_e820_type(out, type);
	return set_last(out, last);
}

/* --- a line ----------------------------------------------------------------*/

static struct cursor without_comment(struct map_text_line text)
{
	struct cursor line = { text.text, text.text + text.bytes };

	for (const char *at = line.at; at < line.end; at++) {
		if (*at == '#') {
			line.end = at;
			break;
		}
	}
	if (line.end > line.at && line.end[-1] == '\r')
		line.end--;
	/* The shell asks between pages, and may go on in the same line. */
	(void)take_text(&line, "Press ENTER to continue or 'Q' break:");
	return line;
}

static bool is_rule(struct cursor line)
{
	skip_blanks(&line);
	if (line.end - line.at < 2 || (*line.at != '-' && *line.at != '='))
		return false;
	for (const char rule = *line.at; line.at < line.end; line.at++)
		if (*line.at != rule)
			return at_end(&line);
	return true;
}

/* The line that begins or ends a quotation, as pages of the web have them. */
static bool is_fence(struct cursor line)
{
	return take_text(&line, "```") || take_text(&line, "~~~");
}

enum map_line map_line_read(struct map_text_line text, struct map_entry *out)
{
	static enum map_line (*const readers[])(struct cursor,
						struct map_entry *) = {
		read_efi_columns, read_e820_columns, read_shell_row,
		read_shell_sfo, read_linux_efi, read_linux_e820, read_xen,
		read_sysfs_script, read_grub_row, read_freebsd_smap,
		read_freebsd_row,
	};
	struct cursor line = without_comment(text);

	if (at_end(&line))
		return MAP_LINE_NOTHING;
	for (size_t i = 0; i < ARRAY_LENGTH(readers); i++) {
		enum map_line kind;

		*out = (struct map_entry){ .start = 0 };
		kind = readers[i](line, out);
		if (kind != MAP_LINE_STRANGE)
			return kind;
	}
	return is_linux_heading(line) || is_row_heading(line) ||
	       is_rule(line) || is_fence(line) ? MAP_LINE_NOTHING :
						 MAP_LINE_STRANGE;
}

bool map_line_begins_devices(struct map_text_line text)
{
	struct cursor line = without_comment(text);

	return take_text(&line, "Mapping table") ||
	       take_text(&line, "Device mapping table");
}

bool map_line_is_prompt(struct map_text_line text)
{
	return is_shell_prompt(without_comment(text));
}

/* --- prefixes --------------------------------------------------------------*/

const char *map_prefix_name(enum map_prefix prefix)
{
	static const char *const names[MAP_PREFIXES] = {
		"(XEN)", "efi: mem", "BIOS-e820:", "Xen:" };

	return prefix < MAP_PREFIXES ? names[prefix] : "none";
}

/* `(XEN)`, a stamp, and a range. */
static bool is_xen_range(struct cursor line)
{
	uint64_t start, end;

	if (!skip_past_xen(&line))
		return false;
	if (take_text(&line, "["))
		return take_hex(&line, &start) && take_text(&line, ",") &&
		       take_hex(&line, &end);
	return take_hex(&line, &start) && take_text(&line, "-") &&
	       take_hex(&line, &end);
}

enum map_prefix map_line_prefix(struct map_text_line text, uint64_t *number)
{
	struct cursor line = without_comment(text), rest = line;

	*number = 0;
	if (is_xen_range(line))
		return MAP_PREFIX_XEN;
	if (skip_past(&rest, "efi: mem") && rest.at < rest.end &&
	    *rest.at >= '0' && *rest.at <= '9') {
		(void)take_decimal(&rest, number);
		return MAP_PREFIX_EFI;
	}
	rest = line;
	if (skip_past(&rest, "BIOS-e820:"))
		return MAP_PREFIX_E820;
	return skip_past(&line, "Xen: [mem") ? MAP_PREFIX_DOM0 :
					       MAP_PREFIX_NONE;
}

bool map_line_begins_list(struct map_text_line text, enum map_prefix prefix)
{
	struct cursor line = without_comment(text);
	bool is_xen = skip_past(&line, "(XEN)");

	if (prefix == MAP_PREFIX_XEN)
		return is_xen && (skip_past(&line, "RAM map:") ||
				  skip_past(&line, "EFI memory map:"));
	return !is_xen &&
	       (prefix == MAP_PREFIX_E820 || prefix == MAP_PREFIX_DOM0) &&
	       skip_past(&line, "BIOS-provided physical RAM map:");
}

/* --- /sys/firmware/memmap --------------------------------------------------*/

/* `/sys/firmware/memmap/0/start:0x0`, as grep prints it. */
bool map_line_part(struct map_text_line text, uint64_t *index,
		   enum map_part *part, uint64_t *value)
{
	struct cursor line = without_comment(text);
	uint32_t type;

	if (!skip_past(&line, "memmap/"))
		(void)take_text(&line, "./");
	if (!take_decimal(&line, index) || !take_text(&line, "/"))
		return false;
	if (take_text(&line, "start:"))
		*part = MAP_PART_START;
	else if (take_text(&line, "end:"))
		*part = MAP_PART_END;
	else if (take_text(&line, "type:"))
		*part = MAP_PART_TYPE;
	else
		return false;
	if (*part != MAP_PART_TYPE)
		return take_hex(&line, value) && at_end(&line);
	if (!take_e820_name(&line, &type))
		return false;
	*value = type;
	return at_end(&line);
}

enum map_line map_line_join(const uint64_t value[MAP_PARTS],
			    struct map_entry *out)
{
	*out = (struct map_entry){ .start = value[MAP_PART_START] };
	set_e820_type(out, value[MAP_PART_TYPE]);
	return set_last(out, value[MAP_PART_END]);
}

/* --- lists that are no firmware's ------------------------------------------*/

static bool is_changed_by_linux(struct cursor line)
{
	static const char *const texts[] = {
		"user: [mem", "modified: [mem", "extended: [mem",
		"reserve setup_data: [mem", "e820: update [mem",
		"e820: remove [mem", "e820: reserve ", "efi: Remove mem",
		"efi: Not removing mem", "extended physical RAM map:",
		"modified physical RAM map:", "user-defined physical RAM map:",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		struct cursor rest = line;

		if (skip_past(&rest, texts[i]))
			return true;
	}
	return false;
}

/* `00001000-0009fbff : System RAM` */
static bool is_iomem(struct cursor line)
{
	uint64_t start, last;

	return take_hex(&line, &start) && take_text(&line, "-") &&
	       take_hex(&line, &last) && take_text(&line, ":");
}

/* `SRAT @ 0x0000000000000000` */
static bool is_acpidump(struct cursor line)
{
	uint64_t address;

	skip_blanks(&line);
	for (unsigned i = 0; i < 4; i++, line.at++)
		if (line.at == line.end ||
		    (!is_word_byte(*line.at) && *line.at != '!'))
			return false;
	return take_text(&line, "@ 0x") && take_hex(&line, &address) &&
	       at_end(&line);
}

enum map_other map_line_other(struct map_text_line text)
{
	struct cursor line = without_comment(text);

	if (is_changed_by_linux(line))
		return MAP_OTHER_CHANGED;
	if (is_iomem(line))
		return MAP_OTHER_IOMEM;
	return is_acpidump(line) ? MAP_OTHER_ACPIDUMP : MAP_OTHER_NONE;
}
