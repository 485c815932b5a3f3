/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* many.h - an alloc of many frames that is under way. */
#ifndef MM_FRAME_MANY_INTERNAL_H
#define MM_FRAME_MANY_INTERNAL_H

#include <mm/frame_many.h>

struct frame_many {
	/* The pools that are asked, nearest first.                          */
	struct frame_pool *const *pool;
	const struct frame_nodes *nodes;	/* NULL: pool[0] alone       */
	const uint8_t *order;
	unsigned pools;
	unsigned claims;	/* of them, those that know of this alloc    */
	cpu_slot slot;
	enum frame_patience patience;
	uint8_t owner;
	pfn_t *first, *next, *end;	/* from `next` on: still wanted      */
};

/* Words of an array of frames, as many as fit on the stack. */
#define FRAME_WORDS_MOST	32

struct frame_words {
	struct frame_word word[FRAME_WORDS_MOST];
	unsigned count;
};

/*
 * The place of frames of an array: [first..end) are the pool's, or no pool's.
 * It may begin and end inside a word, and inside a block.
 */
struct frame_where {
	const struct frame_nodes *nodes;	/* NULL: no other pool       */
	struct frame_pool *pool;
	uint64_t first, end;
};

struct frame_where frame_where_in(const struct frame_nodes *nodes,
				  struct frame_pool *pool);
bool frame_where_search(struct frame_where *where, uint64_t frame);

/* Moves to the place of this frame; false when no pool can have it. */
static inline bool frame_where_find(struct frame_where *where, uint64_t frame)
{
	return LIKELY(frame - where->first < where->end - where->first) ||
	       frame_where_search(where, frame);
}

/*
 * The words of the frames from `at` on, which begin at a frame's own number.
 * None has a frame twice, or frames of two places. Returns where the next ones
 * begin.
 */
const pfn_t *frame_gather_words(struct frame_where *where, const pfn_t *at,
				const pfn_t *end, struct frame_words *words);

/*
 * Those of the word's frames whose byte is `from` get `to`; returns the
 * others. `first` is relative.
 */
uint64_t frame_exchange_owners(const struct frame_pool *pool,
			       const struct frame_word *word, uint8_t from,
			       uint8_t to);

/*
 * Free frames that are the caller's become the alloc's, no more than are
 * still to be had. Second copies of allocated ones are reported and dropped.
 */
void frame_many_add(struct frame_many *many, struct frame_pool *pool,
		    const struct frame_word *word);

/* The same with all frames of a block. */
void frame_many_add_block(struct frame_many *many, struct frame_pool *pool,
			  uint64_t block);
/* Not those that are listed a moment later. */
bool frame_has_split_blocks(const struct frame_pool *pool);

/* Before the first claim from pool number `claims`. */
void frame_many_begin_claim(struct frame_many *many);

/*
 * Claims from the first pool, and stops where no more than `leave` frames are
 * wanted.
 */
void frame_many_claim(struct frame_many *many, uint64_t leave);

/* Gets the rest, or returns all. Fails: as frame_alloc_many. */
enum status frame_many_finish(struct frame_many *many);

/* Fails: ST_BAD_ARGUMENT (no frames, owner). */
enum status frame_many_init(struct frame_many *many, uint8_t owner,
			    struct frame_array out);

#endif
