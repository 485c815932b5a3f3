// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boot/handover.h>

#include <base/bits.h>
#include <boot/layout.h>
#include <mm/region.h>

#include "check.h"

/*
 * handover.c has the size of a region as a number: mm/boot cannot include
 * mm/region.h.
 */
_Static_assert(sizeof(struct region) == 24, "regions in the handover");

/*
 * A small machine: physical page n is page n of `memory`, a block of exactly
 * that size, so that the sanitizer reports every access beyond it.
 */
#define PAGES 64
static unsigned char *memory;
static struct handover *handover;

enum place {
	AT_HANDOVER = 0x1000, AT_OWNED = 0x2000, AT_REGIONS = 0x3000,
	AT_FREE = 0x4000, AT_RAW_MAP = 0x5000, AT_OPTIONS = 0x6000,
	AT_LOG = 0x7000, AT_CRASH_LOG = 0x8000, AT_ROOT = 0x9000,
	AT_STACK = 0xa000, AT_MODULES = 0xe000, AT_MODULE = 0xf000,
	AT_TEXT = 0x10000, AT_RODATA = 0x14000, AT_DATA = 0x18000,
};

static struct owned_run *owned_runs(void)
{
	return (struct owned_run *)(memory + AT_OWNED);
}

static struct frame_run *free_runs(void)
{
	return (struct frame_run *)(memory + AT_FREE);
}

static struct handover_module *modules(void)
{
	return (struct handover_module *)(memory + AT_MODULES);
}

static void fill_lists(void)
{
	static const struct owned_run owned[] = {
		{ { 1 }, 6, OWNER_HANDOVER, 0 },
		{ { 7 }, 2, OWNER_LOG, 0 },
		{ { 9 }, 1, OWNER_PAGE_TABLE, 0 },
		{ { 10 }, 4, OWNER_STACK, 0 },
		{ { 14 }, 2, OWNER_MODULE, 0 },
		{ { 16 }, 10, OWNER_KERNEL_IMAGE, 0 },
		{ { 40 }, 2, OWNER_BOOT_LIST, 0 },
	};
	static const struct frame_run free[] = {
		{ { 26 }, 4 }, { { 32 }, 8 }, { { 42 }, 22 },
	};

	memcpy(owned_runs(), owned, sizeof(owned));
	memcpy(free_runs(), free, sizeof(free));
	modules()[0] = (struct handover_module){
		.phys = { AT_MODULE }, .bytes = 100, .name = "symbols",
	};
	handover->owned = (struct handover_array){
		{ AT_OWNED }, ARRAY_LENGTH(owned), sizeof(owned[0]) };
	handover->free_list = (struct handover_array){
		{ AT_FREE }, ARRAY_LENGTH(free), sizeof(free[0]) };
	handover->regions = (struct handover_array){
		{ AT_REGIONS }, 5, sizeof(struct region) };
	handover->modules = (struct handover_array){
		{ AT_MODULES }, 1, sizeof(struct handover_module) };
}

static void fill_segments(void)
{
	static const struct handover_segment segments[] = {
		{ { AT_TEXT }, { KERNEL_BASE }, 0x4000, 0x3f00,
		  SEGMENT_READ | SEGMENT_EXECUTE, 0 },
		{ { AT_RODATA }, { KERNEL_BASE + 0x4000 }, 0x4000, 0x1000,
		  SEGMENT_READ, 0 },
		/* Two of its pages are used; what follows them is free. */
		{ { AT_DATA }, { KERNEL_BASE + 0x8000 }, 0x4000, 0x1800,
		  SEGMENT_READ | SEGMENT_WRITE, 0 },
	};

	memcpy(handover->segments, segments, sizeof(segments));
}

