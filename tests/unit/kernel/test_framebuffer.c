// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/console/framebuffer.h>

#include <base/bits.h>

#include "check.h"

#define LIMIT	(256 * MIB)

static struct handover_framebuffer plain(void)
{
	return (struct handover_framebuffer){
		.base = { 0xc0000000 },
		.bytes = 1280 * 800 * 4,
		.width = 1280,
		.height = 800,
		.pitch_bytes = 1280 * 4,
		.red_mask = 0xff0000,
		.green_mask = 0x00ff00,
		.blue_mask = 0x0000ff,
	};
}

static struct surface surface;

/* The refusal with the regions of this test. */
static const char *reason_for(struct handover_framebuffer stated,
			      struct region *regions, size_t count)
{
	struct region_list list = { .items = regions, .count = count };

	return surface_refusal(&(struct surface_request){
		.stated = &stated,
		.regions = &list,
		.limit_bytes = LIMIT,
	}, &surface);
}

static bool believed(struct handover_framebuffer stated)
{
	return reason_for(stated, NULL, 0)[0] == '\0';
}

static bool says(struct handover_framebuffer stated, const char *words)
{
	const char *why = reason_for(stated, NULL, 0);

	if (strstr(why, words) != NULL)
		return true;
	printf("# said `%s`, not `%s`\n", why, words);
	return false;
}

CASE(surface_takes_a_plain_framebuffer_as_it_is)
{
	CHECK(believed(plain()));
	CHECK(surface.base.raw == 0xc0000000);
	CHECK(surface.width == 1280 && surface.height == 800);
	CHECK(surface.pitch_bytes == 5120 && surface.bytes == 800 * 5120);
}

CASE(surface_refuses_what_makes_no_picture)
{
	struct handover_framebuffer stated = plain();

	stated.base.raw = 0;
	CHECK(says(stated, "none"));
	stated = plain();
	stated.width = 319;
	CHECK(says(stated, "narrow"));
	stated.width = 0;
	CHECK(says(stated, "narrow"));
	stated = plain();
	stated.height = 199;
	CHECK(says(stated, "low"));
	stated = plain();
	stated.base.raw++;
	CHECK(says(stated, "start"));
}

CASE(surface_refuses_lines_that_overlap)
{
	struct handover_framebuffer stated = plain();

	stated.pitch_bytes = 5119;
	CHECK(says(stated, "overlap"));
	stated.pitch_bytes = 5116;
	CHECK(says(stated, "overlap"));
	stated.pitch_bytes = 0;
	CHECK(says(stated, "overlap"));
	/* A width whose bytes do not fit in 32 bits. */
	stated = plain();
	stated.width = 0x40000500;
	CHECK(says(stated, "overlap"));
	stated = plain();
	stated.pitch_bytes = 5122;
	CHECK(says(stated, "overlap"));
}

CASE(surface_takes_a_pitch_beyond_the_width)
{
	struct handover_framebuffer stated = plain();

	stated.pitch_bytes = 8192;
	stated.bytes = 800 * 8192;
	CHECK(believed(stated));
	CHECK(surface.width == 1280 && surface.height == 800);
	CHECK(surface.bytes == 800 * 8192);
}

CASE(surface_leaves_out_lines_beyond_the_stated_size)
{
	struct handover_framebuffer stated = plain();

	stated.bytes = 700 * 5120 + 5119;
	CHECK(believed(stated));
	CHECK(surface.height == 700 && surface.bytes == 700 * 5120);
	stated.bytes = 200 * 5120 - 1;
	CHECK(says(stated, "low"));
	stated.bytes = 0;
	CHECK(says(stated, "low"));
	/* It must not reach beyond the room for it. */
	stated = plain();
	stated.bytes = UINT64_MAX;
	stated.height = UINT32_MAX;
	CHECK(believed(stated));
	CHECK(surface.height == LIMIT / 5120 && surface.bytes <= LIMIT);
}

CASE(surface_takes_any_address_that_can_be)
{
	static const uint64_t bases[] = {
		0xfc10000000, 0x1000, 0x8000000000, 0xc0000010,
		PHYSICAL_LIMIT - 1280 * 800 * 4,
	};
	struct handover_framebuffer stated = plain();

	for (size_t i = 0; i < ARRAY_LENGTH(bases); i++) {
		stated.base.raw = bases[i];
		CHECK(believed(stated));
		CHECK(surface.base.raw == bases[i]);
	}
	stated.base.raw = PHYSICAL_LIMIT - 1280 * 800 * 4 + 4;
	CHECK(says(stated, "beyond"));
	stated.base.raw = PHYSICAL_LIMIT;
	CHECK(says(stated, "beyond"));
	stated.base.raw = UINT64_MAX - 3;
	CHECK(says(stated, "beyond"));
}

CASE(surface_takes_eight_bits_a_colour_anywhere)
{
	struct handover_framebuffer stated = plain();

	CHECK(believed(stated));
	CHECK(surface_pixel(&surface, 0x123456) == 0x123456);
	stated.red_mask = 0x0000ff;
	stated.blue_mask = 0xff0000;
	CHECK(believed(stated));
	CHECK(surface_pixel(&surface, 0x123456) == 0x563412);
	stated.red_mask = 0xff000000;
	stated.green_mask = 0x000003fc;
	stated.blue_mask = 0x003fc000;
	CHECK(believed(stated));
	CHECK(surface_pixel(&surface, 0x123456) ==
	      (0x12000000 | 0x34 << 2 | 0x56 << 14));
}

