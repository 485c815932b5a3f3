/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * table_model.h - a simple model of a page table.
 *
 * A list of cells, each mapped or not, without tables and leaves. A cell is
 * the range between two neighbouring edges, and every request begins and ends
 * at an edge, so a few hundred cells cover whole GiB.
 */
#ifndef TESTS_TABLE_MODEL_H
#define TESTS_TABLE_MODEL_H

#include "table_world.h"

#define MODEL_CELLS_MAX 2304

struct cell {
	uint64_t virt, bytes;
	bool starts_region;	/* the cell before is not its neighbour      */
	bool mapped;
	uint64_t phys;
	unsigned rights, cache;
	bool dirty;		/* exact where a cell is a page              */
	uint64_t seen_bytes;	/* by table_visit                            */
};

struct table_model {
	struct cell cell[MODEL_CELLS_MAX];
	size_t cells;
	bool cells_are_pages;
};

/* Both sides of a root entry's edge, of the hole, and the very top. */
void model_make_coarse(struct table_model *model);
/* Four page tables on both sides of a GiB's edge, page by page. */
void model_make_dense(struct table_model *model);

/*
 * Compares the translation `offset` bytes into the cell by the processor and
 * by table_query with the model. NULL: equal; else the difference.
 */
const char *model_compare(const struct table_model *model,
			  const struct table_world *world,
			  const struct cell *cell, uint64_t offset);

/* The same for table_visit, leaf by leaf. */
const char *model_compare_visit(struct table_model *model,
				const struct table_world *world);

#endif
