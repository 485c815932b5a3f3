// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boot/crash_log.h>

#include "check.h"

#define RUN_BYTES 8192

static struct crash_log *new_run(void)
{
	static _Alignas(16) unsigned char run[RUN_BYTES];

	memset(run, 0xa5, sizeof(run));
	return (struct crash_log *)run;
}

static bool text_is(const struct crash_log *log, const char *wanted)
{
	struct crash_text text = crash_log_text(log);

	return text.bytes == strlen(wanted) &&
	       memcmp(text.text, wanted, text.bytes) == 0;
}

CASE(crash_log_is_not_found_in_other_memory)
{
	struct crash_log *log = new_run();

	CHECK(crash_log_check(log, RUN_BYTES) == ST_NOT_FOUND);
	memset(log, 0, RUN_BYTES);
	CHECK(crash_log_check(log, RUN_BYTES) == ST_NOT_FOUND);
}

CASE(crash_log_keeps_stage_fault_and_text)
{
	struct crash_log *log = new_run();

	crash_log_start(log, RUN_BYTES, 7);
	CHECK(crash_log_check(log, RUN_BYTES) == ST_OK);
	CHECK(text_is(log, ""));
	crash_log_reach(log, "kernel.entry");
	CHECK(crash_log_check(log, RUN_BYTES) == ST_OK);
	crash_log_append(log, "one\n", 4);
	CHECK(crash_log_check(log, RUN_BYTES) == ST_OK);
	crash_log_append(log, "two\n", 4);
	crash_log_note_fault(log, "#PF at 0x10");
	CHECK(crash_log_check(log, RUN_BYTES) == ST_OK);
	CHECK(log->attempt == 7 && log->ended == 0);
	CHECK(strcmp(log->stage, "kernel.entry") == 0);
	CHECK(strcmp(log->fault, "#PF at 0x10") == 0);
	CHECK(text_is(log, "one\ntwo\n"));
	crash_log_end(log);
	CHECK(crash_log_check(log, RUN_BYTES) == ST_OK && log->ended == 1);
}

CASE(crash_log_cuts_long_stages_and_faults)
{
	struct crash_log *log = new_run();
	char words[1000];

	memset(words, 'x', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	crash_log_start(log, RUN_BYTES, 1);
	crash_log_reach(log, words);
	crash_log_note_fault(log, words);
	CHECK(crash_log_check(log, RUN_BYTES) == ST_OK);
	CHECK(strlen(log->stage) == CRASH_STAGE_BYTES - 1);
	CHECK(strlen(log->fault) == CRASH_FAULT_BYTES - 1);
	crash_log_reach(log, "y");
	CHECK(strcmp(log->stage, "y") == 0);
}

CASE(crash_log_stops_at_the_end_of_its_run)
{
	struct crash_log *log = new_run();
	unsigned char *behind = (unsigned char *)log + RUN_BYTES / 2;
	uint64_t room = RUN_BYTES / 2 - sizeof(*log);

	crash_log_start(log, RUN_BYTES / 2, 1);
	for (int i = 0; i < 500; i++)
		crash_log_append(log, "0123456789", 10);
	CHECK(log->text_bytes == room);
	CHECK(crash_log_text(log).bytes == room);
	for (int i = 0; i < RUN_BYTES / 2; i++)
		CHECK(behind[i] == 0xa5);
}

CASE(crash_log_notices_every_damaged_byte_of_its_header)
{
	struct crash_log *log = new_run();
	unsigned char *bytes = (unsigned char *)log;

	crash_log_start(log, RUN_BYTES, 3);
	crash_log_append(log, "text", 4);
	for (size_t i = 0; i < sizeof(*log); i++) {
		bytes[i] ^= 0x10;
		CHECK(crash_log_check(log, RUN_BYTES) != ST_OK);
		bytes[i] ^= 0x10;
	}
	CHECK(crash_log_check(log, RUN_BYTES) == ST_OK);
	CHECK(crash_log_check(log, RUN_BYTES / 2) == ST_CORRUPT);
}

CASE(crash_log_gives_no_text_that_was_damaged)
{
	struct crash_log *log = new_run();

	crash_log_start(log, RUN_BYTES, 3);
	crash_log_append(log, "text", 4);
	((char *)(log + 1))[2] = 'X';
	CHECK(crash_log_check(log, RUN_BYTES) == ST_OK);
	CHECK(text_is(log, ""));
}
