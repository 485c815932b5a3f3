// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The memory services: rows with the true map, the allocations, and a key that
 * changes with each allocation.
 *
 * A page of a backed range is accessible in the loader's process exactly while
 * it is allocated, and contains random bytes at first. Rows outside these
 * ranges are only in the map; their pages must never be accessed, even if the
 * row is free.
 */
#define _GNU_SOURCE
#include "fake_firmware.h"

#include <base/string.h>
#include <mm/region.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

#define GARBAGE		0xd7
#define GARBAGE_PAGES	64
#define ROWS_LEFT	64
/* A request of this size stalls some firmware. */
#define LARGE_PAGES	(16 * MIB / PAGE_SIZE)
#define ROWS_USUAL	700

extern void __asan_get_shadow_mapping(size_t *scale, size_t *offset)
	__attribute__((weak));

struct backed_range {
	uint64_t start, end;
	bool is_device;
};

static const struct backed_range backed[] = {
	{ BACKED_LOW, BACKED_LOW_END, false },
	{ BACKED_MAIN, BACKED_MAIN_END, false },
	{ BACKED_HIGH, BACKED_HIGH_END, false },
	{ LAPIC_BASE, LAPIC_BASE + PAGE_SIZE, true },
	{ SCREEN_BASE, SCREEN_BASE + SCREEN_BYTES, true },
};
#define BACKED_COUNT (sizeof(backed) / sizeof(backed[0]))

/* --- rows -----------------------------------------------------------------*/

static uint64_t row_end(const struct fake_row *row)
{
	return row->start + row->pages * PAGE_SIZE;
}

static void row_insert(struct fake_row *rows, size_t *count, size_t at,
		       struct fake_row row)
{
	if (*count == FAKE_ROWS_MAX) {
		fprintf(stderr, "fake_pages: more rows than there is room\n");
		abort();
	}
	memmove(rows + at + 1, rows + at, (*count - at) * sizeof(row));
	rows[at] = row;
	++*count;
}

void fake_row_add(struct fake_row *rows, size_t *count, struct fake_row row)
{
	row_insert(rows, count, *count, row);
}

/* The row that holds all of [start..start + pages), or `count`. */
static size_t row_index(const struct fake_row *rows, size_t count,
			uint64_t start, uint64_t pages)
{
	for (size_t i = 0; i < count; i++)
		if (start >= rows[i].start && start < row_end(&rows[i]) &&
		    pages <= (row_end(&rows[i]) - start) / PAGE_SIZE)
			return i;
	return count;
}

void fake_row_carve(struct fake_row *rows, size_t *count, struct fake_row row)
{
	size_t i = row_index(rows, *count, row.start, row.pages);
	struct fake_row head, tail;

	if (i == *count) {
		fprintf(stderr, "fake_pages: nothing to carve at %#lx\n",
			(unsigned long)row.start);
		abort();
	}
	head = tail = rows[i];
	head.pages = (row.start - head.start) / PAGE_SIZE;
	tail.pages = (row_end(&tail) - row_end(&row)) / PAGE_SIZE;
	tail.start = row_end(&row);
	rows[i] = row;
	if (tail.pages > 0)
		row_insert(rows, count, i + 1, tail);
	if (head.pages > 0)
		row_insert(rows, count, i, head);
}

static bool rows_join(struct fake_row *left, const struct fake_row *right)
{
	if (row_end(left) != right->start || left->type != right->type ||
	    left->attributes != right->attributes ||
	    left->lendable != right->lendable)
		return false;
	left->pages += right->pages;
	return true;
}

/* Merges rows around the freed pages at `near`, as firmware does. */
static void rows_merge(struct fake_row *rows, size_t *count, size_t near)
{
	size_t first = near > 0 ? near - 1 : 0;

	for (size_t i = first; i < first + 3 && i + 1 < *count;) {
		if (!rows_join(&rows[i], &rows[i + 1])) {
			i++;
			continue;
		}
		--*count;
		memmove(rows + i + 1, rows + i + 2,
			(*count - i - 1) * sizeof(*rows));
	}
}

/* Changes the type of [start..start + pages); the rest of its row stays. */
static void retype(uint64_t start, uint64_t pages, uint32_t type)
{
	struct fake_row *rows = fake_run->rows;
	size_t i = row_index(rows, fake_run->row_count, start, pages);
	struct fake_row row = rows[i];

	row.start = start;
	row.pages = pages;
	row.type = type;
	fake_row_carve(rows, &fake_run->row_count, row);
	rows_merge(rows, &fake_run->row_count, i);
	fake_run->key++;
}

