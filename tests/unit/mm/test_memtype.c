// SPDX-License-Identifier: MIT OR Apache-2.0
#include <base/bits.h>
#include <mm/memtype.h>

#include "check.h"

#define CAP_FIXED	0x100UL
#define ENABLE		0x800UL
#define ENABLE_FIXED	0x400UL
#define VALID		0x800UL

enum { UC = 0, WC = 1, WT = 4, WP = 5, WB = 6, MIXED = 255 };

/* A register pair as kernels print it: base, mask, type. */
struct printed {
	uint64_t base, mask;
	unsigned type;
};

static struct mtrr_state state_of(unsigned default_type, unsigned bits,
				  const struct printed *lines, size_t count)
{
	struct mtrr_state state = {
		.present = true,
		.capabilities = CAP_FIXED | count,
		.default_type = ENABLE | default_type,
		.physical_bits = bits,
	};

	for (size_t i = 0; i < count; i++) {
		state.variable[i].base = lines[i].base | lines[i].type;
		state.variable[i].mask = lines[i].mask | VALID;
	}
	return state;
}

static void fix(struct mtrr_state *state, uint64_t start, uint64_t last,
		uint64_t type)
{
	state->default_type |= ENABLE_FIXED;
	for (uint64_t at = start; at <= last; at += 4 * KIB) {
		uint64_t field = at < 0x80000 ? at >> 16 :
				 at < 0xc0000 ? 8 + ((at - 0x80000) >> 14) :
				 24 + ((at - 0xc0000) >> 12);
		unsigned shift = field % 8 * 8;

		state->fixed[field / 8] &= ~(0xffUL << shift);
		state->fixed[field / 8] |= type << shift;
	}
}

static bool is_type(const struct mtrr_state *state, uint64_t start,
		    uint64_t end, unsigned want)
{
	enum memtype have = memtype_of_range(state, (paddr_t){ start },
					     (paddr_t){ end });

	if (have != want)
		printf("# [%#lx..%#lx) want %u have %u\n", (unsigned long)start,
		       (unsigned long)end, want, have);
	return have == want;
}

/* --- rules, one by one ----------------------------------------------------*/

CASE(memtype_is_write_back_without_mtrrs)
{
	struct mtrr_state none = { 0 };

	CHECK(is_type(&none, 0, PHYSICAL_LIMIT, WB));
}

CASE(memtype_is_uncached_when_mtrrs_are_off)
{
	struct printed line = { 0, 0xf80000000, WB };
	struct mtrr_state state = state_of(WB, 36, &line, 1);

	fix(&state, 0, 0xfffff, WB);
	state.top_mem2 = 8 * GIB;
	state.default_type &= ~ENABLE;
	CHECK(is_type(&state, 0, 8 * GIB, UC));
}

CASE(memtype_reads_fixed_ranges_in_all_three_grains)
{
	struct mtrr_state state = state_of(WB, 36, NULL, 0);

	fix(&state, 0, 0xfffff, WB);
	fix(&state, 0x70000, 0x7ffff, WC);
	fix(&state, 0x84000, 0x87fff, WT);
	fix(&state, 0xff000, 0xfffff, WP);
	CHECK(is_type(&state, 0, 0x70000, WB));
	CHECK(is_type(&state, 0x6f000, 0x71000, MIXED));
	CHECK(is_type(&state, 0x70000, 0x80000, WC));
	CHECK(is_type(&state, 0x80000, 0x84000, WB));
	CHECK(is_type(&state, 0x84000, 0x88000, WT));
	CHECK(is_type(&state, 0x88000, 0xff000, WB));
	CHECK(is_type(&state, 0xff000, 0x100000, WP));
	CHECK(is_type(&state, 0xff000, 0x101000, MIXED));
	CHECK(is_type(&state, 0x100000, 0x200000, WB));
	state.default_type &= ~ENABLE_FIXED;
	CHECK(is_type(&state, 0, 0x200000, WB));
	state.default_type |= ENABLE_FIXED;
	state.capabilities &= ~CAP_FIXED;
	CHECK(is_type(&state, 0, 0x200000, WB));
}

