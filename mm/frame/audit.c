// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Checks a pool and its caches at a quiet moment: F1 to F8 and C1 to C4.
 *
 * The frames of one block at a time are marked, in three bitmaps of 64 bytes:
 * free, owned, cached. A mark on a frame that has one already is a finding,
 * whichever two they are; so each pair of places is checked against each
 * other, without a check of its own. In the end each frame must have a mark.
 *
 * Only what means something is read: nothing below a giant that was never
 * split, no bits and bytes of a block that was never split.
 *
 * Reachability (F4) is checked from below, bit by bit and level by level: a
 * free frame has a bit above it, up to the root. In the trees of blocks and
 * giants each bit is memory, and so it is marked; in `split` it is a hint.
 */
#include "audit.h"

#include <base/assert.h>

#include "tree.h"

/* A block of at most 512 frames. */
#define BLOCK_WORDS_MAX	8

enum mark {
	MARK_FREE,
	MARK_OWNED,
	MARK_CACHED,
	MARKS,
};

/* The frames of one block, from relative frame `first` on. */
struct marks {
	uint64_t first;
	uint64_t words;
	uint64_t word[MARKS][BLOCK_WORDS_MAX];
};

static const enum frame_finding_kind clash[MARKS][MARKS] = {
	[MARK_FREE] = {
		[MARK_FREE] = FRAME_FOUND_FREE_TWICE,
		[MARK_OWNED] = FRAME_FOUND_FREE_WITH_OWNER,
		[MARK_CACHED] = FRAME_FOUND_FREE_AND_CACHED,
	},
	[MARK_OWNED] = {
		[MARK_FREE] = FRAME_FOUND_FREE_WITH_OWNER,
		[MARK_OWNED] = FRAME_FOUND_ALLOCATED_TWICE,
		[MARK_CACHED] = FRAME_FOUND_CACHED_WITH_OWNER,
	},
	[MARK_CACHED] = {
		[MARK_FREE] = FRAME_FOUND_FREE_AND_CACHED,
		[MARK_OWNED] = FRAME_FOUND_CACHED_WITH_OWNER,
		[MARK_CACHED] = FRAME_FOUND_CACHED_TWICE,
	},
};

/* --- marks -----------------------------------------------------------------*/

static uint64_t frame_at(const struct marks *marks, uint64_t word,
			 uint64_t mask)
{
	ASSERT(mask != 0);
	return marks->first + word * FRAME_WORD_BITS +
	       (uint64_t)__builtin_ctzl(mask);
}

static bool mark_word(struct audit *audit, struct marks *marks, enum mark mark,
		      uint64_t word, uint64_t mask)
{
	ASSERT(word < marks->words);
	for (enum mark other = 0; other < MARKS; other++) {
		uint64_t twice = marks->word[other][word] & mask;

		if (twice != 0)
			return frame_found(audit, clash[mark][other],
					   frame_at(marks, word, twice));
	}
	marks->word[mark][word] |= mask;
	return true;
}

static bool mark_all(struct audit *audit, struct marks *marks, enum mark mark)
{
	for (uint64_t i = 0; i < marks->words; i++)
		if (!mark_word(audit, marks, mark, i, ALL_ONES))
			return false;
	return true;
}

/* A block or a giant, by its bit and its owner's byte. */
static bool mark_whole(struct audit *audit, struct marks *marks, bool bit,
		       uint8_t byte)
{
	if (byte != FRAME_BYTE_FREE && !owner_is_allocated(byte))
		return frame_found(audit, FRAME_FOUND_BAD_BYTE, marks->first);
	return (!bit || mark_all(audit, marks, MARK_FREE)) &&
	       (byte == FRAME_BYTE_FREE || mark_all(audit, marks, MARK_OWNED));
}

static bool mark_cached(struct audit *audit, struct marks *marks)
{
	uint64_t end = marks->first + marks->words * FRAME_WORD_BITS;
	const struct frame_cached *cached;

	while ((cached = frame_cached_next(audit, end)) != NULL) {
		uint64_t word = (cached->first - marks->first) >>
				FRAME_WORD_SHIFT;

		/* Frames below were marked with the blocks before. */
		ASSERT(cached->first >= marks->first);
		if (cached->size == FRAME_2M ?
			    !mark_all(audit, marks, MARK_CACHED) :
			    !mark_word(audit, marks, MARK_CACHED, word,
				       cached->mask))
			return false;
	}
	return true;
}

