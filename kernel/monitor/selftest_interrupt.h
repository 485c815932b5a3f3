/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* selftest_interrupt.h - the self test of handlers that allocate. */
#ifndef KERNEL_MONITOR_SELFTEST_INTERRUPT_H
#define KERNEL_MONITOR_SELFTEST_INTERRUPT_H

#include "command.h"

/*
 * Fails: ST_CORRUPT: an error was found; ST_NO_MEMORY: too little memory for
 *        the test; ST_UNSUPPORTED: there is no timer.
 */
enum status selftest_interrupt(const struct command_call *call);

#endif
