// SPDX-License-Identifier: MIT OR Apache-2.0
/* Tables that the loader built, or garbage: adopt and audit. */
#include "check.h"
#include "table_scene.h"

#define FRAMES 24
#define GARBAGE_ROUNDS 60000

static unsigned asked;

/* The kernel uses owned[] for this; here: true when it is allocated. */
static bool is_out(const void *context, pfn_t frame)
{
	asked++;
	return failing_source_is_out(context, frame);
}

/* Leaves of all sizes, for the kernel and for users. */
static void build(void)
{
	world_init(&world, (struct table_features){ .no_execute = true,
						    .page_1g = true,
						    .physical_bits = 46,
						    .may_be_table = is_out,
						    .context = &world.source },
		   FRAMES);
	map(KERNEL + SIZE_1G - SIZE_2M - PAGE_SIZE,
	    PAGE_SIZE + SIZE_2M + SIZE_1G + SIZE_2M + 3 * PAGE_SIZE,
	    TABLE_WRITE);
	map(0xffffffff80000000, 2 * SIZE_2M, TABLE_EXECUTE | TABLE_GLOBAL);
	map(0x400000, 2 * PAGE_SIZE, TABLE_USER | TABLE_EXECUTE);
	CHECK(world.table.table_pages == 11);
}

static enum status adopt(struct table *table)
{
	return table_adopt(table, world.source.window, &world.source.base,
			   &world.features, world.table.root);
}

CASE(table_adopts_its_own_and_goes_on)
{
	struct table adopted;
	char before[1024];

	build();
	snprintf(before, sizeof(before), "%s", table_picture(&world.table));
	asked = 0;
	CHECK(adopt(&adopted) == ST_OK);
	CHECK(asked == 11);
	CHECK(adopted.table_pages == 11);
	CHECK(strcmp(table_picture(&adopted), before) == 0);
	world.table = adopted;
	CHECK(sound());
	CHECK(table_unmap(&world.table, (vaddr_t){ 0x400000 },
			  2 * PAGE_SIZE) == ST_OK);
	CHECK(world.table.table_pages == 8);
	CHECK(world.source.given_dirty == 0);
	map(0x400000, SIZE_2M, TABLE_USER);
	done();
}

/* Every page of the built tree translates as it did. */
static bool same_translations(const struct translation *before,
			      const uint64_t *virt, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct translation now = world_translate(&world, virt[i]);

		if (!translation_same(&before[i], &now))
			return false;
	}
	return true;
}

static const uint64_t places[] = {
	0x400000, 0x401000, 0x402000, KERNEL,
	KERNEL + SIZE_1G - SIZE_2M - PAGE_SIZE, KERNEL + SIZE_1G - SIZE_2M,
	KERNEL + SIZE_1G, KERNEL + 2 * SIZE_1G,
	KERNEL + 2 * SIZE_1G + SIZE_2M,
	KERNEL + 2 * SIZE_1G + SIZE_2M + 2 * PAGE_SIZE,
	0xffffffff80000000, 0xffffffff80200000, 0xffffffffc0000000,
};

static void remember(struct translation *before)
{
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++)
		before[i] = world_translate(&world, places[i]);
}

CASE(table_adopt_moves_what_upper_entries_forbid_into_the_leaves)
{
	struct translation before[ARRAY_LENGTH(places)];
	const uint64_t page = KERNEL + SIZE_1G - SIZE_2M - PAGE_SIZE;
	struct table_leaf leaf;

	for (unsigned level = 1; level <= 3; level++) {
		build();
		*world_entry(&world, page, level) &= ~2UL;
		*world_entry(&world, 0xffffffff80000000, level > 1 ? level : 2)
			|= 1UL << 63;
		*world_entry(&world, 0x400000, level) &= ~4UL;
		remember(before);
		CHECK(!table_audit(&world.table));
		CHECK(adopt(&world.table) == ST_OK);
		CHECK(same_translations(before, places, ARRAY_LENGTH(places)));
		CHECK(sound());
		CHECK(table_query(&world.table, (vaddr_t){ page }, &leaf) ==
		      ST_OK);
		CHECK(leaf.rights == TABLE_READ);
		CHECK(table_query(&world.table,
				  (vaddr_t){ 0xffffffff80000000 },
				  &leaf) == ST_OK);
		CHECK(leaf.rights == TABLE_GLOBAL);
		CHECK(table_query(&world.table, (vaddr_t){ 0x400000 },
				  &leaf) == ST_OK);
		CHECK(leaf.rights == TABLE_EXECUTE);

		/* Now a right that the upper entry forbade takes effect. */
		CHECK(table_protect(&world.table, (vaddr_t){ page }, PAGE_SIZE,
				    TABLE_WRITE) == ST_OK);
		CHECK(world_translate(&world, page).rights == TABLE_WRITE);
		CHECK(world_free(&world) == NULL);
	}
}

