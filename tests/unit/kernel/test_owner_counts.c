// SPDX-License-Identifier: MIT OR Apache-2.0
/* kernel/memory/owner_counts.c: a byte or a structure that is wrong shows. */
#include <kernel/memory/owner_counts.h>

#include <base/bits.h>
#include <boot/layout.h>
#include <mm/frame.h>

#include "check.h"
#include "fake_cpu.h"
#include "frame_world.h"
#include "table_world.h"

#define BASE		0x40000UL	/* the pool's first frame            */
#define FRAMES		1024UL
#define SHAPE		((struct frame_shape){ 7, 3 })
#define OTHERS		16UL		/* named pages that no pool has      */

/* Where the test has its structures; no matter where in these areas. */
#define META		(FRAME_META_START + 5 * PAGE_SIZE)
#define STACK		(stack_top(0, STACK_MAIN).raw - STACK_BYTES)

static const uint64_t wanted[OWNER_COUNT] = {
	[OWNER_KERNEL_IMAGE] = 2 + 3,
	[OWNER_FRAME_META] = 3,
	[OWNER_STACK] = STACK_BYTES / PAGE_SIZE,
	[OWNER_BOOT_LIST] = 4 + 2,
	[OWNER_HANDOVER] = 3 + 1,
	[OWNER_MODULE] = 1,
	[OWNER_LOG] = 2,
	[OWNER_HEAP] = 6,
	[OWNER_USER_ANON] = 9,
	[OWNER_BAD] = 1,
};

struct scene {
	struct frame_world *pool;
	struct table_world tables;
	struct ledger_run runs[2];
	struct ledger ledger;
	struct frame_count frames;
	struct handover_segment segments[2];
	struct owned_run owned[6];
	struct owner_sources from;
	pfn_t first[OWNER_COUNT];	/* a frame of each owner             */
	uint64_t pages[OWNER_COUNT];
};

static struct scene at;

static void map_at(uint64_t virt, uint64_t pages)
{
	CHECK(table_map(&at.tables.table, &(struct table_mapping){
		.virt = { virt }, .phys = { 16 * MIB },
		.bytes = pages * PAGE_SIZE, .rights = TABLE_WRITE }) == ST_OK);
}

/* Three pages are read only, used or not; of four of data, two are used. */
static void make_structures(void)
{
	world_init(&at.tables, (struct table_features){
		.no_execute = true, .page_1g = true, .physical_bits = 46 }, 64);
	map_at(DIRECT_MAP_OFFSET, 4);
	map_at(META, wanted[OWNER_FRAME_META]);
	map_at(STACK, wanted[OWNER_STACK]);
	map_at(KERNEL_BASE, 3);
	map_at(KERNEL_BASE + SIZE_2M, 4);
	at.segments[0] = (struct handover_segment){
		.virt = { KERNEL_BASE }, .bytes = 3 * PAGE_SIZE,
		.used_bytes = PAGE_SIZE + 8, .rights = SEGMENT_READ };
	at.segments[1] = (struct handover_segment){
		.virt = { KERNEL_BASE + SIZE_2M }, .bytes = 4 * PAGE_SIZE,
		.used_bytes = PAGE_SIZE + 1,
		.rights = SEGMENT_READ | SEGMENT_WRITE };
	at.owned[0] = (struct owned_run){ { 1 }, 4, OWNER_BOOT_LIST, 0 };
	at.owned[1] = (struct owned_run){ { 9 }, 3, OWNER_HANDOVER, 0 };
	at.owned[2] = (struct owned_run){ { 19 }, 1, OWNER_MODULE, 0 };
	at.owned[3] = (struct owned_run){ { 29 }, 2, OWNER_LOG, 0 };
	/* The loader's own: counted in the tables. */
	at.owned[4] = (struct owned_run){ { 39 }, 5, OWNER_KERNEL_IMAGE, 0 };
	at.owned[5] = (struct owned_run){ { 49 }, 7, OWNER_PAGE_TABLE, 0 };
	at.from.structures = (struct owner_structures){
		.table = &at.tables.table,
		.segments = at.segments, .segment_count = 2,
		.owned = at.owned, .owned_count = 6,
		.more_handover_pages = 1, .more_boot_list_pages = 2,
	};
}

