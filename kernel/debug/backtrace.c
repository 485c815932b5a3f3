// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A frame is two words: the caller's frame pointer, then the address to return
 * to. Both lie in a stack, and a caller's frame lies above its callee's. So
 * three checks come before a word is used: it is in a mapped stack, it is
 * aligned, and the chain ascends by less than a stack.
 *
 * Two cases need more than the chain. First, trap.S leaves a frame with the
 * interrupted code's rip and rbp right below the trap frame; it is recognised
 * by its return to trap_return, and there the walk may change stacks. Second,
 * code may be interrupted while it has no frame of its own: at its first
 * instructions, in a function so small that the compiler gave it none, or at
 * an address without code, as after a call of a null pointer. The address to
 * return to is then still on top of the stack.
 */
#include "backtrace.h"

#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>

#include <stddef.h>

#include <kernel/lib/symbols.h>
#include <kernel/log/log.h>

#include "describe_address.h"
#include "exception_report.h"

/* From the frame pointer that trap.S sets to the trap frame. */
#define LINK_BYTES 16

#define PUSH_RBP 0x55

static const uint8_t set_frame[] = { 0x48, 0x89, 0xe5 };

static void end_walk(struct backtrace *trace, const char *why)
{
	trace->is_done = true;
	trace->end = why;
}

/* Reads [frame pointer] and [frame pointer + 8], after the three checks. */
static bool read_frame(struct backtrace *trace, uint64_t *caller,
		       uint64_t *address)
{
	vaddr_t at = { trace->frame_pointer };
	vaddr_t next = { at.raw + 8 };

	if (!is_aligned(at.raw, 8))
		end_walk(trace, "a frame pointer is not aligned");
	else if (trace->floor != 0 &&
		 (at.raw <= trace->floor ||
		  at.raw - trace->floor > STACK_BYTES))
		end_walk(trace, "frame pointers do not ascend in one stack");
	else if (trace->ceiling != 0 && at.raw >= trace->ceiling)
		end_walk(trace, "this report has overwritten the rest");
	else if (trace->read(at, caller) != ST_OK ||
		 trace->read(next, address) != ST_OK)
		end_walk(trace, "a frame pointer is outside the stacks");
	return !trace->is_done;
}

static void start_at(struct backtrace *trace, const struct trap_frame *frame)
{
	trace->address = frame->rip;
	trace->is_exact = true;
	trace->frame_pointer = frame->rbp;
	trace->stack_pointer = frame->rsp;
	trace->floor = 0;
}

static void pass_trap(struct backtrace *trace, uint64_t link)
{
	vaddr_t base = { link + LINK_BYTES };
	struct trap_frame frame;
	const struct {
		size_t offset;
		uint64_t *to;
	} wanted[] = {
		{ offsetof(struct trap_frame, rip), &frame.rip },
		{ offsetof(struct trap_frame, rbp), &frame.rbp },
		{ offsetof(struct trap_frame, rsp), &frame.rsp },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
		vaddr_t at = { base.raw + wanted[i].offset };

		if (trace->read(at, wanted[i].to) != ST_OK) {
			end_walk(trace, "a trap frame is outside the stacks");
			return;
		}
	}
	start_at(trace, &frame);
}

/* `mov %rsp, %rbp`: from then on the function has a frame. */
static bool has_set_frame(const uint8_t *start, const uint8_t *now)
{
	for (const uint8_t *at = start; at + sizeof(set_frame) <= now; at++)
		if (memcmp(at, set_frame, sizeof(set_frame)) == 0)
			return true;
	return false;
}

/* The place of the return address of code without a frame. */
static bool return_is_on_top(const struct backtrace *trace, uint64_t *at)
{
	const uint8_t *now = (const uint8_t *)trace->address;
	const uint8_t *start;
	const char *name;
	uint64_t offset;

	*at = trace->stack_pointer;
	if (!symbols_is_text((vaddr_t){ trace->address }))
		return true;
	if (symbol_find((vaddr_t){ trace->address }, &name, &offset) != ST_OK)
		return false;
	start = now - offset;
	if (has_set_frame(start, now))
		return false;
	if (offset > 0 && *start == PUSH_RBP)
		*at += 8;
	return true;
}

