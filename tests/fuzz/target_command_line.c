// SPDX-License-Identifier: MIT OR Apache-2.0
/* Any bytes as a list of commands, cut and split into words. */
#include "target.h"

#include <kernel/lib/command_line.h>

#define ONE_BYTES 64

static void split(const char *text)
{
	struct command_line line;

	if (command_line_split(&line, text) != ST_OK) {
		HOLDS(line.count == 0);
		return;
	}
	HOLDS(strlen(text) < sizeof(line.text));
	HOLDS(line.count <= COMMAND_WORDS_MAX);
	for (unsigned i = 0; i < line.count; i++) {
		const char *word = line.words[i];

		HOLDS(word >= line.text);
		HOLDS(word + strlen(word) < line.text + sizeof(line.text));
		HOLDS(strcmp(word, "-m") != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *list = malloc(bytes + 1);
	const char *rest = list;
	char *one = malloc(ONE_BYTES);

	memcpy(list, data, bytes);
	list[bytes] = '\0';
	split(list);
	while ((rest = command_line_next(rest, one, ONE_BYTES)) != NULL) {
		HOLDS(rest <= list + bytes);
		split(one);
	}
	free(one);
	free(list);
	return 0;
}
