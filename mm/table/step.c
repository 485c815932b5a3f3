// SPDX-License-Identifier: MIT OR Apache-2.0
/* The steps that are not inlined: page chains, words of entries. */
#include "step.h"

void chain_push(const struct table *table, struct chain *chain,
		uint64_t address)
{
	uint64_t *first = table_entries(table, address);

	*first = chain->head;
	chain->head = address;
	chain->pages++;
}

/* Clears the link in the page, so a page that was all zero is so again. */
uint64_t chain_pop(const struct table *table, struct chain *chain)
{
	uint64_t address = chain->head;
	uint64_t *first;

	ASSERT(chain->pages > 0);
	first = table_entries(table, address);
	chain->head = *first;
	chain->pages--;
	*first = 0;
	return address;
}

void chain_give(struct table *table, struct chain *chain)
{
	while (chain->pages > 0) {
		paddr_t page = { chain_pop(table, chain) };

		frame_source_give(table->source, paddr_to_pfn(page));
	}
}

enum status chain_reserve(struct table *table, struct chain *chain,
			  uint64_t pages)
{
	*chain = (struct chain){ 0, 0 };
	while (chain->pages < pages) {
		enum status status;
		pfn_t frame;

		status = frame_source_take(table->source, &frame);
		if (status != ST_OK) {
			chain_give(table, chain);
			ASSERT(chain->head == 0);
			return status;
		}
		chain_push(table, chain, pfn_to_paddr(frame).raw);
	}
	return ST_OK;
}

void leaf_describe(uint64_t at, unsigned level, uint64_t entry,
		   struct table_leaf *out)
{
	uint64_t base = align_down(at, level_size(level));
	uint64_t pat = level > 0 ? ENTRY_PAT_LARGE : ENTRY_PAT_SMALL;

	out->virt = canonical(base);
	out->phys = (paddr_t){ leaf_address(entry, level) };
	out->bytes = level_size(level);
	out->rights = (entry & ENTRY_WRITE ? TABLE_WRITE : 0) |
		      (entry & ENTRY_USER ? TABLE_USER : 0) |
		      (entry & ENTRY_GLOBAL ? TABLE_GLOBAL : 0) |
		      (entry & ENTRY_NX ? 0 : TABLE_EXECUTE);
	out->cache = (entry & ENTRY_PWT ? 1 : 0) | (entry & ENTRY_PCD ? 2 : 0) |
		     (entry & pat ? 4 : 0);
}

enum status features_settle(const struct table_features *from,
			    struct table_features *out)
{
	*out = *from;
	if (out->physical_bits == 0)
		out->physical_bits = PHYSICAL_BITS_MAX;
	return out->physical_bits > PHYSICAL_BITS_MAX ? ST_BAD_ARGUMENT :
							 ST_OK;
}
