// SPDX-License-Identifier: MIT OR Apache-2.0
#include "command.h"

#include <kernel/log/log.h>

enum status command_refuse(const struct command_call *call, const char *why,
			   const char *word)
{
	const struct command *command = call->command;

	log_line(LOG_ERROR, "%s: refused word=\"%s\" why=\"%s\" "
			    "usage=\"%s%s%s\"", command->name, word, why,
		 command->name, command->usage[0] != '\0' ? " " : "",
		 command->usage);
	return ST_BAD_ARGUMENT;
}

enum status command_refuse_at(const struct command_call *call,
			      unsigned index)
{
	if (index >= call->count)
		return command_refuse(call, "a word is missing", "");
	return command_refuse(call, "unknown", call->words[index]);
}
