// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The host tool's reader against its clauses (docs/memory/regions.md): what is
 * taken of a text, and each sentence that it says. tests/data/paste has texts
 * as people have them.
 */
#include <base/bits.h>
#include <mm/region.h>

#include "check.h"
#include "scripts/bulldog/cursor.c"
#include "scripts/bulldog/decode.c"
#include "scripts/bulldog/map_line.c"
#include "scripts/bulldog/map_linux.c"
#include "scripts/bulldog/map_names.c"
#include "scripts/bulldog/map_rows.c"
#include "scripts/bulldog/map_text.c"

#define MEM(n, range)	"efi: mem" n ": [Conventional Memory|   |WB|UC] " \
			"range=[" range "] (1MB)\n"

/* All sentences of the last text, `LINE: SENTENCE` each. */
static char heard[8192];
static struct map_text map;

static void hear(struct map_listener *listener, size_t line,
		 const char *sentence)
{
	size_t at = strlen(heard);

	(void)listener;
	snprintf(heard + at, sizeof(heard) - at, "%zu: %s\n", line, sentence);
}

static enum status read_bytes(const char *text, size_t bytes)
{
	struct map_listener listener = { hear };
	char *copy = malloc(bytes + 1);
	enum status status;

	map_text_free(&map);
	heard[0] = '\0';
	memcpy(copy, text, bytes);
	copy = realloc(copy, bytes > 0 ? bytes : 1);
	status = map_text_read(&map, copy, bytes, &listener);
	free(copy);
	return status;
}

/* `count` entries, and nothing is said, or all of `sentences`. */
static bool takes_bytes(const char *text, size_t bytes, size_t count,
			const char *sentences)
{
	bool good = read_bytes(text, bytes) == ST_OK && map.count == count &&
		    strcmp(heard, sentences) == 0;

	if (!good)
		printf("# %zu entries: %s\n", map.count, heard);
	return good;
}

static bool takes(const char *text, size_t count, const char *sentences)
{
	return takes_bytes(text, strlen(text), count, sentences);
}

/* Exactly one sentence, which begins so. */
static bool refuses(const char *text, const char *sentence)
{
	bool good = read_bytes(text, strlen(text)) == ST_CORRUPT &&
		    strncmp(heard, sentence, strlen(sentence)) == 0 &&
		    strchr(heard, '\n') == heard + strlen(heard) - 1;

	if (!good)
		printf("# %zu entries: %s\n", map.count, heard);
	return good;
}

static bool is_entry(size_t index, uint64_t start, uint64_t bytes,
		     uint32_t type)
{
	const struct map_entry *entry = &map.entries[index];

	return index < map.count && entry->start == start &&
	       entry->bytes == bytes && entry->type == type;
}

/* --- encodings, and what stands before a line ------------------------------*/

static size_t widen(const char *text, bool big, bool mark, char *out)
{
	size_t bytes = 0;

	if (mark) {
		out[bytes++] = big ? '\xfe' : '\xff';
		out[bytes++] = big ? '\xff' : '\xfe';
	}
	for (; *text != '\0'; text++) {
		out[bytes + big] = *text;
		out[bytes + !big] = 0;
		bytes += 2;
	}
	return bytes;
}

CASE(map_text_i2_reads_any_encoding_and_line_ends)
{
	static const char text[] = "7 100000 1 f\r\n7 200000 1 f\n";
	char wide[2 * sizeof(text) + 2];

	for (unsigned i = 0; i < 4; i++)
		CHECK(takes_bytes(wide, widen(text, i & 1, i & 2, wide), 2,
				  ""));
	CHECK(takes("\xef\xbb\xbf" "7 100000 1 f", 1, ""));
	CHECK(takes("7 100000 1 f\r7 200000 1 f\r", 2, ""));
	CHECK(takes_bytes("7 0 1 f\n\0\0\0", 11, 1, ""));
	CHECK(refuses("7 0 1 f\r\r\nx\r", "3: not a line of a memory map: x "));
	/* Two bytes are no encoding. */
	CHECK(read_bytes("7\0", 2) == ST_CORRUPT);
}

