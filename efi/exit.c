// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The exit from boot services. Before it, every page for the work after it is
 * allocated. The exit itself takes the map and its key, in several tries, with
 * only memory services in between (UEFI 2.10 section 7.4.6). After it,
 * regions, tables and handover are built from the map that was accepted, with
 * interrupts off and the loader's exception handlers in place.
 */
#include "loader.h"

#include <arch/instructions.h>
#include <base/assert.h>
#include <base/bits.h>
#include <boot/layout.h>
#include <mm/early.h>

#define EXIT_TRIES	8
#define NO_EXIT		"firmware keeps the machine"

/* Memory above mem= or above the processor's address bits is not used. */
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
	const struct page_request wanted[] = {
		{ .out = &handover->boot_stack, .owner = OWNER_STACK,
		  .bytes = STACK_BYTES },
		{ .out = &handover->log, .owner = OWNER_LOG,
		  .bytes = HANDOVER_LOG_BYTES },
		{ .out = &handover->switch_page, .type = EfiLoaderCode,
		  .owner = OWNER_BOOT_RECLAIMABLE, .bytes = PAGE_SIZE },
	};
	struct outcome outcome = {
		memory_alloc_all(loader, wanted, ARRAY_LENGTH(wanted)),
		NO_ROOM };

	handover->usable_limit = usable_limit(loader);
	if (!EFI_ERROR(outcome.status))
		outcome = memory_map_make_room(loader);
	if (EFI_ERROR(outcome.status))
		return log_error(outcome.status, "exit: %s", outcome.why);
	switch_page_fill(loader);
	return EFI_SUCCESS;
}

/* Only memory services: no output before the exit succeeded. */
static struct outcome exit_firmware(struct loader *loader)
{
	struct handover *handover = loader->handover;
	struct outcome outcome = { EFI_ABORTED, NO_EXIT };

	for (unsigned try = 1; try <= EXIT_TRIES; try++) {
		uint64_t before = read_tsc();

		outcome = memory_map_get(loader);
		handover->get_map_ticks = read_tsc() - before;
		if (outcome.status == EFI_BUFFER_TOO_SMALL) {
			struct outcome room = memory_map_make_room(loader);

			if (EFI_ERROR(room.status))
				return room;
			continue;
		}
		if (EFI_ERROR(outcome.status))
			return outcome;
		before = read_tsc();
		handover->stage_tsc[STAGE_MAP_FINAL] = before;
		handover->exit_tries = try;
		__asm__ volatile("cli");
		outcome.status = loader->boot->ExitBootServices(
			loader->image, loader->map.key);
		__asm__ volatile("cli");
		outcome.why = NO_EXIT;
		handover->exit_ticks = read_tsc() - before;
		if (!EFI_ERROR(outcome.status))
			break;
	}
	handover->stage_tsc[STAGE_EXIT_DONE] = read_tsc();
	return outcome;
}

EFI_STATUS exit_boot_services(struct loader *loader)
{
	struct outcome outcome;

	loader->console_open = false;
	outcome = exit_firmware(loader);
	if (!EFI_ERROR(outcome.status))
		return EFI_SUCCESS;
	/* A refused ExitBootServices may have stopped parts of the firmware. */
	if (loader->handover->exit_tries > 0) {
		exceptions_install();
		fatal("exit: %s status=0x%lx tries=%u", outcome.why,
		      (uint64_t)outcome.status, loader->handover->exit_tries);
	}
	loader->console_open = true;
	switch_page_make_data(loader);
	return log_error(outcome.status, "exit: %s", outcome.why);
}

static void build_tables(struct loader *loader, struct table *table)
{
	struct tables_request request = memory_map_tables(loader);
	struct table_features features = tables_features(&loader->machine.cpu);
	struct window window = { .offset = 0 };
	static struct early pool;
	struct frame_run run = { paddr_to_pfn(loader->map.pool),
				 loader->map.pool_bytes / PAGE_SIZE };
	enum status status = early_init(&pool, window, &run, 1);

	if (status == ST_OK)
		status = table_init(table, window, &pool.source, &features);
	if (status == ST_OK)
		status = tables_build(table, &request);
	if (status != ST_OK)
		fatal("exit: page tables failed why=\"%s\" pages=%lu",
		      status_text(status), run.frames);
	ASSERT(table->table_pages <= run.frames);
}

void exit_to_kernel(struct loader *loader)
{
	struct table table;

	if (memory_map_normalise(loader) != ST_OK)
		fatal("exit: the final map does not fit entries=%lu",
		      loader->map.bytes / loader->map.stride);
	if (memory_map_is_claimed(loader))
		fatal("exit: %s", CLAIMED);
	build_tables(loader, &table);
	log_info("exit: jump exit_tries=%u entries=%lu tables=%lu "
		      "entry=0x%lx", loader->handover->exit_tries,
		 loader->map.bytes / loader->map.stride, table.table_pages,
		 loader->plan.entry.raw);
	handover_fill(loader, &table);
	crash_log_stage("loader.jump");
	((void (*)(uint64_t root))loader->handover->switch_page.raw)(
		pfn_to_paddr(table.root).raw);
	__builtin_unreachable();
}
