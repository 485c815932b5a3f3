// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The host tool from outside: arguments are its input; records, complaints and
 * an exit code its output. It runs in this process, with other streams.
 */
#include "acpi_draft.h"
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
#include "scripts/bulldog/madt.c"
#include "scripts/bulldog/main.c"
#include "scripts/bulldog/decode.c"
#include "scripts/bulldog/map_line.c"
#include "scripts/bulldog/map_linux.c"
#include "scripts/bulldog/map_names.c"
#include "scripts/bulldog/map_rows.c"
#include "scripts/bulldog/map_text.c"
#include "scripts/bulldog/numa.c"
#include "scripts/bulldog/regions.c"
#include "scripts/bulldog/table.c"
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
	/* fmemopen refuses a size of 0. */
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
	CHECK(gives(run_text("", GIVEN("regions", "-")), 1,
		    "@end cmd=regions status=1\n",
		    "standard input: no entry of a memory map in it\n"));
}

CASE(tool_names_usable_memory_beyond_the_supported)
{
	CHECK(gives(run_text("7 3ffffffff000 3 f\n7 500000000000 4 f\n",
			     GIVEN("regions", "-")), 0,
		    "@region start=0x3ffffffff000 end=0x400000000000"
		    " kind=free\n"
		    "@region start=0x400000000000 end=0x400000002000"
		    " kind=keep\n"
		    "@region start=0x500000000000 end=0x500000004000"
		    " kind=keep\n"
		    "@total free_pages=1 later_pages=0 low_pages=0 "
		    "acpi_pages=0 persistent_pages=0 unaccepted_pages=0 "
		    "keep_pages=6 entries=2 dropped_entries=0 lost_pages=6\n"
		    "@end cmd=regions status=0\n",
		    "bulldog: standard input: usable memory above the "
		    "supported 64 TiB is kept: 6 pages\n"));
}

