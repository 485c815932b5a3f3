// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Runs of any number of pages: found by looking, claimed part by part.
 *
 * A run is whole blocks, as far as it covers them, and single frames at its
 * ends. The search walks the blocks upward and adds up what is free without
 * a gap, giants and whole blocks at one step each, 64 blocks with nothing
 * free at one step too. The claim goes over the same parts and takes each
 * or gives back what it has; then the search begins anew.
 *
 * A refusal needs more than elsewhere, for a search is not one load: only a
 * search during which no CPU moved or freed anything proves that there was
 * no run at its end, because what it passed could only have become less.
 */
#include "report.h"
#include "search.h"

struct part {
	uint64_t first;		/* relative frame                            */
	uint64_t frames;	/* a whole block, or inside of one word      */
};

static struct part part_at(const struct frame_pool *pool, uint64_t at,
			   uint64_t end)
{
	uint64_t block_end = align_down(at, frames_per_block(pool)) +
			     frames_per_block(pool);
	uint64_t word_end = align_down(at, FRAME_WORD_BITS) + FRAME_WORD_BITS;

	ASSERT(at < end);
	if (is_aligned(at, frames_per_block(pool)) && block_end <= end)
		return (struct part){ at, frames_per_block(pool) };
	return (struct part){ at, min_u64(word_end, end) - at };
}

/* A whole block is one part even where a word is a block. */
static bool is_block(const struct frame_pool *pool, struct part part)
{
	return part.frames == frames_per_block(pool);
}

static uint64_t mask_of(struct part part)
{
	ASSERT((part.first & 63) + part.frames <= FRAME_WORD_BITS);
	return ALL_ONES >> (64 - part.frames) << (part.first & 63);
}

/* --- search ----------------------------------------------------------------*/

struct search {
	const struct frame_pool *pool;
	uint64_t wanted;
	uint64_t align;		/* of the first frame's own number           */
	uint64_t end;
	uint64_t at;
	/* Where the run ends that begins in the frames free before `at`.    */
	uint64_t run_end;
};

static bool found(const struct search *search)
{
	return search->at >= search->run_end;
}

static void step(struct search *search, uint64_t frames)
{
	search->at += frames;
}

/* A run begins at `at`, or where the next aligned frame is. */
static void begin_at(struct search *search, uint64_t at)
{
	uint64_t first = search->pool->first;

	search->at = at;
	search->run_end = align_up(first + at, search->align) - first +
			  search->wanted;
}

static void gap(struct search *search, uint64_t frames)
{
	begin_at(search, search->at + frames);
}

/* Of a word with gaps: what is free in a row ends or begins in it. */
static void search_ends(struct search *search, uint64_t word)
{
	unsigned high = (unsigned)__builtin_clzl(~word);

	gap(search, FRAME_WORD_BITS - high);
	step(search, high);
}

/* The same where a run may lie within a word. */
static void search_bits(struct search *search, uint64_t word)
{
	unsigned left = FRAME_WORD_BITS;

	while (word != 0) {
		unsigned zeros = (unsigned)__builtin_ctzl(word), ones;

		if (zeros != 0)
			gap(search, zeros);
		word >>= zeros;
		ones = (unsigned)__builtin_ctzl(~word);
		step(search, ones);
		if (found(search))
			return;
		word >>= ones;
		left -= zeros + ones;
	}
	if (left != 0)
		gap(search, left);
}

static void search_word(struct search *search, uint64_t word)
{
	unsigned low;

	if (word == ALL_ONES) {
		step(search, FRAME_WORD_BITS);
		return;
	}
	low = (unsigned)__builtin_ctzl(~word);
	if (search->at + low >= search->run_end)
		step(search, low);
	else if (search->wanted < FRAME_WORD_BITS)
		search_bits(search, word);
	else
		search_ends(search, word);
}

static void search_block(struct search *search, uint64_t block)
{
	const struct frame_pool *pool = search->pool;
	const atomic_u64 *words = block_words(pool, block);

	if (frame_giant_state(pool, block) != FRAME_GIANT_OPEN) {
		gap(search, frames_per_block(pool));
		return;
	}
	if (frame_tree_has(&pool->blocks, block)) {
		step(search, frames_per_block(pool));
		return;
	}
	if (!frame_tree_has(&pool->split, block)) {
		gap(search, frames_per_block(pool));
		return;
	}
	for (uint64_t i = 0; i < words_per_block(pool) && !found(search); i++)
		search_word(search, atomic_load_acquire(&words[i]));
}

