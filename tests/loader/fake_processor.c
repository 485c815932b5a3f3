// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Ports, MSRs, CPUID and control registers as a small model, and the three
 * privileged instructions in the loader's text: cli, hlt and lidt trap in a
 * process, and the trap handler changes the model as they change a processor.
 */
#define _GNU_SOURCE
#include "fake_firmware.h"

#include <arch/instructions.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "check.h"

#define TICKS_A_PORT	1000		/* a port access, in TSC ticks       */
#define PIT_READS	32		/* of port 0x61 before it is done    */
#define FAULT_FETCH	0x10		/* page fault error code             */
#define TRAP_PAGE	14
#define SCREEN_COLUMNS	160		/* of the plain screen, 1280 pixels  */
#define SCREEN_ROWS	8		/* more than a refusal fills         */

/* The model's own state, in the loader's process. */
static struct {
	uint8_t uart[8];
	unsigned sent;
	unsigned pit_reads;
	uint16_t item;
	uint32_t offset;
} state;

/* --- serial port ----------------------------------------------------------*/

static void uart_out(unsigned which, uint8_t value)
{
	bool divisor = state.uart[3] & 0x80;

	state.uart[which] = value;
	if (which != 0 || divisor)
		return;
	if (fake_pc->serial == SERIAL_STUCK)
		state.sent++;
	if (fake_run->serial_bytes < FAKE_TEXT_BYTES - 1)
		fake_run->serial[fake_run->serial_bytes++] = (char)value;
}

static uint8_t uart_in(unsigned which)
{
	if (which != 5)
		return state.uart[which];
	fake_run->status_reads++;
	if (fake_pc->serial == SERIAL_STUCK &&
	    state.sent >= fake_pc->serial_patience)
		return 0;
	return 0x60;
}

/* --- fw_cfg ---------------------------------------------------------------*/

#define FILE_OTHER	0x20
#define FILE_CMDLINE	0x21

