// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kernel/arch/lapic.c in x2APIC mode, which the emulator does not have: every
 * register is model-specific, and each access is recorded. All boot tests use
 * the xAPIC mode.
 */
#include "check.h"

/* Instead of include/arch/instructions.h. */
#define ARCH_INSTRUCTIONS_H
struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

#define FIRST 0x800u
#define COUNT 0x40u

static uint64_t apic_base;
static uint32_t features;
static uint64_t registers[COUNT];
static unsigned reads[COUNT], writes[COUNT], strangers;

static struct cpuid read_cpuid(uint32_t leaf, uint32_t subleaf)
{
	(void)subleaf;
	return (struct cpuid){ .edx = leaf == 1 ? features : 0 };
}

static uint64_t read_msr(uint32_t number)
{
	if (number == 0x1b)
		return apic_base;
	if (number - FIRST >= COUNT) {
		strangers++;
		return 0;
	}
	reads[number - FIRST]++;
	return registers[number - FIRST];
}

static void write_msr(uint32_t number, uint64_t value)
{
	if (number - FIRST >= COUNT) {
		strangers++;
		return;
	}
	writes[number - FIRST]++;
	registers[number - FIRST] = value;
}

#include <kernel/arch/lapic.c>

static uint32_t timer_ticks;	/* of one measurement                */
static unsigned halts;

/* Called only to measure the timer. */
void clock_wait_us(uint64_t microseconds)
{
	CHECK(microseconds == 1000);
	registers[0x39] = UINT32_MAX - timer_ticks;
}

static trap_handler *wake_handler;

void trap_set_handler(unsigned vector, trap_handler *handler)
{
	CHECK(vector == VECTOR_WAKE);
	wake_handler = handler;
}

static int switched_off;
static unsigned messages = 1;	/* sent before interrupts are on again */
static struct cpu_local area;

struct cpu_local *cpu_local_at(unsigned index)
{
	CHECK(index == cpu_local_id());
	return &area;
}

uint64_t interrupts_off(void)
{
	switched_off++;
	return 7;
}

void interrupts_restore(uint64_t flags)
{
	CHECK(flags == 7 && writes[0x30] == messages);
	switched_off--;
}

/* Checks the timer, whose interrupt would end this halt. */
void interrupts_on_and_halt(void)
{
	CHECK(registers[0x32] == VECTOR_WAKE && registers[0x3e] == 0xb);
	CHECK(registers[0x38] == timer_ticks / 2);
	halts++;
}

static enum status start_with(uint64_t base)
{
	memset(registers, 0, sizeof(registers));
	memset(reads, 0, sizeof(reads));
	memset(writes, 0, sizeof(writes));
	strangers = 0;
	there = lapic_x2 = false;
	features = CPUID_APIC;
	apic_base = base;
	return lapic_start(NULL);
}

#define X2 (0xfee00000UL | BASE_ENABLED | BASE_X2)

CASE(lapic_in_x2_mode_needs_no_memory)
{
	CHECK(start_with(X2) == ST_OK);
	CHECK(lapic_is_there() && lapic_is_x2apic());
	CHECK(lapic_highest_id() == 0xfffffffe);
	registers[0x02] = 0x12345678;
	CHECK(lapic_id() == 0x12345678);
	CHECK(strangers == 0);
}

CASE(lapic_that_is_off_is_not_there)
{
	CHECK(start_with(0xfee00000UL) == ST_UNSUPPORTED);
	CHECK(!lapic_is_there());
	CHECK(lapic_send(1, LAPIC_INIT) == ST_DEVICE);
	features = 0;
	apic_base = X2;
	CHECK(lapic_start(NULL) == ST_UNSUPPORTED);
	lapic_end_unknown(0x40);
	for (unsigned i = 0; i < COUNT; i++)
		CHECK(reads[i] == 0 && writes[i] == 0);
}

/* One write has both halves; there is no poll of the last delivery. */
CASE(lapic_sends_by_one_write)
{
	CHECK(start_with(X2) == ST_OK);
	registers[0x30] = COMMAND_BUSY;
	CHECK(lapic_send(0xfe, LAPIC_START(0x9f)) == ST_OK);
	CHECK(registers[0x30] == 0x000000fe0000469f);
	CHECK(lapic_send(0xfffffffe, LAPIC_NMI) == ST_OK);
	CHECK(registers[0x30] == 0xfffffffe00004400);
	CHECK(lapic_send(300, LAPIC_VECTOR(0x41)) == ST_OK);
	CHECK(registers[0x30] == 0x0000012c00004041);
	CHECK(writes[0x30] == 3 && reads[0x30] == 0);
	CHECK(writes[0x31] == 0 && strangers == 0);
}

