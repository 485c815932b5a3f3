// SPDX-License-Identifier: MIT OR Apache-2.0
/* What banks hold, and whether it is as it should be: C1 to C3. */
#include <mm/frame_cache.h>

#include "internal.h"

uint64_t frame_list_frames(const struct frame_list *list)
{
	const struct frame_word *word;
	uint64_t frames = 0;

	for (word = list->words; word < list->end; word++)
		frames += count_ones(word->mask);
	return frames;
}

uint64_t frame_cache_held(const struct frame_bank *bank)
{
	return count_ones(bank->word) +
	       frame_list_frames(&bank->list[FRAME_HOT]) +
	       frame_list_frames(&bank->list[FRAME_COLD]) +
	       ((uint64_t)bank->block_count << bank->block_shift);
}

uint64_t frame_cache_limit(const struct frame_bank *bank)
{
	uint64_t most = bank->word_takes_back ? FRAME_WORD_BITS :
						bank->word_most;

	for (unsigned i = 0; i < FRAME_LISTS; i++) {
		const struct frame_list *list = &bank->list[i];

		most += FRAME_WORD_BITS *
			(uint64_t)(list->limit - list->words - 1);
	}
	return most;
}

uint64_t frame_cache_hits(const struct frame_bank *bank)
{
	int64_t allocated = bank->brought - count_ones(bank->word) -
		       (int64_t)frame_list_frames(&bank->list[FRAME_HOT]) -
		       bank->block_count;

	return allocated > bank->refills ? (uint64_t)allocated - bank->refills :
					   0;
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
static bool word_is_good(const struct frame_bank *bank,
			 const struct frame_word *word)
{
	for (uint64_t rest = word->mask; rest != 0; rest &= rest - 1)
		if (atomic_load_relaxed(
			    &bank->owner[word->first +
					 (uint64_t)__builtin_ctzl(rest)]) !=
		    FRAME_BYTE_FREE)
			return false;
	if (word->mask != 0 &&
	    has_block(bank, bank->block_count,
		      word->first >> bank->block_shift))
		return false;
	for (unsigned i = 0; i < FRAME_LISTS; i++) {
		const struct frame_list *list = &bank->list[i];
		const struct frame_word *other;

		for (other = list->words; other < list->end; other++)
			if (other != word && other->first == word->first &&
			    (other->mask & word->mask) != 0)
				return false;
	}
	return true;
}

static bool list_is_good(const struct frame_bank *bank,
			 const struct frame_list *list)
{
	const struct frame_word *word;

	for (word = list->words; word < list->end; word++)
		if (!word_is_good(bank, word))
			return false;
	return list->end < list->limit;
}

bool frame_cache_audit(const struct frame_bank *bank)
{
	struct frame_word word = { bank->word_first, bank->word };

	if (!word_is_good(bank, &word) ||
	    !list_is_good(bank, &bank->list[FRAME_HOT]) ||
	    !list_is_good(bank, &bank->list[FRAME_COLD]) ||
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
