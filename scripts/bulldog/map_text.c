// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A text in which a line has a prefix is a log: the lines with the prefix are
 * the list, and all others are passed over. In any other text every line must
 * be understood.
 *
 * A log may have several lists: by other prefixes, of which one is chosen, and
 * by the same one after another boot, of which the last is taken.
 */
#include "map_text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "decode.h"
#include "map_line.h"

#define SENTENCE_BYTES 512
#define SHOWN_BYTES 100
#define FORMS "efi columns, e820 columns, the UEFI Shell's memmap, lines of " \
	      "Linux' or Xen's log, GRUB's lsefimmap, FreeBSD's maps, " \
	      "/sys/firmware/memmap"

struct reader {
	struct map_text *map;
	struct map_listener *listener;
	const char *at, *end;		/* the text that is left             */
	size_t number;			/* of the line before `at`           */
	enum map_prefix prefix;
	/* The list that is being read, and how many there are. */
	size_t lists, list_line;
	size_t heading_line;		/* that begins the next; 0: none     */
	bool has_number;		/* the last entry's, of `efi: memNN` */
	uint64_t last_number;
	char missing[120];		/* numbers that the list lacks       */
	/* Lines that are passed over. */
	size_t passed, first_passed;
	struct map_text_line first_text;
};

/* --- sentences -------------------------------------------------------------*/

