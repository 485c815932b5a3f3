// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Pages from the firmware. Each run is written down with the owner that
 * the kernel's ledger will show for it; until the exit all of them can be
 * given back, so that a failed start leaves the machine as it was.
 */
#include "loader.h"

#include <base/assert.h>
#include <base/bits.h>

EFI_STATUS memory_take(struct loader *loader,
		       const struct page_request *request, paddr_t *out)
{
	EFI_MEMORY_TYPE type = request->type ? request->type : EfiLoaderData;
	EFI_PHYSICAL_ADDRESS start = 0;
	uint64_t limit = request->limit;
	EFI_STATUS status;

	if (loader->holding_count == HOLDINGS_MAX)
		return EFI_OUT_OF_RESOURCES;
	/* mem= also binds the loader: what it keeps must be in use later. */
	if (loader->options.mem_limit != 0)
		limit = limit == 0 ? loader->options.mem_limit :
			min_u64(limit, loader->options.mem_limit);
	if (limit != 0)
		start = limit - 1;
	status = loader->boot->AllocatePages(
		limit != 0 ? AllocateMaxAddress : AllocateAnyPages, type,
		request->pages, &start);
	if (EFI_ERROR(status))
		return status;
	loader->holdings[loader->holding_count++] = (struct holding){
		.start = { start },
		.pages = request->pages,
		.owner = request->owner,
	};
	*out = (paddr_t){ start };
	return EFI_SUCCESS;
}

void memory_give(struct loader *loader, paddr_t start)
{
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
	while (loader->holding_count > 0)
		memory_give(loader, loader->holdings[0].start);
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
