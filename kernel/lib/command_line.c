// SPDX-License-Identifier: MIT OR Apache-2.0
#include "command_line.h"

#include <base/string.h>

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static enum status split(struct command_line *line)
{
	char *at = line->text;

	for (;;) {
		bool quoted;

		while (is_blank(*at))
			at++;
		if (*at == '\0')
			return ST_OK;
		quoted = *at == '"';
		at += quoted;
		if (line->count == COMMAND_WORDS_MAX)
			return ST_FULL;
		line->words[line->count++] = at;
		while (*at != '\0' && (quoted ? *at != '"' : !is_blank(*at)))
			at++;
		if (*at == '\0')
			return quoted ? ST_BAD_ARGUMENT : ST_OK;
		*at++ = '\0';
	}
}

static void take_out_flag(struct command_line *line)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < line->count; i++) {
		if (strcmp(line->words[i], "-m") == 0)
			line->records = true;
		else
			line->words[kept++] = line->words[i];
	}
	line->count = kept;
}

enum status command_line_split(struct command_line *line, const char *text)
{
	size_t bytes = strlen(text);
	enum status status;

	line->count = 0;
	line->records = false;
	if (bytes >= sizeof(line->text))
		return ST_FULL;
	memcpy(line->text, text, bytes + 1);
	status = split(line);
	if (status != ST_OK) {
		line->count = 0;
		return status;
	}
	take_out_flag(line);
	return ST_OK;
}

const char *command_line_next(const char *list, char *to, size_t bytes)
{
	bool quoted = false;
	size_t used = 0;

	if (*list == '\0')
		return NULL;
	for (; *list != '\0' && (*list != ';' || quoted); list++) {
		quoted ^= *list == '"';
		if (used + 1 < bytes)
			to[used++] = *list;
	}
	to[used] = '\0';
	return *list == ';' ? list + 1 : list;
}
