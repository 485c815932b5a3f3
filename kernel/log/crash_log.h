/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * crash_log.h - the log that a warm reset does not erase.
 *
 * The loader started it for this attempt; the kernel goes on in it. Before
 * crash_log_open, and without a run, the other calls do nothing.
 */
#ifndef KERNEL_LOG_CRASH_LOG_H
#define KERNEL_LOG_CRASH_LOG_H

#include <stddef.h>

#include <boot/handover.h>

void crash_log_open(const struct handover *handover);

/* The stage reached: "kernel.memory", "command ledger". */
void crash_log_set_stage(const char *stage);

/* The first line of a fault report. Only the first call counts. */
void crash_log_set_fault(const char *fault);

void crash_log_keep(const char *text, size_t bytes);

/* For a CPU that panics: the holder may never go on. */
void crash_log_break_lock(void);

/* This attempt ends on purpose: the next one has nothing to tell. */
void crash_log_finish(void);

#endif