CASE(map_text_i3_takes_off_what_others_put_before)
{
	CHECK(takes("\x1b[32m7 100000 1 f\x1b[0m\n", 1, ""));
	CHECK(takes("> > 7 100000 1 f\n&gt; &gt;7 200000 1 f  \n", 2, ""));
	CHECK(takes(">\xc2\xa0" "7 100000 1 f\n", 1, ""));
	CHECK(takes("Jan  1 00:00:00 host kernel: [    0.000000] "
		    "BIOS-e820: [mem 0x100000-0x1fffff] usable\n"
		    "17:<6>BIOS-e820: [mem 0x200000-0x2fffff] usable\n"
		    "dmesg.txt:18:[    0.000000][    T0] BIOS-e820: "
		    "[mem 0x300000-0x3fffff] usable\n", 3, ""));
}

CASE(map_text_i4_skips_what_belongs_to_the_forms)
{
	CHECK(takes("```\n# a map\nType Start End # Pages Attributes\n"
		    "Available 0-9FFF A F # low\n"
		    "  Available : 10 Pages (40,960)\n----\n"
		    "Total Memory: 0 MB\nShell> \n```\n", 1, ""));
	CHECK(takes("[    0.0] efi: EFI v2.70 by Whom\n"
		    "[    0.0] efi: mem00: [Conventional Memory|WB|UC] "
		    "range=[0x0-0xfff] (0MB)\n", 1, ""));
	CHECK(takes("[    0.000000] [gap 0xa0000000-0xfedfffff] available\n"
		    "BIOS-e820: [gap 0x1000-0x1fff] 4 KB\n"
		    "BIOS-e820: [mem 0x0-0xfff] usable\n", 1, ""));
}

/* --- logs ------------------------------------------------------------------*/

CASE(map_text_i5_passes_over_other_lines_of_a_log)
{
	CHECK(takes("Linux version 6.1 (gcc) #1 SMP\n"
		    "BIOS-provided physical RAM map:\n"
		    "BIOS-e820: [mem 0x0-0xfff] usable\n"
		    "NX (Execute Disable) protection: active\n", 1,
		    "0: 2 lines passed over, the first is line 1: Linux "
		    "version 6.1 (gcc) #1 SMP\n"));
	CHECK(takes("Xen: [mem 0x0-0xfff] usable\nx\n", 1,
		    "0: 1 line passed over, the first is line 2: x\n"));
	/* No prefix. */
	CHECK(refuses("efi: memory is there\n", "1: not a line of"));
	CHECK(refuses("(XEN) Brought up 4 CPUs\n", "1: not a line of"));
}

CASE(map_text_i6_refuses_a_prefix_without_an_entry)
{
	CHECK(refuses("BIOS-e820: [mem 0x0-0xfff] usable\n"
		      "[    0.0] BIOS-e820: [mem 0x1000-0x1fff] green\n",
		      "2: cannot be read: [    0.0] BIOS-e820: [mem 0x1000-"));
	CHECK(refuses("efi: mem0: nothing\n", "1: cannot be read: efi: mem0"));
	CHECK(refuses("(XEN) [0, fff] (green)\n", "1: cannot be read: (XEN)"));
	CHECK(refuses("Xen: [mem 0-fff]\n", "1: cannot be read: Xen: [mem"));
}

CASE(map_text_i7_refuses_lines_in_a_list)
{
	CHECK(refuses("7 0 1 f\nhello\n", "2: not a line of a memory map: "
		      "hello (what is read: efi columns, e820 columns, the "
		      "UEFI Shell's memmap, "));
}

CASE(map_text_i8_takes_nothing_that_linux_changed)
{
	static const char *const changed[] = {
		"[    0.0] user: [mem 0x0-0xfff] usable\n",
		"modified: [mem 0x0-0xfff] usable\n",
		"extended: [mem 0x0-0xfff] usable\n",
		"reserve setup_data: [mem 0x0-0xfff] usable\n",
		"e820: update [mem 0x0-0xfff] usable ==> reserved\n",
		"e820: remove [mem 0x0-0xfff] usable\n",
		"e820: reserve RAM buffer [mem 0x0-0xfff]\n",
		"efi: Remove mem60: MMIO range=[0x0-0xfff] (0MB) from e820\n",
		"efi: Not removing mem61: MMIO range=[0x0-0xfff] (0KB)\n",
		"e820: user-defined physical RAM map:\n",
		"e820: modified physical RAM map:\n",
		"extended physical RAM map:\n",
	};
	char text[512];

	for (unsigned i = 0; i < ARRAY_LENGTH(changed); i++) {
		CHECK(refuses(changed[i], "1: Linux' view after its changes"));
		snprintf(text, sizeof(text),
			 "BIOS-e820: [mem 0x100000-0x1fffff] usable\n%s",
			 changed[i]);
		CHECK(read_bytes(text, strlen(text)) == ST_OK);
		CHECK(map.count == 1);
		CHECK(strncmp(heard, "0: 1 line passed over, the first is "
				     "line 2: ", 44) == 0);
	}
}

