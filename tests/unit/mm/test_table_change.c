// SPDX-License-Identifier: MIT OR Apache-2.0
/* Protect and unmap: splits, flushes, and what may fail. */
#include "check.h"
#include "fake_mmu.h"
#include "table_scene.h"

#define RX TABLE_EXECUTE
#define RW TABLE_WRITE

static enum status protect(uint64_t virt, uint64_t bytes, unsigned rights)
{
	fake_mmu_reset();
	return table_protect(&world.table, (vaddr_t){ virt }, bytes, rights);
}

static enum status unmap(uint64_t virt, uint64_t bytes)
{
	fake_mmu_reset();
	return table_unmap(&world.table, (vaddr_t){ virt }, bytes);
}

/* --- splits -------------------------------------------------------------- */

CASE(table_protect_splits_the_leaf_that_it_cuts_and_no_other)
{
	world_init(&world, everything, 16);
	map(KERNEL, 3 * SIZE_1G, RW);
	CHECK(world.table.table_pages == 2);
	CHECK(protect(KERNEL + SIZE_1G + SIZE_2M + PAGE_SIZE, PAGE_SIZE,
		      TABLE_READ) == ST_OK);
	CHECK(shows("ffff800000000000 1x1G 0 w--- 0;"
		    "ffff800040000000 1x2M 40000000 w--- 0;"
		    "ffff800040200000 1x4K 40200000 w--- 0;"
		    "ffff800040201000 1x4K 40201000 ---- 0;"
		    "ffff800040202000 510x4K 40202000 w--- 0;"
		    "ffff800040400000 510x2M 40400000 w--- 0;"
		    "ffff800080000000 1x1G 80000000 w--- 0;"));
	CHECK(world.table.table_pages == 4);
	CHECK(fake_mmu_flushes() == 1 && fake_mmu.page_flushes == 1);
	done();
}

CASE(table_protect_splits_no_further_than_its_ends_need)
{
	world_init(&world, everything, 16);
	map(KERNEL, 2 * SIZE_1G, RW);
	/* From 2 MiB into the first to 4 KiB into the second. */
	CHECK(protect(KERNEL + SIZE_2M, SIZE_1G - SIZE_2M + PAGE_SIZE,
		      TABLE_READ) == ST_OK);
	CHECK(shows("ffff800000000000 1x2M 0 w--- 0;"
		    "ffff800000200000 511x2M 200000 ---- 0;"
		    "ffff800040000000 1x4K 40000000 ---- 0;"
		    "ffff800040001000 511x4K 40001000 w--- 0;"
		    "ffff800040200000 511x2M 40200000 w--- 0;"));
	CHECK(world.table.table_pages == 5);
	done();
}

CASE(table_unmap_splits_the_leaves_at_both_ends)
{
	world_init(&world, everything, 16);
	map(KERNEL, 4 * SIZE_2M, RW);
	CHECK(unmap(KERNEL + 0x3000, 3 * SIZE_2M) == ST_OK);
	CHECK(shows("ffff800000000000 3x4K 0 w--- 0;"
		    "ffff800000603000 509x4K 603000 w--- 0;"));
	CHECK(world.table.table_pages == 5);
	CHECK(unmap(KERNEL, 3 * PAGE_SIZE) == ST_OK);
	CHECK(world.table.table_pages == 4);
	CHECK(unmap(KERNEL + 0x603000, 509 * PAGE_SIZE) == ST_OK);
	CHECK(world.table.table_pages == 1);
	CHECK(world.source.given_dirty == 0);
	done();
}

CASE(table_unmap_of_whole_large_leaves_needs_no_page)
{
	world_init(&world, everything, 16);
	map(KERNEL + SIZE_1G - SIZE_2M, SIZE_2M + SIZE_1G, RW);
	world.source.budget = 0;
	CHECK(unmap(KERNEL + SIZE_1G, SIZE_1G) == ST_OK);
	CHECK(shows("ffff80003fe00000 1x2M 3fe00000 w--- 0;"));
	CHECK(unmap(KERNEL + SIZE_1G - SIZE_2M, SIZE_2M) == ST_OK);
	CHECK(world.table.table_pages == 1);
	done();
}