static void put_big_endian(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_entry(uint8_t *to, uint32_t bytes, unsigned key,
		      const char *name)
{
	put_big_endian(to, bytes);
	put_big_endian(to + 4, key << 16);
	memcpy(to + 8, name, strlen(name));
}

/* The directory: a count, then 64 bytes a file. */
static uint8_t directory_byte(uint32_t offset)
{
	uint8_t directory[4 + 2 * 64] = { 0 };
	uint32_t files = 1 + (fake_pc->fw_cfg != NULL);

	if (fake_pc->fw_cfg_files != 0)
		files = fake_pc->fw_cfg_files;
	put_big_endian(directory, files);
	put_entry(directory + 4, 20, FILE_OTHER, "etc/system-states");
	if (fake_pc->fw_cfg != NULL)
		put_entry(directory + 4 + 64, fake_pc->fw_cfg_bytes,
			  FILE_CMDLINE, "opt/org.bulldog.cmdline");
	return offset < sizeof(directory) ? directory[offset] : 0;
}

static uint8_t fw_cfg_in(void)
{
	uint32_t offset = state.offset++;

	switch (state.item) {
	case 0:
		return offset < 4 ? (uint8_t)"QEMU"[offset] : 0;
	case 0x19:
		return directory_byte(offset);
	case FILE_CMDLINE:
		if (offset >= fake_pc->fw_cfg_bytes)
			fake_violation("fw_cfg read beyond the file");
		return offset < strlen(fake_pc->fw_cfg) ?
			       (uint8_t)fake_pc->fw_cfg[offset] : 0;
	default:
		fake_violation("fw_cfg item %#x", state.item);
		return 0;
	}
}

/* --- ports ----------------------------------------------------------------*/

static bool is_uart(uint16_t port)
{
	return fake_pc->serial != SERIAL_ABSENT &&
	       (uint16_t)(port - fake_pc->serial_port) < 8;
}

/* COM1 to COM4: accesses there take no time. */
static bool is_com(uint16_t port)
{
	uint16_t base = port & 0xfff8;

	return base == 0x3f8 || base == 0x2f8 || base == 0x3e8 ||
	       base == 0x2e8;
}

static void check_fw_cfg(unsigned bytes, unsigned wanted)
{
	fake_run->fw_cfg_accesses++;
	if ((fake_pc->processor.ecx_1 & 1u << 31) == 0)
		fake_violation("fw_cfg on a machine without a hypervisor");
	if (bytes != wanted)
		fake_violation("fw_cfg access of %u bytes", bytes);
}

/* The fallback: only after ResetSystem returned. */
static void reset_by_port(uint8_t value)
{
	if ((!fake_run->reset_returned && fake_run->faults < 2) || value != 6)
		fake_violation("%#x to the reset port", value);
	if (fake_pc->reset_returns != RESET_NOTHING_HELPS)
		fake_end(ENDED_RESET);
}

/* Vectors of the loader's own table are called as its stubs do. */
static void raise_exception(unsigned vector)
{
	fake_run->faults++;
	if (fake_run->idt_limit == 0)
		fake_violation("an exception without a handler");
	exception_report(vector, 2, 0x1234567, 0xfeed000);
}

static void raise_if_due(uint16_t port)
{
	if (fake_pc->fault_port == 0)
		return;
	if (port == fake_pc->fault_port && fake_run->faults == 0)
		raise_exception(14);
	if (fake_pc->faults_again && fake_run->faults == 1)
		raise_exception(13);
}

void fake_out(uint16_t port, uint32_t value, unsigned bytes)
{
	fake_run->tsc += TICKS_A_PORT;
	raise_if_due(port);
	if (port == 0x510) {
		check_fw_cfg(bytes, 2);
		state.item = (uint16_t)value;
		state.offset = 0;
		return;
	}
	if (bytes != 1)
		fake_violation("%u bytes to port %#x", bytes, port);
	if (is_uart(port))
		uart_out((uint16_t)(port - fake_pc->serial_port),
			 (uint8_t)value);
	else if (port == 0x21 || port == 0xa1)
		fake_run->pic_masks[port == 0xa1] = (uint8_t)value;
	else if (port == 0xcf9)
		reset_by_port((uint8_t)value);
	else if (port == 0x42)
		state.pit_reads = 0;
	else if (port != 0x43 && port != 0x61 && !is_com(port))
		fake_violation("a write to port %#x", port);
}

static uint8_t pit_gate(void)
{
	return fake_pc->has_pit && state.pit_reads++ >= PIT_READS ? 0x20 : 0;
}

uint32_t fake_in(uint16_t port, unsigned bytes)
{
	fake_run->tsc += TICKS_A_PORT;
	if (port == 0x511) {
		check_fw_cfg(bytes, 1);
		return fake_pc->has_fw_cfg ? fw_cfg_in() : 0xff;
	}
	if (bytes != 1)
		fake_violation("%u bytes from port %#x", bytes, port);
	if (is_uart(port))
		return uart_in((uint16_t)(port - fake_pc->serial_port));
	if (port == 0x61)
		return pit_gate();
	if (!is_com(port))
		fake_violation("a read from port %#x", port);
	return 0xff;
}

/* --- registers ------------------------------------------------------------*/

uint64_t fake_tsc(void)
{
	return fake_run->tsc += 100;
}

uint64_t fake_control(unsigned number)
{
	const struct fake_processor *processor = &fake_pc->processor;

	switch (number) {
	case 0:
		return processor->cr0;
	case 3:
		return processor->cr3;
	case 4:
		return processor->cr4;
	default:
		fake_violation("control register %u", number);
		return 0;
	}
}

/* The local vector table, in the order in which APICs grew it. */
const uint16_t fake_lvt_places[FAKE_LVTS] = { 0x320, 0x350, 0x360, 0x370,
					      0x340, 0x330, 0x2f0 };

static const uint32_t lvt_values[FAKE_LVTS] = { 0x30020, 0x700, 0x400, 0xfd,
						0xfc, 0xfe, 0xfb };

static uint64_t apic_base(void)
{
	const struct fake_processor *processor = &fake_pc->processor;

	for (size_t i = 0; i < processor->msr_count; i++)
		if (processor->msrs[i].number == 0x1b)
			return processor->msrs[i].value;
	return 0;
}

static uint32_t apic_version(void)
{
	return 0x14 | (fake_pc->processor.lvts - 1) << 16;
}

/* The x2APIC register of MSR `number`; NULL when there is none. */
static uint32_t *x2apic_register(uint32_t number)
{
	static uint32_t version;

	version = apic_version();
	if ((apic_base() & 1 << 10) == 0)
		return NULL;
	if (number == 0x803)
		return &version;
	for (unsigned i = 0; i < fake_pc->processor.lvts; i++)
		if (number == 0x800u + fake_lvt_places[i] / 16)
			return &fake_run->x2apic[i];
	return NULL;
}

uint64_t fake_read_msr(uint32_t number)
{
	const struct fake_processor *processor = &fake_pc->processor;
	const uint32_t *apic = x2apic_register(number);

	if (apic != NULL)
		return *apic;
	for (size_t i = 0; i < processor->msr_count; i++)
		if (processor->msrs[i].number == number)
			return processor->msrs[i].value;
	fake_violation("MSR %#x, which this processor does not have", number);
	return 0;
}

void fake_write_msr(uint32_t number, uint64_t value)
{
	uint32_t *apic = x2apic_register(number);

	if (apic == NULL || number == 0x803)
		fake_violation("a write to MSR %#x", number);
	else
		*apic = (uint32_t)value;
}

void fake_msr_set(struct fake_processor *processor, uint32_t number,
		  uint64_t value)
{
	size_t i = 0;

	while (i < processor->msr_count && processor->msrs[i].number != number)
		i++;
	if (i == FAKE_MSRS_MAX)
		abort();
	processor->msrs[i] = (struct fake_msr){ number, value };
	if (i == processor->msr_count)
		processor->msr_count++;
}

static struct cpuid basic_leaf(const struct fake_processor *processor,
			       uint32_t leaf)
{
	switch (leaf) {
	case 0:
		return (struct cpuid){ processor->max_leaf, processor->vendor,
				       0, 0 };
	case 1:
		return (struct cpuid){ 0x806f8, 0, processor->ecx_1,
				       processor->edx_1 };
	case 7:
		return (struct cpuid){ 0, processor->ebx_7, processor->ecx_7,
				       0 };
	case 0x15:
		return (struct cpuid){ processor->clock[0],
				       processor->clock[1],
				       processor->clock[2], 0 };
	default:
		return (struct cpuid){ 0, 0, 0, 0 };
	}
}

/* A leaf beyond the last returns the data of another leaf, as on Intel. */
struct cpuid fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
	static const struct cpuid garbage = { 0x7fffffff, 0xffffffff,
					      0xffffffff, 0xffffffff };
	const struct fake_processor *processor = &fake_pc->processor;

	if (subleaf != 0)
		fake_violation("CPUID subleaf %u", subleaf);
	if (leaf < 0x80000000)
		return leaf <= processor->max_leaf ?
			       basic_leaf(processor, leaf) : garbage;
	if (processor->max_extended_leaf == 0)
		return garbage;
	if (leaf == 0x80000000)
		return (struct cpuid){ processor->max_extended_leaf, 0, 0, 0 };
	if (leaf > processor->max_extended_leaf)
		return garbage;
	if (leaf == 0x80000001)
		return (struct cpuid){ 0, 0, 0, processor->edx_80000001 };
	if (leaf == 0x80000008)
		return (struct cpuid){ processor->physical_bits | 0x3000, 0,
				       0, 0 };
	return (struct cpuid){ 0, 0, 0, 0 };
}

