// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The exit from boot services. Before it, buffers for all later work are
 * allocated, sized from the map plus slack. The exit itself: map and key, at
 * least three tries, nothing but memory services in between. After it:
 * regions, tables, free list and handover, from the very map that was
 * accepted, with interrupts off and the loader's exception handlers in place.
 */
#include "loader.h"

#include <arch/instructions.h>
#include <base/bits.h>
#include <boot/layout.h>
#include <mm/early.h>

#define EXIT_TRIES	8
#define STACK_PAGES	(STACK_BYTES / PAGE_SIZE)

/* Memory that mem= or the processor's address bits cut off is not used. */
static uint64_t usable_limit(const struct loader *loader)
{
	uint64_t limit = 1UL << loader->machine.cpu.physical_bits;

	if (loader->options.mem_limit != 0)
		limit = min_u64(limit, loader->options.mem_limit);
	return min_u64(limit, USABLE_LIMIT);
}

EFI_STATUS exit_prepare(struct loader *loader)
{
	struct handover *handover = loader->handover;
	EFI_STATUS status;

	handover->usable_limit = usable_limit(loader);
	status = take(loader, STACK_PAGES * PAGE_SIZE, OWNER_STACK,
		      &handover->boot_stack);
	if (!EFI_ERROR(status))
		status = take(loader, LOG_PAGES * PAGE_SIZE, OWNER_LOG,
			      &handover->log);
	if (!EFI_ERROR(status))
		status = memory_alloc(loader, &(struct page_request){
			.pages = 1,
			.owner = OWNER_BOOT_RECLAIMABLE,
			.type = EfiLoaderCode,
			.limit = 4 * GIB,
		}, &handover->switch_page);
	if (!EFI_ERROR(status))
		status = memory_map_make_room(loader);
	if (EFI_ERROR(status))
		return log_error(status, "exit: %s", map.trouble);
	switch_page_fill(loader);
	return EFI_SUCCESS;
}

/* Only memory services in here: no word to anybody until it has held. */
static EFI_STATUS exit_firmware(struct loader *loader)
{
	struct handover *handover = loader->handover;
	EFI_STATUS status = EFI_ABORTED;

	for (unsigned try = 1; try <= EXIT_TRIES; try++) {
		uint64_t before = read_tsc();

		status = memory_map_get(loader);
		handover->get_map_ticks = read_tsc() - before;
		if (status == EFI_BUFFER_TOO_SMALL) {
			EFI_STATUS grown = memory_map_make_room(loader);

			if (EFI_ERROR(grown))
				return grown;
			continue;
		}
		if (EFI_ERROR(status))
			return status;
		map.trouble = NO_EXIT;
		before = read_tsc();
		handover->stage_tsc[STAGE_MAP_FINAL] = before;
		handover->exit_tries = try;
		__asm__ volatile("cli");
		status = loader->boot->ExitBootServices(loader->image,
							map.map_key);
		__asm__ volatile("cli");
		handover->exit_ticks = read_tsc() - before;
		if (!EFI_ERROR(status))
			break;
	}
	handover->stage_tsc[STAGE_EXIT_DONE] = read_tsc();
	return status;
}

EFI_STATUS exit_boot_services(struct loader *loader)
{
	EFI_STATUS status;

	log_close_console();
	status = exit_firmware(loader);
	if (!EFI_ERROR(status))
		return EFI_SUCCESS;
	/* Once it has been asked to go, a firmware is only half there. */
	if (loader->handover->exit_tries > 0) {
		exceptions_install();
		fatal("exit: %s status=0x%lx tries=%u", map.trouble,
		      (uint64_t)status, loader->handover->exit_tries);
	}
	log_open_console();
	switch_page_make_data(loader, loader->handover->switch_page);
	return log_error(status, "exit: %s", map.trouble);
}

static void build_tables(struct loader *loader, struct table *table)
{
	struct tables_request request = tables_request(loader);
	struct table_features features = tables_features(&loader->machine.cpu);
	struct window window = { .offset = 0 };
	static struct early pool;
	struct frame_run run = { paddr_to_pfn(map.pool), map.pool_pages };
	enum status status = early_init(&pool, window, &run, 1);

	if (status == ST_OK)
		status = table_init(table, window, &pool.source, &features);
	if (status == ST_OK)
		status = tables_build(table, &request);
	if (status != ST_OK)
		fatal("exit: page tables failed why=\"%s\" pages=%lu",
		      status_text(status), map.pool_pages);
}

void exit_to_kernel(struct loader *loader)
{
	struct table table;

	if (memory_map_normalise(loader) != ST_OK)
		fatal("exit: the final map does not fit entries=%lu",
		      map.map_bytes / map.stride);
	if (memory_map_is_claimed(loader))
		fatal("exit: %s", CLAIMED);
	build_tables(loader, &table);
	log_line('I', "exit: jump exit_tries=%u entries=%lu tables=%lu "
		      "entry=0x%lx", loader->handover->exit_tries,
		 map.map_bytes / map.stride, table.table_pages,
		 loader->plan.entry.raw);
	handover_fill(loader, &table);
	crash_log_stage("loader.jump");
	((void (*)(uint64_t root))loader->handover->switch_page.raw)(
		pfn_to_paddr(table.root).raw);
	__builtin_unreachable();
}
