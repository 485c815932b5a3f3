// SPDX-License-Identifier: MIT OR Apache-2.0
/* Mapping: pictures, refusals, entry bits, and a source without pages. */
#include "check.h"
#include "fake_mmu.h"
#include "table_scene.h"

#define TOP 0xffffffffffffffffUL

static enum status unmap(uint64_t virt, uint64_t bytes)
{
	return table_unmap(&world.table, (vaddr_t){ virt }, bytes);
}

/* --- pictures ------------------------------------------------------------ */

CASE(table_maps_in_the_largest_leaves_that_fit)
{
	world_init(&world, everything, 16);
	CHECK(map_to(KERNEL + SIZE_1G - SIZE_2M - 0x3000,
		     5 * SIZE_1G - SIZE_2M - 0x3000,
		     SIZE_1G + 3 * SIZE_2M + 0x5000) == ST_OK);
	CHECK(shows("ffff80003fdfd000 3x4K 13fdfd000 w--- 0;"
		    "ffff80003fe00000 1x2M 13fe00000 w--- 0;"
		    "ffff800040000000 1x1G 140000000 w--- 0;"
		    "ffff800080000000 2x2M 180000000 w--- 0;"
		    "ffff800080400000 2x4K 180400000 w--- 0;"));
	/* root, 1 x 512 GiB, 2 x 1 GiB, 2 x 2 MiB */
	CHECK(world.table.table_pages == 6);
	CHECK(fake_mmu_flushes() == 0);
	done();
}

CASE(table_maps_2m_where_only_that_is_common_to_both_addresses)
{
	world_init(&world, everything, 16);
	CHECK(map_to(KERNEL, 3 * SIZE_2M, SIZE_1G + SIZE_2M) == ST_OK);
	CHECK(shows("ffff800000000000 513x2M 600000 w--- 0;"));
	CHECK(world.table.table_pages == 4);
	done();
}

CASE(table_maps_4k_where_nothing_more_is_common_to_both_addresses)
{
	world_init(&world, everything, 16);
	CHECK(map_to(KERNEL, SIZE_1G + PAGE_SIZE, 2 * SIZE_2M) == ST_OK);
	CHECK(shows("ffff800000000000 1024x4K 40001000 w--- 0;"));
	CHECK(world.table.table_pages == 5);
	done();
}

CASE(table_maps_2m_where_the_processor_has_no_1g)
{
	world_init(&world, (struct table_features){ .no_execute = true }, 16);
	CHECK(map_to(KERNEL, 0, 2 * SIZE_1G) == ST_OK);
	CHECK(shows("ffff800000000000 1024x2M 0 w--- 0;"));
	done();
}

CASE(table_maps_no_larger_leaf_than_asked)
{
	struct table_mapping want = { .virt = { KERNEL }, .bytes = SIZE_1G,
				      .largest_leaf = SIZE_2M };

	world_init(&world, everything, 16);
	CHECK(table_map(&world.table, &want) == ST_OK);
	CHECK(shows("ffff800000000000 512x2M 0 ---- 0;"));
	want.virt.raw += SIZE_1G;
	want.bytes = SIZE_2M;
	want.largest_leaf = 0;
	CHECK(table_map(&world.table, &want) == ST_OK);
	CHECK(shows("ffff800000000000 512x2M 0 ---- 0;"
		    "ffff800040000000 512x4K 0 ---- 0;"));
	done();
}

CASE(table_maps_the_last_page_of_each_half)
{
	world_init(&world, everything, 16);
	CHECK(map_to(0x7ffffffff000, 0x1000, PAGE_SIZE) == ST_OK);
	CHECK(map_to(TOP - 0x1fff, 0x2000, 2 * PAGE_SIZE) == ST_OK);
	CHECK(map_to(0, 0x4000, PAGE_SIZE) == ST_OK);
	CHECK(map_to(KERNEL, 0x5000, PAGE_SIZE) == ST_OK);
	CHECK(shows("0 1x4K 4000 w--- 0;"
		    "7ffffffff000 1x4K 1000 w--- 0;"
		    "ffff800000000000 1x4K 5000 w--- 0;"
		    "ffffffffffffe000 2x4K 2000 w--- 0;"));
	CHECK(unmap(TOP - 0xfff, PAGE_SIZE) == ST_OK);
	CHECK(unmap(0x7ffffffff000, PAGE_SIZE) == ST_OK);
	CHECK(shows("0 1x4K 4000 w--- 0;"
		    "ffff800000000000 1x4K 5000 w--- 0;"
		    "ffffffffffffe000 1x4K 2000 w--- 0;"));
	done();
}

