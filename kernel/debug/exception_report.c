// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The most important facts come first, because each further line relies on more
 * of the kernel: the cause needs the frame and the layout, the addresses need
 * tables and ledger, the backtrace needs an intact stack.
 */
#include "exception_report.h"

#include <arch/instructions.h>
#include <base/text.h>

#include <kernel/arch/exception_names.h>
#include <kernel/log/log.h>

#include "backtrace.h"
#include "describe_address.h"
#include "machine_check.h"
#include "panic.h"

#define MSR_EFER	0xc0000080
#define PORT_B		0x61		/* the reason of an NMI              */
#define PORT_B_CHANNEL	0x40
#define PORT_B_PARITY	0x80

#define DEBUG_STEP	(1UL << 14)	/* of DR6                            */
#define DEBUG_POINTS	0xfUL

#define CAUSE_BYTES 256

/* The property of the page that forbade the access. */
static const char *page_obstacle(uint64_t error)
{
	if (error & FAULT_RESERVED)
		return "its page-table entry is corrupt";
	if ((error & FAULT_PRESENT) == 0)
		return "not mapped";
	if (error & FAULT_FETCH)
		return "not executable";
	return error & FAULT_WRITE ? "read-only" : "not allowed";
}

/*
 * An overflowing stack faults on its guard page. The page fault cannot be
 * pushed on that stack, so it becomes a double fault.
 */
static bool is_overflow(const struct trap_frame *frame)
{
	struct stack_position guard, here;

	if (frame->vector != VECTOR_DOUBLE_FAULT ||
	    !stack_position_of((vaddr_t){ frame->cr2 }, &guard) ||
	    guard.part != STACK_GUARD_BELOW)
		return false;
	/* At its last byte, rsp is still in the stack or in the guard. */
	return stack_position_of((vaddr_t){ frame->rsp }, &here) &&
	       here.cpu == guard.cpu && here.kind == guard.kind;
}

static void print_cause(const struct trap_frame *frame)
{
	const char *name = exception_name(frame->vector);
	const char *who = frame->cs & 3 ? "a program" : "the kernel";
	char text[DESCRIPTION_BYTES], cause[CAUSE_BYTES];

	describe_address((vaddr_t){ frame->cr2 }, text, sizeof(text));
	if (frame->vector == VECTOR_PAGE_FAULT)
		text_print(cause, sizeof(cause), "%s %s %s 0x%lx, %s: %s", name,
			   who, fault_verb(frame->error), frame->cr2, text,
			   page_obstacle(frame->error));
	else if (is_overflow(frame))
		text_print(cause, sizeof(cause), "%s stack overflow into %s",
			   name, text);
	else if (frame->vector == VECTOR_MACHINE_CHECK)
		machine_check_cause(cause, sizeof(cause));
	else
		text_print(cause, sizeof(cause), "%s %s", name,
			   exception_words(frame->vector));
	log_line(LOG_ERROR, "trap: stopped cause=\"%s\"", cause);
	panic_note_cause(cause);
}

static void print_exception(const struct trap_frame *frame)
{
	const char *name = exception_name(frame->vector);
	char words[ERROR_WORDS_BYTES];

	exception_error_words(frame->vector, frame->error, words,
			      sizeof(words));
	log_line(LOG_ERROR, "trap: exception vector=%lu name=%s error=0x%lx "
			    "means=\"%s\"",
		 frame->vector, name[0] == '#' ? name + 1 : name, frame->error,
		 words);
}

static void print_address(const char *name, uint64_t value)
{
	char text[DESCRIPTION_BYTES];
	struct table_leaf leaf;

	describe_address((vaddr_t){ value }, text, sizeof(text));
	if (translate_address((vaddr_t){ value }, &leaf) != ST_OK) {
		log_line(LOG_ERROR, "trap: place of=%s value=0x%lx is=\"%s\" "
				    "phys=none", name, value, text);
		return;
	}
	log_line(LOG_ERROR, "trap: place of=%s value=0x%lx is=\"%s\" "
			    "phys=0x%lx rights=r%c%c%c leaf_bytes=%lu",
		 name, value, text,
		 leaf.phys.raw + (value - leaf.virt.raw),
		 leaf.rights & TABLE_WRITE ? 'w' : '-',
		 leaf.rights & TABLE_EXECUTE ? 'x' : '-',
		 leaf.rights & TABLE_USER ? 'u' : '-', leaf.bytes);
}