CASE(lapic_interrupts_with_interrupts_off)
{
	CHECK(start_with(X2) == ST_OK);
	switched_off = 0;
	lapic_interrupt(5);
	CHECK(registers[0x30] == (5UL << 32 | 0x4000 | VECTOR_CALL));
	CHECK(switched_off == 0);
}

CASE(lapic_masks_what_is_there_but_nmis)
{
	CHECK(start_with(X2) == ST_OK);
	registers[0x03] = 5UL << 16 | 0x15;
	registers[0x35] = 0x00700;
	registers[0x36] = LVT_NMI;
	registers[0x34] = 0xec;
	registers[0x08] = 0x20;
	lapic_init_cpu();
	CHECK(registers[0x32] == LVT_MASKED);
	CHECK(registers[0x35] == (0x700 | LVT_MASKED));
	CHECK(registers[0x36] == LVT_NMI);
	CHECK(registers[0x37] == LVT_MASKED);
	CHECK(registers[0x34] == (0xec | LVT_MASKED));
	CHECK(registers[0x33] == LVT_MASKED);
	CHECK(reads[0x2f] == 0 && writes[0x2f] == 0);
	CHECK(registers[0x08] == 0);
	CHECK(registers[0x0f] == (0x100 | VECTOR_SPURIOUS));
	CHECK(strangers == 0);
}

CASE(lapic_ends_what_is_in_service)
{
	CHECK(start_with(X2) == ST_OK);
	lapic_end();
	CHECK(writes[0x0b] == 1 && registers[0x0b] == 0);
	lapic_end_unknown(0x45);
	CHECK(reads[0x12] == 1 && writes[0x0b] == 1);
	registers[0x12] = 1u << 5;
	lapic_end_unknown(0x45);
	CHECK(writes[0x0b] == 2 && strangers == 0);
}

/* One measurement for all tests: the rate is measured once. */
CASE(lapic_naps_by_its_timer)
{
	CHECK(start_with(X2) == ST_OK);
	timer_ticks = 100000;
	halts = 0;
	lapic_nap(500);
	CHECK(halts == 1);
	CHECK(registers[0x38] == 0 && (registers[0x32] & LVT_MASKED));
	lapic_nap(500);
	CHECK(halts == 2);
	/* Too long for the timer: no nap, and none at all without one. */
	lapic_nap(UINT32_MAX);
	there = false;
	lapic_nap(500);
	CHECK(halts == 2 && strangers == 0);
}

static unsigned alarms;

static void count_alarm(void *argument)
{
	CHECK(argument == &alarms);
	alarms++;
}

static void ring(void)
{
	unsigned ends = writes[0xb];

	wake_handler(NULL);
	CHECK(writes[0xb] == ends + 1);
}

CASE(lapic_alarm_calls_once)
{
	CHECK(start_with(X2) == ST_OK);
	timer_ticks = 100000;
	messages = 0;
	alarms = 0;
	CHECK(lapic_alarm(500, count_alarm, &alarms) == ST_OK);
	CHECK(registers[0x32] == VECTOR_WAKE && registers[0x3e] == 0xb);
	CHECK(registers[0x38] == timer_ticks / 2);
	ring();
	ring();
	CHECK(alarms == 1);
	/* Dropped by a call, and by a nap. */
	CHECK(lapic_alarm(500, count_alarm, &alarms) == ST_OK);
	lapic_alarm_stop();
	CHECK(registers[0x38] == 0 && (registers[0x32] & LVT_MASKED));
	ring();
	CHECK(lapic_alarm(500, count_alarm, &alarms) == ST_OK);
	lapic_nap(500);
	ring();
	CHECK(alarms == 1);
	/* Too long for the timer, and none at all. */
	CHECK(lapic_alarm(UINT32_MAX, count_alarm, &alarms) ==
	      ST_UNSUPPORTED);
	there = false;
	CHECK(lapic_alarm(500, count_alarm, &alarms) == ST_UNSUPPORTED);
	ring();
	CHECK(alarms == 1 && strangers == 0);
	messages = 1;
}
