/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * table_world.h - a small machine around one page table.
 *
 * Frames, a source that can fail, a walker and an audit apart from mm/table,
 * and a processor that caches as much as it may: every probed translation and
 * every table page as soon as they are reachable, until they are flushed.
 */
#ifndef TESTS_TABLE_WORLD_H
#define TESTS_TABLE_WORLD_H

#include <arch/mmu.h>
#include <mm/table.h>

#include "failing_source.h"

/* The translation of one address by the processor: all levels together. */
struct translation {
	bool present;
	uint64_t phys;			/* of the address itself             */
	uint64_t leaf_bytes;
	unsigned rights, cache;
	bool accessed, dirty;
};

#define WORLD_PROBES_MAX 4096

struct world_page {
	uint64_t frame;
	uint64_t base, bytes;		/* what it translates, low 48 bits   */
	bool reachable, flushed;
};

struct table_world {
	struct failing_source source;
	struct table_features features;
	struct table table;

	/* Addresses whose translation the processor has cached. */
	uint64_t probe[WORLD_PROBES_MAX];
	struct translation cached[WORLD_PROBES_MAX];
	size_t probes;

	/* The table pages that it may have cached. */
	struct world_page page[FAILING_SOURCE_FRAMES_MAX];
	size_t pages;

	const char *wrong;		/* the first error                   */
};

/* Frames begin at 1 MiB; `table` is empty. Ends with world_free. */
void world_init(struct table_world *world, struct table_features features,
		uint64_t frames);

/*
 * Frees the table and checks that no page is left. Returns NULL, or the error.
 */
const char *world_free(struct table_world *world);

struct translation world_translate(const struct table_world *world,
				   uint64_t virt);
bool translation_same(const struct translation *a,
		      const struct translation *b);

/* The entry for `virt` at `level` (3 = root), NULL when there is no table. */
uint64_t *world_entry(const struct table_world *world, uint64_t virt,
		      unsigned level);

/*
 * Checks T1..T6, that every table page was taken from the source and is
 * reached once, and that all pages taken are table pages. NULL, or the error.
 */
const char *world_audit(const struct table_world *world);

/* The same for tables of which only T1 and T3..T5 are promised. */
const char *world_audit_foreign(const struct table_world *world);

/*
 * Called around a change of the table: begin lets the processor cache
 * everything; end returns NULL, or the missing flush.
 */
void world_begin(struct table_world *world);
const char *world_end(struct table_world *world);

#endif
