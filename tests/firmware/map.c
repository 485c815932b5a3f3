// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The memory map that the application gets. Each map is the real one of that
 * moment, so that allocated pages stay allocated, changed by the words, always
 * in the same way.
 *
 * A false map must not break the machine: no page is called usable unless it
 * is free or the application's. So invented restrictions lie over `plots`,
 * pages that are allocated from the real firmware and so hidden from every
 * program; all other changes are true statements in an odd form.
 * How much memory there is, is said by map_amount.c.
 *
 * words: reverse  shuffle=SEED  split=COUNT  duplicate  stride=BYTES
 *        nested       restrictions inside a conventional range
 *        overlap      types over one another, by halves and wholes
 *        zero         empty lines of every type
 *        wrap         lines that end beyond 2^52 or beyond 2^64
 *        unaligned    starts and ends inside of pages
 *        kinds        types that no standard knows, and the rare ones
 *        withheld     type 15, persistent, special purpose, not write-back
 *        far          reserved ranges at 1 TiB and at 2^50
 *        acpi_far     an ACPI range that no processor here can address
 *        acpi_endless an ACPI range of 8 TiB
 *        acpi_absent  ACPI ranges of 16 pages where no memory is
 *        acpi_low     ACPI ranges from page 0 on that are not write-back
 *        acpi_crumbs=N  N ACPI ranges of a page, and no other plots
 *        runtime0     runtime data in page 0
 *        no_low       nothing below 1 MiB but reserved pages
 *        claims=K     the application's own pages reserved, from answer K on
 *        restride=N   another stride, from the third answer on
 *        modest=N     N lines too few when asked how long the map is
 *        attributes   unknown bits in all, none at all in reserved ones
 *        grow=N       N more lines in each answer than in the one before
 *        holes=N      N more reserved pages, each in 2 MiB of its own
 *        until=N      grow and holes stop after N answers
 */
#include "map_lines.h"

#define REAL_MAP_PAGES	16
#define LINES_PAGES	((LINES_MAX * sizeof(struct line)) / PAGE_BYTES + 1)
#define PLOTS_MAX	512
#define PLOT_DISTANCE	(3 * MIB + 0x3000)
#define HOLE_DISTANCE	(2 * MIB)
#define BIG_ENOUGH	(32 * MIB)
#define UNKNOWN_BITS	(1ULL << 59 | 1ULL << 33)

enum plot_shape { PLOT_CARVED, PLOT_NESTED, PLOT_RAGGED };

struct plot {
	struct line line;
	enum plot_shape shape;
};

/* The invented restrictions of each word. */
struct invention {
	const BOOLEAN *wanted;
	UINT64 type, pages, attributes;
	enum plot_shape shape;
};

static struct {
	BOOLEAN reverse, duplicate, nested, overlap, zero, wrap, unaligned;
	BOOLEAN kinds, withheld, far, acpi_far, acpi_endless, acpi_low;
	BOOLEAN acpi_absent;
	BOOLEAN attributes, no_low, runtime0;
	UINT64 claims, restride, modest;
	UINT64 shuffle, split, stride, grow, holes, until, acpi_crumbs;
} wanted = { .until = 1000 };

