// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Allocates pages from the firmware. Each run is recorded with the owner that
 * the kernel's ledger will have for it. Until the exit all of them can be
 * freed, so a failed start leaves the machine as it was. Each run is checked,
 * because firmware may return another one than was requested.
 */
#include "loader.h"

#include <base/assert.h>
#include <base/bits.h>
#include <mm/region.h>

static bool is_acceptable(uint64_t start, uint64_t bytes, uint64_t limit)
{
	uint64_t end;

	if (start < LOW_END || !is_aligned(start, PAGE_SIZE))
		return false;
	return !add_overflows(start, bytes, &end) && end <= limit;
}

static const struct range *find_bad(const struct loader *loader,
					const struct page_request *wanted)
{
	return bad_find(loader->options.bad, loader->options.bad_count,
			wanted->out->raw, wanted->bytes);
}

/* Allocates one run, which becomes the newest holding. */
static EFI_STATUS request_run(struct loader *loader,
			      const struct page_request *wanted)
{
	EFI_PHYSICAL_ADDRESS start = wanted->limit - 1;
	struct frame_run run = { .frames = wanted->bytes / PAGE_SIZE };
	EFI_STATUS status;

	if (loader->holding_count == HOLDINGS_MAX)
		return EFI_OUT_OF_RESOURCES;
	status = loader->boot->AllocatePages(
		wanted->limit == ANYWHERE ? AllocateAnyPages :
					    AllocateMaxAddress,
		wanted->type ? wanted->type : EfiLoaderData, run.frames,
		&start);
	if (EFI_ERROR(status))
		return status;
	wanted->out->raw = start;
	run.first = paddr_to_pfn(*wanted->out);
	loader->holdings[loader->holding_count++] =
		(struct holding){ run, run, wanted->owner };
	return EFI_SUCCESS;
}

void memory_free_from(struct loader *loader, size_t first)
{
	while (loader->holding_count > first) {
		struct frame_run run =
			loader->holdings[--loader->holding_count].all;

		loader->boot->FreePages(run.first.raw * PAGE_SIZE, run.frames);
	}
}

/*
 * Requests a run that is longer by low memory and by all bad ranges: it has a
 * good part, wherever it begins.
 */
static EFI_STATUS request_longer(struct loader *loader,
				 const struct page_request *wanted)
{
	const struct range *bad = loader->options.bad;
	size_t bad_count = loader->options.bad_count;
	struct page_request longer = *wanted;
	uint64_t start, end;
	EFI_STATUS status;

	longer.bytes += LOW_END +
			bad_detour_bytes(bad, bad_count, wanted->bytes);
	status = request_run(loader, &longer);
	if (!EFI_ERROR(status)) {
		end = wanted->out->raw + longer.bytes;
		start = bad_step_over(bad, bad_count,
				      wanted->out->raw + LOW_END,
				      wanted->bytes);
		wanted->out->raw = start;
		if (start + wanted->bytes <= end &&
		    is_acceptable(start, wanted->bytes, wanted->limit)) {
			memory_trim(loader, *wanted->out, wanted->bytes);
			return EFI_SUCCESS;
		}
		memory_free_from(loader, loader->holding_count - 1);
		status = EFI_OUT_OF_RESOURCES;
	}
	if (bad_count != 0)
		log_warning("memory: no good place pages=%lu why=\"memmap= "
			    "calls bad what the firmware gives\"",
			    wanted->bytes / PAGE_SIZE);
	return status;
}

/*
 * Some firmware gives page 0, or all of low memory first, and any firmware
 * may give memory that memmap= calls bad: such a run is freed. Most firmware
 * allocates from the top, so the next request ends below the bad range.
 */
EFI_STATUS memory_alloc(struct loader *loader,
			const struct page_request *request)
{
	const struct options *options = &loader->options;
	struct page_request wanted = *request, lower;
	const struct range *bad;
	EFI_STATUS status;

	wanted.bytes = align_up(wanted.bytes, PAGE_SIZE);
	ASSERT(wanted.bytes > 0);
	if (wanted.limit == 0)
		wanted.limit = 4 * GIB;
	/* The kernel uses only memory below mem=. */
	if (options->mem_limit != 0)
		wanted.limit = min_u64(wanted.limit, options->mem_limit);
	lower = wanted;
	do {
		status = request_run(loader, &lower);
		if (EFI_ERROR(status))
			break;
		bad = find_bad(loader, &lower);
		if (bad == NULL && is_acceptable(lower.out->raw, lower.bytes,
						 lower.limit))
			return EFI_SUCCESS;
		memory_free_from(loader, loader->holding_count - 1);
		lower.limit = bad != NULL ? bad->start : 0;
	} while (lower.limit > LOW_END);
	if (EFI_ERROR(status) && lower.limit == wanted.limit)
		return status;
	return request_longer(loader, &wanted);
}

EFI_STATUS memory_alloc_all(struct loader *loader,
			    const struct page_request *requests, size_t count)
{
	EFI_STATUS status = EFI_SUCCESS;

	for (size_t i = 0; i < count && !EFI_ERROR(status); i++)
		status = memory_alloc(loader, &requests[i]);
	return status;
}

void memory_keep(struct loader *loader, paddr_t start, uint64_t bytes)
{
	struct holding *newest = &loader->holdings[loader->holding_count - 1];
	struct frame_run kept = { paddr_to_pfn(start), bytes / PAGE_SIZE };

	ASSERT(loader->holding_count > 0);
	ASSERT(kept.first.raw >= newest->all.first.raw &&
	       kept.first.raw + kept.frames <=
		       newest->all.first.raw + newest->all.frames);
	newest->kept = kept;
}

void memory_trim(struct loader *loader, paddr_t start, uint64_t bytes)
{
	struct holding *newest = &loader->holdings[loader->holding_count - 1];
	uint64_t head = start.raw / PAGE_SIZE - newest->all.first.raw;
	uint64_t tail = newest->all.frames - head - bytes / PAGE_SIZE;

	memory_keep(loader, start, bytes);
	if (head > 0)
		loader->boot->FreePages(start.raw - head * PAGE_SIZE, head);
	if (tail > 0)
		loader->boot->FreePages(start.raw + bytes, tail);
	newest->all = newest->kept;
}
