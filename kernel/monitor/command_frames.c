// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * frames, buddy, numa, whois: physical memory as the pools have it.
 *
 * The counts are exact while no other CPU allocates or frees; else each was
 * right at some moment during the command.
 */
#include "command.h"

#include <base/bits.h>
#include <boot/layout.h>

#include <kernel/boot/boot_memory.h>
#include <kernel/lib/number.h>
#include <kernel/log/log.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/pages.h>
#include <kernel/platform/cpus.h>
#include <kernel/platform/numa_nodes.h>

/* --- frames ----------------------------------------------------------------*/

static uint64_t allocated_frames(const struct frame_count *count)
{
	uint64_t allocated = 0;

	for (unsigned i = 0; i < ARRAY_LENGTH(count->allocated); i++)
		allocated += count->allocated[i];
	return allocated;
}

/* The pool's first memory; 0 for none. */
static uint64_t first_of(unsigned pool)
{
	const struct frame_nodes *all = frames_nodes();

	for (size_t i = 0; i < all->place_count; i++)
		if (all->places[i].pool == pool)
			return all->places[i].first << PAGE_SHIFT;
	return 0;
}

/* A node without memory has no pool, and gets a line, too. */
static void print_pool(const struct command_call *call, unsigned node,
		       unsigned index)
{
	const char *format = call->records ?
		"@pool node=%u first=0x%lx pages=%lu free=%lu free_4k=%lu "
		"free_2m=%lu free_1g=%lu cached=%lu misuses=%lu\n" :
		"%4u  0x%012lx %11lu %11lu %9lu %7lu %6lu %8lu %8lu\n";
	const struct frame_pool *pool;
	struct frame_stats stats = { 0 };
	struct frame_count count = { 0 };
	uint64_t bad_frees = 0;

	if (index != FRAME_POOLS_MAX) {
		pool = frames_nodes()->pool[index];
		frame_pool_stats(pool, &stats);
		frame_pool_count(pool, &count);
		bad_frees = atomic_load_relaxed(&pool->bad_frees);
	}
	sink_print(call->out, format, node, first_of(index),
		   count.free + count.cached + allocated_frames(&count),
		   count.free, stats.split_frames, stats.whole_blocks,
		   stats.whole_giants, count.cached, bad_frees);
}

static void print_pools(const struct command_call *call, unsigned node)
{
	const struct frame_nodes *all = frames_nodes();

	if (frame_nodes_own(all, node) == 0)
		print_pool(call, node, FRAME_POOLS_MAX);
	for (unsigned i = all->first[node]; i < all->first[node + 1]; i++)
		print_pool(call, node, i);
}

static void print_cache(const struct command_call *call, unsigned cpu,
			enum cpu_context context)
{
	const char *name = context == CPU_TASK ? "task" : "interrupt";
	const struct frame_cache *cache = frames_cache_of(cpu, context);
	uint64_t in_blocks = (uint64_t)cache->block_count << cache->block_shift;
	uint64_t frames = frame_cache_held(cache) - in_blocks;

	if (call->records)
		sink_print(call->out,
			   "@frame_cache cpu=%u context=%s node=%u frames=%lu "
			   "blocks=%u limit=%lu refills=%u flushes=%u "
			   "drains=%u hits=%lu block_limit=%u\n", cpu, name,
			   frames_home_of(cpu), frames, cache->block_count,
			   frame_cache_limit(cache), cache->refills,
			   cache->flushes, cache->drains,
			   frame_cache_hits(cache), cache->block_limit);
	else
		sink_print(call->out,
			   "%4u  %3u  %-9s %9lu %7lu %7u %7u %8u %8u %7u "
			   "%10lu\n", frames_home_of(cpu), cpu, name, frames,
			   frame_cache_limit(cache), cache->block_count,
			   cache->block_limit, cache->refills, cache->flushes,
			   cache->drains, frame_cache_hits(cache));
}

enum status command_frames(const struct command_call *call)
{
	const struct cpu_list *list = cpus();

	if (!call->records)
		sink_print(call->out, "node  first                pages"
				      "        free     4 KiB   2 MiB  1 GiB"
				      "   cached  misuses\n");
	for (unsigned node = 0; node < frames_nodes()->count; node++)
		print_pools(call, node);
	if (!call->records)
		sink_print(call->out, "\nnode  cpu  context       4 KiB   limit"
				      "   2 MiB   limit  refills  flushes"
				      "  drains       hits\n");
	for (unsigned cpu = 0; cpu < list->startable; cpu++) {
		if (list->rows[cpu].state != CPU_STARTED)
			continue;
		print_cache(call, cpu, CPU_TASK);
		print_cache(call, cpu, CPU_INTERRUPT);
	}
	return ST_OK;
}