CASE(map_text_i9_joins_wrapped_lines)
{
	CHECK(takes("BIOS-e820: [mem 0x0-0xfff]\nusable\n"
		    "[    0.0] BIOS-e820: [mem 0x1000-0x1fff] ACPI\nNVS\n"
		    "> BIOS-e820: [mem 0x2000-0x2fff] ACPI\n> data\n"
		    "BIOS-e820: 3000 - 4000\n(reserved)\n"
		    "BIOS-e820: [mem 0x4000-0x4fff] persistent\n(type 12)\n",
		    5, ""));
	CHECK(is_entry(1, 0x1000, 0x1000, 10));
	CHECK(is_entry(2, 0x2000, 0x1000, 9));
	CHECK(is_entry(3, 0x3000, 0x1000, 0));
	CHECK(is_entry(4, 0x4000, 0x1000, 14));
	CHECK(takes("efi: mem00: [Conventional\nMemory|   |WB|UC] "
		    "range=[0x0-0xfff] (0MB)\n"
		    "efi: mem01: [Boot Data|   |WB|UC] range=[0x1000-0x1fff]\n"
		    "(0MB)\n", 2, ""));
	CHECK(takes("(XEN) [0, fff]\n(usable)\n", 1, ""));
	CHECK(takes("Xen: [mem 0x0-0xfff]\nusable\n", 1, ""));
	/* The next line has a prefix itself, or is nothing of it. */
	CHECK(refuses("BIOS-e820: [mem 0x0-0xfff]\n"
		      "BIOS-e820: [mem 0x1000-0x1fff] usable\n",
		      "1: cannot be read"));
	CHECK(refuses("BIOS-e820: [mem 0x0-0xfff]\ngreen\n",
		      "1: cannot be read"));
	CHECK(refuses("BIOS-e820: [mem 0x0-0xfff]\n", "1: cannot be read"));
}

CASE(map_text_i13_names_numbers_that_are_missing)
{
	CHECK(takes(MEM("00", "0x100000-0x1fffff") MEM("01",
		    "0x200000-0x2fffff"), 2, ""));
	CHECK(takes(MEM("07", "0x100000-0x1fffff") MEM("08",
		    "0x200000-0x2fffff"), 2,
		    "0: entries are missing, and what they named is no memory "
		    "here: mem00-mem06\n"));
	CHECK(takes(MEM("0", "0x100000-0x1fffff") MEM("2",
		    "0x200000-0x2fffff") MEM("5", "0x300000-0x3fffff"), 3,
		    "0: entries are missing, and what they named is no memory "
		    "here: mem01, mem03-mem04\n"));
}

CASE(map_text_i14_takes_the_last_list_alone)
{
	static const char boots[] =
		"BIOS-provided physical RAM map:\n"
		"BIOS-e820: [mem 0x100000-0x1fffff] usable\n"
		"BIOS-e820: [mem 0x200000-0x2fffff] usable\n"
		"BIOS-provided physical RAM map:\n"
		"BIOS-e820: [mem 0x300000-0x3fffff] usable\n";

	CHECK(takes(boots, 1,
		    "0: 2 lists BIOS-e820: one after the other, and the last "
		    "alone is taken: it begins at line 4\n"));
	CHECK(is_entry(0, 0x300000, 0x100000, 7));
	CHECK(takes(MEM("00", "0x100000-0x1fffff") MEM("01",
		    "0x200000-0x2fffff") MEM("01", "0x300000-0x3fffff"), 1,
		    "0: 2 lists efi: mem one after the other, and the last "
		    "alone is taken: it begins at line 3\n"
		    "0: entries are missing, and what they named is no memory "
		    "here: mem00\n"));
	CHECK(takes("(XEN) Xen-e820 RAM map:\n(XEN) [0, fff] (usable)\n"
		    "(XEN) EFI memory map:\n"
		    "(XEN)  0000000000000-0000000000fff type=7 "
		    "attr=000000000000000f\n", 1,
		    "0: 2 lists (XEN) one after the other, and the last alone "
		    "is taken: it begins at line 3\n"));
	/* A heading that no entry follows begins no list. */
	CHECK(takes("BIOS-provided physical RAM map:\n"
		    "BIOS-e820: [mem 0x100000-0x1fffff] usable\n"
		    "BIOS-provided physical RAM map:\n", 1, ""));
}