CASE(table_split_keeps_rights_cache_and_the_used_bits)
{
	struct table_mapping want = { .virt = { 0x40000000 },
				      .phys = { 0x80000000 },
				      .bytes = SIZE_1G,
				      .rights = TABLE_USER | RW,
				      .cache = CACHE_WRITE_COMBINING,
				      .largest_leaf = SIZE_1G };
	uint64_t *entry;

	world_init(&world, everything, 16);
	CHECK(table_map(&world.table, &want) == ST_OK);
	entry = world_entry(&world, want.virt.raw, 2);
	CHECK(*entry == 0x8000000080001087);
	*entry |= 0x60;			/* the processor wrote through it    */
	CHECK(unmap(0x40000000, PAGE_SIZE) == ST_OK);
	CHECK(*world_entry(&world, 0x40001000, 0) == 0x80000000800010e7);
	CHECK(*world_entry(&world, 0x40200000, 1) == 0x80000000802010e7);
	CHECK(shows("40001000 511x4K 80001000 w-u- 4;"
		    "40200000 511x2M 80200000 w-u- 4;"));
	done();
}

CASE(table_protect_keeps_the_used_bits_of_user_pages)
{
	world_init(&world, everything, 16);
	map(0x40000000, 3 * PAGE_SIZE, TABLE_USER | RW);
	*world_entry(&world, 0x40001000, 0) |= 0x60;
	CHECK(protect(0x40000000, 3 * PAGE_SIZE, TABLE_USER) == ST_OK);
	CHECK(*world_entry(&world, 0x40000000, 0) == 0x8000000040000005);
	CHECK(*world_entry(&world, 0x40001000, 0) == 0x8000000040001065);
	/* Without the user right they are kernel leaves: A and D are set. */
	CHECK(protect(0x40000000, 3 * PAGE_SIZE, RW | TABLE_GLOBAL) == ST_OK);
	CHECK(*world_entry(&world, 0x40000000, 0) == 0x8000000040000163);
	done();
}

/* --- flushes ------------------------------------------------------------- */