CASE(table_maps_a_whole_half)
{
	world_init(&world, (struct table_features){ .page_1g = true }, 600);
	CHECK(map_to(0, 0, 1UL << 47) == ST_OK);
	CHECK(shows("0 131072x1G 0 wx-- 0;"));
	CHECK(world.table.table_pages == 1 + 256);
	CHECK(unmap(0, 1UL << 47) == ST_OK);
	CHECK(world.table.table_pages == 1);
	done();
}

CASE(table_maps_physical_memory_up_to_its_last_byte)
{
	world_init(&world, everything, 16);
	CHECK(map_to(KERNEL, (1UL << 46) - PAGE_SIZE, PAGE_SIZE) == ST_OK);
	CHECK(map_to(KERNEL + SIZE_1G, (1UL << 46) - SIZE_1G, SIZE_1G) ==
	      ST_OK);
	CHECK(shows("ffff800000000000 1x4K 3ffffffff000 w--- 0;"
		    "ffff800040000000 1x1G 3fffc0000000 w--- 0;"));
	done();
}

/* --- refusals ------------------------------------------------------------ */

CASE(table_refuses_hostile_ranges)
{
	static const struct {
		uint64_t virt, phys, bytes;
	} bad[] = {
		{ KERNEL, 0, 0 },
		{ KERNEL + 1, 0, PAGE_SIZE },
		{ KERNEL, 0, PAGE_SIZE + 8 },
		{ KERNEL, 0, 1 },
		{ 0x0000800000000000, 0, PAGE_SIZE },
		{ 0x7fff7ffffffff000, 0, PAGE_SIZE },
		{ 0xffff7ffffffff000, 0, PAGE_SIZE },
		{ 0x0001000000000000, 0, PAGE_SIZE },
		/* Across the gap of the address space, and over all of it. */
		{ 0x00007ffffffff000, 0, 2 * PAGE_SIZE },
		{ 0x00007ffffffff000, 0, KERNEL - 0x7ffffffff000 + PAGE_SIZE },
		{ 0, 0, (1UL << 47) + PAGE_SIZE },
		/* Around the top. */
		{ TOP - 0xfff, 0, 2 * PAGE_SIZE },
		{ TOP - 0xfff, 0, TOP - 0xfff },
		{ KERNEL, 0, TOP - 0xfff },
		{ 0, 0, TOP - 0xfff },
		{ 0, 0, 1UL << 63 },
	};
	static const struct {
		uint64_t phys, bytes;
	} bad_phys[] = {
		{ 1, PAGE_SIZE },
		{ 0x800, PAGE_SIZE },
		{ 1UL << 46, PAGE_SIZE },
		{ (1UL << 46) - PAGE_SIZE, 2 * PAGE_SIZE },
		{ 1UL << 52, PAGE_SIZE },
		{ 1UL << 63, PAGE_SIZE },
		{ TOP - 0xfff, PAGE_SIZE },
		{ TOP - 0xfff, 2 * PAGE_SIZE },
		{ 0, 1UL << 47 },
	};

	world_init(&world, everything, 16);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		vaddr_t virt = { bad[i].virt };

		CHECK(map_to(virt.raw, bad[i].phys, bad[i].bytes) ==
		      ST_BAD_RANGE);
		CHECK(table_unmap(&world.table, virt, bad[i].bytes) ==
		      ST_BAD_RANGE);
		CHECK(table_protect(&world.table, virt, bad[i].bytes, 0) ==
		      ST_BAD_RANGE);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(bad_phys); i++)
		CHECK(map_to(KERNEL, bad_phys[i].phys, bad_phys[i].bytes) ==
		      ST_BAD_RANGE);
	CHECK(world.source.takes == 1);
	CHECK(shows(""));
	done();
}

