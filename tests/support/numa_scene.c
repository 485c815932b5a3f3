// SPDX-License-Identifier: MIT OR Apache-2.0
#include "numa_scene.h"

#include "check.h"

void scene_begin(struct numa_scene *scene, unsigned revision)
{
	draft_begin(&scene->srat, "SRAT", revision, DRAFT_SRAT_HEADER);
	scene->has_slit = false;
}

void scene_begin_nodes(struct numa_scene *scene, const char *domains)
{
	scene_begin(scene, 3);
	for (; *domains != '\0'; domains++) {
		uint32_t number = (uint32_t)(*domains - '0');

		draft_affinity(&scene->srat, number, number, 1);
	}
}

void scene_memory(struct numa_scene *scene, uint32_t domain, uint64_t start,
		  uint64_t end)
{
	draft_memory(&scene->srat, (struct draft_memory){
			domain, NUMA_ENABLED, start, end });
}

void scene_picture(struct numa_scene *scene, const char *row)
{
	for (uint64_t page = 0; row[page] != '\0';) {
		char letter = row[page];
		bool hot = letter >= 'a';
		struct draft_memory memory = {
			.flags = hot ? HOT : NUMA_ENABLED,
			.domain = (uint32_t)(letter - (hot ? 'a' : '0')),
			.start = page * PAGE_SIZE,
		};

		while (row[page] == letter)
			page++;
		memory.end = page * PAGE_SIZE;
		if (letter != '.')
			draft_memory(&scene->srat, memory);
	}
}

void scene_slit(struct numa_scene *scene, uint64_t rows, const char *cells)
{
	draft_slit(&scene->slit, rows, (const uint8_t *)cells);
	scene->has_slit = true;
}

struct numa scene_build_tables(const struct numa_tables *tables)
{
	struct numa_request request = { .tables = *tables };
	struct numa numa;

	request.memory_bytes = numa_memory_bytes(tables);
	request.memory = malloc(request.memory_bytes);
	CHECK(numa_build(&numa, &request) == ST_OK);
	CHECK(numa_audit(&numa));
	return numa;
}

struct numa scene_build(struct numa_scene *scene)
{
	struct numa_tables tables = {
		.srat_bytes = scene->srat.bytes,
		.slit_bytes = scene->slit.bytes,
	};
	struct numa numa;

	draft_seal(&scene->srat);
	tables.srat = draft_copy(scene->srat.data, scene->srat.bytes);
	if (scene->has_slit)
		tables.slit = draft_copy(scene->slit.data, scene->slit.bytes);
	numa = scene_build_tables(&tables);
	/* Tables are not needed afterwards. */
	scene_free_machine(&tables);
	return numa;
}

void scene_free(struct numa *numa)
{
	/* The start of the memory. */
	free(numa->listed);
}

struct numa_tables scene_machine(const char *name)
{
	struct numa_tables tables = { .srat = NULL };
	char file[128];

	snprintf(file, sizeof(file), "srat-%s", name);
	tables.srat = draft_read(file, &tables.srat_bytes);
	snprintf(file, sizeof(file), "slit-%s", name);
	tables.slit = draft_read(file, &tables.slit_bytes);
	CHECK(tables.srat != NULL);
	return tables;
}

void scene_free_machine(struct numa_tables *tables)
{
	free((void *)tables->srat);
	free((void *)tables->slit);
	*tables = (struct numa_tables){ .srat = NULL };
}

bool scene_is_one_node(const struct numa *numa)
{
	return numa->node_count == 1 && numa->nodes[0].domain == 0 &&
	       numa->nodes[0].pages == 0 && numa->nodes[0].cpus == 0 &&
	       numa->range_count == 0 && numa->listed_count == 0 &&
	       numa_distance(numa, 0, 0) == 10 &&
	       numa->nodes[0].reachable == 1 && *numa_order_at(numa, 0) == 0;
}
