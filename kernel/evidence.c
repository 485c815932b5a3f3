// SPDX-License-Identifier: MIT OR Apache-2.0
#include "evidence.h"

#include <arch/instructions.h>
#include <boot/crash_log.h>

#include "kernel.h"

static struct crash_log *current;

void evidence_start(const struct handover *handover)
{
	struct crash_log *run = window_at(&kernel.window, handover->crash_log);

	if (crash_log_check(run, handover->crash_log_bytes) == ST_OK)
		current = run;
}

static void keep_header(void)
{
	write_back(current, sizeof(*current));
}

void evidence_reach(const char *stage)
{
	if (current == NULL)
		return;
	crash_log_reach(current, stage);
	keep_header();
}

void evidence_note_fault(const char *fault)
{
	if (current == NULL || current->fault[0] != '\0')
		return;
	crash_log_note_fault(current, fault);
	keep_header();
}

void evidence_append(const char *text, size_t bytes)
{
	uint64_t before;

	if (current == NULL)
		return;
	before = current->text_bytes;
	crash_log_append(current, text, bytes);
	write_back((char *)(current + 1) + before,
		   current->text_bytes - before);
	keep_header();
}

void evidence_end(void)
{
	if (current == NULL)
		return;
	crash_log_end(current);
	keep_header();
}
