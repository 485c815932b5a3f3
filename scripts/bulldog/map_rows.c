// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Rows of the UEFI Shell's memmap, GRUB's lsefimmap and FreeBSD's maps.
 *
 * Sources: UEFI Shell 2.2 specification, `memmap` and its -sfo output; the
 * EFI toolkit's shell before it; what GRUB 2.12 and FreeBSD 14 print.
 */
#include "map_forms.h"

#include "map_names.h"

static bool take_shell_type(struct cursor *line, uint32_t *type)
{
	struct cursor rest = *line;
	uint64_t number;

	if (take_shell_name(line, type))
		return true;
	/* Types without a name, as an OEM's, are printed in hex. */
	if (!take_hex(&rest, &number) || number > UINT32_MAX)
		return false;
	*type = (uint32_t)number;
	*line = rest;
	return true;
}

/* The one is computed from the other, modulo 2^64. */
static enum map_line set_pages_and_last(struct map_entry *out, uint64_t pages,
					uint64_t last)
{
	if (last != out->start + pages * PAGE_SIZE - 1)
		return MAP_LINE_UNEVEN;
	return set_pages(out, pages);
}

static bool take_ends(struct cursor *line, uint64_t *first, uint64_t *last)
{
	return take_hex(line, first) && take_text(line, "-") &&
	       take_hex(line, last);
}

/* NAME START-LAST PAGES ATTRIBUTES. */
enum map_line read_shell_row(struct cursor line, struct map_entry *out)
{
	uint64_t last, pages;

	if (!take_shell_type(&line, &out->type) ||
	    !take_ends(&line, &out->start, &last) || !take_hex(&line, &pages) ||
	    !take_hex(&line, &out->attributes) || !at_end(&line))
		return MAP_LINE_STRANGE;
	return set_pages_and_last(out, pages, last);
}

/* One of the fields `"0000000000000000",` behind the first. */
static bool take_field(struct cursor *line, uint64_t *out)
{
	(void)take_text(line, ",");
	return take_text(line, "\"") && take_hex(line, out) &&
	       take_text(line, "\"");
}

/* MemoryMap,"NAME","START","LAST","PAGES","ATTRIBUTES". */
enum map_line read_shell_sfo(struct cursor line, struct map_entry *out)
{
	uint64_t last, pages;

	if (!take_word(&line, "memorymap") || !take_text(&line, ",") ||
	    !take_text(&line, "\"") || !take_shell_type(&line, &out->type) ||
	    !take_text(&line, "\"") || !take_field(&line, &out->start) ||
	    !take_field(&line, &last) || !take_field(&line, &pages) ||
	    !take_field(&line, &out->attributes) || !at_end(&line))
		return MAP_LINE_STRANGE;
	return set_pages_and_last(out, pages, last);
}

static bool take_grub_size(struct cursor *line)
{
	static const char *const units[] = {
		"KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t number;

	/* `130004KiB`: the unit follows the digits. */
	if (!take_number_before_word(line, &number))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (take_word(line, units[i]))
			return true;
	return false;
}

/* NAME START-LAST PAGES SIZE WORDS. */
enum map_line read_grub_row(struct cursor line, struct map_entry *out)
{
	uint64_t last, pages;

	if (!take_grub_name(&line, &out->type) ||
	    !take_ends(&line, &out->start, &last) || !take_hex(&line, &pages) ||
	    !take_grub_size(&line) ||
	    !take_attribute_words(&line, &out->attributes))
		return MAP_LINE_STRANGE;
	return set_pages_and_last(out, pages, last);
}

static bool take_key(struct cursor *line, const char *key, uint64_t *value)
{
	(void)take_text(line, ",");
	return take_text(line, key) && take_hex(line, value);
}

/* SMAP type=TYPE base=START len=BYTES, with and without extended attributes. */
enum map_line read_freebsd_smap(struct cursor line, struct map_entry *out)
{
	uint64_t type, ignored;

	if (!skip_past(&line, "SMAP type=") || !take_hex(&line, &type))
		return MAP_LINE_STRANGE;
	(void)take_key(&line, "xattr=", &ignored);
	if (!take_key(&line, "base=", &out->start) ||
	    !take_key(&line, "len=", &out->bytes))
		return MAP_LINE_STRANGE;
	(void)take_key(&line, "attr=", &ignored);
	set_e820_type(out, type);
	return at_end(&line) ? MAP_LINE_ENTRY : MAP_LINE_STRANGE;
}

/* NAME PHYSICAL VIRTUAL PAGES WORDS. */
enum map_line read_freebsd_row(struct cursor line, struct map_entry *out)
{
	uint64_t virtual, pages;

	if (take_text(&line, "<INVALID>"))
		out->type = EFI_TYPE_RESERVED;
	else if (!take_shell_name(&line, &out->type))
		return MAP_LINE_STRANGE;
	if (!take_hex(&line, &out->start) || !take_hex(&line, &virtual) ||
	    !take_hex(&line, &pages) ||
	    !take_attribute_words(&line, &out->attributes))
		return MAP_LINE_STRANGE;
	return set_pages(out, pages);
}

/* --- what stands around rows -----------------------------------------------*/

static bool is_shell_sum(struct cursor line)
{
	uint32_t type;

	if (take_word(&line, "total memory"))
		return take_text(&line, ":");
	if (!take_shell_type(&line, &type) || !take_text(&line, ":"))
		return false;
	return skip_past(&line, "pages");
}

/* `Shell> memmap` or `FS0:\> memmap`, as a pasted screen begins and ends. */
bool is_shell_prompt(struct cursor line)
{
	if (take_text(&line, "grub>"))
		return true;
	if (!skip_past(&line, "shell>") &&
	    !(skip_past(&line, ":\\") && skip_past(&line, ">")))
		return false;
	return true;
}

/* `user@host:~$ sysctl machdep.smap`, `[root@host ~]`, `$ grep ...` */
static bool is_unix_prompt(struct cursor line)
{
	if (take_text(&line, "$ ") || take_text(&line, "% "))
		return true;
	(void)take_text(&line, "[");
	skip_blanks(&line);
	for (; line.at < line.end && *line.at != ' '; line.at++)
		if (*line.at == '@')
			return true;
	return false;
}

/* A device path, as the shell's table of mappings has them. */
static bool is_device_path(struct cursor line)
{
	const char *first;

	skip_blanks(&line);
	first = line.at;
	skip_word(&line);
	if (line.at == first || line.at == line.end || *line.at != '(')
		return false;
	while (line.end > line.at && line.end[-1] == ' ')
		line.end--;
	return line.end[-1] == ')';
}

static bool is_banner(struct cursor line)
{
	static const char *const beginnings[] = {
		"UEFI Interactive Shell", "UEFI Shell", "EFI Shell version",
		"EDK II", "UEFI v", "Current running mode", "Mapping table",
		"Device mapping table", "Press ESC in", "Press any key",
		"ShellCommand,", "MemoryMapSummary,", "machdep.smap",
		"machdep.efi_map",
	};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++) {
		struct cursor rest = line;

		if (take_text(&rest, beginnings[i]))
			return true;
	}
	return skip_past(&line, "Alias(s):") || skip_past(&line, "- Alias ");
}

bool is_row_heading(struct cursor line)
{
	if (is_shell_prompt(line) || is_unix_prompt(line) || is_banner(line) ||
	    is_shell_sum(line) || is_device_path(line))
		return true;
	if (!take_word(&line, "type"))
		return false;
	if (take_word(&line, "start"))
		return take_word(&line, "end");
	return take_word(&line, "physical start") ||
	       (take_word(&line, "physical") && take_word(&line, "virtual"));
}
