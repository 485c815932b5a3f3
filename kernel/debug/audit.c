// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The audit uses no result of the code that built the tables: it walks them as
 * the processor would and checks for each leaf the area that it lies in, the
 * rights that the area allows, and the owners of its physical pages. Then it
 * checks the reverse: every page of RAM is in the direct map.
 */
#include "audit.h"

#include <arch/instructions.h>
#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>
#include <mm/kernel_tables.h>

#include <kernel/arch/window.h>
#include <kernel/boot/boot_info.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/log/log.h>
#include <kernel/memory/page_counts.h>
#include <kernel/memory/pages.h>

#define FINDINGS_SHOWN 20

struct audit {
	enum audit_phase phase;
	unsigned findings;
	uint64_t direct_bytes;		/* seen in the direct map            */
	uint64_t kernel_bytes;
	uint64_t low_bytes;
	bool switch_page_seen;
};

static void found(struct audit *audit, const struct table_leaf *leaf,
		  const char *what)
{
	if (audit->findings++ < FINDINGS_SHOWN)
		log_line(LOG_ERROR,
			 "audit: finding what=\"%s\" virt=0x%lx phys=0x%lx "
			 "bytes=0x%lx rights=%u", what, leaf->virt.raw,
			 leaf->phys.raw, leaf->bytes, leaf->rights);
}

static bool has_no_execute(void)
{
	return boot_info.handover->cpu.features & CPU_NX;
}

/* True when the ledger names `owner` for every page of the leaf. */
static bool is_owned(const struct table_leaf *leaf, uint64_t bytes,
		     enum owner owner)
{
	pfn_t frame = paddr_to_pfn(leaf->phys);
	uint64_t end = frame.raw + bytes / PAGE_SIZE;
	struct frame_run run;

	/* Before the pools exist, one run of the ledger has all pages. */
	if (bytes > PAGE_SIZE &&
	    ledger_find_owned(&boot_memory.ledger, owner, frame, &run) ==
		    ST_OK &&
	    run.first.raw == frame.raw && run.frames >= end - frame.raw)
		return true;
	for (; frame.raw < end; frame.raw++) {
		enum owner now;

		if (memory_owner_of(frame, &now) != ST_OK || now != owner)
			return false;
	}
	return true;
}

/* Bytes of [start..end) that the direct map should have. */
static uint64_t mappable_bytes(uint64_t start, uint64_t end)
{
	const struct region_list *list = &boot_memory.map.regions;
	unsigned bits = boot_info.handover->cpu.physical_bits;
	uint64_t bytes = 0;

	for (size_t i = region_list_find(list, (paddr_t){ start });
	     i < list->count && list->items[i].start.raw < end; i++) {
		const struct region *region = &list->items[i];
		uint64_t from = max_u64(start, region->start.raw);
		uint64_t to = min_u64(end, region->start.raw +
					   tables_direct_bytes(region, bits));

		if (from < to)
			bytes += to - from;
	}
	return bytes;
}

/* The segment whose physical pages hold `phys`, or NULL. */
static const struct handover_segment *segment_of_phys(uint64_t phys)
{
	const struct handover *handover = boot_info.handover;

	for (size_t i = 0; i < ARRAY_LENGTH(handover->segments); i++) {
		const struct handover_segment *segment =
			&handover->segments[i];

		if (phys - segment->phys.raw < segment->bytes)
			return segment;
	}
	return NULL;
}

/* Bytes of [start..end) that text and rodata occupy. */
static uint64_t read_only_bytes(uint64_t start, uint64_t end)
{
	const struct handover *handover = boot_info.handover;
	uint64_t bytes = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(handover->segments); i++) {
		const struct handover_segment *segment =
			&handover->segments[i];
		uint64_t from = max_u64(start, segment->phys.raw);
		uint64_t to = min_u64(end, segment->phys.raw + segment->bytes);

		if ((segment->rights & SEGMENT_WRITE) == 0 && from < to)
			bytes += to - from;
	}
	return bytes;
}