CASE(table_adopt_and_audit_see_each_right_that_is_forbidden_alone)
{
	static const struct {
		uint64_t virt;
		unsigned level;
		uint64_t flip;
	} forbid[] = {
		{ KERNEL + SIZE_1G - SIZE_2M - PAGE_SIZE, 1, 1UL << 1 },
		{ 0xffffffff80000000, 2, 1UL << 63 },
		{ 0x400000, 1, 1UL << 2 },
	};
	struct translation before[ARRAY_LENGTH(places)];

	for (size_t i = 0; i < ARRAY_LENGTH(forbid); i++) {
		build();
		/* After the user pages, one that is not. */
		map(0x403000, PAGE_SIZE, TABLE_WRITE);
		*world_entry(&world, forbid[i].virt, forbid[i].level) ^=
			forbid[i].flip;
		remember(before);
		CHECK(!table_audit(&world.table));
		CHECK(adopt(&world.table) == ST_OK);
		CHECK(same_translations(before, places, ARRAY_LENGTH(places)));
		done();
	}
}

/* --- one wrong bit ------------------------------------------------------- */

struct fault {
	uint64_t virt;
	unsigned level;
	uint64_t flip;
};

static const struct fault faults[] = {
	{ KERNEL, 3, 1UL << 52 },	/* count one off                     */
	{ KERNEL, 2, 1UL << 53 },
	{ 0x400000, 1, 1UL << 61 },
	{ KERNEL, 3, 1UL << 7 },	/* no leaf is that large             */
	{ KERNEL, 3, 1UL << 47 },	/* beyond the physical bits          */
	{ KERNEL, 3, 1UL << 40 },	/* a frame not allocated          */
	{ KERNEL, 3, 1UL << 3 },	/* bits of no meaning                */
	{ KERNEL, 3, 1UL << 6 },
	{ KERNEL, 3, 1UL << 8 },
	{ KERNEL, 2, 1UL << 9 },
	{ KERNEL, 2, 1UL << 11 },
	{ KERNEL, 2, 1UL << 62 },
	{ 0x402000, 0, 1UL << 1 },	/* absent, but not zero              */
	{ KERNEL + 3 * SIZE_1G, 2, 1UL << 12 },
	{ KERNEL + 3 * SIZE_1G, 3, 1UL << 0 }, /* its table is cut off       */
	{ KERNEL + SIZE_1G, 2, 1UL << 13 }, /* not aligned to its size        */
	{ KERNEL + SIZE_1G, 2, 1UL << 29 },
	{ KERNEL + SIZE_1G, 2, 1UL << 46 },
	{ KERNEL + SIZE_1G, 2, 1UL << 51 },
	{ KERNEL + SIZE_1G, 2, 1UL << 52 },
	{ KERNEL + SIZE_1G, 2, 1UL << 5 }, /* A and D are preset              */
	{ KERNEL + 2 * SIZE_1G, 1, 1UL << 6 },
	{ KERNEL + 2 * SIZE_1G, 1, 1UL << 20 },
	{ KERNEL + 2 * SIZE_1G, 1, (1UL << 12) | (1UL << 3) }, /* PAT slot 5  */
	{ 0x401000, 0, (1UL << 7) | (1UL << 4) }, /* PAT slot 6               */
	{ 0x401000, 0, 1UL << 10 },
	{ 0x401000, 0, 1UL << 58 },
	{ 0x401000, 0, 1UL << 50 },
};

