// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One operation of mm/table, for a tool that counts instructions: what runs
 * inside `measured_*` is the operation and nothing else. bench_table.sh runs
 * it under callgrind and prints the table of docs/memory/tables.md.
 *
 * Usage: bench_table map|unmap|protect|both|query PAGES [SETTING]
 * SETTING: stays   neighbours keep all tables in place, but for the page
 *                  tables that PAGES fill (default)
 *          comes   the three tables under the root come and go
 *          across  the range lies over two tables that are half full
 *          large   PAGES are of 2 MiB
 */
#include <arch/mmu.h>
#include <base/assert.h>
#include <mm/table.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 512
#define VIRT 0xffff800040000000UL

struct stack_source {
	struct frame_source base;
	uint64_t free[FRAMES];
	unsigned count;
};

_Noreturn void assert_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, text);
	abort();
}

/* The price of a flush is the processor's. */
void mmu_flush_page(vaddr_t address)
{
	(void)address;
}

void mmu_flush_range(vaddr_t start, uint64_t bytes, uint64_t step)
{
	(void)start;
	(void)bytes;
	(void)step;
}

void mmu_flush_all(void)
{
}

static enum status stack_take(struct frame_source *base, pfn_t *out)
{
	struct stack_source *source = (struct stack_source *)base;

	if (source->count == 0)
		return ST_NO_MEMORY;
	*out = (pfn_t){ source->free[--source->count] };
	return ST_OK;
}

static void stack_give(struct frame_source *base, pfn_t frame)
{
	struct stack_source *source = (struct stack_source *)base;

	source->free[source->count++] = frame.raw;
}

__attribute__((noinline)) static enum status
measured_map(struct table *table, const struct table_mapping *mapping)
{
	return table_map(table, mapping);
}

__attribute__((noinline)) static enum status
measured_unmap(struct table *table, const struct table_mapping *mapping)
{
	return table_unmap(table, mapping->virt, mapping->bytes);
}

__attribute__((noinline)) static enum status
measured_protect(struct table *table, const struct table_mapping *mapping)
{
	return table_protect(table, mapping->virt, mapping->bytes, TABLE_READ);
}

__attribute__((noinline)) static enum status
measured_query(struct table *table, const struct table_mapping *mapping)
{
	struct table_leaf leaf;

	return table_query(table, mapping->virt, &leaf);
}

static void map_neighbour(struct table *table, uint64_t virt, uint64_t bytes)
{
	struct table_mapping mapping = { .virt = { virt }, .bytes = bytes };

	MUST(table_map(table, &mapping));
}

int main(int argc, char **argv)
{
	static _Alignas(PAGE_SIZE) unsigned char memory[FRAMES][PAGE_SIZE];
	struct stack_source source = { .base = { stack_take, stack_give } };
	struct table_features features = { .no_execute = true };
	struct window window = { (uintptr_t)memory };
	const char *setting = argc > 3 ? argv[3] : "stays";
	struct table_mapping mapping = { .virt = { VIRT },
					 .rights = TABLE_WRITE };
	struct table table;
	bool maps;

	if (argc < 3)
		return 1;
	for (unsigned i = 0; i < FRAMES; i++)
		source.free[source.count++] = i;
	MUST(table_init(&table, window, &source.base, &features));
	mapping.bytes = strtoul(argv[2], NULL, 0) * PAGE_SIZE;
	if (strcmp(setting, "stays") == 0)
		map_neighbour(&table, VIRT + SIZE_1G - PAGE_SIZE, PAGE_SIZE);
	if (strcmp(setting, "stays") == 0 && mapping.bytes < SIZE_2M)
		map_neighbour(&table, VIRT + SIZE_2M - PAGE_SIZE, PAGE_SIZE);
	if (strcmp(setting, "across") == 0) {
		mapping.virt.raw += SIZE_2M / 2;
		map_neighbour(&table, VIRT, SIZE_2M / 2);
		map_neighbour(&table, VIRT + SIZE_2M + SIZE_2M / 2,
			      SIZE_2M / 2);
	}
	if (strcmp(setting, "large") == 0) {
		mapping.bytes *= SIZE_2M / PAGE_SIZE;
		mapping.largest_leaf = SIZE_2M;
	}
	maps = strcmp(argv[1], "map") == 0 || strcmp(argv[1], "both") == 0;
	if (maps)
		MUST(measured_map(&table, &mapping));
	else
		MUST(table_map(&table, &mapping));
	if (strcmp(argv[1], "protect") == 0)
		MUST(measured_protect(&table, &mapping));
	if (strcmp(argv[1], "query") == 0)
		MUST(measured_query(&table, &mapping));
	if (strcmp(argv[1], "unmap") == 0 || strcmp(argv[1], "both") == 0)
		MUST(measured_unmap(&table, &mapping));
	return 0;
}
