/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * internal.h - the steps of mm/frame, and what frame_cache uses.
 *
 * `block` and `giant` are relative numbers, `word` is an index into the
 * bitmap. The letters in comments (S split, F free, M merge, U unlist,
 * T take, R refuse) are the steps of tests/model/frame.pml.
 */
#ifndef MM_FRAME_INTERNAL_H
#define MM_FRAME_INTERNAL_H

#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <mm/frame.h>

#define ALL_ONES UINT64_MAX

/*
 * The most that one search, or one call, tries again because other CPUs were
 * faster. A search that ends here proves nothing: see search.c.
 */
#define SEARCH_TRIES	1024
/* An interrupt handler may not wait for the CPU that it interrupted. */
#define INTERRUPT_TRIES 64

/* Bits of `root`, one for each tree; the classes' are hints. */
enum {
	ROOT_SPLIT = 0,
	ROOT_BLOCKS = 1,
	ROOT_GIANTS = 2,
	ROOT_CLASSES = 8,
};

/* A range to search: blocks [floor..end), frames below `frame_end`. */
struct frame_zone {
	uint64_t floor;
	uint64_t end;
	uint64_t frame_end;
};
#define FRAME_ZONES 3

static inline uint64_t frames_per_block(const struct frame_pool *pool)
{
	return 1UL << pool->shape.block_shift;
}

static inline uint64_t words_per_block(const struct frame_pool *pool)
{
	return 1UL << (pool->shape.block_shift - FRAME_WORD_SHIFT);
}

static inline uint64_t blocks_per_giant(const struct frame_pool *pool)
{
	return 1UL << pool->shape.giant_shift;
}

static inline uint64_t giant_frames(struct frame_shape shape)
{
	return 1UL << (shape.block_shift + shape.giant_shift);
}

static inline uint64_t pool_blocks(const struct frame_pool *pool)
{
	return pool->frames >> pool->shape.block_shift;
}

/* Acquire: who sees that it is uninit no more sees its blocks' hints. */
static inline enum frame_giant frame_giant_state(const struct frame_pool *pool,
						 uint64_t block)
{
	return (enum frame_giant)atomic_load_acquire(
		&pool->giant_state[block >> pool->shape.giant_shift]);
}

/* frame_pool_has without a call: every free asks for it. */
static inline bool pool_has(const struct frame_pool *pool, pfn_t frame)
{
	uint64_t relative = frame.raw - pool->first;
	uint64_t block = relative >> pool->shape.block_shift;

	return relative < pool->frames &&
	       (frame_giant_state(pool, block) == FRAME_GIANT_UNINIT ||
		atomic_load_relaxed(&pool->hints[block]) != FRAME_ABSENT);
}

static inline atomic_u64 *block_words(const struct frame_pool *pool,
				      uint64_t block)
{
	return pool->bits + block * words_per_block(pool);
}

/* Before another CPU can read them; FRAME_ABSENT and FRAME_UNINIT only. */
static inline void fill_hints(const struct frame_pool *pool, uint64_t first,
			      uint64_t count, uint16_t hint)
{
	memset(&pool->hints[first], hint & 0xff,
	       count * sizeof(*pool->hints));
}

/* Without the popcnt instruction, which not every CPU has. */
static inline unsigned count_ones(uint64_t word)
{
	word -= (word >> 1) & 0x5555555555555555;
	word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned)((word * 0x0101010101010101) >> 56);
}

static inline bool owner_is_allocated(uint8_t byte)
{
	return (uint8_t)(byte - 1) < FRAME_BYTE_LAST;
}

/* Allocated as well, but never to come back. */
static inline bool owner_is_retired(uint8_t byte)
{
	return byte > FRAME_BYTE_FIXED && byte != FRAME_BYTE_FOREIGN;
}

/*
 * From enter to leave, free frames of this pool may be unreachable.
 * Plain stores: the first locked instruction in between makes `enter`
 * visible before anything that it announces.
 */
static inline void frame_enter(struct frame_pool *pool, cpu_slot slot)
{
	atomic_u64 *moving = &pool->activity[slot].moving;

	atomic_store_relaxed(moving, atomic_load_relaxed(moving) + 1);
}

static inline void frame_leave(struct frame_pool *pool, cpu_slot slot)
{
	atomic_u64 *moving = &pool->activity[slot].moving;

	atomic_store_release(moving, atomic_load_relaxed(moving) + 1);
}

/*
 * The same while something is broken, or claimed in parts, for a taker that
 * may get nothing in the end: no CPU is refused meanwhile.
 */
static inline void frame_begin_claim(struct frame_pool *pool,
				     cpu_slot slot)
{
	atomic_u64 *claiming = &pool->activity[slot].claiming;

	atomic_store_relaxed(claiming, atomic_load_relaxed(claiming) + 1);
}

