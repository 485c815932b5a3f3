// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Builds the list of owners from the list of kinds, without losing a page.
 *
 * mm/region has the kind of each region, and one kind for all memory that may
 * never be used. The ledger has the owner of that memory too, and it is
 * complete: it also has the pages to which region gives no kind although the
 * firmware names them, those at the edges of a usable entry that is not page
 * aligned, and those of a usable entry with an impossible range.
 *
 * If both computed kinds from the entries, they could disagree after a change
 * of one of them. So the region list is the input of a sweep, each region a
 * range with its kind as rank. Two sets of ranges are added: below the kinds,
 * every entry with the pages that it names; above them, entries that give the
 * reason why memory is kept. The latter lie only where region has KEEP, so
 * they refine it and change nothing else. The largest rank in each gap is the
 * owner.
 *
 * Every entry is in the sweep with all pages that it names, so (L4) holds by
 * construction. Its check (ledger_named_pages) counts by sorting ranges and
 * uses neither ranks nor regions.
 *
 * A later change of owner is a splice: the runs that it touches and their two
 * neighbours are replaced by new runs, joined where equal. The new runs are
 * computed first and copied last, so a refusal changes nothing.
 *
 * No step handles single pages: a run of 16 TiB costs as much as one of 4 KiB.
 */
#include <mm/ledger.h>

#include <base/assert.h>
#include <base/bits.h>
#include <base/sort.h>
#include <base/string.h>
#include <mm/sweep.h>

#define FRAME_LIMIT (PHYSICAL_LIMIT >> PAGE_SHIFT)

/* From mildest to strictest; the kinds keep region's own order. */
enum {
	RANK_NAMED,			/* an entry names it                 */
	RANK_REGION,			/* + enum region_kind                */
	RANK_FIRMWARE = RANK_REGION + REGION_KIND_COUNT,
	RANK_MMIO,
	RANK_COUNT,
};
_Static_assert(RANK_COUNT <= SWEEP_RANKS, "one bit a rank");
_Static_assert(OWNER_COUNT <= 32, "sets of owners are 32 bits");

#define BIT(owner)	(1U << (owner))
#define USABLE_OWNERS	(BIT(OWNER_FREE) | BIT(OWNER_LOW) |		\
			 BIT(OWNER_BOOT_RECLAIMABLE))

/* No map has more entries; up to this number no size can overflow. */
#define ENTRIES_MAX	(SIZE_MAX >> 16)

static const enum owner owner_of_rank[RANK_COUNT] = {
	[RANK_NAMED] = OWNER_RESERVED,
	[RANK_REGION + REGION_FREE] = OWNER_FREE,
	[RANK_REGION + REGION_LOW] = OWNER_LOW,
	[RANK_REGION + REGION_LATER] = OWNER_BOOT_RECLAIMABLE,
	[RANK_REGION + REGION_MMIO] = OWNER_MMIO,
	[RANK_REGION + REGION_ACPI] = OWNER_ACPI,
	[RANK_REGION + REGION_PERSISTENT] = OWNER_PERSISTENT,
	[RANK_REGION + REGION_UNACCEPTED] = OWNER_UNACCEPTED,
	[RANK_REGION + REGION_BAD] = OWNER_BAD,
	[RANK_REGION + REGION_KEEP] = OWNER_RESERVED,
	[RANK_FIRMWARE] = OWNER_FIRMWARE,
	[RANK_MMIO] = OWNER_MMIO,
};

static uint64_t run_end(const struct ledger_run *run)
{
	return run->first.raw + run->frames;
}

/* --- build: regions and entries into one sweep ----------------------------*/

/* The reason why an entry's pages are kept, or RANK_NAMED without one. */
static uint64_t entry_rank(const struct map_entry *entry)
{
	switch (entry->type) {
	case EFI_TYPE_MMIO:
	case EFI_TYPE_MMIO_PORT:
		return RANK_MMIO;
	case EFI_TYPE_RUNTIME_CODE:
	case EFI_TYPE_RUNTIME_DATA:
	case EFI_TYPE_ACPI_NVS:
		return RANK_FIRMWARE;
	default:
		return entry->attributes & EFI_ATTRIBUTE_RUNTIME ?
			RANK_FIRMWARE : RANK_NAMED;
	}
}

