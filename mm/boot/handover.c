// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The order of the steps matters: each one reads only memory that the steps
 * before it have made safe to read. The checksum comes first, so the later
 * clauses are about a wrong loader, not about overwritten memory. Then come
 * the numbers in the structure itself, then the owned runs, which bound all
 * other pointers.
 */
#include <boot/handover.h>

#include <base/assert.h>
#include <base/bits.h>
#include <base/crc32.h>
#include <base/string.h>
#include <boot/layout.h>

#define DIRECT_MAP_FRAMES (DIRECT_MAP_BYTES / PAGE_SIZE)

/* H2: the size of the longest list of the largest items fits. */
_Static_assert((uint64_t)HANDOVER_ITEMS_LIMIT *
	       sizeof(struct handover_module) < DIRECT_MAP_BYTES, "H2");
_Static_assert(HANDOVER_TEXT_LIMIT < DIRECT_MAP_BYTES, "H2");
_Static_assert(offsetof(struct handover, checksum) +
	       sizeof(((struct handover *)0)->checksum) <=
	       sizeof(struct handover), "the sum covers both sides");

struct view {
	const struct handover *handover;
	uint64_t window_offset;
};

/* Memory that must be owned, and the clause for when it is not. */
struct kept_memory {
	paddr_t start;
	uint64_t bytes;
	const char *not_owned;
};

uint32_t handover_checksum(const struct handover *handover)
{
	static const uint8_t zeros[sizeof(handover->checksum)];
	const unsigned char *bytes = (const unsigned char *)handover;
	size_t before = offsetof(struct handover, checksum);
	size_t after = before + sizeof(zeros);
	uint32_t sum = crc32(0, bytes, before);

	sum = crc32(sum, zeros, sizeof(zeros));
	return crc32(sum, bytes + after, sizeof(*handover) - after);
}

static const void *read_at(const struct view *view, paddr_t address)
{
	return (const void *)(uintptr_t)(address.raw + view->window_offset);
}

static bool fits_direct_map(paddr_t start, uint64_t bytes)
{
	return start.raw >= PAGE_SIZE && start.raw <= DIRECT_MAP_BYTES &&
	       bytes <= DIRECT_MAP_BYTES - start.raw;
}

static uint64_t array_bytes(const struct handover_array *array)
{
	return (uint64_t)array->count * array->item_bytes;
}

/* --- steps: NULL, or the clause ------------------------------------------- */

static const char *wrong_identity(const struct view *view)
{
	const struct handover *handover = view->handover;

	if (handover->magic != HANDOVER_MAGIC)
		return "it has no magic number";
	if (handover->version != HANDOVER_VERSION)
		return "its version is not this kernel's";
	if (handover->bytes != sizeof(*handover))
		return "its size is not its version's";
	if (handover->checksum != handover_checksum(handover))
		return "its checksum is wrong";
	if (handover->direct_map_base.raw != DIRECT_MAP_OFFSET)
		return "its direct map is not where this kernel's is";
	return NULL;
}

static const char *wrong_arrays(const struct view *view)
{
	const struct handover *handover = view->handover;
	const struct {
		const struct handover_array *array;
		size_t item_bytes;
	} arrays[] = {
		/* A region: start, end, kind. */
		{ &handover->regions, 3 * sizeof(uint64_t) },
		{ &handover->free_list, sizeof(struct frame_run) },
		{ &handover->owned, sizeof(struct owned_run) },
		{ &handover->modules, sizeof(struct handover_module) },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(arrays); i++) {
		const struct handover_array *array = arrays[i].array;

		if (array->item_bytes != arrays[i].item_bytes)
			return "an array has items of another size";
		if (array->count > HANDOVER_ITEMS_LIMIT)
			return "an array has too many items";
		if (array->count == 0)
			continue;
		if (!is_aligned(array->address.raw, sizeof(uint64_t)) ||
		    !fits_direct_map(array->address, array_bytes(array)))
			return "an array lies outside the direct map";
	}
	return NULL;
}

