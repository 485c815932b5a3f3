// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Random walks of mm/table against the flat model of table_model.h, with a
 * source that fails at random and a processor that caches all that it may.
 */
#include "check.h"
#include "fake_mmu.h"
#include "table_model.h"

#include <base/bits.h>

#define PHYSICAL_BITS 46
#define DRAIN_EVERY 300
#define TINY_RUNS 20
#define LOOK_ROUND_EVERY 100
#define AUDIT_EVERY 16		/* calls, on average                         */

struct walk {
	struct table_world world;
	struct table_model model;
	uint64_t random;
	const char *wrong;
	unsigned mapped, refused, starved, changed;
};

/* A request over cell[from..to), which are neighbours. */
struct chunk {
	size_t from, to;
	vaddr_t virt;
	uint64_t bytes;
};

static uint64_t below(struct walk *walk, uint64_t limit)
{
	return check_random(&walk->random) % limit;
}

static void expect(struct walk *walk, bool good, const char *what)
{
	if (!good && walk->wrong == NULL)
		walk->wrong = what;
}

static void expect_null(struct walk *walk, const char *wrong)
{
	if (walk->wrong == NULL)
		walk->wrong = wrong;
}

static struct chunk chunk_of(struct walk *walk, size_t from, size_t to)
{
	struct cell *last = &walk->model.cell[to - 1];
	vaddr_t virt = { walk->model.cell[from].virt };

	return (struct chunk){ from, to, virt,
			       last->virt + last->bytes - virt.raw };
}

static struct chunk random_chunk(struct walk *walk, size_t cells_max)
{
	size_t from = below(walk, walk->model.cells);
	size_t want = 1 + below(walk, 1 + below(walk, cells_max));
	size_t to = from + 1;

	while (to < walk->model.cells && to - from < want &&
	       !walk->model.cell[to].starts_region)
		to++;
	return chunk_of(walk, from, to);
}

static struct chunk random_gib(struct walk *walk)
{
	size_t from = below(walk, walk->model.cells);
	size_t to = from + 1;

	while (from > 0 && walk->model.cell[from].virt % GIB != 0)
		from--;
	while (to < walk->model.cells && walk->model.cell[to].virt % GIB != 0)
		to++;
	return chunk_of(walk, from, to);
}

static uint64_t random_phys(struct walk *walk, const struct chunk *chunk)
{
	static const uint64_t align[] = { PAGE_SIZE, SIZE_2M, SIZE_1G,
					  SIZE_1G };
	uint64_t unit = align[below(walk, 4)];
	uint64_t limit = 1UL << PHYSICAL_BITS;
	uint64_t offset = chunk->virt.raw % unit;
	uint64_t room = (limit - chunk->bytes - offset) / unit;

	/* One in eight ends as high as the processor can address. */
	if (below(walk, 8) == 0)
		return room * unit + offset;
	return below(walk, room + 1) * unit + offset;
}

static unsigned random_rights(struct walk *walk)
{
	return (unsigned)below(walk, 16);
}

/* The rights that the processor grants for those that were asked for. */
static unsigned granted(const struct walk *walk, unsigned rights)
{
	if (walk->world.features.no_execute)
		return rights;
	return rights | TABLE_EXECUTE;
}

static bool any_mapped(struct walk *walk, const struct chunk *chunk)
{
	for (size_t i = chunk->from; i < chunk->to; i++)
		if (walk->model.cell[i].mapped)
			return true;
	return false;
}

static bool all_mapped(struct walk *walk, const struct chunk *chunk)
{
	for (size_t i = chunk->from; i < chunk->to; i++)
		if (!walk->model.cell[i].mapped)
			return false;
	return true;
}

/* --- comparing ----------------------------------------------------------- */

static void compare_page(struct walk *walk, const struct cell *cell,
			 uint64_t offset)
{
	expect_null(walk,
		    model_compare(&walk->model, &walk->world, cell, offset));
}

static void compare_cell(struct walk *walk, const struct cell *cell)
{
	uint64_t pages = cell->bytes / PAGE_SIZE;

	compare_page(walk, cell, 0);
	if (pages == 1)
		return;
	compare_page(walk, cell, cell->bytes - PAGE_SIZE);
	compare_page(walk, cell, below(walk, pages) * PAGE_SIZE);
}

