// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Many single frames in one call: word by word, all of them or none.
 *
 * An alloc claims words of split blocks, the fullest first, as a refill does,
 * and writes the owner's byte of each frame. When it has not got all of them
 * in the end, it returns what it has. So until that is decided it announces
 * a claim in every pool that it has asked: no CPU is refused a frame that
 * comes back. Two such allocs may hold what the other one lacks: then neither
 * can be refused, both return all and try again.
 *
 * A refusal rests on the same instant as that of a single frame (search.c):
 * no pool's root had anything, and no other CPU was moving or claiming. The
 * frames that this call held were all that could be reached: too few.
 */
#include "many.h"

#include "search.h"

#define ANY_FREE \
	(1UL << ROOT_SPLIT | 1UL << ROOT_BLOCKS | 1UL << ROOT_GIANTS)
/* The same byte in all eight frames of a group. */
#define EIGHT_TIMES	0x0101010101010101UL
#define GROUP		8U

/* --- owners' bytes ---------------------------------------------------------*/

/* All of a word at once, if all have the byte `from`. */
static bool exchange_whole_word(atomic_u8 *owner, uint8_t from, uint8_t to)
{
	uint64_t wrong = 0;

	for (unsigned i = 0; i < FRAME_WORD_BITS; i += GROUP)
		wrong |= atomic_load_relaxed(atomic_u8_group_at(&owner[i])) ^
			 from * EIGHT_TIMES;
	if (wrong != 0)
		return false;
	for (unsigned i = 0; i < FRAME_WORD_BITS; i += GROUP)
		atomic_store_relaxed(atomic_u8_group_at(&owner[i]),
				     to * EIGHT_TIMES);
	return true;
}

uint64_t frame_exchange_owners(const struct frame_pool *pool,
			       const struct frame_word *word, uint8_t from,
			       uint8_t to)
{
	atomic_u8 *owner = &pool->frame_owner[word->first];
	uint64_t others = 0;

	if (word->mask == ALL_ONES && exchange_whole_word(owner, from, to))
		return 0;
	for (uint64_t rest = word->mask; rest != 0; rest &= rest - 1) {
		unsigned at = (unsigned)__builtin_ctzl(rest);

		if (atomic_load_relaxed(&owner[at]) == from)
			atomic_store_relaxed(&owner[at], to);
		else
			others |= 1UL << at;
	}
	return others;
}

/* --- places ----------------------------------------------------------------*/

struct frame_where frame_where_in(const struct frame_nodes *nodes,
				  struct frame_pool *pool)
{
	if (nodes != NULL)
		return (struct frame_where){ .nodes = nodes, .pool = pool };
	return (struct frame_where){
		NULL, pool, pool->first, pool->first + pool->frames };
}

bool frame_where_search(struct frame_where *where, uint64_t frame)
{
	const struct frame_nodes *nodes = where->nodes;
	size_t index;

	if (nodes == NULL || frame >= FRAME_MANY_MOST ||
	    frame_nodes_find_place(nodes, (pfn_t){ frame }, &index) != ST_OK)
		return false;
	where->pool = nodes->pool[nodes->places[index].pool];
	where->first = nodes->places[index].first;
	where->end = index + 1 < nodes->place_count ?
			     nodes->places[index + 1].first : FRAME_MANY_MOST;
	ASSERT(where->first <= frame);
	return true;
}

/* --- words of an array -----------------------------------------------------*/

/*
 * Whether all frames of the word that begins here follow each other. Compared
 * without a branch for each.
 */
static bool is_whole_word(const pfn_t *at, const pfn_t *end)
{
	uint64_t first = at->raw, wrong = 0;

	/* The last one tells of most that are not. */
	if (first % FRAME_WORD_BITS != 0 ||
	    end - at < (ptrdiff_t)FRAME_WORD_BITS ||
	    at[FRAME_WORD_BITS - 1].raw != first + FRAME_WORD_BITS - 1)
		return false;
#pragma GCC unroll 8
	for (unsigned i = 0; i < FRAME_WORD_BITS; i++)
		wrong |= at[i].raw ^ (first + i);
	return wrong == 0;
}