static const struct {
	const char *name;
	BOOLEAN *flag;
	UINT64 *number;
} words[] = {
	{ "reverse", &wanted.reverse, NULL },
	{ "duplicate", &wanted.duplicate, NULL },
	{ "nested", &wanted.nested, NULL },
	{ "overlap", &wanted.overlap, NULL },
	{ "zero", &wanted.zero, NULL },
	{ "wrap", &wanted.wrap, NULL },
	{ "unaligned", &wanted.unaligned, NULL },
	{ "kinds", &wanted.kinds, NULL },
	{ "withheld", &wanted.withheld, NULL },
	{ "far", &wanted.far, NULL },
	{ "acpi_far", &wanted.acpi_far, NULL },
	{ "acpi_endless", &wanted.acpi_endless, NULL },
	{ "acpi_low", &wanted.acpi_low, NULL },
	{ "acpi_absent", &wanted.acpi_absent, NULL },
	{ "runtime0", &wanted.runtime0, NULL },
	{ "attributes", &wanted.attributes, NULL },
	{ "no_low", &wanted.no_low, NULL },
	{ "claims", NULL, &wanted.claims },
	{ "restride", NULL, &wanted.restride },
	{ "modest", NULL, &wanted.modest },
	{ "shuffle", NULL, &wanted.shuffle },
	{ "split", NULL, &wanted.split },
	{ "stride", NULL, &wanted.stride },
	{ "grow", NULL, &wanted.grow },
	{ "holes", NULL, &wanted.holes },
	{ "until", NULL, &wanted.until },
	{ "acpi_crumbs", NULL, &wanted.acpi_crumbs },
};

static const struct invention inventions[] = {
	{ &wanted.nested, EfiReservedMemoryType, 3, 0, PLOT_NESTED },
	{ &wanted.nested, EfiRuntimeServicesData, 1,
	  EFI_MEMORY_WB | EFI_MEMORY_RUNTIME, PLOT_NESTED },
	{ &wanted.nested, EfiACPIMemoryNVS, 2, EFI_MEMORY_WB, PLOT_NESTED },
	{ &wanted.nested, EfiMemoryMappedIO, 1, EFI_MEMORY_UC, PLOT_NESTED },
	{ &wanted.nested, EfiUnusableMemory, 513, EFI_MEMORY_WB, PLOT_NESTED },
	{ &wanted.nested, EfiACPIReclaimMemory, 1, EFI_MEMORY_WB,
	  PLOT_NESTED },
	{ &wanted.kinds, 0x70000001, 2, EFI_MEMORY_WB, PLOT_CARVED },
	{ &wanted.kinds, 0x80000000, 1, EFI_MEMORY_WB, PLOT_CARVED },
	{ &wanted.kinds, 0xffffffff, 5, EFI_MEMORY_WB, PLOT_CARVED },
	{ &wanted.kinds, 16, 1, EFI_MEMORY_WB, PLOT_CARVED },
	{ &wanted.kinds, EfiPalCode, 3, EFI_MEMORY_WB, PLOT_CARVED },
	{ &wanted.kinds, EfiMemoryMappedIOPortSpace, 4, EFI_MEMORY_UC,
	  PLOT_CARVED },
	{ &wanted.kinds, EfiUnusableMemory, 7, 0, PLOT_CARVED },
	{ &wanted.kinds, EfiACPIReclaimMemory, 600, EFI_MEMORY_WB,
	  PLOT_CARVED },
	{ &wanted.withheld, TYPE_UNACCEPTED, 515, EFI_MEMORY_WB,
	  PLOT_CARVED },
	{ &wanted.withheld, TYPE_PERSISTENT, 512, EFI_MEMORY_WB,
	  PLOT_CARVED },
	{ &wanted.withheld, EfiConventionalMemory, 520,
	  EFI_MEMORY_WB | ATTRIBUTE_SP, PLOT_CARVED },
	{ &wanted.withheld, EfiConventionalMemory, 9, EFI_MEMORY_UC,
	  PLOT_CARVED },
	{ &wanted.withheld, EfiBootServicesData, 3, EFI_MEMORY_WT,
	  PLOT_CARVED },
	{ &wanted.withheld, EfiConventionalMemory, 2,
	  EFI_MEMORY_WB | EFI_MEMORY_RUNTIME, PLOT_CARVED },
	{ &wanted.unaligned, EfiReservedMemoryType, 2, 0, PLOT_RAGGED },
	{ &wanted.unaligned, EfiConventionalMemory, 64, EFI_MEMORY_WB,
	  PLOT_RAGGED },
};