static void look_round(struct walk *walk)
{
	for (size_t i = 0; i < walk->model.cells; i++)
		compare_cell(walk, &walk->model.cell[i]);
	expect_null(walk, model_compare_visit(&walk->model, &walk->world));
}

/* --- one call ------------------------------------------------------------ */

/* The processor caches the chunk, its neighbours and some other pages. */
static void choose_probes(struct walk *walk, const struct chunk *chunk)
{
	size_t from = chunk->from > 0 ? chunk->from - 1 : 0;
	size_t to = chunk->to < walk->model.cells ? chunk->to + 1 : chunk->to;
	size_t step = 1 + (to - from) / 48;
	struct table_world *world = &walk->world;

	world->probes = 0;
	for (size_t i = from; i < to; i += step) {
		struct cell *cell = &walk->model.cell[i];
		uint64_t last = cell->virt + cell->bytes - PAGE_SIZE;

		world->probe[world->probes++] = cell->virt;
		if (last != cell->virt)
			world->probe[world->probes++] = last;
	}
	for (unsigned i = 0; i < 8; i++)
		world->probe[world->probes++] =
			walk->model.cell[below(walk, walk->model.cells)].virt;
}

static void check_after(struct walk *walk, const struct chunk *chunk)
{
	expect_null(walk, world_end(&walk->world));
	for (size_t i = 0; i < walk->world.probes; i++) {
		size_t at = chunk->from + i;

		if (at >= chunk->to || i >= 32)
			at = below(walk, walk->model.cells);
		compare_cell(walk, &walk->model.cell[at]);
	}
	if (below(walk, AUDIT_EVERY) == 0)
		expect_null(walk, world_audit(&walk->world));
	if (below(walk, 4 * AUDIT_EVERY) == 0)
		expect(walk, table_audit(&walk->world.table),
		       "table_audit says no");
}

enum call_kind { CALL_MAP, CALL_UNMAP, CALL_PROTECT };

struct call {
	enum call_kind kind;
	struct chunk chunk;
	struct table_mapping mapping;	/* CALL_MAP; else its rights         */
	enum status want;
};

static enum status perform(struct walk *walk, const struct call *call)
{
	struct table *table = &walk->world.table;

	switch (call->kind) {
	case CALL_MAP:
		return table_map(table, &call->mapping);
	case CALL_UNMAP:
		return table_unmap(table, call->chunk.virt, call->chunk.bytes);
	default:
		return table_protect(table, call->chunk.virt,
				     call->chunk.bytes, call->mapping.rights);
	}
}

static void model_follow(struct walk *walk, const struct call *call)
{
	unsigned rights = granted(walk, call->mapping.rights);
	bool kernel = !(rights & TABLE_USER);

	for (size_t i = call->chunk.from; i < call->chunk.to; i++) {
		struct cell *cell = &walk->model.cell[i];

		switch (call->kind) {
		case CALL_MAP:
			cell->mapped = true;
			cell->phys = call->mapping.phys.raw +
				     (cell->virt - call->mapping.virt.raw);
			cell->rights = rights;
			cell->cache = call->mapping.cache;
			cell->dirty = kernel;
			break;
		case CALL_UNMAP:
			cell->mapped = false;
			break;
		case CALL_PROTECT:
			cell->rights = rights;
			cell->dirty = cell->dirty || kernel;
			break;
		}
	}
}

static bool changes_something(struct walk *walk, const struct call *call)
{
	unsigned rights = granted(walk, call->mapping.rights);

	if (call->kind != CALL_PROTECT)
		return true;
	for (size_t i = call->chunk.from; i < call->chunk.to; i++)
		if (walk->model.cell[i].rights != rights)
			return true;
	return false;
}

/*
 * Makes the call with `left` frames in the source, and checks all that must
 * hold after it.
 */
