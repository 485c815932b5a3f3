// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The host tool as its user meets it: arguments in; records, complaints and
 * an exit code out. It runs in this process, with other streams.
 */
#include "check.h"

/* main.c has a main and an assert_failed of its own. */
int tool_main(int argc, char **argv);
_Noreturn void tool_assert_failed(const char *file, int line,
				  const char *text);
#define assert_failed tool_assert_failed
#define main tool_main
#include "scripts/bulldog/cursor.c"
#include "scripts/bulldog/elf.c"
#include "scripts/bulldog/file.c"
#include "scripts/bulldog/main.c"
#include "scripts/bulldog/map_line.c"
#include "scripts/bulldog/map_text.c"
#include "scripts/bulldog/regions.c"
#undef main
#undef assert_failed

#define GIVEN(...) ((char *[]){ "bulldog", __VA_ARGS__, NULL })

struct outcome {
	int status;
	char *records, *complaints;
	size_t record_bytes, complaint_bytes;
};

static struct outcome run_on(const char *input, size_t bytes, char **words)
{
	FILE *streams[] = { stdin, stdout, stderr };
	struct outcome outcome = { .status = -1 };
	int count = 0;

	while (words[count] != NULL)
		count++;
	/* fmemopen refuses to read nothing from nowhere. */
	stdin = fmemopen((char *)input, bytes > 0 ? bytes : 1, "rb");
	if (bytes == 0)
		(void)fgetc(stdin);
	stdout = open_memstream(&outcome.records, &outcome.record_bytes);
	stderr = open_memstream(&outcome.complaints, &outcome.complaint_bytes);
	outcome.status = tool_main(count, words);
	fclose(stdin);
	fclose(stdout);
	fclose(stderr);
	stdin = streams[0];
	stdout = streams[1];
	stderr = streams[2];
	return outcome;
}

static bool gives(struct outcome outcome, int status, const char *records,
		  const char *complaint)
{
	bool good = outcome.status == status &&
		    strcmp(outcome.records, records) == 0 &&
		    (*complaint != '\0'
			     ? strstr(outcome.complaints, complaint) != NULL
			     : outcome.complaint_bytes == 0);

	if (!good)
		printf("# status %d\n# %s# %s\n", outcome.status,
		       outcome.records, outcome.complaints);
	free(outcome.records);
	free(outcome.complaints);
	return good;
}

static struct outcome run_text(const char *input, char **words)
{
	return run_on(input, strlen(input), words);
}

CASE(tool_prints_regions_and_how_it_ended)
{
	CHECK(gives(run_text("# a map\r\n7 100000 100 f\r\n",
			     GIVEN("regions", "-")), 0,
		    "@region start=0x100000 end=0x200000 kind=free\n"
		    "@total free_pages=256 later_pages=0 low_pages=0 "
		    "acpi_pages=0 persistent_pages=0 unaccepted_pages=0 "
		    "keep_pages=0 entries=1 dropped_entries=0 lost_pages=0\n"
		    "@end cmd=regions status=0\n", ""));
	CHECK(gives(run_text("", GIVEN("regions", "-")), 0,
		    "@total free_pages=0 later_pages=0 low_pages=0 "
		    "acpi_pages=0 persistent_pages=0 unaccepted_pages=0 "
		    "keep_pages=0 entries=0 dropped_entries=0 lost_pages=0\n"
		    "@end cmd=regions status=0\n", ""));
}

CASE(tool_names_the_line_that_it_cannot_read)
{
	CHECK(gives(run_text("7 0 1 f\n\n7 1000 one f\n",
			     GIVEN("regions", "-")), 1,
		    "@end cmd=regions status=1\n",
		    "bulldog: standard input:3: not a line of a memory map: "
		    "7 1000 one f\n"));
	CHECK(gives(run_on("\x1b[2J\n", 5, GIVEN("regions", "-")), 1,
		    "@end cmd=regions status=1\n", ":1: not a line of a memory "
		    "map: ?[2J\n"));
}

CASE(tool_says_when_a_file_cannot_be_read)
{
	CHECK(gives(run_text("", GIVEN("regions", "tests/data/missing")), 1,
		    "@end cmd=regions status=1\n", "tests/data/missing: No"));
	CHECK(gives(run_text("", GIVEN("regions", "tests/data")), 1,
		    "@end cmd=regions status=1\n", "tests/data: Is a dir"));
	CHECK(gives(run_text("", GIVEN("elf", "tests/data/missing")), 1,
		    "@end cmd=elf status=1\n", "tests/data/missing: No"));
}

CASE(tool_judges_kernels)
{
	struct outcome outcome = run_text("no kernel", GIVEN("elf", "-"));
	static const char *const start = "@elf accepted=no reason=";

	CHECK(strncmp(outcome.records, start, strlen(start)) == 0);
	CHECK(strstr(outcome.records, "reason=none") == NULL);
	CHECK(strstr(outcome.records, "\n@end cmd=elf status=1\n") != NULL);
	CHECK(outcome.status == 1);
	free(outcome.records);
	free(outcome.complaints);
}

CASE(tool_reads_more_than_one_buffer_of_input)
{
	enum { LINES = 20000 };
	char *text = malloc(LINES * 16);
	struct outcome outcome;
	size_t bytes = 0;

	for (unsigned i = 0; i < LINES; i++)
		bytes += (size_t)sprintf(text + bytes, "7 %x000 1 f\n", i);
	outcome = run_on(text, bytes, GIVEN("regions", "-"));
	CHECK(outcome.status == 0);
	CHECK(strstr(outcome.records, " entries=20000 ") != NULL);
	free(outcome.records);
	free(outcome.complaints);
	free(text);
}

CASE(tool_explains_itself)
{
	static char *const asking[] = { NULL, "--help", "-h" };

	for (size_t i = 0; i < ARRAY_LENGTH(asking); i++) {
		struct outcome outcome = run_text("", GIVEN(asking[i]));

		CHECK(outcome.status == 0 && outcome.complaint_bytes == 0);
		CHECK(strstr(outcome.records, "bulldog regions ") != NULL);
		CHECK(strstr(outcome.records, "bulldog elf ") != NULL);
		free(outcome.records);
		free(outcome.complaints);
	}
}

CASE(tool_refuses_what_it_does_not_know)
{
	CHECK(gives(run_text("", GIVEN("region", "-")), EXIT_USAGE, "",
		    "no command `region`"));
	CHECK(gives(run_text("", GIVEN("regions")), EXIT_USAGE, "", "usage:"));
	CHECK(gives(run_text("", GIVEN("regions", "-", "-")), EXIT_USAGE, "",
		    "usage:"));
}
