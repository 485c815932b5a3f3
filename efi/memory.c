// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Pages from the firmware. Each run is written down with the owner that
 * the kernel's ledger will show for it; until the exit all of them can be
 * given back, so that a failed start leaves the machine as it was. What the
 * firmware gives is looked at: it need not be what was asked for.
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

static const struct range *bad_in(const struct loader *loader, uint64_t start,
				  uint64_t pages)
{
	return bad_find(loader->options.bad, loader->options.bad_count, start,
			pages * PAGE_SIZE);
}

/* One run more, written down as the newest holding. */
static EFI_STATUS ask(struct loader *loader, const struct page_request *wanted)
{
	EFI_MEMORY_TYPE type = wanted->type ? wanted->type : EfiLoaderData;
	EFI_PHYSICAL_ADDRESS start = wanted->limit != 0 ? wanted->limit - 1 : 0;
	EFI_STATUS status;

	if (loader->holding_count == HOLDINGS_MAX)
		return EFI_OUT_OF_RESOURCES;
	status = loader->boot->AllocatePages(
		wanted->limit != 0 ? AllocateMaxAddress : AllocateAnyPages,
		type, wanted->pages, &start);
	if (!EFI_ERROR(status))
		loader->holdings[loader->holding_count++] = (struct holding){
			.start = { start },
			.pages = wanted->pages,
			.owner = wanted->owner,
		};
	return status;
}

static uint64_t newest_start(const struct loader *loader)
{
	return loader->holdings[loader->holding_count - 1].start.raw;
}

static void free_newest(struct loader *loader)
{
	struct holding *newest = &loader->holdings[--loader->holding_count];

	loader->boot->FreePages(newest->start.raw, newest->pages);
}

/*
 * Below the bad memory that was lent, and below what is bad there, and so
 * on: most firmware lends the highest that it has.
 */
static bool ask_below_bad(struct loader *loader,
			  const struct page_request *request, paddr_t *out)
{
	struct page_request wanted = *request;
	const struct range *bad = bad_in(loader, out->raw, request->pages);

	while (bad != NULL) {
		wanted.limit = bad->start;
		if (wanted.limit <= LOW_END || EFI_ERROR(ask(loader, &wanted)))
			return false;
		out->raw = newest_start(loader);
		bad = bad_in(loader, out->raw, request->pages);
		if (bad == NULL && is_acceptable(out->raw, request->pages,
						 wanted.limit))
			return true;
		free_newest(loader);
	}
	return false;
}

/* The first good part of the newest holding that is as long as is asked. */
static bool find_good_part(const struct loader *loader,
			   const struct page_request *request, paddr_t *out)
{
	const struct options *options = &loader->options;
	const struct holding *newest =
		&loader->holdings[loader->holding_count - 1];
	uint64_t bytes = request->pages * PAGE_SIZE;

	out->raw = bad_step_over(options->bad, options->bad_count,
				 newest->start.raw + LOW_END, bytes);
	return out->raw + bytes <=
		       newest->start.raw + newest->pages * PAGE_SIZE &&
	       is_acceptable(out->raw, request->pages, request->limit);
}

/*
 * Some firmware lends page 0, or all of low memory first, and any may lend
 * what memmap= calls bad. Such a run is given back, and one asked for that
 * is longer by all of that: wherever it begins, a part of it is good.
 */
EFI_STATUS memory_alloc(struct loader *loader,
			const struct page_request *request, paddr_t *out)
{
	const struct options *options = &loader->options;
	struct page_request wanted = *request, longer;
	EFI_STATUS status;

	/* mem= also binds the loader: what it keeps must be in use later. */
	if (options->mem_limit != 0)
		wanted.limit = wanted.limit == 0 ? options->mem_limit :
			min_u64(wanted.limit, options->mem_limit);
	status = ask(loader, &wanted);
	if (EFI_ERROR(status))
		return status;
	out->raw = newest_start(loader);
	if (is_acceptable(out->raw, wanted.pages, wanted.limit) &&
	    bad_in(loader, out->raw, wanted.pages) == NULL)
		return EFI_SUCCESS;
	free_newest(loader);
	if (ask_below_bad(loader, &wanted, out))
		return EFI_SUCCESS;
	longer = wanted;
	longer.pages += (LOW_END + bad_detour_bytes(
		options->bad, options->bad_count, wanted.pages * PAGE_SIZE)) /
		PAGE_SIZE;
	status = ask(loader, &longer);
	if (!EFI_ERROR(status)) {
		if (find_good_part(loader, &wanted, out)) {
			memory_trim(loader, *out, wanted.pages);
			return EFI_SUCCESS;
		}
		free_newest(loader);
		status = EFI_OUT_OF_RESOURCES;
	}
	if (options->bad_count != 0)
		log_line('W', "memory: no good place pages=%lu why=\"memmap= "
			      "calls bad what the firmware gives\"",
			 wanted.pages);
	return status;
}

void memory_free(struct loader *loader, paddr_t start)
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

void memory_free_all(struct loader *loader)
{
	while (loader->holding_count > 0)
		free_newest(loader);
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