/* After a reset memory has only the lines that were written back. */
void fake_write_back(const void *start, uint64_t bytes)
{
	const struct fake_alloc *alloc = fake_alloc_at((uint64_t)start);
	uint64_t offset;

	/* The log's first page is the first that is written back. */
	if (fake_run->cache_start == 0)
		fake_run->cache_start = (uint64_t)start & ~(PAGE_SIZE - 1);
	offset = (uint64_t)start - fake_run->cache_start;
	if (!fake_pages_are_allocated(start, bytes) ||
	    offset + bytes > CRASH_PAGES * PAGE_SIZE ||
	    (alloc->pages != CRASH_PAGES &&
	     fake_run->failed[SERVICE_FREE_PAGES] == 0)) {
		fake_violation("a write-back of other memory than the log");
		return;
	}
	bytes += offset % 64;
	offset -= offset % 64;
	bytes = (bytes + 63) / 64 * 64;
	memcpy(fake_run->cached + offset,
	       (const char *)fake_run->cache_start + offset, bytes);
}

/* --- instructions that trap -----------------------------------------------*/

static uint64_t register_value(const ucontext_t *context, unsigned number)
{
	static const int order[] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
		REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13,
		REG_R14, REG_R15,
	};

	return (uint64_t)context->uc_mcontext.gregs[order[number]];
}

