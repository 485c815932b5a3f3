// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Which block to take from, and when to say that there is none.
 *
 * A refusal rests on one load: `root` has a bit for each tree, and what is
 * free is reachable from it, but for what a CPU is moving between enter and
 * leave. So to load all slots, the root, and the slots again shows an
 * instant at which there was nothing, if no slot was odd and none changed.
 * Without that, two CPUs that split and merge one block refuse each other
 * frames that are there (the model finds it in 60 steps).
 *
 * A search tries again when another CPU was faster, SEARCH_TRIES times at
 * most. Each of these tries stands between enter and leave, or within a
 * claim, of the searching CPU itself. So a search that ended there has
 * changed the sum of the slots, and no refusal rests on it.
 */
#include "search.h"

/* Blocks of one class that are compared, to take the densest. */
#define CANDIDATES 4
/* Blocks of one class that one call sorts. */
#define SORTED_MOST 4

/* --- take ------------------------------------------------------------------*/

void frame_zones(const struct frame_pool *pool, enum frame_limit limit,
		 struct frame_zone zones[FRAME_ZONES])
{
	uint64_t end = pool_blocks(pool), frame_end = pool->frames;
	uint64_t low = pool->low_end;
	uint64_t first_block = pool->first == 0;

	ASSERT(limit <= FRAME_BELOW_1M);
	if (limit == FRAME_BELOW_1M && pool->first != 0)
		frame_end = 0;
	else if (limit == FRAME_BELOW_1M)
		frame_end = MIB >> PAGE_SHIFT;
	else if (limit == FRAME_BELOW_4G)
		frame_end = low;
	frame_end = min_u64(frame_end, pool->frames);
	end = (frame_end + frames_per_block(pool) - 1) >>
	      pool->shape.block_shift;
	low >>= pool->shape.block_shift;
	zones[0] = (struct frame_zone){ low, end, frame_end };
	zones[1] = (struct frame_zone){ first_block, end, frame_end };
	zones[2] = (struct frame_zone){ 0, end, frame_end };
}

/* U: all words were zero a moment ago. */
static void unlist(struct frame_pool *pool, cpu_slot slot, uint64_t block)
{
	atomic_u64 *words = block_words(pool, block);

	if (!frame_tree_has(&pool->split, block))
		return;
	frame_enter(pool, slot);				/* U1 */
	frame_tree_claim_one(pool, &pool->split, block);	/* U2 */
	for (uint64_t i = 0; i < words_per_block(pool); i++) {	/* U3 */
		if (atomic_load_seq_cst(&words[i]) != 0) {
			frame_tree_list(pool, &pool->split, block);
			break;
		}
	}
	frame_leave(pool, slot);				/* U4 */
	if (atomic_load_relaxed(&pool->hints[block]) < FRAME_ABSENT)
		frame_set_hint(pool, block,
			       (uint16_t)frame_count_block(pool, block));
}

/* The lowest `most` ones of `word`. */
static uint64_t lowest_ones(uint64_t word, unsigned most)
{
	uint64_t rest = word;

	while (rest != 0 && most-- > 0)
		rest &= rest - 1;
	return word & ~rest;
}

/* The highest `most` ones of `word`: mostly in a row. */
static uint64_t highest_ones(uint64_t word, unsigned most)
{
	/* Bit 0 for an empty word: other CPUs may have been faster. */
	unsigned end = FRAME_WORD_BITS - (unsigned)__builtin_clzl(word | 1);
	uint64_t row = end > most ? word & ALL_ONES << (end - most) : word;

	if (row == word || count_ones(row) == most)
		return row;
	for (unsigned count = count_ones(word); count > most; count--)
		word &= word - 1;
	return word;
}

static uint64_t claim_bits(atomic_u64 *cell, unsigned most)
{
	uint64_t old, some;

	if (most >= FRAME_WORD_BITS)
		return atomic_exchange_seq_cst(cell, 0);
	old = atomic_load_acquire(cell);
	do {
		some = lowest_ones(old, most);
	} while (!atomic_compare_exchange_seq_cst(cell, &old, old & ~some));
	return some;
}