/* `leaf` is one leaf, or a row of leaves of `leaf_bytes` taken as one. */
static void check_direct(struct audit *audit, const struct table_leaf *leaf,
			 uint64_t leaf_bytes)
{
	uint64_t end = leaf->phys.raw + leaf->bytes;
	uint64_t read_only = read_only_bytes(leaf->phys.raw, end);

	if (leaf->virt.raw != direct_map(leaf->phys).raw)
		found(audit, leaf, "direct map is not phys + offset");
	if (mappable_bytes(leaf->phys.raw, end) != leaf->bytes)
		found(audit, leaf, "direct map beyond RAM and ACPI");
	if (leaf->rights & TABLE_EXECUTE)
		found(audit, leaf, "direct map executable");
	if ((leaf->rights & TABLE_WRITE) && read_only != 0)
		found(audit, leaf, "text or rodata writable");
	if ((leaf->rights & TABLE_WRITE) == 0 && read_only != leaf->bytes)
		found(audit, leaf, "RAM read-only");
	if (leaf->phys.raw < SIZE_2M && leaf_bytes != PAGE_SIZE)
		found(audit, leaf, "large page in the first 2 MiB");
	audit->direct_bytes += leaf->bytes;
}

/* The pages after the data were freed. */
static uint64_t kept_of_segment(const struct handover_segment *segment,
				const struct table_leaf *leaf)
{
	uint64_t used = align_up(segment->used_bytes, PAGE_SIZE);
	uint64_t at = leaf->phys.raw - segment->phys.raw;

	if ((segment->rights & SEGMENT_WRITE) == 0)
		return leaf->bytes;
	return at < used ? min_u64(leaf->bytes, used - at) : 0;
}

static void check_kernel(struct audit *audit, const struct table_leaf *leaf)
{
	const struct handover_segment *segment =
		segment_of_phys(leaf->phys.raw);
	unsigned wanted = 0;

	if (segment == NULL ||
	    leaf->virt.raw - segment->virt.raw !=
		    leaf->phys.raw - segment->phys.raw ||
	    leaf->virt.raw - segment->virt.raw >= segment->bytes) {
		found(audit, leaf, "kernel area maps what is no segment");
		return;
	}
	if (segment->rights & SEGMENT_WRITE)
		wanted |= TABLE_WRITE;
	if ((segment->rights & SEGMENT_EXECUTE) && has_no_execute())
		wanted |= TABLE_EXECUTE;
	if ((leaf->rights & (TABLE_WRITE | TABLE_EXECUTE)) != wanted)
		found(audit, leaf, "segment with wrong rights");
	if (!is_owned(leaf, kept_of_segment(segment, leaf),
		      OWNER_KERNEL_IMAGE))
		found(audit, leaf, "segment in pages of another owner");
	audit->kernel_bytes += leaf->bytes;
}

/* Stacks: only their own pages inside a slot, the guards stay unmapped. */
static void check_stack(struct audit *audit, const struct table_leaf *leaf)
{
	uint64_t in_slot = (leaf->virt.raw - STACKS_START) % STACK_SLOT_BYTES;

	if (leaf->bytes != PAGE_SIZE)
		found(audit, leaf, "stack in a large page");
	if (in_slot < STACK_SLOT_BYTES - PAGE_SIZE - STACK_BYTES ||
	    in_slot >= STACK_SLOT_BYTES - PAGE_SIZE)
		found(audit, leaf, "guard page of a stack is mapped");
	if (leaf->rights & TABLE_EXECUTE)
		found(audit, leaf, "stack executable");
	if (!is_owned(leaf, leaf->bytes, OWNER_STACK))
		found(audit, leaf, "stack in pages of another owner");
}

/* Empty at entry; later devices and the fixmap, never the gaps between. */
static void check_slot(struct audit *audit, const struct table_leaf *leaf)
{
	uint64_t virt = leaf->virt.raw;
	bool is_fixmap = virt >= FIXMAP_SLOT &&
			 virt < FIXMAP_SLOT + FIXMAP_SLOT_BYTES;
	bool is_screen = virt < FRAMEBUFFER_SLOT + FRAMEBUFFER_SLOT_BYTES;
	bool is_lapic = virt == LAPIC_SLOT && leaf->bytes == PAGE_SIZE;

	if (audit->phase == AUDIT_AT_ENTRY ||
	    (!is_fixmap && !is_screen && !is_lapic))
		found(audit, leaf, "a mapping in an unused slot");
	if (is_lapic && leaf->cache != CACHE_UNCACHED)
		found(audit, leaf, "local APIC cached");
	if (leaf->rights & TABLE_EXECUTE)
		found(audit, leaf, "slot executable");
	if ((is_screen || is_lapic) &&
	    mappable_bytes(leaf->phys.raw, leaf->phys.raw + leaf->bytes) != 0)
		found(audit, leaf, "screen or local APIC in our own RAM");
}

