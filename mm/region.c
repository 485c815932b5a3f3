// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The kind that an entry claims depends on its type and attributes; for usable
 * memory the result depends on the address, too. To cut every entry where a
 * rule begins or ends would give up to four ranges for each. Instead the rules
 * are ranges of their own in the same sweep, with ranks above the kinds: in
 * every gap the set of covering ranks has the claims and the rules, and
 * kind_of_gap is a pure function of that set. Ranges that are taken out of use
 * (memmap=) are one more rule.
 *
 * The same walk counts lost pages. Each usable entry is in the sweep a second
 * time, with all pages that it names, before it was rounded inward or refused.
 * A gap that only this range covers, and no stricter entry, is lost.
 */
#include <mm/region.h>

#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <mm/sweep.h>

/* Ranks above the kinds; they never become a kind themselves. */
enum {
	RANK_NAMED_USABLE = REGION_KIND_COUNT,
	RANK_RULE_KEEP,		/* usable claims become REGION_KEEP here     */
	RANK_RULE_LOW,		/* usable claims become REGION_LOW here      */
	RANK_RULE_BAD,		/* all claims become REGION_BAD, or stricter */
	RANK_COUNT,
};
_Static_assert(RANK_COUNT <= SWEEP_RANKS, "one bit a rank");

#define BIT(rank)	(1U << (rank))
#define CLAIMS		(BIT(REGION_KIND_COUNT) - 1)
#define USABLE		(BIT(REGION_FREE) | BIT(REGION_LATER))
#define OURS		(USABLE | BIT(REGION_LOW))

/* Two ranges for each entry, three rules about addresses, bad ranges. */
#define RANGES_PER_ENTRY 2
#define RULE_RANGES	 3
#define OTHER_RANGES	 (RULE_RANGES + BAD_RANGES)

struct builder {
	struct region_list *out;
	uint64_t limit;		/* no usable memory from here on             */
	uint64_t lost_bytes;
	uint64_t beyond_bytes;
};

enum region_kind map_entry_kind(const struct map_entry *entry)
{
	uint64_t attributes = entry->attributes;

	if (attributes & (EFI_ATTRIBUTE_RUNTIME | EFI_ATTRIBUTE_SP))
		return REGION_KEEP;
	switch (entry->type) {
	case EFI_TYPE_LOADER_CODE:
	case EFI_TYPE_LOADER_DATA:
	case EFI_TYPE_BOOT_CODE:
	case EFI_TYPE_BOOT_DATA:
		return attributes & EFI_ATTRIBUTE_WB ? REGION_LATER
						     : REGION_KEEP;
	case EFI_TYPE_CONVENTIONAL:
		return attributes & EFI_ATTRIBUTE_WB ? REGION_FREE
						     : REGION_KEEP;
	case EFI_TYPE_ACPI_RECLAIM:
		return REGION_ACPI;
	case EFI_TYPE_PERSISTENT:
		return REGION_PERSISTENT;
	case EFI_TYPE_UNACCEPTED:
		return REGION_UNACCEPTED;
	default:
		return REGION_KEEP;
	}
}

size_t map_entries_of_acpi(struct map_entry *entries, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		struct map_entry entry = entries[i];
		enum region_kind kind = map_entry_kind(&entry);

		if (BIT(kind) & USABLE)
			continue;
		if (kind == REGION_ACPI)
			entry.type = EFI_TYPE_CONVENTIONAL;
		ASSERT(left <= i);
		entries[left++] = entry;
	}
	return left;
}

/* One past the last byte; anything that wraps runs past every address. */
static uint64_t entry_end(const struct map_entry *entry)
{
	uint64_t end;

	return add_overflows(entry->start, entry->bytes, &end) ? UINT64_MAX
							       : end;
}

enum status map_entry_named_range(const struct map_entry *entry,
				  struct range *out)
{
	/* Cut off first, so that rounding up cannot wrap. */
	uint64_t cut = min_u64(entry_end(entry), PHYSICAL_LIMIT);