CASE(memtype_puts_fixed_before_variable_ranges)
{
	struct printed line = { 0, 0xfffe00000, UC };
	struct mtrr_state state = state_of(WB, 36, &line, 1);

	fix(&state, 0, 0xfffff, WT);
	CHECK(is_type(&state, 0, 0x100000, WT));
	CHECK(is_type(&state, 0x100000, 0x200000, UC));
	CHECK(is_type(&state, 0x200000, 0x400000, WB));
}

static unsigned type_of_overlap(unsigned a, unsigned b)
{
	struct printed lines[] = {
		{ 0x40000000, 0xfc0000000, a }, { 0x40000000, 0xfffe00000, b },
	};
	struct mtrr_state state = state_of(WP, 36, lines, 2);

	return memtype_of_range(&state, (paddr_t){ 0x40000000 },
				(paddr_t){ 0x40200000 });
}

CASE(memtype_settles_overlaps_as_the_manual_says)
{
	static const unsigned types[] = { UC, WC, WT, WP, WB };

	for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
		CHECK(type_of_overlap(types[i], types[i]) == types[i]);
		CHECK(type_of_overlap(types[i], UC) == UC);
		CHECK(type_of_overlap(UC, types[i]) == UC);
	}
	CHECK(type_of_overlap(WT, WB) == WT);
	CHECK(type_of_overlap(WB, WT) == WT);
	/* Undefined by the manual: uncached is safe. */
	CHECK(type_of_overlap(WC, WB) == UC);
	CHECK(type_of_overlap(WP, WB) == UC);
	CHECK(type_of_overlap(WP, WT) == UC);
	CHECK(type_of_overlap(WC, WT) == UC);
	/* Types that do not exist. */
	CHECK(type_of_overlap(2, 2) == UC);
	CHECK(type_of_overlap(7, 7) == UC);
}

CASE(memtype_ignores_invalid_and_surplus_registers)
{
	struct printed lines[] = {
		{ 0, 0xf80000000, UC }, { 0x80000000, 0xf80000000, UC },
	};
	struct mtrr_state state = state_of(WB, 36, lines, 2);

	state.variable[0].mask &= ~VALID;
	CHECK(is_type(&state, 0, 0x80000000, WB));
	CHECK(is_type(&state, 0x80000000, 0x100000000, UC));
	state.capabilities = CAP_FIXED | 1;
	CHECK(is_type(&state, 0, 0x100000000, WB));
	/* More registers than we store: the rest is not read. */
	state.capabilities = CAP_FIXED | 255;
	CHECK(is_type(&state, 0x80000000, 0x100000000, UC));
}

CASE(memtype_ignores_bits_that_the_processor_does_not_have)
{
	struct printed line = { 0x10040000000, 0xfffffc0000000, WB };
	struct mtrr_state state = state_of(UC, 36, &line, 1);

	CHECK(is_type(&state, 0x40000000, 0x80000000, WB));
	state.physical_bits = 0;
	CHECK(is_type(&state, 0x40000000, 0x80000000, UC));
	CHECK(is_type(&state, 0x10040000000, 0x10080000000, WB));
}

CASE(memtype_asserts_that_the_range_is_one)
{
	struct mtrr_state state = state_of(WB, 36, NULL, 0);
	paddr_t one = { 4096 }, two = { 8192 }, far = { PHYSICAL_LIMIT + 1 };

	CHECK_ASSERTS(memtype_of_range(&state, two, one));
	CHECK_ASSERTS(memtype_of_range(&state, one, one));
	CHECK_ASSERTS(memtype_of_range(&state, one, far));
}

/* A mask with holes covers many ranges; none may be missed. */
CASE(memtype_understands_masks_that_are_not_contiguous)
{
	/* Every second 2 MiB below 1 GiB. */
	struct printed odd[] = { { 0x200000, 0xfc0200000, WB } };
	struct mtrr_state state = state_of(UC, 36, odd, 1);

	CHECK(is_type(&state, 0, 0x200000, UC));
	CHECK(is_type(&state, 0x200000, 0x400000, WB));
	CHECK(is_type(&state, 0x400000, 0x600000, UC));
	CHECK(is_type(&state, 0x3fe00000, 0x40000000, WB));
	CHECK(is_type(&state, 0x40000000, 0x80000000, UC));
	CHECK(is_type(&state, 0, 0x400000, MIXED));
}

