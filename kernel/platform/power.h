/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* power.h - the ways out. */
#ifndef KERNEL_PLATFORM_POWER_H
#define KERNEL_PLATFORM_POWER_H

#include <boot/options.h>

/* isa-debug-exit ends QEMU with the status (value << 1) | 1. */
enum exit_code {
	EXIT_OK = 0x10,
	EXIT_COMMAND_FAILED = 0x11,
	EXIT_PANIC = 0x12,
};

/* Writes the debug-exit port, then halts: only options may ask for it. */
_Noreturn void power_exit(enum exit_code code);
/* The FADT's reset register, then port 0xCF9, then a triple fault. */
_Noreturn void power_reboot(void);
/* ACPI S5. Returns when this machine cannot: a line has said so. */
void power_off(void);

#endif
