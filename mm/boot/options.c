// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One reader splits a layer into words, for applying and for appending, so
 * that both agree on the words. A quote reaches at most to the end of its
 * line: a missing closing quote costs that line, not the file. A word is used
 * as a whole or not at all, never cut, guessed or repaired: half of a `run=`
 * would be another command.
 *
 * Each bad word is reported once, over all layers. For that a CRC of each
 * reported word is kept, not the word. A collision of two words costs one line
 * in the log, nothing else.
 */
#include <boot/options.h>

#include <base/assert.h>
#include <base/bits.h>
#include <base/crc32.h>
#include <base/string.h>

#include "options_internal.h"

#define UART_CLOCK 115200	/* bits per second at divisor 1 */
#define UART_DIVISOR_LIMIT 0xffff
#define QUIET_LOG_LEVEL 4
#define PLAIN_LOG_LEVEL 6
#define LOG_LEVEL_LIMIT 7

_Static_assert(QUIET_LOG_LEVEL < PLAIN_LOG_LEVEL, "quiet says less");
_Static_assert(PLAIN_LOG_LEVEL <= LOG_LEVEL_LIMIT, "a level that can be set");
_Static_assert(OPTIONS_NAMED_BYTES >= 4, "room for one escaped byte");

struct word_reader {
	const char *next, *end;
	enum option_layer_kind kind;
};

/* The parts of a word; `value` is without its quotes. */
struct option {
	struct slice key, value;
	bool has_value;
};

struct application {
	struct options *options;
	struct options_complaint *complaint;
};

struct option_rule {
	const char *key;
	bool wants_value;
	/*
	 * Sets the option; or returns the reason and changes nothing. The
	 * parts of memmap= are set one by one.
	 */
	const char *(*set)(struct options *options, struct slice value);
};

/* --- words ---------------------------------------------------------------- */

static bool is_line_end(char byte)
{
	return byte == '\n' || byte == '\r';
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || is_line_end(byte);
}

static bool is_printable(unsigned unit)
{
	return unit >= ' ' && unit <= '~';
}

static bool starts_comment(const struct word_reader *reader)
{
	return reader->kind == LAYER_FILE && *reader->next == '#';
}

static struct word_reader reader_of(const struct option_layer *layer)
{
	const char *text = layer->bytes > 0 ? layer->text : "";
	const char *end = text + layer->bytes;

