/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * framebuffer.h - checks the stated framebuffer, and lays text out on it.
 *
 * Takes: the handover's framebuffer, as the firmware stated it, and the regions
 *        of memory.
 * Gives: a surface of whole lines inside the stated size and outside all
 *        memory in use, or one clause with the reason why not.
 */
#ifndef KERNEL_CONSOLE_FRAMEBUFFER_H
#define KERNEL_CONSOLE_FRAMEBUFFER_H

#include <boot/handover.h>
#include <mm/region.h>

#define SURFACE_WIDTH_MIN	320
#define SURFACE_HEIGHT_MIN	200

struct surface {
	paddr_t base;
	uint64_t bytes;			/* from base to the last pixel's end */
	uint32_t width, height;		/* pixels                            */
	uint32_t pitch_bytes;
	uint8_t red_shift, green_shift, blue_shift;
};

struct surface_request {
	const struct handover_framebuffer *stated;
	const struct region_list *regions;
	uint64_t limit_bytes;		/* address space reserved for it     */
};

/*
 * "" when `out` is a surface to draw on, else the reason why not. Lines beyond
 * the stated size or the limit are left out.
 */
const char *surface_refusal(const struct surface_request *request,
			    struct surface *out);

/* 0xRRGGBB in the pixel format of this surface. */
uint32_t surface_pixel(const struct surface *surface, uint32_t colour);

/* Cells of one of the fonts, in the order of kernel/console/font.S. */
enum surface_font {
	FONT_5X8,
	FONT_8X16,
	FONT_12X24,
	FONT_16X32,
	FONT_32X64,
	FONT_COUNT,
};

/*
 * A header of one line and the text below it. All in pixels, except columns
 * and rows. The text is at least one cell.
 */
struct surface_plan {
	enum surface_font font;
	uint32_t cell_width, cell_height;
	uint32_t margin;		/* left of the text, at least        */
	uint32_t header_height;		/* 0 = no room for one               */
	uint32_t header_text;		/* from the top to its cells         */
	uint32_t text_top;
	uint32_t columns, rows;
};
struct surface_plan surface_lay_out(const struct surface *surface);

#endif