static struct {
	void *real_map;
	struct lines lines;
	struct plot plots[PLOTS_MAX];
	UINTN plot_count;
	UINTN first_hole;
	UINT64 answers;
	UINT32 checksum;
} state;

/* --- the real map --------------------------------------------------------- */

/* Reads the real map into state.lines; returns its key. */
static EFI_STATUS read_real(UINTN *key)
{
	UINTN bytes = REAL_MAP_PAGES * PAGE_BYTES, stride;
	UINT32 version;
	EFI_STATUS status;

	if (state.real_map == NULL) {
		state.lines.items = pages_of_our_own(LINES_PAGES);
		state.real_map = pages_of_our_own(REAL_MAP_PAGES);
	}
	status = BS->GetMemoryMap(&bytes, state.real_map, key, &stride,
				  &version);
	if (!EFI_ERROR(status))
		lines_read(&state.lines, state.real_map, bytes, stride);
	return status;
}

UINT64 map_allocated_pages(void)
{
	UINT64 pages = 0;
	UINTN key;

	must(read_real(&key), "NO_MAP");
	for (UINTN i = 0; i < state.lines.count; i++) {
		const struct line *line = &state.lines.items[i];

		if (line->type != EfiBootServicesCode &&
		    line->type != EfiBootServicesData &&
		    line->type != EfiConventionalMemory)
			pages += line->pages;
	}
	return pages;
}

UINT64 map_lowest_free(UINTN pages, UINT64 end)
{
	UINT64 lowest = NO_ADDRESS;
	UINTN key;

	must(read_real(&key), "NO_MAP");
	for (UINTN i = 0; i < state.lines.count; i++) {
		const struct line *line = &state.lines.items[i];

		if (line->type == EfiConventionalMemory &&
		    line->pages >= pages && line->start < lowest &&
		    line->start + pages * PAGE_BYTES <= end)
			lowest = line->start;
	}
	return lowest;
}

/* --- plots ---------------------------------------------------------------- */

/* The largest free line below or from 4 GiB on, NULL when it is small. */
static const struct line *largest_free(BOOLEAN high)
{
	const struct line *found = NULL;

	for (UINTN i = 0; i < state.lines.count; i++) {
		const struct line *line = &state.lines.items[i];

		if (line->type == EfiConventionalMemory &&
		    (line->start >= 4 * GIB) == high &&
		    line->pages * PAGE_BYTES >= BIG_ENOUGH &&
		    (found == NULL || line->pages > found->pages))
			found = line;
	}
	return found;
}

static EFI_STATUS take_plot(const struct plot *plot)
{
	EFI_PHYSICAL_ADDRESS at = plot->line.start;
	UINTN pages = plot->line.pages + 1;	/* a ragged one touches more */
	EFI_STATUS status;

	if (state.plot_count == PLOTS_MAX)
		leave("TOO_MANY_PLOTS", PLOTS_MAX, EXIT_BROKEN);
	status = BS->AllocatePages(AllocateAddress, EfiBootServicesData, pages,
				   &at);
	if (!EFI_ERROR(status))
		state.plots[state.plot_count++] = *plot;
	return status;
}

/* In the middle of free memory, in turn below and above 4 GiB. */
static void take_inventions(const struct line *low, const struct line *high)
{
	UINT64 next[2] = { low->start + 5 * MIB + 0x1000, 0 };
	UINTN taken = 0;

	if (high != NULL)
		next[1] = high->start + 5 * MIB + 0x1000;
	for (UINTN i = 0; i < sizeof(inventions) / sizeof(inventions[0]);
	     i++) {
		const struct invention *from = &inventions[i];
		UINTN side = high != NULL && taken % 2;

		if (!*from->wanted)
			continue;
		must(take_plot(&(struct plot){
			{ from->type, next[side], from->pages,
			  from->attributes }, from->shape }), "NO_PLOT");
		next[side] += PLOT_DISTANCE + from->pages * PAGE_BYTES;
		taken++;
	}
}

