// SPDX-License-Identifier: MIT OR Apache-2.0
#include <base/bits.h>

#include <stdlib.h>

#include "numa_model.h"
#include "prng.h"

static uint64_t below(uint64_t *state, uint64_t limit)
{
	return (check_random(state) >> 20) % limit;
}

static uint32_t some_domain(uint64_t *state)
{
	static const uint32_t odd[] = { 255, 256, 0x101, 0x30002, 0xffffffff };

	if (below(state, 12) == 0)
		return odd[below(state, ARRAY_LENGTH(odd))];
	return (uint32_t)below(state, 6);
}

static uint32_t some_apic(uint64_t *state)
{
	static const uint32_t odd[] = { 255, 256, 1000, 0xffffffff };

	if (below(state, 6) == 0)
		return odd[below(state, ARRAY_LENGTH(odd))];
	return (uint32_t)below(state, 12);
}

static struct draft_memory some_memory(uint64_t *state)
{
	struct draft_memory memory = {
		.domain = some_domain(state),
		.flags = below(state, 5) ? NUMA_ENABLED :
					   (uint32_t)below(state, 16),
	};
	/* Whole pages, or only a quarter of the edges. */
	uint64_t unit = below(state, 3) ? PAGE_SIZE : PAGE_SIZE / 4;
	uint64_t units = SAMPLE_PAGES * (PAGE_SIZE / unit);

	if (below(state, 3) == 0)
		memory.flags |= NUMA_HOTPLUG;
	memory.start = below(state, units) * unit;
	memory.end = memory.start + below(state, units / 2) * unit;
	switch (below(state, 24)) {
	case 0:
		memory.start += PHYSICAL_LIMIT - SAMPLE_PAGES * PAGE_SIZE / 2;
		memory.end += PHYSICAL_LIMIT - SAMPLE_PAGES * PAGE_SIZE / 2;
		break;
	case 1:
		memory.end = UINT64_MAX - below(state, 2);
		break;
	case 2:			/* a length that wraps                       */
		memory.end = memory.start - 1 - below(state, 2);
		break;
	}
	return memory;
}

static void add_sample_entry(struct acpi_draft *srat, uint64_t *state)
{
	uint8_t *entry;
	uint32_t flags = below(state, 6) != 0;

	switch (below(state, 8)) {
	case 0:
	case 1:
		draft_affinity(srat, some_domain(state), some_apic(state),
			       flags);
		return;
	case 2:
		draft_affinity_x2(srat, some_domain(state), some_apic(state),
				  flags);
		return;
	case 3:
		draft_entry(srat, 3 + (unsigned)below(state, 253),
			    2 + below(state, 60));
		return;
	case 4:			/* a known type, too short or too long       */
		entry = draft_entry(srat, (unsigned)below(state, 3),
				    2 + below(state, 60));
		for (size_t i = 2; i < entry[1]; i++)
			entry[i] = i % 4 == 0;
		return;
	default:
		draft_memory(srat, some_memory(state));
	}
}

static void make_slit(struct acpi_draft *slit, uint64_t *state)
{
	uint8_t cells[12 * 12];
	uint64_t rows = below(state, 4) ? 6 : below(state, 13);

	for (uint64_t i = 0; i < rows * rows; i++) {
		cells[i] = (uint8_t)(10 + 5 * below(state, 4));
		if (below(state, 20) == 0)
			cells[i] = 255;
		if (i / rows == i % rows)
			cells[i] = 10;
		if (below(state, 300) == 0)
			cells[i] = (uint8_t)below(state, 12);
	}
	draft_slit(slit, rows, cells);
	if (below(state, 12) == 0) {
		draft_put(slit->data + 36, below(state, 2) ? rows + 1 :
			  (uint64_t)1 << 32, 8);
		draft_seal(slit);
	}
}

