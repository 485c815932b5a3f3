// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * screen: the mode and the layout. screen bench: what scrolling costs.
 *
 * The bench fills the screen with text of all kinds and scrolls it line by
 * line. A pixel counts as changed when its colour after a scroll differs from
 * before; that is computed from the characters. Ticks are those of the TSC:
 * instructions, where an emulator counts them as such.
 */
#include "command.h"

#include <arch/instructions.h>
#include <base/string.h>

#include <kernel/console/screen.h>
#include <kernel/console/screen_internal.h>
#include <kernel/log/log.h>

#define BENCH_SCROLLS 50

struct bench {
	uint64_t ticks;
	uint64_t cells;			/* that changed */
	uint64_t pixels;		/* pixels changed in them */
};

/* A line of words of a log, as wide as the screen; no two lines are equal. */
static void make_line(char *line, uint32_t columns, uint64_t *state)
{
	static const char letters[] =
		"  eeettaaoinnsrhlddcumfpgwybvk0123456789=_:.ABCDEFxSTM  ";

	for (uint32_t i = 0; i < columns; i++) {
		*state = *state * 6364136223846793005UL + 1442695040888963407UL;
		line[i] = letters[(*state >> 33) % (sizeof(letters) - 1)];
	}
}

/* Compares the cells on the screen with the wanted ones. */
static void count_changes(struct bench *bench)
{
	const struct text_grid *grid = &screen.text.grid;

	for (uint32_t row = 0; row < grid->rows; row++) {
		const struct cell *want = grid_row(grid, row);
		const struct cell *have =
			grid->have + (size_t)row * grid->columns;

		for (uint32_t i = 0; i < grid->columns; i++) {
			uint32_t pixels = font_difference(&screen.font,
							  want[i].glyph,
							  have[i].glyph);

			bench->cells += pixels > 0;
			bench->pixels += pixels;
		}
	}
}

static void scroll_once(struct bench *bench, uint64_t *state)
{
	char line[GRID_COLUMNS_MAX + 1];
	uint64_t start;

	make_line(line, screen.plan.columns, state);
	line[screen.plan.columns] = '\n';
	start = read_tsc();
	pane_write(&screen.text, COLOUR_TEXT, line, screen.plan.columns + 1);
	bench->ticks += read_tsc() - start;
	count_changes(bench);
	start = read_tsc();
	screen_show();
	bench->ticks += read_tsc() - start;
}

static enum status run_bench(const struct command_call *call)
{
	struct bench bench = { 0 }, warm = { 0 };
	uint64_t state = 1;

	for (uint32_t i = 0; i < screen.text.grid.rows; i++)
		scroll_once(&warm, &state);
	for (unsigned i = 0; i < BENCH_SCROLLS; i++)
		scroll_once(&bench, &state);
	grid_clear(&screen.text.grid);
	screen_show();
	sink_print(call->out, call->records ?
		   "@screen_bench scrolls=%u ticks=%lu changed_cells=%lu "
		   "changed_pixels=%lu\n" :
		   "%u scrolls took %lu ticks, for %lu characters that changed "
		   "and %lu of their pixels\n", BENCH_SCROLLS, bench.ticks,
		   bench.cells, bench.pixels);
	return ST_OK;
}

enum status command_screen(const struct command_call *call)
{
	const struct surface *surface = &screen.surface;

	if (call->count > 1 && strcmp(call->words[1], "bench") != 0)
		return command_refuse_at(call, 1);
	if (!screen_is_on()) {
		log_line(LOG_ERROR, "screen: there is none");
		return ST_NOT_FOUND;
	}
	if (call->count > 1)
		return run_bench(call);
	sink_print(call->out, call->records ?
		   "@screen base=0x%lx width=%u height=%u pitch_bytes=%u "
		   "columns=%u rows=%u font=%ux%u\n" :
		   "framebuffer at 0x%lx, %ux%u pixels, a line every %u bytes\n"
		   "text in %u columns and %u rows of %ux%u pixels\n",
		   surface->base.raw, surface->width, surface->height,
		   surface->pitch_bytes, screen.plan.columns,
		   screen.plan.rows, screen.font.width, screen.font.height);
	return ST_OK;
}
