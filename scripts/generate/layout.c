// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Prints docs/layout.md from the numbers of layout.h, or refuses them.
 *
 * LAYOUT_AREAS names the areas. The fixed slots are plain macros; the script
 * that compiles this file lists them as SLOTS(ROW), ROW(name, start, bytes),
 * so that a new slot cannot be forgotten here.
 */
#include <base/bits.h>
#include <boot/layout.h>

#include <stdio.h>

struct range {
	const char *name;
	uint64_t start, end;
	const char *use;
};

static const struct range areas[] = {
#define ROW(name, start, end, use) { #name, start, end, use },
	LAYOUT_AREAS(ROW)
#undef ROW
};

static const struct range slots[] = {
#define ROW(name, start, bytes) { #name, start, (start) + (bytes), "" },
	SLOTS(ROW)
#undef ROW
	{ "STACKS_START", STACKS_START, STACKS_END, "" },
};

/* The user half ends and the kernel half starts here (48-bit addresses). */
static const uint64_t low_half_end = 0x0000800000000000;
static const uint64_t high_half_start = 0xffff800000000000;

static void print_size(uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
					     "TiB" };
	uint64_t whole = bytes, rest = 0;
	unsigned unit = 0;

	while (whole >= 1024 && unit + 1 < ARRAY_LENGTH(units)) {
		rest |= whole % 1024 << 10 * unit;
		whole /= 1024;
		unit++;
	}
	/* Rounded to the nearest: the user area lacks 68 KiB of 128 TiB. */
	if (rest != 0)
		whole += rest >> (10 * unit - 1) & 1;
	printf("%s%lu %s", rest != 0 ? "about " : "", (unsigned long)whole,
	       units[unit]);
}

static void print_range(uint64_t start, uint64_t end)
{
	printf("`0x%016lx` | `0x%016lx` | ", (unsigned long)start,
	       (unsigned long)end);
	print_size(end - start);
}

/* Which entries of the root table an area uses; each maps 512 GiB. */
static void print_entries(uint64_t start, uint64_t end)
{
	unsigned first = start >> 39 & 511, last = (end - 1) >> 39 & 511;

	if (first == last)
		printf("%u", first);
	else
		printf("%u-%u", first, last);
}

static void print_hole(uint64_t start, uint64_t end)
{
	if (start == end)
		return;
	if (start < low_half_end && end > low_half_end) {
		print_hole(start, low_half_end);
		printf("| | `0x%016lx` | `0x%016lx` | | | "
		       "no such addresses |\n", (unsigned long)low_half_end,
		       (unsigned long)high_half_start);
		print_hole(high_half_start, end);
		return;
	}
	printf("| | ");
	print_range(start, end);
	printf(" | | never mapped |\n");
}

static void print_areas(void)
{
	uint64_t at = 0;

	printf("| area | from | to (not included) | size | root entries | "
	       "use |\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LENGTH(areas); i++) {
		print_hole(at, areas[i].start);
		printf("| **%s** | ", areas[i].name);
		print_range(areas[i].start, areas[i].end);
		printf(" | ");
		print_entries(areas[i].start, areas[i].end);
		printf(" | %s |\n", areas[i].use);
		at = areas[i].end;
	}
	/* The last byte of the address space has no address after it. */
	printf("| | `0x%016lx` | the end | ", (unsigned long)at);
	print_size(0 - at);
	printf(" | | never mapped |\n");
}

static void print_slots(void)
{
	printf("\n## Fixed slots\n\n"
	       "| slot | from | to (not included) | size |\n"
	       "|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LENGTH(slots); i++) {
		printf("| `%s` | ", slots[i].name);
		print_range(slots[i].start, slots[i].end);
		printf(" |\n");
	}
	printf("\n## Stacks\n\n"
	       "From `STACKS_START`, `stacks[cpu][kind]`: %u processors with "
	       "%u kinds each, ", STACK_CPUS, STACK_KINDS);
	print_size(STACK_SLOT_BYTES);
	printf(" apart.\nA stack is ");
	print_size(STACK_BYTES);
	printf("; its first push lands below `stack_top(cpu, kind)`, one\n"
	       "unmapped page before the end of its slot. The page below the "
	       "stack is\nunmapped too.\n");
}

/* Ascending and disjoint; every slot inside the area `slots`. */
static int refuse(void)
{
	int bad = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(areas); i++) {
		uint64_t before = i > 0 ? areas[i - 1].end : 0;

		if (areas[i].start < before || areas[i].end <= areas[i].start) {
			fprintf(stderr, "layout.h: %s is out of order\n",
				areas[i].name);
			bad = 1;
		}
	}
	for (size_t i = 0; i < ARRAY_LENGTH(slots); i++) {
		uint64_t before = i > 0 ? slots[i - 1].end : SLOTS_START;

		if (slots[i].start < before || slots[i].end > SLOTS_END ||
		    slots[i].end <= slots[i].start) {
			fprintf(stderr, "layout.h: %s is out of order\n",
				slots[i].name);
			bad = 1;
		}
	}
	return bad;
}

int main(void)
{
	if (refuse())
		return 1;
	printf("# Virtual layout\n\n"
	       "Made by `scripts/generate-docs` from "
	       "`include/boot/layout.h`: change that file.\n\n");
	print_areas();
	print_slots();
	return 0;
}