/* Builds a handover that must be accepted. */
static void build(void)
{
	free(memory);
	memory = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
	memset(memory, 0, PAGES * PAGE_SIZE);
	handover = (struct handover *)(memory + AT_HANDOVER);
	handover->magic = HANDOVER_MAGIC;
	handover->version = HANDOVER_VERSION;
	handover->bytes = sizeof(*handover);
	handover->direct_map_base = (vaddr_t){ DIRECT_MAP_OFFSET };
	handover->root_table = (paddr_t){ AT_ROOT };
	handover->boot_stack = (paddr_t){ AT_STACK };
	handover->raw_map = (paddr_t){ AT_RAW_MAP };
	handover->raw_map_bytes = 20 * 48;
	handover->raw_map_stride = 48;
	handover->options = (paddr_t){ AT_OPTIONS };
	handover->options_bytes = 5;
	memcpy(memory + AT_OPTIONS, "quiet", 6);
	handover->log = (paddr_t){ AT_LOG };
	handover->log_bytes = PAGE_SIZE;
	handover->crash_log = (paddr_t){ AT_CRASH_LOG };
	handover->crash_log_bytes = PAGE_SIZE;
	fill_lists();
	fill_segments();
}

static const char *refusal(void)
{
	return handover_refusal(handover, (uint64_t)memory);
}

static void expect(int line, const char *clause)
{
	const char *got;

	handover->checksum = handover_checksum(handover);
	got = refusal();
	if (strcmp(got, clause) == 0)
		return;
	printf("# wanted \"%s\", got \"%s\"\n", clause, got);
	check_failed(__FILE__, line, "refusal");
}

/* A good handover with one change, and the clause that it must give. */
#define REFUSED(change, clause)						\
	do {								\
		build();						\
		change;							\
		expect(__LINE__, clause);				\
	} while (0)
#define TAKEN(change) REFUSED(change, "")

CASE(handover_takes_a_good_one)
{
	TAKEN((void)0);
	TAKEN(handover->modules.count = 0);
	TAKEN(handover->options_bytes = 0; handover->options.raw = 0);
	TAKEN(handover->free_list.count = 0);
	TAKEN(handover->log_bytes = 0; handover->crash_log_bytes = 0);
	TAKEN(handover->spare[30] = 1);
}

CASE(handover_checksum_covers_all_but_itself)
{
	uint32_t sum;

	build();
	sum = handover_checksum(handover);
	handover->checksum = 0x12345678;
	CHECK(handover_checksum(handover) == sum);
	for (size_t at = 0; at < sizeof(*handover); at++) {
		unsigned char *byte = (unsigned char *)handover + at;
		bool is_sum = at >= offsetof(struct handover, checksum) &&
			      at < offsetof(struct handover, flags);

		*byte ^= 0x40;
		CHECK((handover_checksum(handover) == sum) == is_sum);
		*byte ^= 0x40;
	}
}

CASE(handover_notices_every_flipped_bit)
{
	build();
	handover->checksum = handover_checksum(handover);
	CHECK(strcmp(refusal(), "") == 0);
	for (size_t bit = 0; bit < sizeof(*handover) * 8; bit++) {
		unsigned char *byte = (unsigned char *)handover + bit / 8;

		*byte ^= (unsigned char)(1 << bit % 8);
		CHECK(strcmp(refusal(), "") != 0);
		*byte ^= (unsigned char)(1 << bit % 8);
	}
	CHECK(strcmp(refusal(), "") == 0);
}

CASE(handover_h1_identity)
{
	REFUSED(handover->magic++, "it has no magic number");
	REFUSED(handover->version = 2, "its version is not this kernel's");
	REFUSED(handover->bytes -= 8, "its size is not its version's");
	REFUSED(handover->direct_map_base.raw += SIZE_1G,
		"its direct map is not where this kernel's is");
	build();
	handover->checksum = handover_checksum(handover) + 1;
	CHECK(strcmp(refusal(), "its checksum is wrong") == 0);
}

CASE(handover_h2_items_have_their_size)
{
	static const char clause[] = "an array has items of another size";

	REFUSED(handover->regions.item_bytes = 16, clause);
	REFUSED(handover->free_list.item_bytes = 24, clause);
	REFUSED(handover->owned.item_bytes = 16, clause);
	REFUSED(handover->modules.item_bytes = 0, clause);
}

