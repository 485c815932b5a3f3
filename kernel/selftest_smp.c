// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * ipi: every CPU calls every other one, all at the same time, many times.
 *
 * tlb: each CPU reads a page, so that it remembers where that page is; then
 * something else is mapped there, and each CPU reads it again. One that was
 * not told to forget reads the old page.
 */
#include "selftest_smp.h"

#include "cpu_local.h"
#include "ipi.h"
#include "kernel.h"
#include "smp.h"

#define IPI_ROUNDS	50
#define TLB_ROUNDS	50
#define TLB_PAGES	2

struct ipi_test {
	atomic_u32 answered[STACK_CPUS];
};

static void count_answer(void *argument)
{
	struct ipi_test *test = argument;

	atomic_fetch_add_relaxed(&test->answered[cpu_local_id()], 1);
}

static void call_everybody(void *argument)
{
	for (unsigned round = 0; round < IPI_ROUNDS; round++)
		ipi_call_others(count_answer, argument);
}

bool selftest_ipi(const struct command_call *call)
{
	struct ipi_test test = { 0 };
	uint64_t cpus = smp_online_count(), answers = 0;
	bool good = true;

	smp_run_everywhere(call_everybody, &test);
	for (unsigned cpu = 0; cpu < STACK_CPUS; cpu++) {
		uint64_t got = atomic_load_relaxed(&test.answered[cpu]);
		uint64_t wanted = cpu_local_is_online(cpu) ?
					  IPI_ROUNDS * (cpus - 1) : 0;

		good = good && got == wanted;
		answers += got;
	}
	sink_print(call->out, "@selftest name=ipi cpus=%lu answers=%lu "
			      "wanted=%lu\n", cpus, answers,
		   IPI_ROUNDS * cpus * (cpus - 1));
	return good;
}

struct tlb_test {
	const volatile uint64_t *at;	/* [C] while others read             */
	uint64_t wanted;		/* [C] likewise                      */
	atomic_u64 reads, stale;	/* [A]                               */
};

static void read_page(void *argument)
{
	struct tlb_test *test = argument;

	atomic_fetch_add_relaxed(&test->reads, 1);
	if (*test->at != test->wanted)
		atomic_fetch_add_relaxed(&test->stale, 1);
}

/* Maps the page, writes what is in it, has it read by all. */
static enum status show_page(struct tlb_test *test, pfn_t frame)
{
	const volatile void *seen;
	enum status status = memory_peek(&(struct peek_request){
		.slot = PEEK_FIRST,
		.phys = pfn_to_paddr(frame),
		.bytes = PAGE_SIZE,
	}, &seen);

	if (status != ST_OK)
		return status;
	test->at = seen;
	test->wanted = frame.raw;
	*(uint64_t *)window_at_frame(&kernel.window, frame) = frame.raw;
	read_page(test);
	ipi_call_others(read_page, test);
	return ST_OK;
}

static enum status change_pages(struct tlb_test *test, struct frame_run run)
{
	enum status status = ST_OK;

	for (unsigned i = 0; i < TLB_ROUNDS && status == ST_OK; i++) {
		pfn_t frame = { run.first.raw + i % TLB_PAGES };

		status = show_page(test, frame);
	}
	if (memory_unpeek(PEEK_FIRST) != ST_OK)
		return ST_CORRUPT;
	return status;
}

bool selftest_tlb(const struct command_call *call)
{
	struct frame_run run = { .frames = TLB_PAGES };
	struct tlb_test test = { 0 };
	uint64_t reads, stale;
	enum status status = memory_take_run(&run, OWNER_BOOT_LIST);

	if (status != ST_OK)
		return false;
	status = change_pages(&test, run);
	memory_give_run(run, OWNER_BOOT_LIST);
	reads = atomic_load_relaxed(&test.reads);
	stale = atomic_load_relaxed(&test.stale);
	sink_print(call->out, "@selftest name=tlb cpus=%u reads=%lu "
			      "stale=%lu\n", smp_online_count(), reads, stale);
	return status == ST_OK && stale == 0 &&
	       reads == (uint64_t)TLB_ROUNDS * smp_online_count();
}
