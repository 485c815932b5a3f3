/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * crash_log.h - what a boot leaves behind in memory for the next one.
 *
 * A run of pages that the loader always takes first, and so always at the
 * same place: after a warm reset the memory still holds what the attempt
 * before wrote there. The header says how far it came and has a checksum;
 * the text behind it is the log, checked on its own, so that a line that
 * was being written when the machine died costs only itself.
 *
 * Pure memory: the caller of each function that writes also writes the
 * processor's cache back (arch/instructions.h, write_back).
 */
#ifndef BOOT_CRASH_LOG_H
#define BOOT_CRASH_LOG_H

#include <base/address.h>
#include <base/status.h>

#define CRASH_LOG_MAGIC		0x474f4c5247444c42UL	/* "BLDGRLOG" */
#define CRASH_LOG_VERSION	1
#define CRASH_STAGE_BYTES	64
#define CRASH_FAULT_BYTES	256

/* Text fields end in NUL. */
struct crash_log {
	uint64_t magic;
	uint32_t version;
	uint32_t checksum;		/* CRC-32 of this header, this one 0 */
	uint64_t attempt;		/* 1 for the first since power-on    */
	uint64_t run_bytes;		/* header and text together          */
	uint32_t ended;			/* 1: on purpose, nothing to tell    */
	uint32_t text_checksum;		/* CRC-32 of the text                */
	uint64_t text_bytes;
	char stage[CRASH_STAGE_BYTES];	/* the last one that was reached     */
	char fault[CRASH_FAULT_BYTES];	/* "" when there was none            */
};

/* The log's text, as far as it can be trusted. */
struct crash_text {
	const char *text;
	uint64_t bytes;
};

/* Starts over in a run of `run_bytes`, at least CRASH_LOG_RUN_MIN. */
#define CRASH_LOG_RUN_MIN 4096
void crash_log_start(struct crash_log *log, uint64_t run_bytes,
		     uint64_t attempt);

/* Each of these leaves the header with a valid checksum. */
void crash_log_reach(struct crash_log *log, const char *stage);
void crash_log_note_fault(struct crash_log *log, const char *fault);
void crash_log_end(struct crash_log *log);

/* Text that does not fit is left out: the beginning tells most. */
void crash_log_append(struct crash_log *log, const char *text, size_t bytes);

/*
 * Is there a log of an attempt in the run of `run_bytes` at `log`?
 * Fails: ST_NOT_FOUND (anything else is there), ST_CORRUPT (the magic is,
 *        the checksum is not).
 */
enum status crash_log_check(const struct crash_log *log, uint64_t run_bytes);

/* The text of a log that passed the check; empty when its CRC is wrong. */
struct crash_text crash_log_text(const struct crash_log *log);

#endif
