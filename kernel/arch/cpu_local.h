/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * cpu_local.h - the per-CPU area, found through the GS base.
 *
 * The boot CPU's area is part of the image; each other area is a page of its
 * own. Fields without a letter below are used by their own CPU only. The
 * kernel is not preemptible, so a task may use them without a guard until it
 * halts or polls. An interrupt handler changes only the fields that belong to
 * handlers, and restores `context` and `locks` before it returns.
 */
#ifndef KERNEL_ARCH_CPU_LOCAL_H
#define KERNEL_ARCH_CPU_LOCAL_H

/* Offsets for ap_start.S. */
#define CPU_SELF	0
#define CPU_INDEX	8
#define CPU_APIC	12
#define CPU_START	16
#define CPU_STACK	24

/* How far a CPU is. Each change is a compare-and-exchange. */
#define START_WAITING	0	/* may start                                 */
#define START_ARRIVED	1	/* is on its stack                           */
#define START_ONLINE	2	/* takes interrupts                          */
#define START_GIVEN_UP	3	/* was too late: must stop                   */

#ifndef __ASSEMBLER__
#include <arch/cpu_local.h>
#include <base/address.h>
#include <base/atomic.h>
#include <boot/layout.h>

#include "gdt.h"
#include "lock_ranks.h"

struct cpu_local;
struct frame_cache;

/* A call of one CPU to others, which hold a pointer to it until they answer. */
struct ipi_call {
	void (*function)(void *argument);
	void *argument;
	atomic_u32 unanswered;		/* [A]                               */
};

/* Bit n: CPU n has a call for the owner of this mailbox. */
struct mailbox {
	atomic_u64 callers[STACK_CPUS / 64];	/* [A]               */
};

/* A task for an idle CPU. */
struct work {
	void (*run)(void *argument);
	void *argument;
	atomic_u32 left;		/* [A] CPUs that have not ended it   */
};

struct cpu_counters {
	uint64_t interrupts;		/* exceptions not counted            */
	uint64_t calls_made;		/* one for each CPU called           */
	uint64_t calls_answered;
	uint64_t halts;			/* with nothing to do                */
};

struct cpu_local {
	struct cpu_local *self;		/* [C] so that %gs:0 is a pointer    */
	uint32_t index;			/* [C] 0 is the boot CPU             */
	uint32_t apic;			/* [C]                               */
	atomic_u32 start;		/* [A] START_*                       */
	uint64_t main_stack;		/* [C] its top                       */
	enum cpu_context context;
	struct lock_chain locks;
	struct cpu_counters counters;
	struct gdt gdt;
	struct ipi_call call;
	ATOMIC_POINTER(struct work) work;	/* [A] for the idle loop     */
	uint32_t pending_running;	/* bits: handlers under way          */
	void (*alarm)(void *argument);	/* of lapic_alarm; NULL: none        */
	void *alarm_argument;
	/* [C] by context, kernel/memory/frames.h; NULL: none.               */
	struct frame_cache *frame_cache[CPU_CONTEXTS];
	/* Other CPUs write from here on: a cache line of its own. */
	struct mailbox mailbox __attribute__((aligned(64)));
	atomic_u32 pending;		/* [A] bits: kernel/sync/pending.h   */
};

_Static_assert(sizeof(struct cpu_local) <= PAGE_SIZE, "one page for each");

/* The area of the CPU that calls. */
static inline struct cpu_local *this_cpu(void)
{
	struct cpu_local *self;

	__asm__("mov %%gs:0, %0" : "=r"(self));
	return self;
}

/* The boot CPU's area, ready for cpu_local_use. */
struct cpu_local *cpu_local_of_boot(void);

/* `area` is zero; it will be found under `index`. */
void cpu_local_prepare(struct cpu_local *area, unsigned index, uint32_t apic);

/* Removes the CPU of this number; the caller may free its area. */
void cpu_local_forget(unsigned index);

/* Makes `area` the area of the CPU that calls. */
void cpu_local_use(struct cpu_local *area);

/* NULL when there is no CPU of that number. */
struct cpu_local *cpu_local_at(unsigned index);

/* One more than the highest number that a CPU has. */
unsigned cpu_local_limit(void);

/* True while the CPU takes interrupts and translates with our tables. */
bool cpu_local_is_online(unsigned index);
#endif

#endif
