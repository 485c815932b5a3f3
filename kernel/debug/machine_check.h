/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * machine_check.h - the banks in which hardware notes its errors.
 *
 * Source: Intel SDM vol. 3B chapter 16; AMD APM vol. 2 chapter 9.
 */
#ifndef KERNEL_DEBUG_MACHINE_CHECK_H
#define KERNEL_DEBUG_MACHINE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <kernel/arch/trap.h>

/*
 * Lets every bank of the CPU that calls report, so that #MC is delivered;
 * names and clears what an earlier boot left in them. Nothing where the
 * processor has no banks.
 * Locks: takes LOG, so the CPU must be online.
 */
void machine_check_start(void);

/*
 * Registers the handler of #MC. It reads the banks; when the machine can go
 * on, it notes what happened for machine_check_log_notes, clears the banks
 * and returns. Else it keeps them for the report, and no other CPU passes;
 * it ends in `unsurvivable`.
 */
void machine_check_init(trap_handler *unsurvivable);

/* For the report: the cause, in a sentence. */
void machine_check_cause(char *text, size_t bytes);
/* The global state, each bank that holds an error, whose frame it hit. */
void machine_check_report(void);

/*
 * The handler of PENDING_MACHINE_CHECK: logs what machine checks noted, and
 * takes the frames out of use. From tasks only, once the pools are up.
 */
void machine_check_log_notes(void);

#endif
