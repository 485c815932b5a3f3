// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The framebuffer is device memory: a write is posted to the device, and a
 * read waits for its answer, a hundred times longer. So the content of the
 * screen is kept in RAM, as cells of a character and a colour, and the
 * framebuffer is only written: in whole rows of a glyph, where these change,
 * through a write-combining mapping that makes one burst of each. Scrolling
 * copies no pixels: cells that differ after the scroll are drawn again.
 *
 * Its memory is one run of pages, allocated once at the start: the cells, and
 * the font's different rows as pixels for each colour.
 */
#include "screen.h"

#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>

#include <kernel/arch/pat.h>
#include <kernel/arch/window.h>
#include <kernel/boot/boot_info.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/log/log.h>

#include "pixel_moves.h"
#include "screen_internal.h"

struct font_file {
	const char *start, *end;
};
extern const struct font_file font_files[FONT_COUNT];	/* font.S */

static const struct font_colours palette[COLOUR_COUNT] = {
	[COLOUR_TEXT] = { 0xc9d1d9, RGB_BACKGROUND },
	[COLOUR_DIM] = { 0x7d8896, RGB_BACKGROUND },
	[COLOUR_ROOM] = { 0x56b4e9, RGB_BACKGROUND },
	[COLOUR_WARNING] = { 0xe5c07b, RGB_BACKGROUND },
	[COLOUR_ERROR] = { 0xf07f86, RGB_BACKGROUND },
	[COLOUR_PROMPT] = { 0xffb454, RGB_BACKGROUND },
	[COLOUR_TYPED] = { 0xf0f4f8, RGB_BACKGROUND },
	[COLOUR_CURSOR] = { RGB_BACKGROUND, 0xffb454 },
	[COLOUR_HEADER_NAME] = { 0xffb454, RGB_HEADER },
	[COLOUR_HEADER] = { 0xf0f4f8, RGB_HEADER },
	[COLOUR_HEADER_DIM] = { 0x7d8896, RGB_HEADER },
	[COLOUR_CAUSE] = { 0xf0f4f8, RGB_CAUSE },
	[COLOUR_TODO] = { 0xffb454, RGB_BACKGROUND },
};

struct screen screen;

void screen_fill(const struct rectangle *area, uint32_t colour)
{
	uint32_t pixel = surface_pixel(&screen.surface, colour);
	uint64_t pitch = screen.surface.pitch_bytes;
	char *at = screen.framebuffer + area->top * pitch + area->left * 4UL;

	for (uint32_t i = 0; i < area->height; i++, at += pitch)
		pixels_fill(at, pixel, area->width);
}

static void draw_row(struct grid_painter *painter, const struct cell_row *row)
{
	const struct pane *pane = (const struct pane *)painter;
	uint64_t pitch = screen.surface.pitch_bytes;
	uint64_t y = pane->top + row->row * screen.font.height;

	font_draw(&screen.font, &(struct glyph_row){
		.cells = *row,
		.pixels = screen.pixels,
		.at = screen.framebuffer + y * pitch + pane->left * 4UL,
		.pitch_bytes = (uint32_t)pitch,
	});
}

void pane_start(struct pane *pane, const struct pane_request *request)
{
	struct cell blank = { ' ', (uint8_t)request->colour };
	uint32_t columns = screen.plan.columns;
	uint32_t rows = (uint32_t)min_u64(
		min_u64(request->rows, GRID_ROWS_MAX),
		screen.rows - screen.rows_used);

	pane->painter.draw = draw_row;
	pane->left = screen.plan.margin;
	pane->top = request->top;
	grid_start(&pane->grid, &(struct grid_request){
		.columns = columns,
		.rows = rows,
		.cells = screen.cells + grid_cells(columns, screen.rows_used),
		.blank = blank,
		.shown = blank,
	});
	screen.rows_used += rows;
}

void pane_write(struct pane *pane, enum colour colour, const char *text,
		size_t bytes)
{
	grid_write(&pane->grid, &(struct grid_text){
		.text = text,
		.bytes = bytes,
		.colour = (uint8_t)colour,
		.box = GLYPH_BOX,
	});
}

void pane_show(struct pane *pane)
{
	grid_redraw(&pane->grid, &pane->painter);
	/* Combined writes could stay in the processor for a while. */
	__asm__ volatile("sfence" : : : "memory");
}

