// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Splits blocks and giants, merges them, and returns frames to them.
 *
 * "Allocated" is the absence of a bit, so split and merge have nothing to
 * count. A split clears the block's bit (the CPU that clears it owns all
 * frames), writes ones below and lists the block. A merge claims the eight
 * words of ones one by one, each by compare-and-swap, and sets the block's
 * bit; when a word is not all ones any more, the merge returns what it
 * claimed. A giant is to its blocks what a block is to its frames.
 *
 * Frames come from the fullest split block, so that many blocks stay whole.
 * Split blocks are sorted into classes by how many of their frames are free,
 * each class with its own summary. The counts are hints (plain 16-bit
 * numbers, changed by all CPUs without care): a wrong one costs a worse
 * choice, until a CPU counts the words. The tree `split` is authoritative: a
 * block with a bit set is in it. An empty block may stay in it until a CPU
 * searches the block in vain.
 *
 * Within a class, and among whole blocks, the highest address goes first:
 * so memory below 4 GiB, and below 1 MiB, is used last without zones.
 */
#include "block.h"
#include "report.h"

static unsigned class_of(uint64_t count)
{
	ASSERT(count != 0);
	return (unsigned)min_u64(63 - (uint64_t)__builtin_clzl(count),
				 FRAME_CLASSES - 1);
}

static bool in_a_class(uint16_t hint)
{
	return hint != 0 && hint < FRAME_HINT_HELD;
}

bool frame_has_class(const struct frame_pool *pool, uint64_t block)
{
	return in_a_class(atomic_load_relaxed(&pool->hints[block]));
}

bool frame_in_class(const struct frame_pool *pool, uint64_t block,
		    unsigned class)
{
	uint16_t hint = atomic_load_relaxed(&pool->hints[block]);

	return in_a_class(hint) && class_of(hint) == class;
}

static void class_enter(struct frame_pool *pool, uint64_t block, uint16_t hint)
{
	if (in_a_class(hint))
		frame_tree_list(pool, &pool->classes[class_of(hint)],
				block);
}

/* Wherever it is listed. */
static void class_leave(struct frame_pool *pool, uint64_t block)
{
	uint64_t root = atomic_load_relaxed(&pool->root) >> ROOT_CLASSES;

	for (; root != 0; root &= root - 1) {
		struct frame_tree *tree =
			&pool->classes[__builtin_ctzl(root)];

		if (frame_tree_has(tree, block))
			frame_tree_claim_one(pool, tree, block);
	}
}

void frame_set_hint(struct frame_pool *pool, uint64_t block, uint16_t hint)
{
	atomic_store_relaxed(&pool->hints[block], hint);
	class_enter(pool, block, hint);
}

void frame_sort(struct frame_pool *pool, uint64_t block)
{
	class_enter(pool, block, atomic_load_relaxed(&pool->hints[block]));
}

/*
 * `added` frames more in the block's words. It stays in the class in which
 * it is listed: the CPU that finds it there sorts it.
 */
static void hint_add(struct frame_pool *pool, uint64_t block, unsigned added)
{
	atomic_u16 *cell = &pool->hints[block];
	uint16_t old = atomic_load_relaxed(cell);
	uint64_t count = (old & FRAME_HINT_COUNT) + added;

	if (old >= FRAME_ABSENT)
		return;
	/* Merges count the words: a hint never says full. */
	count = min_u64(count, frames_per_block(pool) - 1);
	if (old == 0)
		frame_set_hint(pool, block, (uint16_t)count);
	else
		atomic_store_relaxed(cell, (uint16_t)(
			(old & FRAME_HINT_HELD) | count));
}

uint64_t frame_count_block(const struct frame_pool *pool, uint64_t block)
{
	const atomic_u64 *words = block_words(pool, block);
	uint64_t count = 0;

	for (uint64_t i = 0; i < words_per_block(pool); i++)
		count += count_ones(atomic_load_relaxed(&words[i]));
	return min_u64(count, frames_per_block(pool) - 1);
}

void frame_let_go_block(struct frame_pool *pool, uint64_t block)
{
	if (atomic_load_relaxed(&pool->hints[block]) < FRAME_ABSENT)
		frame_set_hint(pool, block,
			       (uint16_t)frame_count_block(pool, block));
}

/* --- split and merge -------------------------------------------------------*/

/*
 * Writes what is undefined until now, before the hint says that it is not.
 * Words as well: a caller that names a frame reads them without a list.
 */