__attribute__((format(printf, 3, 4)))
static void say(struct reader *reader, size_t line, const char *format, ...)
{
	char sentence[SENTENCE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	reader->listener->say(reader->listener, line, sentence);
}

/* The line as it may be shown: not too long, nothing but ASCII. */
struct shown {
	char text[SHOWN_BYTES + 1];
};

static struct shown show(struct map_text_line line)
{
	struct shown shown;
	size_t bytes = 0;

	for (; bytes < SHOWN_BYTES && bytes < line.bytes; bytes++) {
		char byte = line.text[bytes];

		shown.text[bytes] = byte >= ' ' && byte < 0x7f ? byte :
				    byte == '\t' ? ' ' : '?';
	}
	shown.text[bytes] = '\0';
	return shown;
}

/* An error: of line `number`, or of no line. */
static enum status fail(struct reader *reader, size_t number)
{
	reader->map->strange_line = number;
	return ST_CORRUPT;
}

static enum status fail_at(struct reader *reader, size_t number,
			   struct map_text_line line, const char *why)
{
	say(reader, number, "%s: %s", why, show(line).text);
	return fail(reader, number);
}

static const char *why_refused(enum map_line kind, struct map_text_line line)
{
	/* Nothing but numbers. */
	bool columns = memchr(line.text, '[', line.bytes) == NULL &&
		       memchr(line.text, '(', line.bytes) == NULL;

	if (kind == MAP_LINE_UNEVEN)
		return "its pages and its end disagree";
	if (kind == MAP_LINE_REVERSED)
		return columns ? "ends before it begins (base and length?)" :
				 "ends before it begins";
	return "cannot be read";
}

/* --- lines -----------------------------------------------------------------*/

/* Without the blanks at both ends, and what a mail puts before a quotation. */
static struct map_text_line strip(const char *from, const char *to)
{
	for (;;) {
		while (from < to && is_blank(*from))
			from++;
		if (from < to && *from == '>')
			from++;
		else if (to - from >= 4 && memcmp(from, "&gt;", 4) == 0)
			from += 4;
		else
			break;
	}
	while (to > from && is_blank(to[-1]))
		to--;
	return (struct map_text_line){ from, (size_t)(to - from) };
}

static bool next_line(struct reader *reader, struct map_text_line *line)
{
	const char *stop;

	if (reader->at == reader->end)
		return false;
	stop = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	if (stop == NULL)
		stop = reader->end;
	*line = strip(reader->at, stop);
	reader->at = stop == reader->end ? stop : stop + 1;
	reader->number++;
	return true;
}

static void rewind_to(struct reader *reader, const char *text)
{
	reader->at = text;
	reader->number = 0;
}

static enum status append(struct map_text *map, const struct map_entry *entry)
{
	if (map->count == map->capacity) {
		size_t capacity = map->capacity > 0 ? 2 * map->capacity : 64;
		struct map_entry *entries =
			reallocarray(map->entries, capacity, sizeof(*entries));

		if (entries == NULL)
			return ST_NO_MEMORY;
		map->entries = entries;
		map->capacity = capacity;
	}
	map->entries[map->count++] = *entry;
	return ST_OK;
}

/* --- logs ------------------------------------------------------------------*/

/* The lines of each prefix: the first, and how many. */
struct census {
	size_t first[MAP_PREFIXES], count[MAP_PREFIXES];
};

static struct census count_prefixes(struct reader *reader)
{
	struct census census = { .first = { 0 } };
	struct map_text_line line;
	uint64_t number;

	while (next_line(reader, &line)) {
		enum map_prefix prefix = map_line_prefix(line, &number);

		if (prefix == MAP_PREFIX_NONE)
			continue;
		if (census.count[prefix]++ == 0)
			census.first[prefix] = reader->number;
	}
	return census;
}

static enum map_prefix first_of(const struct census *census)
{
	enum map_prefix prefix = 0;

	while (prefix < MAP_PREFIXES && census->count[prefix] == 0)
		prefix++;
	return prefix;
}

/* I19: what else there is, of other owners. */
static void name_others(struct reader *reader, const struct census *census)
{
	char text[SENTENCE_BYTES / 2] = "";
	size_t at = 0;

	for (unsigned i = reader->prefix + 1; i < MAP_PREFIXES; i++)
		if (census->count[i] != 0)
			at += (size_t)snprintf(
				text + at, sizeof(text) - at,
				"%s %zu line%s %s from line %zu on",
				at == 0 ? "" : ",", census->count[i],
				census->count[i] == 1 ? "" : "s",
				map_prefix_name(i), census->first[i]);
	if (at != 0)
		say(reader, 0, "the lines %s are taken, and of another owner "
			       "not:%s", map_prefix_name(reader->prefix), text);
}

static void add_missing(struct reader *reader, uint64_t first, uint64_t last)
{
	size_t at = strlen(reader->missing);
	const char *comma = at == 0 ? "" : ", ";

	/* As many as there is room for. */
	if (at + 60 > sizeof(reader->missing))
		return;
	if (first == last)
		sprintf(reader->missing + at, "%smem%02lu", comma,
			(unsigned long)first);
	else
		sprintf(reader->missing + at, "%smem%02lu-mem%02lu", comma,
			(unsigned long)first, (unsigned long)last);
}

static void begin_list(struct reader *reader, size_t line)
{
	reader->lists++;
	reader->list_line = line;
	reader->map->count = 0;
	reader->has_number = false;
	reader->missing[0] = '\0';
}

/* I13 and I14, before an entry of line `line` is taken. */
static void follow_lists(struct reader *reader, size_t line, uint64_t number)
{
	bool again = reader->prefix == MAP_PREFIX_EFI && reader->has_number &&
		     number <= reader->last_number;
	uint64_t next;

	if (reader->lists == 0 || again ||
	    (reader->heading_line != 0 && reader->map->count != 0))
		begin_list(reader, reader->heading_line != 0 ?
					   reader->heading_line : line);
	reader->heading_line = 0;
	if (reader->prefix != MAP_PREFIX_EFI)
		return;
	next = reader->has_number ? reader->last_number + 1 : 0;
	if (number > next)
		add_missing(reader, next, number - 1);
	reader->last_number = number;
	reader->has_number = true;
}

static bool next_begins(struct reader *reader, char byte)
{
	struct reader ahead = *reader;
	struct map_text_line line;

	return next_line(&ahead, &line) && line.bytes > 0 &&
	       line.text[0] == byte;
}

/*
 * I9: a mail program may have put the rest of the line into the next. `alone`
 * is what the line is without it.
 */
static enum map_line read_with_next(struct reader *reader,
				    struct map_text_line line,
				    enum map_line alone,
				    struct map_entry *entry)
{
	struct reader ahead = *reader;
	struct map_text_line rest, joined;
	struct map_entry whole;
	enum map_line kind;
	uint64_t number;
	char *text;

	if (!next_line(&ahead, &rest) || rest.bytes == 0 ||
	    map_line_prefix(rest, &number) != MAP_PREFIX_NONE)
		return alone;
	joined.bytes = line.bytes + 1 + rest.bytes;
	text = malloc(joined.bytes);
	if (text == NULL)
		return alone;
	memcpy(text, line.text, line.bytes);
	text[line.bytes] = ' ';
	memcpy(text + line.bytes + 1, rest.text, rest.bytes);
	joined.text = text;
	kind = map_line_read(joined, &whole);
	free(text);
	if (kind == MAP_LINE_STRANGE || kind == MAP_LINE_NOTHING)
		return alone;
	*entry = whole;
	reader->at = ahead.at;
	reader->number = ahead.number;
	return kind;
}

static enum status read_prefixed(struct reader *reader,
				 struct map_text_line line, uint64_t number)
{
	size_t first = reader->number;
	struct map_entry entry;
	enum map_line kind = map_line_read(line, &entry);

	/* Or only the size behind it. */
	if (kind == MAP_LINE_STRANGE || next_begins(reader, '('))
		kind = read_with_next(reader, line, kind, &entry);
	if (kind == MAP_LINE_NOTHING)
		return ST_OK;
	if (kind != MAP_LINE_ENTRY)
		return fail_at(reader, first, line, why_refused(kind, line));
	follow_lists(reader, first, number);
	return append(reader->map, &entry);
}

static void pass_over(struct reader *reader, struct map_text_line line)
{
	struct map_entry ignored;

	if (map_line_begins_list(line, reader->prefix))
		reader->heading_line = reader->number;
	/* Headings and blank lines are no news. */
	if (map_line_read(line, &ignored) == MAP_LINE_NOTHING)
		return;
	if (reader->passed++ == 0) {
		reader->first_passed = reader->number;
		reader->first_text = line;
	}
}

static void tell_of_log(struct reader *reader)
{
	if (reader->passed != 0)
		say(reader, 0, "%zu line%s passed over, the first is line %zu: "
			       "%s", reader->passed,
		    reader->passed == 1 ? "" : "s", reader->first_passed,
		    show(reader->first_text).text);
	if (reader->lists > 1)
		say(reader, 0, "%zu lists %s one after the other, and the last "
			       "alone is taken: it begins at line %zu",
		    reader->lists, map_prefix_name(reader->prefix),
		    reader->list_line);
	if (reader->missing[0] != '\0')
		say(reader, 0, "entries are missing, and what they named is no "
			       "memory here: %s", reader->missing);
}

static enum status read_log(struct reader *reader, const struct census *census)
{
	struct map_text_line line;
	uint64_t number;

	name_others(reader, census);
	while (next_line(reader, &line)) {
		enum map_prefix prefix = map_line_prefix(line, &number);
		enum status status = ST_OK;

		if (prefix == reader->prefix)
			status = read_prefixed(reader, line, number);
		else if (prefix == MAP_PREFIX_NONE)
			pass_over(reader, line);
		if (status != ST_OK)
			return status;
	}
	tell_of_log(reader);
	return ST_OK;
}

/* --- lists -----------------------------------------------------------------*/

/* An entry of /sys/firmware/memmap, of which grep prints three lines. */
struct parts {
	uint64_t index;
	uint64_t value[MAP_PARTS];
	unsigned have;			/* bit by enum map_part              */
	size_t line;			/* its first                         */
	struct map_text_line text;
};

/* All three of one entry stand together, in any order. */
static enum status take_part(struct reader *reader, struct parts *parts,
			     struct map_text_line line, bool *taken)
{
	enum map_part part = MAP_PART_START;
	uint64_t index = 0, value = 0;
	struct map_entry entry;

	*taken = map_line_part(line, &index, &part, &value);
	if (parts->have != 0 && (!*taken || index != parts->index ||
				 parts->have >> part & 1))
		return fail_at(reader, parts->line, parts->text,
			       "an entry without its start, end or type");
	if (!*taken)
		return ST_OK;
	if (parts->have == 0) {
		parts->index = index;
		parts->line = reader->number;
		parts->text = line;
	}
	parts->value[part] = value;
	parts->have |= 1U << part;
	if (parts->have != (1U << MAP_PARTS) - 1)
		return ST_OK;
	parts->have = 0;
	if (map_line_join(parts->value, &entry) != MAP_LINE_ENTRY)
		return fail_at(reader, parts->line, parts->text,
			       "ends before it begins");
	return append(reader->map, &entry);
}

/* The kind of list that a text is with a line which cannot be read. */
static enum map_other other_of(struct reader *reader, const char *text,
			       size_t *number, struct map_text_line *line)
{
	struct reader all = *reader;
	enum map_other other = MAP_OTHER_NONE;

	rewind_to(&all, text);
	while (other == MAP_OTHER_NONE && next_line(&all, line))
		other = map_line_other(*line);
	*number = all.number;
	return other;
}

static enum status refuse_line(struct reader *reader, const char *text,
			       struct map_text_line line)
{
	struct map_text_line other;
	size_t number;

	switch (other_of(reader, text, &number, &other)) {
	case MAP_OTHER_CHANGED:
		return fail_at(reader, number, other,
			       "Linux' view after its changes, and no "
			       "firmware's list is there: the lines BIOS-e820 "
			       "or efi: mem are wanted");
	case MAP_OTHER_IOMEM:
		return fail_at(reader, number, other,
			       "/proc/iomem is Linux' view after its changes: "
			       "the lines BIOS-e820 or efi: mem of the log, or "
			       "/sys/firmware/memmap, are wanted");
	case MAP_OTHER_ACPIDUMP:
		return fail_at(reader, number, other,
			       "the text of acpidump: the binary tables are "
			       "wanted (acpixtract -a)");
	case MAP_OTHER_NONE:
		break;
	}
	say(reader, reader->number, "not a line of a memory map: %s (what is "
				    "read: " FORMS ")", show(line).text);
	return fail(reader, reader->number);
}

static enum status read_lines(struct reader *reader, const char *text)
{
	struct parts parts = { .have = 0 };
	struct map_text_line line;
	bool devices = false;

	while (next_line(reader, &line)) {
		struct map_entry entry;
		enum status status;
		enum map_line kind;
		bool taken;

		status = take_part(reader, &parts, line, &taken);
		if (status != ST_OK)
			return status;
		if (taken)
			continue;
		kind = map_line_read(line, &entry);
		devices = (devices && !map_line_is_prompt(line)) ||
			  map_line_begins_devices(line);
		if (devices)
			continue;
		if (kind == MAP_LINE_STRANGE)
			return refuse_line(reader, text, line);
		if (kind == MAP_LINE_REVERSED || kind == MAP_LINE_UNEVEN)
			return fail_at(reader, reader->number, line,
				       why_refused(kind, line));
		if (kind == MAP_LINE_ENTRY)
			status = append(reader->map, &entry);
		if (status != ST_OK)
			return status;
	}
	if (parts.have == 0)
		return ST_OK;
	return fail_at(reader, parts.line, parts.text,
		       "an entry without its start, end or type");
}

enum status map_text_read(struct map_text *out, char *text, size_t bytes,
			  struct map_listener *listener)
{
	struct reader reader = {
		.map = out, .listener = listener, .at = text };
	struct census census;
	enum status status;

	*out = (struct map_text){ .entries = NULL };
	reader.end = text + decode_text(text, bytes);
	census = count_prefixes(&reader);
	rewind_to(&reader, text);
	reader.prefix = first_of(&census);
	status = reader.prefix == MAP_PREFIX_NONE ?
			 read_lines(&reader, text) :
			 read_log(&reader, &census);
	if (status != ST_OK || out->count != 0)
		return status;
	say(&reader, 0, "no entry of a memory map in it");
	return ST_CORRUPT;
}

void map_text_free(struct map_text *map)
{
	free(map->entries);
	*map = (struct map_text){ .entries = NULL };
}