CASE(tool_names_the_line_that_it_cannot_read)
{
	CHECK(gives(run_text("7 0 1 f\n\n7 1000 one f\n",
			     GIVEN("regions", "-")), 1,
		    "@end cmd=regions status=1\n",
		    "bulldog: standard input:3: not a line of a memory map: "
		    "7 1000 one f (what is read: efi columns, "));
	CHECK(gives(run_on("\x01[2J\n", 5, GIVEN("regions", "-")), 1,
		    "@end cmd=regions status=1\n", ":1: not a line of a memory "
		    "map: ?[2J (what"));
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

CASE(tool_checks_kernels)
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

/* --- numa and madt --------------------------------------------------------*/

#define TABLES "tests/data/acpi/"
#define NUMA2_MAP "tests/data/efi/qemu-q35-8g-numa2.txt"

/* The lines after the nodes of QEMU's machine with two. */
#define NUMA2_REST							\
	"@distance from=0 to=0 value=10\n"				\
	"@distance from=0 to=1 value=21\n"				\
	"@distance from=1 to=0 value=21\n"				\
	"@distance from=1 to=1 value=10\n"				\
	"@cpu apic=0 domain=0 enabled=1\n"				\
	"@cpu apic=1 domain=0 enabled=1\n"				\
	"@cpu apic=2 domain=1 enabled=1\n"				\
	"@cpu apic=3 domain=1 enabled=1\n"				\
	"@range start=0x0 end=0xa0000 domain=0 flags=enabled\n"		\
	"@range start=0x100000 end=0x80000000 domain=0 flags=enabled\n"	\
	"@range start=0x100000000 end=0x140000000 domain=0 "		\
	"flags=enabled\n"						\
	"@range start=0x140000000 end=0x280000000 domain=1 "		\
	"flags=enabled\n"						\
	"@end cmd=numa status=0\n"

#define ONE_NODE(pages)							\
	"@node id=0 domain=0 pages=" pages " cpus=0\n"			\
	"@distance from=0 to=0 value=10\n"				\
	"@end cmd=numa status=0\n"

static struct outcome run(char **words)
{
	return run_text("", words);
}

CASE(tool_prints_the_nodes_of_a_machine)
{
	static const char want[] =
		"@node id=0 domain=0 pages=786336 cpus=2\n"
		"@node id=1 domain=1 pages=1310720 cpus=2\n" NUMA2_REST;

	CHECK(gives(run(GIVEN("numa", TABLES "srat-qemu-numa2-dist21.bin",
			      TABLES "slit-qemu-numa2-dist21.bin")), 0, want,
		    ""));
	CHECK(gives(run(GIVEN("numa", TABLES "slit-qemu-numa2-dist21.bin",
			      TABLES "srat-qemu-numa2-dist21.bin")), 0, want,
		    ""));
}

CASE(tool_counts_the_pages_of_a_map_by_node)
{
	/* `regions`: 2085115 free, 10203 later, 144 low, in all 2095462. */
	static const char want[] =
		"@node id=0 domain=0 pages=784742 cpus=2\n"
		"@node id=1 domain=1 pages=1310720 cpus=2\n" NUMA2_REST;

	CHECK(gives(run(GIVEN("numa", NUMA2_MAP,
			      TABLES "slit-qemu-numa2-dist21.bin",
			      TABLES "srat-qemu-numa2-dist21.bin")), 0, want,
		    ""));
	CHECK(gives(run(GIVEN("numa", NUMA2_MAP)), 0, ONE_NODE("2095462"),
		    ""));
	/* Three more are outside of all ranges. */
	CHECK(gives(run_text("7 2000000000 3 f\n7 200000000 4 f\n",
			     GIVEN("numa", "-",
				   TABLES "srat-asrock-k10n78d-3e54.bin")), 0,
		    "@node id=0 domain=0 pages=4 cpus=2\n"
		    "@distance from=0 to=0 value=10\n"
		    "@cpu apic=0 domain=0 enabled=1\n"
		    "@cpu apic=1 domain=0 enabled=1\n"
		    "@range start=0x0 end=0xa0000 domain=0 flags=enabled\n"
		    "@range start=0x100000 end=0xd0000000 domain=0 "
		    "flags=enabled\n"
		    "@range start=0x100000000 end=0x230000000 domain=0 "
		    "flags=enabled\n"
		    "@end cmd=numa status=0\n",
		    "standard input: 3 usable pages in no range"));
}

CASE(tool_shows_what_may_be_plugged_in)
{
	CHECK(gives(run(GIVEN("numa", TABLES "srat-qemu-hotplug-64g.bin")), 0,
		    "@node id=0 domain=0 pages=1048480 cpus=8\n"
		    "@distance from=0 to=0 value=10\n"
		    "@cpu apic=0 domain=0 enabled=1\n"
		    "@cpu apic=1 domain=0 enabled=1\n"
		    "@cpu apic=2 domain=0 enabled=1\n"
		    "@cpu apic=3 domain=0 enabled=1\n"
		    "@cpu apic=4 domain=0 enabled=1\n"
		    "@cpu apic=5 domain=0 enabled=1\n"
		    "@cpu apic=6 domain=0 enabled=1\n"
		    "@cpu apic=7 domain=0 enabled=1\n"
		    "@range start=0x0 end=0xa0000 domain=0 flags=enabled\n"
		    "@range start=0x100000 end=0x80000000 domain=0 "
		    "flags=enabled\n"
		    "@range start=0x100000000 end=0x180000000 domain=0 "
		    "flags=enabled\n"
		    "@range start=0x180000000 end=0x1180000000 domain=0 "
		    "flags=enabled+hotplug\n"
		    "@end cmd=numa status=0\n", ""));
}

CASE(tool_prints_the_processors_of_a_machine)
{
	CHECK(gives(run(GIVEN("madt", TABLES "madt-asrock-k10n78d-3e54.bin")),
		    0,
		    "@cpu index=0 apic=0 x2apic=0 enabled=1 online_capable=0\n"
		    "@cpu index=1 apic=1 x2apic=0 enabled=1 online_capable=0\n"
		    "@cpu index=2 apic=130 x2apic=0 enabled=0 "
		    "online_capable=0\n"
		    "@cpu index=3 apic=131 x2apic=0 enabled=0 "
		    "online_capable=0\n"
		    "@cpu index=4 apic=132 x2apic=0 enabled=0 "
		    "online_capable=0\n"
		    "@cpu index=5 apic=133 x2apic=0 enabled=0 "
		    "online_capable=0\n"
		    "@end cmd=madt status=0\n", ""));
	CHECK(gives(run(GIVEN("madt", TABLES "madt-samsung-960qha-85ca.bin")),
		    0,
		    "@cpu index=0 apic=0 x2apic=1 enabled=1 online_capable=0\n"
		    "@cpu index=1 apic=8 x2apic=1 enabled=1 online_capable=0\n"
		    "@cpu index=2 apic=16 x2apic=1 enabled=1 "
		    "online_capable=0\n"
		    "@cpu index=3 apic=24 x2apic=1 enabled=1 "
		    "online_capable=0\n"
		    "@cpu index=4 apic=64 x2apic=1 enabled=1 "
		    "online_capable=0\n"
		    "@cpu index=5 apic=66 x2apic=1 enabled=1 "
		    "online_capable=0\n"
		    "@cpu index=6 apic=68 x2apic=1 enabled=1 "
		    "online_capable=0\n"
		    "@cpu index=7 apic=70 x2apic=1 enabled=1 "
		    "online_capable=0\n"
		    "@end cmd=madt status=0\n", ""));
}

/* The output for a draft that is read as standard input. */
static struct outcome run_draft(struct acpi_draft *draft, char **words)
{
	return run_on((const char *)draft->data, draft->bytes, words);
}

CASE(tool_answers_wrong_tables_as_the_kernel_does)
{
	static struct acpi_draft draft;

	draft_begin(&draft, "SRAT", 3, DRAFT_SRAT_HEADER);
	draft_seal(&draft);
	CHECK(gives(run_draft(&draft, GIVEN("numa", "-")), 0, ONE_NODE("0"),
		    "standard input: not used, so there is one node: not "
		    "found\n"));
	draft_affinity(&draft, 0, 3, 1);
	draft_seal(&draft);
	draft.data[9]++;
	CHECK(gives(run_draft(&draft, GIVEN("numa", "-", NUMA2_MAP)), 0,
		    ONE_NODE("2095462"),
		    "standard input: not used, so there is one node: "
		    "its checksum does not add up\n"));
	draft_entry(&draft, 1, 1);
	draft_seal(&draft);
	CHECK(gives(run_draft(&draft, GIVEN("numa", "-")), 0,
		    "@node id=0 domain=0 pages=0 cpus=1\n"
		    "@distance from=0 to=0 value=10\n"
		    "@cpu apic=3 domain=0 enabled=1\n"
		    "@end cmd=numa status=0\n",
		    "standard input: ends in what is no entry\n"));
	draft_begin(&draft, "SRAT", 3, DRAFT_SRAT_HEADER);
	draft_memory(&draft, (struct draft_memory){
			0, 1, 1UL << 52, 3UL << 51 });
	draft_memory(&draft, (struct draft_memory){
			1, 1, (1UL << 52) - 4096, 3UL << 51 });
	draft_seal(&draft);
	CHECK(gives(run_draft(&draft, GIVEN("numa", "-")), 0,
		    "@node id=0 domain=1 pages=1 cpus=0\n"
		    "@distance from=0 to=0 value=10\n"
		    "@range start=0xffffffffff000 end=0x10000000000000 "
		    "domain=1 flags=enabled\n"
		    "@end cmd=numa status=0\n",
		    "standard input: ranges at or beyond 0x10000000000000: 1 "
		    "left out, 1 cut there\n"));
	draft_slit(&draft, 1, (const uint8_t *)"\x0b");
	CHECK(gives(run_draft(&draft, GIVEN("numa", "-")), 0, ONE_NODE("0"),
		    "standard input: not used, so distances are 10 and 20: "
		    "corrupt\n"));
	draft_begin(&draft, "APIC", 5, DRAFT_MADT_HEADER);
	draft_cpu(&draft, 3, 2);
	draft_entry(&draft, 0, 1);
	draft_seal(&draft);
	CHECK(gives(run_draft(&draft, GIVEN("madt", "-")), 0,
		    "@cpu index=0 apic=3 x2apic=0 enabled=0 online_capable=1\n"
		    "@end cmd=madt status=0\n",
		    "standard input: ends in what is no entry\n"));
}

CASE(tool_refuses_files_that_are_not_what_they_begin_as)
{
	static const char numa_end[] = "@end cmd=numa status=1\n";
	static const char madt_end[] = "@end cmd=madt status=1\n";
	static const char zeros[4096];
	static char srat[] = TABLES "srat-qemu-numa2-dist21.bin";
	static char madt[] = TABLES "madt-qemu-numa2-dist21.bin";
	static struct acpi_draft draft;

	CHECK(gives(run(GIVEN("numa", "-")), 1, numa_end,
		    "standard input: empty: neither a table nor a map\n"));
	CHECK(gives(run(GIVEN("numa", srat, "-")), 1, numa_end,
		    "standard input: empty: neither a table nor a map\n"));
	CHECK(gives(run_on(zeros, sizeof(zeros), GIVEN("numa", "-")), 1,
		    numa_end, "standard input: no entry of a memory map in "
		    "it\n"));
	CHECK(gives(run_on(zeros, sizeof(zeros), GIVEN("madt", "-")), 1,
		    madt_end, "standard input: not an MADT\n"));
	CHECK(gives(run_on(zeros, sizeof(zeros), GIVEN("regions", "-")), 1,
		    "@end cmd=regions status=1\n",
		    "standard input: no entry of a memory map in it\n"));
	CHECK(gives(run(GIVEN("numa", "tests/data")), 1, numa_end,
		    "tests/data: Is a dir"));
	CHECK(gives(run(GIVEN("madt", "tests/data")), 1, madt_end,
		    "tests/data: Is a dir"));
	CHECK(gives(run_text("SRAT", GIVEN("numa", "-")), 1, numa_end,
		    "standard input: an ACPI table cut short\n"));
	CHECK(gives(run_text("SRA", GIVEN("numa", "-")), 1, numa_end,
		    "input:1: not a line of a memory map: SRA (what "));
	CHECK(gives(run_text("7 0 1 f\noops", GIVEN("numa", srat, "-")), 1,
		    numa_end, ":2: not a line of a memory map: oops (what "));
	CHECK(gives(run(GIVEN("numa", srat, srat)), 1, numa_end,
		    "another one of what tests/data/acpi/srat-"));
	CHECK(gives(run_text("7 0 1 f", GIVEN("numa", NUMA2_MAP, "-")), 1,
		    numa_end, "standard input: another one of what tests/"));
	CHECK(gives(run(GIVEN("numa", srat, madt)), 1, numa_end,
		    ".bin: an ACPI table, but neither SRAT nor SLIT\n"));
	CHECK(gives(run(GIVEN("numa", srat, "tests/data/missing")), 1,
		    numa_end, "tests/data/missing: No"));
	draft_begin(&draft, "APIC", 1, DRAFT_MADT_HEADER);
	draft_cpu(&draft, 0, 1);
	draft_seal(&draft);
	draft.bytes--;
	CHECK(gives(run_draft(&draft, GIVEN("madt", "-")), 1, madt_end,
		    "standard input: 51 bytes, but the table in it says "
		    "52\n"));
	draft.bytes++;
	draft.data[9]++;
	CHECK(gives(run_draft(&draft, GIVEN("madt", "-")), 1, madt_end,
		    "standard input: its checksum does not add up\n"));
	CHECK(gives(run(GIVEN("madt", srat)), 1, madt_end, ": not an MADT\n"));
	CHECK(gives(run_text("", GIVEN("madt", "-")), 1, madt_end,
		    "standard input: not an MADT\n"));
	CHECK(gives(run(GIVEN("madt", "tests/data/missing")), 1, madt_end,
		    "tests/data/missing: No"));
}

/* N2, N3 and I18. */
CASE(tool_says_what_a_good_table_lacks)
{
	static const char dump[] = "SRAT @ 0x00000000\n    0000: 53 52 41 54\n";
	static const char ask[] = "standard input: the text of acpidump: the "
				  "binary tables are wanted (acpixtract -a)\n";
	static const struct draft_memory memory[] = {
		{ .flags = 3, .end = 1UL << 30 },
		{ .flags = 3, .start = 1UL << 30, .end = 1UL << 31 },
	};
	static struct acpi_draft draft;

	draft_begin(&draft, "APIC", 1, DRAFT_MADT_HEADER);
	draft_seal(&draft);
	CHECK(gives(run_draft(&draft, GIVEN("madt", "-")), 0,
		    "@end cmd=madt status=0\n",
		    "standard input: no x86 processor in it\n"));
	for (unsigned plugged = 0; plugged < 2; plugged++) {
		struct outcome outcome;

		draft_begin(&draft, "SRAT", 3, DRAFT_SRAT_HEADER);
		draft_memory(&draft, memory[0]);
		draft_memory(&draft, (struct draft_memory){
			.flags = plugged ? 1 : 3, .start = memory[1].start,
			.end = memory[1].end });
		draft_seal(&draft);
		outcome = run_draft(&draft, GIVEN("numa", "-"));
		CHECK(outcome.status == 0);
		CHECK((strstr(outcome.complaints, "all memory is "
			      "hot-pluggable, so no pages are counted: the "
			      "memory map is wanted as well\n") == NULL) ==
		      plugged);
		free(outcome.records);
		free(outcome.complaints);
	}
	CHECK(gives(run_text(dump, GIVEN("numa", "-")), 1,
		    "@end cmd=numa status=1\n", ask));
	CHECK(gives(run_text(dump, GIVEN("madt", "-")), 1,
		    "@end cmd=madt status=1\n", ask));
}

CASE(tool_survives_every_truncation_of_a_table)
{
	size_t bytes = 0;
	uint8_t *table = draft_read("srat-qemu-numa2-dist21", &bytes);

	for (size_t n = 0; n < bytes; n++) {
		struct outcome outcome = run_on((char *)table, n,
						GIVEN("numa", "-"));

		CHECK(outcome.status == 1);
		CHECK(strcmp(outcome.records, "@end cmd=numa status=1\n") ==
		      0);
		CHECK(strncmp(outcome.complaints, "bulldog: standard input",
			      23) == 0);
		free(outcome.records);
		free(outcome.complaints);
	}
	free(table);
}

/* --- arguments ------------------------------------------------------------*/

CASE(tool_explains_itself)
{
	static char *const asking[] = { NULL, "--help", "-h", "help" };

	for (size_t i = 0; i < ARRAY_LENGTH(asking); i++) {
		struct outcome outcome = run_text("", GIVEN(asking[i]));

		CHECK(outcome.status == 0 && outcome.complaint_bytes == 0);
		CHECK(strstr(outcome.records, "bulldog regions ") != NULL);
		CHECK(strstr(outcome.records, "bulldog elf ") != NULL);
		CHECK(strstr(outcome.records, "bulldog numa     FILE...") !=
		      NULL);
		free(outcome.records);
		free(outcome.complaints);
	}
}

CASE(tool_explains_itself_after_a_command)
{
	struct outcome outcome = run_text("", GIVEN("numa", "--help"));

	CHECK(outcome.status == 0 && outcome.complaint_bytes == 0);
	CHECK(strstr(outcome.records, "bulldog regions ") != NULL);
	free(outcome.records);
	free(outcome.complaints);
	CHECK(gives(run_text("", GIVEN("--version")), 0,
		    "bulldog " BULLDOG_VERSION "\n", ""));
}

CASE(tool_refuses_what_it_does_not_know)
{
	CHECK(gives(run_text("", GIVEN("region", "-")), EXIT_USAGE, "",
		    "no command `region`"));
	CHECK(gives(run_text("", GIVEN("--regions")), EXIT_USAGE, "",
		    "no option `--regions`\nusage:"));
	CHECK(gives(run_text("", GIVEN("regions", "--all")), EXIT_USAGE, "",
		    "no option `--all`\nusage:"));
	CHECK(gives(run_text("", GIVEN("regions")), EXIT_USAGE, "",
		    "regions takes one file\nusage:"));
	CHECK(gives(run_text("", GIVEN("regions", "-", "-")), EXIT_USAGE, "",
		    "regions takes one file\nusage:"));
	CHECK(gives(run_text("", GIVEN("madt", "-", "-")), EXIT_USAGE, "",
		    "madt takes one file\nusage:"));
	CHECK(gives(run_text("", GIVEN("numa")), EXIT_USAGE, "",
		    "numa takes one file or more\nusage:"));
}
