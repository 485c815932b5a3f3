/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * crash_log.h - the log that a warm reset does not erase.
 *
 * The loader started the log of this boot attempt; the kernel continues it.
 * Before crash_log_open, and when there is no memory for a log, the other
 * calls do nothing.
 */
#ifndef KERNEL_LOG_CRASH_LOG_H
#define KERNEL_LOG_CRASH_LOG_H

#include <stddef.h>

#include <boot/handover.h>

void crash_log_open(const struct handover *handover);

/* The stage reached: "kernel.memory", "command ledger". */
void crash_log_set_stage(const char *stage);

/* Records the first line of a fault report. Later calls do nothing. */
void crash_log_set_fault(const char *fault);

void crash_log_keep(const char *text, size_t bytes);

/* For a CPU that panics: the holder may be stopped for ever. */
void crash_log_break_lock(void);

/* This attempt ends on purpose: the next one reports no crash. */
void crash_log_finish(void);

#endif