/* Half of all pages by one register, half by another: too many places. */
CASE(memtype_calls_endless_patterns_mixed)
{
	struct printed lines[] = { { 0x0000, 0x1000, WB },
				   { 0x1000, 0x1000, WB } };
	struct mtrr_state state = state_of(UC, 36, lines, 2);

	CHECK(is_type(&state, 0x40000000, 0x40001000, WB));
	CHECK(is_type(&state, 0x40000000, 0x40040000, WB));
	CHECK(is_type(&state, 0x40000000, 0x80000000, MIXED));
}

/* --- machines -------------------------------------------------------------*/

/*
 * A desktop with 16 GiB: everything is uncached except ranges of RAM. Printed
 * by its Linux: github.com/zfsonlinux/mountall/issues/7
 */
CASE(memtype_knows_an_intel_desktop_that_lists_its_ram)
{
	static const struct printed lines[] = {
		{ 0x000000000, 0xc00000000, WB },
		{ 0x400000000, 0xff0000000, WB },
		{ 0x410000000, 0xff8000000, WB },
		{ 0x418000000, 0xffc000000, WB },
		{ 0x41c000000, 0xffe000000, WB },
		{ 0x41e000000, 0xfff000000, WB },
		{ 0x0e0000000, 0xfe0000000, UC },
	};
	struct mtrr_state state = state_of(UC, 36, lines, 7);

	fix(&state, 0x00000, 0x9ffff, WB);
	fix(&state, 0xa0000, 0xbffff, UC);
	fix(&state, 0xc0000, 0xd3fff, WP);
	fix(&state, 0xd4000, 0xe7fff, UC);
	fix(&state, 0xe8000, 0xfffff, WP);
	CHECK(is_type(&state, 0, 0xa0000, WB));
	CHECK(is_type(&state, 0, SIZE_2M, MIXED));
	CHECK(is_type(&state, 0xc0000, 0xd4000, WP));
	CHECK(is_type(&state, SIZE_2M, 0xe0000000, WB));
	CHECK(is_type(&state, 0xc0000000, 0x100000000, MIXED));
	CHECK(is_type(&state, 0xe0000000, 0x100000000, UC));
	/* RAM ends at frame 0x41f000, as its kernel printed. */
	CHECK(is_type(&state, 0x100000000, 0x41f000000, WB));
	CHECK(is_type(&state, 0x41ee00000, 0x41f000000, WB));
	CHECK(is_type(&state, 0x41f000000, 0x41f200000, UC));
	CHECK(is_type(&state, 0x400000000, 0x440000000, MIXED));
}

/*
 * A laptop: everything cached but the devices, the hole below 4 GiB built
 * from six registers. github.com/linux-surface/linux-surface/issues/398
 */
CASE(memtype_knows_an_intel_laptop_that_lists_its_holes)
{
	static const struct printed lines[] = {
		{ 0x00c0000000, 0x7fc0000000, UC },
		{ 0x00a0000000, 0x7fe0000000, UC },
		{ 0x0098000000, 0x7ff8000000, UC },
		{ 0x0094000000, 0x7ffc000000, UC },
		{ 0x0092000000, 0x7ffe000000, UC },
		{ 0x0091000000, 0x7fff000000, UC },
		{ 0x4000000000, 0x4000000000, UC },
	};
	struct mtrr_state state = state_of(WB, 39, lines, 7);

	state.capabilities += 3;	/* disabled ones */
	fix(&state, 0x00000, 0x9ffff, WB);
	fix(&state, 0xa0000, 0xbffff, UC);
	fix(&state, 0xc0000, 0xfffff, WP);
	CHECK(is_type(&state, SIZE_2M, 0x91000000, WB));
	CHECK(is_type(&state, 0x80000000, 0xc0000000, MIXED));
	CHECK(is_type(&state, 0x90e00000, 0x91200000, MIXED));
	CHECK(is_type(&state, 0x91000000, 0x100000000, UC));
	CHECK(is_type(&state, 0x100000000, 0x4000000000, WB));
	CHECK(is_type(&state, 0x4000000000, 0x8000000000, UC));
}

/*
 * An AMD board: memory above 4 GiB is described by TOM2 alone.
 * github.com/b-rad-NDi/Ubuntu-media-tree-kernel-builder/issues/129
 */