static inline void frame_end_claim(struct frame_pool *pool, cpu_slot slot)
{
	atomic_u64 *claiming = &pool->activity[slot].claiming;

	atomic_store_release(claiming, atomic_load_relaxed(claiming) + 1);
}

/* --- report.c ------------------------------------------------------------*/

void frame_report_bad_free(struct frame_pool *pool,
			   const struct frame_bad_free *bad);
/* Reports, and returns the status that frame_pool_free promises. */
enum status frame_refuse_free(struct frame_pool *pool,
			      enum frame_bad_free_kind kind, pfn_t frame,
			      const void *caller);

/* --- tree.c ----------------------------------------------------------*/

uint64_t frame_tree_words(uint64_t size);
enum frame_leaves {
	FRAME_LEAVES_EMPTY,
	FRAME_LEAVES_LATER,	/* written when their giant is opened        */
};
atomic_u64 *frame_tree_init(struct frame_tree *tree, uint64_t size,
			    uint8_t root_bit, enum frame_leaves leaves,
			    atomic_u64 *memory);
/* Leaves of whole words, so that no two giants share one. */
static inline bool frame_opens_leaves(const struct frame_pool *pool)
{
	return pool->shape.giant_shift >= FRAME_WORD_SHIFT;
}

/*
 * Publishes bits of one word of level 0, which become reachable from the
 * root; returns those that were set before. Inside enter and leave.
 */
uint64_t frame_tree_publish(struct frame_pool *pool, struct frame_tree *tree,
			    uint64_t word, uint64_t mask);
/* Sets a bit unless a load finds it set. Inside enter and leave. */
void frame_tree_list(struct frame_pool *pool, struct frame_tree *tree,
		     uint64_t index);
/* Word `word` of level 0 is not zero any more. Inside enter and leave. */
void frame_tree_list_word(struct frame_pool *pool, struct frame_tree *tree,
			  uint64_t word);
/*
 * Clears those bits of `mask` that are set, and returns them: the one who
 * gets a bit owns what it stands for. Inside enter and leave.
 */
uint64_t frame_tree_claim(struct frame_pool *pool, struct frame_tree *tree,
			  uint64_t word, uint64_t mask);
/* All bits of `mask` or none. Inside enter and leave. */
bool frame_tree_claim_all(struct frame_pool *pool, struct frame_tree *tree,
			  uint64_t word, uint64_t mask);
/* The highest set bit below `end`. */
bool frame_tree_find(const struct frame_tree *tree, uint64_t end,
		     uint64_t *out);

/* Of blocks only in open giants. */
static inline bool frame_tree_has(const struct frame_tree *tree,
				  uint64_t index)
{
	return atomic_load_relaxed(&tree->level[0][index >> 6]) >>
	       (index & 63) & 1;
}

/* Whole and free, outside of a free giant. */
static inline bool frame_block_is_free(const struct frame_pool *pool,
				       uint64_t block)
{
	return frame_giant_state(pool, block) == FRAME_GIANT_OPEN &&
	       frame_tree_has(&pool->blocks, block);
}

static inline bool frame_tree_claim_one(struct frame_pool *pool,
					struct frame_tree *tree,
					uint64_t index)
{
	return frame_tree_claim(pool, tree, index >> 6,
				1UL << (index & 63)) != 0;
}

/* --- block.c ---------------------------------------------------------*/

/* Gives frames back; those that were free already are reported. */
void frame_return_words(struct frame_pool *pool, cpu_slot slot,
			const struct frame_word *words, uint64_t count);
/* The same for one word; returns those that were free already. */
uint64_t frame_return_word(struct frame_pool *pool, cpu_slot slot,
			   uint64_t word, uint64_t mask);
/* Second copies of frames, relative: see cache.c. */
void frame_report_clash(struct frame_pool *pool, uint64_t first,
			uint64_t clash);
/* Blocks of one word of the tree; returns those that were free already. */
uint64_t frame_return_blocks(struct frame_pool *pool, cpu_slot slot,
			     uint64_t word, uint64_t mask);
/* False when it was free already. */
bool frame_return_giant(struct frame_pool *pool, cpu_slot slot,
			uint64_t giant);

/* Whole no more; false when another CPU was faster. */
bool frame_split_block(struct frame_pool *pool, cpu_slot slot,
		       uint64_t block);
bool frame_split_giant(struct frame_pool *pool, cpu_slot slot,
		       uint64_t giant);
/* Blocks of one word of the tree. */
struct frame_blocks {
	uint64_t word;
	uint64_t mask;
};
/*
 * The same, but the blocks of `keep` are the caller's. A giant that is split
 * without keeping a block would stay split, wholly free, if the caller then
 * took a block elsewhere: no free would start its merge. Inside enter and
 * leave.
 */
