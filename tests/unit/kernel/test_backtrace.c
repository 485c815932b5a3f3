// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The walk over a stack that the test builds word by word. Text is an array of
 * bytes: the walk reads it to decide whether a function has set its frame
 * pointer.
 */
#include <kernel/debug/backtrace.c>

#include <stdarg.h>

#include "check.h"

#define WORDS 64

const char trap_return[1];

/* Two stacks, one slot apart as in the kernel, and two functions. */
static uint64_t low_stack[WORDS], high_stack[WORDS];
#define LOW_STACK	0x100000UL
#define HIGH_STACK	(LOW_STACK + STACK_SLOT_BYTES)
#define FUNCTION_BYTES	16
static uint8_t text[2 * FUNCTION_BYTES];
static char printed[64][160];
static unsigned lines;

/* --- what the walk asks of the kernel ------------------------------------- */

bool symbols_is_text(vaddr_t address)
{
	return address.raw >= (uint64_t)text &&
	       address.raw < (uint64_t)(text + sizeof(text));
}

enum status symbol_find(vaddr_t address, const char **name, uint64_t *offset)
{
	static const char *const names[] = { "one", "two" };

	if (!symbols_is_text(address))
		return ST_NOT_FOUND;
	*offset = address.raw - (uint64_t)text;
	*name = names[*offset / FUNCTION_BYTES];
	*offset %= FUNCTION_BYTES;
	return ST_OK;
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	(void)level;
	va_start(arguments, format);
	if (lines < ARRAY_LENGTH(printed))
		vsnprintf(printed[lines++], sizeof(printed[0]), format,
			  arguments);
	va_end(arguments);
}

/* For backtrace_read_stack, which this test does not call. */
bool stack_position_of(vaddr_t address, struct stack_position *out)
{
	(void)address;
	(void)out;
	return false;
}

enum status translate_address(vaddr_t address, struct table_leaf *out)
{
	(void)address;
	(void)out;
	return ST_NOT_FOUND;
}

static enum status read_word(vaddr_t at, uint64_t *out)
{
	const struct {
		uint64_t start;
		const uint64_t *words;
	} stacks[] = { { LOW_STACK, low_stack }, { HIGH_STACK, high_stack } };

	for (size_t i = 0; i < ARRAY_LENGTH(stacks); i++) {
		if (at.raw < stacks[i].start ||
		    at.raw >= stacks[i].start + sizeof(low_stack))
			continue;
		CHECK(at.raw % 8 == 0);
		*out = stacks[i].words[(at.raw - stacks[i].start) / 8];
		return ST_OK;
	}
	return ST_BAD_RANGE;
}

/* --- building ------------------------------------------------------------ */

static void begin(void)
{
	memset(low_stack, 0, sizeof(low_stack));
	memset(high_stack, 0, sizeof(high_stack));
	memset(text, 0x90, sizeof(text));
	/* Both set the frame pointer in their first four bytes. */
	for (unsigned i = 0; i < 2; i++)
		memcpy(text + i * FUNCTION_BYTES, "\x55\x48\x89\xe5", 4);
	lines = 0;
}

static uint64_t code(unsigned function, unsigned offset)
{
	return (uint64_t)text + function * FUNCTION_BYTES + offset;
}

/* The address of a word of the lower stack. */
static uint64_t word(unsigned index)
{
	return LOW_STACK + 8 * index;
}

static void set_frame_at(unsigned index, uint64_t caller, uint64_t address)
{
	low_stack[index] = caller;
	low_stack[index + 1] = address;
}

static struct backtrace walk(uint64_t rip, uint64_t rbp, uint64_t rsp)
{
	struct trap_frame frame = { .rip = rip, .rbp = rbp, .rsp = rsp };

	return backtrace_of_frame(read_word, &frame);
}

static bool next_is(struct backtrace *trace, uint64_t address)
{
	struct backtrace_step at;

	return backtrace_next(trace, &at) && at.address == address;
}

static bool ends(struct backtrace *trace, const char *why)
{
	struct backtrace_step at;
	bool ended = !backtrace_next(trace, &at) &&
		     strcmp(trace->end, why) == 0;

	if (!ended)
		printf("# ended with \"%s\"\n", trace->end);
	return ended;
}

/* --- cases --------------------------------------------------------------- */

CASE(backtrace_follows_the_chain_to_the_return_address_zero)
{
	struct backtrace trace;

	begin();
	set_frame_at(10, word(20), code(1, 9));
	set_frame_at(20, word(30), code(0, 12));
	set_frame_at(30, 0, 0);
	trace = walk(code(0, 8), word(10), word(5));
	CHECK(next_is(&trace, code(0, 8)));
	CHECK(next_is(&trace, code(1, 9)));
	CHECK(next_is(&trace, code(0, 12)));
	CHECK(ends(&trace, ""));
	CHECK(ends(&trace, ""));
}

