// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * ipi: every CPU calls every other one, all at the same time, many times.
 *
 * tlb: each CPU reads a page, so that its TLB has the translation; then
 * another frame is mapped there, and each CPU reads the page again. A CPU
 * whose TLB was not flushed reads the old frame.
 *
 * near: area, stacks and caches of each CPU are on the node whose memory it
 * uses first. Not the boot CPU's area and stacks, which are allocated before
 * the nodes are known.
 */
#include "selftest_smp.h"

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/window.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/boot/fixmap.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/pages.h>
#include <kernel/platform/numa_nodes.h>
#include <kernel/smp/smp.h>
#include <kernel/sync/ipi.h>

#define IPI_ROUNDS	50
/* Calls grow with the square of the CPUs: beyond this many, fewer rounds. */
#define IPI_CPUS_USUAL	16
#define TLB_ROUNDS	50
#define TLB_PAGES	2

struct ipi_test {
	unsigned rounds;
	atomic_u32 answered[STACK_CPUS];
};

static void count_answer(void *argument)
{
	struct ipi_test *test = argument;

	atomic_fetch_add_relaxed(&test->answered[cpu_local_id()], 1);
}

static void call_all_others(void *argument)
{
	const struct ipi_test *test = argument;

	for (unsigned round = 0; round < test->rounds; round++)
		ipi_call_others(count_answer, argument);
}

enum status selftest_ipi(const struct command_call *call)
{
	struct ipi_test test = { .rounds = IPI_ROUNDS };
	uint64_t cpus = smp_online_count(), answers = 0;
	bool good = true;

	if (cpus > IPI_CPUS_USUAL)
		test.rounds = IPI_ROUNDS * IPI_CPUS_USUAL / cpus;
	smp_call_all_tasks(call_all_others, &test);
	for (unsigned cpu = 0; cpu < STACK_CPUS; cpu++) {
		uint64_t got = atomic_load_relaxed(&test.answered[cpu]);
		uint64_t wanted = cpu_local_is_online(cpu) ?
					  test.rounds * (cpus - 1) : 0;

		good = good && got == wanted;
		answers += got;
	}
	sink_print(call->out, "@selftest name=ipi cpus=%lu answers=%lu "
			      "wanted=%lu\n", cpus, answers,
		   test.rounds * cpus * (cpus - 1));
	return good ? ST_OK : ST_CORRUPT;
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

/* Maps the frame, writes its content, and lets all CPUs read it. */
static enum status show_page(struct tlb_test *test, pfn_t frame)
{
	const volatile void *seen;
	enum status status = fixmap_map(&(struct fixmap_request){
		.slot = FIXMAP_FIRST,
		.phys = pfn_to_paddr(frame),
		.bytes = PAGE_SIZE,
	}, &seen);

	if (status != ST_OK)
		return status;
	test->at = seen;
	test->wanted = frame.raw;
	*(uint64_t *)pfn_to_pointer(frame) = frame.raw;
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
	if (fixmap_unmap(FIXMAP_FIRST) != ST_OK)
		return ST_CORRUPT;
	return status;
}

enum status selftest_tlb(const struct command_call *call)
{
	struct frame_run run = { .frames = TLB_PAGES };
	struct tlb_test test = { 0 };
	uint64_t reads, stale, wanted;
	enum status status = pages_alloc(&run, OWNER_VMEM);

	if (status != ST_OK)
		return status;
	status = change_pages(&test, run);
	pages_free(run, OWNER_VMEM);
	reads = atomic_load_relaxed(&test.reads);
	stale = atomic_load_relaxed(&test.stale);
	sink_print(call->out, "@selftest name=tlb cpus=%u reads=%lu "
			      "stale=%lu\n", smp_online_count(), reads, stale);
	if (status == ST_NO_MEMORY && stale == 0)
		return status;
	wanted = (uint64_t)TLB_ROUNDS * smp_online_count();
	return status == ST_OK && stale == 0 && reads == wanted ? ST_OK :
								  ST_CORRUPT;
}

struct near_test {
	struct sink *out;
	unsigned cpu, node;		/* the CPU, and its expected node    */
	uint64_t pages, away;
};

/* A node that was full when the CPU was started is no error. */
static bool has_free(unsigned node)
{
	const struct frame_nodes *all = frames_nodes();
	struct frame_count count;

	for (unsigned i = all->first[node]; i < all->first[node + 1]; i++) {
		frame_pool_count(all->pool[i], &count);
		if (count.free != 0)
			return true;
	}
	return false;
}

static void check_page(struct near_test *test, const char *what, vaddr_t at)
{
	struct table_leaf leaf;
	unsigned node;

	test->pages++;
	if (table_query(&boot_memory.table, at, &leaf) != ST_OK) {
		test->away++;
		return;
	}
	node = nodes_at((paddr_t){ leaf.phys.raw + at.raw - leaf.virt.raw });
	if (node == test->node || !has_free(test->node))
		return;
	test->away++;
	sink_print(test->out, "@away cpu=%u what=%s virt=0x%lx node=%u "
			      "wanted=%u\n", test->cpu, what, at.raw, node,
		   test->node);
}

static void check_pages(struct near_test *test, const char *what,
			vaddr_t start, uint64_t bytes)
{
	uint64_t at = start.raw - start.raw % PAGE_SIZE;

	for (; at < start.raw + bytes; at += PAGE_SIZE)
		check_page(test, what, (vaddr_t){ at });
}

static void check_cpu(struct near_test *test, unsigned cpu)
{
	const struct frame_cache *caches = frames_cache_of(cpu, CPU_TASK);

	test->cpu = cpu;
	test->node = frames_home_of(cpu);
	check_pages(test, "caches", (vaddr_t){ (uint64_t)caches },
		    2 * sizeof(*caches));
	if (cpu == 0)
		return;
	check_pages(test, "area", (vaddr_t){ (uint64_t)cpu_local_at(cpu) },
		    sizeof(struct cpu_local));
	for (enum stack_kind kind = 0; kind < STACK_KIND_COUNT; kind++)
		check_pages(test, "stack", (vaddr_t){
			stack_top(cpu, kind).raw - STACK_BYTES }, STACK_BYTES);
}

enum status selftest_near(const struct command_call *call)
{
	struct near_test test = { .out = call->out };

	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++)
		if (cpu_local_is_online(cpu))
			check_cpu(&test, cpu);
	sink_print(call->out, "@selftest name=near cpus=%u pages=%lu "
			      "away=%lu\n", smp_online_count(), test.pages,
		   test.away);
	return test.away == 0 ? ST_OK : ST_CORRUPT;
}
