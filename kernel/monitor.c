// SPDX-License-Identifier: MIT OR Apache-2.0
/* Input is plain: printable bytes, backspace, Ctrl-U, Ctrl-C, Enter. */
#include "monitor.h"

#include <base/bits.h>
#include <base/string.h>
#include <boot/crash_log.h>

#include "command.h"
#include "evidence.h"
#include "log.h"
#include "pure_command_line.h"
#include "serial.h"

static enum status command_help(const struct command_call *call);

static const struct command commands[] = {
	{ "help", "[COMMAND]", "what there is to type", command_help },
	{ "memmap", "[raw]", "physical memory as regions, or as the firmware "
			     "gave it", command_memmap },
	{ "ledger", "", "who owns every page", command_ledger },
	{ "meminfo", "", "how much memory, how much of it free",
	  command_meminfo },
	{ "pt", "dump | audit | find ADDRESS", "the page tables in use",
	  command_pt },
	{ "layout", "", "the virtual address map", command_layout },
	{ "bootinfo", "", "how the boot went, stage by stage",
	  command_bootinfo },
	{ "cpuinfo", "", "the processor, what it has and what is on",
	  command_cpuinfo },
	{ "log", "", "every log line since the loader", command_log },
	{ "selftest", "[frames | ledger | tables]", "tests of the running "
						    "system, KTAP lines",
	  command_selftest },
	{ "crash", "KIND", "raise an exception on purpose", command_crash },
	{ "reboot", "", "reset the machine", command_reboot },
	{ "poweroff", "", "switch the machine off", command_poweroff },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static enum status command_help(const struct command_call *call)
{
	const char *wanted = call->count > 1 ? call->words[1] : NULL;

	if (wanted != NULL && find_command(wanted) == NULL) {
		log_line(LOG_ERROR, "monitor: no such command name=\"%s\"",
			 wanted);
		return ST_NOT_FOUND;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
		const struct command *command = &commands[i];

		if (wanted != NULL && strcmp(command->name, wanted) != 0)
			continue;
		if (call->records)
			sink_print(call->out, "@command name=%s\n",
				   command->name);
		else
			sink_print(call->out, "%-9s %-28s %s\n",
				   command->name, command->usage,
				   command->summary);
	}
	if (wanted == NULL && !call->records)
		sink_print(call->out,
			   "-m after a command prints records for tools\n");
	return ST_OK;
}

enum status command_run(const char *text, struct sink *out)
{
	const struct command *command;
	char stage[CRASH_STAGE_BYTES];
	struct command_line line;
	struct command_call call;
	enum status status = command_line_split(&line, text);

	if (status != ST_OK) {
		log_line(LOG_ERROR, "monitor: bad line why=\"%s\"",
			 status == ST_FULL ? "too long" :
					     "a quote is not closed");
		return status;
	}
	if (line.count == 0)
		return ST_OK;
	call = (struct command_call){ out, line.records, line.count,
				      line.words };
	command = find_command(line.words[0]);
	if (command == NULL) {
		log_line(LOG_ERROR, "monitor: no such command name=\"%s\" "
				    "try=help", line.words[0]);
		return ST_NOT_FOUND;
	}
	text_print(stage, sizeof(stage), "command %s", text);
	evidence_reach(stage);
	status = command->run(&call);
	evidence_reach("monitor");
	if (call.records)
		sink_print(out, "@end cmd=%s status=%d\n", command->name,
			   status);
	else if (status != ST_OK)
		log_line(LOG_ERROR, "monitor: command failed name=%s "
				    "why=\"%s\"", command->name,
			 status_text(status));
	return status;
}

unsigned monitor_run_list(const char *list)
{
	char one[COMMAND_LINE_BYTES];
	unsigned failed = 0;

	while ((list = command_line_next(list, one, sizeof(one))) != NULL)
		failed += command_run(one, console_sink()) != ST_OK;
	return failed;
}

static void erase(struct sink *out, size_t count)
{
	while (count-- > 0)
		sink_print(out, "\b \b");
}

/* One edited line, without its end. */
static void read_line(struct sink *out, char *line, size_t bytes)
{
	size_t used = 0;

	for (;;) {
		int byte = serial_read();

		if (byte < 0) {
			__asm__ volatile("pause");
		} else if (byte == '\r' || byte == '\n') {
			break;
		} else if ((byte == '\b' || byte == 0x7f) && used > 0) {
			used--;
			erase(out, 1);
		} else if (byte == 0x15) {
			erase(out, used);
			used = 0;
		} else if (byte == 0x03) {
			used = 0;
			break;
		} else if (byte >= ' ' && byte < 0x7f && used + 1 < bytes) {
			line[used] = (char)byte;
			sink_print(out, "%c", line[used++]);
		}
	}
	line[used] = '\0';
	sink_print(out, "\n");
}

void monitor_loop(void)
{
	struct sink *out = console_sink();
	char line[COMMAND_LINE_BYTES];

	log_line(LOG_INFO, "monitor: ready try=help");
	for (;;) {
		sink_print(out, "bulldog> ");
		read_line(out, line, sizeof(line));
		/* What went wrong has been said; the next line is welcome. */
		if (command_run(line, out) != ST_OK)
			continue;
	}
}