CASE(backtrace_of_a_function_starts_with_its_caller)
{
	struct backtrace trace;

	begin();
	set_frame_at(10, word(20), code(1, 9));
	set_frame_at(20, 0, 0);
	trace = backtrace_of_function(read_word, word(10));
	CHECK(next_is(&trace, code(1, 9)));
	CHECK(ends(&trace, ""));
}

CASE(backtrace_of_a_call_to_nowhere_finds_the_caller)
{
	struct backtrace trace;

	begin();
	low_stack[5] = code(1, 7);
	set_frame_at(10, 0, 0);
	trace = walk(0, word(10), word(5));
	CHECK(next_is(&trace, 0));
	CHECK(next_is(&trace, code(1, 7)));
	CHECK(ends(&trace, ""));
}

CASE(backtrace_sees_the_caller_before_there_is_a_frame)
{
	static const struct {
		unsigned offset, slot;
	} times[] = { { 0, 5 }, { 1, 6 }, { 3, 6 } };

	for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
		struct backtrace trace;

		begin();
		low_stack[times[i].slot] = code(1, 7);
		set_frame_at(10, word(20), code(0, 9));
		set_frame_at(20, 0, 0);
		trace = walk(code(0, times[i].offset), word(10), word(5));
		CHECK(next_is(&trace, code(0, times[i].offset)));
		CHECK(next_is(&trace, code(1, 7)));
		CHECK(next_is(&trace, code(0, 9)));
		CHECK(ends(&trace, ""));
	}
}

CASE(backtrace_sees_the_caller_of_a_function_that_never_has_a_frame)
{
	struct backtrace trace;

	begin();
	memset(text, 0x90, FUNCTION_BYTES);
	low_stack[5] = code(1, 7);
	set_frame_at(10, 0, 0);
	trace = walk(code(0, 12), word(10), word(5));
	CHECK(next_is(&trace, code(0, 12)));
	CHECK(next_is(&trace, code(1, 7)));
	CHECK(ends(&trace, ""));
}

CASE(backtrace_takes_no_data_for_a_return_address)
{
	struct backtrace trace;

	begin();
	low_stack[5] = 0x1234;
	set_frame_at(10, word(20), code(1, 9));
	set_frame_at(20, 0, 0);
	trace = walk(0, word(10), word(5));
	CHECK(next_is(&trace, 0));
	CHECK(next_is(&trace, code(1, 9)));
	CHECK(ends(&trace, ""));
}

CASE(backtrace_refuses_a_frame_pointer_that_is_not_one)
{
	static const struct {
		uint64_t pointer;
		const char *why;
	} bad[] = {
		{ LOW_STACK + 83, "a frame pointer is not aligned" },
		{ 0x8000000000000000, "a frame pointer is outside the stacks" },
		{ LOW_STACK - 8, "a frame pointer is outside the stacks" },
		/* Its first word is in the stack, its second is not. */
		{ LOW_STACK + 8 * (WORDS - 1),
		  "a frame pointer is outside the stacks" },
		{ UINT64_MAX - 7, "a frame pointer is outside the stacks" },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		struct backtrace trace;

		begin();
		trace = walk(code(0, 8), bad[i].pointer, word(5));
		CHECK(next_is(&trace, code(0, 8)));
		CHECK(ends(&trace, bad[i].why));
	}
}

CASE(backtrace_refuses_a_chain_that_does_not_ascend)
{
	static const char why[] = "frame pointers do not ascend in one stack";
	const uint64_t callers[] = { word(10), word(4),
				     HIGH_STACK + 8 * 10 };

	for (size_t i = 0; i < ARRAY_LENGTH(callers); i++) {
		struct backtrace trace;

		begin();
		set_frame_at(10, callers[i], code(1, 9));
		set_frame_at(4, 0, code(1, 9));
		trace = walk(code(0, 8), word(10), word(5));
		CHECK(next_is(&trace, code(0, 8)));
		CHECK(next_is(&trace, code(1, 9)));
		CHECK(ends(&trace, why));
	}
}

CASE(backtrace_refuses_a_return_address_that_is_no_code)
{
	struct backtrace trace;

	begin();
	set_frame_at(10, word(20), 0x1234);
	trace = walk(code(0, 8), word(10), word(5));
	CHECK(next_is(&trace, code(0, 8)));
	CHECK(ends(&trace, "a return address is outside the text"));
}