	if (entry->bytes == 0 || entry->start >= PHYSICAL_LIMIT)
		return ST_BAD_RANGE;
	out->start = align_down(entry->start, PAGE_SIZE);
	out->end = align_up(cut, PAGE_SIZE);
	return ST_OK;
}

/* The whole pages of a usable entry; empty when its end is impossible. */
static struct sweep_range usable_claim(const struct map_entry *entry,
				       uint64_t kind)
{
	struct sweep_range claim = { .rank = kind };
	uint64_t end = entry_end(entry);

	if (end > PHYSICAL_LIMIT)
		return claim;
	claim.start = align_up(entry->start, PAGE_SIZE);
	claim.end = max_u64(align_down(end, PAGE_SIZE), claim.start);
	return claim;
}

static size_t add_entry(struct sweep_range *ranges,
			const struct map_entry *entry)
{
	enum region_kind kind = map_entry_kind(entry);
	struct range named;

	if (map_entry_named_range(entry, &named) != ST_OK)
		return 0;
	ranges[0] = (struct sweep_range){ named.start, named.end, kind };
	if ((BIT(kind) & USABLE) == 0)
		return 1;
	ranges[0].rank = RANK_NAMED_USABLE;
	ranges[1] = usable_claim(entry, kind);
	return 2;
}

static uint64_t limit_of(const struct region_request *request)
{
	uint64_t wanted = request->usable_limit;

	return wanted != 0 && wanted < USABLE_LIMIT ?
		       align_down(wanted, PAGE_SIZE) : USABLE_LIMIT;
}

/* In front of the entries: the sort then has nearly nothing to move. */
static size_t add_rules_below(struct sweep_range *ranges)
{
	ranges[0] = (struct sweep_range){ 0, LOW_START, RANK_RULE_KEEP };
	ranges[1] = (struct sweep_range){ LOW_START, LOW_END, RANK_RULE_LOW };
	return 2;
}

/* Behind them, for the same reason. */
static size_t add_rule_above(struct sweep_range *ranges, uint64_t limit)
{
	ranges[0] =
		(struct sweep_range){ limit, PHYSICAL_LIMIT, RANK_RULE_KEEP };
	return 1;
}

static enum status add_bad(struct sweep_range *ranges,
			   const struct region_request *request)
{
	if (request->bad_count > BAD_RANGES)
		return ST_BAD_ARGUMENT;
	for (size_t i = 0; i < request->bad_count; i++) {
		const struct range *bad = &request->bad[i];

		if (bad->start > bad->end || bad->end > PHYSICAL_LIMIT ||
		    !is_aligned(bad->start | bad->end, PAGE_SIZE))
			return ST_BAD_RANGE;
		ranges[i] = (struct sweep_range){ bad->start, bad->end,
						  RANK_RULE_BAD };
	}
	return ST_OK;
}

/* The kind of a gap, or REGION_KIND_COUNT when no entry claims it. */
static enum region_kind kind_of_gap(uint32_t covering)
{
	uint32_t claims = covering & CLAIMS;

	if (claims == 0)
		return REGION_KIND_COUNT;
	if ((claims & USABLE) != 0) {
		if (covering & BIT(RANK_RULE_KEEP))
			claims |= BIT(REGION_KEEP);
		else if (covering & BIT(RANK_RULE_LOW))
			claims = (claims & ~USABLE) | BIT(REGION_LOW);
	}
	if (covering & BIT(RANK_RULE_BAD))
		claims |= BIT(REGION_BAD);
	return (enum region_kind)(SWEEP_RANKS - 1 - __builtin_clz(claims));
}

static bool is_lost(uint32_t covering, enum region_kind kind)
{
	return (covering & BIT(RANK_NAMED_USABLE)) != 0 &&
	       (covering & CLAIMS & ~USABLE) == 0 &&
	       (BIT(kind) & (OURS | BIT(REGION_BAD))) == 0;
}

/* True when only the supported limit keeps it; mem= does not count. */
static bool is_beyond(const struct builder *builder,
		      const struct sweep_gap *gap)
{
	return builder->limit == USABLE_LIMIT && gap->start >= USABLE_LIMIT &&
	       (gap->covering & USABLE) != 0 &&
	       (gap->covering & CLAIMS & ~USABLE) == 0;
}

