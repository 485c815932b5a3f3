// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The host tool's reader of map texts. Every map in tests/data is read by it,
 * made into regions, and compared with the oracle.
 */
#include <dirent.h>

#include <base/bits.h>
#include <mm/region.h>

#include "check.h"
#include "region_oracle.h"
#include "scripts/bulldog/cursor.c"
#include "scripts/bulldog/decode.c"
#include "scripts/bulldog/map_line.c"
#include "scripts/bulldog/map_linux.c"
#include "scripts/bulldog/map_names.c"
#include "scripts/bulldog/map_rows.c"
#include "scripts/bulldog/map_text.c"

#define WB EFI_ATTRIBUTE_WB

static bool reads_as(const char *text, struct map_entry want)
{
	struct map_entry entry;

	/* No NUL after the line, so that ASan reports a byte too many. */
	size_t bytes = strlen(text);
	char *line = malloc(bytes + 1);
	enum map_line kind;

	memcpy(line, text, bytes);
	line = realloc(line, bytes > 0 ? bytes : 1);
	kind = map_line_read((struct map_text_line){ line, bytes }, &entry);
	free(line);
	if (kind != MAP_LINE_ENTRY)
		return false;
	return entry.start == want.start && entry.bytes == want.bytes &&
	       entry.attributes == want.attributes && entry.type == want.type;
}

static enum map_line line_kind(const char *text)
{
	struct map_entry entry;

	return map_line_read((struct map_text_line){ text, strlen(text) },
			     &entry);
}

static bool is_strange(const char *text)
{
	return line_kind(text) == MAP_LINE_STRANGE;
}

static bool is_skipped(const char *text)
{
	return line_kind(text) == MAP_LINE_NOTHING;
}

CASE(maps_reads_four_columns)
{
	CHECK(reads_as("7 100000 f00 f",
		       (struct map_entry){ 0x100000, 0xf00000, 0xf, 7 }));
	CHECK(reads_as("\t4  0x1000\t0X2 800000000000000F \r",
		       (struct map_entry){ 0x1000, 0x2000,
					   0x800000000000000f, 4 }));
	CHECK(reads_as("2147483648 0 1 0  # an OS loader's",
		       (struct map_entry){ 0, 0x1000, 0, 0x80000000 }));
	CHECK(reads_as("0 0 10000000000000 0",
		       (struct map_entry){ 0, UINT64_MAX, 0, 0 }));
	CHECK(reads_as("0 ffffffffffffffff 0 ffffffffffffffff",
		       (struct map_entry){ UINT64_MAX, 0, UINT64_MAX, 0 }));
}

CASE(maps_reads_three_columns)
{
	static const struct {
		const char *type;
		enum region_kind kind;
	} types[] = {
		{ "1", REGION_FREE }, { "2", REGION_KEEP },
		{ "3", REGION_ACPI }, { "4", REGION_KEEP },
		{ "5", REGION_KEEP }, { "7", REGION_PERSISTENT },
		{ "c", REGION_PERSISTENT }, { "14", REGION_KEEP },
		{ "efffffff", REGION_KEEP }, { "0", REGION_KEEP },
		{ "6", REGION_KEEP }, { "123456789abc", REGION_KEEP },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
		struct map_entry entry;
		char line[64];

		snprintf(line, sizeof(line), "100000 1FFfff %s", types[i].type);
		CHECK(map_line_read((struct map_text_line){
			line, strlen(line) }, &entry) == MAP_LINE_ENTRY);
		CHECK(entry.start == 0x100000 && entry.bytes == 0x100000);
		CHECK(map_entry_kind(&entry) == types[i].kind);
	}
}

