// SPDX-License-Identifier: MIT OR Apache-2.0
/* Layers in one text, UEFI's load options, and random text. */
#include <boot/options.h>

#include <base/bits.h>

#include "check.h"
#include "options_recorder.h"

/* A buffer to which layers are appended, and the resulting text. */
struct layers {
	char text[128];
	size_t used;
};

static enum status append(struct layers *layers, enum option_layer_kind kind,
			  const char *text)
{
	struct option_text to = { layers->text, sizeof(layers->text),
				  layers->used };
	struct option_layer layer = { kind, text, strlen(text) };
	enum status status = options_append_layer(&to, &layer);

	layers->used = to.used;
	return status;
}

CASE(options_append_strips_comments_and_keeps_one_space)
{
	struct layers layers = { 0 };

	CHECK(append(&layers, LAYER_FILE, "# top\n quiet \t nosmp # x\n\n"
					  "mem=1G") == ST_OK);
	CHECK(strcmp(layers.text, "quiet nosmp mem=1G") == 0);
	CHECK(layers.used == strlen(layers.text));
	CHECK(append(&layers, LAYER_WORDS, " run=\"a  # b\"  #c") == ST_OK);
	CHECK(strcmp(layers.text,
		     "quiet nosmp mem=1G\nrun=\"a  # b\" #c") == 0);
	CHECK(append(&layers, LAYER_WORDS, "") == ST_OK);
	CHECK(layers.used == strlen(layers.text));
}

CASE(options_append_lets_an_open_quote_swallow_nothing)
{
	struct layers layers = { 0 };

	CHECK(append(&layers, LAYER_FILE,
		     "run=\"open\nquiet run=\"again") == ST_OK);
	CHECK(append(&layers, LAYER_WORDS, "nosmp") == ST_OK);
	start();
	lay(LAYER_WORDS, layers.text);
	CHECK(options.quiet && options.max_cpus == 1);
	CHECK(recorder.lines == 2);
}

CASE(options_append_refuses_a_layer_whole)
{
	static const char text[] = "quiet nosmp";
	struct option_layer layer = { LAYER_WORDS, text, strlen(text) };
	char buffer[64];

	for (size_t capacity = 0; capacity < sizeof(buffer); capacity++) {
		struct option_text exact = { malloc(capacity), capacity, 0 };
		enum status status = options_append_layer(&exact, &layer);

		CHECK(status == (capacity > strlen(text) ? ST_OK : ST_FULL));
		CHECK(status == ST_OK ? strcmp(exact.text, text) == 0 :
					exact.used == 0);
		CHECK(capacity == 0 || exact.text[exact.used] == '\0');
		free(exact.text);
	}
	strcpy(buffer, "kept");
	for (size_t capacity = 5; capacity < 5 + sizeof(text); capacity++) {
		struct option_text to = { buffer, capacity, 4 };

		CHECK(options_append_layer(&to, &layer) == ST_FULL);
		CHECK(to.used == 4 && strcmp(buffer, "kept") == 0);
	}
}

CASE(options_append_refuses_what_is_not_text)
{
	char buffer[64] = "kept";
	struct option_text to = { buffer, sizeof(buffer), 4 };
	struct option_layer words = { LAYER_WORDS, "quiet\0nosmp", 11 };
	struct option_layer file = { LAYER_FILE, "\xff\xfeq\0u\0", 6 };

	CHECK(options_append_layer(&to, &words) == ST_CORRUPT);
	CHECK(options_append_layer(&to, &file) == ST_CORRUPT);
	CHECK(to.used == 4 && strcmp(buffer, "kept") == 0);
}

/* Feeds text as UCS-2 at an odd address, cut or extended by `extra` bytes. */
static const char *from_ucs2(const char *text, size_t units, int extra)
{
	static char out[64];
	size_t bytes = (size_t)((long)units * 2 + extra);
	unsigned char *block = malloc(bytes + 1);
	size_t length;

	memset(block, 0, bytes + 1);
	for (size_t i = 0; i < bytes; i += 2)
		block[i + 1] = i / 2 < units ? (unsigned char)text[i / 2] : 0;
	memset(out, 'x', sizeof(out));
	length = options_from_ucs2(out, sizeof(out), block + 1, bytes);
	CHECK(length == strlen(out));
	free(block);
	return out;
}