static enum status append(struct region_list *out, const struct sweep_gap *gap,
			  enum region_kind kind)
{
	struct region *last = out->count > 0 ? &out->items[out->count - 1]
					     : NULL;

	if (last != NULL && last->end.raw == gap->start && last->kind == kind) {
		last->end.raw = gap->end;
		return ST_OK;
	}
	if (out->count == out->capacity)
		return ST_FULL;
	out->items[out->count++] = (struct region){
		{ gap->start }, { gap->end }, kind
	};
	return ST_OK;
}

static enum status take_gap(void *context, const struct sweep_gap *gap)
{
	struct builder *builder = context;
	enum region_kind kind = kind_of_gap(gap->covering);

	if (is_lost(gap->covering, kind))
		builder->lost_bytes += gap->end - gap->start;
	if (is_beyond(builder, gap))
		builder->beyond_bytes += gap->end - gap->start;
	if (kind == REGION_KIND_COUNT)
		return ST_OK;
	return append(builder->out, gap, kind);
}

static void count_totals(struct region_list *list,
			 const struct region_request *request,
			 const struct builder *builder)
{
	struct region_totals *totals = &list->totals;

	totals->entries = request->count;
	totals->lost_pages = builder->lost_bytes >> PAGE_SHIFT;
	totals->beyond_pages = builder->beyond_bytes >> PAGE_SHIFT;
	for (size_t i = 0; i < request->count; i++)
		totals->dropped_entries += request->entries[i].bytes == 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];

		totals->pages[region->kind] +=
			(region->end.raw - region->start.raw) >> PAGE_SHIFT;
	}
}

/* Saturates: so much memory cannot be allocated. */
static size_t range_count(size_t entries)
{
	size_t count;

	if (__builtin_mul_overflow(entries, RANGES_PER_ENTRY, &count) ||
	    __builtin_add_overflow(count, OTHER_RANGES, &count))
		return SIZE_MAX;
	return count;
}

size_t region_list_capacity(size_t entries)
{
	/*
	 * A region begins at an edge of an entry or of a bad range, or where a
	 * rule begins; none begins at the last edge.
	 */
	return 2 * entries + RULE_RANGES - 1 + 2 * BAD_RANGES;
}

size_t region_scratch_bytes(size_t entries)
{
	size_t ranges = range_count(entries);
	size_t bytes;

	if (__builtin_mul_overflow(ranges, sizeof(struct sweep_range),
				   &bytes) ||
	    __builtin_add_overflow(bytes, sweep_scratch_bytes(ranges), &bytes))
		return SIZE_MAX;
	return bytes;
}

enum status region_list_build(struct region_list *out,
			      const struct region_request *request)
{
	struct builder builder = { .out = out, .limit = limit_of(request) };
	struct sweep_range *ranges = request->scratch;
	size_t ranges_bytes = range_count(request->count) * sizeof(ranges[0]);
	struct sweep_request sweep = { .ranges = ranges };
	enum status status;

	out->count = 0;
	out->totals = (struct region_totals){ .entries = 0 };
	if (request->scratch_bytes < region_scratch_bytes(request->count))
		return ST_FULL;
	ASSERT(is_aligned((uintptr_t)ranges, sizeof(uint64_t)));
	sweep.count = add_rules_below(ranges);
	for (size_t i = 0; i < request->count; i++)
		sweep.count +=
			add_entry(ranges + sweep.count, &request->entries[i]);
	sweep.count += add_rule_above(ranges + sweep.count, builder.limit);
	status = add_bad(ranges + sweep.count, request);
	if (status != ST_OK)
		return status;
	sweep.count += request->bad_count;
	sweep.scratch = (char *)request->scratch + ranges_bytes;
	sweep.scratch_bytes = request->scratch_bytes - ranges_bytes;
	status = sweep_walk(&sweep, take_gap, &builder);
	if (status != ST_OK) {
		out->count = 0;
		return status;
	}
	count_totals(out, request, &builder);
	return ST_OK;
}

