// SPDX-License-Identifier: MIT OR Apache-2.0
/* What banks hold, and whether it is as it should be: C1 to C3. */
#include <mm/frame_cache.h>

#include "internal.h"

uint64_t frame_tray_holds(const struct frame_tray *tray)
{
	const struct frame_parcel *parcel;
	uint64_t frames = 0;

	for (parcel = tray->parcels; parcel < tray->end; parcel++)
		frames += count_ones(parcel->mask);
	return frames;
}

uint64_t frame_cache_held(const struct frame_bank *bank)
{
	return count_ones(bank->word) +
	       frame_tray_holds(&bank->tray[FRAME_KEPT]) +
	       frame_tray_holds(&bank->tray[FRAME_LEAVING]) +
	       ((uint64_t)bank->block_count << bank->block_shift);
}

uint64_t frame_cache_limit(const struct frame_bank *bank)
{
	uint64_t most = bank->word_takes_back ? FRAME_WORD_BITS :
						bank->word_most;

	for (unsigned i = 0; i < FRAME_TRAYS; i++) {
		const struct frame_tray *tray = &bank->tray[i];

		most += FRAME_WORD_BITS *
			(uint64_t)(tray->limit - tray->parcels - 1);
	}
	return most;
}

uint64_t frame_cache_hits(const struct frame_bank *bank)
{
	int64_t lent = bank->brought - count_ones(bank->word) -
		       (int64_t)frame_tray_holds(&bank->tray[FRAME_KEPT]) -
		       bank->block_count;

	return lent > bank->refills ? (uint64_t)lent - bank->refills : 0;
}

/* Whether the bank has this block, as one of its first `count`. */
static bool has_block(const struct frame_bank *bank, uint32_t count,
		      uint64_t block)
{
	for (uint32_t i = 0; i < count; i++)
		if (bank->blocks[i] == block)
			return true;
	return false;
}

/* The owner's bytes are 0, and nothing but this has any of the frames. */
static bool parcel_is_good(const struct frame_bank *bank,
			   const struct frame_parcel *parcel)
{
	for (uint64_t rest = parcel->mask; rest != 0; rest &= rest - 1)
		if (atomic_load_relaxed(
			    &bank->owner[parcel->first +
					 (uint64_t)__builtin_ctzl(rest)]) !=
		    FRAME_BYTE_FREE)
			return false;
	if (parcel->mask != 0 &&
	    has_block(bank, bank->block_count,
		      parcel->first >> bank->block_shift))
		return false;
	for (unsigned i = 0; i < FRAME_TRAYS; i++) {
		const struct frame_tray *tray = &bank->tray[i];
		const struct frame_parcel *other;

		for (other = tray->parcels; other < tray->end; other++)
			if (other != parcel && other->first == parcel->first &&
			    (other->mask & parcel->mask) != 0)
				return false;
	}
	return true;
}

static bool tray_is_good(const struct frame_bank *bank,
			 const struct frame_tray *tray)
{
	const struct frame_parcel *parcel;

	for (parcel = tray->parcels; parcel < tray->end; parcel++)
		if (!parcel_is_good(bank, parcel))
			return false;
	return tray->end < tray->limit;
}

bool frame_cache_audit(const struct frame_bank *bank)
{
	struct frame_parcel word = { bank->word_first, bank->word };

	if (!parcel_is_good(bank, &word) ||
	    !tray_is_good(bank, &bank->tray[FRAME_KEPT]) ||
	    !tray_is_good(bank, &bank->tray[FRAME_LEAVING]) ||
	    bank->block_count > bank->block_limit)
		return false;
	for (uint32_t i = 0; i < bank->block_count; i++)
		if (atomic_load_relaxed(
			    &bank->pool->block_owner[bank->blocks[i]]) !=
			    FRAME_BYTE_FREE ||
		    has_block(bank, i, bank->blocks[i]))
			return false;
	return true;
}
