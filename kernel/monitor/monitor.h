/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* monitor.h - the prompt, and the commands that `run=` asks for. */
#ifndef KERNEL_MONITOR_MONITOR_H
#define KERNEL_MONITOR_MONITOR_H

/* Runs `commands`, separated by ';'. Returns the number of failures. */
unsigned monitor_run_list(const char *commands);

/* The version, usable memory and CPUs, at the right of the screen's header. */
void monitor_show_machine(void);

/* Prints memory, its owners and CPUs, for a boot that was asked nothing. */
void monitor_report(void);

/* Reads lines from serial port and keyboard, and runs them, for ever. */
_Noreturn void monitor_loop(void);

#endif