size_t region_list_find(const struct region_list *list, paddr_t at)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (list->items[middle].end.raw > at.raw)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint64_t region_list_room(const struct region_list *list, paddr_t at)
{
	size_t found = region_list_find(list, at);
	uint64_t end = PHYSICAL_LIMIT;

	ASSERT(at.raw < PHYSICAL_LIMIT);
	if (found < list->count)
		end = list->items[found].start.raw > at.raw ?
			      list->items[found].start.raw :
			      list->items[found].end.raw;
	return end - at.raw;
}

const char *region_kind_name(enum region_kind kind)
{
	static const char *const name[REGION_KIND_COUNT] = {
		[REGION_FREE] = "free",
		[REGION_LOW] = "low",
		[REGION_LATER] = "later",
		[REGION_MMIO] = "mmio",
		[REGION_ACPI] = "acpi",
		[REGION_PERSISTENT] = "persistent",
		[REGION_UNACCEPTED] = "unaccepted",
		[REGION_BAD] = "bad",
		[REGION_KEEP] = "keep",
	};

	ASSERT(kind < REGION_KIND_COUNT);
	return name[kind];
}

void region_list_print_records(const struct region_list *list,
			       struct sink *sink)
{
	const struct region_totals *totals = &list->totals;
	const uint64_t *pages = totals->pages;

	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];

		sink_print(sink, "@region start=0x%lx end=0x%lx kind=%s\n",
			   region->start.raw, region->end.raw,
			   region_kind_name((enum region_kind)region->kind));
	}
	sink_print(sink,
		   "@total free_pages=%lu later_pages=%lu low_pages=%lu "
		   "acpi_pages=%lu persistent_pages=%lu unaccepted_pages=%lu "
		   "keep_pages=%lu entries=%lu dropped_entries=%lu "
		   "lost_pages=%lu\n",
		   pages[REGION_FREE], pages[REGION_LATER], pages[REGION_LOW],
		   pages[REGION_ACPI], pages[REGION_PERSISTENT],
		   pages[REGION_UNACCEPTED], pages[REGION_KEEP],
		   totals->entries, totals->dropped_entries,
		   totals->lost_pages);
}

/* EFI_MEMORY_DESCRIPTOR, UEFI 2.10 section 7.2. */
struct firmware_descriptor {
	uint32_t type, padding;
	uint64_t physical_start, virtual_start, pages, attributes;
};
_Static_assert(sizeof(struct firmware_descriptor) == FIRMWARE_DESCRIPTOR_BYTES,
	       "UEFI lays it out");

size_t firmware_map_count(const struct firmware_map *map)
{
	if (map->stride < FIRMWARE_DESCRIPTOR_BYTES)
		return 0;
	return map->bytes / map->stride;
}

struct map_entry firmware_map_entry(const struct firmware_map *map,
				    size_t index)
{
	const char *place = (const char *)map->data + index * map->stride;
	struct firmware_descriptor descriptor;
	uint64_t bytes;

	ASSERT(index < firmware_map_count(map));
	/* A stride need not keep the fields aligned. */
	memcpy(&descriptor, place, sizeof(descriptor));
	if (__builtin_mul_overflow(descriptor.pages, PAGE_SIZE, &bytes))
		bytes = UINT64_MAX;
	return (struct map_entry){
		.start = descriptor.physical_start,
		.bytes = bytes,
		.attributes = descriptor.attributes,
		.type = descriptor.type,
	};
}

bool region_list_audit(const struct region_list *list)
{
	if (list->count > list->capacity)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];
		const struct region *before = i > 0 ? region - 1 : NULL;

		if (region->start.raw >= region->end.raw ||
		    region->end.raw > PHYSICAL_LIMIT ||
		    region->kind >= REGION_KIND_COUNT)
			return false;
		if (!is_aligned(region->start.raw | region->end.raw, PAGE_SIZE))
			return false;
		if (before == NULL)
			continue;
		if (before->end.raw > region->start.raw)
			return false;
		if (before->end.raw == region->start.raw &&
		    before->kind == region->kind)
			return false;
	}
	return true;
}