static bool step_without_frame(struct backtrace *trace)
{
	uint64_t at, address;

	if (!trace->is_exact || !return_is_on_top(trace, &at) ||
	    !is_aligned(at, 8) ||
	    trace->read((vaddr_t){ at }, &address) != ST_OK ||
	    !symbols_is_text((vaddr_t){ address }))
		return false;
	trace->address = address;
	trace->is_exact = false;
	return true;
}

static void step(struct backtrace *trace)
{
	uint64_t caller, address;

	if (step_without_frame(trace))
		return;
	trace->is_exact = false;
	if (trace->frame_pointer == 0) {
		end_walk(trace, "");
		return;
	}
	if (!read_frame(trace, &caller, &address))
		return;
	if (address == 0) {
		end_walk(trace, "");
	} else if (address == (uint64_t)trap_return) {
		pass_trap(trace, caller);
	} else if (!symbols_is_text((vaddr_t){ address })) {
		end_walk(trace, "a return address is outside the text");
	} else {
		trace->floor = trace->frame_pointer;
		trace->frame_pointer = caller;
		trace->address = address;
	}
}

struct backtrace backtrace_of_frame(backtrace_read *read,
				    const struct trap_frame *frame)
{
	struct backtrace trace = { .read = read, .end = "" };
	uint64_t here = (uint64_t)frame;

	start_at(&trace, frame);
	/*
	 * The stack was entered again from its top: older frames are
	 * overwritten.
	 */
	if (frame->rsp < here && here - frame->rsp <= STACK_BYTES)
		trace.ceiling = here - REPORT_BYTES;
	return trace;
}

struct backtrace backtrace_of_function(backtrace_read *read,
				       uint64_t frame_pointer)
{
	struct backtrace trace = {
		.read = read,
		.frame_pointer = frame_pointer,
		.end = "",
	};

	step(&trace);
	return trace;
}

bool backtrace_next(struct backtrace *trace, struct backtrace_step *out)
{
	if (trace->is_done)
		return false;
	if (trace->steps == BACKTRACE_STEPS) {
		end_walk(trace, "the chain is longer than a stack");
		return false;
	}
	*out = (struct backtrace_step){ trace->address, trace->is_exact };
	trace->steps++;
	step(trace);
	return true;
}

static void print_step(unsigned number, const struct backtrace_step *at)
{
	/*
	 * A call that never returns may be the last instruction of its
	 * function.
	 */
	vaddr_t inside = { at->address - (at->is_exact ? 0 : 1) };
	const char *interrupted = at->is_exact && number > 0 ?
					  " interrupted=1" : "";
	const char *name;
	uint64_t offset;

	if (symbols_is_text(inside) &&
	    symbol_find(inside, &name, &offset) == ST_OK)
		log_line(LOG_ERROR,
			 "trap: frame n=%u address=0x%lx symbol=%s+0x%lx%s",
			 number, at->address, name,
			 offset + (at->is_exact ? 0 : 1), interrupted);
	else
		log_line(LOG_ERROR, "trap: frame n=%u address=0x%lx "
				    "symbol=none%s",
			 number, at->address, interrupted);
}

static void print_repeats(unsigned times)
{
	if (times > 0)
		log_line(LOG_ERROR, "trap: frame_again times=%u", times);
}

/* A recursion is one line with a count, so its callers are printed, too. */
void backtrace_print(struct backtrace *trace)
{
	struct backtrace_step at, last = { 0 };
	unsigned lines = 0, repeats = 0;

	while (lines < BACKTRACE_LINES && backtrace_next(trace, &at)) {
		if (trace->steps > 1 && at.address == last.address) {
			repeats++;
			continue;
		}
		print_repeats(repeats);
		repeats = 0;
		print_step(trace->steps - 1, &at);
		last = at;
		lines++;
	}
	print_repeats(repeats);
	if (!trace->is_done)
		log_line(LOG_ERROR, "trap: frames_end why=\"there are more\"");
	else if (trace->end[0] != '\0')
		log_line(LOG_ERROR, "trap: frames_end why=\"%s\"",
			 trace->end);
}

enum status backtrace_read_stack(vaddr_t at, uint64_t *out)
{
	struct stack_position position;
	struct table_leaf leaf;

	if (!stack_position_of(at, &position) ||
	    position.part != STACK_ITSELF ||
	    translate_address(at, &leaf) != ST_OK)
		return ST_BAD_RANGE;
	*out = *(const volatile uint64_t *)at.raw;
	return ST_OK;
}