CASE(table_refuses_words_that_do_not_exist)
{
	struct table_mapping want = { .virt = { KERNEL },
				      .bytes = PAGE_SIZE };
	static const uint64_t sizes[] = { 1, 0x2000, 2 * SIZE_2M, TOP,
					  PAGE_SIZE | SIZE_2M };

	world_init(&world, everything, 16);
	want.rights = 16;
	CHECK(table_map(&world.table, &want) == ST_BAD_ARGUMENT);
	want.rights = ~0u;
	CHECK(table_map(&world.table, &want) == ST_BAD_ARGUMENT);
	want.rights = 0;
	want.cache = (enum table_cache)5;
	CHECK(table_map(&world.table, &want) == ST_BAD_ARGUMENT);
	want.cache = (enum table_cache)255;
	CHECK(table_map(&world.table, &want) == ST_BAD_ARGUMENT);
	want.cache = CACHE_WRITE_BACK;
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		want.largest_leaf = sizes[i];
		CHECK(table_map(&world.table, &want) == ST_BAD_ARGUMENT);
	}
	want.largest_leaf = PAGE_SIZE;
	CHECK(table_map(&world.table, &want) == ST_OK);
	CHECK(table_protect(&world.table, want.virt, PAGE_SIZE, 32) ==
	      ST_BAD_ARGUMENT);
	CHECK(shows("ffff800000000000 1x4K 0 ---- 0;"));
	done();
}

CASE(table_refuses_what_is_mapped_already_and_takes_nothing)
{
	static const struct {
		uint64_t virt, bytes;
	} clash[] = {
		{ KERNEL, SIZE_1G },		/* the 4 KiB leaf is inside  */
		{ KERNEL + SIZE_2M, SIZE_2M },
		{ KERNEL + SIZE_2M + 0x5000, PAGE_SIZE },
		{ KERNEL + SIZE_2M + 0x4000, 4 * PAGE_SIZE },
		{ KERNEL + 2 * SIZE_1G + 0x7000, PAGE_SIZE },
		{ KERNEL + 2 * SIZE_1G - PAGE_SIZE, 2 * PAGE_SIZE },
		{ KERNEL + 3 * SIZE_1G - PAGE_SIZE, 2 * PAGE_SIZE },
	};

	world_init(&world, everything, 16);
	CHECK(map_page(KERNEL + SIZE_2M + 0x5000, TABLE_READ) == ST_OK);
	CHECK(map_to(KERNEL + 2 * SIZE_1G, 0, SIZE_1G) == ST_OK);
	world.source.budget = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(clash); i++)
		CHECK(map_to(clash[i].virt, 0, clash[i].bytes) == ST_CONFLICT);
	CHECK(shows("ffff800000205000 1x4K 205000 ---- 0;"
		    "ffff800080000000 1x1G 0 w--- 0;"));
	done();
}

CASE(table_init_refuses_without_memory_or_with_odd_features)
{
	struct table_features odd = { .physical_bits = 53 };
	struct failing_source source;
	struct table table;

	failing_source_init(&source, (pfn_t){ 16 }, 1);
	source.fail_at = 1;
	CHECK(table_init(&table, source.window, &source.base, &everything) ==
	      ST_NO_MEMORY);
	CHECK(table_init(&table, source.window, &source.base, &odd) ==
	      ST_BAD_ARGUMENT);
	CHECK(source.pages_out == 0);
	failing_source_free(&source);
}

CASE(table_asserts_what_its_source_gave_and_what_it_counts)
{
	struct table_features narrow = { .physical_bits = 13 };
	struct failing_source source;
	struct table table;

	/* A frame that no entry of this processor can name. */
	failing_source_init(&source, (pfn_t){ 2 }, 1);
	CHECK_ASSERTS((void)!table_init(&table, source.window, &source.base,
					&narrow));
	narrow.physical_bits = 14;
	frame_source_give(&source.base, (pfn_t){ 2 });
	CHECK(table_init(&table, source.window, &source.base, &narrow) ==
	      ST_OK);
	table.table_pages = 0;
	CHECK_ASSERTS(table_destroy(&table));
	CHECK(source.pages_out == 1);
	failing_source_free(&source);
}

/* --- the bits of an entry ------------------------------------------------ */