static void print_addresses(const struct trap_frame *frame)
{
	struct stack_position stack;

	if (frame->vector == VECTOR_PAGE_FAULT ||
	    frame->vector == VECTOR_DOUBLE_FAULT)
		print_address("cr2", frame->cr2);
	print_address("rip", frame->rip);
	print_address("rsp", frame->rsp);
	if (stack_position_of((vaddr_t){ frame->rsp }, &stack) &&
	    stack.part == STACK_ITSELF)
		log_line(LOG_ERROR,
			 "trap: stack name=%s cpu=%u bytes_left=%lu",
			 stack_kind_name(stack.kind), stack.cpu, stack.left);
}

static void print_registers(const struct trap_frame *frame)
{
	const struct {
		const char *name[3];
		uint64_t value[3];
	} lines[] = {
		{ { "rip", "rsp", "rflags" },
		  { frame->rip, frame->rsp, frame->rflags } },
		{ { "rax", "rbx", "rcx" },
		  { frame->rax, frame->rbx, frame->rcx } },
		{ { "rdx", "rsi", "rdi" },
		  { frame->rdx, frame->rsi, frame->rdi } },
		{ { "rbp", "r8", "r9" }, { frame->rbp, frame->r8, frame->r9 } },
		{ { "r10", "r11", "r12" },
		  { frame->r10, frame->r11, frame->r12 } },
		{ { "r13", "r14", "r15" },
		  { frame->r13, frame->r14, frame->r15 } },
		{ { "cr0", "cr2", "cr3" },
		  { READ_CONTROL(0), frame->cr2, READ_CONTROL(3) } },
		{ { "cr4", "efer", "cs_ss" },
		  { READ_CONTROL(4), read_msr(MSR_EFER),
		    frame->cs << 16 | frame->ss } },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		log_line(LOG_ERROR, "trap: registers %s=0x%016lx %s=0x%016lx "
				    "%s=0x%016lx",
			 lines[i].name[0], lines[i].value[0], lines[i].name[1],
			 lines[i].value[1], lines[i].name[2],
			 lines[i].value[2]);
}

static void print_debug(void)
{
	uint64_t status;

	__asm__ volatile("mov %%dr6, %0" : "=r"(status));
	log_line(LOG_ERROR, "trap: debug dr6=0x%lx means=\"%s\"", status,
		 status & DEBUG_STEP ? "single step" :
		 status & DEBUG_POINTS ? "breakpoint register" :
					 "neither step nor breakpoint");
}

static void print_nmi(void)
{
	uint8_t reason = in8(PORT_B);

	log_line(LOG_ERROR, "trap: nmi port_61=0x%02x means=\"%s\"", reason,
		 reason & PORT_B_PARITY ? "memory or bus error (SERR)" :
		 reason & PORT_B_CHANNEL ? "error on an I/O card (IOCHK)" :
					   "a button, a watchdog or software");
}

void report_exception(const struct trap_frame *frame)
{
	struct backtrace trace = backtrace_of_frame(backtrace_read_stack,
						    frame);

	panic_begin(&(struct panic_cause){
		.name = exception_name(frame->vector),
		.rip = frame->rip,
		.cr2 = frame->cr2,
	});
	print_cause(frame);
	print_exception(frame);
	if (frame->vector == VECTOR_DEBUG)
		print_debug();
	if (frame->vector == VECTOR_NMI)
		print_nmi();
	if (frame->vector == VECTOR_MACHINE_CHECK)
		machine_check_report();
	print_addresses(frame);
	print_registers(frame);
	backtrace_print(&trace);
}