CASE(maps_three_columns_can_be_empty_and_not_reversed)
{
	CHECK(reads_as("5000 4fff 2", (struct map_entry){ 0x5000, 0, WB, 0 }));
	CHECK(reads_as("5000 ffffffffffffffff 2",
		       (struct map_entry){ 0x5000, 0UL - 0x5000, WB, 0 }));
	CHECK(reads_as("0 ffffffffffffffff 2",
		       (struct map_entry){ 0, UINT64_MAX, WB, 0 }));
	CHECK(reads_as("1 0 2", (struct map_entry){ 1, 0, WB, 0 }));
	CHECK(line_kind("5000 4ffe 2") == MAP_LINE_REVERSED);
	CHECK(line_kind("5000 0 2") == MAP_LINE_REVERSED);
	CHECK(line_kind("ffffffffffffffff 1 2") == MAP_LINE_REVERSED);
}

CASE(maps_reads_both_shells)
{
	CHECK(reads_as("available  0000000000750000-0000000001841FFF "
		       "00000000000010F2 0000000000000009",
		       (struct map_entry){ 0x750000, 0x10f2000, 9, 7 }));
	CHECK(reads_as("RT_data    0000000001B2B000-0000000001B2BFFF  "
		       "0000000000000001 8000000000000009",
		       (struct map_entry){ 0x1b2b000, 0x1000,
					   0x8000000000000009, 6 }));
	CHECK(reads_as("LoaderCode 00000008FADC3000-00000008FAEBAFFF "
		       "00000000000000F8 000000000000000F",
		       (struct map_entry){ 0x8fadc3000, 0xf8000, 0xf, 1 }));
	/* OEM types have no name, ranges no blank before the dash. */
	CHECK(reads_as("70000001 1000-1FFF 1 F",
		       (struct map_entry){ 0x1000, 0x1000, 0xf,
					   0x70000001 }));
	CHECK(reads_as("Reserved 5000-4FFF 0 0",
		       (struct map_entry){ 0x5000, 0, 0, 0 }));
	CHECK(reads_as("MMIO FFFFFFFFFFFFF000-FFF 2 1",
		       (struct map_entry){ 0xfffffffffffff000, 0x2000, 1,
					   11 }));
	/* A row that contradicts itself: neither half can be trusted. */
	CHECK(line_kind("Available 1000-2FFF 1 F") == MAP_LINE_UNEVEN);
	CHECK(is_strange("Available 1000-1FFF 1"));
	CHECK(is_strange("Availably 1000-1FFF 1 F"));
}

