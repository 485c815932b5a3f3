/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* screen_internal.h - what screen.c and panic_screen.c share. */
#ifndef KERNEL_CONSOLE_SCREEN_INTERNAL_H
#define KERNEL_CONSOLE_SCREEN_INTERNAL_H

#include "framebuffer.h"
#include "highlight.h"
#include "psf_font.h"
#include "text_grid.h"

/* 0xRRGGBB of the areas without text. */
#define RGB_BACKGROUND	0x080b0f
#define RGB_HEADER	0x151b23
#define RGB_RULE	0x2a323d
#define RGB_CAUSE	0x3a1d22

/* The column at which a line broken at a space continues. */
#define SCREEN_INDENT	4

/* A grid of text in a part of the screen. */
struct pane {
	struct grid_painter painter;	/* first: it finds its pane */
	struct text_grid grid;
	uint32_t left, top;		/* pixels */
};

struct screen {
	bool on;
	bool stopped;			/* by screen_panic_page */
	struct surface surface;
	struct surface_plan plan;
	char *framebuffer;		/* where the surface is mapped */
	struct font font;
	uint32_t *pixels[COLOUR_COUNT];	/* the font in each colour */
	struct cell *cells;
	uint32_t rows;			/* rows of cells in memory */
	uint32_t rows_used;
	struct pane header, text;
	struct highlight highlight;
	bool word_ended;		/* the next byte starts a word */
	char header_left[64], header_right[64];
};
extern struct screen screen;

/* The two halves of screen_write: the wanted cells, and the drawing. */
void screen_put(const char *text, size_t bytes);
void screen_show(void);

struct rectangle {
	uint32_t left, top, width, height;
};
void screen_fill(const struct rectangle *area, uint32_t colour);

/* A new pane gets cells that no other pane has, as many as are left. */
struct pane_request {
	uint32_t top, rows;
	enum colour colour;		/* of its blanks                  */
};
void pane_start(struct pane *pane, const struct pane_request *request);
void pane_write(struct pane *pane, enum colour colour, const char *text,
		size_t bytes);
void pane_show(struct pane *pane);

#endif
