/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_pool.h - one node's pool: its bits, bytes, hints and trees.
 *
 * Invariants, at a quiet moment (frame_audit.h):
 *   (F1) a free frame is one bit: its own, its block's, or its giant's;
 *   (F2) a block whose bit is set has no bits below, nor has a giant;
 *   (F3) no block and no giant is wholly free below and not merged, unless
 *        `root` says that a merge was left;
 *   (F4) each of these bits is reachable from `root`: one load of it tells
 *        whether there is anything at all;
 *   (F5) a free frame has no owner's byte: not its own, not its block's, not
 *        its giant's, as far as these are written;
 *   (F6) an allocated frame has one of these bytes, and that is an owner's;
 *   (F7) each frame of the pool is free, cached or allocated, and no other is;
 *   (F8) no step is under way: the words of each slot are even.
 *
 * Numbers inside are 32 bits and relative to the node's first frame, which
 * is the first of a giant. `bits` and `frame_owner` are touched only where
 * the pool has blocks: elsewhere they need not be there.
 */
#ifndef MM_FRAME_POOL_H
#define MM_FRAME_POOL_H

#include <base/atomic.h>
#include <mm/frame.h>
#include <mm/window.h>

/* Frames that one word of the bitmap, and of every summary, speaks for. */
#define FRAME_WORD_SHIFT	6
#define FRAME_WORD_BITS		64U
#define FRAME_TREE_LEVELS	4
#define FRAME_CLASSES		8

/* log2 of frames in a block (6 ... 9) and of blocks in a giant (1 ... 9). */
struct frame_shape {
	uint8_t block_shift;
	uint8_t giant_shift;
};
#define FRAME_SHAPE_PC	((struct frame_shape){ 9, 9 })

typedef struct { uint16_t plain; } atomic_u16;

/*
 * Of every block, about how many of its frames are free: a hint that all
 * CPUs store without care, so a late store may even hide FRAME_WHOLE. Only
 * FRAME_ABSENT and FRAME_UNINIT can be relied on: no CPU frees into those.
 */
#define FRAME_HINT_COUNT	0x03ff
#define FRAME_HINT_HELD		0x4000	/* a CPU refills from this block     */
#define FRAME_ABSENT		0xfdfd	/* not this pool's                   */
#define FRAME_UNINIT		0xfefe	/* never split: bits, bytes undefined */
#define FRAME_WHOLE		0xffff	/* not split now: bits 0, bytes 0    */

/*
 * Of a giant. Its blocks' owners and leaves in trees mean something only
 * while it is open; their hints are FRAME_ABSENT until then.
 */
enum frame_giant {
	FRAME_GIANT_ABSENT,	/* no block is the pool's                    */
	FRAME_GIANT_UNINIT,	/* all are, and none was ever split          */
	FRAME_GIANT_OPEN,
};

/* A bit per block (or giant), and for each word of it a bit above. */
struct frame_tree {
	atomic_u64 *level[FRAME_TREE_LEVELS];
	uint64_t size;			/* bits of level 0                   */
	uint8_t levels;
	uint8_t root_bit;
};

/* The steps that one CPU has under way, for a refusal. Its own cache line. */
struct frame_activity {
	atomic_u64 moving;	/* odd: free frames are out of sight         */
	atomic_u64 frees;	/* odd: a bit is about to be set             */
	atomic_u64 claiming;	/* odd: holds or breaks what may go back     */
	uint64_t pad[5];
};

/* Frames of one word: bit n is relative frame first + n. */
struct frame_word {
	uint64_t first;
	uint64_t mask;
};

struct frame_pool {
	/* [C] */
	uint64_t first;			/* pfn of relative frame 0           */
	uint64_t frames;		/* span, in whole giants             */
	uint64_t low_end;		/* relative frame at 4 GiB, or 0     */
	struct frame_shape shape;
	unsigned slots;
	atomic_u64 *bits;
	atomic_u16 *hints;
	atomic_u8 *frame_owner;
	atomic_u8 *block_owner;
	atomic_u8 *giant_owner;
	atomic_u8 *giant_state;		/* enum frame_giant                  */
	struct frame_activity *activity;	/* by slot                   */
	struct frame_reporter *reporter;	/* may be NULL               */
	struct window window;
	struct frame_tree split;	/* blocks that may have a bit set    */
	struct frame_tree blocks;	/* blocks that are wholly free       */
	struct frame_tree giants;
	struct frame_tree classes[FRAME_CLASSES];	/* hints             */
	/* [A] */
	_Alignas(64) atomic_u64 root;
	_Alignas(64) atomic_u64 bad_frees;
};

/* Whether any block of the pool holds this frame. */
bool frame_pool_has(const struct frame_pool *pool, pfn_t frame);

#endif
