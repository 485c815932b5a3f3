/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* power.h - reboot, power-off, and exit from QEMU. */
#ifndef KERNEL_PLATFORM_POWER_H
#define KERNEL_PLATFORM_POWER_H

#include <boot/options.h>

/* isa-debug-exit ends QEMU with the status (value << 1) | 1. */
enum exit_code {
	EXIT_OK = 0x10,
	EXIT_COMMAND_FAILED = 0x11,
	EXIT_PANIC = 0x12,
};

/*
 * After acpi_start: maps the reset register where it is memory, so that a
 * reboot, even out of a panic on any CPU, changes no tables. Boot CPU only.
 */
void power_start(void);

/*
 * These end the crash log and drain the consoles first, except for EXIT_PANIC.
 * power_exit writes the debug-exit port, then halts; it is called only when an
 * option asks for it. power_off is ACPI S5; it returns when this machine has
 * no S5, after a line in the log. From tasks; power_exit with EXIT_PANIC from
 * any context.
 */
_Noreturn void power_exit(enum exit_code code);
_Noreturn void power_reboot(void);
void power_off(void);

/*
 * The FADT's reset register, then port 0xCF9, then a triple fault. Writes no
 * text and takes no lock; from any context of any CPU.
 */
_Noreturn void power_reset(void);

#endif
