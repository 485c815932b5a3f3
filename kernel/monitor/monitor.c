// SPDX-License-Identifier: MIT OR Apache-2.0
#include "monitor.h"

#include <base/bits.h>
#include <base/string.h>
#include <base/version.h>
#include <boot/crash_log.h>

#include <kernel/console/input.h>
#include <kernel/console/screen.h>
#include <kernel/lib/command_line.h>
#include <kernel/lib/nearest_name.h>
#include <kernel/log/crash_log.h>
#include <kernel/log/log.h>
#include <kernel/memory/page_counts.h>
#include <kernel/platform/cpus.h>

#include "command.h"

static enum status command_help(const struct command_call *call);

static const struct command commands[] = {
	{ "help", "[COMMAND]", "the commands, or how one is typed",
	  command_help, 1 },
	{ "memmap", "[raw]", "physical memory as regions, or as the firmware "
			     "gave it", command_memmap, 1 },
	{ "ledger", "", "who owns every page", command_ledger, 0 },
	{ "bad", "[PHYS [PAGES]]",
	  "memory out of use; with PHYS, takes more out", command_bad, 2 },
	{ "meminfo", "", "how much memory, how much of it free",
	  command_meminfo, 0 },
	{ "pt", "dump | audit | find ADDRESS", "the page tables in use",
	  command_pt, 2 },
	{ "layout", "", "the virtual address map", command_layout, 0 },
	{ "bootinfo", "", "how the boot went, stage by stage",
	  command_bootinfo, 0 },
	{ "cpuinfo", "", "the processor, what it has and what is on",
	  command_cpuinfo, 0 },
	{ "cpus", "", "every processor, and what it does", command_cpus, 0 },
	{ "numa", "", "which memory is near which processor", command_numa, 0 },
	{ "frames", "", "the frame pools, and what each CPU keeps",
	  command_frames, 0 },
	{ "buddy", "", "free memory by size", command_buddy, 0 },
	{ "whois", "PHYS", "all about one physical address",
	  command_whois, 1 },
	{ "bench", "frames", "what an allocation costs", command_bench, 1 },
	{ "stress", "frames SECONDS",
	  "all CPUs at once at the allocator, until Ctrl-C", command_stress,
	  2 },
	{ "screen", "[bench]", "the screen; what scrolling costs",
	  command_screen, 1 },
	{ "log", "", "every log line since the loader", command_log, 0 },
	{ "selftest",
	  "[frames | ledger | tables | ipi | tlb | near | interrupt]",
	  "tests of the running system, KTAP lines",
	  command_selftest, 1 },
	{ "crash", "KIND [CPU] | stack NAME", "raise an exception on purpose",
	  command_crash, 2 },
	{ "reboot", "", "reset the machine", command_reboot, 0 },
	{ "poweroff", "", "switch the machine off", command_poweroff, 0 },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static const char *name_at(unsigned index)
{
	return index < ARRAY_LENGTH(commands) ? commands[index].name : NULL;
}

/* Names of commands, for the first word and for the one after `help`. */
static const char *names_behind(const char *before, size_t bytes,
				unsigned index)
{
	if (bytes > 0 && strncmp(before, "help ", bytes) != 0)
		return NULL;
	return name_at(index);
}

/* Words of other systems, and the command that does the same here. */
static const struct {
	const char *word, *name;
} synonyms[] = {
	{ "?", "help" },
	{ "dmesg", "log" },
	{ "exit", "poweroff" },
	{ "free", "meminfo" },
	{ "halt", "poweroff" },
	{ "quit", "poweroff" },
	{ "shutdown", "poweroff" },
};

static const char *meant_by(const char *word)
{
	for (size_t i = 0; i < ARRAY_LENGTH(synonyms); i++)
		if (strcmp(synonyms[i].word, word) == 0)
			return synonyms[i].name;
	return nearest_name(word, name_at);
}

static void say_unknown(const char *name)
{
	const char *nearest = meant_by(name);

	if (nearest != NULL)
		log_line(LOG_ERROR, "monitor: no such command name=\"%s\" "
				    "did_you_mean=%s", name, nearest);
	else
		log_line(LOG_ERROR, "monitor: no such command name=\"%s\" "
				    "try=help", name);
}

/* The summary of a long usage is on a line of its own. */
static void print_help(struct sink *out, const struct command *command)
{
	sink_print(out, "%-9s %-28s", command->name, command->usage);
	if (strlen(command->usage) > 28)
		sink_print(out, "\n%-38s", "");
	sink_print(out, " %s\n", command->summary);
}

static enum status command_help(const struct command_call *call)
{
	const char *wanted = call->count > 1 ? call->words[1] : NULL;

	if (wanted != NULL && find_command(wanted) == NULL) {
		say_unknown(wanted);
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
			print_help(call->out, command);
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
	command = find_command(line.words[0]);
	if (command == NULL) {
		say_unknown(line.words[0]);
		return ST_NOT_FOUND;
	}
	call = (struct command_call){ command, out, line.records, line.count,
				      line.words };
	text_print(stage, sizeof(stage), "command %s", text);
	crash_log_set_stage(stage);
	if (line.count - 1 > command->most_words)
		status = command_refuse(&call, "too many words",
					line.words[command->most_words + 1]);
	else
		status = command->run(&call);
	crash_log_set_stage("monitor");
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

static unsigned count_started(void)
{
	const struct cpu_list *list = cpus();
	unsigned started = 0;

	for (unsigned cpu = 0; cpu < list->startable; cpu++)
		started += list->rows[cpu].state == CPU_STARTED;
	return started;
}

void monitor_show_machine(void)
{
	uint64_t mib = memory_sum().usable * PAGE_SIZE / MIB;
	unsigned started = count_started();
	char right[48];

	text_print(right, sizeof(right), BULLDOG_VERSION "  %lu MiB  %u CPU%s",
		   mib, started, plural(started));
	screen_set_header("BULLDOG memory kernel", right);
}

void monitor_report(void)
{
	sink_print(console_sink(), "\nCPUs     %12u of %u\n",
		   count_started(), cpus()->count);
	monitor_run_list("meminfo");
	sink_print(console_sink(), "\n");
	monitor_run_list("ledger");
}

void monitor_loop(void)
{
	const struct input_line_request request = {
		.prompt = "bulldog> ",
		.names = names_behind,
		.out = console_sink(),
		.screen = screen_line_display(),
	};

	log_line(LOG_INFO, "monitor: ready try=help");
	/* Each command that fails has logged its error. */
	for (;;)
		monitor_run_list(input_read_line(&request));
}
