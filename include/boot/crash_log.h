/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * crash_log.h - a log in memory that survives a warm reset, for the next boot.
 *
 * A run of pages that the loader always allocates first, so it is at the same
 * address after a warm reset and still has the content of the last attempt.
 * The header has the stage that the attempt reached, and a checksum. The log
 * text after it has a checksum of its own, so a line that was not finished
 * when the machine died does not make the header invalid.
 *
 * The functions only change memory: after each one that writes, the caller
 * writes the cache back (write_back in arch/instructions.h).
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
	uint32_t ended;			/* 1: on purpose, no crash           */
	uint32_t text_checksum;		/* CRC-32 of the text                */
	uint64_t text_bytes;
	char stage[CRASH_STAGE_BYTES];	/* the last one that was reached     */
	char fault[CRASH_FAULT_BYTES];	/* "" when there was no fault        */
};

/* The valid part of the log's text. */
struct crash_text {
	const char *text;
	uint64_t bytes;
};

/* Starts a new log in a run of `run_bytes`, at least CRASH_LOG_RUN_MIN. */
#define CRASH_LOG_RUN_MIN 4096
void crash_log_start(struct crash_log *log, uint64_t run_bytes,
		     uint64_t attempt);

/* Each of these leaves the header with a valid checksum. */
void crash_log_reach(struct crash_log *log, const char *stage);
void crash_log_note_fault(struct crash_log *log, const char *fault);
void crash_log_end(struct crash_log *log);

/* Text that does not fit is left out: the beginning matters most. */
void crash_log_append(struct crash_log *log, const char *text, size_t bytes);

/*
 * Checks that a log of an attempt is in the run of `run_bytes` at `log`.
 * Fails: ST_NOT_FOUND (no magic), ST_CORRUPT (magic without the checksum).
 */
enum status crash_log_check(const struct crash_log *log, uint64_t run_bytes);

/* The text of a log that passed the check; empty when its CRC is wrong. */
struct crash_text crash_log_text(const struct crash_log *log);

#endif