static uint64_t pages_of(enum owner owner)
{
	return owner == OWNER_PAGE_TABLE ? at.tables.table.table_pages :
					   wanted[owner];
}

static pfn_t alloc_for(uint8_t byte)
{
	struct frame_request request = { .size = FRAME_4K, .owner = byte };
	pfn_t frame;

	CHECK(frame_pool_alloc(&at.pool->pool, 0, &request, &frame) == ST_OK);
	return frame;
}

/* One frame is in a cache, too, and the ledger has pages of its own. */
static void make_pool(void)
{
	pfn_t frame;

	at.pool = frame_world_full(&(struct frame_world_request){
		.shape = SHAPE, .first = { BASE }, .frames = FRAMES,
		.cpus = 1 });
	for (enum owner owner = 1; owner < OWNER_COUNT; owner++)
		for (uint64_t i = 0; i < pages_of(owner); i++)
			at.first[owner] = alloc_for((uint8_t)owner);
	fake_cpu_become(0, CPU_TASK);
	CHECK(frame_cache_alloc(&at.pool->set.caches[0], OWNER_HEAP,
				&frame) == ST_OK);
	CHECK(frame_cache_free(&at.pool->set.caches[0], frame, NULL) == ST_OK);
}

static void scene_new(void)
{
	at = (struct scene){ .pool = NULL };
	make_structures();
	make_pool();
	at.runs[0] = (struct ledger_run){ { 16 }, OTHERS, OWNER_RESERVED };
	at.runs[1] = (struct ledger_run){ { BASE }, FRAMES, OWNER_FREE };
	at.ledger = (struct ledger){ at.runs, 2, 2 };
	at.from.ledger = &at.ledger;
	at.from.frames = &at.frames;
}

static void scene_free(void)
{
	CHECK(world_free(&at.tables) == NULL);
	frame_world_free(at.pool);
}

/* As the command `ledger` prints it. */
static int64_t difference(void)
{
	uint64_t sum = 0;

	frame_pool_count(&at.pool->pool, &at.frames);
	owners_count(&at.from, at.pages);
	for (enum owner owner = 0; owner < OWNER_COUNT; owner++)
		sum += at.pages[owner];
	return (int64_t)(ledger_total(&at.ledger) - sum);
}

/* --- cases -----------------------------------------------------------------*/

CASE(owner_counts_are_what_there_is)
{
	uint64_t used = 0;

	scene_new();
	CHECK(difference() == 0);
	for (enum owner owner = OWNER_KERNEL_IMAGE; owner < OWNER_COUNT;
	     owner++) {
		used += pages_of(owner);
		CHECK(at.pages[owner] == pages_of(owner) +
			      (owner == OWNER_RESERVED ? OTHERS : 0));
	}
	CHECK(at.pages[OWNER_LOW] == 0 && at.pages[OWNER_CACHED] > 0);
	CHECK(at.pages[OWNER_FREE] + at.pages[OWNER_CACHED] + used == FRAMES);
	scene_free();
}

