// SPDX-License-Identifier: MIT OR Apache-2.0
#include "table_world.h"

#include "fake_mmu.h"

#include <base/assert.h>

#include <string.h>

/* Defined again from the manual, so that a mistake is not shared. */
enum {
	P = 1, W = 2, U = 4, PWT = 8, PCD = 16, A = 32, D = 64, PS = 128,
	PAT_4K = 128, G = 256, PAT_BIG = 4096,
};
#define NX	0x8000000000000000UL
#define FRAME	0x000ffffffffff000UL
#define LOW48	0x0000ffffffffffffUL

static uint64_t size_of_level(unsigned level)
{
	static const uint64_t sizes[] = { 4 * KIB, 2 * MIB, GIB, 512 * GIB };

	return sizes[level];
}

static uint64_t *page_entries(const struct table_world *world, uint64_t entry)
{
	return window_at(&world->source.window, (paddr_t){ entry & FRAME });
}

uint64_t *world_entry(const struct table_world *world, uint64_t virt,
		      unsigned level)
{
	uint64_t entry = world->table.root.raw * PAGE_SIZE | P;

	for (unsigned at = 3;; at--) {
		uint64_t index = (virt & LOW48) / size_of_level(at) % 512;
		uint64_t *entries;

		if (!(entry & P) || (at < 3 && (entry & PS)))
			return NULL;
		entries = page_entries(world, entry);
		if (at == level)
			return &entries[index];
		entry = entries[index];
	}
}

static unsigned memory_type(uint64_t entry, unsigned level)
{
	uint64_t pat = level == 0 ? PAT_4K : PAT_BIG;

	return !!(entry & PWT) + 2 * !!(entry & PCD) + 4 * !!(entry & pat);
}

struct translation world_translate(const struct table_world *world,
				   uint64_t virt)
{
	struct translation found = { .rights = TABLE_WRITE | TABLE_USER |
					       TABLE_EXECUTE };
	uint64_t entry, size;
	unsigned level;

	for (level = 3;; level--) {
		entry = *world_entry(world, virt, level);
		if (!(entry & P))
			return (struct translation){ 0 };
		if (!(entry & W))
			found.rights &= ~(unsigned)TABLE_WRITE;
		if (!(entry & U))
			found.rights &= ~(unsigned)TABLE_USER;
		if (entry & NX)
			found.rights &= ~(unsigned)TABLE_EXECUTE;
		if (level == 0 || (entry & PS))
			break;
	}
	size = size_of_level(level);
	found.present = true;
	found.leaf_bytes = size;
	found.phys = (entry & FRAME) / size * size + (virt & (size - 1));
	found.rights |= entry & G ? TABLE_GLOBAL : 0;
	found.cache = memory_type(entry, level);
	found.accessed = entry & A;
	found.dirty = entry & D;
	return found;
}

bool translation_same(const struct translation *a, const struct translation *b)
{
	if (!a->present || !b->present)
		return a->present == b->present;
	return a->phys == b->phys && a->rights == b->rights &&
	       a->cache == b->cache;
}

enum audit_kind { AUDIT_OURS, AUDIT_FOREIGN };

struct audit {
	const struct table_world *world;
	enum audit_kind kind;
	bool seen[FAILING_SOURCE_FRAMES_MAX];
	uint64_t pages;
	const char *wrong;
};

static void audit_leaf(struct audit *audit, uint64_t entry, unsigned level)
{
	const struct table_features *features = &audit->world->features;
	uint64_t size = size_of_level(level);
	unsigned bits = features->physical_bits;
	uint64_t address = entry & FRAME;

	if (level > 0)
		address &= ~(uint64_t)PAT_BIG;
	if (level == 3 || (level == 2 && !features->page_1g))
		audit->wrong = "a leaf at a level that has none";
	else if (address % size != 0)
		audit->wrong = "a large leaf that is not aligned";
	else if (address >> (bits == 0 ? 52 : bits) != 0)
		audit->wrong = "a leaf beyond the physical bits";
	else if (entry & 0x7ff0000000000e00)
		audit->wrong = "a leaf with bits 9..11 or 52..62";
	else if (memory_type(entry, level) > 4)
		audit->wrong = "a memory type that has no name";
	else if ((entry & NX) && !features->no_execute)
		audit->wrong = "NX without the feature";
	else if (!(entry & U) && (entry & (A | D)) != (A | D))
		audit->wrong = "a kernel leaf without A and D";
}

/* `holder` is the entry that points to the page. */
static void audit_page(struct audit *audit, uint64_t holder, unsigned level)
{
	const struct table_world *world = audit->world;
	pfn_t frame = { (holder & FRAME) / PAGE_SIZE };
	uint64_t *entries = page_entries(world, holder);
	uint64_t index = frame.raw - world->source.first.raw;
	uint64_t present = 0;

	if (!failing_source_is_out(&world->source, frame)) {
		audit->wrong = "a table page that the source did not give";
		return;
	}
	if (audit->seen[index]) {
		audit->wrong = "a table page that is reached twice";
		return;
	}
	audit->seen[index] = true;
	audit->pages++;
	if (level < 3 && audit->kind == AUDIT_OURS &&
	    (!(holder & W) || (holder & NX)))
		audit->wrong = "an upper entry that forbids something";
	if ((holder & NX) && !world->features.no_execute)
		audit->wrong = "NX without the feature";
	for (unsigned i = 0; i < 512 && audit->wrong == NULL; i++) {
		if (entries[i] == 0)
			continue;
		present++;
		if (!(entries[i] & P))
			audit->wrong = "an absent entry that is not zero";
		else if (audit->kind == AUDIT_OURS &&
			 (entries[i] & ~holder & U))
			audit->wrong = "a user entry below a kernel one";
		else if (level == 0 || (entries[i] & PS))
			audit_leaf(audit, entries[i], level);
		else
			audit_page(audit, entries[i], level - 1);
	}
	if (audit->wrong != NULL || level == 3)
		return;
	if (present == 0)
		audit->wrong = "an empty table page";
	else if (present != (holder >> 52 & 0x3ff))
		audit->wrong = "a wrong count of entries";
	else if (holder & 0x4000000000000fd8)
		audit->wrong = "a strange bit in an upper entry";
}