static void check_identity(struct audit *audit, const struct table_leaf *leaf)
{
	bool is_switch = leaf->phys.raw == boot_info.handover->switch_page.raw;

	if (audit->phase != AUDIT_AT_ENTRY)
		found(audit, leaf, "lower half is not empty");
	else if (leaf->virt.raw != leaf->phys.raw || leaf->bytes != PAGE_SIZE)
		found(audit, leaf, "identity map is not identity");
	else if (is_switch && (leaf->rights & TABLE_WRITE))
		found(audit, leaf, "switch page writable");
	else if (!is_switch && (leaf->rights & TABLE_EXECUTE))
		found(audit, leaf, "low memory executable");
	if (is_switch)
		audit->switch_page_seen = true;
	else
		audit->low_bytes += leaf->bytes;
}

static void check_everywhere(struct audit *audit,
			     const struct table_leaf *leaf)
{
	bool is_device = leaf->virt.raw >= SLOTS_START &&
			 leaf->virt.raw < STACKS_START;

	if (leaf->rights & TABLE_USER)
		found(audit, leaf, "user bit");
	if ((leaf->rights & TABLE_WRITE) && (leaf->rights & TABLE_EXECUTE))
		found(audit, leaf, "writable and executable");
	if (!is_device && leaf->cache != CACHE_WRITE_BACK)
		found(audit, leaf, "RAM not write-back");
}

static void check_meta(struct audit *audit, const struct table_leaf *leaf)
{
	if (leaf->rights & TABLE_EXECUTE)
		found(audit, leaf, "frame metadata executable");
	if (!is_owned(leaf, leaf->bytes, OWNER_FRAME_META))
		found(audit, leaf, "frame metadata on another owner's frame");
}

static void check_leaf(struct audit *audit, const struct table_leaf *leaf)
{
	uint64_t virt = leaf->virt.raw;

	check_everywhere(audit, leaf);
	if (virt < DIRECT_MAP_OFFSET)
		check_identity(audit, leaf);
	else if (virt >= KERNEL_BASE && virt < KERNEL_END)
		check_kernel(audit, leaf);
	else if (virt >= STACKS_START && virt < STACKS_END)
		check_stack(audit, leaf);
	else if (virt >= SLOTS_START && virt < STACKS_START)
		check_slot(audit, leaf);
	else if (virt >= FRAME_META_START && virt < FRAME_META_END)
		check_meta(audit, leaf);
	else
		found(audit, leaf, "leaf outside every area");
}

/* Without NX in the processor a leaf cannot forbid execution. */
static void forget_execute_without_nx(struct table_leaf *leaf)
{
	if (!has_no_execute())
		leaf->rights &= ~(unsigned)TABLE_EXECUTE;
}

/* No table page maps parts of the direct map and of another area. */
_Static_assert(DIRECT_MAP_OFFSET % (512 * GIB) == 0 &&
	       DIRECT_MAP_END % (512 * GIB) == 0, "whole entries of the root");

static bool is_direct(const struct table_leaf *leaf)
{
	return leaf->virt.raw >= DIRECT_MAP_OFFSET &&
	       leaf->virt.raw < DIRECT_MAP_END;
}

/*
 * A property that holds for each of two adjacent leaves in the direct map
 * holds for both together. So rows are checked as one: a few checks per
 * terabyte.
 */
static bool visit_row(void *context, const struct table_row *row)
{
	struct audit *audit = context;
	struct table_leaf leaf = row->first;

	forget_execute_without_nx(&leaf);
	if (is_direct(&leaf)) {
		leaf.bytes *= row->leaves;
		check_everywhere(audit, &leaf);
		check_direct(audit, &leaf, row->first.bytes);
		return true;
	}
	for (uint64_t i = 0; i < row->leaves; i++) {
		check_leaf(audit, &leaf);
		leaf.virt.raw += leaf.bytes;
		leaf.phys.raw += leaf.bytes;
	}
	return true;
}