CASE(table_puts_the_pat_bit_where_the_leaf_size_wants_it)
{
	struct table_mapping want = { .virt = { KERNEL },
				      .phys = { SIZE_1G },
				      .bytes = PAGE_SIZE,
				      .cache = CACHE_WRITE_COMBINING,
				      .largest_leaf = SIZE_1G };

	world_init(&world, everything, 16);
	CHECK(table_map(&world.table, &want) == ST_OK);
	CHECK(*world_entry(&world, KERNEL, 0) == 0x80000000400000e1);
	want.virt.raw = KERNEL + SIZE_2M;
	want.phys.raw = SIZE_2M;
	want.bytes = SIZE_2M;
	CHECK(table_map(&world.table, &want) == ST_OK);
	CHECK(*world_entry(&world, want.virt.raw, 1) == 0x80000000002010e1);
	want.virt.raw = KERNEL + SIZE_1G;
	want.phys.raw = SIZE_1G;
	want.bytes = SIZE_1G;
	CHECK(table_map(&world.table, &want) == ST_OK);
	CHECK(*world_entry(&world, want.virt.raw, 2) == 0x80000000400010e1);
	CHECK(shows("ffff800000000000 1x4K 40000000 ---- 4;"
		    "ffff800000200000 1x2M 200000 ---- 4;"
		    "ffff800040000000 1x1G 40000000 ---- 4;"));
	done();
}

