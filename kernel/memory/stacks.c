// SPDX-License-Identifier: MIT OR Apache-2.0
#include "stacks.h"

#include <base/assert.h>
#include <boot/layout.h>

#include <kernel/boot/boot_memory.h>

#include "pages.h"

/* The loader mapped the main stack of the boot CPU. */
static enum stack_kind first_kind(unsigned cpu)
{
	return cpu == 0 ? STACK_MAIN + 1 : STACK_MAIN;
}

static vaddr_t stack_start(unsigned cpu, enum stack_kind kind)
{
	return (vaddr_t){ stack_top(cpu, kind).raw - STACK_BYTES };
}

static void unmap_stacks_up_to(unsigned cpu, enum stack_kind end)
{
	for (enum stack_kind kind = first_kind(cpu); kind < end; kind++)
		MUST(table_unmap(&boot_memory.table, stack_start(cpu, kind),
				 STACK_BYTES));
}

static enum status map_stacks_at(unsigned cpu, paddr_t phys)
{
	for (enum stack_kind kind = first_kind(cpu); kind < STACK_KIND_COUNT;
	     kind++) {
		enum status status = table_map(&boot_memory.table,
					       &(struct table_mapping){
			.virt = stack_start(cpu, kind),
			.phys = phys,
			.bytes = STACK_BYTES,
			.rights = TABLE_WRITE | TABLE_GLOBAL,
		});

		if (status != ST_OK) {
			unmap_stacks_up_to(cpu, kind);
			return status;
		}
		phys.raw += STACK_BYTES;
	}
	return ST_OK;
}

static struct frame_run stacks_run(unsigned cpu)
{
	uint64_t kinds = STACK_KIND_COUNT - first_kind(cpu);

	return (struct frame_run){
		.frames = kinds * STACK_BYTES / PAGE_SIZE,
	};
}

enum status stacks_alloc_boot(void)
{
	struct frame_run run = stacks_run(0);
	enum status status = boot_alloc(&run, OWNER_STACK);

	if (status != ST_OK)
		return status;
	status = map_stacks_at(0, pfn_to_paddr(run.first));
	if (status != ST_OK)
		boot_free(run, OWNER_STACK);
	return status;
}

enum status stacks_alloc(unsigned cpu)
{
	struct frame_run run = stacks_run(cpu);
	enum status status = pages_alloc_near(&run, cpu, OWNER_STACK);

	if (status != ST_OK)
		return status;
	status = map_stacks_at(cpu, pfn_to_paddr(run.first));
	if (status != ST_OK)
		pages_free(run, OWNER_STACK);
	return status;
}

void stacks_free(unsigned cpu)
{
	struct frame_run run = stacks_run(cpu);
	struct table_leaf leaf;

	ASSERT(cpu != 0);
	MUST(table_query(&boot_memory.table, stack_start(cpu, first_kind(cpu)),
			 &leaf));
	run.first = paddr_to_pfn(leaf.phys);
	unmap_stacks_up_to(cpu, STACK_KIND_COUNT);
	pages_free(run, OWNER_STACK);
}
