/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * table_scene.h - one world for the cases of a test, and one-line helpers that
 * change and check its table. Include once, in a test.
 */
#ifndef TESTS_TABLE_SCENE_H
#define TESTS_TABLE_SCENE_H

#include "check.h"
#include "table_picture.h"
#include "table_world.h"

#include <base/bits.h>

#define KERNEL 0xffff800000000000UL

static struct table_world world;

static const struct table_features everything = {
	.no_execute = true, .page_1g = true, .physical_bits = 46
};

/* Writable, in leaves up to 1 GiB. */
static inline enum status map_to(uint64_t virt, uint64_t phys, uint64_t bytes)
{
	return table_map(&world.table, &(struct table_mapping){
		.virt = { virt }, .phys = { phys }, .bytes = bytes,
		.rights = TABLE_WRITE, .largest_leaf = SIZE_1G });
}

/* phys = virt below 4 GiB. */
static inline enum status map_page(uint64_t virt, unsigned rights)
{
	return table_map(&world.table, &(struct table_mapping){
		.virt = { virt }, .phys = { virt & 0xfffff000 },
		.bytes = PAGE_SIZE, .rights = rights });
}

/* phys = virt below 2^40, in the largest leaves that the range has. */
static inline enum status map_as(uint64_t virt, uint64_t bytes,
				 unsigned rights)
{
	return table_map(&world.table, &(struct table_mapping){
		.virt = { virt }, .phys = { virt & 0xffffffffff },
		.bytes = bytes, .rights = rights, .largest_leaf = SIZE_1G });
}

/* The same, where it must work. */
static inline void map(uint64_t virt, uint64_t bytes, unsigned rights)
{
	CHECK(map_as(virt, bytes, rights) == ST_OK);
}

static inline bool shows(const char *want)
{
	const char *is = table_picture(&world.table);

	if (strcmp(is, want) == 0)
		return true;
	printf("# want %s\n#   is %s\n", want, is);
	return false;
}

static inline bool sound(void)
{
	const char *wrong = world_audit(&world);

	if (wrong == NULL && !table_audit(&world.table))
		wrong = "table_audit says no";
	if (wrong != NULL)
		printf("# %s\n", wrong);
	return wrong == NULL;
}

static inline void done(void)
{
	CHECK(sound());
	CHECK(world_free(&world) == NULL);
}

#endif