static void init_words(struct frame_pool *pool, uint64_t block, uint8_t byte)
{
	atomic_u64 *words = block_words(pool, block);

	for (uint64_t i = 0; i < words_per_block(pool); i++)
		atomic_store_relaxed(&words[i], 0);
	memset(&pool->frame_owner[block << pool->shape.block_shift], byte,
	       frames_per_block(pool));
}

void frame_open_absent_block(struct frame_pool *pool, uint64_t block)
{
	frame_open_giant(pool, block >> pool->shape.giant_shift);
	if (atomic_load_relaxed(&pool->hints[block]) != FRAME_ABSENT)
		return;
	init_words(pool, block, FRAME_BYTE_FIXED | OWNER_RESERVED);
	atomic_store_release(&pool->hints[block], 0);
}

void frame_open_block(struct frame_pool *pool, uint64_t block,
		       uint64_t first_word)
{
	atomic_u64 *words = block_words(pool, block);
	uint64_t count = frames_per_block(pool) - FRAME_WORD_BITS +
			 count_ones(first_word);

	if (atomic_load_relaxed(&pool->hints[block]) == FRAME_UNINIT)
		init_words(pool, block, FRAME_BYTE_FREE);
	atomic_store_release(&pool->hints[block],
			     (uint16_t)(FRAME_HINT_HELD | count));
	/* Release: who takes a frame sees its owner's byte. */
	for (uint64_t i = 1; i < words_per_block(pool); i++)
		atomic_store_release(&words[i], ALL_ONES);
	atomic_store_release(&words[0], first_word);
	/*
	 * Without a load first: it may be listed still, and a CPU that found
	 * it empty is about to unlist it. That one must see the words.
	 */
	frame_tree_publish(pool, &pool->split, block >> 6,
			   1UL << (block & 63));		/* S5 */
}

bool frame_split_block(struct frame_pool *pool, cpu_slot slot,
		       uint64_t block)
{
	bool won;

	frame_enter(pool, slot);				/* S1 */
	won = frame_tree_claim_one(pool, &pool->blocks, block);	/* S2, S3 */
	if (won)
		frame_open_block(pool, block, ALL_ONES);	/* S4, S5 */
	frame_leave(pool, slot);				/* S6 */
	if (won)
		frame_let_go_block(pool, block);
	return won;
}

void frame_split_down(struct frame_pool *pool, cpu_slot slot,
		      uint64_t block)
{
	uint64_t giant = block >> pool->shape.giant_shift;

	/* Lost to another CPU: then that one has it, or some of it. */
	if (frame_tree_has(&pool->giants, giant))
		(void)frame_split_giant(pool, slot, giant);
	if (frame_block_is_free(pool, block))
		(void)frame_split_block(pool, slot, block);
}

bool frame_has_words(const struct frame_pool *pool, uint64_t block)
{
	uint16_t hint;

	if (frame_giant_state(pool, block) != FRAME_GIANT_OPEN)
		return false;
	/* Acquire: what is split has words that mean something. */
	hint = atomic_load_acquire(&pool->hints[block]);
	/* And what is half of one hint and half of another is neither. */
	return hint < FRAME_ABSENT || hint == FRAME_WHOLE;
}

/* A giant's blocks in the leaf words of a tree: `count` words, all `mask`. */
struct leaf {
	uint64_t word;
	uint64_t count;
	uint64_t mask;
};

static struct leaf leaf_of_giant(const struct frame_pool *pool, uint64_t giant)
{
	uint64_t blocks = blocks_per_giant(pool);
	uint64_t first = giant * blocks;

	if (blocks >= 64)
		return (struct leaf){ first >> 6, blocks >> 6, ALL_ONES };
	return (struct leaf){ first >> 6, 1,
			      ((1UL << blocks) - 1) << (first & 63) };
}

static void clear_leaf(struct frame_tree *tree, const struct leaf *leaf)
{
	for (uint64_t i = 0; i < leaf->count; i++)
		atomic_store_relaxed(&tree->level[0][leaf->word + i], 0);
}

/* The work that adding a giant puts off: most giants are never split. */
void frame_open_giant(struct frame_pool *pool, uint64_t giant)
{
	struct leaf leaf = leaf_of_giant(pool, giant);
	uint64_t block = giant << pool->shape.giant_shift;
	enum frame_giant state = frame_giant_state(pool, block);

	ASSERT(block < pool_blocks(pool));
	if (state == FRAME_GIANT_OPEN)
		return;
	memset(&pool->block_owner[block], FRAME_BYTE_FREE,
	       blocks_per_giant(pool));
	/* A CPU that sees a hint other than FRAME_ABSENT sees the owners. */
	atomic_fence_release();
	if (state == FRAME_GIANT_UNINIT)
		fill_hints(pool, block, blocks_per_giant(pool), FRAME_UNINIT);
	if (frame_opens_leaves(pool)) {
		clear_leaf(&pool->split, &leaf);
		clear_leaf(&pool->blocks, &leaf);
		for (unsigned i = 0; i < FRAME_CLASSES; i++)
			clear_leaf(&pool->classes[i], &leaf);
	}
	atomic_store_release(&pool->giant_state[giant], FRAME_GIANT_OPEN);
}