/* One page each; they stay conventional until their map is due. */
static void take_holes(const struct line *in)
{
	UINT64 at = (in->start + HOLE_DISTANCE) / HOLE_DISTANCE *
		    HOLE_DISTANCE + 7 * PAGE_BYTES;
	UINTN holes = 0;

	state.first_hole = state.plot_count;
	for (; at + 2 * PAGE_BYTES < line_end(in) &&
	       state.plot_count < PLOTS_MAX &&
	       holes < wanted.holes * wanted.until; at += HOLE_DISTANCE)
		/* Where another plot is already, there is none. */
		holes += !EFI_ERROR(take_plot(&(struct plot){
			{ EfiReservedMemoryType, at, 1, 0 }, PLOT_NESTED }));
}

/* In turn with reserved pages, so that none touches the next. */
static void take_crumbs(const struct line *in)
{
	for (UINT64 i = 0; i < 2 * wanted.acpi_crumbs; i++)
		must(take_plot(&(struct plot){
			{ i % 2 ? EfiACPIReclaimMemory : EfiReservedMemoryType,
			  in->start + 2 * i * PAGE_BYTES, 1, EFI_MEMORY_WB },
			PLOT_CARVED }), "NO_CRUMB");
}

static void take_plots(void)
{
	const struct line *low, *high;
	struct line low_line, high_line;
	UINTN key;

	must(read_real(&key), "NO_MAP");
	low = largest_free(FALSE);
	high = largest_free(TRUE);
	if (low == NULL)
		leave("NO_ROOM_FOR_PLOTS", 0, EXIT_BROKEN);
	low_line = *low;
	if (high != NULL)
		high_line = *high;
	if (wanted.acpi_crumbs != 0)
		take_crumbs(&low_line);
	else
		take_inventions(&low_line, high == NULL ? NULL : &high_line);
	if (wanted.holes != 0)
		take_holes(high == NULL ? &low_line : &high_line);
}

/* --- the lies ------------------------------------------------------------- */

static UINT64 growth(UINT64 by)
{
	UINT64 answers = state.answers < wanted.until ? state.answers :
							wanted.until;

	return by * answers;
}

/* Shows hidden pages as free, then the restrictions in them that are due. */
static void show_plots(struct lines *lines)
{
	UINT64 shown = wanted.holes == 0 ? state.plot_count :
		       state.first_hole + growth(wanted.holes);

	for (UINTN i = 0; i < state.plot_count; i++) {
		struct line line = state.plots[i].line;

		line.pages++;
		line.type = EfiConventionalMemory;
		line.attributes = EFI_MEMORY_UC | EFI_MEMORY_WC |
				  EFI_MEMORY_WT | EFI_MEMORY_WB;
		lines_paint(lines, line);
	}
	lines_sort(lines);
	lines_join(lines);
	for (UINTN i = 0; i < state.plot_count && i < shown; i++) {
		struct line line = state.plots[i].line;

		if (state.plots[i].shape == PLOT_CARVED) {
			lines_paint(lines, line);
			continue;
		}
		if (state.plots[i].shape == PLOT_RAGGED)
			line.start += 0x123;
		lines_add(lines, line);
	}
}

/* Puts a usable line over each, and another over half of it and of the next. */
static void overlap(struct lines *lines)
{
	UINTN before;

	lines_sort(lines);
	before = lines->count;
	for (UINTN i = 0; i < before; i++) {
		struct line line = lines->items[i];
		struct line next = lines->items[i + 1 < before ? i + 1 : i];

		line.type = i % 3 ? EfiConventionalMemory : EfiLoaderCode;
		line.attributes = EFI_MEMORY_WB;
		if (lines->items[i].type != EfiConventionalMemory)
			lines_add(lines, line);
		if (line_end(&line) != next.start || line.pages < 4)
			continue;
		line.type = EfiBootServicesData;
		line.start += line.pages / 2 * PAGE_BYTES;
		line.pages -= line.pages / 2;
		line.pages += (next.pages + 1) / 2;
		lines_add(lines, line);
	}
}