CASE(table_flushes_one_page_a_few_or_all)
{
	static const struct {
		uint64_t pages;
		unsigned page, range, all;
	} want[] = {
		{ 1, 1, 0, 0 }, { 2, 0, 1, 0 },	 { 32, 0, 1, 0 },
		{ 33, 0, 0, 1 }, { 600, 0, 0, 1 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(want); i++) {
		uint64_t bytes = want[i].pages * PAGE_SIZE;

		world_init(&world, everything, 16);
		map(KERNEL + 0x5000, bytes, RW);
		CHECK(protect(KERNEL + 0x5000, bytes, 0) == ST_OK);
		CHECK(fake_mmu.page_flushes == want[i].page);
		CHECK(fake_mmu.range_flushes == want[i].range);
		CHECK(fake_mmu.all_flushes == want[i].all);
		CHECK(unmap(KERNEL + 0x5000, bytes) == ST_OK);
		CHECK(fake_mmu.page_flushes == want[i].page);
		CHECK(fake_mmu.range_flushes == want[i].range);
		CHECK(fake_mmu.all_flushes == want[i].all);
		done();
	}
}

CASE(table_counts_flushes_in_leaves_of_the_smallest_size)
{
	world_init(&world, everything, 16);
	map(KERNEL, SIZE_1G, RW);
	CHECK(protect(KERNEL, SIZE_1G, 0) == ST_OK);
	CHECK(fake_mmu.page_flushes == 1);
	CHECK(protect(KERNEL, 32 * SIZE_2M, RW) == ST_OK);
	CHECK(fake_mmu.range_flushes == 1);
	CHECK(fake_mmu.last.start.raw == KERNEL);
	CHECK(fake_mmu.last.bytes == 32 * SIZE_2M);
	CHECK(fake_mmu.last.step == SIZE_2M);
	CHECK(protect(KERNEL, 33 * SIZE_2M, RX) == ST_OK);
	CHECK(fake_mmu.all_flushes == 1);
	done();
}

CASE(table_protect_that_changes_nothing_costs_nothing)
{
	world_init(&world, everything, 16);
	map(KERNEL, SIZE_1G, RW);
	map(KERNEL + SIZE_1G, 40 * PAGE_SIZE, RW);
	world.source.budget = 0;
	CHECK(protect(KERNEL + PAGE_SIZE, SIZE_2M, RW) == ST_OK);
	CHECK(fake_mmu_flushes() == 0);
	CHECK(protect(KERNEL + PAGE_SIZE, SIZE_1G, RW) == ST_OK);
	CHECK(fake_mmu_flushes() == 0);
	CHECK(protect(KERNEL + SIZE_1G + PAGE_SIZE, PAGE_SIZE, RW) == ST_OK);
	CHECK(fake_mmu_flushes() == 0);
	CHECK(shows("ffff800000000000 1x1G 0 w--- 0;"
		    "ffff800040000000 40x4K 40000000 w--- 0;"));
	done();
}

CASE(table_protect_narrows_to_what_changes)
{
	world_init(&world, everything, 16);
	map(KERNEL, SIZE_2M, RW);
	map(KERNEL + SIZE_2M, 9 * PAGE_SIZE, RW);
	map(KERNEL + SIZE_2M + 9 * PAGE_SIZE, 2 * PAGE_SIZE, RX);
	map(KERNEL + SIZE_2M + 11 * PAGE_SIZE, 9 * PAGE_SIZE, RW);
	/* Half of the large leaf is in the range, but stays as it is. */
	world.source.budget = 0;
	CHECK(protect(KERNEL + SIZE_2M / 2, SIZE_2M / 2 + 20 * PAGE_SIZE,
		      RW) == ST_OK);
	CHECK(fake_mmu_flushes() == 1);
	CHECK(fake_mmu.last.start.raw == KERNEL + SIZE_2M + 9 * PAGE_SIZE);
	CHECK(fake_mmu.last.bytes == 2 * PAGE_SIZE);
	CHECK(shows("ffff800000000000 1x2M 0 w--- 0;"
		    "ffff800000200000 20x4K 200000 w--- 0;"));
	/* The same within one page table. */
	CHECK(protect(KERNEL + SIZE_2M + 4 * PAGE_SIZE, PAGE_SIZE, RX) ==
	      ST_OK);
	CHECK(protect(KERNEL + SIZE_2M, 8 * PAGE_SIZE, RW) == ST_OK);
	CHECK(fake_mmu.page_flushes == 1);
	CHECK(fake_mmu.last.start.raw == KERNEL + SIZE_2M + 4 * PAGE_SIZE);
	done();
}

struct watched {
	uint64_t virt;
	unsigned level;
	uint64_t entry[4];		/* at each flush                     */
	unsigned flushes;
};

static void watch_entry(void *context, const struct fake_flush *flush)
{
	struct watched *watched = context;

	(void)flush;
	if (watched->flushes < ARRAY_LENGTH(watched->entry))
		watched->entry[watched->flushes] =
			*world_entry(&world, watched->virt, watched->level);
	watched->flushes++;
}

static void watch(struct watched *watched, uint64_t virt, unsigned level)
{
	*watched = (struct watched){ .virt = virt, .level = level };
	fake_mmu_reset();
	fake_mmu.on_flush = watch_entry;
	fake_mmu.context = watched;
}

CASE(table_takes_an_executable_leaf_away_while_it_splits_it)
{
	struct watched watched;
	vaddr_t virt = { KERNEL + SIZE_2M + PAGE_SIZE };

	world_init(&world, everything, 16);
	map(KERNEL, 2 * SIZE_2M, RX);
	watch(&watched, KERNEL + SIZE_2M, 1);
	CHECK(table_unmap(&world.table, virt, PAGE_SIZE) == ST_OK);
	CHECK(watched.flushes == 2);
	CHECK(watched.entry[0] == 0);
	CHECK((watched.entry[1] & 0x81) == 1);
	fake_mmu_reset();
	CHECK(shows("ffff800000000000 1x2M 0 -x-- 0;"
		    "ffff800000200000 1x4K 200000 -x-- 0;"
		    "ffff800000202000 510x4K 202000 -x-- 0;"));
	done();
}

CASE(table_never_takes_a_data_leaf_away)
{
	struct watched watched;
	vaddr_t virt = { KERNEL + SIZE_2M + PAGE_SIZE };

	world_init(&world, everything, 16);
	map(KERNEL, 2 * SIZE_2M, RW);
	watch(&watched, KERNEL + SIZE_2M, 1);
	CHECK(table_protect(&world.table, virt, PAGE_SIZE, 0) == ST_OK);
	CHECK(watched.flushes == 1);
	CHECK((watched.entry[0] & 0x81) == 1);
	fake_mmu_reset();
	done();
}

/* --- refusals ------------------------------------------------------------ */

CASE(table_changes_nothing_when_a_page_is_missing)
{
	static const struct {
		uint64_t virt, bytes;
	} hole[] = {
		{ KERNEL + 2 * SIZE_2M, PAGE_SIZE },
		{ KERNEL + PAGE_SIZE, 2 * SIZE_2M },
		{ KERNEL + SIZE_2M + PAGE_SIZE, SIZE_1G },
		{ KERNEL + SIZE_1G - PAGE_SIZE, 2 * PAGE_SIZE },
		{ KERNEL + SIZE_1G + PAGE_SIZE, 5 * PAGE_SIZE },
		{ KERNEL + SIZE_1G + 3 * PAGE_SIZE, PAGE_SIZE },
		{ KERNEL + 600 * SIZE_1G, PAGE_SIZE },
		{ 0, PAGE_SIZE },
		{ 0, 1UL << 47 },
	};
	const char *before = "ffff800000000000 2x2M 0 w--- 0;"
			     "ffff800040000000 3x4K 40000000 w--- 0;"
			     "ffff800040004000 4x4K 40004000 w--- 0;";

	world_init(&world, everything, 16);
	map(KERNEL, 2 * SIZE_2M, RW);
	map(KERNEL + SIZE_1G, 3 * PAGE_SIZE, RW);
	map(KERNEL + SIZE_1G + 4 * PAGE_SIZE, 4 * PAGE_SIZE, RW);
	world.source.budget = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(hole); i++) {
		CHECK(unmap(hole[i].virt, hole[i].bytes) == ST_NOT_FOUND);
		CHECK(fake_mmu_flushes() == 0);
		CHECK(protect(hole[i].virt, hole[i].bytes, 0) ==
		      ST_NOT_FOUND);
		CHECK(fake_mmu_flushes() == 0);
	}
	CHECK(shows(before));
	done();
}