static const char *wrong_texts(const struct view *view)
{
	const struct handover *handover = view->handover;
	const struct {
		paddr_t start;
		uint64_t bytes;
	} texts[] = {
		{ handover->raw_map, handover->raw_map_bytes },
		{ handover->options, handover->options_bytes },
		{ handover->log, handover->log_bytes },
		{ handover->crash_log, handover->crash_log_bytes },
		{ handover->root_table, PAGE_SIZE },
		{ handover->boot_stack, STACK_BYTES },
	};

	if (handover->raw_map_stride < HANDOVER_STRIDE_MIN ||
	    handover->raw_map_stride > HANDOVER_STRIDE_LIMIT)
		return "the firmware map has an impossible stride";
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		if (texts[i].bytes > HANDOVER_TEXT_LIMIT)
			return "a map or text is too long";
		if (texts[i].bytes > 0 &&
		    !fits_direct_map(texts[i].start, texts[i].bytes))
			return "a map or text lies outside the direct map";
	}
	if (!is_aligned(handover->root_table.raw, PAGE_SIZE) ||
	    !is_aligned(handover->boot_stack.raw, PAGE_SIZE))
		return "the root table or the stack is not on a page";
	return NULL;
}

static const char *wrong_segments(const struct view *view)
{
	const unsigned known = SEGMENT_READ | SEGMENT_WRITE | SEGMENT_EXECUTE;
	uint64_t end_before = KERNEL_BASE;

	for (size_t i = 0; i < ARRAY_LENGTH(view->handover->segments); i++) {
		const struct handover_segment *segment =
			&view->handover->segments[i];

		if (!is_aligned(segment->virt.raw, PAGE_SIZE) ||
		    !is_aligned(segment->phys.raw, PAGE_SIZE) ||
		    !is_aligned(segment->bytes, PAGE_SIZE) ||
		    segment->bytes == 0 ||
		    segment->used_bytes > segment->bytes)
			return "a kernel segment is not whole pages";
		if (segment->virt.raw < KERNEL_BASE ||
		    segment->virt.raw > KERNEL_END ||
		    segment->bytes > KERNEL_END - segment->virt.raw)
			return "a kernel segment lies outside the kernel area";
		if (segment->virt.raw < end_before)
			return "kernel segments do not ascend";
		if (!fits_direct_map(segment->phys, segment->bytes))
			return "a kernel segment lies in no memory";
		if ((segment->rights & ~known) != 0 ||
		    (segment->rights & SEGMENT_READ) == 0)
			return "a kernel segment has unknown rights";
		if ((segment->rights & SEGMENT_WRITE) != 0 &&
		    (segment->rights & SEGMENT_EXECUTE) != 0)
			return "a kernel segment is writable and executable";
		end_before = segment->virt.raw + segment->bytes;
	}
	return NULL;
}

/* True when [first..first + frames) begins at `*end` or later; moves `*end`. */
static bool run_follows(pfn_t first, uint64_t frames, uint64_t *end)
{
	if (frames == 0 || first.raw < *end || first.raw > DIRECT_MAP_FRAMES ||
	    frames > DIRECT_MAP_FRAMES - first.raw)
		return false;
	*end = first.raw + frames;
	return true;
}

static const char *wrong_owned(const struct view *view)
{
	const struct handover_array *list = &view->handover->owned;
	const struct owned_run *run = read_at(view, list->address);
	uint64_t end = 0;

	for (uint32_t i = 0; i < list->count; i++, run++) {
		if (!run_follows(run->first, run->frames, &end))
			return "owned runs do not ascend or are empty";
		if (run->owner >= OWNER_COUNT)
			return "an owned run has an unknown owner";
	}
	return NULL;
}

static bool is_owned(const struct view *view, paddr_t start, uint64_t bytes)
{
	const struct handover_array *list = &view->handover->owned;
	const struct owned_run *run = read_at(view, list->address);
	uint64_t first = start.raw / PAGE_SIZE;
	uint64_t last = (start.raw + bytes - 1) / PAGE_SIZE;

	if (bytes == 0)
		return true;
	/* H2: checked by an earlier step. */
	ASSERT(fits_direct_map(start, bytes));
	for (uint32_t i = 0; i < list->count; i++, run++)
		if (first >= run->first.raw &&
		    last < run->first.raw + run->frames)
			return true;
	return false;
}