CASE(map_text_i19_merges_no_lists_of_different_owners)
{
	static const char log[] =
		"Xen: [mem 0x0-0xfff] usable\n"
		"BIOS-e820: [mem 0x1000-0x1fff] usable\n"
		MEM("00", "0x2000-0x2fff")
		MEM("01", "0x3000-0x3fff")
		"(XEN) [0000000000004000, 0000000000004fff] (usable)\n";

	CHECK(takes(log, 1, "0: the lines (XEN) are taken, and of another "
		    "owner not: 2 lines efi: mem from line 3 on, 1 line "
		    "BIOS-e820: from line 2 on, 1 line Xen: from line 1 "
		    "on\n"));
	CHECK(is_entry(0, 0x4000, 0x1000, 7));
	CHECK(takes("BIOS-e820: [mem 0x1000-0x1fff] usable\n"
		    MEM("00", "0x2000-0x2fff"), 1,
		    "0: the lines efi: mem are taken, and of another owner "
		    "not: 1 line BIOS-e820: from line 1 on\n"));
	CHECK(is_entry(0, 0x2000, 0x1000, 7));
}

/* --- forms -----------------------------------------------------------------*/

CASE(map_text_i10_reads_the_shells_other_output)
{
	CHECK(takes("ShellCommand,\"memmap\"\r\n"
		    "MemoryMap,\"Available\",\"0000000000001000\","
		    "\"0000000000002FFF\",\"0000000000000002\","
		    "\"000000000000000F\"\r\n"
		    "MemoryMapSummary,\"0\",\"8192\"\r\n", 1, ""));
	CHECK(is_entry(0, 0x1000, 0x2000, 7));
	CHECK(map.entries[0].attributes == 15);
	CHECK(takes("FS0:\\> memmap -b\n"
		    "Available 0-FFF 1 F\n"
		    "Press ENTER to continue or 'Q' break:\n"
		    "Press ENTER to continue or 'Q' break: BS_Code 1000-1FFF "
		    "1 F\n", 2, ""));
	/* A long device path goes on in the next line. */
	CHECK(takes("UEFI Interactive Shell v2.2\nEDK II\n"
		    "UEFI v2.70 (EDK II, 0x00010000)\nMapping table\n"
		    "      FS0: Alias(s):HD0b:;BLK1:\n"
		    "          PciRoot(0x0)/Pci(0x17,0x0)/HD(1,GPT,0B1C-\n"
		    "52,0x800,0x32000)\n7 0 1 f\n"
		    "FS0:\\> memmap\nAvailable 0-FFF 1 F\n", 1, ""));
	CHECK(refuses("Mapping table\nany\nShell> \nany\n",
		      "4: not a line of a memory map: any"));
	CHECK(refuses("MemoryMap,\"Available\",\"0\",\"FFF\",\"2\",\"F\"\n",
		      "1: its pages and its end disagree"));
}

CASE(map_text_i10_reads_xen)
{
	CHECK(takes("(XEN) [    0.000000]  [0000000000000000, "
		    "000000000009ffff] (usable)\n"
		    "(XEN)  00000000000a0000 - 0000000000100000 (reserved)\n"
		    "(XEN) [2022-01-05 10:00:00.123]  0000000100000 - "
		    "0000000200000 (ACPI NVS)\n"
		    "(XEN)  00000000300000-000000003fffff type=4 "
		    "attr=000000000000000f\n", 4, ""));
	CHECK(is_entry(0, 0, 0xa0000, 7) && is_entry(1, 0xa0000, 0x60000, 0));
	CHECK(is_entry(2, 0x100000, 0x100000, 10));
	CHECK(is_entry(3, 0x300000, 0x100000, 4));
}