CASE(owner_counts_differ_by_one_wrong_byte_of_any_structure)
{
	unsigned structures = 0;

	scene_new();
	for (enum owner owner = 1; owner < OWNER_COUNT; owner++) {
		atomic_u8 *byte;

		if (!owner_has_structure(owner))
			continue;
		structures++;
		byte = &at.pool->pool.frame_owner[at.first[owner].raw - BASE];
		CHECK(byte->plain == owner);
		byte->plain = OWNER_HEAP;
		CHECK(difference() == -1);
		byte->plain = FRAME_BYTE_FREE;
		CHECK(difference() == -1);
		CHECK(at.pages[owner] == pages_of(owner));
		byte->plain = (uint8_t)owner;
		CHECK(difference() == 0);
		/* The reverse: a frame of the heap that says it is in one. */
		byte = &at.pool->pool.frame_owner[at.first[OWNER_HEAP].raw -
						  BASE];
		byte->plain = (uint8_t)owner;
		CHECK(difference() == 1);
		byte->plain = OWNER_HEAP;
	}
	CHECK(structures == 8);
	CHECK(difference() == 0);
	scene_free();
}

CASE(owner_counts_differ_by_a_page_that_a_structure_lost_or_got)
{
	const uint64_t starts[] = {
		META, STACK, KERNEL_BASE, KERNEL_BASE + SIZE_2M };

	scene_new();
	for (unsigned i = 0; i < ARRAY_LENGTH(starts); i++) {
		CHECK(table_unmap(&at.tables.table, (vaddr_t){ starts[i] },
				  PAGE_SIZE) == ST_OK);
		CHECK(difference() == 1);
		map_at(starts[i], 1);
		CHECK(difference() == 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		at.owned[i].frames++;
		CHECK(difference() == -1);
		at.owned[i].frames--;
	}
	at.from.structures.more_handover_pages++;
	CHECK(difference() == -1);
	at.from.structures.more_boot_list_pages -= 2;
	CHECK(difference() == 1);
	scene_free();
}

CASE(owner_counts_have_table_pages_and_the_pages_behind_the_data)
{
	uint64_t before;

	scene_new();
	before = at.tables.table.table_pages;
	/* The freed pages of data: mapped, and no page of the image. */
	CHECK(table_unmap(&at.tables.table, (vaddr_t){
		KERNEL_BASE + SIZE_2M + 2 * PAGE_SIZE }, PAGE_SIZE) == ST_OK);
	CHECK(difference() == 0);
	/* A new table page that no byte knows of; the leaf is of no owner. */
	map_at(DIRECT_MAP_OFFSET + SIZE_1G, 1);
	CHECK(difference() ==
	      (int64_t)(before - at.tables.table.table_pages));
	CHECK(at.tables.table.table_pages > before);
	scene_free();
}

CASE(owner_counts_have_shared_pages_and_tables_of_users)
{
	uint64_t tables;

	scene_new();
	tables = pages_of(OWNER_PAGE_TABLE);
	alloc_for(LEDGER_BYTE_SHARERS);
	alloc_for(LEDGER_BYTE_HOLDERS);
	alloc_for(LEDGER_BYTE_HOLDERS + 5);
	alloc_for(UINT8_MAX);
	CHECK(difference() == 0);
	CHECK(at.pages[OWNER_PAGE_TABLE] == tables + 3);
	CHECK(at.pages[OWNER_USER_ANON] == wanted[OWNER_USER_ANON] + 1);
	scene_free();
}

CASE(owner_counts_hold_before_there_are_pools)
{
	scene_new();
	at.frames = (struct frame_count){ .free = 0 };
	at.from.early_pages = 100;
	at.runs[0].owner = OWNER_HEAP;
	at.runs[1].owner = OWNER_LOG;
	owners_count(&at.from, at.pages);
	CHECK(at.pages[OWNER_FREE] == 100);
	CHECK(at.pages[OWNER_HEAP] == OTHERS);
	/* Walked, whatever the ledger says. */
	CHECK(at.pages[OWNER_LOG] == wanted[OWNER_LOG]);
	at.frames = (struct frame_count){ .free = 50, .free_low = 20 };
	at.runs[0].owner = OWNER_LOW;
	owners_count(&at.from, at.pages);
	CHECK(at.pages[OWNER_FREE] == 130);
	CHECK(at.pages[OWNER_LOW] == OTHERS + 20);
	scene_free();
}