CASE(handover_h2_arrays_lie_in_the_direct_map)
{
	static const char outside[] =
		"an array lies outside the direct map";

	REFUSED(handover->free_list.count = HANDOVER_ITEMS_LIMIT + 1,
		"an array has too many items");
	REFUSED(handover->owned.count = UINT32_MAX,
		"an array has too many items");
	REFUSED(handover->owned.address.raw = 0, outside);
	REFUSED(handover->owned.address.raw = 0xff8, outside);
	REFUSED(handover->owned.address.raw += 4, outside);
	REFUSED(handover->owned.address.raw = DIRECT_MAP_BYTES, outside);
	REFUSED(handover->owned.address.raw =
		DIRECT_MAP_BYTES - 7 * 24 + 8, outside);
	REFUSED(handover->regions.address.raw = PHYSICAL_LIMIT, outside);
	REFUSED(handover->regions.address.raw = -8UL, outside);
	REFUSED(handover->free_list.address.raw = DIRECT_MAP_OFFSET, outside);
	REFUSED(handover->modules.address.raw = PHYSICAL_LIMIT - 64, outside);
}

CASE(handover_h2_texts_lie_in_the_direct_map)
{
	static const char outside[] =
		"a map or text lies outside the direct map";
	static const char stride[] =
		"the firmware map has an impossible stride";
	static const char too_long[] = "a map or text is too long";
	static const char off_page[] =
		"the root table or the stack is not on a page";

	REFUSED(handover->raw_map_stride = 0, stride);
	REFUSED(handover->raw_map_stride = 39, stride);
	REFUSED(handover->raw_map_stride = 4097, stride);
	REFUSED(handover->raw_map_bytes = HANDOVER_TEXT_LIMIT + 1, too_long);
	REFUSED(handover->options_bytes = UINT64_MAX, too_long);
	REFUSED(handover->raw_map.raw = 0, outside);
	REFUSED(handover->options.raw = DIRECT_MAP_BYTES - 4, outside);
	REFUSED(handover->log.raw = PHYSICAL_LIMIT, outside);
	REFUSED(handover->crash_log.raw = -4096UL, outside);
	REFUSED(handover->root_table.raw = 0, outside);
	REFUSED(handover->boot_stack.raw = DIRECT_MAP_BYTES - 0x3000, outside);
	REFUSED(handover->root_table.raw += 8, off_page);
	REFUSED(handover->boot_stack.raw += 8, off_page);
}

CASE(handover_h3_the_free_list_ascends)
{
	static const char clause[] = "free runs do not ascend or are empty";

	REFUSED(free_runs()[1].frames = 0, clause);
	REFUSED(free_runs()[1].first.raw = 25, clause);
	REFUSED(free_runs()[1].first.raw = 29, clause);
	TAKEN(free_runs()[1].first.raw = 30);
	REFUSED(free_runs()[2].frames = UINT64_MAX, clause);
	REFUSED(free_runs()[2].first.raw = UINT64_MAX, clause);
	REFUSED(free_runs()[2].first.raw = DIRECT_MAP_BYTES / 4096, clause);
	TAKEN(free_runs()[2].frames = DIRECT_MAP_BYTES / 4096 - 42);
	REFUSED(free_runs()[2].frames = DIRECT_MAP_BYTES / 4096 - 41, clause);
}

CASE(handover_h4_owned_runs_ascend_and_are_not_free)
{
	static const char clause[] = "owned runs do not ascend or are empty";
	static const char shared[] = "a page is both free and owned";

	REFUSED(owned_runs()[6].frames = 0, clause);
	REFUSED(owned_runs()[6].first.raw = 25, clause);
	REFUSED(owned_runs()[5].frames = 25, clause);
	REFUSED(owned_runs()[6].frames = UINT64_MAX - 39, clause);
	REFUSED(owned_runs()[6].owner = OWNER_COUNT,
		"an owned run has an unknown owner");
	REFUSED(owned_runs()[5].frames = 11, shared);
	REFUSED(owned_runs()[6].first.raw = 39, shared);
	REFUSED(owned_runs()[6].frames = 3, shared);
	REFUSED(free_runs()[0].first.raw = 25, shared);
	REFUSED(free_runs()[0].first.raw = 1; free_runs()[0].frames = 29,
		shared);
	REFUSED(free_runs()[2].first.raw = 41, shared);
	REFUSED(free_runs()[1].frames = 9, shared);
}

