// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fixmap.h"

#include <base/assert.h>
#include <base/bits.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>

#include "boot_memory.h"

#define SLOT_STRIDE (FIXMAP_SLOT_BYTES / FIXMAP_COUNT / SIZE_2M * SIZE_2M)

static struct {
	uint64_t phys;
	uint64_t bytes;		/* 0 = the slot is empty             */
	unsigned rights;
} mappings[FIXMAP_COUNT];

static vaddr_t slot_base(enum fixmap_slot slot)
{
	return (vaddr_t){ FIXMAP_SLOT + slot * SLOT_STRIDE };
}

enum status fixmap_unmap(enum fixmap_slot slot)
{
	enum status status = ST_OK;

	ASSERT(cpu_local_id() == 0 && slot < FIXMAP_COUNT);
	if (mappings[slot].bytes != 0)
		status = table_unmap(&boot_memory.table, slot_base(slot),
				     mappings[slot].bytes);
	mappings[slot].bytes = 0;
	return status;
}

/* Firmware tables lie close together: often the page is mapped already. */
static bool is_mapped(const struct fixmap_request *request, uint64_t start,
		      uint64_t end)
{
	uint64_t mapped = mappings[request->slot].phys;
	uint64_t bytes = mappings[request->slot].bytes;

	return start >= mapped && end <= mapped + bytes &&
	       mappings[request->slot].rights == request->rights;
}

static enum status map_slot(const struct fixmap_request *request,
			    uint64_t start, uint64_t end)
{
	enum status status = fixmap_unmap(request->slot);

	if (status == ST_OK)
		status = table_map(&boot_memory.table, &(struct table_mapping){
			.virt = slot_base(request->slot),
			.phys = { start },
			.bytes = end - start,
			.rights = request->rights | TABLE_GLOBAL,
			.cache = request->slot >= FIXMAP_DEVICE ?
					 CACHE_UNCACHED : CACHE_WRITE_BACK,
		});
	if (status != ST_OK)
		return status;
	mappings[request->slot].phys = start;
	mappings[request->slot].bytes = end - start;
	mappings[request->slot].rights = request->rights;
	return ST_OK;
}

enum status fixmap_map(const struct fixmap_request *request,
			const volatile void **out)
{
	uint64_t start = align_down(request->phys.raw, PAGE_SIZE);
	uint64_t end;
	enum status status = ST_OK;

	ASSERT(cpu_local_id() == 0 && request->slot < FIXMAP_COUNT);
	if (add_overflows(request->phys.raw, request->bytes, &end) ||
	    end > PHYSICAL_LIMIT || request->bytes == 0 ||
	    request->bytes > SLOT_STRIDE - 2 * PAGE_SIZE)
		return ST_BAD_RANGE;
	end = align_up(end, PAGE_SIZE);
	if (!is_mapped(request, start, end))
		status = map_slot(request, start, end);
	if (status != ST_OK)
		return status;
	*out = (void *)(slot_base(request->slot).raw +
			(request->phys.raw - mappings[request->slot].phys));
	return ST_OK;
}
