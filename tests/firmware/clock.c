// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Interrupts that continue after the exit: the PIT and the local APIC's timer,
 * a thousand times a second, with a handler in the firmware's memory and
 * interrupts enabled. The handler's entry is ours; the table is the
 * firmware's.
 *
 * words: clock
 */
#include "hostile.h"

#define VECTOR_PIT	0x68	/* the vector of IRQ 0                       */
#define VECTOR_APIC	0x70
#define PIT_HZ		1193182
#define TICKS_PER_S	1000
#define GATE		0x8e00	/* present, ring 0, 64-bit interrupt gate    */

#define APIC_TIMER	0x320
#define APIC_INITIAL	0x380
#define APIC_DIVIDE	0x3e0
#define APIC_SPURIOUS	0xf0
#define APIC_PERIODIC	(1u << 17)
#define APIC_ENABLED	(1u << 8)
#define MSR_APIC_BASE	0x1b

struct gate {
	UINT16 low, selector, flags, middle;
	UINT32 high, zero;
};

static BOOLEAN wanted;
UINT64 clock_ticks;
volatile UINT8 *clock_apic;
extern const char clock_handler[];

static void set_gate(UINTN vector)
{
	struct __attribute__((packed)) {
		UINT16 limit;
		UINT64 base;
	} idt;
	UINT64 target = (UINT64)clock_handler;
	UINT16 selector;

	__asm__ volatile("sidt %0\n\tmov %%cs, %1" : "=m"(idt),
			 "=r"(selector));
	if ((vector + 1) * sizeof(struct gate) > (UINTN)idt.limit + 1)
		leave("NO_SUCH_GATE", vector, EXIT_BROKEN);
	((struct gate *)idt.base)[vector] = (struct gate){
		(UINT16)target, selector, GATE, (UINT16)(target >> 16),
		(UINT32)(target >> 32), 0 };
}

static void start_pit(void)
{
	UINT16 divisor = PIT_HZ / TICKS_PER_S;

	/* Initialises both controllers, so that IRQ 0 has our vector. */
	out8(0x20, 0x11);
	out8(0xa0, 0x11);
	out8(0x21, VECTOR_PIT);
	out8(0xa1, VECTOR_APIC);
	out8(0x21, 4);
	out8(0xa1, 2);
	out8(0x21, 1);
	out8(0xa1, 1);
	out8(0x21, 0xfe);
	out8(0xa1, 0xff);
	out8(0x43, 0x34);
	out8(0x40, (UINT8)divisor);
	out8(0x40, (UINT8)(divisor >> 8));
}

static volatile UINT32 *apic_register(UINTN offset)
{
	return (volatile UINT32 *)(clock_apic + offset);
}

static void start_apic_timer(void)
{
	*apic_register(APIC_SPURIOUS) |= APIC_ENABLED;
	*apic_register(APIC_DIVIDE) = 0xb;		/* by one */
	*apic_register(APIC_TIMER) = VECTOR_APIC | APIC_PERIODIC;
	*apic_register(APIC_INITIAL) = 1000000000 / TICKS_PER_S;
}

/* Waits for the first tick, so that the clock does run. */
static void after_exit(void)
{
	UINT32 low, high;

	if (!wanted)
		return;
	__asm__ volatile("cli");
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_APIC_BASE));
	clock_apic = (volatile UINT8 *)((UINT64)high << 32 |
					(low & 0xfffff000));
	set_gate(VECTOR_PIT);
	set_gate(VECTOR_APIC);
	start_pit();
	start_apic_timer();
	while (*(volatile UINT64 *)&clock_ticks < 3)
		__asm__ volatile("sti; hlt");
	serial_text("# hostile: clock");
	say_fact("ticks", clock_ticks);
	serial_text("\r\n");
}

static BOOLEAN word(const char *name, const char *value)
{
	(void)value;
	if (!text_equals(name, "clock"))
		return FALSE;
	wanted = TRUE;
	return TRUE;
}

const struct room clock_room = { .word = word, .after_exit = after_exit };