CASE(memtype_knows_an_amd_board_with_tom2)
{
	static const struct printed lines[] = {
		{ 0x000000000000, 0xffff80000000, WB },
		{ 0x000080000000, 0xfffff0000000, WB },
		{ 0x00008f800000, 0xffffff800000, UC },
	};
	struct mtrr_state state = state_of(UC, 48, lines, 3);

	state.top_mem2 = 0x23f000000;
	CHECK(is_type(&state, SIZE_2M, 0x8f800000, WB));
	CHECK(is_type(&state, 0x8f800000, 0x90000000, UC));
	CHECK(is_type(&state, 0x8f800000, 0x100000000, UC));
	CHECK(is_type(&state, 0x80000000, 0xc0000000, MIXED));
	CHECK(is_type(&state, 0x100000000, 0x23f000000, WB));
	CHECK(is_type(&state, 0x23ee00000, 0x23f000000, WB));
	CHECK(is_type(&state, 0x23f000000, 0x23f200000, UC));
	CHECK(is_type(&state, 0x200000000, 0x240000000, MIXED));
	CHECK(is_type(&state, 0xffe00000, 0x100200000, MIXED));
}

/* OVMF: all cached but one hole, up to 4 GiB, where PCI devices live. */
CASE(memtype_knows_a_virtual_machine)
{
	struct printed line = { 0xc0000000, 0xffc0000000, UC };
	struct mtrr_state state = state_of(WB, 40, &line, 1);

	state.capabilities += 7;
	fix(&state, 0x00000, 0x9ffff, WB);
	fix(&state, 0xa0000, 0xfffff, UC);
	CHECK(is_type(&state, SIZE_2M, 0xc0000000, WB));
	CHECK(is_type(&state, 0xc0000000, 0x100000000, UC));
	CHECK(is_type(&state, 0x100000000, 1UL << 40, WB));
	line = (struct printed){ 0x80000000, 0xff80000000, UC };
	state = state_of(WB, 40, &line, 1);
	CHECK(is_type(&state, 0, 0x80000000, WB));
	CHECK(is_type(&state, 0x80000000, 0x100000000, UC));
	CHECK(is_type(&state, 0x40000000, 0xc0000000, MIXED));
}

/* --- random registers against one page at a time --------------------------*/

#define SEEN_PAGES 2048

static unsigned oracle_variable(const struct mtrr_state *state, uint64_t page)
{
	uint64_t comparable = ((1UL << state->physical_bits) - 1) >> 12;
	unsigned seen[256] = { 0 };
	unsigned kinds = 0;

	for (unsigned i = 0; i < (state->capabilities & 0xff); i++) {
		uint64_t mask = (state->variable[i].mask >> 12) & comparable;
		uint64_t base = state->variable[i].base >> 12;

		if ((state->variable[i].mask & VALID) == 0)
			continue;
		if ((page & mask) == (base & mask))
			kinds += seen[state->variable[i].base & 0xff]++ == 0;
	}
	if (kinds == 0)
		return MIXED;
	for (unsigned type = 0; kinds == 1 && type < 256; type++)
		if (seen[type] > 0)
			return type;
	return kinds == 2 && seen[WT] && seen[WB] ? WT : UC;
}

static unsigned oracle_type(const struct mtrr_state *state, uint64_t page)
{
	const unsigned char *fixed = (const unsigned char *)state->fixed;
	unsigned type = MIXED;

	if (page < 256 && (state->default_type & ENABLE_FIXED))
		type = page < 128 ? fixed[page / 16] :
		       page < 192 ? fixed[8 + (page - 128) / 4] :
		       fixed[24 + page - 192];
	if (type == MIXED)
		type = oracle_variable(state, page);
	if (type == MIXED && page >= 0x100000 && page < state->top_mem2 >> 12)
		type = WB;
	if (type == MIXED)
		type = state->default_type & 0xff;
	return type == WC || type == WT || type == WP || type == WB ? type : UC;
}

static uint64_t random_type(uint64_t *seed)
{
	static const unsigned char types[] = { UC, UC, WC, WT, WP, WB, WB, 3 };

	return types[check_random(seed) % sizeof(types)];
}

/* Ranges around `near`, from 1 page to twice the oracle's window. */
static struct mtrr_state random_state(uint64_t *seed, uint64_t near)
{
	struct mtrr_state state = {
		.present = true,
		.capabilities = CAP_FIXED | check_random(seed) % 10,
		.default_type = ENABLE | random_type(seed),
		.physical_bits = 36 + check_random(seed) % 10,
	};
	uint64_t limit = 1UL << state.physical_bits;