static size_t region_bytes(size_t entries)
{
	return region_list_capacity(entries) * sizeof(struct region);
}

/* One range for each region and one for each entry. */
static size_t range_count(size_t entries)
{
	return region_list_capacity(entries) + entries;
}

/* The regions come first, then region's scratch, later the sweep's. */
size_t ledger_scratch_bytes(size_t entries)
{
	size_t ranges;

	if (entries > ENTRIES_MAX)
		return SIZE_MAX;
	ranges = range_count(entries);
	return region_bytes(entries) +
	       max_u64(region_scratch_bytes(entries),
		       ranges * sizeof(struct sweep_range) +
			       sweep_scratch_bytes(ranges));
}

size_t ledger_capacity(size_t entries, size_t owned)
{
	/*
	 * A run begins at an edge of an entry, as named or as rounded inward,
	 * at an edge of a bad range, or where a rule of mm/region begins (64
	 * KiB, 1 MiB, the limit). An owned run cuts one run into three.
	 */
	return 4 * entries + 3 + 2 * BAD_RANGES + 2 * owned;
}

static enum status append_gap(void *context, const struct sweep_gap *gap)
{
	struct ledger *ledger = context;
	unsigned rank = 31 - __builtin_clz(gap->covering);
	enum owner owner = owner_of_rank[rank];
	struct ledger_run run = {
		paddr_to_pfn((paddr_t){ gap->start }),
		(gap->end - gap->start) >> PAGE_SHIFT,
		owner,
	};
	struct ledger_run *last = NULL;

	if (ledger->count > 0)
		last = &ledger->runs[ledger->count - 1];
	if (last != NULL && last->owner == owner &&
	    run_end(last) == run.first.raw) {
		last->frames += run.frames;
		return ST_OK;
	}
	if (ledger->count == ledger->capacity)
		return ST_FULL;
	ledger->runs[ledger->count++] = run;
	return ST_OK;
}

/*
 * Regions are in order and entries nearly so. Merged by their starts, they
 * leave the sort nearly nothing to move.
 */
static size_t fill_ranges(struct sweep_range *ranges,
			  const struct region_list *regions,
			  const struct ledger_request *request)
{
	const struct region *region = regions->items;
	const struct region *end = region + regions->count;
	size_t used = 0;

	for (size_t i = 0; i <= request->count; i++) {
		const struct map_entry *entry = &request->entries[i];
		bool is_last = i == request->count;
		struct range named;

		for (; region < end && (is_last || region->start.raw <=
						   entry->start); region++)
			ranges[used++] = (struct sweep_range){
				region->start.raw, region->end.raw,
				RANK_REGION + region->kind };
		if (!is_last && map_entry_named_range(entry, &named) == ST_OK)
			ranges[used++] = (struct sweep_range){
				named.start, named.end, entry_rank(entry) };
	}
	return used;
}

static enum status build_from_map(struct ledger *ledger,
				  const struct ledger_request *request)
{
	size_t region_part = region_bytes(request->count);
	size_t range_part =
		range_count(request->count) * sizeof(struct sweep_range);
	char *rest = (char *)request->scratch + region_part;
	struct region_list regions = {
		.items = request->scratch,
		.capacity = region_list_capacity(request->count),
	};
	struct region_request ask = {
		.entries = request->entries,
		.count = request->count,
		.usable_limit = request->usable_limit,
		.bad = request->bad,
		.bad_count = request->bad_count,
		.scratch = rest,
		.scratch_bytes = request->scratch_bytes - region_part,
	};
	struct sweep_request sweep = {
		.ranges = (struct sweep_range *)rest,
		.scratch = rest + range_part,
		.scratch_bytes = ask.scratch_bytes - range_part,
	};
	enum status status = region_list_build(&regions, &ask);

	if (status != ST_OK)
		return status;
	sweep.count =
		fill_ranges((struct sweep_range *)rest, &regions, request);
	return sweep_walk(&sweep, append_gap, ledger);
}

/* --- change: splice runs --------------------------------------------------*/