/* A handler's frame in the lower stack, the interrupted in the upper one. */
static void build_trap(unsigned link)
{
	struct trap_frame *frame = (struct trap_frame *)&low_stack[link + 2];

	set_frame_at(10, word(link), (uint64_t)trap_return);
	*frame = (struct trap_frame){
		.rip = code(1, 8),
		.rbp = HIGH_STACK + 8 * 4,
		.rsp = HIGH_STACK,
	};
	high_stack[4] = 0;
	high_stack[5] = code(0, 13);
}

CASE(backtrace_goes_through_a_trap_to_another_stack)
{
	struct backtrace trace;
	struct backtrace_step at;

	begin();
	build_trap(20);
	trace = walk(code(0, 8), word(10), word(5));
	CHECK(next_is(&trace, code(0, 8)));
	CHECK(backtrace_next(&trace, &at));
	CHECK(at.address == code(1, 8) && at.is_exact);
	CHECK(next_is(&trace, code(0, 13)));
	CHECK(ends(&trace, ""));
}

CASE(backtrace_ends_where_a_trap_frame_cannot_be_read)
{
	struct backtrace trace;

	begin();
	set_frame_at(10, word(WORDS - 4), (uint64_t)trap_return);
	trace = walk(code(0, 8), word(10), word(5));
	CHECK(next_is(&trace, code(0, 8)));
	CHECK(ends(&trace, "a trap frame is outside the stacks"));
}

CASE(backtrace_of_a_trap_that_interrupts_itself_ends)
{
	struct trap_frame *frame = (struct trap_frame *)&low_stack[22];
	struct backtrace trace;
	struct backtrace_step at;
	unsigned steps = 0;

	begin();
	set_frame_at(10, word(20), (uint64_t)trap_return);
	frame->rip = code(0, 8);
	frame->rbp = word(10);
	trace = walk(code(0, 8), word(10), word(5));
	while (steps < 2 * BACKTRACE_STEPS && backtrace_next(&trace, &at))
		steps++;
	CHECK(steps == BACKTRACE_STEPS);
	CHECK(trace.end[0] != '\0');
}

CASE(backtrace_stops_where_the_report_has_written)
{
	struct trap_frame frame = { .rip = code(0, 8), .rbp = word(10) };
	uint64_t here = (uint64_t)&frame;
	struct backtrace trace;

	begin();
	frame.rsp = here - STACK_BYTES / 2;
	trace = backtrace_of_frame(read_word, &frame);
	CHECK(trace.ceiling == here - REPORT_BYTES);
	set_frame_at(10, word(20), code(1, 9));
	trace.ceiling = word(20);
	CHECK(next_is(&trace, code(0, 8)));
	CHECK(next_is(&trace, code(1, 9)));
	CHECK(ends(&trace, "this report has overwritten the rest"));

	/* On another stack, or from above, nothing was overwritten. */
	frame.rsp = here + sizeof(frame);
	CHECK(backtrace_of_frame(read_word, &frame).ceiling == 0);
	frame.rsp = here - STACK_SLOT_BYTES;
	CHECK(backtrace_of_frame(read_word, &frame).ceiling == 0);
}

CASE(backtrace_prints_names_and_counts_a_recursion)
{
	struct backtrace trace;

	begin();
	for (unsigned i = 10; i < 20; i += 2)
		set_frame_at(i, word(i + 2), code(1, 9));
	set_frame_at(20, word(22), code(1, 0));
	set_frame_at(22, 0, 0);
	trace = walk(0x5000, word(10), word(40));
	backtrace_print(&trace);
	CHECK(lines == 4);
	CHECK(strcmp(printed[0], "trap: frame n=0 address=0x5000 "
				 "symbol=none") == 0);
	CHECK(strstr(printed[1], "trap: frame n=1 ") == printed[1]);
	CHECK(strstr(printed[1], " symbol=two+0x9") != NULL);
	CHECK(strcmp(printed[2], "trap: frame_again times=4") == 0);
	/* It returns to the next function: the call is the end of `one`. */
	CHECK(strstr(printed[3], "trap: frame n=6 ") == printed[3]);
	CHECK(strstr(printed[3], " symbol=one+0x10") != NULL);
}

CASE(backtrace_prints_a_bounded_number_of_lines)
{
	struct backtrace trace;
	struct trap_frame *frame = (struct trap_frame *)&low_stack[22];

	begin();
	set_frame_at(10, word(12), code(0, 9));
	set_frame_at(12, word(20), (uint64_t)trap_return);
	frame->rip = code(1, 8);
	frame->rbp = word(10);
	trace = walk(code(0, 8), word(10), word(5));
	backtrace_print(&trace);
	CHECK(lines == BACKTRACE_LINES + 1);
	CHECK(strcmp(printed[lines - 1],
		     "trap: frames_end why=\"there are more\"") == 0);
}
