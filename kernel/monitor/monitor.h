/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* monitor.h - the prompt, and the commands that `run=` asks for. */
#ifndef KERNEL_MONITOR_MONITOR_H
#define KERNEL_MONITOR_MONITOR_H

/* Runs `commands`, separated by ';'. Returns how many did not succeed. */
unsigned monitor_run_list(const char *commands);

/* Reads lines from the serial port and runs them, for ever. */
_Noreturn void monitor_loop(void);

#endif