/* The index of the run that holds `frame`, or `count` when none does. */
static size_t index_of(const struct ledger *ledger, pfn_t frame)
{
	size_t low = 0, high = ledger->count;

	/* Runs below `low` end at or before `frame`, from `high` on later. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (run_end(&ledger->runs[middle]) <= frame.raw)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < ledger->count && ledger->runs[low].first.raw <= frame.raw)
		return low;
	return ledger->count;
}

/* runs[from..to) are to be replaced by parts[0..count). */
struct splice {
	size_t from, to;
	struct ledger_run parts[5];	/* neighbour, rest, new, rest, n.    */
	size_t count;
};

static void splice_add(struct splice *splice, struct ledger_run run)
{
	struct ledger_run *last = NULL;

	if (run.frames == 0)
		return;
	if (splice->count > 0)
		last = &splice->parts[splice->count - 1];
	if (last != NULL && last->owner == run.owner &&
	    run_end(last) == run.first.raw) {
		last->frames += run.frames;
		return;
	}
	ASSERT(splice->count < ARRAY_LENGTH(splice->parts));
	splice->parts[splice->count++] = run;
}

/* `new` lies in the adjacent runs `first` to `last`. */
static struct splice splice_compose(const struct ledger *ledger, size_t first,
				    size_t last, struct ledger_run new)
{
	const struct ledger_run *runs = ledger->runs;
	struct ledger_run head = runs[first], tail = runs[last];
	struct splice splice = { .from = first, .to = last + 1 };

	head.frames = new.first.raw - head.first.raw;
	tail.frames = run_end(&tail) - run_end(&new);
	tail.first.raw = run_end(&new);
	if (splice.from > 0)
		splice_add(&splice, runs[--splice.from]);
	splice_add(&splice, head);
	splice_add(&splice, new);
	splice_add(&splice, tail);
	if (splice.to < ledger->count)
		splice_add(&splice, runs[splice.to++]);
	return splice;
}

static enum status splice_commit(struct ledger *ledger,
				 const struct splice *splice)
{
	struct ledger_run *place = ledger->runs + splice->from;
	size_t behind = ledger->count - splice->to;
	size_t count = splice->from + splice->count + behind;

	ASSERT(splice->from < splice->to && splice->to <= ledger->count);
	if (count > ledger->capacity)
		return ST_FULL;
	memmove(place + splice->count, ledger->runs + splice->to,
		behind * sizeof(*place));
	memcpy(place, splice->parts, splice->count * sizeof(*place));
	ledger->count = count;
	return ST_OK;
}

/* Gives `new` its owner, if owners in `from` have all of it now. */
static enum status assign(struct ledger *ledger, struct ledger_run new,
			  uint32_t from)
{
	const struct ledger_run *runs = ledger->runs;
	size_t first = index_of(ledger, new.first);
	size_t last = first;
	uint64_t reached = new.first.raw;
	struct splice splice;
	uint64_t end;

	if (new.frames == 0 ||
	    add_overflows(new.first.raw, new.frames, &end) ||
	    end > FRAME_LIMIT)
		return ST_BAD_RANGE;
	for (;; last++) {
		if (last == ledger->count || runs[last].first.raw > reached ||
		    (BIT(runs[last].owner) & from) == 0)
			return ST_CONFLICT;
		reached = run_end(&runs[last]);
		if (reached >= end)
			break;
	}
	splice = splice_compose(ledger, first, last, new);
	return splice_commit(ledger, &splice);
}

static enum status lay_owned(struct ledger *ledger,
			     const struct ledger_request *request)
{
	for (size_t i = 0; i < request->owned_count; i++) {
		const struct owned_run *owned = &request->owned[i];
		struct ledger_run run = {
			owned->first, owned->frames, owned->owner,
		};
		enum status status;

		if (owned->owner >= OWNER_COUNT)
			return ST_BAD_ARGUMENT;
		status = assign(ledger, run, USABLE_OWNERS);
		if (status != ST_OK)
			return status;
	}
	return ST_OK;
}

/* --- public ---------------------------------------------------------------*/

enum status ledger_build(struct ledger *ledger,
			 const struct ledger_request *request)
{
	enum status status;

	ASSERT(is_aligned((uintptr_t)request->scratch, sizeof(uint64_t)));
	ledger->count = 0;
	if (request->scratch_bytes < ledger_scratch_bytes(request->count))
		return ST_FULL;
	status = build_from_map(ledger, request);
	if (status == ST_OK)
		status = lay_owned(ledger, request);
	if (status != ST_OK)
		ledger->count = 0;
	return status;
}

enum status ledger_move(struct ledger *ledger, struct frame_run run,
			enum owner from, enum owner to)
{
	struct ledger_run new = { run.first, run.frames, to };

	ASSERT(from < OWNER_COUNT && to < OWNER_COUNT);
	return assign(ledger, new, BIT(from));
}

uint64_t ledger_pages(const struct ledger *ledger, enum owner owner)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < ledger->count; i++)
		if (ledger->runs[i].owner == owner)
			pages += ledger->runs[i].frames;
	return pages;
}

