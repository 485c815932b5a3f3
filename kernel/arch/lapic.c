// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Both modes have the same registers: the register at byte 16 * n of the
 * memory page is model-specific register 0x800 + n. Only the command register
 * differs: in memory it has two halves and a busy bit; as a model-specific
 * register it is one write that needs no wait.
 */
#include "lapic.h"

#include <arch/instructions.h>
#include <base/assert.h>
#include <base/atomic.h>
#include <base/bits.h>
#include <boot/layout.h>

#include "clock.h"
#include "cpu_local.h"
#include "interrupts.h"
#include "trap.h"

#define MSR_APIC_BASE	0x1b
#define MSR_X2APIC	0x800
#define BASE_X2		(1UL << 10)
#define BASE_ENABLED	(1UL << 11)
#define CPUID_APIC	(1u << 9)

/* Offsets of the registers in memory. */
enum lapic_register {
	LAPIC_ID = 0x20,
	LAPIC_VERSION = 0x30,
	LAPIC_TASK_PRIORITY = 0x80,
	LAPIC_END = 0xb0,
	LAPIC_SPURIOUS = 0xf0,
	LAPIC_IN_SERVICE = 0x100,
	LAPIC_COMMAND = 0x300,
	LAPIC_COMMAND_TO = 0x310,
	LAPIC_TIMER = 0x320,
	LAPIC_TIMER_COUNT = 0x380,
	LAPIC_TIMER_LEFT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE	(1u << 8)
#define COMMAND_BUSY	(1u << 12)
#define LVT_MASKED	(1u << 16)
#define LVT_DELIVERY	0x700u
#define LVT_NMI		0x400u
#define BUSY_TRIES	1000		/* a microsecond each                */
#define DIVIDE_BY_1	0xbu
#define MEASURE_US	1000UL

#define XAPIC_HIGHEST	0xfeu		/* 0xff addresses all CPUs           */
#define X2APIC_HIGHEST	0xfffffffeu

/* Read by ap_start.S. */
extern bool lapic_x2;
bool lapic_x2;
static bool there;

static volatile uint32_t *at_slot(enum lapic_register which)
{
	return (volatile uint32_t *)(LAPIC_SLOT + which);
}

static uint32_t lapic_read(enum lapic_register which)
{
	if (lapic_x2)
		return (uint32_t)read_msr(MSR_X2APIC + which / 16);
	return *at_slot(which);
}

static void lapic_write(enum lapic_register which, uint32_t value)
{
	if (lapic_x2)
		write_msr(MSR_X2APIC + which / 16, value);
	else
		*at_slot(which) = value;
}

static enum status map_registers(struct table *table, uint64_t base)
{
	unsigned bits = table->features.physical_bits;

	return table_map(table, &(struct table_mapping){
		.virt = { LAPIC_SLOT },
		.phys = { base & ((1UL << bits) - 1) & ~PAGE_MASK },
		.bytes = PAGE_SIZE,
		.rights = TABLE_WRITE | TABLE_GLOBAL,
		.cache = CACHE_UNCACHED,
	});
}

/* The interrupt is sent only to end a halt: there is no work. */
static void handle_wake(struct trap_frame *frame)
{
	struct cpu_local *me = cpu_local_at(cpu_local_id());
	void (*alarm)(void *argument) = me->alarm;

	(void)frame;
	lapic_end();
	me->alarm = NULL;
	if (alarm != NULL)
		alarm(me->alarm_argument);
}

enum status lapic_start(struct table *table)
{
	enum status status = ST_OK;
	uint64_t base;