/* True when the run [out..out + wanted) was free when it was read. */
static bool search_from(struct search *search, uint64_t *out)
{
	const struct frame_pool *pool = search->pool;
	unsigned shift = pool->shape.block_shift;
	uint64_t giant_mask = blocks_per_giant(pool) - 1;

	while (search->at < search->end && !found(search)) {
		uint64_t block = search->at >> shift;
		uint64_t giant = block >> pool->shape.giant_shift;
		uint64_t first = search->run_end - search->wanted;

		/* No run begins in this block. */
		if (first >= (block + 1) << shift)
			search->at = first;
		else if ((block & giant_mask) == 0 &&
		    frame_tree_has(&pool->giants, giant)) {
			step(search, (giant_mask + 1) << shift);
		} else if ((block & giant_mask) == 0 &&
			   frame_giant_state(pool, block) !=
				   FRAME_GIANT_OPEN) {
			gap(search, (giant_mask + 1) << shift);
		} else if ((block & 63) == 0 && giant_mask >= 63 &&
			   frame_giant_state(pool, block) ==
				   FRAME_GIANT_OPEN &&
			   atomic_load_acquire(
				   &pool->blocks.level[0][block >> 6]) == 0 &&
			   atomic_load_acquire(
				   &pool->split.level[0][block >> 6]) == 0) {
			gap(search, 64UL << shift);
		} else {
			search_block(search, block);
		}
	}
	*out = search->run_end - search->wanted;
	return found(search) && search->run_end <= search->end;
}

/* --- claim -----------------------------------------------------------------*/

static bool claim_block(struct frame_pool *pool, cpu_slot slot,
			uint64_t block)
{
	uint64_t giant = block >> pool->shape.giant_shift;
	bool won;

	if (frame_tree_has(&pool->giants, giant))
		(void)frame_split_giant(pool, slot, giant);
	/* Another CPU allocated the giant whole; it was never split. */
	if (frame_giant_state(pool, block) != FRAME_GIANT_OPEN)
		return false;
	frame_enter(pool, slot);
	won = frame_tree_claim_one(pool, &pool->blocks, block);
	frame_leave(pool, slot);
	return won;
}

static bool claim(struct frame_pool *pool, cpu_slot slot,
		  struct part part)
{
	uint64_t block = part.first >> pool->shape.block_shift;
	uint64_t mask, old;
	atomic_u64 *cell;

	if (is_block(pool, part))
		return claim_block(pool, slot, block);
	frame_split_down(pool, slot, block);
	/* Another CPU may have allocated it whole. */
	if (!frame_has_words(pool, block))
		return false;
	mask = mask_of(part);
	cell = &pool->bits[part.first >> FRAME_WORD_SHIFT];
	old = atomic_load_relaxed(cell);
	do {
		if ((old & mask) != mask)
			return false;
	} while (!atomic_compare_exchange_seq_cst(cell, &old, old & ~mask));
	return true;
}

/* Returns the bits that were set already. */
static uint64_t return_part(struct frame_pool *pool, cpu_slot slot,
			struct part part)
{
	uint64_t block = part.first >> pool->shape.block_shift;

	if (is_block(pool, part))
		return frame_return_blocks(pool, slot, block >> 6,
					   1UL << (block & 63));
	return frame_return_word(pool, slot, part.first >> FRAME_WORD_SHIFT,
				 mask_of(part));
}

static void write_owner(struct frame_pool *pool, struct part part,
			uint8_t owner)
{
	if (is_block(pool, part)) {
		atomic_store_relaxed(
			&pool->block_owner[part.first >>
					   pool->shape.block_shift],
			owner);
		return;
	}
	for (uint64_t i = 0; i < part.frames; i++)
		atomic_store_relaxed(&pool->frame_owner[part.first + i],
				     owner);
}

/*
 * Up to where: `end`, or else to a part that was not to be had, and then
 * nothing is claimed. Until that is decided no CPU may be refused the parts.
 */
static uint64_t claim_all(struct frame_pool *pool, cpu_slot slot,
			  uint64_t start, uint64_t end)
{
	uint64_t at = start;

	frame_begin_claim(pool, slot);
	while (at < end) {
		struct part part = part_at(pool, at, end);

		if (!claim(pool, slot, part))
			break;
		at += part.frames;
	}
	for (uint64_t back = start; at != end && back < at;) {
		struct part part = part_at(pool, back, end);

		EXPECT_NONE(return_part(pool, slot, part));
		back += part.frames;
	}
	ASSERT(at <= end);
	frame_end_claim(pool, slot);
	return at;
}

/* The blocks at both ends have fewer frames now. */
static void settle(struct frame_pool *pool, uint64_t start, uint64_t pages)
{
	unsigned shift = pool->shape.block_shift;

	ASSERT(pages != 0);
	frame_let_go_block(pool, start >> shift);
	frame_let_go_block(pool, (start + pages - 1) >> shift);
}

static bool claim_run_in(struct frame_pool *pool, cpu_slot slot,
			 const struct frame_zone *zone,
			 const struct frame_request *request, uint64_t *start)
{
	uint64_t floor = zone->floor << pool->shape.block_shift;
	unsigned tries = 0;
	struct search search = {
		.pool = pool,
		.wanted = request->pages,
		.align = 1UL << request->align_shift,
		.end = zone->frame_end,
	};

	ASSERT(search.wanted != 0 && search.end <= pool->frames);
	begin_at(&search, floor);
	while (search_from(&search, start)) {
		uint64_t end = *start + request->pages;
		uint64_t at = claim_all(pool, slot, *start, end);

		if (at == end)
			return true;
		if (++tries >= SEARCH_TRIES)
			break;
		/*
		 * A block may be all ones whose merge is under way on another
		 * CPU, or was interrupted by this handler: a request that does
		 * not wait goes on above it.
		 */
		begin_at(&search,
			 frame_waits(slot, request) ? floor :
				 align_down(at, frames_per_block(pool)) +
					 frames_per_block(pool));
		atomic_pause();
	}
	return false;
}