CASE(map_text_i10_reads_grub)
{
	CHECK(takes("grub> lsefimmap\n"
		    "Type      Physical start  - end             #Pages   "
		    "     Size Attributes\n"
		    "conv-mem  0000000000001000-0000000000002fff 00000002  "
		    "    8KiB UC WC WT WB\n"
		    "RT-data   0000000000003000-0000000000003fff 00000001  "
		    "    4KiB RT UC WB XP\n"
		    "Unk 0f    0000000000004000-0000000000004fff 00000001  "
		    "    4KiB WB\n"
		    "ACPI-nvs  0000000100000000-000000013fffffff 00040000  "
		    "    1GiB\n", 4, ""));
	CHECK(is_entry(0, 0x1000, 0x2000, 7));
	CHECK(map.entries[0].attributes == 15);
	CHECK(is_entry(1, 0x3000, 0x1000, 6));
	CHECK(map.entries[1].attributes == (EFI_ATTRIBUTE_RUNTIME | 0x4009));
	CHECK(is_entry(2, 0x4000, 0x1000, 15));
	CHECK(is_entry(3, 0x100000000, 0x40000000, 10));
	CHECK(refuses("conv-mem 0-fff 2 4KiB WB\n",
		      "1: its pages and its end disagree"));
	CHECK(refuses("conv-mem 0-fff 1 4 WB\n", "1: not a line"));
	CHECK(refuses("conv-mem 0-fff 1 4KiB WB BW\n", "1: not a line"));
}

CASE(map_text_i10_reads_freebsd)
{
	CHECK(takes("SMAP type=01 base=0000000000000000 "
		    "len=000000000009fc00\n"
		    "machdep.smap: \n"
		    "SMAP type=02, xattr=01, base=000000000009fc00, "
		    "len=0000000000000400\n"
		    "SMAP type=03 base=1000 len=1000 attr=01\n", 3, ""));
	CHECK(is_entry(0, 0, 0x9fc00, 7) && is_entry(1, 0x9fc00, 0x400, 0));
	CHECK(is_entry(2, 0x1000, 0x1000, 9));
	CHECK(takes("user@host:~ % sysctl machdep.efi_map\nmachdep.efi_map: \n"
		    "                   Type     Physical      Virtual   "
		    "#Pages Attr\n"
		    "     ConventionalMemory 000000001000   0x0 00000002 UC WC "
		    "WT WB \n"
		    "    RuntimeServicesData 000000003000 0xfffff80000003000 "
		    "00000001 WB RUNTIME\n"
		    "              <INVALID> 000000004000   0x0 00000001 \n", 3,
		    ""));
	CHECK(is_entry(0, 0x1000, 0x2000, 7));
	CHECK(map.entries[0].attributes == 15);
	CHECK(map.entries[1].attributes == (EFI_ATTRIBUTE_RUNTIME | 8));
	CHECK(is_entry(2, 0x4000, 0x1000, 0));
}