bool frame_break_giant(struct frame_pool *pool, uint64_t giant,
		       struct frame_blocks keep)
{
	struct leaf leaf = leaf_of_giant(pool, giant);

	ASSERT(keep.mask == 0 || (keep.word - leaf.word < leaf.count &&
				  (keep.mask & ~leaf.mask) == 0));
	if (!frame_tree_claim_one(pool, &pool->giants, giant))	/* S2, S3 */
		return false;
	frame_open_giant(pool, giant);
	for (uint64_t word = leaf.word; word < leaf.word + leaf.count; word++) {
		uint64_t kept = word == keep.word ? keep.mask : 0;

		frame_tree_publish(pool, &pool->blocks, word,	/* S4, S5 */
				   leaf.mask & ~kept);
	}
	return true;
}

bool frame_split_giant(struct frame_pool *pool, cpu_slot slot,
		       uint64_t giant)
{
	bool won;

	frame_enter(pool, slot);				/* S1 */
	won = frame_break_giant(pool, giant, (struct frame_blocks){ 0, 0 });
	frame_leave(pool, slot);				/* S6 */
	return won;
}

static bool giant_is_whole(const struct frame_pool *pool,
			   const struct leaf *leaf)
{
	for (uint64_t i = 0; i < leaf->count; i++) {
		const atomic_u64 *cell =
			&pool->blocks.level[0][leaf->word + i];

		if ((atomic_load_seq_cst(cell) & leaf->mask) != leaf->mask)
			return false;
	}
	return true;
}

/* True when it is one again. */
static bool close_giant(struct frame_pool *pool, cpu_slot slot,
			uint64_t giant, const struct leaf *leaf)
{
	uint64_t taken = 0;
	bool whole;

	frame_enter(pool, slot);				/* M2 */
	while (taken < leaf->count &&				/* M3 */
	       frame_tree_claim_all(pool, &pool->blocks, leaf->word + taken,
				    leaf->mask))
		taken++;
	whole = taken == leaf->count;
	if (whole) {
		frame_tree_publish(pool, &pool->giants, giant >> 6,
				   1UL << (giant & 63));	/* M6 */
	} else {
		while (taken-- > 0)				/* M4 */
			frame_tree_publish(pool, &pool->blocks,
					   leaf->word + taken, leaf->mask);
	}
	frame_leave(pool, slot);				/* M7 */
	return whole;
}

void frame_merge_giant(struct frame_pool *pool, cpu_slot slot, uint64_t giant)
{
	struct leaf leaf = leaf_of_giant(pool, giant);

	ASSERT(leaf.word + leaf.count <= (pool->blocks.size + 63) >> 6);
	for (unsigned tries = 0; tries < MERGE_TRIES; tries++) {
		if (!giant_is_whole(pool, &leaf))		/* M1 */
			return;
		if (close_giant(pool, slot, giant, &leaf))
			return;
	}
	frame_merge_later(pool);				/* M8 */
}

static bool block_is_whole(const struct frame_pool *pool,
			   const atomic_u64 *words)
{
	for (uint64_t i = 0; i < words_per_block(pool); i++)
		if (atomic_load_seq_cst(&words[i]) != ALL_ONES)
			return false;
	return true;
}

/* All words are zero and ours: the block is one again. */
static void publish_block(struct frame_pool *pool, uint64_t block)
{
	atomic_store_relaxed(&pool->hints[block], FRAME_WHOLE);
	class_leave(pool, block);
	frame_tree_claim_one(pool, &pool->split, block);	/* M5 */
	frame_tree_publish(pool, &pool->blocks, block >> 6,
			   1UL << (block & 63));		/* M6 */
}

