// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boot/crash_log.h>

#include <base/assert.h>
#include <base/bits.h>
#include <base/crc32.h>
#include <base/string.h>

_Static_assert(sizeof(struct crash_log) < CRASH_LOG_RUN_MIN, "text has room");

static char *text_of(struct crash_log *log)
{
	return (char *)(log + 1);
}

static uint32_t header_checksum(const struct crash_log *log)
{
	struct crash_log copy = *log;

	copy.checksum = 0;
	return crc32(0, &copy, sizeof(copy));
}

static void seal(struct crash_log *log)
{
	log->checksum = header_checksum(log);
}

static void copy_text(char *to, size_t room, const char *from)
{
	size_t bytes = min_u64(strlen(from), room - 1);

	memcpy(to, from, bytes);
	memset(to + bytes, 0, room - bytes);
}

void crash_log_start(struct crash_log *log, uint64_t run_bytes,
		     uint64_t attempt)
{
	ASSERT(run_bytes >= CRASH_LOG_RUN_MIN);
	*log = (struct crash_log){
		.magic = CRASH_LOG_MAGIC,
		.version = CRASH_LOG_VERSION,
		.attempt = attempt,
		.run_bytes = run_bytes,
	};
	seal(log);
}

void crash_log_reach(struct crash_log *log, const char *stage)
{
	copy_text(log->stage, sizeof(log->stage), stage);
	seal(log);
}

void crash_log_note_fault(struct crash_log *log, const char *fault)
{
	copy_text(log->fault, sizeof(log->fault), fault);
	seal(log);
}

void crash_log_end(struct crash_log *log)
{
	log->ended = 1;
	seal(log);
}

void crash_log_append(struct crash_log *log, const char *text, size_t bytes)
{
	uint64_t room = log->run_bytes - sizeof(*log) - log->text_bytes;

	bytes = min_u64(bytes, room);
	memcpy(text_of(log) + log->text_bytes, text, bytes);
	log->text_checksum = crc32(log->text_checksum, text, bytes);
	log->text_bytes += bytes;
	seal(log);
}

enum status crash_log_check(const struct crash_log *log, uint64_t run_bytes)
{
	if (log->magic != CRASH_LOG_MAGIC)
		return ST_NOT_FOUND;
	if (log->version != CRASH_LOG_VERSION || log->run_bytes != run_bytes ||
	    header_checksum(log) != log->checksum)
		return ST_CORRUPT;
	if (log->text_bytes > run_bytes - sizeof(*log) ||
	    log->stage[CRASH_STAGE_BYTES - 1] != '\0' ||
	    log->fault[CRASH_FAULT_BYTES - 1] != '\0')
		return ST_CORRUPT;
	return ST_OK;
}

struct crash_text crash_log_text(const struct crash_log *log)
{
	const char *text = (const char *)(log + 1);

	if (crc32(0, text, log->text_bytes) != log->text_checksum)
		return (struct crash_text){ text, 0 };
	return (struct crash_text){ text, log->text_bytes };
}