/* T1, T2. */
static uint64_t claim_from(struct frame_pool *pool, struct frame_claim *claim,
			   uint64_t block, uint64_t frame_end)
{
	atomic_u64 *words = block_words(pool, block);
	uint64_t word = block * words_per_block(pool);
	uint64_t end = min_u64(words_per_block(pool),
			       (frame_end >> FRAME_WORD_SHIFT) - word);

	/* Else the difference would have wrapped. */
	ASSERT(frame_end >> FRAME_WORD_SHIFT >= word);
	for (uint64_t i = 0; i < end; i++) {
		atomic_u16 *hint = &pool->hints[block];
		uint16_t old;
		uint64_t mask, count;

		if (atomic_load_relaxed(&words[i]) == 0)
			continue;
		mask = claim_bits(&words[i], claim->most);
		if (mask == 0)
			continue;
		old = atomic_load_relaxed(hint);
		count = count_ones(mask);
		if (old & FRAME_HINT_HELD && old < FRAME_ABSENT &&
		    (old & FRAME_HINT_COUNT) >= count)
			atomic_store_relaxed(hint, (uint16_t)(old - count));
		claim->block = block;
		claim->word = word + i;
		return mask;
	}
	return 0;
}

/* The densest of a few in the word of `block`; they stay below it. */
static uint64_t best_near(const struct frame_pool *pool,
			  const struct frame_tree *tree, uint64_t block,
			  uint64_t floor)
{
	uint64_t base = block & ~63UL;
	uint64_t bits = atomic_load_relaxed(&tree->level[0][block >> 6]);
	uint64_t best = block;
	uint16_t least = atomic_load_relaxed(&pool->hints[block]);

	bits &= (1UL << (block & 63)) - 1;
	for (unsigned tries = 1; tries < CANDIDATES && bits != 0; tries++) {
		unsigned bit = 63 - (unsigned)__builtin_clzl(bits);
		uint16_t hint = atomic_load_relaxed(&pool->hints[base + bit]);

		bits &= ~(1UL << bit);
		if (base + bit < floor || hint >= least || hint == 0)
			continue;
		best = base + bit;
		least = hint;
	}
	ASSERT(best >= floor && best <= block);
	return best;
}

static void hold(struct frame_pool *pool, uint64_t block)
{
	uint16_t hint = atomic_load_relaxed(&pool->hints[block]);

	if (hint < FRAME_HINT_HELD)
		frame_set_hint(pool, block, (uint16_t)(FRAME_HINT_HELD | hint));
}

/*
 * One of the class, off its list. Frees do not sort: what is found here but
 * belongs elsewhere is listed there now, and what is whole or empty nowhere.
 * Some of them at a time; then a sparser block will have to do.
 */
static bool choose_in_class(struct frame_pool *pool, unsigned class,
			    const struct frame_zone *zone, uint64_t *out)
{
	struct frame_tree *tree = &pool->classes[class];

	for (unsigned sorted = 0; frame_tree_find(tree, zone->end, out) &&
				  *out >= zone->floor; sorted++) {
		*out = best_near(pool, tree, *out, zone->floor);
		frame_tree_claim_one(pool, tree, *out);
		if (frame_in_class(pool, *out, class) ||
		    (sorted >= SORTED_MOST && frame_has_class(pool, *out)))
			return true;
		frame_sort(pool, *out);
	}
	return false;
}

/* The class trees first, then the one that counts. */
static bool choose_block(struct frame_pool *pool, const struct frame_zone *zone,
			 uint64_t *out)
{
	uint64_t root = atomic_load_relaxed(&pool->root) >> ROOT_CLASSES;

	for (; root != 0; root &= root - 1)
		if (choose_in_class(pool, (unsigned)__builtin_ctzl(root), zone,
				    out))
			return true;
	return frame_tree_find(&pool->split, zone->end, out) &&
	       *out >= zone->floor;
}

/* The highest free block of a zone, or the last one in a free giant. */
struct whole {
	uint64_t block;
	bool in_giant;
};

static bool find_whole(const struct frame_pool *pool,
		       const struct frame_zone *zone, struct whole *out)
{
	uint64_t blocks = blocks_per_giant(pool), giant;
	/* A limit inside a giant: the giant must be broken as well. */
	uint64_t end = (zone->end + blocks - 1) >> pool->shape.giant_shift;

	out->in_giant = false;
	if (frame_tree_find(&pool->blocks, zone->end, &out->block) &&
	    out->block >= zone->floor)
		return true;
	out->in_giant = true;
	if (!frame_tree_find(&pool->giants, end, &giant))
		return false;
	out->block = min_u64((giant + 1) * blocks, zone->end) - 1;
	return out->block >= zone->floor;
}