static enum status try_call(struct walk *walk, const struct call *call,
			    uint64_t left)
{
	struct failing_source *source = &walk->world.source;
	struct failing_source before;
	bool changes = changes_something(walk, call);
	enum status status;
	uint64_t taken, given;

	choose_probes(walk, &call->chunk);
	world_begin(&walk->world);
	before = *source;
	source->capacity = min_u64(source->pages_out + left, source->frames);
	status = perform(walk, call);
	source->capacity = source->frames;
	taken = source->takes - before.takes;
	given = source->gives - before.gives;
	if (status == ST_OK)
		model_follow(walk, call);
	check_after(walk, &call->chunk);
	if (status != ST_OK) {
		expect(walk, fake_mmu_flushes() == 0,
		       "a refused call flushed");
		expect(walk, source->pages_out == before.pages_out,
		       "a refused call kept a page");
		expect(walk, taken == 0 || status == ST_NO_MEMORY,
		       "a refused call took pages first");
		return status;
	}
	expect(walk, source->given_dirty == before.given_dirty,
	       "a table page came back that is not zero");
	expect(walk, call->kind == CALL_UNMAP || given == 0,
	       "a page was taken in vain");
	expect(walk, call->kind == CALL_MAP || taken <= 4,
	       "more splits than a range has ends");
	expect(walk, changes || taken + fake_mmu_flushes() == 0,
	       "a protection that is there already was not free");
	return status;
}

static void do_call(struct walk *walk, const struct call *call)
{
	uint64_t left = walk->world.source.frames;
	enum status status;

	/* Half of the time the source has few frames. */
	if (below(walk, 2) == 0)
		left = below(walk, 3);
	status = try_call(walk, call, left);
	if (call->want != ST_OK) {
		walk->refused++;
		expect(walk, status == call->want, "the wrong refusal");
		return;
	}
	if (status == ST_NO_MEMORY) {
		uint64_t takes = walk->world.source.takes;

		walk->starved++;
		if (left > 2 || below(walk, 2) == 0)
			return;
		status = try_call(walk, call, walk->world.source.frames);
		takes = walk->world.source.takes - takes;
		expect(walk, status == ST_NO_MEMORY || takes > left,
		       "no memory, although there was enough");
		if (status == ST_NO_MEMORY)
			return;
	}
	expect(walk, status == ST_OK, "refused without reason");
	walk->changed++;
}

static void do_map(struct walk *walk, struct chunk chunk, uint64_t phys)
{
	static const uint64_t largest[] = { 0, SIZE_2M, SIZE_1G, SIZE_1G };
	struct call call = {
		.kind = CALL_MAP,
		.chunk = chunk,
		.mapping = { .virt = chunk.virt,
			     .phys = { phys },
			     .bytes = chunk.bytes,
			     .rights = random_rights(walk),
			     .cache = (enum table_cache)below(walk, 5),
			     .largest_leaf = largest[below(walk, 4)] },
		.want = any_mapped(walk, &chunk) ? ST_CONFLICT : ST_OK,
	};

	do_call(walk, &call);
}

static void do_change(struct walk *walk, enum call_kind kind,
		      struct chunk chunk)
{
	struct call call = {
		.kind = kind,
		.chunk = chunk,
		.mapping = { .rights = random_rights(walk) },
		.want = all_mapped(walk, &chunk) ? ST_OK : ST_NOT_FOUND,
	};

	/* Now and then, a range that is mapped already. */
	if (below(walk, 8) == 0)
		call.mapping.rights = walk->model.cell[chunk.from].rights;
	do_call(walk, &call);
}

/* Unmaps what is mapped in the chunk, run by run. No run cuts a leaf. */
static void clear(struct walk *walk, struct chunk chunk)
{
	size_t to;

	for (size_t from = chunk.from; from < chunk.to; from = to) {
		struct call call = { .kind = CALL_UNMAP };

		to = from + 1;
		if (!walk->model.cell[from].mapped)
			continue;
		while (to < chunk.to && walk->model.cell[to].mapped &&
		       !walk->model.cell[to].starts_region)
			to++;
		call.chunk = chunk_of(walk, from, to);
		walk->world.source.budget = 0;
		expect(walk, try_call(walk, &call, 0) == ST_OK,
		       "a whole run was not unmapped");
		walk->world.source.budget = UINT64_MAX;
	}
}