static void show_header(void)
{
	const char *left = screen.header_left, *right = screen.header_right;
	size_t name = 0, left_bytes = strlen(left);
	size_t right_bytes = strlen(right);
	size_t columns = screen.plan.columns;

	if (screen.plan.header_height == 0)
		return;
	while (name < left_bytes && left[name] != ' ')
		name++;
	grid_clear_row(&screen.header.grid);
	pane_write(&screen.header, COLOUR_HEADER_NAME, left, name);
	pane_write(&screen.header, COLOUR_HEADER, left + name,
		   min_u64(left_bytes, columns) - name);
	if (left_bytes + right_bytes < columns)
		grid_go_to(&screen.header.grid,
			   (uint32_t)(columns - right_bytes));
	else
		right_bytes = 0;
	pane_write(&screen.header, COLOUR_HEADER_DIM, right, right_bytes);
	pane_show(&screen.header);
}

void screen_set_header(const char *left, const char *right)
{
	text_print(screen.header_left, sizeof(screen.header_left), "%s", left);
	text_print(screen.header_right, sizeof(screen.header_right), "%s",
		   right);
	if (screen.on && !screen.stopped)
		show_header();
}

static void show_empty_console(void)
{
	const struct surface_plan *plan = &screen.plan;
	const struct surface *surface = &screen.surface;

	screen_fill(&(struct rectangle){ .width = surface->width,
					 .height = surface->height },
		    RGB_BACKGROUND);
	if (plan->header_height != 0) {
		screen_fill(&(struct rectangle){
			.width = surface->width,
			.height = plan->header_height - 1,
		}, RGB_HEADER);
		screen_fill(&(struct rectangle){
			.top = plan->header_height - 1,
			.width = surface->width,
			.height = 1,
		}, RGB_RULE);
		pane_start(&screen.header, &(struct pane_request){
			.top = plan->header_text, .rows = 1,
			.colour = COLOUR_HEADER });
	}
	pane_start(&screen.text, &(struct pane_request){
		.top = plan->text_top, .rows = plan->rows,
		.colour = COLOUR_TEXT });
}

static enum status load_font(void)
{
	const struct font_file *file = &font_files[screen.plan.font];
	struct psf psf;
	enum status status = psf_parse(&psf, file->start,
				       (size_t)(file->end - file->start));

	if (status != ST_OK)
		return status;
	return font_build(&screen.font, &psf);
}

static void expand_font(void)
{
	for (enum colour colour = 0; colour < COLOUR_COUNT; colour++)
		font_expand(&screen.font, (struct font_colours){
			.foreground = surface_pixel(&screen.surface,
					palette[colour].foreground),
			.background = surface_pixel(&screen.surface,
					palette[colour].background),
		}, screen.pixels[colour]);
}

/* Allocates one run of pages for the cells and the expanded fonts. */
static enum status take_memory(struct frame_run *run)
{
	uint64_t of_colour = font_expanded_bytes(&screen.font);
	uint64_t of_cells, bytes;
	enum status status;
	char *at;

	screen.rows = screen.surface.height / screen.font.height;
	of_cells = align_up(grid_cells(screen.plan.columns, screen.rows) *
			    sizeof(struct cell), 8);
	bytes = of_cells + of_colour * COLOUR_COUNT;
	run->frames = align_up(bytes, PAGE_SIZE) / PAGE_SIZE;
	status = boot_alloc(run, OWNER_VMEM);
	if (status != ST_OK)
		return status;
	at = pfn_to_pointer(run->first);
	screen.cells = (struct cell *)at;
	for (unsigned colour = 0; colour < COLOUR_COUNT; colour++)
		screen.pixels[colour] =
			(uint32_t *)(at + of_cells + colour * of_colour);
	expand_font();
	return ST_OK;
}

static void give_memory(struct frame_run run)
{
	boot_free(run, OWNER_VMEM);
}

/* Maps the surface; only its first and last page may reach beyond it. */
static enum status map_surface(enum table_cache cache)
{
	const struct surface *surface = &screen.surface;
	uint64_t start = align_down(surface->base.raw, PAGE_SIZE);
	uint64_t end = align_up(surface->base.raw + surface->bytes, PAGE_SIZE);

