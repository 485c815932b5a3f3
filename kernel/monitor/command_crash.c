// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The command crash: raises each exception for real, so that its report can be
 * seen and tested. When a raise returns, the processor or the emulator did not
 * deliver the exception.
 *
 * Some exceptions cannot be caused by code and are raised by a software
 * interrupt, which uses the same gate and stack: `int 2` for the NMI, `int 18`
 * for the machine check, and `int 4`, because long mode has no INTO.
 */
#include "command.h"

#include <arch/instructions.h>
#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/trap.h>
#include <kernel/boot/boot_info.h>
#include <kernel/debug/describe_address.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/number.h>
#include <kernel/log/log.h>
#include <kernel/sync/ipi.h>

#define CR0_TS		(1UL << 3)
#define FLAG_TRAP	0x100
#define NOT_CANONICAL	0x8000000000000000
/* Not mapped: no allocator uses the end of the area yet. */
#define UNMAPPED	(VMEM_END - SIZE_1G)
/* Each level takes more than a byte, so this overflows any stack. */
#define OVERFLOW_DEPTH	STACK_SLOT_BYTES

static volatile uint8_t *pointer_to(uint64_t address)
{
	return (volatile uint8_t *)address;
}

/* The lowest byte of the stack of this kind; below it is its guard. */
static uint64_t stack_bottom(enum stack_kind kind)
{
	return stack_top(0, kind).raw - STACK_BYTES;
}

static void raise_de(void)
{
	__asm__ volatile("xorl %%ecx, %%ecx\n\t"
			 "xorl %%edx, %%edx\n\t"
			 "divl %%ecx"
			 :
			 :
			 : "rax", "rcx", "rdx", "cc");
}

static void raise_db(void)
{
	__asm__ volatile("pushfq\n\t"
			 "orl %0, (%%rsp)\n\t"
			 "popfq\n\t"
			 "nop"
			 :
			 : "i"(FLAG_TRAP)
			 : "memory", "cc");
}

static void raise_bp(void)
{
	__asm__ volatile("int3");
}

static void raise_of(void)
{
	__asm__ volatile("int $4");
}

static void raise_ud(void)
{
	__asm__ volatile("ud2");
}

static void raise_nm(void)
{
	WRITE_CONTROL(0, READ_CONTROL(0) | CR0_TS);
	__asm__ volatile("fninit");
}

static void raise_np(void)
{
	__asm__ volatile("movl %0, %%es" : : "r"(SELECTOR_ABSENT));
}

static void raise_ss(void)
{
	__asm__ volatile("movl %0, %%ss" : : "r"(SELECTOR_ABSENT));
}

static void raise_gp(void)
{
	(void)*pointer_to(NOT_CANONICAL);
}

static void raise_pf(void)
{
	*pointer_to(UNMAPPED) = 1;
}

/* The page fault cannot be pushed on the stack, which has no room. */
static void raise_df(void)
{
	__asm__ volatile("movq %0, %%rsp\n\t"
			 "pushq $0"
			 :
			 : "r"(stack_bottom(STACK_MAIN))
			 : "memory");
}

static void raise_nmi(void)
{
	__asm__ volatile("int $2");
}

static void raise_mc(void)
{
	__asm__ volatile("int $18");
}

static void raise_assert(void)
{
	ASSERT(boot_info.handover == NULL);
}

static void raise_panic(void)
{
	panic("crash: panic why=\"asked for\"");
}

static void raise_null_call(void)
{
	void (*volatile null_function)(void) = NULL;

	null_function();
}

static void raise_text_write(void)
{
	*pointer_to((uint64_t)&raise_text_write) = 0;
}

static void raise_rodata_write(void)
{
	static const uint8_t constant = 1;

	*pointer_to((uint64_t)&constant) = 0;
}

static void raise_nx(void)
{
	static uint8_t code[] = { 0xc3 };	/* ret */
	void (*volatile data)(void) = (void (*)(void))(uint64_t)code;

	data();
}

/* Writes to text through the direct map. */
static void raise_direct_text_write(void)
{
	*pointer_to(direct_map(boot_info.handover->segments[0].phys).raw) = 0;
}

