// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kernel/log/log_console.c and its lock between processors of the explorer:
 * whichever of them writes, no line is left, torn or written twice. The
 * serial port is looked at between any two chunks.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <kernel/log/log_console.c>
#include <kernel/sync/lock.c>

#include "check.h"
#include "explorer.h"

#define CPUS 3
#define LINE "a quick line\n"

static struct lock_chain chains[EXPLORE_CPUS + 1];
static atomic_u32 port;
static char output[512];
static size_t output_bytes;
static unsigned cpu_count, writers;
static bool asked[EXPLORE_CPUS + 1];	/* to write, at its next poll        */

struct lock_chain *lock_chain_of_this_cpu(void)
{
	return &chains[explore_cpu()];
}

enum cpu_context cpu_local_context(void)
{
	return CPU_TASK;
}

unsigned cpu_local_id(void)
{
	return explore_cpu();
}

bool cpu_local_is_online(unsigned index)
{
	return index <= EXPLORE_CPUS;
}

/* Nothing interrupts a body: the lock wants to hear that they are off. */
static bool off[EXPLORE_CPUS + 1];

bool interrupts_are_on(void)
{
	return !off[explore_cpu()];
}

uint64_t interrupts_off(void)
{
	bool were = off[explore_cpu()];

	off[explore_cpu()] = true;
	return !were;
}

void interrupts_restore(uint64_t flags)
{
	off[explore_cpu()] = !flags;
}

uint64_t clock_microseconds(void)
{
	return 0;
}

void pending_poll(void)
{
}

void pending_raise(unsigned cpu, enum pending_kind kind)
{
	EXPLORE_CHECK(kind == PENDING_CONSOLE && cpu < cpu_count);
	asked[cpu] = true;
}

void pending_set_handler(enum pending_kind kind, void (*handler)(void))
{
	(void)kind;
	(void)handler;
}

void serial_write(const char *text, size_t bytes)
{
	EXPLORE_CHECK(interrupts_are_on());
	EXPLORE_CHECK(writers++ == 0);
	atomic_load_relaxed(&port);
	memcpy(output + output_bytes, text, bytes);
	output_bytes += bytes;
	writers--;
}

void serial_wait_sent(void)
{
}

static void set_up(void *context)
{
	(void)context;
	memset(chains, 0, sizeof(chains));
	memset(off, 0, sizeof(off));
	memset(asked, 0, sizeof(asked));
	console_lock = (struct lock){ .rank = RANK_CONSOLE };
	consoles.queued = consoles.left_out = consoles.list[0].shown = 0;
	consoles.owned = consoles.broken = false;
	consoles.share = 0;
	consoles.count = 1;
	output_bytes = writers = 0;
	port.plain = 0;
	cpu_count = 2;
}

static void set_up_three(void *context)
{
	set_up(context);
	cpu_count = 3;
}

static void write_a_line(void *context)
{
	(void)context;
	EXPLORE_CHECK(log_console_queue(LINE, strlen(LINE)));
	log_console_flush();
}

static void claim(void *context)
{
	(void)context;
	log_console_claim();
	EXPLORE_CHECK(writers++ == 0);
	atomic_load_relaxed(&port);
	writers--;
	log_console_release();
}

static void check_lines(unsigned lines)
{
	size_t bytes = strlen(LINE);

	for (unsigned cpu = 0; cpu < cpu_count; cpu++)
		if (asked[cpu])
			log_console_flush();
	EXPLORE_CHECK(!consoles.owned && output_bytes == lines * bytes);
	for (unsigned i = 0; i < lines; i++)
		EXPLORE_CHECK(memcmp(output + i * bytes, LINE, bytes) == 0);
}

static void all_lines_are_out(void *context)
{
	(void)context;
	check_lines(cpu_count);
}

static void one_line_is_out(void *context)
{
	(void)context;
	check_lines(1);
}

CASE(log_handover_leaves_no_line_of_two)
{
	static const struct exploration two = {
		.name = "log_two", .set_up = set_up,
		.cpu = { write_a_line, write_a_line },
		.check = all_lines_are_out, .preemptions = EXPLORE_AT_MOST(3),
		.model = EXPLORE_SEQUENTIAL,
	};

	explore_whole(&two);
}

CASE(log_handover_leaves_no_line_of_two_with_store_buffers)
{
	static const struct exploration buffers = {
		.name = "log_buffers", .set_up = set_up,
		.cpu = { write_a_line, write_a_line },
		.check = all_lines_are_out, .preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&buffers);
}

CASE(log_handover_leaves_no_line_of_three)
{
	static const struct exploration three = {
		.name = "log_three", .set_up = set_up_three,
		.cpu = { write_a_line, write_a_line, write_a_line },
		.check = all_lines_are_out, .preemptions = EXPLORE_AT_MOST(1),
		.model = EXPLORE_SEQUENTIAL,
	};

	explore_whole(&three);
}

CASE(log_handover_keeps_others_off_a_claimed_console)
{
	static const struct exploration claimed = {
		.name = "log_claim", .set_up = set_up,
		.cpu = { claim, write_a_line },
		.check = one_line_is_out, .preemptions = EXPLORE_AT_MOST(3),
		.model = EXPLORE_SEQUENTIAL,
	};

	explore_whole(&claimed);
}
