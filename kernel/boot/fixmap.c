// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fixmap.h"

#include <base/assert.h>
#include <base/bits.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>

#include "boot_memory.h"

#define PEEK_STRIDE (PEEK_SLOT_BYTES / PEEK_COUNT / SIZE_2M * SIZE_2M)

static struct {
	uint64_t phys;
	uint64_t bytes;		/* mapped there now, 0 = nothing     */
	unsigned rights;
} peeks[PEEK_COUNT];

static vaddr_t peek_base(enum peek_slot slot)
{
	return (vaddr_t){ PEEK_SLOT + slot * PEEK_STRIDE };
}

enum status memory_unpeek(enum peek_slot slot)
{
	enum status status = ST_OK;

	if (peeks[slot].bytes != 0)
		status = table_unmap(&boot_memory.table, peek_base(slot),
				     peeks[slot].bytes);
	peeks[slot].bytes = 0;
	return status;
}

/* Tables lie close together: often the page is there already. */
static bool is_seen(const struct peek_request *request, uint64_t start,
		    uint64_t end)
{
	uint64_t seen = peeks[request->slot].phys;

	return start >= seen && end <= seen + peeks[request->slot].bytes &&
	       peeks[request->slot].rights == request->rights;
}

static enum status map_peek(const struct peek_request *request,
			    uint64_t start, uint64_t end)
{
	enum status status = memory_unpeek(request->slot);

	if (status == ST_OK)
		status = table_map(&boot_memory.table, &(struct table_mapping){
			.virt = peek_base(request->slot),
			.phys = { start },
			.bytes = end - start,
			.rights = request->rights | TABLE_GLOBAL,
			.cache = request->slot == PEEK_DEVICE ?
					 CACHE_UNCACHED : CACHE_WRITE_BACK,
		});
	if (status != ST_OK)
		return status;
	peeks[request->slot].phys = start;
	peeks[request->slot].bytes = end - start;
	peeks[request->slot].rights = request->rights;
	return ST_OK;
}

enum status memory_peek(const struct peek_request *request,
			const volatile void **out)
{
	uint64_t start = align_down(request->phys.raw, PAGE_SIZE);
	uint64_t end;
	enum status status = ST_OK;

	ASSERT(cpu_local_id() == 0);
	if (add_overflows(request->phys.raw, request->bytes, &end) ||
	    end > PHYSICAL_LIMIT || request->bytes == 0 ||
	    request->bytes > PEEK_STRIDE - 2 * PAGE_SIZE)
		return ST_BAD_RANGE;
	end = align_up(end, PAGE_SIZE);
	if (!is_seen(request, start, end))
		status = map_peek(request, start, end);
	if (status != ST_OK)
		return status;
	*out = (void *)(peek_base(request->slot).raw +
			(request->phys.raw - peeks[request->slot].phys));
	return ST_OK;
}
