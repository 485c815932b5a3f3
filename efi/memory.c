// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Pages from the firmware. Each run is written down with the owner that
 * the kernel's ledger will show for it; until the exit all of them can be
 * given back, so that a failed start leaves the machine as it was.
 */
#include "loader.h"

#include <base/assert.h>
#include <base/bits.h>
#include <mm/region.h>

static bool is_acceptable(uint64_t start, uint64_t pages, uint64_t limit)
{
	uint64_t end;

	if (start < LOW_END || !is_aligned(start, PAGE_SIZE))
		return false;
	return !add_overflows(start, pages * PAGE_SIZE, &end) &&
	       (limit == 0 || end <= limit);
}

/*
 * What the firmware gives is looked at: page 0, low memory, or an address
 * beyond the limit stays a holding that the kernel gets back, and the
 * firmware is asked again.
 */
EFI_STATUS memory_take(struct loader *loader,
		       const struct page_request *request, paddr_t *out)
{
	EFI_MEMORY_TYPE type = request->type ? request->type : EfiLoaderData;
	uint64_t limit = request->limit;

	/* mem= also binds the loader: what it keeps must be in use later. */
	if (loader->options.mem_limit != 0)
		limit = limit == 0 ? loader->options.mem_limit :
			min_u64(limit, loader->options.mem_limit);
	while (loader->holding_count < HOLDINGS_MAX) {
		struct holding *holding =
			&loader->holdings[loader->holding_count];
		EFI_PHYSICAL_ADDRESS start = limit != 0 ? limit - 1 : 0;
		EFI_STATUS status = loader->boot->AllocatePages(
			limit != 0 ? AllocateMaxAddress : AllocateAnyPages,
			type, request->pages, &start);

		if (EFI_ERROR(status))
			return status;
		loader->holding_count++;
		*holding = (struct holding){
			.start = { start },
			.pages = request->pages,
			.owner = OWNER_BOOT_RECLAIMABLE,
		};
		if (is_acceptable(start, request->pages, limit)) {
			holding->owner = request->owner;
			*out = holding->start;
			return EFI_SUCCESS;
		}
	}
	return EFI_OUT_OF_RESOURCES;
}

void memory_give(struct loader *loader, paddr_t start)
{
	if (start.raw == 0)
		return;
	for (size_t i = 0; i < loader->holding_count; i++) {
		struct holding *holding = &loader->holdings[i];

		if (holding->start.raw != start.raw)
			continue;
		loader->boot->FreePages(holding->start.raw, holding->pages);
		*holding = loader->holdings[--loader->holding_count];
		return;
	}
}

void memory_give_all(struct loader *loader)
{
	while (loader->holding_count > 0) {
		struct holding *last =
			&loader->holdings[--loader->holding_count];

		loader->boot->FreePages(last->start.raw, last->pages);
	}
}

void memory_trim(struct loader *loader, paddr_t start, uint64_t pages)
{
	struct holding *newest = &loader->holdings[loader->holding_count - 1];
	uint64_t head = (start.raw - newest->start.raw) / PAGE_SIZE;
	uint64_t tail = newest->pages - head - pages;

	ASSERT(head + pages + tail == newest->pages);
	if (head > 0)
		loader->boot->FreePages(newest->start.raw, head);
	if (tail > 0)
		loader->boot->FreePages(start.raw + pages * PAGE_SIZE, tail);
	newest->start = start;
	newest->pages = pages;
}