/* It, and up to `most` of the zone below it in its word of the tree. */
static uint64_t blocks_near(const struct frame_pool *pool,
			    const struct frame_zone *zone,
			    struct whole found, unsigned most)
{
	uint64_t word = found.block >> 6, floor = zone->floor;
	uint64_t mask = ALL_ONES >> (63 - (found.block & 63));

	ASSERT(found.block >= zone->floor && found.block < zone->end);
	if (found.in_giant)
		floor = max_u64(floor, align_down(found.block,
						  blocks_per_giant(pool)));
	else
		mask &= atomic_load_relaxed(&pool->blocks.level[0][word]);
	if (floor >> 6 == word)
		mask &= ALL_ONES << (floor & 63);
	return highest_ones(mask, most);
}

/* S2, S3; none when another CPU was faster. Inside enter and leave. */
static uint64_t claim_whole(struct frame_pool *pool, struct whole found,
			    uint64_t mask)
{
	struct frame_blocks blocks = { found.block >> 6, mask };

	if (!found.in_giant)
		return frame_tree_claim(pool, &pool->blocks, blocks.word,
					mask);
	return frame_break_giant(pool, found.block >> pool->shape.giant_shift,
				 blocks) ? mask : 0;
}

/* S, with the first word for the caller. */
static uint64_t claim_by_splitting(struct frame_pool *pool, cpu_slot slot,
				   struct frame_claim *claim,
				   struct whole found)
{
	uint64_t mask = lowest_ones(ALL_ONES, claim->most);
	bool won;

	ASSERT(found.block < pool_blocks(pool));
	frame_enter(pool, slot);				/* S1 */
	won = claim_whole(pool, found, 1UL << (found.block & 63)) != 0;
	if (won)
		frame_open_block(pool, found.block, ~mask);	/* S4, S5 */
	frame_leave(pool, slot);				/* S6 */
	/* Lost: it may be allocated whole, and its words be UNINIT. */
	if (!won)
		return 0;
	claim->block = found.block;
	claim->word = found.block * words_per_block(pool);
	return mask;
}

static uint64_t claim_in_zone(struct frame_pool *pool, cpu_slot slot,
			      struct frame_claim *claim,
			      const struct frame_zone *zone)
{
	uint64_t block, mask;
	uint64_t last = BLOCK_NONE;
	unsigned tries = 0;
	struct whole found;

	while (choose_block(pool, zone, &block)) {
		hold(pool, block);
		mask = claim_from(pool, claim, block, zone->frame_end);
		if (mask != 0)
			return mask;
		unlist(pool, slot, block);
		/* Frames there, but not below the limit. */
		if (block == last || ++tries >= SEARCH_TRIES)
			break;
		last = block;
	}
	while (find_whole(pool, zone, &found)) {
		mask = claim_by_splitting(pool, slot, claim, found);
		if (mask != 0 || ++tries >= SEARCH_TRIES)
			return mask;
	}
	return 0;
}

/* Upward; a block that reaches beyond the limit may be among them. */
static uint64_t claim_below_1m(struct frame_pool *pool, cpu_slot slot,
			       struct frame_claim *claim,
			       const struct frame_zone *zone)
{
	uint64_t mask = 0;

	for (uint64_t block = 0; block < zone->end && mask == 0; block++) {
		bool larger = frame_tree_has(&pool->giants, block >>
					     pool->shape.giant_shift) ||
			      frame_block_is_free(pool, block);

		/* Else nothing moves: a refusal must find all at rest. */
		if (larger) {
			frame_begin_claim(pool, slot);
			frame_split_down(pool, slot, block);
		}
		if (frame_has_words(pool, block))
			mask = claim_from(pool, claim, block, zone->frame_end);
		if (larger)
			frame_end_claim(pool, slot);
	}
	return mask;
}

uint64_t frame_claim_word(struct frame_pool *pool, cpu_slot slot,
			  struct frame_claim *claim)
{
	struct frame_zone zones[FRAME_ZONES];
	uint64_t mask;