static const struct audit *audit_tree(const struct table_world *world,
				      enum audit_kind kind)
{
	static struct audit audit;

	memset(&audit, 0, sizeof(audit));
	audit.world = world;
	audit.kind = kind;
	audit_page(&audit, world->table.root.raw * PAGE_SIZE | P | W | U, 3);
	return &audit;
}

const char *world_audit(const struct table_world *world)
{
	const struct audit *audit = audit_tree(world, AUDIT_OURS);

	if (audit->wrong != NULL)
		return audit->wrong;
	if (audit->pages != world->source.pages_out)
		return "pages allocated that are not in the table";
	if (audit->pages != world->table.table_pages)
		return "table_pages is wrong";
	return NULL;
}

const char *world_audit_foreign(const struct table_world *world)
{
	return audit_tree(world, AUDIT_FOREIGN)->wrong;
}

/* --- the processor's memory ---------------------------------------------- */

static void remember_pages(struct table_world *world, uint64_t entry,
			   unsigned level, uint64_t base)
{
	uint64_t *entries = page_entries(world, entry);
	uint64_t frame = (entry & FRAME) / PAGE_SIZE;
	uint64_t size = size_of_level(level);
	size_t known = 0;

	while (known < world->pages && world->page[known].frame != frame)
		known++;
	if (known == world->pages)
		world->page[world->pages++] = (struct world_page){
			frame, base, size * 512, true, false
		};
	world->page[known].reachable = true;
	for (unsigned i = 0; level > 0 && i < 512; i++)
		if ((entries[i] & (P | PS)) == P)
			remember_pages(world, entries[i], level - 1,
				       base + i * size);
}

static void walk_pages(struct table_world *world)
{
	for (size_t i = 0; i < world->pages; i++)
		world->page[i].reachable = false;
	remember_pages(world, world->table.root.raw * PAGE_SIZE | P, 3, 0);
}

/* True when the flush has an address in [base..base + bytes). */
static bool flush_reaches(const struct fake_flush *flush, uint64_t base,
			  uint64_t bytes)
{
	uint64_t start = flush->start.raw & LOW48;
	uint64_t point = start;

	if (flush->bytes == UINT64_MAX)
		return true;
	if (flush->bytes == 0)
		return base <= start && start - base < bytes;
	if (base > start)
		point += (base - start + flush->step - 1) / flush->step *
			 flush->step;
	return point - start < flush->bytes && point >= base &&
	       point - base < bytes;
}

static void forget(void *context, const struct fake_flush *flush)
{
	struct table_world *world = context;

	for (size_t i = 0; i < world->probes; i++) {
		struct translation *cached = &world->cached[i];
		uint64_t bytes = cached->present ? cached->leaf_bytes :
						   PAGE_SIZE;
		uint64_t base = (world->probe[i] & LOW48) & ~(bytes - 1);

		if (flush_reaches(flush, base, bytes))
			*cached = world_translate(world, world->probe[i]);
	}
	walk_pages(world);
	for (size_t i = 0; i < world->pages; i++) {
		struct world_page *page = &world->page[i];

		if (!page->reachable &&
		    flush_reaches(flush, page->base, page->bytes))
			page->flushed = true;
	}
}

static void page_comes_back(void *context, pfn_t frame)
{
	struct table_world *world = context;

	for (size_t i = 0; i < world->pages; i++)
		if (world->page[i].frame == frame.raw &&
		    !world->page[i].flushed)
			world->wrong = "a table page given before its flush";
}

void world_begin(struct table_world *world)
{
	world->pages = 0;
	world->wrong = NULL;
	walk_pages(world);
	for (size_t i = 0; i < world->probes; i++)
		world->cached[i] = world_translate(world, world->probe[i]);
	world->source.on_give = page_comes_back;
	world->source.context = world;
	fake_mmu_reset();
	fake_mmu.on_flush = forget;
	fake_mmu.context = world;
}

const char *world_end(struct table_world *world)
{
	world->source.on_give = NULL;
	fake_mmu.on_flush = NULL;
	for (size_t i = 0; i < world->probes; i++) {
		struct translation now;

		if (!world->cached[i].present)
			continue;
		now = world_translate(world, world->probe[i]);
		if (!translation_same(&world->cached[i], &now))
			return "a translation that changed was not flushed";
	}
	return world->wrong;
}

void world_init(struct table_world *world, struct table_features features,
		uint64_t frames)
{
	memset(world, 0, sizeof(*world));
	failing_source_init(&world->source, (pfn_t){ MIB / PAGE_SIZE }, frames);
	world->features = features;
	fake_mmu_reset();
	MUST(table_init(&world->table, world->source.window,
			&world->source.base, &world->features));
}

const char *world_free(struct table_world *world)
{
	const char *wrong = NULL;

	table_destroy(&world->table);
	if (world->source.pages_out != 0)
		wrong = "pages still out";
	failing_source_free(&world->source);
	return wrong;
}