static void finish_run(struct frame_pool *pool,
		       const struct frame_request *request, uint64_t start)
{
	uint64_t end = start + request->pages;

	ASSERT(start < end && end <= pool->frames);
	for (uint64_t at = start; at < end;) {
		struct part part = part_at(pool, at, end);

		write_owner(pool, part, request->owner);
		at += part.frames;
	}
	settle(pool, start, request->pages);
}

bool frame_claim_run(struct frame_pool *pool, cpu_slot slot,
		     const struct frame_request *request, uint64_t *start)
{
	struct frame_zone zones[FRAME_ZONES];
	bool done = false;

	/* Sums with more frames could wrap. */
	if (request->pages > pool->frames)
		return false;
	frame_zones(pool, request->limit, zones);
	/* Runs that begin in a zone were searched before the next one. */
	for (unsigned i = 1; i < FRAME_ZONES; i++)
		zones[i].frame_end = min_u64(
			zones[i].frame_end,
			(zones[i - 1].floor << pool->shape.block_shift) +
				request->pages - 1);
	for (unsigned i = 0; i < FRAME_ZONES && !done; i++)
		done = claim_run_in(pool, slot, &zones[i], request, start);
	if (done)
		finish_run(pool, request, *start);
	return done;
}

/* --- free ------------------------------------------------------------------*/

/* The bytes of the part, or NULL where they mean nothing. */
static const atomic_u8 *bytes_of(const struct frame_pool *pool,
				 struct part part)
{
	uint64_t block = part.first >> pool->shape.block_shift;

	if (frame_giant_state(pool, block) != FRAME_GIANT_OPEN)
		return NULL;
	if (is_block(pool, part))
		return &pool->block_owner[block];
	if (atomic_load_relaxed(&pool->hints[block]) >= FRAME_ABSENT)
		return NULL;
	return &pool->frame_owner[part.first];
}

/* A frame that may not be freed, and its byte. */
struct wrong {
	uint64_t frame;
	uint8_t byte;
};

/* True when a frame of the part has not this owner. */
static bool find_wrong(const struct frame_pool *pool, struct part part,
		       uint8_t owner, struct wrong *wrong)
{
	const atomic_u8 *bytes = bytes_of(pool, part);
	uint64_t count = is_block(pool, part) ? 1 : part.frames;

	*wrong = (struct wrong){ part.first, FRAME_BYTE_FREE };
	for (uint64_t i = 0; bytes != NULL && i < count; i++) {
		wrong->byte = atomic_load_relaxed(&bytes[i]);
		if (wrong->byte == owner)
			continue;
		wrong->frame += i;
		return true;
	}
	return bytes == NULL;
}

/* The first frame's; FRAME_BYTE_FREE where bytes mean nothing. */
static uint8_t owner_at(const struct frame_pool *pool, uint64_t at,
			uint64_t end)
{
	const atomic_u8 *bytes = bytes_of(pool, part_at(pool, at, end));

	return bytes != NULL ? atomic_load_relaxed(bytes) : FRAME_BYTE_FREE;
}

enum status frame_return_run(struct frame_pool *pool, cpu_slot slot,
			     const struct frame_return *what)
{
	uint64_t start = what->frame.raw - pool->first, end;
	uint8_t owner = what->owner;
	bool good = true;

	if (add_overflows(start, what->pages, &end) || end > pool->frames)
		return frame_refuse_free(pool, FRAME_FOREIGN, what->frame,
					     what->caller);
	if (owner == FRAME_BYTE_FREE)
		owner = owner_at(pool, start, end);
	if (!owner_is_allocated(owner))
		return frame_refuse_free(pool, frame_bad_free_kind_of(owner),
					 what->frame, what->caller);
	for (uint64_t at = start; at < end;) {
		struct part part = part_at(pool, at, end);
		struct wrong wrong;

		if (find_wrong(pool, part, owner, &wrong))
			return frame_refuse_free(
				pool, frame_bad_free_kind_of(wrong.byte),
				(pfn_t){ pool->first + wrong.frame },
				what->caller);
		at += part.frames;
	}
	for (uint64_t at = start; at < end;) {
		struct part part = part_at(pool, at, end);

		write_owner(pool, part, FRAME_BYTE_FREE);
		good &= return_part(pool, slot, part) == 0;
		at += part.frames;
	}
	return good ? ST_OK : frame_refuse_free(pool, FRAME_FREED_AT_ONCE,
						    what->frame, what->caller);
}