CASE(maps_knows_every_name_of_the_shells)
{
	static const struct {
		const char *name;
		uint32_t type;
	} names[] = {
		{ "reserved", 0 }, { "Reserved", 0 }, { "LoaderCode", 1 },
		{ "LoaderData", 2 }, { "BS_code", 3 }, { "BS_Code", 3 },
		{ "BS_data", 4 }, { "BS_Data", 4 }, { "RT_code", 5 },
		{ "RT_Code", 5 }, { "RT_data", 6 }, { "RT_Data", 6 },
		{ "available", 7 }, { "Available", 7 }, { "Unusable", 8 },
		{ "ACPI_recl", 9 }, { "ACPI_Recl", 9 }, { "ACPI_NVS", 10 },
		{ "MemMapIO", 11 }, { "MMIO", 11 }, { "MemPortIO", 12 },
		{ "MMIO_Port", 12 }, { "PAL_code", 13 }, { "PalCode", 13 },
		{ "Persistent", 14 }, { "Unaccepted", 15 },
		{ "BootServiceCode", 3 }, { "BootServiceData", 4 },
		{ "RuntimeCode", 5 }, { "RuntimeData", 6 },
		{ "UnusableMemory", 8 }, { "ACPIReclaimMemory", 9 },
		{ "ACPIMemoryNVS", 10 }, { "MemoryMappedIO", 11 },
		{ "MemoryMappedIOPortSpace", 12 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		char line[96];

		snprintf(line, sizeof(line), "%s 1000-2FFF 2 F",
			 names[i].name);
		CHECK(reads_as(line, (struct map_entry){ 0x1000, 0x2000, 0xf,
							 names[i].type }));
	}
}

CASE(maps_skips_what_surrounds_a_shell_listing)
{
	CHECK(is_skipped("Type      Start            End              "
			 "# Pages          Attributes"));
	CHECK(is_skipped("Type      Start            End         #pages  "
			 "           Attributes"));
	CHECK(is_skipped("  Reserved  :         18,689 Pages (76,550,144 "
			 "Bytes)"));
	CHECK(is_skipped("  reserved  :     512 Pages (2,097,152)"));
	CHECK(is_skipped("  80000000  :          2 Pages (8,192 Bytes)"));
	CHECK(is_skipped("              -------------- "));
	CHECK(is_skipped("Total Memory: 20 MB (20,971,520) Bytes"));
	CHECK(is_skipped("Total Memory:  3,994 MB (4,188,663,808 Bytes)"));
	CHECK(is_skipped("FS0:\\EFI\\> memmap"));
	CHECK(is_skipped("2.0 Shell> memmap -b"));
	CHECK(is_skipped("Shell>"));
	CHECK(is_skipped("Shell> reset"));
	CHECK(is_strange("Total Memory"));
	CHECK(is_strange("Reserved : many"));
	CHECK(is_strange("-"));
	CHECK(is_strange("-- 1 --"));
}

CASE(maps_reads_linux_efi_before_names)
{
	static const char *const lines[] = {
		"[    0.000000] EFI: mem01: type=7, attr=0xf, "
		"range=[0x0000000000048000-0x0000000000097000) (0MB)",
		"May  4 11:34:08 box kernel: [    0.000000] efi: mem01: "
		"type=7, attr=0xf, "
		"range=[0x0000000000048000-0x0000000000097000) (0MB)",
		"<6>efi: mem123: type=7, attr=0xf, range=[48000-97000)",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(lines); i++)
		CHECK(reads_as(lines[i], (struct map_entry){
				0x48000, 0x4f000, 0xf, 7 }));
}

CASE(maps_reads_linux_efi_with_names)
{
	CHECK(reads_as("efi: mem00: [Conventional Memory|   |  |  |  |   |WB|"
		       "WT|WC|UC] range=[0x0000000000000000-0x000000000005f000"
		       ") (0MB)",
		       (struct map_entry){ 0, 0x5f000, 0xf, 7 }));
	CHECK(reads_as("[    0.000000] efi: mem01: [Boot Data          |RUN|  "
		       "|  |  |  |  |  |   |WB|WT|WC|UC] range=[0x00000000d2c4"
		       "1000-0x00000000d2c85fff] (0MB)",
		       (struct map_entry){ 0xd2c41000, 0x45000,
					   0x800000000000000f, 4 }));
	CHECK(reads_as("efi: mem02: [Conventional|   |  |CC|SP|NV|XP|RP|WP|RO|"
		       "UCE|WB|WT|WC|UC] range=[0x1000-0x1fff] (0MB)",
		       (struct map_entry){ 0x1000, 0x1000, 0xef01f, 7 }));
	CHECK(reads_as("efi: mem02: [Conventional|   |HP|MR|  |  |  |  |  |  |"
		       "  |   |WB|  |  |  ] range=[0x1000-0x1fff] (0MB)",
		       (struct map_entry){ 0x1000, 0x1000, 0x110008, 7 }));
	CHECK(reads_as("efi: mem03: [Reserved           |attr=0x08000000000000"
		       "0f] range=[0x0000000000058000-0x0000000000059000) "
		       "(0MB)",
		       (struct map_entry){ 0x58000, 0x1000,
					   0x080000000000000f, 0 }));
	CHECK(reads_as("efi: mem04: [type=1879048192|   |  |  |  |   |WB|  |  "
		       "|  ] range=[0x1000-0x1fff] (0MB)",
		       (struct map_entry){ 0x1000, 0x1000, 8, 0x70000000 }));
	CHECK(is_strange("efi: mem05: [Conditional|  |WB] "
			 "range=[0x1000-0x1fff] (0MB)"));
	CHECK(is_strange("efi: mem05: [Conventional|  |WB] "
			 "range=[0x1000-0x1fff (0MB)"));
}

CASE(maps_reads_what_linux_calls_invalid)
{
	CHECK(reads_as("efi: mem03: [type=269370880|attr=0x0e42100e42180e41] "
		       "range=[0x0486200e41038c18-0x200e898a0eee713ac17] "
		       "(invalid)",
		       (struct map_entry){ 0x0486200e41038c18, UINT64_MAX,
					   0x0e42100e42180e41, 269370880 }));
	CHECK(reads_as("efi: mem00: [Reserved|  ] range=[0x1000-0x1000) (0MB)",
		       (struct map_entry){ 0x1000, 0, 0, 0 }));
	CHECK(reads_as("efi: mem00: [Reserved|  ] range=[0x1000-0xfff] (0MB)",
		       (struct map_entry){ 0x1000, 0, 0, 0 }));
}

CASE(maps_knows_every_name_of_linux_efi)
{
	static const struct {
		const char *name;
		uint32_t type;
	} names[] = {
		{ "Reserved           ", 0 }, { "Loader Code", 1 },
		{ "Loader Data ", 2 }, { "Boot Code", 3 }, { "Boot Data", 4 },
		{ "Runtime Code", 5 }, { "Runtime Data", 6 },
		{ "Conventional Memory", 7 }, { "Conventional", 7 },
		{ "Unusable Memory    ", 8 }, { "Unusable    ", 8 },
		{ "ACPI Reclaim Memory", 9 }, { "ACPI Reclaim", 9 },
		{ "ACPI Memory NVS    ", 10 }, { "ACPI Mem NVS", 10 },
		{ "Memory Mapped I/O  ", 11 }, { "MMIO        ", 11 },
		{ "MMIO Port Space    ", 12 }, { "MMIO Port   ", 12 },
		{ "PAL Code", 13 }, { "Persistent Memory  ", 14 },
		{ "Persistent  ", 14 }, { "Unaccepted", 15 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		char line[128];

		snprintf(line, sizeof(line), "efi: mem7: [%s|   |WB] "
			 "range=[0x1000-0x2fff] (0MB)", names[i].name);
		CHECK(reads_as(line, (struct map_entry){ 0x1000, 0x2000, 8,
							 names[i].type }));
	}
}

CASE(maps_reads_linux_e820_of_every_age)
{
	static const struct {
		const char *text;
		uint32_t type;
		uint64_t attributes;
	} lines[] = {
		{ "BIOS-e820: [mem 0x1000-0x2fff] usable", 7, WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff]  System RAM", 7, WB },
		{ "[    0.000000] BIOS-e820: [mem 0x0000000000001000-"
		  "0x0000000000002fff] reserved", 0, WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff] device reserved", 0, WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff] ACPI data", 9, WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff] ACPI NVS", 10, WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff] unusable", 8, WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff] persistent (type 7)", 14,
		  WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff] persistent (type 12)", 14,
		  WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff]  persistent RAM (type 12)",
		  14, WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff] soft reserved", 7,
		  WB | EFI_ATTRIBUTE_SP },
		{ "BIOS-e820: [mem 0x1000-0x2fff] type 20", 5, WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff] type 1", 7, WB },
		{ "BIOS-e820: [mem 0x1000-0x2fff] type 99", 0, WB },
		{ " BIOS-e820: 0000000000001000 - 0000000000003000 (usable)",
		  7, WB },
		{ "[    0.000000]  BIOS-e820: 1000 - 3000 (ACPI data)", 9,
		  WB },
		{ " BIOS-e820: 1000 - 3000 (ACPI NVS)", 10, WB },
		{ " BIOS-e820: 1000 - 3000 (reserved)", 0, WB },
		{ " BIOS-e820: 1000 - 3000 (unusable)", 8, WB },
		{ " BIOS-e820: 1000 - 3000 type 9", 0, WB },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(lines); i++)
		CHECK(reads_as(lines[i].text, (struct map_entry){
				0x1000, 0x2000, lines[i].attributes,
				lines[i].type }));
	CHECK(is_skipped("BIOS-provided physical RAM map:"));
	CHECK(is_skipped("[    0.000000] e820: BIOS-provided physical RAM "
			 "map:"));
	CHECK(is_skipped("BIOS-e820: [gap 0x48000000-0x483fffff]"));
	CHECK(is_skipped("[    0.000000] efi: EFI v2.40 by Dell Inc."));
	CHECK(is_strange("BIOS-e820: [mem 0x1000-0x2fff]"));
	CHECK(is_strange("BIOS-e820: [mem 0x1000-0x2fff) usable"));
	CHECK(is_strange("BIOS-e820: [mem 0x1000-0x2fff] usable?"));
	CHECK(is_strange("BIOS-e820: 1000 - 3000 (usable"));
	CHECK(is_strange("BIOS-e820: [gap 0x48000000]"));
}

