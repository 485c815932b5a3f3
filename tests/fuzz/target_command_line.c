// SPDX-License-Identifier: MIT OR Apache-2.0
/* Any bytes as a list of commands, cut and split into words. */
#include "target.h"

#include "kernel/pure_command_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *list = malloc(bytes + 1);
	const char *rest = list;
	char one[64];

	memcpy(list, data, bytes);
	list[bytes] = '\0';
	while ((rest = command_line_next(rest, one, sizeof(one))) != NULL) {
		struct command_line line;

		HOLDS(rest <= list + bytes);
		if (command_line_split(&line, one) != ST_OK) {
			HOLDS(line.count == 0);
			continue;
		}
		HOLDS(line.count <= COMMAND_WORDS_MAX);
		for (unsigned i = 0; i < line.count; i++)
			HOLDS(strlen(line.words[i]) < sizeof(one));
	}
	free(list);
	return 0;
}