CASE(table_writes_each_right_and_cache_as_its_bit)
{
	static const struct {
		unsigned rights, cache;
		uint64_t entry;
	} want[] = {
		{ TABLE_READ, CACHE_WRITE_BACK, 0x8000000000000061 },
		{ TABLE_WRITE, CACHE_WRITE_THROUGH, 0x800000000000006b },
		{ TABLE_EXECUTE, CACHE_UNCACHED_MINUS, 0x71 },
		{ TABLE_GLOBAL, CACHE_UNCACHED, 0x8000000000000179 },
		/* Users' leaves are clean until they are used. */
		{ TABLE_USER, CACHE_WRITE_BACK, 0x8000000000000005 },
		{ TABLE_USER | TABLE_WRITE | TABLE_EXECUTE, CACHE_WRITE_BACK,
		  0x7 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(want); i++) {
		struct table_mapping mapping = {
			.virt = { KERNEL }, .bytes = PAGE_SIZE,
			.rights = want[i].rights,
			.cache = (enum table_cache)want[i].cache
		};

		world_init(&world, everything, 16);
		CHECK(table_map(&world.table, &mapping) == ST_OK);
		CHECK(*world_entry(&world, KERNEL, 0) == want[i].entry);
		done();
	}
}

CASE(table_leaves_bit_63_alone_where_the_processor_has_no_nx)
{
	struct table_leaf leaf;

	world_init(&world, (struct table_features){ .page_1g = true }, 16);
	CHECK(map_page(KERNEL, TABLE_READ) == ST_OK);
	CHECK(*world_entry(&world, KERNEL, 0) == 0x61);
	CHECK(table_protect(&world.table, (vaddr_t){ KERNEL }, PAGE_SIZE,
			    TABLE_WRITE) == ST_OK);
	CHECK(*world_entry(&world, KERNEL, 0) == 0x63);
	CHECK(table_query(&world.table, (vaddr_t){ KERNEL }, &leaf) == ST_OK);
	CHECK(leaf.rights == (TABLE_WRITE | TABLE_EXECUTE));
	done();
}

CASE(table_counts_entries_and_opens_the_way_in_upper_entries)
{
	const uint64_t count_mask = 0x3ffUL << 52;

	world_init(&world, everything, 16);
	CHECK(map_page(KERNEL, TABLE_READ) == ST_OK);
	CHECK(map_page(KERNEL + 0x7000, TABLE_READ) == ST_OK);
	CHECK(map_page(KERNEL + SIZE_2M, TABLE_READ) == ST_OK);
	CHECK((*world_entry(&world, KERNEL, 1) & count_mask) >> 52 == 2);
	CHECK((*world_entry(&world, KERNEL, 2) & count_mask) >> 52 == 2);
	CHECK((*world_entry(&world, KERNEL, 3) & count_mask) >> 52 == 1);
	for (unsigned level = 1; level <= 3; level++)
		CHECK((*world_entry(&world, KERNEL, level) & 0xfff) == 0x23);
	CHECK(fake_mmu_flushes() == 0);

	/* The first user page sets the upper user bits, which needs a flush. */
	CHECK(map_page(KERNEL + 0x3000, TABLE_USER) == ST_OK);
	for (unsigned level = 1; level <= 3; level++)
		CHECK((*world_entry(&world, KERNEL, level) & 0xfff) == 0x27);
	CHECK((*world_entry(&world, KERNEL + SIZE_2M, 1) & 0xfff) == 0x23);
	CHECK(fake_mmu.page_flushes == 1);
	CHECK(map_page(KERNEL + 0x4000, TABLE_USER) == ST_OK);
	CHECK(fake_mmu.page_flushes == 1);
	CHECK(sound());

	CHECK(table_protect(&world.table, (vaddr_t){ KERNEL + SIZE_2M },
			    PAGE_SIZE, TABLE_USER) == ST_OK);
	CHECK((*world_entry(&world, KERNEL + SIZE_2M, 1) & 0xfff) == 0x27);
	done();
}

/* --- looking ------------------------------------------------------------- */

CASE(table_query_finds_the_leaf_around_an_address)
{
	struct table_leaf leaf;

	world_init(&world, everything, 16);
	CHECK(map_to(KERNEL + SIZE_2M, 5 * SIZE_2M, SIZE_2M) == ST_OK);
	CHECK(table_query(&world.table, (vaddr_t){ KERNEL + SIZE_2M + 0x1234 },
			  &leaf) == ST_OK);
	CHECK(leaf.virt.raw == KERNEL + SIZE_2M);
	CHECK(leaf.phys.raw == 5 * SIZE_2M);
	CHECK(leaf.bytes == SIZE_2M);
	CHECK(leaf.rights == TABLE_WRITE && leaf.cache == CACHE_WRITE_BACK);
	CHECK(table_query(&world.table, (vaddr_t){ KERNEL + 2 * SIZE_2M },
			  &leaf) == ST_NOT_FOUND);
	CHECK(table_query(&world.table, (vaddr_t){ KERNEL + SIZE_2M - 1 },
			  &leaf) == ST_NOT_FOUND);
	/* The same low 48 bits, but not canonical. */
	CHECK(table_query(&world.table,
			  (vaddr_t){ 0x0000800000000000 + SIZE_2M },
			  &leaf) == ST_NOT_FOUND);
	done();
}

CASE(table_destroy_gives_back_zeroed_pages)
{
	world_init(&world, everything, 16);
	CHECK(map_to(KERNEL + SIZE_1G - PAGE_SIZE, 0, 2 * SIZE_2M) == ST_OK);
	CHECK(map_page(0, 0) == ST_OK);
	CHECK(world_free(&world) == NULL);
	CHECK(world.source.given_dirty == 0);
	CHECK(world.source.gives == world.source.takes);
}

/* --- a source that runs dry ---------------------------------------------- */

CASE(table_map_fails_whole_when_any_page_is_missing)
{
	/* 4 KiB, 2 MiB and 1 GiB leaves, over two root entries. */
	const uint64_t virt = KERNEL + 512 * SIZE_1G - SIZE_2M - PAGE_SIZE;
	const uint64_t bytes = PAGE_SIZE + SIZE_2M + SIZE_1G + SIZE_2M +
			       PAGE_SIZE;
	const char *before = "ffff800000000000 1x4K 0 ---- 0;";
	uint64_t n;

	world_init(&world, everything, 32);
	CHECK(map_page(KERNEL, TABLE_READ) == ST_OK);
	for (n = 1; n < 30; n++) {
		world.source.takes = 0;
		world.source.fail_at = n;
		if (map_to(virt, SIZE_1G - SIZE_2M - PAGE_SIZE, bytes) == ST_OK)
			break;
		CHECK(world.source.pages_out == 4);
		CHECK(shows(before));
		CHECK(sound());
	}
	/* PD and PT below the old PDPT; PDPT, PD and PT behind it. */
	CHECK(n == 6);
	CHECK(world.source.takes == 5);
	CHECK(world.source.gives == 0 + 1 + 2 + 3 + 4);
	CHECK(unmap(virt, bytes) == ST_OK);
	CHECK(shows(before));
	done();
}

CASE(table_map_takes_exactly_what_it_lacks)
{
	world_init(&world, everything, 32);
	CHECK(map_page(KERNEL + SIZE_1G + SIZE_2M, TABLE_READ) == ST_OK);
	world.source.takes = 0;
	/* PDs of the first and the last GiB, a PT in each, and no more. */
	CHECK(map_to(KERNEL + SIZE_2M - PAGE_SIZE, SIZE_2M - PAGE_SIZE,
		     SIZE_1G + PAGE_SIZE) == ST_OK);
	CHECK(world.source.takes == 2);
	CHECK(world.source.gives == 0);
	CHECK(shows("ffff8000001ff000 1x4K 1ff000 w--- 0;"
		    "ffff800000200000 512x2M 200000 w--- 0;"
		    "ffff800040200000 1x4K 40200000 ---- 0;"));
	done();
}
