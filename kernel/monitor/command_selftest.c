// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * selftest: tests that need the running system, as KTAP lines.
 *
 * frames: allocates every free page, stamps it with a value of its own, and
 * checks all stamps while freeing the pages. A page that was allocated twice,
 * that is no memory, or that is used elsewhere has a wrong stamp.
 */
#include "command.h"

#include <base/string.h>

#include <kernel/arch/window.h>
#include <kernel/debug/audit.h>
#include <kernel/log/log.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/page_counts.h>

#include "selftest_interrupt.h"
#include "selftest_smp.h"

#define NO_FRAME UINT64_MAX

/* The stamp of a page; its last word is at the end of the page. */
struct stamp {
	uint64_t mark;
	uint64_t previous;	/* the last frame before, or NO_FRAME */
};

static uint64_t mark_of(pfn_t frame)
{
	return (frame.raw + 1) * 0x9e3779b97f4a7c15;
}

static uint64_t *last_word(pfn_t frame)
{
	char *page = pfn_to_pointer(frame);

	return (uint64_t *)(page + PAGE_SIZE - sizeof(uint64_t));
}

static uint64_t stamp_every_frame(pfn_t *last)
{
	const struct frame_request request = {
		.size = FRAME_4K,
		.node = FRAMES_HOME,
		.owner = OWNER_FLUSH_PENDING,
	};
	uint64_t taken = 0;
	pfn_t frame;

	*last = (pfn_t){ NO_FRAME };
	while (frames_alloc(&request, &frame) == ST_OK) {
		struct stamp *stamp = pfn_to_pointer(frame);

		*stamp = (struct stamp){ mark_of(frame), last->raw };
		*last_word(frame) = ~mark_of(frame);
		*last = frame;
		taken++;
	}
	return taken;
}

/* Returns the number of frames that still had their own stamp. */
static uint64_t read_every_stamp(pfn_t last)
{
	uint64_t good = 0;

	while (last.raw != NO_FRAME) {
		struct stamp stamp = *(struct stamp *)pfn_to_pointer(last);

		/* A wrong stamp has no valid link: stop here. */
		if (stamp.mark != mark_of(last) ||
		    *last_word(last) != ~mark_of(last))
			return good;
		if (frames_free(&(struct frame_return){
			    .frame = last,
			    .size = FRAME_4K,
			    .caller = __builtin_return_address(0) }) != ST_OK)
			return good;
		good++;
		last.raw = stamp.previous;
	}
	return good;
}

static enum status good_if(bool good)
{
	return good ? ST_OK : ST_CORRUPT;
}

static enum status test_frames(const struct command_call *call)
{
	uint64_t expected, taken, good, after;
	pfn_t last;

	frames_drain_all();
	expected = memory_count_free_pages();
	taken = stamp_every_frame(&last);
	good = read_every_stamp(last);
	frames_drain_all();
	after = memory_count_free_pages();
	sink_print(call->out, "@selftest name=frames taken=%lu good=%lu "
			      "ledger_free=%lu\n", taken, good, expected);
	return good_if(taken == expected && good == taken &&
		       after == expected && frames_audit());
}

static enum status test_ledger(const struct command_call *call)
{
	(void)call;
	return good_if(audit_ledger() == 0 && frames_audit());
}

static enum status test_tables(const struct command_call *call)
{
	(void)call;
	return good_if(audit_tables(AUDIT_RUNNING) == 0);
}

static const struct selftest {
	const char *name;
	/* ST_NO_MEMORY, ST_UNSUPPORTED: it could not run; no result. */
	enum status (*run)(const struct command_call *call);
} selftests[] = {
	{ "frames", test_frames },
	{ "ledger", test_ledger },
	{ "tables", test_tables },
	{ "ipi", selftest_ipi },
	{ "tlb", selftest_tlb },
	{ "near", selftest_near },
	{ "interrupt", selftest_interrupt },
};
#define SELFTESTS (sizeof(selftests) / sizeof(selftests[0]))

static void print_result(const struct command_call *call,
			 enum status status, unsigned number, const char *name)
{
	const char *format = "ok %u selftest_%s\n";

	if (status == ST_NO_MEMORY)
		format = "ok %u selftest_%s # SKIP no memory\n";
	else if (status == ST_UNSUPPORTED)
		format = "ok %u selftest_%s # SKIP no timer\n";
	else if (status != ST_OK)
		format = "not ok %u selftest_%s\n";
	sink_print(call->out, format, number, name);
}

/* A skipped test is no success, but a failed one has precedence. */
static enum status worse_of(enum status one, enum status other)
{
	return one == ST_CORRUPT || other == ST_OK ? one : other;
}

enum status command_selftest(const struct command_call *call)
{
	enum status worst = ST_OK;
	unsigned number = 0;

	for (size_t i = 0; i < SELFTESTS; i++) {
		enum status status;

		if (call->count > 1 &&
		    strcmp(call->words[1], selftests[i].name) != 0)
			continue;
		status = selftests[i].run(call);
		print_result(call, status, ++number, selftests[i].name);
		worst = worse_of(worst, status);
	}
	if (number == 0)
		return command_refuse_at(call, 1);
	sink_print(call->out, "1..%u\n", number);
	return worst;
}
