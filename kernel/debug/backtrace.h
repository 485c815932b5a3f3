/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * backtrace.h - the chain of callers, by frame pointers.
 *
 * Every word is read through the reader, so a broken chain ends the walk and
 * does not fault. The walk continues through an exception into the code that
 * it interrupted, also onto another stack.
 */
#ifndef KERNEL_DEBUG_BACKTRACE_H
#define KERNEL_DEBUG_BACKTRACE_H

#include <base/address.h>
#include <base/status.h>
#include <boot/layout.h>

#include <stdbool.h>

#include <kernel/arch/trap.h>

/* Lines printed at most; a recursion is one line. */
#define BACKTRACE_LINES 32
/* Frames walked at most: as many as fit in a stack. */
#define BACKTRACE_STEPS (STACK_BYTES / 16)

/*
 * Reads a word of a stack.
 * Fails: ST_BAD_RANGE when `at` is not in a stack, or not mapped.
 */
typedef enum status backtrace_read(vaddr_t at, uint64_t *out);

struct backtrace {
	backtrace_read *read;
	uint64_t address;		/* of the next step; 0 with an end   */
	uint64_t frame_pointer;
	uint64_t floor;			/* of the last frame; 0 = none yet   */
	uint64_t ceiling;		/* frames must be below it */
	uint64_t stack_pointer;		/* rsp of interrupted code           */
	unsigned steps;
	/* `address` is the interrupted instruction, no return address. */
	bool is_exact;
	bool is_done;
	const char *end;		/* why it ended; "" = complete       */
};

struct backtrace_step {
	uint64_t address;
	bool is_exact;
};

/* A walk from the interrupted instruction on. */
struct backtrace backtrace_of_frame(backtrace_read *read,
				    const struct trap_frame *frame);

/* A walk from the function with this frame pointer: its caller comes first. */
struct backtrace backtrace_of_function(backtrace_read *read,
				       uint64_t frame_pointer);

/* False when there is no further step; trace->end says why. */
bool backtrace_next(struct backtrace *trace, struct backtrace_step *out);

/* Prints the rest of the walk, a log line for each step. */
void backtrace_print(struct backtrace *trace);

/* A backtrace_read for the kernel's own stacks. */
enum status backtrace_read_stack(vaddr_t at, uint64_t *out);

#endif
