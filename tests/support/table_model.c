// SPDX-License-Identifier: MIT OR Apache-2.0
#include "table_model.h"

#include <base/bits.h>

static void add_cell(struct table_model *model, uint64_t virt, uint64_t bytes)
{
	struct cell *cell = &model->cell[model->cells];

	*cell = (struct cell){ .virt = virt, .bytes = bytes };
	cell->starts_region = model->cells == 0 ||
			      cell[-1].virt + cell[-1].bytes != virt;
	model->cells++;
}

/* Page edges in the first, a middle and the last 2 MiB, few in between. */
static void add_coarse_gib(struct table_model *model, uint64_t virt)
{
	static const uint64_t edge[] = {
		0, 1, 2, 17, 300, 511, 512, 1024, 1029, 1535, 1536, 65536,
		261120, 261632, 261633, 262000, 262143, 262144,
	};

	for (size_t i = 0; i + 1 < ARRAY_LENGTH(edge); i++)
		add_cell(model, virt + edge[i] * PAGE_SIZE,
			 (edge[i + 1] - edge[i]) * PAGE_SIZE);
}

void model_make_coarse(struct table_model *model)
{
	for (unsigned i = 0; i < 2; i++)
		add_coarse_gib(model, 0x00007fff80000000 + i * GIB);
	for (unsigned i = 0; i < 4; i++)
		add_coarse_gib(model, 0xffff807f80000000 + i * GIB);
	for (unsigned i = 0; i < 2; i++)
		add_coarse_gib(model, 0xffffffff80000000 + i * GIB);
}

void model_make_dense(struct table_model *model)
{
	model->cells_are_pages = true;
	for (uint64_t i = 0; i < 2048; i++)
		add_cell(model, 0xffff80003fc00000 + i * PAGE_SIZE, PAGE_SIZE);
}

const char *model_compare(const struct table_model *model,
			  const struct table_world *world,
			  const struct cell *cell, uint64_t offset)
{
	uint64_t virt = cell->virt + offset;
	struct translation now = world_translate(world, virt);
	struct translation want = { .present = cell->mapped,
				    .phys = cell->phys + offset,
				    .rights = cell->rights,
				    .cache = cell->cache };
	struct table_leaf leaf;
	enum status status;

	if (!translation_same(&now, &want))
		return "a page is not mapped as the model says";
	if (model->cells_are_pages && cell->mapped && now.dirty != cell->dirty)
		return "a dirty bit is wrong";
	status = table_query(&world->table, (vaddr_t){ virt }, &leaf);
	if (status != (now.present ? ST_OK : ST_NOT_FOUND))
		return "table_query sees what is not there, or not what is";
	if (status != ST_OK)
		return NULL;
	want.phys = leaf.phys.raw + virt - leaf.virt.raw;
	want.rights = leaf.rights;
	want.cache = leaf.cache;
	if (!translation_same(&now, &want) || leaf.bytes != now.leaf_bytes)
		return "table_query differs";
	return NULL;
}

struct tour {
	struct table_model *model;
	size_t next;			/* cell to look for the leaf in      */
	uint64_t last;
	const char *wrong;
};

static bool tour_leaf(void *context, const struct table_leaf *leaf)
{
	struct tour *tour = context;
	uint64_t from = leaf->virt.raw;
	uint64_t left = leaf->bytes;

	if (from <= tour->last && tour->last != 0)
		tour->wrong = "table_visit does not ascend";
	tour->last = from;
	while (left > 0 && tour->next < tour->model->cells) {
		struct cell *cell = &tour->model->cell[tour->next];
		uint64_t inside = from - cell->virt;
		uint64_t part;

		if (inside >= cell->bytes) {
			tour->next++;
			continue;
		}
		part = min_u64(left, cell->bytes - inside);
		if (!cell->mapped || leaf->rights != cell->rights ||
		    leaf->cache != cell->cache ||
		    leaf->phys.raw + (from - leaf->virt.raw) !=
			    cell->phys + inside)
			tour->wrong = "table_visit shows what is not there";
		cell->seen_bytes += part;
		from += part;
		left -= part;
	}
	if (left > 0)
		tour->wrong = "table_visit leaves the model";
	return tour->wrong == NULL;
}

const char *model_compare_visit(struct table_model *model,
				const struct table_world *world)
{
	struct tour tour = { .model = model };

	for (size_t i = 0; i < model->cells; i++)
		model->cell[i].seen_bytes = 0;
	table_visit(&world->table, tour_leaf, &tour);
	for (size_t i = 0; i < model->cells && tour.wrong == NULL; i++) {
		const struct cell *cell = &model->cell[i];

		if (cell->seen_bytes != (cell->mapped ? cell->bytes : 0))
			tour.wrong = "table_visit misses a part";
	}
	return tour.wrong;
}