/* Bit n: byte n of eight is `value`. */
static uint64_t bytes_of_group(uint64_t group, uint8_t value)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7f, ones = 0x0101010101010101;
	uint64_t differs = group ^ value * ones;

	/* The top bit of each byte that is not 0; then of those that are. */
	differs |= (differs & low) + low;
	/* Byte n's lowest bit moves to bit 56 + n, and nothing else there. */
	return ((~differs >> 7 & ones) * 0x0102040810204080) >> 56;
}

/* Bit n: byte n of the word's frames is `value`. */
static uint64_t bytes_that_are(atomic_u8 *bytes, uint8_t value)
{
	uint64_t mask = 0;

	_Static_assert(FRAME_WORD_BITS % 8 == 0, "a word is whole groups");
	for (unsigned i = 0; i < FRAME_WORD_BITS; i += 8)
		mask |= bytes_of_group(atomic_load_relaxed(atomic_u8_group_at(
					       &bytes[i])), value) << i;
	return mask;
}

/* A block that is split, or whole and was split before. */
static bool mark_frames(struct audit *audit, struct marks *marks)
{
	for (uint64_t i = 0; i < marks->words; i++) {
		uint64_t frame = marks->first + i * FRAME_WORD_BITS;
		atomic_u8 *bytes = &audit->pool->frame_owner[frame];
		uint64_t bits = atomic_load_relaxed(
			&audit->pool->bits[word_index(frame)]);
		uint64_t bad = bytes_that_are(bytes, FRAME_BYTE_FIXED);

		if (bad != 0)
			return frame_found(audit, FRAME_FOUND_BAD_BYTE,
					   frame_at(marks, i, bad));
		if (!mark_word(audit, marks, MARK_FREE, i, bits) ||
		    !mark_word(audit, marks, MARK_OWNED, i,
			       ~bytes_that_are(bytes, FRAME_BYTE_FREE)))
			return false;
	}
	return true;
}

/* The marks of any kind. */
static uint64_t any_at(const struct marks *marks, uint64_t word)
{
	return marks->word[MARK_FREE][word] | marks->word[MARK_OWNED][word] |
	       marks->word[MARK_CACHED][word];
}

static bool has_all(struct audit *audit, const struct marks *marks)
{
	for (uint64_t i = 0; i < marks->words; i++)
		if (any_at(marks, i) != ALL_ONES)
			return frame_found(audit, FRAME_FOUND_LOST,
					   frame_at(marks, i,
						    ~any_at(marks, i)));
	return true;
}

static bool has_none(struct audit *audit, const struct marks *marks)
{
	for (uint64_t i = 0; i < marks->words; i++)
		if (any_at(marks, i) != 0)
			return frame_found(audit, FRAME_FOUND_OUTSIDE,
					   frame_at(marks, i,
						    any_at(marks, i)));
	return true;
}

/* --- a block ---------------------------------------------------------------*/

/* Bit and byte of the giant that the block is in. */
struct above {
	bool bit;
	uint8_t byte;
};

static struct marks marks_of(const struct frame_pool *pool, uint64_t block)
{
	struct marks marks = {
		.first = block << pool->shape.block_shift,
		.words = words_per_block(pool),
	};

	ASSERT(marks.words <= BLOCK_WORDS_MAX);
	return marks;
}

/* F3, F4: of a block that has words; where it is whole, they are 0. */
static bool words_are_good(struct audit *audit, uint64_t block)
{
	const struct frame_pool *pool = audit->pool;
	const atomic_u64 *words = block_words(pool, block);
	uint64_t all = ALL_ONES, any = 0;

	for (uint64_t i = 0; i < words_per_block(pool); i++) {
		all &= atomic_load_relaxed(&words[i]);
		any |= atomic_load_relaxed(&words[i]);
	}
	if (all == ALL_ONES && !frame_has_late(pool))
		return frame_found(audit, FRAME_FOUND_NOT_MERGED,
				   block << pool->shape.block_shift);
	if (any != 0 && !frame_tree_has(&pool->split, block))
		return frame_found(audit, FRAME_FOUND_NOT_LISTED,
				   block << pool->shape.block_shift);
	return true;
}