/* --- buddy -----------------------------------------------------------------*/

/* The share in hundredths of a percent. */
static uint64_t share_of(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : part * 10000 / whole;
}

static struct frame_stats stats_of_node(unsigned node)
{
	const struct frame_nodes *all = frames_nodes();
	struct frame_stats sum = { 0 }, one;

	for (unsigned i = all->first[node]; i < all->first[node + 1]; i++) {
		frame_pool_stats(all->pool[i], &one);
		sum.free_frames += one.free_frames;
		sum.split_frames += one.split_frames;
		sum.whole_blocks += one.whole_blocks;
		sum.whole_giants += one.whole_giants;
	}
	return sum;
}

static void print_free(const struct command_call *call, unsigned node)
{
	struct frame_stats stats = stats_of_node(node);
	uint64_t share;

	share = share_of(stats.split_frames, stats.free_frames);
	if (!call->records) {
		sink_print(call->out, "%4u %11lu %9lu %7lu %13lu  %3lu.%02lu "
				      "%%\n", node, stats.split_frames,
			   stats.whole_blocks, stats.whole_giants,
			   stats.free_frames, share / 100, share % 100);
		return;
	}
	sink_print(call->out, "@free node=%u size=4k frames=%lu\n"
			      "@free node=%u size=2m frames=%lu\n"
			      "@free node=%u size=1g frames=%lu\n",
		   node, stats.split_frames, node, stats.whole_blocks, node,
		   stats.whole_giants);
	sink_print(call->out, "@total node=%u free_pages=%lu "
			      "not_2m_pages=%lu share_percent=%lu.%02lu\n",
		   node, stats.free_frames, stats.split_frames, share / 100,
		   share % 100);
}

enum status command_buddy(const struct command_call *call)
{
	if (!call->records)
		sink_print(call->out, "node       4 KiB     2 MiB   1 GiB"
				      "    free pages  not usable as 2 MiB\n");
	for (unsigned node = 0; node < frames_nodes()->count; node++)
		print_free(call, node);
	return ST_OK;
}

/* --- numa ------------------------------------------------------------------*/

static void print_node(struct sink *out, uint32_t node)
{
	const struct numa_node *row = &nodes()->nodes[node];

	sink_print(out, "%4u %8u %12lu %5u  distances", node, row->domain,
		   row->pages, row->cpus);
	for (uint32_t to = 0; to < nodes()->node_count; to++)
		sink_print(out, " %u", numa_distance(nodes(), node, to));
	sink_print(out, "\n");
}

enum status command_numa(const struct command_call *call)
{
	const struct numa *numa = nodes();

	if (call->records) {
		numa_print_records(numa, call->out);
		return ST_OK;
	}
	sink_print(call->out, "node   domain        pages  cpus\n");
	for (uint32_t node = 0; node < numa->node_count; node++)
		print_node(call->out, node);
	for (size_t i = 0; i < numa->range_count; i++) {
		const struct numa_range *range = &numa->ranges[i];

		sink_print(call->out, "[0x%012lx..0x%012lx)  node %u%s%s\n",
			   range->start.raw, range->end.raw, range->node,
			   range->flags & NUMA_HOTPLUG ? "  hotplug" : "",
			   range->flags & NUMA_NONVOLATILE ?
				   "  nonvolatile" : "");
	}
	return ST_OK;
}

/* --- whois -----------------------------------------------------------------*/

/* All that is known about one page. */
struct answer {
	paddr_t phys;
	const char *region;
	const char *owner;
	const char *state;
	char node[12];			/* none: not known to be memory      */
	uint64_t unit_bytes;		/* 0: no pool has it                 */
	uint64_t leaf_bytes;		/* 0: not in the direct map          */
};

static const char *region_at(paddr_t at)
{
	const struct region_list *list = &boot_memory.map.regions;

	for (size_t i = 0; i < list->count; i++)
		if (at.raw >= list->items[i].start.raw &&
		    at.raw < list->items[i].end.raw)
			return region_kind_name(list->items[i].kind);
	return "none";
}

static void ask_pools(struct answer *answer, pfn_t frame)
{
	static const char *const states[] = {
		[FRAME_STATE_FREE] = "free",
		[FRAME_STATE_CACHED] = "cached",
		[FRAME_STATE_ALLOCATED] = "allocated",
		[FRAME_STATE_FOREIGN] = "none",
	};
	static const uint64_t bytes[] = {
		[FRAME_4K] = PAGE_SIZE,
		[FRAME_2M] = SIZE_2M,
		[FRAME_1G] = SIZE_1G,
	};
	struct frame_info info;

	answer->state = "none";
	if (frames_query(frame, &info) != ST_OK)
		return;
	answer->state = states[info.state];
	if (info.state != FRAME_STATE_FOREIGN)
		answer->unit_bytes = bytes[info.size];
}