/*
 * The operand of `0f 01 /3`, whose ModRM byte is at `at`: the forms that a
 * compiler uses for a variable on the stack or in the image.
 * Source: Intel SDM vol. 2A, table 2-2.
 */
static const uint8_t *lidt_operand(const ucontext_t *context,
				   const uint8_t *at, uint8_t rex)
{
	unsigned mode = at[0] >> 6, base = at[0] & 7;
	const uint8_t *next = at + 1;
	uint64_t place = 0;
	int32_t far;

	if (base == 4) {
		if ((*next & 0x38) != 0x20 || rex & 2)
			return NULL;	/* an index register: not supported */
		base = *next++ & 7;
	}
	memcpy(&far, next, sizeof(far));
	if (mode == 0 && base == 5)
		return next + sizeof(far) + far;
	place = register_value(context, base | (rex & 1) << 3);
	if (mode == 1)
		place += (uint64_t)(int64_t)(int8_t)*next;
	else if (mode == 2)
		place += (uint64_t)(int64_t)far;
	return (const uint8_t *)place;
}

static size_t lidt_bytes(const uint8_t *at)
{
	unsigned mode = at[0] >> 6, base = at[0] & 7;
	size_t bytes = 1 + (base == 4);

	if (mode == 1)
		return bytes + 1;
	return bytes + (mode == 2 || base == 5 ? 4 : 0);
}

static bool emulate_lidt(ucontext_t *context, const uint8_t *at)
{
	uint8_t rex = (*at & 0xf0) == 0x40 ? *at : 0;
	const uint8_t *code = at + (rex != 0);
	const uint8_t *operand;
	uint64_t base;

	if (code[0] != 0x0f || code[1] != 0x01 || (code[2] & 0x38) != 0x18)
		return false;
	operand = lidt_operand(context, code + 2, rex);
	if (operand == NULL)
		return false;
	memcpy(&fake_run->idt_limit, operand, 2);
	memcpy(&base, operand + 2, 8);
	memcpy(fake_run->gates, (const void *)base, sizeof(fake_run->gates));
	context->uc_mcontext.gregs[REG_RIP] +=
		(rex != 0) + 2 + (long)lidt_bytes(code + 2);
	return true;
}