	/* Some editors begin a file with an invisible U+FEFF. */
	if (layer->kind == LAYER_FILE && layer->bytes >= 3 &&
	    memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	return (struct word_reader){ text, end, layer->kind };
}

static void skip_blanks_and_comments(struct word_reader *reader)
{
	while (reader->next != reader->end) {
		if (starts_comment(reader)) {
			while (reader->next != reader->end &&
			       !is_line_end(*reader->next))
				reader->next++;
		} else if (is_blank(*reader->next)) {
			reader->next++;
		} else {
			return;
		}
	}
}

/* False at the end of the layer. */
static bool next_word(struct word_reader *reader, struct slice *out)
{
	bool quoted = false;
	const char *start;

	skip_blanks_and_comments(reader);
	start = reader->next;
	while (reader->next != reader->end && !is_line_end(*reader->next)) {
		if (!quoted && (is_blank(*reader->next) ||
				starts_comment(reader)))
			break;
		if (*reader->next == '"')
			quoted = !quoted;
		reader->next++;
	}
	*out = (struct slice){ start, (size_t)(reader->next - start) };
	return out->bytes > 0;
}

static size_t count_quotes(struct slice slice)
{
	size_t quotes = 0;

	for (size_t i = 0; i < slice.bytes; i++)
		quotes += slice.text[i] == '"';
	return quotes;
}

static bool slice_is(struct slice slice, const char *text)
{
	return slice.bytes == strlen(text) &&
	       memcmp(slice.text, text, slice.bytes) == 0;
}

/* Splits a word; returns the reason why it is none, or NULL. */
static const char *split_word(struct slice word, struct option *out)
{
	size_t quotes = count_quotes(word);
	size_t equals = 0;

	for (size_t i = 0; i < word.bytes; i++)
		if (!is_printable((unsigned char)word.text[i]))
			return "holds a byte that is not printable";
	if (quotes % 2 != 0)
		return "has a quote that is not closed";
	while (equals < word.bytes && word.text[equals] != '=')
		equals++;
	out->key = (struct slice){ word.text, equals };
	out->has_value = equals < word.bytes;
	out->value = slice_from(word, equals + out->has_value);
	if (equals == 0)
		return "has no name before the '='";
	if (quotes == 0)
		return NULL;
	if (quotes > 2 || out->value.bytes < 2 || out->value.text[0] != '"' ||
	    out->value.text[out->value.bytes - 1] != '"')
		return "has quotes that are not around a value";
	out->value =
		(struct slice){ out->value.text + 1, out->value.bytes - 2 };
	return NULL;
}

/* --- values --------------------------------------------------------------- */

/* "9600" or "9600n8": we always send eight bits without parity. */
static bool parse_baud(struct slice slice, uint32_t *out)
{
	uint64_t baud;

	if (slice.bytes > 2 &&
	    memcmp(slice.text + slice.bytes - 2, "n8", 2) == 0)
		slice.bytes -= 2;
	if (!option_parse_number(slice, &baud) || baud == 0 ||
	    UART_CLOCK % baud != 0 || UART_CLOCK / baud > UART_DIVISOR_LIMIT)
		return false;
	*out = (uint32_t)baud;
	return true;
}

static const char *set_console(struct options *options, struct slice value)
{
	static const uint16_t ports[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
	uint32_t baud = UART_CLOCK;
	unsigned number;

	_Static_assert(ARRAY_LENGTH(ports) <= 10, "a port is one digit");
	if (slice_is(value, "none")) {
		options->serial = false;
		return NULL;
	}
	if (value.bytes < 5 || memcmp(value.text, "ttyS", 4) != 0 ||
	    !option_digit(value.text[4], ARRAY_LENGTH(ports), &number) ||
	    (value.bytes > 5 && value.text[5] != ','))
		return "is neither none nor one of ttyS0 ... ttyS3";
	if (value.bytes > 5 && !parse_baud(slice_from(value, 6), &baud))
		return "has a speed that does not divide 115200";
	options->serial = true;
	options->serial_port = ports[number];
	options->serial_baud = baud;
	return NULL;
}

static const char *set_mem(struct options *options, struct slice value)
{
	uint64_t bytes;

	if (!option_parse_size(value, &bytes))
		return "is not a size such as 512M";
	if (bytes < OPTIONS_MEM_MINIMUM)
		return "is below the 64 MiB that Bulldog needs";
	options->mem_limit = bytes;
	return NULL;
}

static const char *set_maxcpus(struct options *options, struct slice value)
{
	uint64_t count;

	if (!option_parse_number(value, &count) || count > INT32_MAX)
		return "is not a number of processors";
	/* As in Linux, 0 starts no other CPU. */
	options->max_cpus = count == 0 ? 1 : (uint32_t)count;
	return NULL;
}

static const char *set_nosmp(struct options *options, struct slice value)
{
	(void)value;
	options->max_cpus = 1;
	return NULL;
}

static const char *set_quiet(struct options *options, struct slice value)
{
	(void)value;
	options->quiet = true;
	options->log_level = QUIET_LOG_LEVEL;
	return NULL;
}

static const char *set_loglevel(struct options *options, struct slice value)
{
	uint64_t level;

	if (!option_parse_number(value, &level) || level > LOG_LEVEL_LIMIT)
		return "is not a level from 0 to 7";
	options->quiet = false;
	options->log_level = (uint32_t)level;
	return NULL;
}

static const char *set_panic(struct options *options, struct slice value)
{
	bool negative = value.bytes > 0 && value.text[0] == '-';
	uint64_t seconds;

	if (slice_is(value, "exit")) {
		options->panic = PANIC_EXIT;
		return NULL;
	}
	if (!option_parse_number(slice_from(value, negative), &seconds) ||
	    seconds > INT32_MAX)
		return "is neither exit nor a number of seconds";
	options->panic = seconds == 0 ? PANIC_WAIT : PANIC_REBOOT;
	options->panic_seconds = negative ? 0 : (uint32_t)seconds;
	return NULL;
}

static const char *set_run(struct options *options, struct slice value)
{
	if (value.bytes >= sizeof(options->run))
		return "is longer than the 1023 bytes that fit";
	memcpy(options->run, value.text, value.bytes);
	options->run[value.bytes] = '\0';
	return NULL;
}

_Static_assert(sizeof(((struct options *)0)->run) == 1024,
	       "set_run says how many bytes fit");

static const char *set_on_idle(struct options *options, struct slice value)
{
	static const char *const names[] = {
		[IDLE_MONITOR] = "monitor",
		[IDLE_POWEROFF] = "poweroff",
		[IDLE_REBOOT] = "reboot",
		[IDLE_EXIT] = "exit",
	};

	_Static_assert(ARRAY_LENGTH(names) == IDLE_EXIT + 1, "all have names");
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		if (slice_is(value, names[i])) {
			options->on_idle = (enum idle_action)i;
			return NULL;
		}
	}
	return "is none of monitor, poweroff, reboot, exit";
}

static const struct option_rule rules[] = {
	{ "console", true, set_console },
	{ "mem", true, set_mem },
	{ "memmap", true, option_set_memmap },
	{ "maxcpus", true, set_maxcpus },
	{ "nosmp", false, set_nosmp },
	{ "quiet", false, set_quiet },
	{ "loglevel", true, set_loglevel },
	{ "panic", true, set_panic },
	{ "run", true, set_run },
	{ "on-idle", true, set_on_idle },
};

/* --- applying ------------------------------------------------------------- */

/*
 * Writes the word as a quoted value of a record, as many whole characters as
 * fit; returns the length.
 */
static size_t name_word(char *to, size_t room, struct slice word)
{
	static const char digits[16] = "0123456789abcdef";
	size_t used = 0;

	for (size_t i = 0; i < word.bytes; i++) {
		unsigned char byte = (unsigned char)word.text[i];
		bool plain = is_printable(byte) && byte != '"' && byte != '\\';

		if ((plain ? 1 : 4) > room - used)
			break;
		if (plain) {
			to[used++] = (char)byte;
			continue;
		}
		to[used++] = '\\';
		to[used++] = 'x';
		to[used++] = digits[byte >> 4];
		to[used++] = digits[byte & 15];
	}
	return used;
}

/* Reports `what` once: the key of an unknown word, else the whole word. */
static void complain(struct application *to, struct slice word,
		     struct slice what, const char *why)
{
	struct options *options = to->options;
	uint32_t mark = crc32(0, what.text, what.bytes);
	char name[OPTIONS_NAMED_BYTES];

