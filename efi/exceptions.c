// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Exceptions between the exit and the kernel's own handlers would reset the
 * machine without a trace. The loader's handlers log them first.
 */
#include "loader.h"

#define STUB_BYTES	16
#define VECTORS		32
#define GATE_INTERRUPT	0x8e00		/* present, ring 0, 64-bit interrupt */

struct gate {
	uint16_t offset_low, selector;
	uint16_t flags, offset_middle;
	uint32_t offset_high, zero;
};

extern const char exception_stubs[];
_Noreturn void exception_report(uint64_t vector, uint64_t error, uint64_t rip,
				uint64_t address);

static struct gate gates[VECTORS];
static bool reported;

void exception_report(uint64_t vector, uint64_t error, uint64_t rip,
		      uint64_t address)
{
	if (reported)
		reset_hard();
	reported = true;
	fatal("loader: fault vector=%lu error=0x%lx rip=0x%lx cr2=0x%lx "
	      "text=0x%lx", vector, error, rip, address,
	      (uint64_t)exception_stubs);
}

void exceptions_install(void)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} pointer = { sizeof(gates) - 1, (uint64_t)gates };
	uint16_t selector;

	__asm__ volatile("mov %%cs, %0" : "=r"(selector));
	for (unsigned i = 0; i < VECTORS; i++) {
		uint64_t target = (uint64_t)exception_stubs + i * STUB_BYTES;

		gates[i] = (struct gate){
			.offset_low = (uint16_t)target,
			.selector = selector,
			.flags = GATE_INTERRUPT,
			.offset_middle = (uint16_t)(target >> 16),
			.offset_high = (uint32_t)(target >> 32),
		};
	}
	__asm__ volatile("lidt %0" : : "m"(pointer));
}