static void raise_guard(void)
{
	*pointer_to(stack_bottom(STACK_MAIN) - 1) = 0;
}

static const struct {
	const char *name;
	void (*raise)(void);
} kinds[] = {
	{ "de", raise_de },
	{ "db", raise_db },
	{ "bp", raise_bp },
	{ "of", raise_of },
	{ "ud", raise_ud },
	{ "nm", raise_nm },
	{ "np", raise_np },
	{ "ss", raise_ss },
	{ "gp", raise_gp },
	{ "pf", raise_pf },
	{ "df", raise_df },
	{ "nmi", raise_nmi },
	{ "mc", raise_mc },
	{ "assert", raise_assert },
	{ "panic", raise_panic },
	{ "null-call", raise_null_call },
	{ "text-write", raise_text_write },
	{ "rodata-write", raise_rodata_write },
	{ "nx", raise_nx },
	{ "direct-text-write", raise_direct_text_write },
	{ "guard", raise_guard },
};

/* Short names of the stacks; layout.h has longer ones. */
static const struct {
	const char *name;
	enum stack_kind kind;
} stacks[] = {
	{ "main", STACK_MAIN },
	{ "df", STACK_DOUBLE_FAULT },
	{ "nmi", STACK_NMI },
	{ "mc", STACK_MACHINE_CHECK },
	{ "db", STACK_DEBUG },
};

static __attribute__((noinline)) uint64_t overflow(uint64_t depth)
{
	volatile uint64_t local = depth;

	if (depth == OVERFLOW_DEPTH)
		return local;
	return overflow(depth + 1) + local;
}

static void overflow_here(void *nothing)
{
	(void)nothing;
	overflow(0);
	panic("crash: survived what=\"the overflow of a stack\"");
}

static enum status overflow_stack(const struct command_call *call)
{
	const char *name = call->count > 2 ? call->words[2] : "";

	for (size_t i = 0; i < ARRAY_LENGTH(stacks); i++) {
		if (strcmp(stacks[i].name, name) != 0)
			continue;
		log_line(LOG_INFO, "crash: raise kind=stack stack=%s", name);
		trap_run_on_stack(stack_top(0, stacks[i].kind).raw,
				  overflow_here, NULL);
	}
	return command_refuse_at(call, 2);
}

static void print_kinds(struct sink *out)
{
	sink_print(out, "crash KIND, KIND one of");
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		sink_print(out, " %s", kinds[i].name);
	sink_print(out, "\ncrash KIND CPU, the same on another CPU");
	sink_print(out, "\ncrash stack NAME, NAME one of");
	for (size_t i = 0; i < ARRAY_LENGTH(stacks); i++)
		sink_print(out, " %s", stacks[i].name);
	sink_print(out, "\n");
}

/* Reads the number of an online CPU. False when it is none. */
static bool parse_cpu(const char *text, unsigned *out)
{
	uint64_t number;

	if (number_from_decimal(text, &number) != ST_OK ||
	    number >= cpu_local_limit())
		return false;
	*out = (unsigned)number;
	return cpu_local_is_online(*out);
}

static void raise_there(void *argument)
{
	void (*const *raise)(void) = argument;

	(*raise)();
}

static void raise_on(unsigned cpu, void (*raise)(void))
{
	if (cpu == cpu_local_id())
		raise();
	else
		ipi_call(cpu, raise_there, &raise);
}

enum status command_crash(const struct command_call *call)
{
	const char *kind = call->count > 1 ? call->words[1] : "";
	unsigned cpu = cpu_local_id();

	if (strcmp(kind, "stack") == 0)
		return overflow_stack(call);
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		if (strcmp(kinds[i].name, kind) != 0)
			continue;
		if (call->count > 2 && !parse_cpu(call->words[2], &cpu))
			return command_refuse(call, "no online CPU",
					      call->words[2]);
		log_line(LOG_INFO, "crash: raise kind=%s", kind);
		raise_on(cpu, kinds[i].raise);
		log_line(LOG_ERROR, "crash: survived kind=%s", kind);
		return ST_UNSUPPORTED;
	}
	if (!call->records)
		print_kinds(call->out);
	return command_refuse_at(call, 1);
}