/* True when it is one again. */
static bool close_block(struct frame_pool *pool, cpu_slot slot,
			uint64_t block)
{
	atomic_u64 *words = block_words(pool, block);
	uint64_t taken = 0, expected = ALL_ONES;
	bool whole;

	frame_enter(pool, slot);				/* M2 */
	while (taken < words_per_block(pool) &&			/* M3 */
	       atomic_compare_exchange_seq_cst(&words[taken], &expected, 0))
		taken++;
	whole = taken == words_per_block(pool);
	if (whole) {
		publish_block(pool, block);
	} else {
		while (taken-- > 0)				/* M4 */
			atomic_fetch_or_seq_cst(&words[taken], ALL_ONES);
		/* Another CPU may have unlisted it as empty meanwhile. */
		frame_tree_list(pool, &pool->split, block);
	}
	frame_leave(pool, slot);				/* M7 */
	return whole;
}

/*
 * A CPU that returns the last frame while a merge holds some words sees zeros
 * there, and starts no merge. So a merge that failed checks the words again,
 * and is left to an alloc in the end: see late.c.
 */
NOINLINE void frame_merge_block(struct frame_pool *pool, cpu_slot slot,
				uint64_t block)
{
	atomic_u64 *words = block_words(pool, block);

	ASSERT(block < pool_blocks(pool));
	for (unsigned tries = 0; tries < MERGE_TRIES; tries++) {
		if (!block_is_whole(pool, words))		/* M1 */
			return;
		if (!close_block(pool, slot, block))
			continue;
		frame_merge_giant(pool, slot,
				  block >> pool->shape.giant_shift);
		return;
	}
	frame_merge_later(pool);				/* M8 */
}

/* --- free ------------------------------------------------------------------*/

/*
 * The rare cases: the word was empty, so that the block may have left `split`;
 * the count is none, or too high to be true.
 */
NOINLINE static uint64_t return_slow(struct frame_pool *pool,
				     cpu_slot slot, uint64_t word,
				     uint64_t mask)
{
	uint64_t block = word >> (pool->shape.block_shift - FRAME_WORD_SHIFT);
	uint64_t old;

	/*
	 * A second copy may be flushed after the first made the block whole:
	 * then it is free although its bit is not set. As far as the hint
	 * says so: this is a net below the owner's byte.
	 */
	if (atomic_load_relaxed(&pool->hints[block]) >= FRAME_ABSENT)
		return mask;
	frame_enter(pool, slot);				/* F1 */
	old = atomic_fetch_or_seq_cst(&pool->bits[word], mask);	/* F2 */
	if (old == 0)
		frame_tree_list(pool, &pool->split, block);	/* F3 */
	frame_leave(pool, slot);				/* F4 */
	hint_add(pool, block, count_ones(mask));
	if ((old | mask) == ALL_ONES)
		frame_merge_block(pool, slot, block);
	return old & mask;
}

/* Fields that the compiler would read again after a locked instruction. */
struct pool_arrays {
	atomic_u64 *bits;
	atomic_u16 *hints;
	unsigned shift;		/* from words to blocks                      */
	unsigned too_many;	/* a bit that no count of frames has         */
};

static inline struct pool_arrays arrays_of(const struct frame_pool *pool)
{
	return (struct pool_arrays){
		pool->bits, pool->hints,
		pool->shape.block_shift - (unsigned)FRAME_WORD_SHIFT,
		1U << pool->shape.block_shift };
}

/* Between the two stores of `frees`; returns what was free already. */
static inline uint64_t return_word(struct frame_pool *pool, cpu_slot slot,
				   const struct pool_arrays arrays,
				   uint64_t word, uint64_t mask)
{
	atomic_u16 *hint = &arrays.hints[word >> arrays.shift];
	atomic_u64 *cell = &arrays.bits[word];
	uint64_t old = atomic_load_relaxed(cell);
	unsigned was = atomic_load_relaxed(hint), now = was + 1;

	if (!LIKELY((mask & (mask - 1)) == 0))
		now = was + count_ones(mask);
	if (!LIKELY(was - 1 < FRAME_ABSENT - 1) ||
	    !LIKELY((now & arrays.too_many) == 0))
		return return_slow(pool, slot, word, mask);
	do {
		if (!LIKELY(old != 0))
			return return_slow(pool, slot, word, mask);
	} while (!LIKELY(atomic_compare_exchange_seq_cst(cell, &old,
							 old | mask)));
	atomic_store_relaxed(hint, (uint16_t)now);
	if (!LIKELY((old | mask) != ALL_ONES))		/* F2 */
		frame_merge_block(pool, slot, word >> arrays.shift);
	return old & mask;
}