/* The frames from `at` on that lie in one word and one place. */
static const pfn_t *gather_word(struct frame_where *where, const pfn_t *at,
				const pfn_t *end, struct frame_word *word)
{
	uint64_t first = align_down(at->raw, FRAME_WORD_BITS), mask = 0;
	/* Bits of the word that the place has; of no place, this one alone. */
	uint64_t low = at->raw - first, count = 1;

	if (frame_where_find(where, at->raw)) {
		low = where->first > first ? where->first - first : 0;
		count = min_u64(where->end - first, FRAME_WORD_BITS) - low;
	}
	word->first = first;
	if (count == FRAME_WORD_BITS && is_whole_word(at, end)) {
		word->mask = ALL_ONES;
		return at + FRAME_WORD_BITS;
	}
	for (; at < end; at++) {
		uint64_t bit = at->raw - first;

		if (bit - low >= count || mask >> bit & 1)
			break;
		mask |= 1UL << bit;
	}
	word->mask = mask;
	return at;
}

const pfn_t *frame_gather_words(struct frame_where *where, const pfn_t *at,
				const pfn_t *end, struct frame_words *words)
{
	words->count = 0;
	while (at < end && words->count < FRAME_WORDS_MOST)
		at = gather_word(where, at, end, &words->word[words->count++]);
	return at;
}

/* --- alloc -----------------------------------------------------------------*/

enum status frame_many_init(struct frame_many *many, uint8_t owner,
			    struct frame_array out)
{
	if (out.count == 0 || out.count > FRAME_MANY_MOST ||
	    !owner_is_allocated(owner))
		return ST_BAD_ARGUMENT;
	many->owner = owner;
	many->first = many->next = out.frames;
	many->end = out.frames + out.count;
	return ST_OK;
}

static struct frame_pool *pool_at(const struct frame_many *many, unsigned i)
{
	return many->pool[many->order[i]];
}

void frame_many_begin_claim(struct frame_many *many)
{
	ASSERT(many->claims < many->pools);
	frame_begin_claim(pool_at(many, many->claims++), many->slot);
}

static void end_claims(struct frame_many *many)
{
	/* All of them, or none: what is in between would be lost (F7). */
	ASSERT(many->next == many->end || many->next == many->first);
	while (many->claims > 0)
		frame_end_claim(pool_at(many, --many->claims), many->slot);
}

static uint64_t still_wanted(const struct frame_many *many)
{
	return (uint64_t)(many->end - many->next);
}

static void add_run(struct frame_many *many, uint64_t first, uint64_t count)
{
	pfn_t *next = many->next;

	ASSERT(count <= still_wanted(many));
#pragma GCC unroll 8
	for (uint64_t i = 0; i < count; i++)
		next[i].raw = first + i;
	many->next = next + count;
}

void frame_many_add(struct frame_many *many, struct frame_pool *pool,
		    const struct frame_word *word)
{
	uint64_t base = pool->first + word->first;
	uint64_t clash = frame_exchange_owners(pool, word, FRAME_BYTE_FREE,
					       many->owner);
	uint64_t mask = word->mask & ~clash;

	if (mask == ALL_ONES) {
		add_run(many, base, FRAME_WORD_BITS);
	} else {
		ASSERT(count_ones(mask) <= still_wanted(many));
		for (; mask != 0; mask &= mask - 1)
			(many->next++)->raw = base +
					      (uint64_t)__builtin_ctzl(mask);
	}
	if (clash != 0)
		frame_report_clash(pool, word->first, clash);
}