/* Changes bytes or cuts some off, often with a right checksum. */
static void spoil(struct acpi_draft *draft, uint64_t *state)
{
	for (uint64_t n = below(state, 3); n > 0; n--)
		draft->data[below(state, draft->bytes)] =
			(uint8_t)check_random(state);
	if (below(state, 4) == 0)
		draft->bytes -= below(state, draft->bytes);
	if (below(state, 4) != 0)
		draft_seal(draft);
}

void numa_sample_make(struct numa_sample *sample, uint64_t *state)
{
	uint64_t entries = below(state, SAMPLE_ENTRIES + 1);

	draft_begin(&sample->srat, "SRAT", (unsigned)below(state, 4),
		    DRAFT_SRAT_HEADER);
	while (entries-- > 0)
		add_sample_entry(&sample->srat, state);
	draft_seal(&sample->srat);
	make_slit(&sample->slit, state);
	if (below(state, 4) == 0)
		spoil(&sample->srat, state);
	if (below(state, 8) == 0)
		spoil(&sample->slit, state);
	sample->tables = (struct numa_tables){
		.srat_bytes = sample->srat.bytes,
		.slit_bytes = sample->slit.bytes,
	};
	if (below(state, 20) != 0)
		sample->tables.srat = draft_copy(sample->srat.data,
						 sample->srat.bytes);
	if (below(state, 8) != 0)
		sample->tables.slit = draft_copy(sample->slit.data,
						 sample->slit.bytes);
}

void numa_sample_free(struct numa_sample *sample)
{
	free((void *)sample->tables.srat);
	free((void *)sample->tables.slit);
}

static const char *compare_random_regions(struct numa *numa,
					  const struct numa_tables *tables,
					  uint64_t *state)
{
	struct region items[SAMPLE_PAGES];
	struct region_list list = { .items = items };
	uint64_t at = below(state, 4);

	while (at < SAMPLE_PAGES) {
		uint64_t end = min_u64(at + 1 + below(state, 12),
				       SAMPLE_PAGES);

		items[list.count++] = (struct region){
			{ at * PAGE_SIZE }, { end * PAGE_SIZE },
			below(state, REGION_KIND_COUNT)
		};
		at = end + below(state, 3);
	}
	numa_count_regions(numa, &list);
	return numa_model_compare_regions(numa, tables, &list);
}

static uint64_t listed_bytes(const struct numa_range *ranges, size_t count)
{
	uint64_t bytes = 0;

	while (count-- > 0)
		bytes += ranges[count].end.raw - ranges[count].start.raw;
	return bytes;
}

static void count_round(struct numa_census *census, const struct numa *numa)
{
	uint64_t said = listed_bytes(numa->listed, numa->listed_count);
	uint64_t left = listed_bytes(numa->ranges, numa->range_count);
	/* Rounding alone moves each edge by less than a page. */
	uint64_t rounding = 2 * numa->listed_count * PAGE_SIZE;

	census->rounds++;
	census->several_nodes += numa->node_count > 1;
	census->distances += numa->node_count > 1 && numa->slit == ST_OK;
	census->settled += said > left + rounding;
}

const char *numa_model_round(uint64_t *state, struct numa_census *census)
{
	static struct numa_sample sample;
	struct numa_request request;
	const char *difference = "no build";
	struct numa numa;

	numa_sample_make(&sample, state);
	request.tables = sample.tables;
	request.memory_bytes = numa_memory_bytes(&sample.tables);
	request.memory = malloc(request.memory_bytes);
	if (numa_build(&numa, &request) == ST_OK) {
		difference = numa_model_compare(&numa, &sample.tables);
		count_round(census, &numa);
	}
	if (difference == NULL)
		difference = compare_random_regions(&numa, &sample.tables,
						    state);
	free(request.memory);
	numa_sample_free(&sample);
	return difference;
}

bool numa_census_is_rich(const struct numa_census *census)
{
	return census->several_nodes * 2 >= census->rounds &&
	       census->distances * 5 >= census->rounds &&
	       census->settled * 4 >= census->rounds;
}