static bool names(const struct map_entry *entry, paddr_t phys)
{
	struct range named;

	return map_entry_named_range(entry, &named) == ST_OK &&
	       phys.raw >= named.start && phys.raw < named.end;
}

/*
 * A reserved page may be memory, or registers, or nothing: it is memory if
 * the SRAT says so, or a descriptor by which it would be usable.
 */
static bool is_memory(enum owner owner, paddr_t phys)
{
	const struct memory_map *map = &boot_memory.map;

	if (owner != OWNER_RESERVED)
		return owner != OWNER_MMIO;
	for (size_t i = 0; i < map->entry_count; i++) {
		struct map_entry entry = firmware_map_entry(&map->raw, i);

		if (names(&entry, phys) &&
		    map_entry_kind(&entry) != REGION_KEEP)
			return true;
	}
	return !numa_node_at(nodes(), phys).outside;
}

static void find_answer(struct answer *answer, paddr_t phys)
{
	pfn_t frame = paddr_to_pfn(phys);
	struct table_leaf leaf;
	enum owner owner;

	*answer = (struct answer){
		.phys = phys,
		.region = region_at(phys),
		.owner = "none",
		.node = "none",
	};
	if (memory_owner_of(frame, &owner) == ST_OK) {
		answer->owner = owner_name(owner);
		if (is_memory(owner, phys))
			text_print(answer->node, sizeof(answer->node), "%u",
				   nodes_at(phys));
	}
	ask_pools(answer, frame);
	if (phys.raw < DIRECT_MAP_BYTES &&
	    table_query(&boot_memory.table, direct_map(phys), &leaf) == ST_OK)
		answer->leaf_bytes = leaf.bytes;
}

/* Every descriptor of the firmware that names this page. */
static void print_descriptors(const struct command_call *call, paddr_t phys)
{
	const char *format = call->records ?
		"@descriptor type=%u start=0x%lx pages=%lu attributes=0x%lx\n" :
		"  firmware   type %u, 0x%lx, pages %lu, attributes 0x%lx\n";
	const struct memory_map *map = &boot_memory.map;

	for (size_t i = 0; i < map->entry_count; i++) {
		struct map_entry entry = firmware_map_entry(&map->raw, i);

		if (names(&entry, phys))
			sink_print(call->out, format, entry.type, entry.start,
				   entry.bytes / PAGE_SIZE, entry.attributes);
	}
}

/* Prints a power of two with its unit. */
static void print_size(struct sink *out, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	for (; bytes >= 1024 && unit + 1 < ARRAY_LENGTH(units); unit++)
		bytes /= 1024;
	sink_print(out, "%lu %s\n", bytes, units[unit]);
}

static void print_answer(const struct command_call *call,
			 const struct answer *answer)
{
	if (call->records) {
		sink_print(call->out,
			   "@whois phys=0x%lx region=%s owner=%s node=%s "
			   "state=%s piece=%lu leaf=%lu\n", answer->phys.raw,
			   answer->region, answer->owner, answer->node,
			   answer->state,
			   answer->unit_bytes, answer->leaf_bytes);
		return;
	}
	sink_print(call->out, "0x%lx\n  region     %s\n  owner      %s\n"
			      "  node       %s\n", answer->phys.raw,
		   answer->region, answer->owner, answer->node);
	sink_print(call->out, "  pool       ");
	if (answer->unit_bytes != 0) {
		sink_print(call->out, "%s, part of ", answer->state);
		print_size(call->out, answer->unit_bytes);
	} else {
		sink_print(call->out, "none has it\n");
	}
	sink_print(call->out, "  mapped     ");
	if (answer->leaf_bytes != 0) {
		sink_print(call->out, "0x%lx, in a leaf of ",
			   direct_map(answer->phys).raw);
		print_size(call->out, answer->leaf_bytes);
	} else {
		sink_print(call->out, "not directly\n");
	}
}

enum status command_whois(const struct command_call *call)
{
	struct answer answer;
	paddr_t phys;

	if (call->count == 1)
		return command_refuse_at(call, 1);
	if (number_from_hex(call->words[1], &phys.raw) != ST_OK)
		return command_refuse(call, "no hexadecimal number",
				      call->words[1]);
	if (phys.raw >= PHYSICAL_LIMIT) {
		log_line(LOG_ERROR, "whois: beyond all memory phys=0x%lx "
				    "limit=0x%lx", phys.raw, PHYSICAL_LIMIT);
		return ST_BAD_RANGE;
	}
	find_answer(&answer, phys);
	print_answer(call, &answer);
	print_descriptors(call, phys);
	return ST_OK;
}