CASE(options_from_ucs2_takes_printable_text)
{
	CHECK(strcmp(from_ucs2("quiet mem=1G", 12, 0), "quiet mem=1G") == 0);
	CHECK(strcmp(from_ucs2("quiet", 6, 0), "quiet") == 0);
	CHECK(strcmp(from_ucs2("quiet\0junk", 10, 0), "quiet") == 0);
	CHECK(strcmp(from_ucs2("quiet", 5, 1), "quiet") == 0);
	CHECK(strcmp(from_ucs2("quiet", 5, -1), "quie") == 0);
	CHECK(strcmp(from_ucs2("", 0, 0), "") == 0);
	CHECK(strcmp(from_ucs2("q", 1, -1), "") == 0);
}

CASE(options_from_ucs2_skips_the_program_name)
{
	static const struct {
		const char *given, *want;
	} cases[] = {
		{ "BOOTX64.EFI quiet", " quiet" },
		{ "fs0:\\efi\\boot\\bootx64.efi", "" },
		{ "\\x.eFi nosmp quiet", " nosmp quiet" },
		{ "  a.efi quiet", " quiet" },
		{ "\"fs0:\\my dir\\b.efi\" quiet", " quiet" },
		{ "\"fs0:\\b.efi", "" },
		{ "quiet BOOTX64.EFI", "quiet BOOTX64.EFI" },
		{ "a.efix quiet", "a.efix quiet" },
		{ "efi quiet", "efi quiet" },
		{ "\"run a\" b.efi", "\"run a\" b.efi" },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		CHECK(strcmp(from_ucs2(cases[i].given,
				       strlen(cases[i].given), 0),
			     cases[i].want) == 0);
}

CASE(options_from_ucs2_refuses_what_is_not_text)
{
	static const uint16_t wide[] = { 'q', 0x2603, 0 };
	static const char *const ascii = "quiet nosmp";
	char out[64], tiny[5];

	CHECK(strcmp(from_ucs2("a\tb", 3, 0), "") == 0);
	CHECK(strcmp(from_ucs2("a\x7f", 2, 0), "") == 0);
	CHECK(options_from_ucs2(out, sizeof(out), wide, sizeof(wide)) == 0);
	CHECK(out[0] == '\0');
	CHECK(options_from_ucs2(out, sizeof(out), ascii, strlen(ascii)) == 0);
	CHECK(options_from_ucs2(out, sizeof(out), NULL, 0) == 0);
	CHECK(options_from_ucs2(out, 0, wide, sizeof(wide)) == 0);
	/* Four letters fit into five bytes, five do not and are not cut. */
	CHECK(options_from_ucs2(tiny, 5, (uint16_t[]){ 'm', 'e', 'm', '=' },
				8) == 4);
	CHECK(options_from_ucs2(tiny, 5, (uint16_t[]){ 'q', 'u', 'i', 'e',
						       't' }, 10) == 0);
	CHECK(tiny[0] == '\0');
}

/* A word, and the value that it must have set as the last of its key. */
static const struct {
	const char *text;
	uint64_t value;
	char field;		/* 'm'em, 'c'pus, 'l'evel, 'i'dle, 0 = bad   */
} soup_words[] = {
	{ "mem=64M", 64 * MIB, 'm' }, { "mem=9G", 9 * GIB, 'm' },
	{ "mem=0x100000000", 4 * GIB, 'm' }, { "mem=63M", 0, 0 },
	{ "mem=\"5G\"", 5 * GIB, 'm' }, { "mem=\"5G", 0, 0 },
	{ "maxcpus=2", 2, 'c' }, { "nosmp", 1, 'c' }, { "nosmp=2", 0, 0 },
	{ "quiet", 4, 'l' }, { "loglevel=7", 7, 'l' },
	{ "loglevel=77", 0, 0 }, { "on-idle=exit", IDLE_EXIT, 'i' },
	{ "on-idle=reboot", IDLE_REBOOT, 'i' }, { "on-idle=\x03", 0, 0 },
	{ "vga=7", 0, 0 }, { "=", 0, 0 }, { "a\"b\"", 0, 0 },
};

CASE(options_agree_with_a_model_that_remembers_the_last_word)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 3000; round++) {
		uint64_t mem = 0, cpus = 0, level = 6, idle = IDLE_MONITOR;
		char text[1024];
		size_t used = 0;

		for (uint64_t n = check_random(&seed) % 24; n > 0; n--) {
			uint64_t pick = check_random(&seed) %
					ARRAY_LENGTH(soup_words);
			uint64_t value = soup_words[pick].value;

			switch (soup_words[pick].field) {
			case 'm': mem = value; break;
			case 'c': cpus = value; break;
			case 'l': level = value; break;
			case 'i': idle = value; break;
			}
			used += (size_t)sprintf(text + used, "%s\n",
						soup_words[pick].text);
		}
		start();
		lay_bytes(check_random(&seed) % 2 ? LAYER_FILE : LAYER_WORDS,
			  text, used);
		CHECK(options.mem_limit == mem && options.max_cpus == cpus);
		CHECK(options.log_level == level && options.on_idle == idle);
	}
}