static void missing(struct audit *audit, const char *what, uint64_t seen,
		    uint64_t wanted)
{
	if (seen == wanted)
		return;
	audit->findings++;
	log_line(LOG_ERROR, "audit: finding what=\"%s\" seen=0x%lx "
			    "wanted=0x%lx", what, seen, wanted);
}

unsigned audit_tables(enum audit_phase phase)
{
	struct audit audit = { .phase = phase };
	uint64_t kernel_bytes = 0, low_bytes = 0;

	table_visit_rows(&boot_memory.table, visit_row, &audit);
	for (size_t i = 0; i < ARRAY_LENGTH(boot_info.handover->segments); i++)
		kernel_bytes += boot_info.handover->segments[i].bytes;
	missing(&audit, "direct map whole", audit.direct_bytes,
		mappable_bytes(0, PHYSICAL_LIMIT));
	missing(&audit, "kernel image whole", audit.kernel_bytes,
		kernel_bytes);
	if (phase == AUDIT_AT_ENTRY) {
		low_bytes = boot_memory.map.regions.totals.pages[REGION_LOW] *
			    PAGE_SIZE;
		missing(&audit, "low identity map whole", audit.low_bytes,
			low_bytes);
		missing(&audit, "switch page there", audit.switch_page_seen,
			true);
	}
	missing(&audit, "root is ours", READ_CONTROL(3) & ~PAGE_MASK,
		boot_memory.table.root.raw << PAGE_SHIFT);
	/* At entry table_adopt has just checked every entry. */
	if (phase == AUDIT_RUNNING && !table_audit(&boot_memory.table))
		missing(&audit, "table invariants", 0, 1);
	return audit.findings;
}

static bool next_free_region(const struct region_list *list, size_t *index,
			     struct region *out)
{
	while (*index < list->count &&
	       list->items[*index].kind != REGION_FREE)
		(*index)++;
	if (*index == list->count)
		return false;
	*out = list->items[(*index)++];
	return true;
}

static void check_free_list(struct audit *audit)
{
	const struct region_list *list = &boot_memory.map.regions;
	struct handover_array free_list = boot_info.handover->free_list;
	const struct frame_run *runs = paddr_to_pointer(free_list.address);
	size_t index = 0;
	struct region region;

	for (uint32_t i = 0; i < free_list.count; i++) {
		if (!next_free_region(list, &index, &region)) {
			missing(audit, "free list longer than the regions",
				free_list.count, i);
			return;
		}
		missing(audit, "free run starts", runs[i].first.raw,
			paddr_to_pfn(region.start).raw);
		missing(audit, "free run ends",
			runs[i].first.raw + runs[i].frames,
			paddr_to_pfn(region.end).raw);
	}
	if (next_free_region(list, &index, &region))
		missing(audit, "free list shorter than the regions", 0, 1);
}

unsigned audit_memory(void)
{
	struct audit audit = { 0 };
	const struct handover_array *theirs = &boot_info.handover->regions;
	const struct region_list *ours = &boot_memory.map.regions;

	missing(&audit, "regions counted", theirs->count, ours->count);
	if (theirs->count == ours->count &&
	    memcmp(paddr_to_pointer(theirs->address), ours->items,
		   ours->count * sizeof(struct region)) != 0)
		missing(&audit, "regions agree", 0, 1);
	if (!region_list_audit(ours))
		missing(&audit, "region invariants", 0, 1);
	check_free_list(&audit);
	return audit.findings + audit_ledger();
}

unsigned audit_ledger(void)
{
	struct audit audit = { 0 };
	uint64_t pages[OWNER_COUNT];
	uint64_t named, owned = 0;

	if (!ledger_audit(&boot_memory.ledger))
		missing(&audit, "ledger invariants", 0, 1);
	if (!early_audit(&boot_memory.early))
		missing(&audit, "early invariants", 0, 1);
	if (memory_count_named_pages(&named) != ST_OK)
		missing(&audit, "named pages can be counted", 0, 1);
	else
		missing(&audit, "ledger covers what is named",
			ledger_total(&boot_memory.ledger), named);
	memory_count_owners(pages);
	for (enum owner owner = 0; owner < OWNER_COUNT; owner++)
		owned += pages[owner];
	missing(&audit, "owners cover what is named", owned,
		ledger_total(&boot_memory.ledger));
	return audit.findings;
}