static void trapped(int number, siginfo_t *info, void *argument)
{
	ucontext_t *context = argument;
	greg_t *registers = context->uc_mcontext.gregs;
	const uint8_t *at = (const uint8_t *)registers[REG_RIP];

	(void)number;
	if (registers[REG_TRAPNO] == TRAP_PAGE &&
	    registers[REG_ERR] & FAULT_FETCH) {
		fake_run->jump = (uint64_t)at;
		fake_run->jump_argument = (uint64_t)registers[REG_RDI];
		fake_end(ENDED_JUMPED);
	}
	if (registers[REG_TRAPNO] != TRAP_PAGE && *at == 0xfa) {
		fake_run->interrupts_on = false;
		registers[REG_RIP]++;
		return;
	}
	if (registers[REG_TRAPNO] != TRAP_PAGE && *at == 0xf4)
		fake_end(ENDED_HALTED);
	if (registers[REG_TRAPNO] != TRAP_PAGE && emulate_lidt(context, at))
		return;
	if (registers[REG_TRAPNO] == TRAP_PAGE && fake_run->idt_limit != 0 &&
	    (uint64_t)info->si_addr - fake_pc->screen.base <
		    fake_pc->screen.bytes) {
		fake_run->faults++;
		exception_report(TRAP_PAGE, (uint64_t)registers[REG_ERR],
			     (uint64_t)at, (uint64_t)info->si_addr);
	}
	snprintf(fake_run->crash, sizeof(fake_run->crash),
		 "trap %lld error %#llx rip %p address %p",
		 registers[REG_TRAPNO], (unsigned long long)registers[REG_ERR],
		 (const void *)at, info->si_addr);
	fake_end(ENDED_CRASHED);
}

void fake_processor_start(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_NODEFER };
	volatile uint32_t *lapic = (volatile uint32_t *)LAPIC_BASE;

	action.sa_sigaction = trapped;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	fake_run->interrupts_on = true;
	memset(&state, 0, sizeof(state));
	lapic[0x30 / 4] = apic_version();
	for (unsigned i = 0; i < FAKE_LVTS; i++) {
		fake_run->x2apic[i] = lvt_values[i];
		lapic[fake_lvt_places[i] / 4] = lvt_values[i];
	}
}

/* --- what efi/(name).S would have defined ---------------------------------*/

/* Every line of a glyph has its code, so the screen can be read. */
const char *fake_screen_text(void)
{
	static char text[SCREEN_ROWS * SCREEN_COLUMNS + 1];
	const volatile uint32_t *pixels = (volatile uint32_t *)SCREEN_BASE;
	size_t used = 0;

	for (unsigned row = 0; row < SCREEN_ROWS; row++) {
		for (unsigned column = 0; column < SCREEN_COLUMNS; column++) {
			const volatile uint32_t *at = pixels +
				(row * 16 * SCREEN_COLUMNS + column) * 8;
			unsigned code = 0;

			for (unsigned x = 0; x < 8; x++)
				code = code << 1 | (at[x] != 0);
			if (code != 0)
				text[used++] = (char)code;
		}
	}
	text[used] = '\0';
	return text;
}

__asm__("	.pushsection .data\n"
	"	.balign	4096\n"
	"	.globl	embedded_kernel_start, embedded_kernel_end\n"
	"embedded_kernel_start:\n"
	"	.space	0x3180\n"
	"embedded_kernel_end:\n"
	"	.byte	0\n"
	"	.popsection\n"
	"	.pushsection .rodata\n"
	"	.balign	16\n"
	"	.globl	switch_start, switch_compat, switch_long\n"
	"	.globl	switch_gdt, switch_end, exception_stubs\n"
	"switch_start:\n"
	"	.fill	0x50, 1, 0xc1\n"
	"switch_compat:\n"
	"	.fill	0x30, 1, 0xc2\n"
	"switch_long:\n"
	"	.fill	0x48, 1, 0xc3\n"
	"switch_gdt:\n"
	"	.fill	0x20, 1, 0xc4\n"
	"switch_end:\n"
	"	.balign	16\n"
	"exception_stubs:\n"
	"	.space	512\n"
	"	.globl	loader_font\n"
	"loader_font:\n"
	"	.space	32\n"
	"	.set	glyph, 32\n"
	"	.rept	95\n"
	"	.fill	16, 1, glyph\n"
	"	.set	glyph, glyph + 1\n"
	"	.endr\n"
	"	.popsection\n");