void frame_many_add_block(struct frame_many *many, struct frame_pool *pool,
			  uint64_t block)
{
	uint64_t first = block << pool->shape.block_shift;
	uint8_t byte = atomic_load_relaxed(&pool->block_owner[block]);

	if (byte != FRAME_BYTE_FREE) {
		frame_report_clash(pool, first, 1);
		return;
	}
	frame_fill_block(pool, block, many->owner);
	add_run(many, pool->first + first, frames_per_block(pool));
}

/* Whole blocks, where that many frames are wanted. */
static bool claim_blocks(struct frame_many *many, struct frame_pool *pool)
{
	unsigned shift = pool->shape.block_shift;
	uint64_t blocks = still_wanted(many) >> shift;
	struct frame_claim claim = {
		.limit = FRAME_ANYWHERE, .block = BLOCK_NONE,
		.most = (unsigned)min_u64(blocks, FRAME_WORD_BITS),
	};
	uint64_t mask;

	if (blocks == 0)
		return false;
	mask = frame_claim_blocks(pool, many->slot, &claim);
	for (uint64_t rest = mask; rest != 0; rest &= rest - 1)
		frame_many_add_block(many, pool, (claim.word << 6) +
				     (uint64_t)__builtin_ctzl(rest));
	return mask != 0;
}

static bool claim_word(struct frame_many *many, struct frame_pool *pool,
		       struct frame_claim *claim)
{
	struct frame_word word;

	claim->most = (unsigned)min_u64(still_wanted(many), FRAME_WORD_BITS);
	word.mask = frame_claim_word(pool, many->slot, claim);
	if (word.mask == 0)
		return false;
	word.first = claim->word << FRAME_WORD_SHIFT;
	frame_many_add(many, pool, &word);
	return true;
}

bool frame_has_split_blocks(const struct frame_pool *pool)
{
	return atomic_load_relaxed(&pool->root) >> ROOT_SPLIT & 1;
}

/* Of split blocks first. */
static void claim_from_pool(struct frame_many *many, struct frame_pool *pool,
			    uint64_t leave)
{
	struct frame_claim claim = {
		.limit = FRAME_ANYWHERE, .block = BLOCK_NONE,
	};
	bool any = true;

	while (any && still_wanted(many) > leave)
		any = (!frame_has_split_blocks(pool) &&
		       claim_blocks(many, pool)) ||
		      claim_word(many, pool, &claim);
	if (claim.block != BLOCK_NONE)
		frame_let_go_block(pool, claim.block);
}

void frame_many_claim(struct frame_many *many, uint64_t leave)
{
	if (many->claims == 0)
		frame_many_begin_claim(many);
	claim_from_pool(many, pool_at(many, 0), leave);
}

static bool claim_rest(struct frame_many *many)
{
	for (unsigned i = 0; i < many->pools && many->next < many->end; i++) {
		if (i >= many->claims)
			frame_many_begin_claim(many);
		claim_from_pool(many, pool_at(many, i), 0);
	}
	return many->next == many->end;
}

static void give_back_word(const struct frame_many *many,
			   struct frame_pool *pool, struct frame_word word)
{
	uint64_t clash;

	word.first -= pool->first;
	/* A frame that another CPU freed meanwhile, wrongly, is gone. */
	clash = frame_exchange_owners(pool, &word, many->owner,
				      FRAME_BYTE_FREE);
	clash |= frame_return_word(pool, many->slot,
				   word.first >> FRAME_WORD_SHIFT,
				   word.mask & ~clash);
	if (clash != 0)
		frame_report_clash(pool, word.first, clash);
}

static void give_back(struct frame_many *many)
{
	struct frame_where where = frame_where_in(many->nodes,
						  pool_at(many, 0));
	const pfn_t *at = many->first;
	struct frame_words words;

	while (at < many->next) {
		at = frame_gather_words(&where, at, many->next, &words);
		for (unsigned i = 0; i < words.count; i++) {
			struct frame_word word = words.word[i];
			bool found = frame_where_find(&where, word.first +
				(uint64_t)__builtin_ctzl(word.mask));

			ASSERT(found);
			give_back_word(many, where.pool, word);
		}
	}
	many->next = many->first;
}