	for (uint32_t i = 0; i < options->reported_count; i++)
		if (options->reported[i] == mark)
			return;
	ASSERT(options->reported_count <= OPTIONS_COMPLAINTS);
	if (options->reported_count == OPTIONS_COMPLAINTS)
		return;
	options->reported[options->reported_count++] = mark;
	if (options->reported_count == OPTIONS_COMPLAINTS)
		why = "is wrong, and further wrong words are not named";
	to->complaint->report(to->complaint, name,
			      name_word(name, sizeof(name), word), why);
}

static void apply_word(struct application *to, struct slice word)
{
	const struct option_rule *rule = NULL;
	struct option option;
	const char *why = split_word(word, &option);

	if (why != NULL) {
		complain(to, word, word, why);
		return;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(rules); i++)
		if (slice_is(option.key, rules[i].key))
			rule = &rules[i];
	if (rule == NULL) {
		complain(to, word, option.key, "is unknown");
		return;
	}
	if (option.has_value == rule->wants_value)
		why = rule->set(to->options, option.value);
	else
		why = rule->wants_value ? "needs a value" :
					  "takes no value";
	if (why != NULL)
		complain(to, word, word, why);
}

void options_defaults(struct options *options)
{
	*options = (struct options){
		.serial = true,
		.serial_port = 0x3f8,
		.serial_baud = UART_CLOCK,
		.log_level = PLAIN_LOG_LEVEL,
		.panic = PANIC_WAIT,
		.on_idle = IDLE_MONITOR,
	};
}

void options_apply(struct options *options, const struct option_layer *layer,
		   struct options_complaint *complaint)
{
	struct application to = { options, complaint };
	struct word_reader reader = reader_of(layer);
	struct slice word;