void fake_pages_grow(unsigned rows)
{
	for (unsigned i = 0; i < rows; i++) {
		uint64_t start = GROWTH_START +
				 (2 * fake_run->growth++ + 1) * PAGE_SIZE;

		/* The rows are used up. */
		if (fake_run->row_count + ROWS_LEFT > FAKE_ROWS_MAX)
			return;
		retype(start, 1, fake_pc->memory.grow_type);
	}
}

/* --- real memory ----------------------------------------------------------*/

static void *map_at(uint64_t start, uint64_t bytes, int protection, int flags)
{
	void *got = mmap((void *)start, bytes, protection,
			 flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (got != (void *)start) {
		fprintf(stderr, "fake_pages: cannot map %#lx\n",
			(unsigned long)start);
		abort();
	}
	return got;
}

/*
 * Between 2 GiB and 16 TiB lies ASan's own memory, with a gap that it
 * protects, shadow of the gap included: the range takes some of both.
 */
static void map_backed(const struct backed_range *range)
{
	size_t scale, offset;
	uint64_t shadow, shadow_end;
	bool in_gap = range->start >= 2 * GIB && __asan_get_shadow_mapping;

	if (in_gap) {
		__asan_get_shadow_mapping(&scale, &offset);
		shadow = ((range->start >> scale) + offset) & ~PAGE_MASK;
		shadow_end = ((range->end >> scale) + offset + PAGE_MASK) &
			     ~PAGE_MASK;
		map_at(shadow, shadow_end - shadow, PROT_READ,
		       MAP_PRIVATE | MAP_FIXED);
	}
	map_at(range->start, range->end - range->start,
	       PROT_READ | PROT_WRITE,
	       MAP_SHARED | (in_gap ? MAP_FIXED : MAP_FIXED_NOREPLACE));
}

void fake_pages_map(void)
{
	for (size_t i = 0; i < BACKED_COUNT; i++)
		map_backed(&backed[i]);
}

static bool is_real(uint64_t start, uint64_t bytes)
{
	for (size_t i = 0; i < BACKED_COUNT; i++)
		if (start >= backed[i].start && start < backed[i].end &&
		    bytes <= backed[i].end - start)
			return true;
	return false;
}

static void protect(uint64_t start, uint64_t bytes, int protection)
{
	if (is_real(start, bytes) &&
	    mprotect((void *)start, bytes, protection) != 0)
		abort();
}

/* ASan's own functions cannot access this range. */
static bool is_in_gap(const void *at)
{
	return (uint64_t)at >= 2 * GIB && is_real((uint64_t)at, 1);
}

void *fake_copy(void *to, const void *from, size_t bytes)
{
	void *end = to;

	if (!is_in_gap(to))
		return (memcpy)(to, from, bytes);
	__asm__ volatile("rep movsb"
			 : "+D"(end), "+S"(from), "+c"(bytes)
			 :
			 : "memory");
	return to;
}

void *fake_fill(void *to, int value, size_t bytes)
{
	void *end = to;

	if (!is_in_gap(to))
		return (memset)(to, value, bytes);
	__asm__ volatile("rep stosb"
			 : "+D"(end), "+c"(bytes)
			 : "a"(value)
			 : "memory");
	return to;
}

/* --- allocations -----------------------------------------------------------*/

static uint64_t alloc_end(const struct fake_alloc *alloc)
{
	return alloc->start + alloc->pages * PAGE_SIZE;
}

struct fake_alloc *fake_alloc_at(uint64_t address)
{
	for (size_t i = 0; i < fake_run->alloc_count; i++) {
		struct fake_alloc *alloc = &fake_run->allocs[i];

		if (address >= alloc->start && address < alloc_end(alloc))
			return alloc;
	}
	return NULL;
}

bool fake_pages_are_allocated(const void *start, uint64_t bytes)
{
	const struct fake_alloc *alloc = fake_alloc_at((uint64_t)start);

	return alloc != NULL && bytes <= alloc_end(alloc) - (uint64_t)start;
}

static void alloc_add(struct fake_alloc alloc)
{
	if (fake_run->alloc_count == FAKE_ALLOCS_MAX) {
		fake_violation("more allocations than the loader needs");
		fake_end(ENDED_CRASHED);
	}
	fake_run->allocs[fake_run->alloc_count++] = alloc;
}

/* Fills a small allocation, or both ends of a large one, where errors show. */
static void fill_with_garbage(const struct fake_alloc *alloc)
{
	uint64_t pages = alloc->pages < GARBAGE_PAGES ? alloc->pages :
						       GARBAGE_PAGES;

	fake_fill((void *)alloc->start, GARBAGE, pages * PAGE_SIZE);
	fake_fill((void *)(alloc_end(alloc) - pages * PAGE_SIZE), GARBAGE,
		  pages * PAGE_SIZE);
}

static void add_pages(struct fake_alloc alloc)
{
	alloc_add(alloc);
	retype(alloc.start, alloc.pages, alloc.type);
	if (!is_real(alloc.start, alloc.pages * PAGE_SIZE))
		return;
	protect(alloc.start, alloc.pages * PAGE_SIZE, PROT_READ | PROT_WRITE);
	if (!fake_pc->memory.warm)
		fill_with_garbage(&alloc);
}

/* Sets the address of the pages in this row; false when they do not fit. */
static bool place_in(const struct fake_row *row, uint64_t pages,
		     uint64_t last_byte, uint64_t *out)
{
	uint64_t end = row_end(row);

	if (row->type != EfiConventionalMemory || !row->lendable)
		return false;
	if (end - 1 > last_byte)
		end = (last_byte + 1) & ~PAGE_MASK;
	if (end <= row->start || (end - row->start) / PAGE_SIZE < pages)
		return false;
	*out = fake_pc->memory.lowest_first ? row->start :
					      end - pages * PAGE_SIZE;
	return true;
}

static bool find_place(uint64_t pages, uint64_t last_byte, uint64_t *out)
{
	bool found = false;
	uint64_t place;

	for (size_t i = 0; i < fake_run->row_count; i++) {
		if (!place_in(&fake_run->rows[i], pages, last_byte, &place))
			continue;
		if (!found || (place < *out) == fake_pc->memory.lowest_first)
			*out = place;
		found = true;
	}
	return found;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how,
					EFI_MEMORY_TYPE type, UINTN pages,
					EFI_PHYSICAL_ADDRESS *memory)
{
	uint64_t last_byte = how == AllocateMaxAddress ? *memory : UINT64_MAX;
	EFI_STATUS status;
	uint64_t place;

	if (fake_service(SERVICE_ALLOCATE_PAGES, &status))
		return status;
	if (how != AllocateAnyPages && how != AllocateMaxAddress)
		fake_violation("AllocatePages at an address");
	if (type != EfiLoaderData && type != EfiLoaderCode)
		fake_violation("AllocatePages of type %u", (unsigned)type);
	if (pages == 0 ||
	    (pages > LARGE_PAGES && fake_run->row_count < ROWS_USUAL &&
	     !fake_pc->memory.bears_large))
		fake_violation("AllocatePages of %lu pages",
			       (unsigned long)pages);
	if (pages == 0)
		return EFI_INVALID_PARAMETER;
	if (!find_place(pages, last_byte, &place))
		return EFI_OUT_OF_RESOURCES;
	add_pages((struct fake_alloc){ .start = place, .pages = pages,
				 .type = type });
	*memory = place;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS start, UINTN pages)
{
	struct fake_alloc *alloc = fake_alloc_at(start);
	struct fake_alloc head, tail;
	EFI_STATUS status;

	if (fake_service(SERVICE_FREE_PAGES, &status))
		return status;
	if ((start & PAGE_MASK) != 0 || pages == 0 || alloc == NULL ||
	    pages > (alloc_end(alloc) - start) / PAGE_SIZE) {
		fake_violation("FreePages of no allocation: %lu at %#lx",
			       (unsigned long)pages, (unsigned long)start);
		return EFI_NOT_FOUND;
	}
	if (alloc->read_only)
		fake_violation("FreePages of a read-only page");
	head = tail = *alloc;
	head.pages = (start - head.start) / PAGE_SIZE;
	tail.start = start + pages * PAGE_SIZE;
	tail.pages -= head.pages + pages;
	*alloc = fake_run->allocs[--fake_run->alloc_count];
	if (head.pages > 0)
		alloc_add(head);
	if (tail.pages > 0)
		alloc_add(tail);
	retype(start, pages, EfiConventionalMemory);
	protect(start, pages * PAGE_SIZE, PROT_NONE);
	return EFI_SUCCESS;
}

/* EFI_MEMORY_ATTRIBUTE_PROTOCOL on a page that is allocated. */
EFI_STATUS fake_pages_protect(uint64_t start, uint64_t bytes)
{
	const struct fake_alloc *alloc = fake_alloc_at(start);

	if (alloc == NULL || bytes > alloc_end(alloc) - start) {
		fake_violation("attributes of a page that is not ours");
		return EFI_INVALID_PARAMETER;
	}
	protect(start, bytes,
		PROT_READ | (alloc->read_only ? 0 : PROT_WRITE));
	return EFI_SUCCESS;
}

/* --- the map --------------------------------------------------------------*/

/* As it lies in memory, UEFI 2.10 section 7.2. */
struct descriptor {
	uint32_t type, padding;
	uint64_t start, virtual_start, pages, attributes;
};
_Static_assert(sizeof(struct descriptor) == FIRMWARE_DESCRIPTOR_BYTES, "UEFI");

static void put_row(size_t place, const struct fake_row *row)
{
	struct descriptor descriptor = {
		.type = row->type,
		.padding = 0xdeadbeef,
		.start = row->start,
		.virtual_start = 0x1234567812345678,
		.pages = row->pages,
		.attributes = row->attributes,
	};
	UINTN stride = fake_pc->memory.stride;
	unsigned char *at = fake_run->map + place * stride;

	memset(at, GARBAGE, stride);
	memcpy(at, &descriptor, sizeof(descriptor));
}

static void swap_rows(size_t a, size_t b)
{
	UINTN stride = fake_pc->memory.stride;
	unsigned char kept[256];

	memcpy(kept, fake_run->map + a * stride, stride);
	memmove(fake_run->map + a * stride, fake_run->map + b * stride,
		stride);
	memcpy(fake_run->map + b * stride, kept, stride);
}

static void compose_map(void)
{
	const struct fake_memory *memory = &fake_pc->memory;
	bool lies = fake_run->calls[SERVICE_GET_MAP] >= memory->lies_from;
	size_t count = fake_run->row_count + (lies ? memory->lie_count : 0);
	uint64_t prng = 0x2545f4914f6cdd1d + fake_run->key;

	for (size_t i = 0; i < count; i++)
		put_row(i, i < fake_run->row_count ? &fake_run->rows[i] :
			&memory->lies[i - fake_run->row_count]);
	for (size_t i = 0; memory->order == ORDER_REVERSED && i < count / 2;
	     i++)
		swap_rows(i, count - 1 - i);
	for (size_t i = 1; memory->order == ORDER_SHUFFLED && i < count; i++)
		swap_rows(i, check_random(&prng) % (i + 1));
	fake_run->map_bytes = count * memory->stride;
}

static EFI_STATUS EFIAPI get_memory_map(UINTN *bytes,
					EFI_MEMORY_DESCRIPTOR *map,
					UINTN *key, UINTN *stride,
					UINT32 *version)
{
	const struct fake_memory *memory = &fake_pc->memory;
	EFI_STATUS status;
	UINTN room = *bytes;

	if (fake_service(SERVICE_GET_MAP, &status))
		return status;
	if (memory->grow_from != 0 &&
	    fake_run->calls[SERVICE_GET_MAP] >= memory->grow_from)
		fake_pages_grow(memory->grow_rows);
	compose_map();
	*bytes = fake_run->map_bytes;
	*stride = memory->stride;
	*version = 1;
	if (room < fake_run->map_bytes)
		return EFI_BUFFER_TOO_SMALL;
	if (room > 0 && !fake_pages_are_allocated(map, room))
		fake_violation("GetMemoryMap into memory that is not ours");
	if (room > 0)
		fake_copy(map, fake_run->map, fake_run->map_bytes);
	*key = fake_run->key;
	return EFI_SUCCESS;
}

void fake_pages_services(EFI_BOOT_SERVICES *boot)
{
	boot->AllocatePages = allocate_pages;
	boot->FreePages = free_pages;
	boot->GetMemoryMap = get_memory_map;
}

void fake_pages_start(void)
{
	const struct fake_memory *memory = &fake_pc->memory;

	fake_run->row_count = memory->row_count;
	memcpy(fake_run->rows, memory->rows,
	       memory->row_count * sizeof(memory->rows[0]));
	fake_run->key = 1;
	for (size_t i = 0; i < BACKED_COUNT; i++)
		if (!backed[i].is_device)
			protect(backed[i].start,
				backed[i].end - backed[i].start, PROT_NONE);
}
