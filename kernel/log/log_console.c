// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A serial port needs a millisecond for a byte at 9600 baud. A CPU that waited
 * for it with interrupts off, or under a lock, would delay every CPU that
 * calls it. So text is copied into a ring under a short lock, and one CPU, the
 * owner, writes it with interrupts on, chunk by chunk.
 *
 * (C1) Owner and ring change under one lock. The owner gives up ownership only
 *      after every console has shown everything, or after it has asked the CPU
 *      that queued the last text to continue. So text that a CPU leaves to the
 *      owner is written.
 * (C2) A console's position is advanced after a chunk was written. So a CPU
 *      that panics repeats a chunk that a stopped owner had begun, and loses
 *      none.
 * (C3) The ring overwrites nothing that a console has not shown: a line
 *      without room is counted instead, and a note with the count is shown in
 *      its place.
 * (C4) An owner writes the text that was queued when it became the owner and
 *      the text that its own CPU queues, so other CPUs cannot keep it writing
 *      for ever.
 */
#include "log_console.h"

#include <arch/cpu_local.h>
#include <base/assert.h>
#include <base/atomic.h>
#include <base/bits.h>
#include <base/string.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/interrupts.h>
#include <kernel/sync/lock.h>
#include <kernel/sync/pending.h>

#include "serial.h"

#define QUEUE_BYTES	(16 * 1024)	/* a power of two                    */
#define COPY_BYTES	512
#define NOTE_BYTES	80		/* the line about lines left out     */
#define CONSOLES	2

static void put_serial(struct sink *sink, const char *text, size_t bytes)
{
	(void)sink;
	serial_write(text, bytes);
}

static struct sink serial_sink = { .put = put_serial };

static struct lock console_lock = { .rank = RANK_CONSOLE };

static struct {
	char ring[QUEUE_BYTES];		/* [L]                               */
	uint64_t queued;		/* [L] bytes ever                    */
	uint64_t left_out;		/* [L] bytes since the last note     */
	bool owned;			/* [L] a CPU writes                  */
	uint64_t share;			/* [O] the owner writes up to here   */
	unsigned last_cpu;		/* [L] queued text last              */
	bool defers;			/* [C] once other CPUs run           */
	bool broken;			/* [C] this CPU panics               */
	unsigned count;			/* [L] of consoles                   */
	struct console {
		struct sink *sink;	/* [C]                               */
		size_t chunk;		/* [C] bytes at a time               */
		uint64_t shown;		/* [L] bytes ever                    */
	} list[CONSOLES];
} consoles = {
	.count = 1,
	.list = { { .sink = &serial_sink, .chunk = SERIAL_FIFO_BYTES } },
};

static uint64_t enter(void) ACQUIRES(console_lock)
{
	uint64_t flags = interrupts_off();

	lock_acquire(&console_lock);
	return flags;
}

static void leave(uint64_t flags) RELEASES(console_lock)
{
	lock_release(&console_lock);
	interrupts_restore(flags);
}

/* --- the ring, under the lock ---------------------------------------------*/

static size_t room(void) REQUIRES(console_lock)
{
	uint64_t waiting = 0;

	for (unsigned i = 0; i < consoles.count; i++)
		waiting = max_u64(waiting, consoles.queued -
						   consoles.list[i].shown);
	return QUEUE_BYTES - waiting;
}

static void append(const char *text, size_t bytes) REQUIRES(console_lock)
{
	size_t at = consoles.queued % QUEUE_BYTES;
	size_t first = min_u64(bytes, QUEUE_BYTES - at);

	memcpy(consoles.ring + at, text, first);
	memcpy(consoles.ring, text + first, bytes - first);
	consoles.queued += bytes;
	consoles.last_cpu = cpu_local_id();
}

/* Queues the note about the lines that had no room. */
static void append_note(void) REQUIRES(console_lock)
{
	char note[NOTE_BYTES];
	uint64_t us;

	if (consoles.left_out == 0 || room() < NOTE_BYTES)
		return;
	us = clock_microseconds();
	append(note, text_print(note, sizeof(note),
				"[%lu.%06lu] W log: left_out bytes=%lu\n",
				us / 1000000, us % 1000000,
				consoles.left_out));
	consoles.left_out = 0;
}

/* The next chunk for a console; 0 when it has shown the owner's share. */
static size_t copy_chunk(const struct console *console, char *chunk)
	REQUIRES(console_lock)
{
	size_t at = console->shown % QUEUE_BYTES;
	size_t bytes = 0;
	size_t first;

	/* A console that was added meanwhile starts after the share. */
	if (consoles.share > console->shown)
		bytes = min_u64(consoles.share - console->shown,
				console->chunk);
	first = min_u64(bytes, QUEUE_BYTES - at);
	memcpy(chunk, consoles.ring + at, first);
	memcpy(chunk + first, consoles.ring, bytes - first);
	return bytes;
}

