// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Any bytes as options: of a file, of words, of UEFI load options. Appended
 * to a text and applied from there, they must mean the same.
 */
#include "target.h"

#include <boot/options.h>

static void hear(struct options_complaint *complaint, const char *word,
		 size_t bytes, const char *why)
{
	(void)complaint;
	HOLDS(bytes <= OPTIONS_BYTES && strlen(why) > 0);
	for (size_t i = 0; i < bytes; i++)
		HOLDS(word[i] >= ' ' && word[i] < 0x7f && word[i] != '"');
}

static void apply(struct options *options, enum option_layer_kind kind,
		  const char *text, size_t bytes)
{
	struct options_complaint complaint = { .report = hear };
	struct option_layer layer = { kind, text, bytes };

	memset(options, 0, sizeof(*options));
	options_defaults(options);
	options_apply(options, &layer, &complaint);
	HOLDS(memchr(options->run, '\0', sizeof(options->run)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum option_layer_kind kind;
	struct option_text text = { NULL, OPTIONS_BYTES, 0 };
	struct options direct, carried;
	struct option_layer layer;
	char words[256];

	if (bytes == 0)
		return 0;
	kind = data[0] & 1 ? LAYER_FILE : LAYER_WORDS;
	layer = (struct option_layer){ kind, (const char *)data + 1,
				       bytes - 1 };
	apply(&direct, kind, layer.text, layer.bytes);
	text.text = malloc(text.capacity);
	if (options_append_layer(&text, &layer) == ST_OK) {
		apply(&carried, LAYER_WORDS, text.text, text.used);
		HOLDS(memcmp(&direct, &carried, sizeof(direct)) == 0);
	}
	free(text.text);
	HOLDS(options_from_ucs2(words, sizeof(words), data, bytes) <
	      sizeof(words));
	return 0;
}
