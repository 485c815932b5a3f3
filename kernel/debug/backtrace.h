/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * backtrace.h - who called whom, by frame pointers.
 *
 * Every word is asked for through the reader, so that a broken chain ends
 * the walk and never the kernel. The walk goes on through an exception to
 * what it interrupted, also onto another stack.
 */
#ifndef KERNEL_DEBUG_BACKTRACE_H
#define KERNEL_DEBUG_BACKTRACE_H

#include <base/address.h>
#include <base/status.h>
#include <boot/layout.h>

#include <stdbool.h>

#include <kernel/arch/trap.h>

/* Printed at most; a recursion is one of them. */
#define BACKTRACE_LINES 32
/* Looked at, at most: as many frames as fit a stack. */
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
	uint64_t ceiling;		/* no frame is believed from here on */
	uint64_t stack_pointer;		/* where code was interrupted        */
	unsigned steps;
	/* `address` is an instruction, not one to return to. */
	bool is_exact;
	bool is_done;
	const char *end;		/* why it ended; "" = as it should   */
};

struct backtrace_step {
	uint64_t address;
	bool is_exact;
};

/* From the interrupted instruction on. */
struct backtrace backtrace_of_frame(backtrace_read *read,
				    const struct trap_frame *frame);

/* From the function whose frame pointer this is: its caller comes first. */
struct backtrace backtrace_of_function(backtrace_read *read,
				       uint64_t frame_pointer);

/* False when there is no further step; trace->end says why. */
bool backtrace_next(struct backtrace *trace, struct backtrace_step *out);

/* Prints what is left of the walk, a log line each. */
void backtrace_print(struct backtrace *trace);

/* A backtrace_read for the kernel's own stacks. */
enum status backtrace_read_stack(vaddr_t at, uint64_t *out);

#endif