CASE(surface_refuses_other_masks)
{
	struct handover_framebuffer stated = plain();

	stated.red_mask = 0;
	CHECK(says(stated, "8 bits"));
	stated.red_mask = 0x7f0000;
	CHECK(says(stated, "8 bits"));
	stated.red_mask = 0x1ff0000;
	CHECK(says(stated, "8 bits"));
	stated.red_mask = 0xf0f0000;
	CHECK(says(stated, "8 bits"));
	stated.red_mask = 0x3ff00000;
	CHECK(says(stated, "8 bits"));
	stated.red_mask = 0x0000ff;
	CHECK(says(stated, "share"));
	stated.red_mask = 0x0007f8;
	CHECK(says(stated, "share"));
	stated.red_mask = 0x7f8000;
	CHECK(says(stated, "share"));
	/* Red and blue alone, and one bit only. */
	stated.green_mask = 0xff000000;
	stated.red_mask = 0x007f80;
	CHECK(says(stated, "share"));
	stated.red_mask = 0x00ff00;
	CHECK(believed(stated));
	stated = plain();
	stated.blue_mask = 0x00ff00;
	CHECK(says(stated, "share"));
	stated.blue_mask = 1;
	CHECK(says(stated, "8 bits"));
	stated = plain();
	stated.green_mask = 0;
	CHECK(says(stated, "8 bits"));
}

CASE(surface_keeps_out_of_memory_in_use)
{
	static const struct { enum region_kind kind; bool fine; } kinds[] = {
		{ REGION_FREE, false }, { REGION_LOW, false },
		{ REGION_LATER, false }, { REGION_MMIO, true },
		{ REGION_ACPI, false }, { REGION_PERSISTENT, false },
		{ REGION_UNACCEPTED, false }, { REGION_BAD, false },
		{ REGION_KEEP, true },
	};
	uint64_t start = 0xc0000000, end = start + 1280 * 800 * 4;

	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		struct region around = { { start - MIB }, { end + MIB },
					 kinds[i].kind };
		struct region inside = { { start + MIB }, { start + 2 * MIB },
					 kinds[i].kind };

		CHECK((reason_for(plain(), &around, 1)[0] == '\0') ==
		      kinds[i].fine);
		CHECK((reason_for(plain(), &inside, 1)[0] == '\0') ==
		      kinds[i].fine);
	}
}

CASE(surface_touches_no_page_of_free_memory)
{
	uint64_t start = 0xc0000000, end = start + 1280 * 800 * 4;
	struct region regions[] = {
		{ { 0x100000 }, { start }, REGION_FREE },
		{ { start }, { end }, REGION_KEEP },
		{ { end }, { end + GIB }, REGION_FREE },
	};
	struct handover_framebuffer stated = plain();

	CHECK(reason_for(stated, regions, 3)[0] == '\0');
	/* One pixel in the next page occupies all of that page. */
	regions[2].start.raw = end - PAGE_SIZE;
	CHECK(reason_for(stated, regions, 3)[0] != '\0');
	regions[2].start.raw = end;
	stated.base.raw += 4;
	CHECK(reason_for(stated, regions, 3)[0] != '\0');
	stated.base.raw -= 8;
	CHECK(reason_for(stated, regions, 3)[0] != '\0');
}

/* --- the layout ----------------------------------------------------------- */

static struct surface_plan plan_of(uint32_t width, uint32_t height)
{
	return surface_lay_out(&(struct surface){
		.width = width, .height = height });
}

CASE(surface_chooses_letters_by_the_number_of_pixels)
{
	static const struct {
		uint32_t width, height, cell_width;
		uint32_t columns, rows;
	} screens[] = {
		{ 320, 200, 5, 64, 23 },
		{ 640, 480, 8, 80, 28 },
		{ 800, 600, 8, 96, 35 },
		{ 1024, 768, 8, 124, 46 },
		{ 1280, 800, 12, 104, 31 },
		{ 1366, 768, 12, 111, 30 },
		{ 1600, 900, 12, 130, 35 },
		{ 1920, 1080, 16, 118, 31 },
		{ 2560, 1600, 16, 158, 48 },
		{ 3840, 2160, 32, 119, 31 },
		{ 5120, 2880, 32, 159, 43 },
		/* A very wide screen, and one in portrait format. */
		{ 3440, 1440, 16, 213, 43 },
		{ 1080, 1920, 8, 131, 118 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(screens); i++) {
		struct surface_plan plan = plan_of(screens[i].width,
						   screens[i].height);

		CHECK(plan.cell_width == screens[i].cell_width);
		CHECK(plan.columns == screens[i].columns);
		CHECK(plan.rows == screens[i].rows);
	}
}

CASE(surface_layout_stays_on_the_surface)
{
	uint64_t state = check_seed();

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t number = check_random(&state);
		uint32_t width = SURFACE_WIDTH_MIN + number % 9000;
		uint32_t height = SURFACE_HEIGHT_MIN + (number >> 32) % 9000;
		struct surface_plan plan = plan_of(width, height);

		CHECK(plan.columns > 0 && plan.rows > 0);
		CHECK(plan.columns <= 512 && plan.rows <= 256);
		CHECK(2 * plan.margin + plan.columns * plan.cell_width <=
		      width);
		CHECK(plan.text_top + plan.rows * plan.cell_height <= height);
		CHECK(plan.header_height == 0 ||
		      plan.header_text + plan.cell_height <
		      plan.header_height);
		CHECK(plan.header_height <= plan.text_top);
	}
}
