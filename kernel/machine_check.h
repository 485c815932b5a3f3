/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * machine_check.h - the banks in which hardware notes its errors.
 *
 * Source: Intel SDM vol. 3B chapter 16; AMD APM vol. 2 chapter 9.
 */
#ifndef KERNEL_MACHINE_CHECK_H
#define KERNEL_MACHINE_CHECK_H

/*
 * Lets every bank report, so that #MC is delivered; names and clears what
 * an earlier boot left in them. Nothing where the processor has no banks.
 */
void machine_check_start(void);

/* The global state and each bank that holds an error, a log line each. */
void machine_check_report(void);

#endif
