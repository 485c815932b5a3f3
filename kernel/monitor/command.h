/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * command.h - the interface of a monitor command, and the list of all.
 *
 * A command prints to call->out: for people, or with `-m` records. The
 * monitor adds `@end cmd=NAME status=N` after records; N is the status
 * that the command returns, 0 for success.
 */
#ifndef KERNEL_MONITOR_COMMAND_H
#define KERNEL_MONITOR_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include <base/status.h>
#include <base/text.h>

struct command;

struct command_call {
	const struct command *command;
	struct sink *out;
	bool records;			/* -m was given, and removed         */
	unsigned count;			/* words, the command's name first   */
	const char *const *words;
};

struct command {
	const char *name;
	const char *usage;		/* the words after the name          */
	const char *summary;		/* one line for `help`               */
	enum status (*run)(const struct command_call *call);
	unsigned most_words;		/* after the name                    */
};

/* Splits `text` (command_line.h), finds the command, runs it. */
enum status command_run(const char *text, struct sink *out);

/*
 * Logs a word that the command does not take, the reason, and the usage.
 * Returns ST_BAD_ARGUMENT.
 */
enum status command_refuse(const struct command_call *call, const char *why,
			   const char *word);

/* The same for words[index]: it is missing, or unknown. */
enum status command_refuse_at(const struct command_call *call,
			      unsigned index);

/* The ending of a noun after a number. */
static inline const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* One function for each command; monitor.c has the table. */
enum status command_memmap(const struct command_call *call);
enum status command_ledger(const struct command_call *call);
enum status command_bad(const struct command_call *call);
enum status command_meminfo(const struct command_call *call);
enum status command_pt(const struct command_call *call);
enum status command_layout(const struct command_call *call);
enum status command_bootinfo(const struct command_call *call);
enum status command_cpuinfo(const struct command_call *call);
enum status command_cpus(const struct command_call *call);
enum status command_numa(const struct command_call *call);
enum status command_frames(const struct command_call *call);
enum status command_buddy(const struct command_call *call);
enum status command_whois(const struct command_call *call);
enum status command_bench(const struct command_call *call);
enum status command_stress(const struct command_call *call);
enum status command_log(const struct command_call *call);
enum status command_selftest(const struct command_call *call);
enum status command_crash(const struct command_call *call);
enum status command_reboot(const struct command_call *call);
enum status command_screen(const struct command_call *call);
enum status command_poweroff(const struct command_call *call);

#endif
