// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The framebuffer's address comes from the firmware, and every pixel is
 * written there, so a wrong one would overwrite memory. A framebuffer inside
 * memory of any known use is refused. Reserved ranges are accepted: some
 * machines have their framebuffer in reserved RAM, and on most others the map
 * does not mention it at all.
 *
 * The size of the letters depends on the number of pixels, since the firmware
 * does not state the size of a panel: 80 to 130 columns are readable on most.
 * A screen wider than 16:9 is not denser, so only 16:9 of its width counts.
 */
#include "framebuffer.h"

#include <base/bits.h>

#include "text_grid.h"

#define PIXEL_BYTES	4
#define MASK_BITS	8

/* The font for screens at least this wide. */
static const struct {
	uint32_t from_width;
	uint32_t cell_width, cell_height;
} fonts[FONT_COUNT] = {
	[FONT_5X8] = { 0, 5, 8 },
	[FONT_8X16] = { 480, 8, 16 },
	[FONT_12X24] = { 1100, 12, 24 },
	[FONT_16X32] = { 1700, 16, 32 },
	[FONT_32X64] = { 2600, 32, 64 },
};

#define MARGIN		16	/* one burst of a write-combining buffer */
#define MARGIN_WIDTH	800	/* narrower screens have none            */
#define HEADER_ROWS_MIN 12	/* with fewer, every line is needed      */

/* The position of 8 bits in a row, or ST_UNSUPPORTED. */
static enum status mask_shift(uint32_t mask, uint8_t *shift)
{
	uint8_t at = 0;

	if (mask == 0)
		return ST_UNSUPPORTED;
	while ((mask >> at & 1) == 0)
		at++;
	*shift = at;
	return mask >> at == (1U << MASK_BITS) - 1 ? ST_OK : ST_UNSUPPORTED;
}

static const char *masks_refusal(const struct handover_framebuffer *stated,
				 struct surface *out)
{
	if (mask_shift(stated->red_mask, &out->red_shift) != ST_OK ||
	    mask_shift(stated->green_mask, &out->green_shift) != ST_OK ||
	    mask_shift(stated->blue_mask, &out->blue_shift) != ST_OK)
		return "its colours are not 8 bits each";
	if ((stated->red_mask & stated->green_mask) != 0 ||
	    (stated->red_mask & stated->blue_mask) != 0 ||
	    (stated->green_mask & stated->blue_mask) != 0)
		return "its colours share bits";
	return "";
}

/* May pixels be written to memory of this kind? */
static bool is_for_devices(uint64_t kind)
{
	return kind == REGION_KEEP || kind == REGION_MMIO;
}

static const char *place_refusal(const struct surface *surface,
				 const struct region_list *regions)
{
	uint64_t start = align_down(surface->base.raw, PAGE_SIZE);
	uint64_t end = surface->base.raw + surface->bytes;

	if (surface->base.raw % PIXEL_BYTES != 0)
		return "it does not start at a pixel";
	if (end > PHYSICAL_LIMIT)
		return "it is beyond all physical addresses";
	end = align_up(end, PAGE_SIZE);
	for (size_t i = 0; i < regions->count; i++) {
		const struct region *region = &regions->items[i];

		if (region->start.raw < end && region->end.raw > start &&
		    !is_for_devices(region->kind))
			return "it lies in memory that is in use";
	}
	return "";
}

const char *surface_refusal(const struct surface_request *request,
			    struct surface *out)
{
	const struct handover_framebuffer *stated = request->stated;
	uint64_t bytes = min_u64(stated->bytes, request->limit_bytes);
	uint64_t line = (uint64_t)stated->width * PIXEL_BYTES;
	const char *why = masks_refusal(stated, out);

	if (stated->base.raw == 0)
		return "there is none";
	if (why[0] != '\0')
		return why;
	if (stated->width < SURFACE_WIDTH_MIN)
		return "it is too narrow";
	if (stated->pitch_bytes < line ||
	    stated->pitch_bytes % PIXEL_BYTES != 0)
		return "its lines overlap";
	out->base = stated->base;
	out->width = stated->width;
	out->pitch_bytes = stated->pitch_bytes;
	out->height = (uint32_t)min_u64(stated->height,
					bytes / stated->pitch_bytes);
	if (out->height < SURFACE_HEIGHT_MIN)
		return "it is too low";
	out->bytes = (uint64_t)out->height * out->pitch_bytes;
	/* The sum cannot wrap: both were checked to be far below 2^64. */
	if (out->base.raw > PHYSICAL_LIMIT)
		return "it is beyond all physical addresses";
	return place_refusal(out, request->regions);
}

uint32_t surface_pixel(const struct surface *surface, uint32_t colour)
{
	return (colour >> 16 & 0xff) << surface->red_shift |
	       (colour >> 8 & 0xff) << surface->green_shift |
	       (colour & 0xff) << surface->blue_shift;
}

static enum surface_font choose_font(const struct surface *surface)
{
	uint64_t width = min_u64(surface->width,
				 (uint64_t)surface->height * 16 / 9);
	enum surface_font font = FONT_COUNT - 1;

	while (fonts[font].from_width > width)
		font--;
	return font;
}

struct surface_plan surface_lay_out(const struct surface *surface)
{
	enum surface_font font = choose_font(surface);
	struct surface_plan plan = {
		.font = font,
		.cell_width = fonts[font].cell_width,
		.cell_height = fonts[font].cell_height,
	};
	uint32_t air = plan.cell_height / 4;
	uint32_t left = surface->height;

	if (surface->width >= MARGIN_WIDTH)
		plan.margin = MARGIN;
	if (left / plan.cell_height >= HEADER_ROWS_MIN) {
		plan.header_text = air;
		plan.header_height = plan.cell_height + 2 * air;
		plan.text_top = plan.header_height + air;
		left -= plan.text_top + air;
	}
	plan.columns = (surface->width - 2 * plan.margin) / plan.cell_width;
	plan.columns = (uint32_t)min_u64(plan.columns, GRID_COLUMNS_MAX);
	plan.rows = left / plan.cell_height;
	plan.rows = (uint32_t)min_u64(plan.rows, GRID_ROWS_MAX);
	return plan;
}
