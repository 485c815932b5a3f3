// SPDX-License-Identifier: MIT OR Apache-2.0
#include "crash_log.h"

#include <arch/instructions.h>
#include <boot/crash_log.h>

#include <kernel/arch/interrupts.h>
#include <kernel/arch/window.h>
#include <kernel/sync/lock.h>

static struct lock crash_log_lock = { .rank = RANK_CRASH_LOG };
static struct crash_log *current;

void crash_log_open(const struct handover *handover)
{
	struct crash_log *run = paddr_to_pointer(handover->crash_log);

	if (crash_log_check(run, handover->crash_log_bytes) == ST_OK)
		current = run;
}

void crash_log_break_lock(void)
{
	lock_break(&crash_log_lock);
}

static uint64_t enter(void) ACQUIRES(crash_log_lock)
{
	uint64_t flags = interrupts_off();

	lock_acquire(&crash_log_lock);
	return flags;
}

/* Writes the log back to memory, since a reset may discard the caches. */
static void leave(uint64_t flags) RELEASES(crash_log_lock)
{
	write_back(current, sizeof(*current));
	lock_release(&crash_log_lock);
	interrupts_restore(flags);
}

void crash_log_set_stage(const char *stage)
{
	uint64_t flags;

	if (current == NULL)
		return;
	flags = enter();
	crash_log_reach(current, stage);
	leave(flags);
}

void crash_log_set_fault(const char *fault)
{
	uint64_t flags;

	if (current == NULL || current->fault[0] != '\0')
		return;
	flags = enter();
	crash_log_note_fault(current, fault);
	leave(flags);
}

void crash_log_keep(const char *text, size_t bytes)
{
	uint64_t before, flags;

	if (current == NULL)
		return;
	flags = enter();
	before = current->text_bytes;
	crash_log_append(current, text, bytes);
	write_back((char *)(current + 1) + before,
		   current->text_bytes - before);
	leave(flags);
}

void crash_log_finish(void)
{
	uint64_t flags;

	if (current == NULL)
		return;
	flags = enter();
	crash_log_end(current);
	leave(flags);
}
