// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * bad: memory that must not be used, by memmap=, by this command, or after a
 * machine check. The option's ranges are regions; a frame that was taken later
 * stays allocated in its pool for ever; memory that kept nothing when the
 * kernel started is a run of the ledger alone.
 */
#include "command.h"

#include <base/bits.h>

#include <kernel/boot/boot_memory.h>
#include <kernel/lib/number.h>
#include <kernel/log/log.h>
#include <kernel/memory/bad_frames.h>
#include <kernel/memory/frames.h>
#include <kernel/sync/pending.h>

#define BLOCK_FRAMES	(SIZE_2M / PAGE_SIZE)
#define PAGES_MOST	262144	/* 1 GiB; and in the text of a refusal */

/* --- what is bad -----------------------------------------------------------*/

static void print_run(const struct command_call *call, paddr_t phys,
		      uint64_t pages, const char *from)
{
	const char *format = call->records ?
		"@bad phys=0x%lx pages=%lu from=%s\n" :
		"0x%012lx  pages %8lu  %s\n";

	if (pages != 0)
		sink_print(call->out, format, phys.raw, pages, from);
}

static uint64_t frames_in(enum frame_size size)
{
	switch (size) {
	case FRAME_2M:
		return BLOCK_FRAMES;
	case FRAME_1G:
		return SIZE_1G / PAGE_SIZE;
	case FRAME_4K:
	case FRAME_RUN:
		break;
	}
	return 1;
}

/* Only single frames are bad: a larger part is one step. */
static uint64_t print_pool(const struct command_call *call,
			   const struct frame_pool *pool)
{
	uint64_t end = pool->first + pool->frames, bad = 0, run = 0;
	pfn_t at = { pool->first };

	while (at.raw < end) {
		struct frame_info info = frame_pool_query(pool, at);

		if (info.state == FRAME_STATE_ALLOCATED &&
		    info.size == FRAME_4K && info.owner == BAD_FRAME_BYTE) {
			run++;
			bad++;
			at.raw++;
			continue;
		}
		print_run(call, pfn_to_paddr((pfn_t){ at.raw - run }), run,
			  "runtime");
		run = 0;
		/* No frame of the block: a hole may be terabytes long. */
		if (!frame_pool_has(pool, at))
			at.raw = align_down(at.raw, BLOCK_FRAMES) +
				 BLOCK_FRAMES;
		else
			at.raw += frames_in(info.size);
	}
	print_run(call, pfn_to_paddr((pfn_t){ end - run }), run, "runtime");
	return bad;
}

/* Parts of a usable region that kept nothing. */
static uint64_t print_lost(const struct command_call *call,
			   const struct region *region)
{
	uint64_t end = paddr_to_pfn(region->end).raw, pages = 0;
	struct frame_run run = { .first = paddr_to_pfn(region->start) };

	while (ledger_find_owned(&boot_memory.ledger, OWNER_BAD, run.first,
				 &run) == ST_OK && run.first.raw < end) {
		run.frames = min_u64(run.frames, end - run.first.raw);
		print_run(call, pfn_to_paddr(run.first), run.frames, "probe");
		pages += run.frames;
		run.first.raw += run.frames;
	}
	return pages;
}

static enum status list_bad(const struct command_call *call)
{
	const struct region_list *list = &boot_memory.map.regions;
	uint64_t pages = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];
		uint64_t count = (region->end.raw - region->start.raw) /
				 PAGE_SIZE;

		if (region->kind != REGION_BAD) {
			pages += print_lost(call, region);
			continue;
		}
		print_run(call, region->start, count, "option");
		pages += count;
	}
	for (unsigned pool = 0; pool < frames_nodes()->pools; pool++)
		pages += print_pool(call, frames_nodes()->pool[pool]);
	sink_print(call->out, call->records ? "@total bad_pages=%lu\n" :
					      "%lu page%s out of use\n",
		   pages, plural(pages));
	return ST_OK;
}

/* --- taking ----------------------------------------------------------------*/

/*
 * Adjacent frames with the same result; `owner` is OWNER_BAD when taken, else
 * the owner that has them.
 */
struct fate {
	pfn_t first;
	uint64_t frames;
	enum owner owner;
	enum status status;
};

static void say_fate(const struct command_call *call,
		     const struct fate *fate)
{
	uint64_t phys = pfn_to_paddr(fate->first).raw;

	if (fate->frames == 0)
		return;
	if (fate->status == ST_OK && call->records)
		print_run(call, (paddr_t){ phys }, fate->frames, "runtime");
	else if (fate->status == ST_OK)
		log_line(LOG_INFO, "bad: taken phys=0x%lx pages=%lu "
				   "from=command", phys, fate->frames);
	else
		log_line(LOG_ERROR, "bad: refused phys=0x%lx pages=%lu "
				    "owner=%s from=command", phys,
			 fate->frames, fate->status == ST_NOT_FOUND ?
					       "none" :
					       owner_name(fate->owner));
}

/* Takes every frame that it can: one in use does not protect the others. */
static enum status take(const struct command_call *call, pfn_t first,
			uint64_t pages)
{
	enum status worst = ST_OK;
	struct fate fate = { .first = first };
	uint64_t taken = 0;

	for (uint64_t i = 0; i < pages; i++) {
		pfn_t frame = { first.raw + i };
		enum owner owner;
		enum status status = bad_frame_retire(frame, &owner);

		if (status == ST_OK)
			owner = OWNER_BAD;
		else
			worst = status;
		taken += status == ST_OK;
		if (fate.frames != 0 && fate.status == status &&
		    fate.owner == owner) {
			fate.frames++;
			continue;
		}
		say_fate(call, &fate);
		fate = (struct fate){ frame, 1, owner, status };
	}
	say_fate(call, &fate);
	if (!call->records)
		sink_print(call->out, "%lu of %lu page%s taken out of use\n",
			   taken, pages, plural(pages));
	else if (worst == ST_OK)
		sink_print(call->out, "@total taken_pages=%lu\n", taken);
	return worst;
}

enum status command_bad(const struct command_call *call)
{
	uint64_t phys, pages = 1, end;

	pending_poll();
	if (call->count == 1)
		return list_bad(call);
	if (number_from_hex(call->words[1], &phys) != ST_OK)
		return command_refuse(call, "no hexadecimal number",
				      call->words[1]);
	if (call->count == 3 &&
	    (number_from_decimal(call->words[2], &pages) != ST_OK ||
	     pages == 0 || pages > PAGES_MOST))
		return command_refuse(call,
				      "pages from 1 to 262144 are wanted",
				      call->words[2]);
	if (add_overflows(phys, pages * PAGE_SIZE, &end) ||
	    end > PHYSICAL_LIMIT) {
		log_line(LOG_ERROR, "bad: beyond all memory phys=0x%lx "
				    "pages=%lu limit=0x%lx",
			 phys, pages, PHYSICAL_LIMIT);
		return ST_BAD_RANGE;
	}
	return take(call, paddr_to_pfn((paddr_t){ phys }), pages);
}
