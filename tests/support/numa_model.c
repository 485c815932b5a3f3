// SPDX-License-Identifier: MIT OR Apache-2.0
#include "numa_model.h"

#include <base/bits.h>

#include <string.h>

#define NOT_YET (NUMA_HOTPLUG | NUMA_NONVOLATILE)

/* A damaged length can turn one entry into several. */
#define MODEL_FACTS 256

typedef unsigned __int128 wide;

/* --- reading --------------------------------------------------------------*/

struct fact {
	bool is_cpu;
	uint64_t domain, apic, flags;
	wide start, end;
};

struct model {
	struct fact facts[MODEL_FACTS];
	size_t fact_count;
	uint64_t domains[MODEL_FACTS];
	size_t node_count;
	enum status srat, slit;
	bool cut_short;
};

static bool is_sound(const uint8_t *table, uint64_t bytes, const char *name,
		     size_t least)
{
	uint8_t sum = 0;

	if (bytes < least || memcmp(table, name, 4) != 0 ||
	    draft_get(table + 4, 4) != bytes)
		return false;
	for (uint64_t i = 0; i < bytes; i++)
		sum += table[i];
	return sum == 0;
}

/* False when the entry does not count. */
static bool read_fact(const uint8_t *at, unsigned revision, struct fact *fact)
{
	unsigned domain_bytes = revision < 2 ? 1 : 4;

	if (at[0] == 0 && at[1] >= 16) {
		fact->is_cpu = true;
		fact->apic = at[3];
		fact->domain = at[2];
		if (domain_bytes == 4)
			fact->domain += draft_get(at + 9, 3) * 256;
		return at[4] % 2 == 1 && fact->apic != 255;
	}
	if (at[0] == 2 && at[1] >= 24) {
		fact->is_cpu = true;
		fact->apic = draft_get(at + 8, 4);
		fact->domain = draft_get(at + 4, 4);
		return at[12] % 2 == 1 && fact->apic != 0xffffffff;
	}
	if (at[0] != 1 || at[1] < 40)
		return false;
	fact->is_cpu = false;
	fact->domain = draft_get(at + 2, domain_bytes);
	fact->flags = at[28] & 7;
	fact->start = draft_get(at + 8, 8);
	fact->end = fact->start + draft_get(at + 16, 8);
	if (fact->end >> 64 != 0 || fact->flags % 2 == 0)
		return false;
	if (fact->end > PHYSICAL_LIMIT)
		fact->end = PHYSICAL_LIMIT;
	return fact->start < fact->end;
}

static void read_facts(struct model *model, const uint8_t *srat,
		       uint64_t bytes)
{
	uint64_t at = 48;

	while (at < bytes) {
		if (at + 2 > bytes || srat[at + 1] < 2 ||
		    at + srat[at + 1] > bytes) {
			model->cut_short = true;
			break;
		}
		model->facts[model->fact_count] = (struct fact){ .apic = 0 };
		model->fact_count +=
			read_fact(srat + at, srat[8],
				  &model->facts[model->fact_count]);
		at += srat[at + 1];
	}
}

static void find_domains(struct model *model)
{
	for (uint64_t from = 0;;) {
		uint64_t best = UINT64_MAX;

		for (size_t i = 0; i < model->fact_count; i++)
			if (model->facts[i].domain >= from &&
			    model->facts[i].domain < best)
				best = model->facts[i].domain;
		if (best == UINT64_MAX)
			return;
		model->domains[model->node_count++] = best;
		from = best + 1;
	}
}

