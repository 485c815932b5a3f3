// SPDX-License-Identifier: MIT OR Apache-2.0
#include "gdt.h"

#include <base/assert.h>

/* Flat, present, ring 0, marked accessed so that loading writes nothing. */
#define SEGMENT_CODE	0x00af9b000000ffff
#define SEGMENT_DATA	0x00cf93000000ffff
#define SEGMENT_ABSENT	(SEGMENT_DATA & ~(1UL << 47))
#define TASK_AVAILABLE	(0x89UL << 40)

_Static_assert(sizeof(struct task_state) == 104, "task state layout");
_Static_assert(STACK_KIND_COUNT <= TASK_STACKS + 1, "an IST for every kind");

struct __attribute__((packed)) table_pointer {
	uint16_t limit;
	uint64_t base;
};

/* A system descriptor is two entries wide: its base has 64 bits. */
static void describe_task(struct gdt *own)
{
	uint64_t base = (uint64_t)&own->task;
	uint64_t *entry = &own->segment[SELECTOR_TASK / 8];

	entry[0] = (sizeof(own->task) - 1) | (base & 0xffffff) << 16 |
		   TASK_AVAILABLE | (base >> 24 & 0xff) << 56;
	entry[1] = base >> 32;
}

static void load_segments(const struct table_pointer *pointer)
{
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "movl %2, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%ss\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "movl %%eax, %%fs\n\t"
			 "movl %%eax, %%gs\n\t"
			 "lldt %%ax"
			 :
			 : "m"(*pointer), "i"(SELECTOR_CODE),
			   "i"(SELECTOR_DATA)
			 : "rax", "memory");
}

void gdt_load(struct gdt *own)
{
	struct table_pointer pointer = {
		.limit = sizeof(own->segment) - 1,
		.base = (uint64_t)own->segment,
	};

	own->segment[SELECTOR_CODE / 8] = SEGMENT_CODE;
	own->segment[SELECTOR_DATA / 8] = SEGMENT_DATA;
	own->segment[SELECTOR_ABSENT / 8] = SEGMENT_ABSENT;
	/* The I/O map begins beyond the limit: programs may use no port. */
	own->task.io_map = sizeof(own->task);
	describe_task(own);
	load_segments(&pointer);
	__asm__ volatile("ltr %w0" : : "r"(SELECTOR_TASK));
}

void gdt_set_stack(struct gdt *own, enum stack_kind kind,
			   vaddr_t top)
{
	ASSERT(kind > STACK_MAIN && kind < STACK_KIND_COUNT);
	own->task.stack[kind - 1] = top.raw;
}