static void do_gib(struct walk *walk)
{
	struct chunk chunk = random_gib(walk);

	if (below(walk, 2) == 0)
		clear(walk, chunk);
	do_map(walk, chunk, below(walk, 1024) * GIB + chunk.virt.raw % GIB);
}

/* The processor reads and writes through a user leaf. */
static void use_leaf(struct walk *walk)
{
	struct cell *cell = &walk->model.cell[below(walk, walk->model.cells)];
	unsigned level = 3;
	uint64_t *entry;
	uint64_t size;

	if (!cell->mapped || !(cell->rights & TABLE_USER))
		return;
	while (level > 0 && !(*world_entry(&walk->world, cell->virt, level) &
			      0x80))
		level--;
	/* Bit 7 of a small leaf is the memory type, and it is the last. */
	entry = world_entry(&walk->world, cell->virt, level);
	*entry |= 0x20;
	if (!(cell->rights & TABLE_WRITE))
		return;
	*entry |= 0x40;
	size = PAGE_SIZE << (9 * level);
	for (size_t i = 0; i < walk->model.cells; i++)
		if (walk->model.cell[i].virt / size == cell->virt / size)
			walk->model.cell[i].dirty = true;
}

static void step(struct walk *walk, size_t cells_max)
{
	struct chunk chunk = random_chunk(walk, cells_max);

	switch (below(walk, 8)) {
	case 0:
	case 1:
	case 2:
		do_map(walk, chunk, random_phys(walk, &chunk));
		break;
	case 3:
	case 4:
		do_change(walk, CALL_UNMAP, chunk);
		break;
	case 5:
		use_leaf(walk);
		do_change(walk, CALL_PROTECT, chunk);
		break;
	case 6:
		use_leaf(walk);
		do_change(walk, CALL_PROTECT, random_chunk(walk, 2));
		break;
	default:
		if (!walk->model.cells_are_pages)
			do_gib(walk);
		break;
	}
}

static void drain(struct walk *walk)
{
	clear(walk, (struct chunk){ .from = 0, .to = walk->model.cells });
	expect(walk, walk->world.table.table_pages == 1,
	       "an empty table keeps pages");
	for (unsigned i = 0; i < TINY_RUNS; i++)
		step(walk, 2);
}

static void go(struct walk *walk, struct table_features features,
	       unsigned steps)
{
	walk->random = check_seed();
	world_init(&walk->world, features, 80);
	for (unsigned i = 0; i < steps && walk->wrong == NULL; i++) {
		step(walk, walk->model.cells_are_pages ? 900 : 12);
		if (i % LOOK_ROUND_EVERY == 0)
			look_round(walk);
		if (i % DRAIN_EVERY == 0)
			drain(walk);
		if (walk->wrong != NULL)
			printf("# step %u: %s\n", i, walk->wrong);
	}
	CHECK(walk->wrong == NULL);
	/* A walk without refusals and failures tests too little. */
	CHECK(walk->changed > steps / 10);
	CHECK(walk->refused > steps / 10);
	CHECK(walk->starved > steps / 1000);
	CHECK(world_free(&walk->world) == NULL);
}

#define PLAIN .physical_bits = PHYSICAL_BITS

CASE(table_walks_whole_gib_like_the_model)
{
	static struct walk walk;

	model_make_coarse(&walk.model);
	go(&walk, (struct table_features){ .no_execute = true,
					   .page_1g = true, PLAIN },
	   120000);
}

CASE(table_walks_without_1g_pages_like_the_model)
{
	static struct walk walk;

	model_make_coarse(&walk.model);
	go(&walk, (struct table_features){ .no_execute = true, PLAIN }, 30000);
}

CASE(table_walks_without_nx_like_the_model)
{
	static struct walk walk;

	model_make_coarse(&walk.model);
	go(&walk, (struct table_features){ .page_1g = true, PLAIN }, 30000);
}

CASE(table_walks_page_by_page_like_the_model)
{
	static struct walk walk;

	model_make_dense(&walk.model);
	go(&walk, (struct table_features){ .no_execute = true,
					   .page_1g = true, PLAIN },
	   60000);
}