static enum status model_slit(const struct model *model,
			      const struct numa_tables *tables)
{
	const uint8_t *slit = tables->slit;
	wide rows;

	if (slit == NULL)
		return ST_NOT_FOUND;
	if (!is_sound(slit, tables->slit_bytes, "SLIT", 44))
		return ST_CORRUPT;
	rows = draft_get(slit + 36, 8);
	if (44 + rows * rows > tables->slit_bytes)
		return ST_CORRUPT;
	for (size_t i = 0; i < model->node_count; i++)
		if (model->domains[i] >= rows)
			return ST_UNSUPPORTED;
	for (size_t i = 0; i < model->node_count; i++) {
		for (size_t j = 0; j < model->node_count; j++) {
			unsigned cell = slit[44 + model->domains[i] * rows +
					     model->domains[j]];

			if (cell < 10 || (i == j && cell != 10))
				return ST_CORRUPT;
		}
	}
	return ST_OK;
}

static void read_tables(struct model *model, const struct numa_tables *tables)
{
	*model = (struct model){ .srat = ST_NOT_FOUND };
	if (tables->srat != NULL) {
		if (is_sound(tables->srat, tables->srat_bytes, "SRAT", 48)) {
			read_facts(model, tables->srat, tables->srat_bytes);
			model->srat = model->fact_count ? ST_OK : ST_NOT_FOUND;
		} else {
			model->srat = ST_CORRUPT;
		}
	}
	find_domains(model);
	if (model->srat != ST_OK) {
		model->cut_short = false;
		model->node_count = 1;
	}
	model->slit = model_slit(model, tables);
}

static size_t node_of(const struct model *model, const struct fact *fact)
{
	size_t node = 0;

	while (model->domains[node] != fact->domain)
		node++;
	return node;
}

/* --- who is believed ------------------------------------------------------*/

static bool covers(const struct fact *fact, uint64_t page)
{
	wide first_byte = (wide)page * PAGE_SIZE;

	return !fact->is_cpu && fact->start <= first_byte &&
	       first_byte < fact->end;
}

static bool beats(const struct fact *a, const struct fact *b)
{
	bool late_a = (a->flags & NOT_YET) != 0;
	bool late_b = (b->flags & NOT_YET) != 0;

	if (late_a != late_b)
		return late_b;
	if (a->start != b->start)
		return a->start < b->start;
	if (a->domain != b->domain)
		return a->domain < b->domain;
	if (a->end != b->end)
		return a->end < b->end;
	return a->flags < b->flags;
}

static const struct fact *owner_of(const struct model *model, uint64_t page)
{
	const struct fact *owner = NULL;

	for (size_t i = 0; i < model->fact_count; i++)
		if (covers(&model->facts[i], page) &&
		    (owner == NULL || beats(&model->facts[i], owner)))
			owner = &model->facts[i];
	return owner;
}

/* The next page at which the result can change. */
static uint64_t next_edge(const struct model *model, uint64_t page)
{
	uint64_t next = PHYSICAL_LIMIT / PAGE_SIZE;

	for (size_t i = 0; i < model->fact_count; i++) {
		const struct fact *fact = &model->facts[i];
		wide edges[] = { fact->start, fact->end };

		for (size_t j = 0; j < 2 && !fact->is_cpu; j++) {
			wide edge = (edges[j] + PAGE_SIZE - 1) / PAGE_SIZE;

			if (edge > page && edge < next)
				next = (uint64_t)edge;
		}
	}
	return next;
}

/* --- comparing ------------------------------------------------------------*/

static const struct numa_range *range_at(const struct numa *numa, uint64_t at)
{
	for (size_t i = 0; i < numa->range_count; i++)
		if (numa->ranges[i].start.raw <= at &&
		    at < numa->ranges[i].end.raw)
			return &numa->ranges[i];
	return NULL;
}