	screen.framebuffer = (char *)FRAMEBUFFER_SLOT +
			     (surface->base.raw - start);
	return table_map(&boot_memory.table, &(struct table_mapping){
		.virt = { FRAMEBUFFER_SLOT },
		.phys = { start },
		.bytes = end - start,
		.rights = TABLE_WRITE | TABLE_GLOBAL,
		.cache = cache,
		.largest_leaf = SIZE_2M,
	});
}

static enum status prepare(enum table_cache cache)
{
	struct frame_run run;
	enum status status = load_font();

	if (status == ST_OK)
		status = take_memory(&run);
	if (status != ST_OK)
		return status;
	status = map_surface(cache);
	if (status != ST_OK)
		give_memory(run);
	return status;
}

static enum status refuse(const struct handover_framebuffer *stated,
			  const char *why)
{
	if (stated->base.raw == 0) {
		log_line(LOG_INFO, "screen: none");
		return ST_NOT_FOUND;
	}
	log_line(LOG_WARNING, "screen: refused why=\"%s\" base=0x%lx "
			      "bytes=%lu width=%u height=%u pitch=%u",
		 why, stated->base.raw, stated->bytes, stated->width,
		 stated->height, stated->pitch_bytes);
	return ST_UNSUPPORTED;
}

enum status screen_start(const struct handover_framebuffer *stated)
{
	uint32_t features = boot_info.handover->cpu.features;
	enum table_cache cache;
	enum status status;
	const char *why = surface_refusal(&(struct surface_request){
		.stated = stated,
		.regions = &boot_memory.map.regions,
		.limit_bytes = FRAMEBUFFER_SLOT_BYTES - PAGE_SIZE,
	}, &screen.surface);

	if (why[0] != '\0')
		return refuse(stated, why);
	screen.plan = surface_lay_out(&screen.surface);
	pat_init_cpu(features);
	cache = cache_type_for_pixels(features);
	status = prepare(cache);
	if (status != ST_OK) {
		log_line(LOG_WARNING, "screen: failed why=\"%s\"",
			 status_text(status));
		return status;
	}
	log_line(LOG_INFO, "screen: ready width=%u height=%u pitch=%u "
			   "base=0x%lx columns=%u rows=%u font=%ux%u cache=%s",
		 screen.surface.width, screen.surface.height,
		 screen.surface.pitch_bytes, screen.surface.base.raw,
		 screen.plan.columns, screen.plan.rows, screen.font.width,
		 screen.font.height,
		 cache == CACHE_WRITE_COMBINING ? "write_combining" :
						  "uncached");
	show_empty_console();
	screen.on = true;
	screen_set_header("BULLDOG memory kernel", "");
	return ST_OK;
}

bool screen_is_on(void)
{
	return screen.on;
}

/* A long line continues below, indented, at the word that does not fit. */
static void break_before_word(const char *text, size_t bytes)
{
	if (!grid_cuts_word(&screen.text.grid, &(struct grid_word){
			.text = text, .bytes = bytes,
			.indent = SCREEN_INDENT }))
		return;
	pane_write(&screen.text, COLOUR_TEXT, "\n", 1);
	grid_go_to(&screen.text.grid, SCREEN_INDENT);
}

void screen_put(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		enum colour colour = highlight_next(&screen.highlight, text + i,
					      bytes - i);

		if (screen.word_ended)
			break_before_word(text + i, bytes - i);
		screen.word_ended = text[i] == ' ';
		pane_write(&screen.text, colour, text + i, 1);
	}
}

void screen_show(void)
{
	struct cell cursor = { 0, COLOUR_CURSOR };

	if (screen.text.grid.column > 0)
		cursor.glyph = ' ';
	grid_set_cursor(&screen.text.grid, cursor);
	pane_show(&screen.text);
}

void screen_write(const char *text, size_t bytes)
{
	if (!screen.on || screen.stopped)
		return;
	screen_put(text, bytes);
	screen_show();
}

static void sink_put(struct sink *sink, const char *text, size_t bytes)
{
	(void)sink;
	screen_write(text, bytes);
}

struct sink *screen_sink(void)
{
	static struct sink sink = { .put = sink_put };

	return &sink;
}