/* Of a giant that is open. */
static bool block_is_good(struct audit *audit, uint64_t block,
			  const struct above *above)
{
	const struct frame_pool *pool = audit->pool;
	uint16_t hint = atomic_load_relaxed(&pool->hints[block]);
	bool bit = frame_tree_has(&pool->blocks, block);
	uint8_t byte = atomic_load_relaxed(&pool->block_owner[block]);
	struct marks marks = marks_of(pool, block);

	if (!mark_whole(audit, &marks, above->bit, above->byte) ||
	    !mark_whole(audit, &marks, bit, byte) ||
	    !mark_cached(audit, &marks))
		return false;
	if (hint == FRAME_ABSENT)
		return has_none(audit, &marks);
	if (hint != FRAME_UNINIT && !mark_frames(audit, &marks))
		return false;
	return has_all(audit, &marks) &&
	       (hint == FRAME_UNINIT || words_are_good(audit, block));
}

/* --- a giant ---------------------------------------------------------------*/

static uint64_t first_of(const struct frame_cached *cached)
{
	return cached->size == FRAME_2M ? cached->first :
		cached->first + (uint64_t)__builtin_ctzl(cached->mask);
}

static bool cached_in_closed(struct audit *audit,
			     const struct frame_cached *cached,
			     const struct above *above)
{
	uint64_t frame = first_of(cached);

	if (above->bit)
		return frame_found(audit, FRAME_FOUND_FREE_AND_CACHED, frame);
	if (above->byte != FRAME_BYTE_FREE)
		return frame_found(audit, FRAME_FOUND_CACHED_WITH_OWNER,
				   frame);
	return frame_found(audit, FRAME_FOUND_OUTSIDE, frame);
}

/* Below it nothing is written, so that its own bit and byte say it all. */
static bool closed_is_good(struct audit *audit, uint64_t giant,
			   const struct above *above)
{
	const struct frame_pool *pool = audit->pool;
	uint64_t block = giant << pool->shape.giant_shift;
	uint64_t end = block + blocks_per_giant(pool);
	struct marks marks = marks_of(pool, block);
	const struct frame_cached *cached;

	if (!mark_whole(audit, &marks, above->bit, above->byte))
		return false;
	cached = frame_cached_next(audit, end << pool->shape.block_shift);
	if (cached != NULL)
		return cached_in_closed(audit, cached, above);
	for (uint64_t i = block; i < end; i++)
		if (atomic_load_relaxed(&pool->hints[i]) != FRAME_ABSENT)
			return frame_found(audit, FRAME_FOUND_BAD_HINT,
					   i << pool->shape.block_shift);
	return frame_giant_state(pool, block) == FRAME_GIANT_ABSENT ?
		       has_none(audit, &marks) : has_all(audit, &marks);
}

/* F3: some block of it is not free. */
static bool open_is_good(struct audit *audit, uint64_t giant,
			 const struct above *above)
{
	const struct frame_pool *pool = audit->pool;
	uint64_t first = giant << pool->shape.giant_shift, free = 0;

	for (uint64_t i = 0; i < blocks_per_giant(pool); i++) {
		free += frame_tree_has(&pool->blocks, first + i);
		if (!block_is_good(audit, first + i, above))
			return false;
	}
	if (free == blocks_per_giant(pool) && !frame_has_late(pool))
		return frame_found(audit, FRAME_FOUND_NOT_MERGED,
				   first << pool->shape.block_shift);
	return true;
}

static bool giant_is_good(struct audit *audit, uint64_t giant)
{
	const struct frame_pool *pool = audit->pool;
	struct above above = {
		.bit = frame_tree_has(&pool->giants, giant),
		.byte = atomic_load_relaxed(&pool->giant_owner[giant]),
	};

	return frame_giant_state(pool, giant << pool->shape.giant_shift) ==
			       FRAME_GIANT_OPEN ?
		       open_is_good(audit, giant, &above) :
		       closed_is_good(audit, giant, &above);
}

/* --- trees -----------------------------------------------------------------*/