CASE(handover_h5_segments_are_whole_pages_in_the_kernel_area)
{
	static const char pages[] = "a kernel segment is not whole pages";
	static const char outside[] =
		"a kernel segment lies outside the kernel area";

	REFUSED(handover->segments[0].virt.raw += 1, pages);
	REFUSED(handover->segments[1].phys.raw += 0x800, pages);
	REFUSED(handover->segments[2].bytes -= 1, pages);
	REFUSED(handover->segments[2].bytes = 0, pages);
	REFUSED(handover->segments[1].used_bytes = 0x4001, pages);
	REFUSED(handover->segments[0].virt.raw -= 0x1000, outside);
	REFUSED(handover->segments[2].virt.raw = KERNEL_END, outside);
	REFUSED(handover->segments[2].virt.raw = KERNEL_END - 0x3000, outside);
	TAKEN(handover->segments[2].virt.raw = KERNEL_END - 0x4000);
	REFUSED(handover->segments[2].bytes = -0x1000UL, outside);
	REFUSED(handover->segments[1].virt.raw -= 0x1000,
		"kernel segments do not ascend");
	REFUSED(handover->segments[2].virt.raw = KERNEL_BASE,
		"kernel segments do not ascend");
	REFUSED(handover->segments[1].phys.raw = PHYSICAL_LIMIT,
		"a kernel segment lies in no memory");
	REFUSED(handover->segments[1].phys.raw = 0,
		"a kernel segment lies in no memory");
}

CASE(handover_h5_no_segment_is_writable_and_executable)
{
	REFUSED(handover->segments[2].rights |= SEGMENT_EXECUTE,
		"a kernel segment is writable and executable");
	REFUSED(handover->segments[0].rights |= SEGMENT_WRITE,
		"a kernel segment is writable and executable");
	REFUSED(handover->segments[0].rights |= 8,
		"a kernel segment has unknown rights");
	REFUSED(handover->segments[1].rights = 0,
		"a kernel segment has unknown rights");
}

/* Pages 30 and 31 exist and have no owner. */
CASE(handover_h6_what_is_read_is_owned)
{
	const uint64_t unowned = 30 * PAGE_SIZE;

	REFUSED(handover->owned.count = 0, "the region list is not owned");
	REFUSED(memcpy(memory + unowned, owned_runs(), 7 * 24);
		handover->owned.address.raw = unowned,
		"the owned list is not owned");
	REFUSED(handover->regions.address.raw = unowned,
		"the region list is not owned");
	REFUSED(handover->regions.address.raw = 9 * PAGE_SIZE - 16,
		"the region list is not owned");
	REFUSED(handover->free_list.address.raw = 32 * PAGE_SIZE,
		"the free list is not owned");
	REFUSED(handover->free_list.address.raw = 32 * GIB,
		"the free list is not owned");
	REFUSED(handover->modules.address.raw = unowned,
		"the module list is not owned");
	REFUSED(handover->raw_map.raw = unowned,
		"the firmware map is not owned");
	REFUSED(handover->raw_map_bytes = 0x2001,
		"the firmware map is not owned");
	REFUSED(handover->options.raw = unowned,
		"the option text is not owned");
	REFUSED(handover->log.raw = 32 * TIB, "the loader's log is not owned");
	REFUSED(handover->crash_log_bytes++, "the crash log is not owned");
	REFUSED(handover->root_table.raw = unowned,
		"the root table is not owned");
	REFUSED(handover->boot_stack.raw += 0x1000,
		"the boot stack is not owned");
	REFUSED(handover->segments[2].phys.raw = unowned,
		"a kernel segment is not owned");
	REFUSED(handover->segments[2].used_bytes = 0x2001,
		"a kernel segment is not owned");
}