CASE(map_text_i10_reads_sysfs)
{
	CHECK(takes("$ grep . /sys/firmware/memmap/*/*\n"
		    "/sys/firmware/memmap/0/end:0x9fbff\n"
		    "/sys/firmware/memmap/0/start:0x0\n"
		    "/sys/firmware/memmap/0/type:System RAM\n"
		    "/sys/firmware/memmap/10/end:0xfffff\n"
		    "/sys/firmware/memmap/10/start:0x9fc00\n"
		    "/sys/firmware/memmap/10/type:Reserved\n", 2, ""));
	CHECK(is_entry(0, 0, 0x9fc00, 7) && is_entry(1, 0x9fc00, 0x60400, 0));
	CHECK(takes("0/start:0x0\n0/end:0xfff\n0/type:ACPI Non-volatile "
		    "Storage\n./1/start:0x1000\n./1/end:0x1fff\n"
		    "./1/type:Soft Reserved\n", 2, ""));
	CHECK(refuses("0/end:0xfff\n0/type:System RAM\n1/end:0x1fff\n",
		      "1: an entry without its start, end or type: 0/end"));
	CHECK(refuses("0/end:0xfff\n0/type:System RAM\n1/start:0x0\n",
		      "1: an entry without its start, end or type: 0/end"));
	CHECK(refuses("7 0 1 f\n0/end:0xfff\n7 0 1 f\n",
		      "2: an entry without its start, end or type"));
	CHECK(refuses("0/end:0xfff\n", "1: an entry without"));
	CHECK(refuses("0/end:0xfff\n0/start:0x2000\n0/type:Reserved\n",
		      "1: ends before it begins"));
	CHECK(refuses("0/type:Green\n", "1: not a line"));
	/* As the script prints them, and as they are. */
	CHECK(takes("0000000000000000-000000000009fc00 (System RAM)\n"
		    "00000000000a0000-00000000000fffff (Reserved)\n", 2, ""));
	CHECK(is_entry(0, 0, 0x9fc00, 7) && is_entry(1, 0xa0000, 0x60000, 0));
}

CASE(map_text_i10_ignores_attributes_that_are_new)
{
	CHECK(takes("efi: mem00: [Conventional Memory|RUN|XYZ|Q1|  |WB|UC] "
		    "range=[0x0-0xfff] (0MB)\n", 1, ""));
	CHECK(map.entries[0].attributes == (EFI_ATTRIBUTE_RUNTIME | 9));
	CHECK(refuses("efi: mem00: [Conventional Memory|WB*|UC] "
		      "range=[0x0-0xfff] (0MB)\n", "1: cannot be read"));
}

CASE(map_text_i20_reads_every_name_and_size_of_linux)
{
	static const struct {
		const char *name;
		uint32_t type;
	} names[] = {
		{ "usable", 7 }, { "System RAM", 7 }, { "reserved", 0 },
		{ "device reserved", 0 }, { "Reserved", 0 },
		{ "Unknown E820 type", 0 }, { "soft reserved", 7 },
		{ "ACPI data", 9 }, { "ACPI Tables", 9 }, { "ACPI NVS", 10 },
		{ "ACPI Non-volatile Storage", 10 }, { "unusable", 8 },
		{ "Unusable memory", 8 }, { "persistent (type 7)", 14 },
		{ "persistent RAM (type 12)", 14 }, { "Persistent Memory", 14 },
		{ "Persistent Memory (legacy)", 14 }, { "type 20", 5 },
	};
	static const char *const sizes[] = {
		"", "  64 KB ", " 1.5 GB", " 15 TB", " 4096 B", " 1 MiB" };
	char text[200];

	for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
		for (unsigned j = 0; j < ARRAY_LENGTH(sizes); j++) {
			snprintf(text, sizeof(text), "BIOS-e820: [mem 0x1000-"
				 "0x1fff]%s %s\n", sizes[j], names[i].name);
			CHECK(takes(text, 1, ""));
			CHECK(is_entry(0, 0x1000, 0x1000, names[i].type));
		}
	CHECK(refuses("BIOS-e820: [mem 0x0-0xfff] 64 XB usable\n",
		      "1: cannot be read"));
}

/* --- what is wrong in a list -----------------------------------------------*/

CASE(map_text_i12_refuses_ends_before_starts)
{
	CHECK(refuses("0 fff 1\n100000000 40000000 1\n",
		      "2: ends before it begins (base and length?): 100000000 "
		      "40000000 1"));
	CHECK(refuses("BIOS-e820: [mem 0x2000-0xfff] usable\n",
		      "1: ends before it begins: BIOS-e820"));
	CHECK(refuses("BIOS-e820: 2000 - 1000 (usable)\n",
		      "1: ends before it begins"));
	CHECK(refuses("(XEN) [2000, fff] (usable)\n",
		      "1: ends before it begins"));
	CHECK(refuses("efi: mem00: [Conventional Memory|WB|UC] "
		      "range=[0x2000-0x1000) (0MB)\n",
		      "1: ends before it begins"));
	/* Empty, the whole address space, and what Linux calls invalid. */
	CHECK(takes("2000 1fff 1\n0 ffffffffffffffff 2\n", 2, ""));
	CHECK(is_entry(0, 0x2000, 0, 7) && is_entry(1, 0, UINT64_MAX, 0));
	CHECK(takes("BIOS-e820: 2000 - 2000 (usable)\n", 1, ""));
	CHECK(takes("efi: mem00: [Reserved|   |WB|UC] range=[0x1000-"
		    "0x10000000000000fff] (invalid)\n", 1, ""));
	CHECK(is_entry(0, 0x1000, UINT64_MAX, 0));
	CHECK(refuses("efi: mem00: [Reserved|   |WB|UC] range=[0x1000-"
		      "0x10000000000000fff] (0MB)\n", "1: cannot be read"));
}