bool frame_break_giant(struct frame_pool *pool, uint64_t giant,
		       struct frame_blocks keep);
/*
 * Ones into the words of a block that is the caller's, `first_word` into the
 * first. Inside enter and leave.
 */
void frame_open_block(struct frame_pool *pool, uint64_t block,
		      uint64_t first_word);
/* Blocks of this giant are about to be used one by one. */
void frame_open_giant(struct frame_pool *pool, uint64_t giant);
/* Several giants of one word, as frame_return_blocks. */
uint64_t frame_return_giants(struct frame_pool *pool, cpu_slot slot,
			     uint64_t word, uint64_t mask);
/* The first frames of a block that the pool gets. */
void frame_open_absent_block(struct frame_pool *pool, uint64_t block);
/*
 * For who names a frame, and found its block in no list: splits what is free
 * in a larger size. Within a claim.
 */
void frame_split_down(struct frame_pool *pool, cpu_slot slot,
		      uint64_t block);
/* Whether it was ever split, so that its words mean something. */
bool frame_has_words(const struct frame_pool *pool, uint64_t block);

/* Sets the hint, and lists the block in that class. */
void frame_set_hint(struct frame_pool *pool, uint64_t block, uint16_t hint);
/* Lists it where its hint says, if anywhere. */
void frame_sort(struct frame_pool *pool, uint64_t block);
/* Whether it belongs into one, and whether into this. */
bool frame_has_class(const struct frame_pool *pool, uint64_t block);
bool frame_in_class(const struct frame_pool *pool, uint64_t block,
		    unsigned class);
/* The value that the hint should have, counted from the words. */
uint64_t frame_count_block(const struct frame_pool *pool, uint64_t block);
/* A CPU stops refilling from a block that may have frames left. */
void frame_let_go_block(struct frame_pool *pool, uint64_t block);

/* --- search.c ----------------------------------------------------------*/

void frame_zones(const struct frame_pool *pool, enum frame_limit limit,
		 struct frame_zone zones[FRAME_ZONES]);

/*
 * Takes up to `most` frames of one word: of `block` if that has any, else
 * of the best block, and says which. 0 when nothing was found: that is not
 * a refusal yet.
 */
struct frame_claim {
	enum frame_limit limit;
	unsigned most;
	uint64_t block;		/* in and out; BLOCK_NONE                    */
	uint64_t word;		/* out                                       */
};
#define BLOCK_NONE UINT64_MAX
uint64_t frame_claim_word(struct frame_pool *pool, cpu_slot slot,
			  struct frame_claim *claim);
/* Up to `most` whole blocks of one word of the tree; 0: none found. */
uint64_t frame_claim_blocks(struct frame_pool *pool, cpu_slot slot,
			    struct frame_claim *claim);
/* The same for giants. */
uint64_t frame_claim_giants(struct frame_pool *pool, cpu_slot slot,
			    struct frame_claim *claim);

/*
 * R: true when there was an instant, between this call's two passes over the
 * slots, at which `root` had none of `mask` and nothing was under way.
 */
bool frame_nothing_left(struct frame_pool *pool, cpu_slot slot,
			uint64_t mask);
/* All that CPUs have done, summed up; false while one is at it. */
bool frame_at_rest(const struct frame_pool *pool, uint64_t *sum);

/* --- pool.c ----------------------------------------------------------*/

/*
 * One search, which reads no other CPU's state; the request was checked.
 * False: found none, which is no refusal yet.
 */
bool frame_pool_try(struct frame_pool *pool, cpu_slot slot,
		    const struct frame_request *request, pfn_t *out);
/* The root cannot tell that there is nothing suitable. */
static inline bool is_proven_by_search(const struct frame_request *request)
{
	return request->size == FRAME_RUN || request->limit != FRAME_ANYWHERE;
}

/* Fails: ST_BAD_ARGUMENT. */
enum status frame_check_request(const struct frame_request *request);

/* --- run.c -----------------------------------------------------------*/

/* One search; false: found none. */
bool frame_claim_run(struct frame_pool *pool, cpu_slot slot,
		     const struct frame_request *request, uint64_t *start);
enum status frame_return_run(struct frame_pool *pool, cpu_slot slot,
			     const struct frame_return *what);

/* --- fill.c ----------------------------------------------------------*/

/*
 * A whole block that is the caller's becomes single frames, all of them
 * allocated to `owner`.
 */
void frame_fill_block(struct frame_pool *pool, uint64_t block, uint8_t owner);

/* --- cache.c ---------------------------------------------------------*/

struct frame_cache;
/* Frames of its pool whose owners' bytes are 0. On its own CPU and context. */
void frame_cache_keep_word(struct frame_cache *cache,
			   const struct frame_word *word);
/* For a cache whose word is empty; false when the pool had nothing. */
bool frame_cache_refill(struct frame_cache *cache);

#endif
