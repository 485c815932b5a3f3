// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Reads the log that the last boot attempt left in memory, and starts the log
 * of this one.
 *
 * Its pages are allocated before all others and below a fixed limit: firmware
 * repeats its allocations after a warm reset, so the run is at the same
 * address. Only checksums decide whether its content is valid. When the last
 * attempt did not end on purpose, that is logged and its log is written to a
 * file, if the volume can be written: on a machine without a serial port there
 * is no other trace.
 */
#include "loader.h"

#include <arch/instructions.h>
#include <base/bits.h>
#include <base/string.h>
#include <base/text.h>
#include <boot/crash_log.h>

#define RUN_BYTES	(64 * KIB)
#define RUN_LIMIT	(64 * MIB)
#define DIRECTORY	L"\\EFI\\BULLDOG"
#define MODE_CREATE	(EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE |	\
			 EFI_FILE_MODE_CREATE)
#define NUMBER_AT	4	/* in LOG-NNNN.TXT */
#define NUMBER_END	8
#define NUMBER_MAX	9999
/* As many names as a FAT directory can have. */
#define NAMES_MAX	65536

static struct crash_log *current;

void crash_log_close(void)
{
	if (current == NULL)
		return;
	crash_log_end(current);
	write_back(current, sizeof(*current));
	current = NULL;
}

void crash_log_stage(const char *stage)
{
	if (current == NULL)
		return;
	crash_log_reach(current, stage);
	write_back(current, sizeof(*current));
}

void crash_log_fault(const char *fault)
{
	if (current == NULL)
		return;
	crash_log_note_fault(current, fault);
	write_back(current, sizeof(*current));
}

void crash_log_write(const char *text, size_t bytes)
{
	uint64_t before;

	if (current == NULL)
		return;
	before = current->text_bytes;
	crash_log_append(current, text, bytes);
	write_back((char *)(current + 1) + before,
		   current->text_bytes - before);
	write_back(current, sizeof(*current));
}

/* The number in LOG-NNNN.TXT, 0 for every other name. */
static unsigned number_of(const CHAR16 *name)
{
	static const char pattern[] = "LOG-####.TXT";
	unsigned number = 0;

	for (size_t i = 0; i < sizeof(pattern); i++) {
		bool digit = i >= NUMBER_AT && i < NUMBER_END;

		if (digit && name[i] >= '0' && name[i] <= '9')
			number = number * 10 + (name[i] - '0');
		else if (digit || (name[i] & ~0x20) != (pattern[i] & ~0x20))
			return 0;
	}
	return number;
}

/* A directory that cannot be read to its end may have a higher number. */
static EFI_STATUS highest_number(EFI_FILE_HANDLE directory, unsigned *highest)
{
	*highest = 0;
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		uint64_t buffer[128];
		EFI_FILE_INFO *info = (EFI_FILE_INFO *)buffer;
		UINTN bytes = sizeof(buffer);
		EFI_STATUS status = directory->Read(directory, &bytes, info);

		if (EFI_ERROR(status) || bytes == 0)
			return status;
		*highest = max_u64(*highest, number_of(info->FileName));
	}
	return EFI_VOLUME_FULL;
}

static EFI_STATUS open_next(EFI_FILE_HANDLE directory, EFI_FILE_HANDLE *out,
			    unsigned number)
{
	CHAR16 name[] = L"LOG-0000.TXT";

	for (size_t i = NUMBER_END; i-- > NUMBER_AT; number /= 10)
		name[i] += number % 10;
	return directory->Open(directory, out, name, MODE_CREATE, 0);
}

static EFI_STATUS write_file(EFI_FILE_HANDLE file,
			     const struct crash_log *before)
{
	struct crash_text log = crash_log_text(before);
	char head[CRASH_STAGE_BYTES + CRASH_FAULT_BYTES + 64];
	UINTN bytes = text_print(head, sizeof(head),
				 "attempt=%lu stage=%s\nfault: %s\n",
				 before->attempt, before->stage,
				 before->fault[0] ? before->fault : "none");
	EFI_STATUS status = file->Write(file, &bytes, head);

	bytes = log.bytes;
	if (!EFI_ERROR(status))
		status = file->Write(file, &bytes, (void *)log.text);
	return status;
}

static EFI_STATUS save(struct loader *loader, const struct crash_log *before,
		       unsigned *number)
{
	EFI_FILE_HANDLE directory, file;
	EFI_STATUS status;

	if (loader->volume == NULL)
		return EFI_NOT_FOUND;
	status = loader->volume->Open(loader->volume, &directory, DIRECTORY,
				      MODE_CREATE, EFI_FILE_DIRECTORY);
	if (EFI_ERROR(status))
		return status;
	status = highest_number(directory, number);
	if (!EFI_ERROR(status) && ++*number > NUMBER_MAX)
		status = EFI_VOLUME_FULL;
	if (!EFI_ERROR(status))
		status = open_next(directory, &file, *number);
	if (!EFI_ERROR(status)) {
		status = write_file(file, before);
		file->Close(file);
	}
	directory->Close(directory);
	return status;
}

static const char *why_not(EFI_STATUS status)
{
	return status == EFI_NOT_FOUND ? "no volume" :
	       status == EFI_WRITE_PROTECTED ? "the volume is read-only" :
	       status == EFI_VOLUME_FULL ? "no space, or no number left" :
					   "the firmware refused";
}

static void report(struct loader *loader, const struct crash_log *before)
{
	unsigned number = 0;
	EFI_STATUS status = save(loader, before, &number);
	char value[TEXT_VALUE_BYTES(CRASH_FAULT_BYTES)];

	text_print_value(value, sizeof(value), before->stage);
	log_warning("crash_log: last attempt did not end attempt=%lu stage=%s",
		    before->attempt, value);
	text_print_value(value, sizeof(value), before->fault);
	if (before->fault[0] != '\0')
		log_warning("crash_log: last fault what=%s", value);
	if (EFI_ERROR(status))
		log_warning("crash_log: not kept in a file why=\"%s\" "
			    "status=0x%lx", why_not(status), (uint64_t)status);
	else
		log_info("crash_log: kept file=LOG-%04u.TXT", number);
}

EFI_STATUS crash_log_open(struct loader *loader)
{
	struct handover *handover = loader->handover;
	struct page_request request = {
		.out = &handover->crash_log,
		.bytes = RUN_BYTES,
		.owner = OWNER_LOG,
		.limit = RUN_LIMIT,
	};
	EFI_STATUS status = memory_alloc(loader, &request);
	struct crash_log *log;
	uint64_t attempt = 1;

	request.limit = 0;
	if (EFI_ERROR(status))
		status = memory_alloc(loader, &request);
	if (EFI_ERROR(status))
		return log_error(status, "crash_log: no memory");
	handover->crash_log_bytes = RUN_BYTES;
	log = (struct crash_log *)handover->crash_log.raw;
	if (crash_log_check(log, RUN_BYTES) == ST_OK) {
		attempt = log->attempt + 1;
		if (!log->ended)
			report(loader, log);
	}
	crash_log_start(log, RUN_BYTES, attempt);
	current = log;
	crash_log_write(loader->log_text, loader->log_bytes);
	return EFI_SUCCESS;
}
