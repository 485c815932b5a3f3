// SPDX-License-Identifier: MIT OR Apache-2.0
/* Visits: of leaves, of rows of them, of table pages. */
#include "check.h"
#include "table_scene.h"

static enum status unmap(uint64_t virt)
{
	return table_unmap(&world.table, (vaddr_t){ virt }, PAGE_SIZE);
}

struct seen {
	uint64_t frames[64];
	size_t count, stop_after;
};

static bool see_frame(void *context, pfn_t frame)
{
	struct seen *seen = context;

	seen->frames[seen->count++] = frame.raw;
	return seen->count != seen->stop_after;
}

static bool see_leaf(void *context, const struct table_leaf *leaf)
{
	return see_frame(context, paddr_to_pfn(leaf->phys));
}

CASE(table_visits_stop_when_told)
{
	struct seen seen = { .stop_after = 2 };

	world_init(&world, everything, 16);
	CHECK(map_page(KERNEL, 0) == ST_OK);
	CHECK(map_page(KERNEL + SIZE_1G, 0) == ST_OK);
	CHECK(map_page(0, 0) == ST_OK);
	table_visit(&world.table, see_leaf, &seen);
	CHECK(seen.count == 2);
	seen.count = 0;
	table_visit_pages(&world.table, see_frame, &seen);
	CHECK(seen.count == 2);
	CHECK(seen.frames[0] == world.table.root.raw);
	done();
}

struct rows {
	struct table_row row[16];
	size_t count, stop_after;
};

static bool see_row(void *context, const struct table_row *row)
{
	struct rows *rows = context;

	rows->row[rows->count++] = *row;
	return rows->count != rows->stop_after;
}

static bool row_is(const struct table_row *row, uint64_t virt, uint64_t bytes,
		   uint64_t leaves)
{
	if (row->first.virt.raw == virt && row->first.bytes == bytes &&
	    row->leaves == leaves)
		return true;
	printf("# a row of %lu x 0x%lx at 0x%lx\n", row->leaves,
	       row->first.bytes, row->first.virt.raw);
	return false;
}

CASE(table_visits_rows_of_leaves_that_differ_in_address_alone)
{
	const uint64_t last_2m = KERNEL + SIZE_1G - SIZE_2M;
	struct rows rows = { .stop_after = 0 };

	world_init(&world, everything, 16);
	/* Cut at the end of each page, where rights and where frames jump. */
	CHECK(map_to(last_2m - 3 * PAGE_SIZE, 0x3fdfd000,
		     3 * PAGE_SIZE + SIZE_2M + 2 * SIZE_1G) == ST_OK);
	CHECK(map_page(0x1000, TABLE_WRITE) == ST_OK);
	CHECK(map_page(0x2000, TABLE_WRITE) == ST_OK);
	CHECK(map_page(0x3000, TABLE_READ) == ST_OK);
	CHECK(map_page(0x5000, TABLE_READ) == ST_OK);
	CHECK(map_to(0x6000, 0x7000, PAGE_SIZE) == ST_OK);
	CHECK(map_to(0x7000, 0x7000, PAGE_SIZE) == ST_OK);
	table_visit_rows(&world.table, see_row, &rows);
	CHECK(rows.count == 8);
	CHECK(row_is(&rows.row[0], 0x1000, PAGE_SIZE, 2));
	CHECK(row_is(&rows.row[1], 0x3000, PAGE_SIZE, 1));
	CHECK(row_is(&rows.row[2], 0x5000, PAGE_SIZE, 1));
	CHECK(row_is(&rows.row[3], 0x6000, PAGE_SIZE, 1));
	CHECK(row_is(&rows.row[4], 0x7000, PAGE_SIZE, 1));
	CHECK(row_is(&rows.row[5], last_2m - 3 * PAGE_SIZE, PAGE_SIZE, 3));
	CHECK(row_is(&rows.row[6], last_2m, SIZE_2M, 1));
	CHECK(row_is(&rows.row[7], KERNEL + SIZE_1G, SIZE_1G, 2));
	CHECK(rows.row[7].first.phys.raw == SIZE_1G);
	CHECK(rows.row[7].first.rights == TABLE_WRITE);
	rows = (struct rows){ .stop_after = 3 };
	table_visit_rows(&world.table, see_row, &rows);
	CHECK(rows.count == 3);
	done();
}