/* Bytes that quote, separate, comment and break, between chunks of words. */
static size_t cook(char *soup, size_t limit, uint64_t *seed)
{
	static const char *const chunks[] = {
		"\"", "\"", "\"", " ", " ", "\n", "\r\n", "\t", "#", "=",
		"mem=64M", "run=", "run=\"a b\"", "quiet", "loglevel=5",
		"x", "\x01", "\xff", "nosmp", "on-idle=exit",
	};
	size_t used = 0;

	while (used + 16 < limit) {
		const char *chunk = chunks[check_random(seed) %
					   ARRAY_LENGTH(chunks)];

		memcpy(soup + used, chunk, strlen(chunk));
		used += strlen(chunk);
	}
	return used;
}

CASE(options_appended_layers_mean_what_the_layers_mean)
{
	static struct recorder separate_notes;
	static struct options separate;
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 3000; round++) {
		char buffer[OPTIONS_BYTES], soup[200];
		struct option_text to = { buffer, sizeof(buffer), 0 };

		start();
		for (unsigned i = 0; i < 3; i++) {
			size_t limit = check_random(&seed) % sizeof(soup);
			struct option_layer layer = {
				.kind = check_random(&seed) % 2 ? LAYER_FILE :
								  LAYER_WORDS,
				.text = soup,
				.bytes = cook(soup, limit, &seed),
			};

			lay_bytes(layer.kind, soup, layer.bytes);
			CHECK(options_append_layer(&to, &layer) == ST_OK);
			CHECK(strlen(buffer) == to.used);
		}
		separate = options;
		separate_notes = recorder;
		start();
		lay_bytes(LAYER_WORDS, buffer, to.used);
		CHECK(options_say_the_same(&options, &separate));
		CHECK(strcmp(recorder.text, separate_notes.text) == 0);
	}
}

CASE(options_survive_random_bytes)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 5000; round++) {
		unsigned char soup[300];
		char out[100], buffer[200] = "";
		size_t bytes = check_random(&seed) % sizeof(soup);
		struct option_text to = { buffer, sizeof(buffer), 0 };
		struct option_layer layer = { LAYER_FILE, (char *)soup, bytes };
		enum status status;

		for (size_t i = 0; i < bytes; i++)
			soup[i] = (unsigned char)check_random(&seed);
		start();
		lay_bytes(LAYER_FILE, (char *)soup, bytes);
		lay_bytes(LAYER_WORDS, (char *)soup, bytes);
		CHECK(strlen(options.run) < sizeof(options.run));
		CHECK(options.log_level <= 7);
		status = options_append_layer(&to, &layer);
		CHECK(status == ST_OK || to.used == 0);
		CHECK(buffer[to.used] == '\0');
		CHECK(options_from_ucs2(out, sizeof(out), soup, bytes) ==
		      strlen(out));
	}
}