CASE(handover_h6_texts_and_names_end)
{
	REFUSED(memory[AT_OPTIONS + 5] = 'x',
		"the option text has no end");
	/* The last byte of an owned page leaves no room for the NUL. */
	REFUSED(handover->options.raw = 7 * PAGE_SIZE - 5,
		"the option text is not owned");
	REFUSED(memset(modules()->name, 'm', 48),
		"a module's name has no end");
	REFUSED(modules()->phys.raw = 30 * PAGE_SIZE,
		"a module is not owned");
	REFUSED(modules()->bytes = 0x1001, "a module is not owned");
	REFUSED(modules()->bytes = UINT64_MAX,
		"a module lies outside the direct map");
}

/* Checks page by page that at most one owner claims each. */
static bool pages_have_at_most_one_claim(void)
{
	unsigned claims[PAGES] = { 0 };
	bool good = true;

	for (uint32_t i = 0; i < handover->free_list.count; i++)
		for (uint64_t n = 0; n < free_runs()[i].frames; n++)
			if (free_runs()[i].first.raw + n < PAGES)
				claims[free_runs()[i].first.raw + n]++;
	for (uint32_t i = 0; i < handover->owned.count; i++)
		for (uint64_t n = 0; n < owned_runs()[i].frames; n++)
			if (owned_runs()[i].first.raw + n < PAGES)
				claims[owned_runs()[i].first.raw + n]++;
	for (unsigned page = 0; page < PAGES; page++)
		good = good && claims[page] <= 1;
	return good;
}

CASE(handover_run_lists_agree_with_a_page_count)
{
	uint64_t seed = check_seed();
	unsigned taken = 0;

	for (unsigned round = 0; round < 30000; round++) {
		uint64_t pick = check_random(&seed);
		struct owned_run *owned;
		struct frame_run *run;

		build();
		run = &free_runs()[pick % 3];
		owned = &owned_runs()[5 + pick / 4 % 2];
		run->first.raw += check_random(&seed) % 5 - 2;
		run->frames = check_random(&seed) % 24;
		owned->first.raw += check_random(&seed) % 3 - 1;
		owned->frames += check_random(&seed) % 3 - 1;
		handover->checksum = handover_checksum(handover);
		if (strcmp(refusal(), "") != 0)
			continue;
		CHECK(pages_have_at_most_one_claim());
		taken++;
	}
	CHECK(taken > 300);
}

/*
 * Every field may be wrong except the place of the owned list, which is read.
 */
CASE(handover_survives_lies_with_a_good_checksum)
{
	static const uint64_t edges[] = {
		0, 1, 7, 8, 0xfff, 0x1000, 0x40000, 0x3fff8, PHYSICAL_LIMIT,
		DIRECT_MAP_BYTES, KERNEL_BASE, KERNEL_END, INT64_MAX,
		UINT64_MAX, UINT32_MAX, 0xfffff, 0x100000,
	};
	uint64_t seed = check_seed();
	struct handover_array owned;

	for (unsigned round = 0; round < 40000; round++) {
		build();
		owned = handover->owned;
		for (uint64_t n = 1 + check_random(&seed) % 4; n > 0; n--) {
			uint64_t pick = check_random(&seed);
			uint64_t value = edges[pick % ARRAY_LENGTH(edges)];
			uint64_t at = pick / 64 %
				      ((0x7000 - AT_HANDOVER) / 8);

			if (pick % 3 == 0)
				at %= sizeof(*handover) / 8;
			if (pick % 5 == 0)
				value = check_random(&seed);
			memcpy(memory + AT_HANDOVER + at * 8, &value, 8);
		}
		handover->owned = owned;
		handover->magic = HANDOVER_MAGIC;
		handover->checksum = handover_checksum(handover);
		CHECK(refusal() != NULL);
	}
}
