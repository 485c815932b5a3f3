// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A firmware may call a range memory where nothing is, or more than there is.
 * Reads of nothing return zeros or ones, whatever was written. So a word is
 * written with two patterns that have both in each bit position, each pushed
 * out of the caches before it is read: a cache would keep it.
 *
 * One page of a run is examined: enough for a range that is not there at all,
 * and no more than a few lines of memory, however large the machine is.
 */
#include "probe.h"

#include <arch/instructions.h>

#include <kernel/arch/window.h>
#include <kernel/log/log.h>

static bool keeps(volatile uint64_t *word, uint64_t pattern)
{
	*word = pattern;
	write_back((const void *)word, sizeof(*word));
	return *word == pattern;
}

bool probe_keeps(struct frame_run run)
{
	volatile uint64_t *word = pfn_to_pointer(run.first);
	uint64_t before = *word;
	bool good = keeps(word, 0x5555aaaa5555aaaa) &&
		    keeps(word, 0xaaaa5555aaaa5555);

	*word = before;
	return good;
}

void probe_note_loss(struct probe_losses *losses, struct frame_run run)
{
	if (losses->runs++ == 0)
		losses->first = run;
	losses->pages += run.frames;
}

void probe_warn(const struct probe_losses *losses)
{
	if (losses->runs != 0)
		log_line(LOG_WARNING, "memory: left out runs=%lu pages=%lu "
				      "first=0x%lx why=\"it does not keep what "
				      "is written\"", losses->runs,
			 losses->pages,
			 pfn_to_paddr(losses->first.first).raw);
}