CASE(maps_calls_everything_else_strange)
{
	static const char *const lines[] = {
		"x", "7", "7 0", "7 0 1 f 0", "7f 0 1 f", "-7 0 1 f",
		"4294967296 0 1 f", "7 10000000000000000 1 f", "7 0 1 g",
		"7 0 1 0x", "0x 0 1", "7 0 1 f;", "\x01 7 0 1 f", "7,0,1,f",
		"efi: mem00:", "BIOS-e820:", "type=7", "memmap",
		"kernel: Linux version 6.1", "Type Start", "7 0 1f f_",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(lines); i++)
		CHECK(is_strange(lines[i]));
	CHECK(map_line_read((struct map_text_line){ "\0" "7 0 1 f", 8 },
			    &(struct map_entry){ 0 }) == MAP_LINE_STRANGE);
}

/* test_map_text.c has what it says. */
static void hear(struct map_listener *listener, size_t line,
		 const char *sentence)
{
	(void)listener;
	CHECK(line < 100000 && sentence[0] != '\0');
}

static struct map_listener listener = { hear };

/* Reads a copy; `want_strange` 0: all of it is good. */
static void check_text(const char *text, size_t bytes, size_t want_count,
		       size_t want_strange)
{
	struct map_text map;
	char *copy = malloc(bytes + 1);
	enum status status;

	memcpy(copy, text, bytes);
	copy = realloc(copy, bytes > 0 ? bytes : 1);
	status = map_text_read(&map, copy, bytes, &listener);
	CHECK(status == (want_strange == 0 && want_count != 0 ? ST_OK :
								 ST_CORRUPT));
	CHECK(map.strange_line == want_strange);
	CHECK(map.count == want_count);
	map_text_free(&map);
	free(copy);
}