	if (check_random(seed) % 2 == 0)
		state.default_type |= ENABLE_FIXED;
	for (unsigned i = 0; i < 8 * MTRR_FIXED_COUNT; i++)
		state.fixed[i / 8] |= random_type(seed) << i % 8 * 8;
	if (check_random(seed) % 3 == 0)
		state.top_mem2 = near +
				 check_random(seed) % SEEN_PAGES * PAGE_SIZE;
	for (unsigned i = 0; i < 10; i++) {
		uint64_t bytes = PAGE_SIZE << check_random(seed) % 13;
		uint64_t base = near + check_random(seed) % SEEN_PAGES *
				       PAGE_SIZE;
		uint64_t mask = -bytes & (limit - 1);

		if (check_random(seed) % 4 == 0)
			mask &= ~(check_random(seed) & 0xffff000);
		if (check_random(seed) % 8 != 0)
			mask |= VALID;
		state.variable[i].base = (base & mask & ~PAGE_MASK) |
					 random_type(seed);
		state.variable[i].mask = mask;
	}
	return state;
}

static unsigned oracle_range(const unsigned *types, size_t first, size_t end)
{
	for (size_t i = first + 1; i < end; i++)
		if (types[i] != types[first])
			return MIXED;
	return types[first];
}

static void compare_ranges(const struct mtrr_state *state, uint64_t near,
			   uint64_t *seed)
{
	unsigned types[SEEN_PAGES];

	for (size_t i = 0; i < SEEN_PAGES; i++)
		types[i] = oracle_type(state, near / PAGE_SIZE + i);
	for (unsigned i = 0; i < 64; i++) {
		size_t first = check_random(seed) % SEEN_PAGES;
		size_t most = i % 4 == 0 ? 4 : SEEN_PAGES;
		size_t end = first + 1 + check_random(seed) % most;
		unsigned want, have;

		/* Also tries the longest range of one type. */
		if (i % 4 == 1)
			for (end = first + 1; end < SEEN_PAGES &&
			     types[end] == types[first]; end++)
				;
		end = min_u64(end, SEEN_PAGES);
		want = oracle_range(types, first, end);
		have = memtype_of_range(state,
					(paddr_t){ near + first * PAGE_SIZE },
					(paddr_t){ near + end * PAGE_SIZE });
		/* Only odd masks need 256 places, in as many pages. */
		CHECK(have == want || (have == MIXED && end - first > 256));
	}
}

CASE(memtype_agrees_with_a_page_by_page_oracle)
{
	static const uint64_t places[] = {
		0, 0x7fc00000, 4 * GIB - 4 * MIB, 4 * GIB, 33 * GIB,
	};
	uint64_t seed = check_seed();

	for (unsigned i = 0; i < 4000; i++) {
		uint64_t near = places[i % ARRAY_LENGTH(places)];
		struct mtrr_state state = random_state(&seed, near);

		compare_ranges(&state, near, &seed);
	}
}

/* With contiguous masks the result is always exact. */
CASE(memtype_is_exact_for_contiguous_masks)
{
	uint64_t seed = check_seed();
	unsigned long_ones = 0;

	for (unsigned i = 0; i < 2000; i++) {
		struct mtrr_state state = random_state(&seed, 4 * GIB);
		unsigned types[SEEN_PAGES], want;
		paddr_t start = { 4 * GIB }, end;

		for (unsigned j = 0; j < 10; j++) {
			uint64_t lowest = state.variable[j].mask & ~PAGE_MASK;
			uint64_t valid = state.variable[j].mask & VALID;

			lowest &= -lowest;
			state.variable[j].mask = valid |
				(-lowest & ((1UL << state.physical_bits) - 1));
		}
		for (size_t page = 0; page < SEEN_PAGES; page++)
			types[page] = oracle_type(&state, 0x100000 + page);
		end.raw = start.raw + SEEN_PAGES * PAGE_SIZE;
		want = oracle_range(types, 0, SEEN_PAGES);
		long_ones += want != MIXED;
		CHECK(memtype_of_range(&state, start, end) == want);
	}
	CHECK(long_ones > 50);
}