	while (next_word(&reader, &word))
		apply_word(&to, word);
}

/* --- layers on their way to the kernel ------------------------------------ */

enum status options_append_layer(struct option_text *to,
				 const struct option_layer *layer)
{
	struct word_reader reader = reader_of(layer);
	char separator = '\n';	/* a line for each layer */
	size_t length = to->used;
	struct slice word;

	if (length >= to->capacity)
		return ST_FULL;
	for (size_t i = 0; i < layer->bytes; i++)
		if (layer->text[i] == '\0')
			return ST_CORRUPT;
	while (next_word(&reader, &word)) {
		/* A separator, the word and the last NUL. */
		if (word.bytes + 1 + (length > 0) > to->capacity - length) {
			to->text[to->used] = '\0';
			return ST_FULL;
		}
		if (length > 0)
			to->text[length++] = separator;
		memcpy(to->text + length, word.text, word.bytes);
		length += word.bytes;
		separator = count_quotes(word) % 2 != 0 ? '\n' : ' ';
	}
	to->text[length] = '\0';
	to->used = length;
	return ST_OK;
}

static unsigned unit_at(const unsigned char *text, size_t index)
{
	return text[2 * index] | (unsigned)text[2 * index + 1] << 8;
}

static bool ends_in_efi(struct slice name)
{
	static const char suffix[] = ".EFI";
	size_t length = sizeof(suffix) - 1;

	if (name.bytes < length)
		return false;
	for (size_t i = 0; i < length; i++) {
		char byte = name.text[name.bytes - length + i];

		if (byte >= 'a' && byte <= 'z')
			byte = (char)(byte - 'a' + 'A');
		if (byte != suffix[i])
			return false;
	}
	return true;
}

/* The length of the program name that a shell puts first; 0 without one. */
static size_t program_name_bytes(const char *text)
{
	size_t start = 0, end;
	char stop = ' ';

	while (text[start] == ' ')
		start++;
	if (text[start] == '"')
		stop = text[start++];
	for (end = start; text[end] != '\0' && text[end] != stop; )
		end++;
	if (!ends_in_efi((struct slice){ text + start, end - start }))
		return 0;
	return text[end] == '"' ? end + 1 : end;
}

bool options_ucs2_fits(const void *text, size_t bytes, size_t capacity)
{
	for (size_t i = 0; i < bytes / 2 && unit_at(text, i) != 0; i++)
		if (!is_printable(unit_at(text, i)) || i + 1 >= capacity)
			return false;
	return capacity > 0;
}

size_t options_from_ucs2(char *to, size_t capacity, const void *text,
			 size_t bytes)
{
	bool fits = options_ucs2_fits(text, bytes, capacity);
	size_t length = 0, name;

	if (capacity == 0)
		return 0;
	for (; fits && length < bytes / 2 && unit_at(text, length) != 0;
	     length++)
		to[length] = (char)unit_at(text, length);
	to[length] = '\0';
	name = program_name_bytes(to);
	ASSERT(name <= length);
	memmove(to, to + name, length - name + 1);
	return length - name;
}