/* Compares all gaps between edges by their first page; counts `pages`. */
static const char *compare_memory(const struct numa *numa,
				  const struct model *model, uint64_t *pages)
{
	uint64_t end = PHYSICAL_LIMIT / PAGE_SIZE, next;

	for (uint64_t page = 0; page < end; page = next) {
		const struct fact *owner = owner_of(model, page);
		paddr_t at = { page * PAGE_SIZE };
		const struct numa_range *range = range_at(numa, at.raw);
		struct numa_node_range found = numa_node_at(numa, at);
		size_t node = owner != NULL ? node_of(model, owner) : 0;

		next = next_edge(model, page);
		if ((range != NULL) != (owner != NULL))
			return "a page is in a range, or in none";
		if (found.node != node)
			return "a page is another node's";
		if (found.end.raw <= at.raw || found.end.raw > PHYSICAL_LIMIT ||
		    (range != NULL && found.end.raw != range->end.raw) ||
		    (range == NULL &&
		     found.end.raw < min_u64(next, end) * PAGE_SIZE))
			return "a range ends elsewhere";
		if (owner == NULL)
			continue;
		if (range->flags != owner->flags || range->node != node)
			return "a range has other flags";
		if ((owner->flags & NOT_YET) == 0)
			pages[node] += next - page;
	}
	for (size_t i = 1; i < numa->range_count; i++)
		if (numa->ranges[i - 1].end.raw == numa->ranges[i].start.raw &&
		    numa->ranges[i - 1].node == numa->ranges[i].node &&
		    numa->ranges[i - 1].flags == numa->ranges[i].flags)
			return "ranges that touch are not one";
	return NULL;
}

static size_t times_listed(const struct numa *numa,
			   const struct numa_range *like)
{
	size_t times = 0;

	for (size_t i = 0; i < numa->listed_count; i++) {
		const struct numa_range *range = &numa->listed[i];

		times += range->start.raw == like->start.raw &&
			 range->end.raw == like->end.raw &&
			 range->node == like->node &&
			 range->flags == like->flags;
	}
	return times;
}

static const char *compare_listed(const struct numa *numa,
				  const struct model *model)
{
	size_t ranges = 0;

	for (size_t i = 0; i < model->fact_count; i++) {
		const struct fact *fact = &model->facts[i];
		struct numa_range like = {
			{ (uint64_t)fact->start }, { (uint64_t)fact->end },
			(uint32_t)node_of(model, fact), (uint32_t)fact->flags
		};
		size_t twins = 0;

		for (size_t j = 0; j < model->fact_count; j++) {
			const struct fact *twin = &model->facts[j];

			twins += !twin->is_cpu && twin->start == fact->start &&
				 twin->end == fact->end &&
				 twin->domain == fact->domain &&
				 twin->flags == fact->flags;
		}
		ranges += !fact->is_cpu;
		if (!fact->is_cpu && times_listed(numa, &like) != twins)
			return "a listed range is not the SRAT's";
	}
	for (size_t i = 1; i < numa->listed_count; i++)
		if (numa->listed[i - 1].start.raw > numa->listed[i].start.raw)
			return "listed ranges do not ascend";
	return numa->listed_count == ranges ? NULL : "too many listed ranges";
}

static const char *compare_cpus(const struct numa *numa,
				const struct model *model)
{
	uint32_t cpus[MODEL_FACTS] = { 0 };
	uint32_t node;
	size_t count = 0;

	for (size_t i = 0; i < model->fact_count; i++) {
		const struct fact *fact = &model->facts[i];
		size_t earlier = 0;

		if (!fact->is_cpu)
			continue;
		while (!model->facts[earlier].is_cpu ||
		       model->facts[earlier].apic != fact->apic)
			earlier++;
		if (numa_find_cpu(numa, (uint32_t)fact->apic, &node) != ST_OK ||
		    node != node_of(model, &model->facts[earlier]))
			return "a processor is another node's";
		if (earlier == i) {
			cpus[node]++;
			count++;
		}
	}
	if (numa->cpu_count != count)
		return "a processor too many";
	if (numa_find_cpu(numa, 0x7fffffff, &node) != ST_NOT_FOUND || node != 0)
		return "a processor that the table does not have";
	for (size_t i = 0; i < model->node_count; i++)
		if (numa->nodes[i].cpus != cpus[i])
			return "a node has other processors";
	return NULL;
}