static void flip(const struct fault *fault)
{
	uint64_t *entry = world_entry(&world, fault->virt, fault->level);

	*entry ^= fault->flip;
}

CASE(table_adopt_and_audit_see_every_wrong_bit)
{
	static unsigned char copy[FRAMES * PAGE_SIZE];
	struct table untouched, table;

	build();
	memset(&untouched, 0x5a, sizeof(untouched));
	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
		bool refused;

		flip(&faults[i]);
		memcpy(copy, world.source.memory, sizeof(copy));
		table = untouched;
		refused = adopt(&table) == ST_CORRUPT &&
			  !table_audit(&world.table);
		if (!refused)
			printf("# fault %zu\n", i);
		CHECK(refused);
		CHECK(memcmp(copy, world.source.memory, sizeof(copy)) == 0);
		CHECK(memcmp(&table, &untouched, sizeof(table)) == 0);
		flip(&faults[i]);
		CHECK(sound());
	}
	CHECK(world_free(&world) == NULL);
}

CASE(table_adopt_and_audit_know_what_the_processor_lacks)
{
	struct table table;

	build();
	world.features.no_execute = world.table.features.no_execute = false;
	CHECK(adopt(&table) == ST_CORRUPT);
	CHECK(!table_audit(&world.table));
	world.features.no_execute = world.table.features.no_execute = true;
	world.features.page_1g = world.table.features.page_1g = false;
	CHECK(adopt(&table) == ST_CORRUPT);
	CHECK(!table_audit(&world.table));
	world.features.page_1g = world.table.features.page_1g = true;
	world.features.physical_bits = 53;
	CHECK(adopt(&table) == ST_BAD_ARGUMENT);
	CHECK(world_free(&world) == NULL);
}

/* All leaves but the last are valid, and all bits of the last but one. */
CASE(table_adopt_and_audit_look_at_the_end_of_a_row)
{
	const uint64_t page = 0x400000;
	struct table table;
	uint64_t *entry;

	build();
	CHECK(table_map(&world.table, &(struct table_mapping){
		.virt = { KERNEL + 8 * SIZE_1G },
		.phys = { (1UL << 45) - SIZE_1G }, .bytes = 2 * SIZE_1G,
		.rights = TABLE_WRITE, .largest_leaf = SIZE_1G }) == ST_OK);
	CHECK(sound());
	world.features.physical_bits = world.table.features.physical_bits = 45;
	CHECK(adopt(&table) == ST_CORRUPT);
	CHECK(!table_audit(&world.table));
	/* With all address bits in use, one more is no address bit. */
	world.features.physical_bits = world.table.features.physical_bits = 52;
	CHECK(sound());
	entry = world_entry(&world, page, 0);
	entry[0] |= 0x000ffffffffff000;
	entry[1] = entry[0];
	CHECK(adopt(&table) == ST_OK);
	CHECK(table_audit(&world.table));
	entry[1] = entry[0] + PAGE_SIZE;
	CHECK(adopt(&table) == ST_CORRUPT);
	CHECK(!table_audit(&world.table));
	entry[1] = entry[0];
	CHECK(world_free(&world) == NULL);
}

CASE(table_audit_counts_pages)
{
	build();
	world.table.table_pages++;
	CHECK(!table_audit(&world.table));
	world.table.table_pages -= 2;
	CHECK(!table_audit(&world.table));
	world.table.table_pages++;
	done();
}

CASE(table_adopt_refuses_a_root_that_may_not_be)
{
	struct table table;
	pfn_t root;

	build();
	root = world.table.root;
	world.table.root.raw += FRAMES;
	CHECK(adopt(&table) == ST_CORRUPT);
	/* The same address modulo 2^64. */
	world.table.root.raw = root.raw + (1UL << 52);
	CHECK(adopt(&table) == ST_CORRUPT);
	world.table.root = root;
	CHECK(world_free(&world) == NULL);
}

/* --- pages that are reached twice ---------------------------------------- */