void frame_report_clash(struct frame_pool *pool, uint64_t first,
			uint64_t clash)
{
	for (; clash != 0; clash &= clash - 1) {
		pfn_t frame = { pool->first + first +
				(uint64_t)__builtin_ctzl(clash) };

		/* The free has returned: report it, without a caller. */
		frame_report_bad_free(pool, &(struct frame_bad_free){
			.kind = FRAME_FREED_AT_ONCE,
			.frame = frame,
		});
	}
}

void frame_return_words(struct frame_pool *pool, cpu_slot slot,
			const struct frame_word *words, uint64_t count)
{
	const struct frame_word *end = words + count;
	const struct pool_arrays arrays = arrays_of(pool);
	atomic_u64 *frees = &pool->activity[slot].frees;
	uint64_t before = atomic_load_relaxed(frees);

	ASSERT(before % 2 == 0);				/* F8 */
	/* All at once: locked instructions fetch one after the other. */
	for (const struct frame_word *next = words; next < end; next++)
		__builtin_prefetch(
			&arrays.bits[next->first >> FRAME_WORD_SHIFT], 1);
	atomic_store_relaxed(frees, before + 1);
	for (; words < end; words++) {
		uint64_t word = words->first >> FRAME_WORD_SHIFT;
		uint64_t clash = return_word(pool, slot, arrays, word,
					     words->mask);

		if (!LIKELY(clash == 0))
			frame_report_clash(pool, words->first, clash);
	}
	atomic_store_release(frees, before + 2);
}

uint64_t frame_return_word(struct frame_pool *pool, cpu_slot slot,
			   uint64_t word, uint64_t mask)
{
	atomic_u64 *frees = &pool->activity[slot].frees;
	uint64_t before = atomic_load_relaxed(frees), clash;

	ASSERT(before % 2 == 0);				/* F8 */
	atomic_store_relaxed(frees, before + 1);
	clash = return_word(pool, slot, arrays_of(pool), word, mask);
	atomic_store_release(frees, before + 2);
	return clash;
}

/* Blocks of several giants share a word in small shapes. */
static void merge_giants(struct frame_pool *pool, cpu_slot slot,
			 uint64_t word, uint64_t mask, uint64_t now)
{
	while (mask != 0) {
		uint64_t block = (word << 6) + (uint64_t)__builtin_ctzl(mask);
		uint64_t giant = block >> pool->shape.giant_shift;
		struct leaf leaf = leaf_of_giant(pool, giant);

		if ((now & leaf.mask) == leaf.mask)
			frame_merge_giant(pool, slot, giant);
		mask &= ~leaf.mask;
	}
}

uint64_t frame_return_blocks(struct frame_pool *pool, cpu_slot slot,
			     uint64_t word, uint64_t mask)
{
	atomic_u64 *cell = &pool->blocks.level[0][word];
	atomic_u64 *frees = &pool->activity[slot].frees;
	uint64_t count = atomic_load_relaxed(frees);
	uint64_t old = atomic_load_relaxed(cell);
	bool entered = false;

	ASSERT(mask != 0 && count % 2 == 0);			/* F8 */
	atomic_store_relaxed(frees, count + 1);
	do {							/* F2 */
		if (old == 0 && !entered) {
			frame_enter(pool, slot);		/* F1 */
			entered = true;
		}
	} while (!atomic_compare_exchange_seq_cst(cell, &old, old | mask));
	if (old == 0)
		frame_tree_list_word(pool, &pool->blocks, word); /* F3 */
	if (entered)
		frame_leave(pool, slot);			/* F4 */
	atomic_store_release(frees, count + 2);
	if (pool->shape.giant_shift < FRAME_WORD_SHIFT ||
	    (old | mask) == ALL_ONES)
		merge_giants(pool, slot, word, mask, old | mask);
	return old & mask;
}

uint64_t frame_return_giants(struct frame_pool *pool, cpu_slot slot,
			     uint64_t word, uint64_t mask)
{
	atomic_u64 *frees = &pool->activity[slot].frees;
	uint64_t count = atomic_load_relaxed(frees);
	uint64_t clash;

	ASSERT(mask != 0 && count % 2 == 0);			/* F8 */
	atomic_store_relaxed(frees, count + 1);
	frame_enter(pool, slot);				/* F1 */
	clash = frame_tree_publish(pool, &pool->giants, word,
				   mask);		/* F2, F3 */
	frame_leave(pool, slot);				/* F4 */
	atomic_store_release(frees, count + 2);
	return clash;
}

bool frame_return_giant(struct frame_pool *pool, cpu_slot slot,
			uint64_t giant)
{
	return frame_return_giants(pool, slot, giant >> 6,
				   1UL << (giant & 63)) == 0;
}