/* Checks H6: later steps follow only pointers into owned runs. */
static const char *wrong_places(const struct view *view)
{
	const struct handover *handover = view->handover;
	const struct handover_segment *segments = handover->segments;
	const struct kept_memory kept[] = {
		{ handover->owned.address, array_bytes(&handover->owned),
		  "the owned list is not owned" },
		{ handover->regions.address, array_bytes(&handover->regions),
		  "the region list is not owned" },
		{ handover->free_list.address,
		  array_bytes(&handover->free_list),
		  "the free list is not owned" },
		{ handover->modules.address, array_bytes(&handover->modules),
		  "the module list is not owned" },
		{ handover->raw_map, handover->raw_map_bytes,
		  "the firmware map is not owned" },
		/* With the NUL at its end. */
		{ handover->options,
		  handover->options_bytes == 0 ? 0
					       : handover->options_bytes + 1,
		  "the option text is not owned" },
		{ handover->log, handover->log_bytes,
		  "the loader's log is not owned" },
		{ handover->crash_log, handover->crash_log_bytes,
		  "the crash log is not owned" },
		{ handover->root_table, PAGE_SIZE,
		  "the root table is not owned" },
		{ handover->boot_stack, STACK_BYTES,
		  "the boot stack is not owned" },
		/* Pages after the used bytes may be allocated again. */
		{ segments[0].phys, segments[0].used_bytes,
		  "a kernel segment is not owned" },
		{ segments[1].phys, segments[1].used_bytes,
		  "a kernel segment is not owned" },
		{ segments[2].phys, segments[2].used_bytes,
		  "a kernel segment is not owned" },
	};

	_Static_assert(ARRAY_LENGTH(view->handover->segments) == 3,
		       "H6: each segment stands in the list");
	for (size_t i = 0; i < ARRAY_LENGTH(kept); i++)
		if (!is_owned(view, kept[i].start, kept[i].bytes))
			return kept[i].not_owned;
	return NULL;
}

static const char *wrong_free_list(const struct view *view)
{
	const struct handover_array *list = &view->handover->free_list;
	const struct frame_run *run = read_at(view, list->address);
	uint64_t end = 0;

	for (uint32_t i = 0; i < list->count; i++, run++)
		if (!run_follows(run->first, run->frames, &end))
			return "free runs do not ascend or are empty";
	return NULL;
}

/* Both lists ascend: the run that ends first overlaps no later one. */
static const char *wrong_sharing(const struct view *view)
{
	const struct handover *handover = view->handover;
	const struct frame_run *free = read_at(view,
					       handover->free_list.address);
	const struct owned_run *owned = read_at(view, handover->owned.address);
	uint32_t free_left = handover->free_list.count;
	uint32_t owned_left = handover->owned.count;

	while (free_left > 0 && owned_left > 0) {
		if (free->first.raw + free->frames <= owned->first.raw) {
			free++;
			free_left--;
		} else if (owned->first.raw + owned->frames <=
			   free->first.raw) {
			owned++;
			owned_left--;
		} else {
			return "a page is both free and owned";
		}
	}
	return NULL;
}

static const char *wrong_endings(const struct view *view)
{
	const struct handover *handover = view->handover;
	const struct handover_module *module =
		read_at(view, handover->modules.address);

	for (uint32_t i = 0; i < handover->modules.count; i++, module++) {
		if (module->name[sizeof(module->name) - 1] != '\0')
			return "a module's name has no end";
		if (!fits_direct_map(module->phys, module->bytes))
			return "a module lies outside the direct map";
		if (!is_owned(view, module->phys, module->bytes))
			return "a module is not owned";
	}
	if (handover->options_bytes > 0 &&
	    ((const char *)read_at(view, handover->options))
		    [handover->options_bytes] != '\0')
		return "the option text has no end";
	return NULL;
}

const char *handover_refusal(const struct handover *handover,
			     uint64_t window_offset)
{
	static const char *(*const steps[])(const struct view *view) = {
		wrong_identity, wrong_arrays, wrong_texts, wrong_segments,
		wrong_owned, wrong_places, wrong_free_list, wrong_sharing,
		wrong_endings,
	};
	struct view view = { handover, window_offset };

	for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
		const char *why = steps[i](&view);

		if (why != NULL)
			return why;
	}
	return "";
}