static void check_string(const char *text, size_t want_count,
			 size_t want_strange)
{
	check_text(text, strlen(text), want_count, want_strange);
}

CASE(maps_reads_texts_with_any_line_ends)
{
	check_string("", 0, 0);
	check_string("\n\n", 0, 0);
	check_string("7 0 1 f", 1, 0);
	check_string("# a\r\n7 0 1 f\r\n\r\n0 fff 2\r\n", 2, 0);
	check_string("7 0 1 f\n7 1000 1 f\noops\n7 0 1 f\n", 2, 3);
	check_string("oops", 0, 1);
	check_string("\xef\xbb\xbf" "7 0 1 f\n", 1, 0);
	check_text("7 0 1 f\n\0\n", 10, 1, 2);
	check_text("7 0 1 f\n\0\0", 10, 1, 0);
	check_string("7 0 1 f\r7 1000 1 f\roops", 2, 3);
}

CASE(maps_reads_what_the_shell_writes_into_a_file)
{
	static const char text[] = "Shell> memmap\r\nAvailable 0-FFF 1 F\r\n";
	char wide[2 + 2 * sizeof(text)] = "\xff\xfe";
	size_t bytes = 2;

	for (size_t i = 0; text[i] != '\0'; i++) {
		wide[bytes++] = text[i];
		wide[bytes++] = 0;
	}
	check_text(wide, bytes, 1, 0);
	check_text(wide, bytes - 1, 1, 0);
	wide[3] = 1;
	check_text(wide, bytes, 0, 1);
}

