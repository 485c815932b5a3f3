/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * machine_check.h - machine checks: reads the error banks, goes on or stops.
 *
 * Source: Intel SDM vol. 3B chapter 16; AMD APM vol. 2 chapter 9.
 */
#ifndef KERNEL_DEBUG_MACHINE_CHECK_H
#define KERNEL_DEBUG_MACHINE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <kernel/arch/trap.h>

/*
 * Enables every bank of the CPU that calls, so that #MC is delivered; logs and
 * clears errors that an earlier boot left in them. Does nothing when the
 * processor has no banks.
 * Locks: takes LOG, so the CPU must be online.
 */
void machine_check_start(void);

/*
 * Registers the handler of #MC. It reads the banks. When the machine can go
 * on, it notes the errors for machine_check_log_notes, clears the banks and
 * returns. Otherwise it keeps them for the report, lets no other CPU into the
 * handler, and calls `unsurvivable`.
 */
void machine_check_init(trap_handler *unsurvivable);

/* For the report: the cause, in a sentence. */
void machine_check_cause(char *text, size_t bytes);
/*
 * Logs the global state, each bank with an error, and the owner of its frame.
 */
void machine_check_report(void);

/*
 * The handler of PENDING_MACHINE_CHECK: logs the noted errors and takes their
 * frames out of use. From tasks only, once the pools are up.
 */
void machine_check_log_notes(void);

#endif