CASE(table_adopt_refuses_a_page_that_is_reached_twice)
{
	static unsigned char copy[FRAMES * PAGE_SIZE];
	struct table table;
	uint64_t *entry;
	uint64_t kept;

	build();
	/* Two of the kernel's PDs have two entries each: one for the other. */
	entry = world_entry(&world, KERNEL + 2 * SIZE_1G, 2);
	kept = *entry;
	*entry = *world_entry(&world, KERNEL, 2);
	memcpy(copy, world.source.memory, sizeof(copy));
	CHECK(adopt(&table) == ST_CORRUPT);
	CHECK(memcmp(copy, world.source.memory, sizeof(copy)) == 0);
	/* Back to the root: the walk would never end. */
	*entry = pfn_to_paddr(world.table.root).raw | 0x23 | 3UL << 52;
	memcpy(copy, world.source.memory, sizeof(copy));
	CHECK(adopt(&table) == ST_CORRUPT);
	CHECK(!table_audit(&world.table));
	CHECK(memcmp(copy, world.source.memory, sizeof(copy)) == 0);
	*entry = kept;
	CHECK(adopt(&table) == ST_OK);
	CHECK(world_free(&world) == NULL);
}

/* --- garbage ------------------------------------------------------------- */

static uint64_t random_entry(uint64_t *random)
{
	uint64_t frame = world.source.first.raw +
			 check_random(random) % FRAMES;
	uint64_t low = check_random(random) % 0x1000;
	uint64_t count = check_random(random) % 4;

	switch (check_random(random) % 4) {
	case 0:
		return check_random(random);
	case 1:
		return frame << 12 | low | count << 52;
	case 2:
		return frame << 12 | 0x23 | count << 52;
	default:
		return check_random(random) % (1UL << 46) >> 21 << 21 | 0xe1;
	}
}

/* A few changes somewhere in the array's pages, small or large. */
static void spoil(uint64_t *random)
{
	uint64_t *words = (uint64_t *)world.source.memory;
	uint64_t changes = 1 + check_random(random) % 3;

	while (changes-- > 0) {
		uint64_t at = check_random(random) % (FRAMES * 512);

		/* Mostly at a word that is not zero: few are. */
		for (unsigned i = 0; i < 4096 && words[at] == 0; i++)
			at = (at + 1) % (FRAMES * 512);
		if (check_random(random) % 2 == 0)
			words[at] ^= 1UL << check_random(random) % 64;
		else
			words[at] = random_entry(random);
	}
}

CASE(table_adopt_survives_garbage)
{
	static unsigned char good[FRAMES * PAGE_SIZE];
	static unsigned char copy[FRAMES * PAGE_SIZE];
	struct translation before[ARRAY_LENGTH(places)];
	uint64_t random = check_seed();
	unsigned adopted = 0;
	struct table table;

	build();
	/* Pages that were never allocated may be tables too, and are empty. */
	for (unsigned i = 0; i < FRAMES; i++) {
		if (!world.source.out[i])
			memset(world.source.memory + i * PAGE_SIZE, 0,
			       PAGE_SIZE);
		world.source.out[i] = true;
	}
	memcpy(good, world.source.memory, sizeof(good));
	for (unsigned i = 0; i < GARBAGE_ROUNDS; i++) {
		const char *wrong;
		enum status status;

		memcpy(world.source.memory, good, sizeof(good));
		spoil(&random);
		memcpy(copy, world.source.memory, sizeof(copy));
		wrong = world_audit_foreign(&world);
		if (wrong == NULL)
			remember(before);
		status = adopt(&table);
		if ((status == ST_OK) != (wrong == NULL))
			printf("# round %u: %s\n", i, wrong ? wrong : "sound");
		CHECK((status == ST_OK) == (wrong == NULL));
		if (status != ST_OK) {
			CHECK(memcmp(copy, world.source.memory,
				     sizeof(copy)) == 0);
			continue;
		}
		adopted++;
		CHECK(same_translations(before, places, ARRAY_LENGTH(places)));
		CHECK(table_audit(&table));
	}
	printf("# %u of %u adopted\n", adopted, GARBAGE_ROUNDS);
	CHECK(adopted > GARBAGE_ROUNDS / 100);
	CHECK(adopted < GARBAGE_ROUNDS / 2);
	failing_source_free(&world.source);
}