static unsigned model_distance(const struct model *model,
			       const struct numa_tables *tables, size_t from,
			       size_t to)
{
	const uint8_t *slit = tables->slit;
	uint64_t rows;

	if (model->slit != ST_OK)
		return from == to ? 10 : 20;
	rows = draft_get(slit + 36, 8);
	return slit[44 + model->domains[from] * rows + model->domains[to]];
}

/* The nearest node that is not taken yet; model->node_count: there is none. */
static size_t nearest(const struct model *model,
		      const struct numa_tables *tables, size_t from,
		      const bool *taken)
{
	size_t best = model->node_count;
	unsigned value = 255;

	for (size_t to = 0; to < model->node_count; to++) {
		unsigned here = model_distance(model, tables, from, to);

		if (!taken[to] && here < value) {
			best = to;
			value = here;
		}
	}
	return best;
}

static const char *compare_distances(const struct numa *numa,
				     const struct model *model,
				     const struct numa_tables *tables)
{
	for (uint32_t from = 0; from < model->node_count; from++) {
		const uint8_t *order = numa_order_at(numa, from);
		bool taken[MODEL_FACTS] = { false };
		size_t next = from, rank = 0;

		for (uint32_t to = 0; to < model->node_count; to++)
			if (numa_distance(numa, from, to) !=
			    model_distance(model, tables, from, to))
				return "a distance is another";
		for (; next < model->node_count; rank++) {
			if (rank == numa->nodes[from].reachable ||
			    order[rank] != next)
				return "an order is another";
			taken[next] = true;
			next = nearest(model, tables, from, taken);
		}
		if (rank != numa->nodes[from].reachable)
			return "an order has another length";
	}
	return NULL;
}

const char *numa_model_compare(const struct numa *numa,
			       const struct numa_tables *tables)
{
	uint64_t pages[MODEL_FACTS] = { 0 };
	const char *difference;
	struct model model;

	read_tables(&model, tables);
	if (!numa_audit(numa))
		return "the audit";
	if (numa->srat != model.srat || numa->slit != model.slit)
		return "the verdicts";
	if (numa->srat_cut_short != model.cut_short)
		return "where the SRAT ends";
	if (numa->node_count != model.node_count)
		return "the number of nodes";
	for (size_t i = 0; i < model.node_count; i++)
		if (numa->nodes[i].domain != model.domains[i])
			return "a domain";
	difference = compare_memory(numa, &model, pages);
	for (size_t i = 0; i < model.node_count && difference == NULL; i++)
		if (numa->nodes[i].pages != pages[i])
			difference = "a node has other pages";
	if (difference == NULL)
		difference = compare_listed(numa, &model);
	if (difference == NULL)
		difference = compare_cpus(numa, &model);
	if (difference == NULL)
		difference = compare_distances(numa, &model, tables);
	return difference;
}

/* --- regions --------------------------------------------------------------*/

static bool is_ours(uint64_t kind)
{
	return kind == REGION_FREE || kind == REGION_LATER ||
	       kind == REGION_LOW;
}

const char *numa_model_compare_regions(const struct numa *numa,
				       const struct numa_tables *tables,
				       const struct region_list *list)
{
	uint64_t pages[MODEL_FACTS] = { 0 };
	struct model model;

	read_tables(&model, tables);
	for (uint64_t page = 0; page < SAMPLE_PAGES; page++) {
		const struct fact *owner = owner_of(&model, page);
		uint64_t at = page * PAGE_SIZE;

		for (size_t i = 0; i < list->count; i++)
			if (list->items[i].start.raw <= at &&
			    at < list->items[i].end.raw &&
			    is_ours(list->items[i].kind))
				pages[owner ? node_of(&model, owner) : 0]++;
	}
	for (size_t i = 0; i < model.node_count; i++)
		if (numa->nodes[i].pages != pages[i])
			return "a node has other pages of the map";
	return NULL;
}