CASE(maps_reads_texts_of_any_length)
{
	enum { LINES = 30000 };
	char *text = malloc(LINES * 16);
	size_t bytes = 0;

	for (unsigned i = 0; i < LINES; i++)
		bytes += (size_t)sprintf(text + bytes, "7 %x000 1 f\n", i);
	check_text(text, bytes, LINES, 0);
	free(text);
}

CASE(maps_survives_random_bytes)
{
	static const char alphabet[] = "0127fF-x[]()|:=# \t\r\nefimeBIOS820,>";
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 20000; round++) {
		size_t bytes = check_random(&seed) % 60;
		char *text = malloc(bytes > 0 ? bytes : 1);
		struct map_text map;

		for (size_t i = 0; i < bytes; i++)
			text[i] = alphabet[check_random(&seed) %
					   (sizeof(alphabet) - 1)];
		CHECK(map_text_read(&map, text, bytes, &listener) == ST_OK ||
		      map.strange_line > 0 || map.count == 0);
		map_text_free(&map);
		free(text);
	}
}

static char *read_file(const char *path, size_t *bytes)
{
	FILE *stream = fopen(path, "rb");
	char *data = malloc(1 << 20);

	*bytes = stream != NULL ? fread(data, 1, 1 << 20, stream) : 0;
	if (stream != NULL)
		fclose(stream);
	return data;
}

/* Maps of real machines; QEMU's small ones are left out. */
static bool promises_few_losses(const char *path)
{
	return strstr(path, "qemu-") == NULL;
}

static void check_regions_of(const struct map_text *map, const char *path)
{
	struct region_request request = {
		.entries = map->entries,
		.count = map->count,
		.scratch_bytes = region_scratch_bytes(map->count),
	};
	struct region_list list = {
		.capacity = region_list_capacity(map->count),
	};
	const uint64_t *pages = list.totals.pages;
	uint64_t usable;
	struct oracle_run *runs;
	const char *difference;
	size_t count;

	list.items = malloc(list.capacity * sizeof(list.items[0]));
	request.scratch = malloc(request.scratch_bytes);
	runs = region_oracle_runs(&request, &count);
	CHECK(region_list_build(&list, &request) == ST_OK);
	CHECK(region_list_audit(&list));
	difference = region_oracle_compare(&list, &request, runs, count);
	CHECK(difference == NULL);
	usable = pages[REGION_FREE] + pages[REGION_LATER] + pages[REGION_LOW];
	if (promises_few_losses(path))
		CHECK(list.totals.lost_pages * 1000 <= usable);
	if (difference != NULL)
		printf("# %s: %s\n", path, difference);
	free(runs);
	free(request.scratch);
	free(list.items);
}

/* The number of maps in the directory, each of them checked. */
static unsigned check_directory(const char *directory)
{
	DIR *stream = opendir(directory);
	unsigned maps = 0;
	struct dirent *item;

	while (stream != NULL && (item = readdir(stream)) != NULL) {
		struct map_text map;
		char path[512];
		size_t bytes;
		char *text;

		if (strstr(item->d_name, ".txt") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, item->d_name);
		text = read_file(path, &bytes);
		CHECK(map_text_read(&map, text, bytes, &listener) == ST_OK);
		CHECK(map.count > 0);
		check_regions_of(&map, path);
		map_text_free(&map);
		free(text);
		maps++;
	}
	if (stream != NULL)
		closedir(stream);
	return maps;
}

CASE(maps_of_efi_machines_agree_with_the_oracle)
{
	CHECK(check_directory("tests/data/efi") >= 26);
}

CASE(maps_of_bios_machines_agree_with_the_oracle)
{
	CHECK(check_directory("tests/data/e820") >= 14);
}