static void add_empty(struct lines *lines)
{
	for (UINT64 type = 0; type <= TYPE_UNACCEPTED; type++) {
		lines_add(lines, (struct line){ type, 0, 0, 0 });
		lines_add(lines, (struct line){ type, type * 0x12345000ULL, 0,
						EFI_MEMORY_WB });
		lines_add(lines, (struct line){ type, NO_ADDRESS, 0,
						EFI_MEMORY_RUNTIME });
	}
}

static void add_wrapping(struct lines *lines)
{
	static const struct line odd[] = {
		{ EfiReservedMemoryType, 1ULL << 51, 1ULL << 60, 0 },
		{ EfiReservedMemoryType, NO_ADDRESS - 0xfff, 16, 0 },
		{ EfiConventionalMemory, 1ULL << 50, ~0ULL, EFI_MEMORY_WB },
		{ EfiConventionalMemory, 1ULL << 63, 1ULL << 51,
		  EFI_MEMORY_WB },
		{ EfiBootServicesData, (1ULL << 52) - 0x2000, 4,
		  EFI_MEMORY_WB },
		{ EfiMemoryMappedIO, (1ULL << 52) - 0x1000, 1ULL << 52,
		  EFI_MEMORY_UC },
		{ EfiRuntimeServicesCode, ~0ULL << 12, ~0ULL,
		  EFI_MEMORY_RUNTIME },
	};

	for (UINTN i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		lines_add(lines, odd[i]);
}

static void add_far(struct lines *lines)
{
	/* The range that AMD reserves below 1 TiB; a page above; a far one. */
	lines_add(lines, (struct line){ EfiReservedMemoryType,
					0xfd00000000ULL, 0x300000, 0 });
	lines_add(lines, (struct line){ EfiReservedMemoryType, 1ULL << 40, 1,
					0 });
	lines_add(lines, (struct line){ EfiReservedMemoryType, 1ULL << 50, 16,
					0 });
}

/* Adds ACPI ranges without memory: too high or too large to be used. */
static void add_acpi(struct lines *lines)
{
	struct line line = { EfiACPIReclaimMemory, 1ULL << 45, 16,
			     EFI_MEMORY_WB };

	if (wanted.acpi_far)
		lines_add(lines, line);
	line.start = 64 * GIB;
	line.pages = 1ULL << 31;
	if (wanted.acpi_endless)
		lines_add(lines, line);
	line.pages = 16;
	for (UINT64 i = 1; i < 4 && wanted.acpi_absent; i++) {
		line.start = i * 32 * GIB;
		lines_add(lines, line);
	}
}

/* None may become free, when the tables are copied. */
static void add_low_acpi(struct lines *lines)
{
	lines_add(lines, (struct line){ EfiACPIReclaimMemory, 0, 12, 0 });
	lines_add(lines, (struct line){ EfiACPIReclaimMemory, 0x50000, 4,
					EFI_MEMORY_UC });
	lines_add(lines, (struct line){ EfiACPIReclaimMemory, 0x2000000, 4,
					EFI_MEMORY_UC });
}

static void odd_attributes(struct lines *lines)
{
	for (UINTN i = 0; i < lines->count; i++) {
		struct line *line = &lines->items[i];

		line->attributes |= UNKNOWN_BITS;
		if (line->type == EfiReservedMemoryType)
			line->attributes = 0;
	}
}

/* The application's data pages have no owner any more. */
static void claim(struct lines *lines)
{
	for (UINTN i = 0; i < lines->count; i++)
		if (lines->items[i].type == EfiLoaderData)
			lines->items[i].type = EfiReservedMemoryType;
}

static void bend(struct lines *lines)
{
	UINTN before;

	if (state.plot_count != 0)
		show_plots(lines);
	if (wanted.claims != 0 && state.answers >= wanted.claims)
		claim(lines);
	if (wanted.no_low)
		lines_paint(lines, (struct line){
			EfiReservedMemoryType, 0, 256, 0 });
	map_change_amount(lines);
	if (wanted.runtime0)
		lines_paint(lines, (struct line){
			EfiRuntimeServicesData, 0, 1,
			EFI_MEMORY_WB | EFI_MEMORY_RUNTIME });
	if (wanted.split != 0 || wanted.grow != 0)
		lines_split(lines, wanted.split +
			    (wanted.grow ? lines->count : 0) +
			    growth(wanted.grow));
	if (wanted.overlap)
		overlap(lines);
	if (wanted.far)
		add_far(lines);
	add_acpi(lines);
	if (wanted.acpi_low)
		add_low_acpi(lines);
	if (wanted.zero)
		add_empty(lines);
	if (wanted.wrap)
		add_wrapping(lines);
	before = lines->count;
	for (UINTN i = 0; wanted.duplicate && i < before; i++)
		lines_add(lines, lines->items[i]);
	if (wanted.attributes)
		odd_attributes(lines);
	if (wanted.reverse)
		lines_reverse(lines);
	if (wanted.shuffle != 0)
		lines_shuffle(lines, wanted.shuffle);
}

/* --- the service ---------------------------------------------------------- */

static EFI_STATUS EFIAPI get_memory_map(UINTN *bytes,
					EFI_MEMORY_DESCRIPTOR *map, UINTN *key,
					UINTN *stride, UINT32 *version)
{
	UINTN room, lines, distance = wanted.stride ? wanted.stride : 48;
	EFI_STATUS status;

	if (bytes == NULL)
		return EFI_INVALID_PARAMETER;
	room = *bytes;
	status = read_real(key);
	if (EFI_ERROR(status))
		return status;
	state.answers++;
	bend(&state.lines);
	if (wanted.restride != 0 && state.answers >= 3)
		distance = wanted.restride;
	lines = state.lines.count;
	*stride = distance;
	*version = EFI_MEMORY_DESCRIPTOR_VERSION;
	*bytes = lines * distance;
	if (room < *bytes) {
		*bytes -= (lines < wanted.modest ? lines : wanted.modest) *
			  distance;
		return EFI_BUFFER_TOO_SMALL;
	}
	if (map == NULL)
		return EFI_INVALID_PARAMETER;
	lines_write(&state.lines, map, distance);
	state.checksum = lines_checksum(&state.lines);
	return EFI_SUCCESS;
}

static void before_load(void)
{
	if (state.plot_count != 0)
		return;
	for (UINTN i = 0; i < sizeof(inventions) / sizeof(inventions[0]); i++)
		if (*inventions[i].wanted || wanted.holes != 0 ||
		    wanted.acpi_crumbs != 0) {
			take_plots();
			return;
		}
}

static void before_start(void)
{
	watch_redirect(SERVICE(GetMemoryMap), get_memory_map);
	state.answers = 0;
}

static void after_exit(void)
{
	serial_text("# hostile: map");
	say_fact("answers", state.answers);
	say_fact("entries", state.lines.count);
	say_fact("plots", state.plot_count);
	say_fact("checksum", state.checksum);
	serial_text("\r\n");
}

static BOOLEAN word(const char *name, const char *value)
{
	for (UINTN i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!text_equals(name, words[i].name))
			continue;
		if (words[i].flag != NULL)
			*words[i].flag = TRUE;
		else
			*words[i].number = text_number(value);
		return TRUE;
	}
	return FALSE;
}

const struct room map_room = {
	.word = word,
	.before_load = before_load,
	.before_start = before_start,
	.after_exit = after_exit,
};