	if ((read_cpuid(1, 0).edx & CPUID_APIC) == 0)
		return ST_UNSUPPORTED;
	base = read_msr(MSR_APIC_BASE);
	if ((base & BASE_ENABLED) == 0)
		return ST_UNSUPPORTED;
	lapic_x2 = base & BASE_X2;
	if (!lapic_x2)
		status = map_registers(table, base);
	there = status == ST_OK;
	trap_set_handler(VECTOR_WAKE, handle_wake);
	return status;
}

bool lapic_is_there(void)
{
	return there;
}

bool lapic_is_x2apic(void)
{
	return lapic_x2;
}

/* Older APICs have only the first entries of the table. */
static void mask_local_vectors(void)
{
	static const uint16_t table[] = { 0x320, 0x350, 0x360, 0x370,
					  0x340, 0x330, 0x2f0 };
	uint32_t last = lapic_read(LAPIC_VERSION) >> 16 & 0xff;

	for (size_t i = 0; i < ARRAY_LENGTH(table) && i <= last; i++) {
		uint32_t entry = lapic_read(table[i]);

		if ((entry & LVT_DELIVERY) != LVT_NMI)
			lapic_write(table[i], entry | LVT_MASKED);
	}
}

void lapic_init_cpu(void)
{
	mask_local_vectors();
	lapic_write(LAPIC_TASK_PRIORITY, 0);
	lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}

uint32_t lapic_id(void)
{
	uint32_t id = lapic_read(LAPIC_ID);

	return lapic_x2 ? id : id >> 24;
}

uint32_t lapic_highest_id(void)
{
	return lapic_x2 ? X2APIC_HIGHEST : XAPIC_HIGHEST;
}

static bool is_free(void)
{
	for (unsigned i = 0; i < BUSY_TRIES; i++) {
		if ((lapic_read(LAPIC_COMMAND) & COMMAND_BUSY) == 0)
			return true;
		clock_wait_us(1);
	}
	return false;
}

static enum status send_by_memory(uint32_t apic, uint32_t message)
{
	if (!is_free())
		return ST_DEVICE;
	lapic_write(LAPIC_COMMAND_TO, apic << 24);
	lapic_write(LAPIC_COMMAND, message);
	return ST_OK;
}

enum status lapic_send(uint32_t apic, uint32_t message)
{
	if (!there)
		return ST_DEVICE;
	if (!lapic_x2)
		return send_by_memory(apic, message);
	/* Unlike a store, this write does not wait for those before it. */
	__asm__ volatile("mfence\n\tlfence" : : : "memory");
	write_msr(MSR_X2APIC + LAPIC_COMMAND / 16,
		  (uint64_t)apic << 32 | message);
	return ST_OK;
}

void lapic_interrupt(uint32_t apic)
{
	uint64_t flags = interrupts_off();

	MUST(lapic_send(apic, LAPIC_VECTOR(VECTOR_CALL)));
	interrupts_restore(flags);
}

/*
 * The timer's counts in MEASURE_US of the clock; 0 when the timer stands
 * still. Measured at the first nap of any CPU: all timers have one clock
 * source.
 */
static uint32_t timer_rate(void)
{
	static atomic_u32 rate;
	static atomic_u8 is_known;

	if (atomic_load_acquire(&is_known))
		return atomic_load_relaxed(&rate);
	lapic_write(LAPIC_TIMER, LVT_MASKED | VECTOR_WAKE);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	lapic_write(LAPIC_TIMER_COUNT, UINT32_MAX);
	clock_wait_us(MEASURE_US);
	atomic_store_relaxed(&rate, UINT32_MAX - lapic_read(LAPIC_TIMER_LEFT));
	lapic_write(LAPIC_TIMER_COUNT, 0);
	/* Release: a CPU that sees is_known set also sees the rate. */
	atomic_store_release(&is_known, 1);
	return atomic_load_relaxed(&rate);
}

/* In counts of the timer; 0 when it stands still or has no such count. */
static uint32_t timer_count(uint64_t us)
{
	uint64_t count = there ? timer_rate() * us / MEASURE_US : 0;

	return count <= UINT32_MAX ? (uint32_t)count : 0;
}

/* One interrupt of VECTOR_WAKE. Interrupts are off. */
static void start_timer(uint32_t count)
{
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	lapic_write(LAPIC_TIMER, VECTOR_WAKE);
	lapic_write(LAPIC_TIMER_COUNT, count);
}

static void stop_timer(void)
{
	lapic_write(LAPIC_TIMER_COUNT, 0);
	lapic_write(LAPIC_TIMER, LVT_MASKED | VECTOR_WAKE);
}

void lapic_nap(uint64_t us)
{
	uint32_t count = timer_count(us);

	if (count == 0) {
		atomic_pause();
		return;
	}
	interrupts_off();
	cpu_local_at(cpu_local_id())->alarm = NULL;
	start_timer(count);
	interrupts_on_and_halt();
	stop_timer();
}

enum status lapic_alarm(uint64_t us, void (*function)(void *), void *argument)
{
	struct cpu_local *me = cpu_local_at(cpu_local_id());
	uint32_t count = timer_count(us);
	uint64_t flags;

	if (count == 0)
		return ST_UNSUPPORTED;
	flags = interrupts_off();
	me->alarm = function;
	me->alarm_argument = argument;
	start_timer(count);
	interrupts_restore(flags);
	return ST_OK;
}

void lapic_alarm_stop(void)
{
	uint64_t flags = interrupts_off();

	cpu_local_at(cpu_local_id())->alarm = NULL;
	stop_timer();
	interrupts_restore(flags);
}

void lapic_end(void)
{
	lapic_write(LAPIC_END, 0);
}

void lapic_end_unknown(unsigned vector)
{
	if (there && lapic_read(LAPIC_IN_SERVICE + vector / 32 * 16) >>
			     vector % 32 & 1)
		lapic_end();
}