#define ROW_PAGES 40

/* Entries are compared eight at once, from any index on. */
CASE(table_visits_rows_of_each_length)
{
	world_init(&world, everything, 16);
	for (uint64_t n = 1; n < ROW_PAGES; n++) {
		struct rows rows = { .stop_after = 0 };
		uint64_t at = KERNEL + n * SIZE_2M + n % 9 * PAGE_SIZE;
		uint64_t next = at + n * PAGE_SIZE;

		CHECK(map_to(at, 0x1000000, n * PAGE_SIZE) == ST_OK);
		CHECK(map_to(next, 0x2000000, (ROW_PAGES - n) * PAGE_SIZE) ==
		      ST_OK);
		table_visit_rows(&world.table, see_row, &rows);
		CHECK(rows.count == 2);
		CHECK(row_is(&rows.row[0], at, PAGE_SIZE, n));
		CHECK(row_is(&rows.row[1], next, PAGE_SIZE, ROW_PAGES - n));
		CHECK(table_unmap(&world.table, (vaddr_t){ at },
				  ROW_PAGES * PAGE_SIZE) == ST_OK);
	}
	done();
}

CASE(table_visits_a_leaf_at_each_index)
{
	world_init(&world, everything, 16);
	for (uint64_t i = 0; i < 512; i++) {
		struct rows rows = { .stop_after = 0 };
		uint64_t at = KERNEL + i * PAGE_SIZE;

		CHECK(map_to(at, 0x1000000, PAGE_SIZE) == ST_OK);
		table_visit_rows(&world.table, see_row, &rows);
		CHECK(rows.count == 1);
		CHECK(row_is(&rows.row[0], at, PAGE_SIZE, 1));
		CHECK(table_audit(&world.table));
		CHECK(unmap(at) == ST_OK);
	}
	done();
}

/* Tables alone, among large leaves, and the last in their page. */
CASE(table_visits_find_each_table_in_a_page)
{
	struct seen seen = { .stop_after = 0 };

	world_init(&world, everything, 16);
	CHECK(map_to(KERNEL, 0, 16 * SIZE_1G) == ST_OK);
	CHECK(unmap(KERNEL + 3 * SIZE_1G) == ST_OK);
	CHECK(unmap(KERNEL + 16 * SIZE_1G - PAGE_SIZE) == ST_OK);
	CHECK(map_page(KERNEL + 511 * SIZE_1G, TABLE_WRITE) == ST_OK);
	CHECK(map_page(KERNEL + 40 * SIZE_1G, TABLE_WRITE) == ST_OK);
	table_visit_pages(&world.table, see_frame, &seen);
	CHECK(seen.count == world.table.table_pages);
	CHECK(seen.count == 2 + 4 * 2);
	done();
}

CASE(table_visits_every_table_page_once)
{
	struct seen seen = { .stop_after = 0 };

	world_init(&world, everything, 16);
	CHECK(map_to(KERNEL + SIZE_1G - PAGE_SIZE, 0, 2 * PAGE_SIZE) == ST_OK);
	CHECK(map_page(0, 0) == ST_OK);
	table_visit_pages(&world.table, see_frame, &seen);
	CHECK(seen.count == world.table.table_pages);
	CHECK(seen.count == world.source.pages_out);
	for (size_t i = 0; i < seen.count; i++) {
		CHECK(failing_source_is_out(&world.source,
					    (pfn_t){ seen.frames[i] }));
		for (size_t j = 0; j < i; j++)
			CHECK(seen.frames[i] != seen.frames[j]);
	}
	done();
}