uint64_t ledger_total(const struct ledger *ledger)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < ledger->count; i++)
		pages += ledger->runs[i].frames;
	return pages;
}

enum status ledger_find(const struct ledger *ledger, pfn_t frame,
			enum owner *out)
{
	size_t index = index_of(ledger, frame);

	if (index == ledger->count)
		return ST_NOT_FOUND;
	*out = (enum owner)ledger->runs[index].owner;
	return ST_OK;
}

enum status ledger_find_owned(const struct ledger *ledger, enum owner owner,
			      pfn_t from, struct frame_run *out)
{
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_run *run = &ledger->runs[i];
		uint64_t first = max_u64(run->first.raw, from.raw);

		if (run->owner != owner || run_end(run) <= first)
			continue;
		*out = (struct frame_run){ { first }, run_end(run) - first };
		return ST_OK;
	}
	return ST_NOT_FOUND;
}

static bool named_before(const void *a, const void *b)
{
	return ((const struct range *)a)->start <
	       ((const struct range *)b)->start;
}

enum status ledger_named_pages(const struct map_entry *entries, size_t count,
			       void *scratch, size_t scratch_bytes,
			       uint64_t *out)
{
	struct range *ranges = scratch;
	uint64_t bytes = 0, reached = 0;
	size_t used = 0;

	if (scratch_bytes < ledger_scratch_bytes(count))
		return ST_FULL;
	ASSERT(is_aligned((uintptr_t)scratch, sizeof(uint64_t)));
	for (size_t i = 0; i < count; i++)
		used += map_entry_named_range(&entries[i], &ranges[used]) ==
			ST_OK;
	sort(ranges, used, sizeof(ranges[0]), named_before);
	for (size_t i = 0; i < used; i++) {
		uint64_t start = max_u64(ranges[i].start, reached);

		if (ranges[i].end <= start)
			continue;
		bytes += ranges[i].end - start;
		reached = ranges[i].end;
	}
	*out = bytes >> PAGE_SHIFT;
	return ST_OK;
}

enum owner ledger_byte_owner(uint8_t byte)
{
	if (byte < OWNER_COUNT)
		return (enum owner)byte;
	if (byte >= LEDGER_BYTE_SHARERS && byte < LEDGER_BYTE_SLAB)
		return OWNER_USER_ANON;
	if (byte >= LEDGER_BYTE_SLAB && byte < LEDGER_BYTE_FIXED)
		return OWNER_HEAP;
	if (byte >= LEDGER_BYTE_FIXED &&
	    byte < LEDGER_BYTE_FIXED + OWNER_COUNT)
		return (enum owner)(byte - LEDGER_BYTE_FIXED);
	if (byte >= LEDGER_BYTE_HOLDERS)
		return OWNER_PAGE_TABLE;
	return OWNER_RESERVED;
}

const char *owner_name(enum owner owner)
{
	static const char *const name[OWNER_COUNT] = {
#define ROW(constant, text) [OWNER_##constant] = #text,
		OWNERS(ROW)
#undef ROW
	};

	ASSERT(owner < OWNER_COUNT);
	return name[owner];
}

bool ledger_audit(const struct ledger *ledger)
{
	if (ledger->count > ledger->capacity)
		return false;
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_run *run = &ledger->runs[i];
		const struct ledger_run *before = i > 0 ? run - 1 : NULL;

		if (run->frames == 0 || run->owner >= OWNER_COUNT ||
		    run->first.raw >= FRAME_LIMIT ||
		    run->frames > FRAME_LIMIT - run->first.raw)
			return false;
		if (before == NULL)
			continue;
		if (run->first.raw < run_end(before))
			return false;
		if (run->first.raw == run_end(before) &&
		    run->owner == before->owner)
			return false;
	}
	return true;
}
