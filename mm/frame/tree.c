// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Summaries: a bit for each thing, and a bit above for each word of bits.
 *
 * The root is authoritative: what is not reachable from it does not count
 * as free. A change of a word to or from zero goes upward, bit by bit, and
 * until it has arrived the word is out of sight, or in sight though empty.
 * Both lie between frame_enter and frame_leave, so no refusal rests on it.
 *
 * "Change mine, look at the one above" against "change the one above, look
 * at mine" is Dekker's pattern, in both directions: every access here is
 * sequentially consistent, since with less both sides could miss each other.
 * A CPU that did not check again would leave a bit above an empty word for
 * ever, and then no request could ever be refused.
 */
#include "tree.h"

#include <base/string.h>

uint64_t frame_tree_words(uint64_t size)
{
	uint64_t words = 0;

	ASSERT(size != 0);
	do {
		size = (size + 63) >> 6;
		words += size;
	} while (size > 1);
	return words;
}

atomic_u64 *frame_tree_init(struct frame_tree *tree, uint64_t size,
			    uint8_t root_bit, enum frame_leaves leaves,
			    atomic_u64 *memory)
{
	tree->size = size;
	tree->root_bit = root_bit;
	tree->levels = 0;
	do {
		ASSERT(tree->levels < FRAME_TREE_LEVELS);
		size = (size + 63) >> 6;
		tree->level[tree->levels++] = memory;
		if (tree->levels > 1 || size == 1 ||
		    leaves == FRAME_LEAVES_EMPTY)
			memset(memory, 0, size * sizeof(*memory));
		memory += size;
	} while (size > 1);
	return memory;
}

static atomic_u64 *parent_cell(struct frame_pool *pool,
			       struct frame_tree *tree, unsigned level,
			       uint64_t index)
{
	return level < tree->levels ? &tree->level[level][index >> 6] :
				      &pool->root;
}

static uint64_t parent_bit(const struct frame_tree *tree, unsigned level,
			   uint64_t index)
{
	return 1UL << (level < tree->levels ? index & 63 : tree->root_bit);
}

/*
 * Word `index` of the level below `level` has become zero, or not zero: its
 * bit above is made to agree, and so on upward. The word is looked at again
 * after the bit is changed: between look and change another CPU may have
 * turned it over, found the bit as it should be then, and gone.
 */
static void agree_above(struct frame_pool *pool, struct frame_tree *tree,
		   unsigned level, uint64_t index)
{
	for (; level <= tree->levels; level++, index >>= 6) {
		atomic_u64 *word = &tree->level[level - 1][index];
		atomic_u64 *cell = parent_cell(pool, tree, level, index);
		uint64_t bit = parent_bit(tree, level, index);
		bool turned = false, any = atomic_load_seq_cst(word) != 0;

		while (any != ((atomic_load_seq_cst(cell) & bit) != 0)) {
			uint64_t old = any ?
				atomic_fetch_or_seq_cst(cell, bit) :
				atomic_fetch_and_seq_cst(cell, ~bit);

			turned |= (old & ~bit) == 0;
			any = atomic_load_seq_cst(word) != 0;
		}
		if (!turned)
			return;
	}
}

uint64_t frame_tree_publish(struct frame_pool *pool, struct frame_tree *tree,
			    uint64_t word, uint64_t mask)
{
	uint64_t old = atomic_fetch_or_seq_cst(&tree->level[0][word], mask);

	if (old == 0)
		agree_above(pool, tree, 1, word);
	return old & mask;
}

void frame_tree_list(struct frame_pool *pool, struct frame_tree *tree,
		     uint64_t index)
{
	uint64_t bit = 1UL << (index & 63);
	atomic_u64 *cell = &tree->level[0][index >> 6];

	ASSERT(index < tree->size);
	if (!(atomic_load_seq_cst(cell) & bit) &&
	    atomic_fetch_or_seq_cst(cell, bit) == 0)
		agree_above(pool, tree, 1, index >> 6);
}

void frame_tree_list_word(struct frame_pool *pool, struct frame_tree *tree,
			  uint64_t word)
{
	agree_above(pool, tree, 1, word);
}

uint64_t frame_tree_claim(struct frame_pool *pool, struct frame_tree *tree,
			  uint64_t word, uint64_t mask)
{
	uint64_t old = atomic_fetch_and_seq_cst(&tree->level[0][word], ~mask);

	if ((old & mask) != 0 && (old & ~mask) == 0)
		agree_above(pool, tree, 1, word);
	return old & mask;
}

bool frame_tree_claim_all(struct frame_pool *pool, struct frame_tree *tree,
			  uint64_t word, uint64_t mask)
{
	atomic_u64 *cell = &tree->level[0][word];
	uint64_t old = atomic_load_relaxed(cell);

	do {
		if ((old & mask) != mask)
			return false;
	} while (!atomic_compare_exchange_seq_cst(cell, &old, old & ~mask));
	if (old == mask)
		agree_above(pool, tree, 1, word);
	return true;
}

static bool leaf_is_listed(const struct frame_tree *tree, uint64_t word)
{
	return tree->levels == 1 ||
	       (atomic_load_acquire(&tree->level[1][word >> 6]) >>
		(word & 63) & 1);
}

/*
 * Looks in the word that holds `end`, then in the words of ever higher
 * levels, and comes down again where it finds a bit. A word that emptied
 * on the way down is passed over.
 */
bool frame_tree_find(const struct frame_tree *tree, uint64_t end,
		     uint64_t *out)
{
	unsigned level = 0;
	uint64_t below = end < tree->size ? end : tree->size;

	/* A leaf with no bit above it may be undefined. */
	if (below != 0 && !leaf_is_listed(tree, (below - 1) >> 6)) {
		below = (below - 1) >> 6;
		level = 1;
	}

	while (below != 0) {
		uint64_t word = (below - 1) >> 6;
		uint64_t bits = atomic_load_acquire(&tree->level[level][word]);

		bits &= ALL_ONES >> (63 - ((below - 1) & 63));
		if (bits == 0) {
			below = word;
			if (++level == tree->levels)
				return false;
			continue;
		}
		below = (word << 6) + 63 - (uint64_t)__builtin_clzl(bits);
		if (level == 0) {
			ASSERT(below < tree->size);
			*out = below;
			return true;
		}
		level--;
		below = (below + 1) << 6;
		if (level == 0 && below > tree->size)
			below = tree->size;
	}
	return false;
}