CASE(map_text_i15_refuses_rows_that_disagree_with_themselves)
{
	CHECK(refuses("Available 0-FFF 1 F\nAvailable 1000-2FFF 1 F\n",
		      "2: its pages and its end disagree: Available 1000-"));
}

CASE(map_text_i16_refuses_texts_without_an_entry)
{
	static const char *const none[] = {
		"", "\n\n", "# a comment\n",
		"BIOS-provided physical RAM map:\n",
		"Type Start End # Pages Attributes\n", "Shell> memmap\n",
		"BIOS-e820: [gap 0x1000-0x1fff]\n",
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(none); i++)
		CHECK(refuses(none[i], "0: no entry of a memory map in it"));
}

CASE(map_text_i17_and_i18_name_what_is_no_map)
{
	CHECK(refuses("$ cat /proc/iomem\n00000000-00000fff : Reserved\n",
		      "2: /proc/iomem is Linux' view after its changes: the "
		      "lines BIOS-e820 or efi: mem of the log, or "
		      "/sys/firmware/memmap, are wanted: 00000000-"));
	CHECK(refuses("what is this?\n00000000-00000fff : Reserved\n",
		      "2: /proc/iomem"));
	CHECK(refuses("SRAT @ 0x0000000000000000\n    0000: 53 52 41 54\n",
		      "1: the text of acpidump: the binary tables are wanted "
		      "(acpixtract -a)"));
}

/* --- texts of people -------------------------------------------------------*/

static const struct paste {
	const char *file;
	size_t entries;			/* 0: refused                        */
	const char *sentence;		/* is among what is said             */
} pastes[] = {
	{ "linux-dmesg-epyc-with-noise", 46, "16 lines passed over" },
	{ "linux-dmesg-mail-wrapped", 23, "" },
	{ "xen-e820-new", 9, "1 line passed over" },
	{ "linux-xen-dom0", 12, "1 line passed over" },
	{ "linux7-dmesg-with-noise", 21, "lines passed over" },
	{ "linux-dmesg-grep-e820", 20, "13 lines passed over" },
	{ "uefi-shell-session", 2, "" },
	{ "grub-lsefimmap", 3, "" },
	{ "code-fence", 6, "" },
	{ "efi-first-lines-lost", 2, "mem00-mem06" },
	{ "coreboot-and-seabios", 0, "1: not a line of a memory map: " },
	{ "grub-lsmmap", 0, "1: not a line of a memory map: " },
	{ "proc-iomem", 0, "/proc/iomem is Linux' view" },
	{ "base-length-type", 0, "3: ends before it begins (base and" },
};

CASE(map_text_reads_what_people_have)
{
	static char text[1 << 16];

	for (unsigned i = 0; i < ARRAY_LENGTH(pastes); i++) {
		const struct paste *paste = &pastes[i];
		char path[200];
		enum status status;
		FILE *stream;

		snprintf(path, sizeof(path), "tests/data/paste/%s.txt",
			 paste->file);
		stream = fopen(path, "rb");
		CHECK(stream != NULL);
		if (stream == NULL)
			continue;
		status = read_bytes(text, fread(text, 1, sizeof(text), stream));
		fclose(stream);
		CHECK((status == ST_OK) == (paste->entries != 0));
		CHECK(paste->entries == 0 || map.count == paste->entries);
		if (strstr(heard, paste->sentence) == NULL ||
		    (paste->sentence[0] == '\0' && heard[0] != '\0')) {
			printf("# %s: %s\n", paste->file, heard);
			CHECK(!"what is said of a paste");
		}
	}
	map_text_free(&map);
}