/* The leaf words of blocks, but where their giant was never opened. */
static bool leaf_is_defined(const struct frame_pool *pool,
			    const struct frame_tree *tree, uint64_t word)
{
	return tree == &pool->giants || !frame_opens_leaves(pool) ||
	       frame_giant_state(pool, word << 6) == FRAME_GIANT_OPEN;
}

/* Whether the bit above says what word `index` of the level is. */
static bool word_is_listed(const struct frame_pool *pool,
			   const struct frame_tree *tree, unsigned level,
			   uint64_t index)
{
	bool is_top = level + 1 == tree->levels;
	const atomic_u64 *above = is_top ? &pool->root :
		&tree->level[level + 1][word_index(index)];
	unsigned bit = is_top ? tree->root_bit : word_bit(index);

	return (atomic_load_relaxed(&tree->level[level][index]) != 0) ==
	       (atomic_load_relaxed(above) >> bit & 1);
}

/* F4: `unit_shift` is from what a bit of the tree stands for to frames. */
static bool tree_is_good(struct audit *audit, const struct frame_tree *tree,
			 unsigned unit_shift)
{
	const struct frame_pool *pool = audit->pool;
	uint64_t words = tree->size;
	unsigned shift = unit_shift;

	for (unsigned level = 0; level < tree->levels; level++) {
		words = (words + 63) >> FRAME_WORD_SHIFT;
		shift += FRAME_WORD_SHIFT;
		for (uint64_t i = 0; i < words; i++)
			if ((level > 0 || leaf_is_defined(pool, tree, i)) &&
			    !word_is_listed(pool, tree, level, i))
				return frame_found(audit,
						   FRAME_FOUND_NOT_LISTED,
						   i << shift);
	}
	return true;
}

static bool trees_are_good(struct audit *audit)
{
	const struct frame_pool *pool = audit->pool;
	unsigned block = pool->shape.block_shift;

	return tree_is_good(audit, &pool->split, block) &&
	       tree_is_good(audit, &pool->blocks, block) &&
	       tree_is_good(audit, &pool->giants,
			    block + pool->shape.giant_shift);
}

/* --- the whole -------------------------------------------------------------*/

/* F8 */
static bool steps_are_good(struct audit *audit)
{
	for (unsigned slot = 0; slot < audit->pool->slots; slot++) {
		const struct frame_activity *activity =
			&audit->pool->activity[slot];

		if ((atomic_load_relaxed(&activity->moving) |
		     atomic_load_relaxed(&activity->frees) |
		     atomic_load_relaxed(&activity->claiming)) & 1)
			return frame_found_slot(audit, FRAME_FOUND_ODD_STEP,
						slot);
	}
	return true;
}

static bool caches_are_good(struct audit *audit)
{
	const struct frame_audit_request *request = audit->request;

	for (unsigned slot = 0; slot < request->slots; slot++) {
		const struct frame_cache *cache = &request->caches[slot];
		enum frame_finding_kind kind;

		if (cache->pool != audit->pool)
			continue;
		kind = frame_check_cache(cache);
		if (kind != FRAME_FOUND_NOTHING)
			return frame_found_slot(audit, kind, slot);
	}
	return true;
}

bool frame_audit(const struct frame_audit_request *request,
		 struct frame_finding *out)
{
	const struct frame_pool *pool = request->pool;
	struct audit audit = { .request = request, .pool = pool, .out = out };
	const struct frame_cached *cached;

	ASSERT(request->slots == 0 || request->window_length > 0);
	*out = (struct frame_finding){ .kind = FRAME_FOUND_NOTHING };
	/* Steps first: what is on its way is in no place. */
	if (!steps_are_good(&audit) || !caches_are_good(&audit) ||
	    !trees_are_good(&audit))
		return false;
	for (uint64_t giant = 0;
	     giant < pool_blocks(pool) >> pool->shape.giant_shift; giant++)
		if (!giant_is_good(&audit, giant))
			return false;
	cached = frame_cached_next(&audit, UINT64_MAX);
	return cached == NULL ||
	       frame_found(&audit, FRAME_FOUND_OUTSIDE, first_of(cached));
}

bool frame_pool_audit(const struct frame_pool *pool)
{
	struct frame_finding finding;

	return frame_audit(&(struct frame_audit_request){ .pool = pool },
			   &finding);
}