static bool all_is_shown(void) REQUIRES(console_lock)
{
	append_note();
	return room() == QUEUE_BYTES;
}

/* --- the owner ------------------------------------------------------------*/

static bool may_write(void)
{
	if (consoles.broken)
		return true;
	return cpu_local_context() == CPU_TASK &&
	       (interrupts_are_on() || !consoles.defers);
}

static bool become_owner(void)
{
	uint64_t flags = enter();
	bool mine = !consoles.owned || consoles.broken;

	consoles.owned = true;
	if (mine)
		consoles.share = consoles.queued;
	leave(flags);
	return mine;
}

static void show_on(struct console *console)
{
	char chunk[COPY_BYTES];
	size_t bytes = 0;

	for (;;) {
		uint64_t flags = enter();

		console->shown += bytes;
		bytes = copy_chunk(console, chunk);
		leave(flags);
		if (bytes == 0)
			return;
		console->sink->put(console->sink, chunk, bytes);
	}
}

static void show_share(void)
{
	for (unsigned i = 0; i < consoles.count; i++)
		show_on(&consoles.list[i]);
}

enum turn {
	TURN_GOES_ON,
	TURN_IS_OVER,		/* every console has shown all               */
	TURN_IS_HANDED_ON,	/* C4: the last CPU continues                */
};

/* C1: checks for unwritten text in the lock that ends ownership. */
static enum turn end_turn(unsigned *next_cpu)
{
	uint64_t flags = enter();
	enum turn turn = TURN_GOES_ON;

	*next_cpu = consoles.last_cpu;
	if (all_is_shown())
		turn = TURN_IS_OVER;
	else if (*next_cpu != cpu_local_id() && !consoles.broken)
		turn = TURN_IS_HANDED_ON;
	consoles.owned = turn == TURN_GOES_ON;
	consoles.share = consoles.queued;
	leave(flags);
	return turn;
}

/* The caller is the owner; afterwards it is not. */
static void write_turn(void)
{
	unsigned next_cpu;
	enum turn turn;

	do {
		show_share();
		turn = end_turn(&next_cpu);
	} while (turn == TURN_GOES_ON);
	if (turn == TURN_IS_HANDED_ON)
		pending_raise(next_cpu, PENDING_CONSOLE);
}

void log_console_flush(void)
{
	if (may_write()) {
		if (become_owner())
			write_turn();
	} else if (consoles.defers) {
		pending_raise(cpu_local_id(), PENDING_CONSOLE);
	}
}

/* --- callers --------------------------------------------------------------*/

bool log_console_has_room(size_t bytes)
{
	uint64_t flags = enter();
	bool has = room() >= bytes + NOTE_BYTES;

	leave(flags);
	return has;
}

bool log_console_queue(const char *line, size_t bytes)
{
	uint64_t flags = enter();
	bool fits;

	append_note();
	fits = consoles.left_out == 0 && room() >= bytes;
	if (fits)
		append(line, bytes);
	else
		consoles.left_out += bytes;
	leave(flags);
	return fits;
}

static size_t queue_some(const char *text, size_t bytes)
{
	uint64_t flags = enter();
	size_t fit = 0;

	append_note();
	if (consoles.left_out == 0)
		fit = min_u64(room(), bytes);
	append(text, fit);
	leave(flags);
	return fit;
}

void log_console_write(const char *text, size_t bytes)
{
	while (bytes > 0) {
		size_t fit = queue_some(text, bytes);

		text += fit;
		bytes -= fit;
		log_console_flush();
		if (bytes == 0 || fit != 0)
			continue;
		ASSERT(may_write());
		pending_poll();
		atomic_pause();
	}
}

void log_console_claim(void)
{
	while (!become_owner()) {
		pending_poll();
		atomic_pause();
	}
}

void log_console_release(void)
{
	uint64_t flags = enter();

	consoles.share = consoles.queued;
	leave(flags);
	write_turn();
}

void log_console_drain(void)
{
	if (!may_write())
		return;
	log_console_claim();
	show_share();
	serial_wait_sent();
	log_console_release();
}

void log_add_console(struct sink *sink)
{
	uint64_t flags = enter();

	ASSERT(consoles.count < CONSOLES);
	consoles.list[consoles.count++] = (struct console){
		.sink = sink,
		.chunk = COPY_BYTES,
		.shown = consoles.queued,
	};
	leave(flags);
}

void log_console_defer(void)
{
	consoles.defers = true;
	pending_set_handler(PENDING_CONSOLE, log_console_flush);
}

void log_console_break(void)
{
	lock_break(&console_lock);
	consoles.broken = true;
	log_console_flush();
}
