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

/*
 * Lets every bank of the CPU that calls report, so that #MC is delivered;
 * names and clears what an earlier boot left in them. Nothing where the
 * processor has no banks.
 * Locks: takes LOG, so the CPU must be online.
 */
void machine_check_start(void);

/*
 * For #MC alone: reads the banks. True when the machine can go on; what
 * happened is then noted for machine_check_log_notes, and the banks are clear.
 * False: they are kept for the report, and no other CPU gets past here.
 * Takes no lock that others hold, allocates nothing.
 */
bool machine_check_survive(void);

/* After false: what is to be quoted, in a sentence. */
void machine_check_cause(char *text, size_t bytes);
/* The global state, each bank that holds an error, whose frame it hit. */
void machine_check_report(void);

/*
 * The handler of PENDING_MACHINE_CHECK: logs what machine checks noted, and
 * takes the frames out of use. From tasks only, once the pools are up.
 */
void machine_check_log_notes(void);

#endif