	ASSERT(claim->most - 1 < FRAME_WORD_BITS);
	if (claim->block != BLOCK_NONE) {
		uint64_t block = claim->block;

		mask = claim_from(pool, claim, block, pool->frames);
		if (mask != 0)
			return mask;
		unlist(pool, slot, block);
		frame_let_go_block(pool, block);
	}
	claim->block = BLOCK_NONE;
	frame_zones(pool, claim->limit, zones);
	if (claim->limit == FRAME_BELOW_1M)
		return claim_below_1m(pool, slot, claim, &zones[2]);
	for (unsigned i = 0; i < FRAME_ZONES; i++) {
		mask = claim_in_zone(pool, slot, claim, &zones[i]);
		if (mask != 0)
			return mask;
	}
	return 0;
}

static uint64_t claim_blocks_in_zone(struct frame_pool *pool,
				     cpu_slot slot,
				     struct frame_claim *claim,
				     const struct frame_zone *zone)
{
	unsigned tries = 0;
	struct whole found;

	while (find_whole(pool, zone, &found)) {
		uint64_t mask = blocks_near(pool, zone, found, claim->most);

		frame_enter(pool, slot);			/* T1 */
		mask = claim_whole(pool, found, mask);		/* T2 */
		frame_leave(pool, slot);
		claim->word = found.block >> 6;
		if (mask != 0 || ++tries >= SEARCH_TRIES)
			return mask;
	}
	return 0;
}

uint64_t frame_claim_blocks(struct frame_pool *pool, cpu_slot slot,
			    struct frame_claim *claim)
{
	struct frame_zone zones[FRAME_ZONES];

	ASSERT(claim->most - 1 < FRAME_WORD_BITS);
	frame_zones(pool, claim->limit, zones);
	for (unsigned i = 0; i < FRAME_ZONES; i++) {
		uint64_t mask;

		/* A block that reaches beyond the limit will not do. */
		zones[i].end = zones[i].frame_end >> pool->shape.block_shift;
		mask = claim_blocks_in_zone(pool, slot, claim, &zones[i]);
		if (mask != 0)
			return mask;
	}
	return 0;
}

uint64_t frame_claim_giants(struct frame_pool *pool, cpu_slot slot,
			    struct frame_claim *claim)
{
	unsigned shift = pool->shape.block_shift + pool->shape.giant_shift;
	struct frame_zone zones[FRAME_ZONES];
	unsigned tries = 0;
	uint64_t giant;
	bool won;

	frame_zones(pool, claim->limit, zones);
	while (frame_tree_find(&pool->giants, zones[2].frame_end >> shift,
			       &giant)) {
		frame_enter(pool, slot);
		won = frame_tree_claim_one(pool, &pool->giants, giant);
		frame_leave(pool, slot);
		claim->word = giant >> FRAME_WORD_SHIFT;
		if (won)
			return 1UL << (giant & (FRAME_WORD_BITS - 1));
		if (++tries >= SEARCH_TRIES)
			break;
	}
	return 0;
}

/* --- refuse ----------------------------------------------------------------*/

/* The sum of `moving` and `claiming`, unless one of them is odd. */
static bool none_moving(const struct frame_pool *pool, uint64_t *sum)
{
	*sum = 0;
	for (unsigned i = 0; i < pool->slots; i++) {
		/* Once each: see the model. */
		uint64_t moving =
			atomic_load_seq_cst(&pool->activity[i].moving);
		uint64_t claiming =
			atomic_load_seq_cst(&pool->activity[i].claiming);

		if ((moving | claiming) & 1)
			return false;
		*sum += moving + claiming;
	}
	return true;
}

bool frame_at_rest(const struct frame_pool *pool, uint64_t *sum)
{
	if (!none_moving(pool, sum))
		return false;
	for (unsigned i = 0; i < pool->slots; i++) {
		uint64_t frees = atomic_load_seq_cst(&pool->activity[i].frees);

		if (frees & 1)
			return false;
		*sum += frees;
	}
	return true;
}

bool frame_nothing_left(struct frame_pool *pool, cpu_slot slot,
			uint64_t mask)
{
	uint64_t before, after;

	ASSERT(slot < pool->slots && mask != 0);
	if (slot_is_interrupt(slot))
		return (atomic_load_seq_cst(&pool->root) & mask) == 0;
	frame_merge_late(pool, slot);
	if (!none_moving(pool, &before))			/* R1 */
		return false;
	/* A merge that was left since then: not this time. */
	if (atomic_load_seq_cst(&pool->root) & (mask | FRAME_LATE)) /* R2 */
		return false;
	return none_moving(pool, &after) && before == after;	/* R3 */
}