enum split_call { SPLIT_BY_PROTECT, SPLIT_BY_UNMAP };

/* Fails the n-th page for n = 1, 2, 3 ... and wants `needs` pages in all. */
static void starve(enum split_call call, uint64_t virt, uint64_t bytes,
		   uint64_t needs)
{
	enum status status;
	char before[256];
	uint64_t n;

	world_init(&world, everything, 16);
	map(KERNEL, 2 * SIZE_1G, RX);
	snprintf(before, sizeof(before), "%s", table_picture(&world.table));
	for (n = 1; n < 16; n++) {
		world.source.takes = 0;
		world.source.fail_at = n;
		status = call == SPLIT_BY_PROTECT ? protect(virt, bytes, RW) :
						    unmap(virt, bytes);
		if (status == ST_OK)
			break;
		CHECK(world.source.pages_out == 2);
		CHECK(fake_mmu_flushes() == 0);
		CHECK(shows(before));
		CHECK(sound());
	}
	CHECK(n == needs + 1);
	CHECK(world.source.takes == needs);
	CHECK(sound());
	world.source.fail_at = 0;
	if (call == SPLIT_BY_UNMAP)
		map(virt, bytes, RX);
	CHECK(unmap(KERNEL, 2 * SIZE_1G) == ST_OK);
	CHECK(world.table.table_pages == 1);
	CHECK(world.source.pages_out == 1);
	done();
}

CASE(table_changes_nothing_when_a_page_for_a_split_is_missing)
{
	static const struct {
		uint64_t offset, bytes, needs;
	} cut[] = {
		{ SIZE_2M, SIZE_2M, 1 },
		{ PAGE_SIZE, PAGE_SIZE, 2 },
		{ 0, PAGE_SIZE, 2 },
		{ PAGE_SIZE, SIZE_2M, 3 },
		{ SIZE_1G - PAGE_SIZE, 2 * PAGE_SIZE, 4 },
		{ SIZE_1G - SIZE_2M, SIZE_2M + PAGE_SIZE, 3 },
		{ SIZE_2M, SIZE_1G, 2 },
		{ 0, SIZE_1G, 0 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(cut); i++) {
		starve(SPLIT_BY_PROTECT, KERNEL + cut[i].offset, cut[i].bytes,
		       cut[i].needs);
		starve(SPLIT_BY_UNMAP, KERNEL + cut[i].offset, cut[i].bytes,
		       cut[i].needs);
	}
}
