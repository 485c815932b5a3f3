// SPDX-License-Identifier: MIT OR Apache-2.0
/* memmap, ledger, meminfo: the regions, the owners, the totals. */
#include "command.h"

#include <base/bits.h>
#include <base/string.h>

#include <kernel/boot/boot_memory.h>
#include <kernel/log/log.h>
#include <kernel/memory/page_counts.h>

/* `bytes` in the unit that leaves 1 ... 4 digits before the point. */
static const char *readable(uint64_t bytes, char *text, size_t room)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	uint64_t tenths = bytes * 10;
	size_t unit = 0;

	if (bytes >= 1024 * TIB) {
		text_print(text, room, "%lu TiB", bytes / TIB);
		return text;
	}
	while (tenths >= 10240 && unit + 1 < ARRAY_LENGTH(units)) {
		tenths /= 1024;
		unit++;
	}
	text_print(text, room, "%lu.%lu %s", tenths / 10, tenths % 10,
		   units[unit]);
	return text;
}

static void print_raw(const struct command_call *call)
{
	const struct memory_map *map = &boot_memory.map;

	/* `bulldog regions` skips a line that begins so. */
	if (!call->records)
		sink_print(call->out, "# type, start, pages, attributes; the "
				      "type is decimal, the others hexadecimal"
				      "\n");
	for (size_t i = 0; i < map->entry_count; i++) {
		struct map_entry entry = firmware_map_entry(&map->raw, i);
		const char *format = call->records ?
			"@entry type=%u start=0x%lx pages=%lu "
			"attributes=0x%lx\n" : "%u %lx %lx %lx\n";

		sink_print(call->out, format, entry.type, entry.start,
			   entry.bytes / PAGE_SIZE, entry.attributes);
	}
}

enum status command_memmap(const struct command_call *call)
{
	const struct region_list *list = &boot_memory.map.regions;
	char size[16];

	if (call->count > 1 && strcmp(call->words[1], "raw") == 0) {
		print_raw(call);
		return ST_OK;
	}
	if (call->count > 1)
		return command_refuse_at(call, 1);
	if (call->records) {
		region_list_print_records(list, call->out);
		return ST_OK;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];

		sink_print(call->out, "[0x%012lx..0x%012lx)  %10s  %s\n",
			   region->start.raw, region->end.raw,
			   readable(region->end.raw - region->start.raw, size,
				    sizeof(size)),
			   region_kind_name(region->kind));
	}
	sink_print(call->out, "%lu firmware entries, %lu dropped, "
			      "%lu page%s lost\n", list->totals.entries,
		   list->totals.dropped_entries, list->totals.lost_pages,
		   plural(list->totals.lost_pages));
	return ST_OK;
}

enum status command_ledger(const struct command_call *call)
{
	uint64_t all[OWNER_COUNT];
	uint64_t owned = 0, named;
	enum status status = memory_count_named_pages(&named);
	char size[16];

	if (status != ST_OK)
		return status;
	memory_count_owners(all);
	for (enum owner owner = 0; owner < OWNER_COUNT; owner++) {
		uint64_t pages = all[owner];

		owned += pages;
		if (call->records)
			sink_print(call->out, "@ledger owner=%s pages=%lu\n",
				   owner_name(owner), pages);
		else if (pages > 0)
			sink_print(call->out, "%-16s %12lu page%-1s  %10s\n",
				   owner_name(owner), pages, plural(pages),
				   readable(pages * PAGE_SIZE, size,
					    sizeof(size)));
	}
	sink_print(call->out, "%snamed_pages=%lu owned_pages=%lu "
			      "difference=%ld\n",
		   call->records ? "@total " : "", named, owned,
		   (int64_t)(named - owned));
	return named == owned ? ST_OK : ST_CORRUPT;
}

struct run_summary {
	uint64_t runs, largest;
};

static bool summarise_run(void *context, struct frame_run run)
{
	struct run_summary *summary = context;

	summary->runs++;
	summary->largest = max_u64(summary->largest, run.frames);
	return true;
}

enum status command_meminfo(const struct command_call *call)
{
	struct run_summary summary = { 0 };
	uint64_t free_pages = memory_count_free_pages();
	struct memory_sums sums = memory_sum();
	char size[3][16];

	memory_visit_free(summarise_run, &summary);
	if (call->records) {
		sink_print(call->out,
			   "@meminfo usable_pages=%lu free_pages=%lu "
			   "kernel_pages=%lu runs=%lu "
			   "largest_run_pages=%lu reserved_pages=%lu "
			   "cached_pages=%lu\n",
			   sums.usable, free_pages, sums.kernel,
			   summary.runs, summary.largest, sums.reserved,
			   sums.cached);
		return ST_OK;
	}
	sink_print(call->out, "usable   %12lu pages  %10s\n", sums.usable,
		   readable(sums.usable * PAGE_SIZE, size[0],
			    sizeof(size[0])));
	sink_print(call->out, "free     %12lu page%-1s  %10s in %lu run%s, the "
			      "largest %s\n", free_pages, plural(free_pages),
		   readable(free_pages * PAGE_SIZE, size[1], sizeof(size[1])),
		   summary.runs, plural(summary.runs),
		   readable(summary.largest * PAGE_SIZE, size[2],
			    sizeof(size[2])));
	sink_print(call->out, "cached   %12lu page%-1s  %10s, free in the "
			      "CPUs' caches\n", sums.cached,
		   plural(sums.cached),
		   readable(sums.cached * PAGE_SIZE, size[1],
			    sizeof(size[1])));
	sink_print(call->out, "kernel   %12lu pages  %10s\n", sums.kernel,
		   readable(sums.kernel * PAGE_SIZE, size[0],
			    sizeof(size[0])));
	sink_print(call->out, "reserved %12lu pages  %10s, firmware and "
			      "devices\n", sums.reserved,
		   readable(sums.reserved * PAGE_SIZE, size[0],
			    sizeof(size[0])));
	return ST_OK;
}