/*
 * All that the other CPUs have moved and claimed; false while one is at it.
 * To set a bit below a root that has none is to move.
 */
static bool others_at_rest(const struct frame_many *many, uint64_t *sum)
{
	*sum = 0;
	for (unsigned i = 0; i < many->pools; i++) {
		const struct frame_pool *pool = pool_at(many, i);

		for (unsigned slot = 0; slot < pool->slots; slot++) {
			const struct frame_activity *one =
				&pool->activity[slot];
			uint64_t moving = atomic_load_seq_cst(&one->moving);
			uint64_t claiming = atomic_load_seq_cst(&one->claiming);

			if (slot == many->slot)
				continue;
			if ((moving | claiming) & 1)
				return false;
			*sum += moving + claiming;
		}
	}
	return true;
}

/* True when there was an instant at which no pool had anything to reach. */
static bool nothing_left(const struct frame_many *many)
{
	uint64_t before, after;

	if (!others_at_rest(many, &before))
		return false;
	for (unsigned i = 0; i < many->pools; i++)
		if (atomic_load_seq_cst(&pool_at(many, i)->root) & ANY_FREE)
			return false;
	return others_at_rest(many, &after) && before == after;
}

enum status frame_many_finish(struct frame_many *many)
{
	bool waits = !slot_is_interrupt(many->slot) &&
		     many->patience == FRAME_WAIT;

	for (unsigned tries = 0; tries < FRAME_RUN_TRIES; tries++) {
		bool whole = claim_rest(many);
		bool refused = !whole && (!waits || nothing_left(many));

		if (!whole)
			give_back(many);
		end_claims(many);
		if (whole)
			return ST_OK;
		if (refused)
			return ST_NO_MEMORY;
		atomic_pause();
	}
	return ST_CONFLICT;
}

static void zero_all(const struct frame_pool *pool,
		     const struct frame_request *request,
		     struct frame_array out)
{
	for (uint64_t i = 0; i < out.count; i++)
		frame_pool_zero(pool, request, out.frames[i]);
}

/* From the pools that are named in `many`. */
static enum status alloc_many(struct frame_many *many,
			      const struct frame_request *request,
			      struct frame_array out)
{
	enum status status;

	status = frame_check_request(request);
	if (status != ST_OK || request->size != FRAME_4K ||
	    request->limit != FRAME_ANYWHERE)
		return ST_BAD_ARGUMENT;
	status = frame_many_init(many, request->owner, out);
	if (status != ST_OK)
		return status;
	many->patience = request->patience;
	ASSERT(many->slot < pool_at(many, 0)->slots);
	status = frame_many_finish(many);
	if (status == ST_OK && request->contents == FRAME_ZEROED)
		zero_all(pool_at(many, 0), request, out);
	return status;
}

enum status frame_pool_alloc_many(struct frame_pool *pool, cpu_slot slot,
				  const struct frame_request *request,
				  struct frame_array out)
{
	static const uint8_t alone[] = { 0 };
	struct frame_many many = {
		.pool = &pool, .order = alone, .pools = 1, .slot = slot,
	};

	return alloc_many(&many, request, out);
}

enum status frame_alloc_many(struct frame_nodes *nodes, cpu_slot slot,
			     const struct frame_request *request,
			     struct frame_array out)
{
	struct frame_many many = {
		.pool = nodes->pool, .nodes = nodes, .slot = slot };

	if (request->node >= nodes->count)
		return ST_BAD_ARGUMENT;
	many.order = &nodes->order[request->node * nodes->pools];
	many.pools = request->rule == FRAME_NODE_REQUIRED ?
			     frame_nodes_own(nodes, request->node) :
			     nodes->pools;
	return alloc_many(&many, request, out);
}
