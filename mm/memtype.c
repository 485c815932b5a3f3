// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * To compute the type of each page of a range is simple and slow: 1 GiB has
 * 262,144 pages, and the loader needs the type of every GiB of RAM. But a type
 * changes only where a register's range begins or ends, and there are few such
 * addresses. So the type is computed at the start of the range and at each
 * address where any register's match can change, until one differs.
 *
 * A variable register covers the addresses that equal its base in all bits of
 * its mask. From a covered address, the next change is at the end of the block
 * below the mask's lowest bit, because that bit flips there. From an address
 * that is not covered, it is the smallest higher address that is, found from
 * the highest bit that differs. Both work for masks that are not contiguous,
 * which the manuals permit. Such a mask can change at every second page, so
 * the number of steps is limited.
 */
#include <mm/memtype.h>

#include <base/assert.h>
#include <base/bits.h>

#define MTRRCAP_VARIABLE_COUNT	0xffUL
#define MTRRCAP_FIXED		(1UL << 8)
#define DEF_TYPE_FIXED_ENABLE	(1UL << 10)
#define DEF_TYPE_ENABLE		(1UL << 11)
#define MASK_VALID		(1UL << 11)
#define TYPE_FIELD		0xffUL

#define FIXED_END		(1 * MIB)
#define FIXED_16K_START		(512 * KIB)
#define FIXED_4K_START		(768 * KIB)

_Static_assert(8 + (FIXED_4K_START - FIXED_16K_START) / (16 * KIB) +
	       (FIXED_END - FIXED_4K_START) / (4 * KIB) == 8 * MTRR_FIXED_COUNT,
	       "each fixed register holds eight types");

/* Two for each range with a contiguous mask, and the fixed ranges. */
#define STEPS_MAX		256

#define NO_EDGE			UINT64_MAX

static enum memtype type_of_field(uint64_t field)
{
	switch (field & TYPE_FIELD) {
	case MEMTYPE_WC: return MEMTYPE_WC;
	case MEMTYPE_WT: return MEMTYPE_WT;
	case MEMTYPE_WP: return MEMTYPE_WP;
	case MEMTYPE_WB: return MEMTYPE_WB;
	default: return MEMTYPE_UC;
	}
}

/* --- fixed ranges: 8 types to a register, 64, 16 and 4 KiB each -----------*/

static bool fixed_rules(const struct mtrr_state *state, uint64_t at)
{
	return at < FIXED_END && (state->capabilities & MTRRCAP_FIXED) &&
	       (state->default_type & DEF_TYPE_FIXED_ENABLE);
}

static uint64_t fixed_step(uint64_t at)
{
	if (at < FIXED_16K_START)
		return 64 * KIB;
	return at < FIXED_4K_START ? 16 * KIB : 4 * KIB;
}

static enum memtype fixed_type(const struct mtrr_state *state, uint64_t at)
{
	uint64_t field;

	if (at < FIXED_16K_START)
		field = at / (64 * KIB);
	else if (at < FIXED_4K_START)
		field = 8 + (at - FIXED_16K_START) / (16 * KIB);
	else
		field = 24 + (at - FIXED_4K_START) / (4 * KIB);
	return type_of_field(state->fixed[field / 8] >> field % 8 * 8);
}

/* --- variable ranges ------------------------------------------------------*/

static size_t variable_count(const struct mtrr_state *state)
{
	return min_u64(state->capabilities & MTRRCAP_VARIABLE_COUNT,
		       MTRR_VARIABLE_MAX);
}

/* One past the highest address that this processor has. */
static uint64_t address_limit(const struct mtrr_state *state)
{
	if (state->physical_bits == 0 || state->physical_bits > 52)
		return PHYSICAL_LIMIT;
	return 1UL << state->physical_bits;
}

/* The bits of a base or mask register that are compared with an address. */
static uint64_t address_bits(const struct mtrr_state *state, uint64_t value)
{
	return value & (address_limit(state) - 1) & ~PAGE_MASK;
}

/* The smallest address above `at` that equals `base` in the bits of `mask`. */
static uint64_t next_match(uint64_t mask, uint64_t base, uint64_t limit,
			   uint64_t at)
{
	uint64_t differing = (at ^ base) & mask;
	uint64_t bit, growing;

	ASSERT(differing != 0);
	bit = 1UL << (63 - __builtin_clzl(differing));
	/* `at` equals `base` above `bit`: set it; lower bits can be least. */
	if (base & bit)
		return align_down(at, 2 * bit) | (base & (2 * bit - 1));
	/* `at` is larger: a higher bit outside the mask must be set. */
	growing = ~mask & ~at & (limit - 1) & ~(2 * bit - 1);
	if (growing == 0)
		return NO_EDGE;
	bit = growing & -growing;
	return align_down(at, 2 * bit) | bit | (base & (bit - 1));
}

static uint64_t next_change(const struct mtrr_state *state, size_t i,
			    uint64_t at)
{
	uint64_t mask = address_bits(state, state->variable[i].mask);
	uint64_t base = state->variable[i].base & mask;

	if ((state->variable[i].mask & MASK_VALID) == 0 || mask == 0)
		return NO_EDGE;
	if ((at & mask) == base)
		return align_down(at, mask & -mask) + (mask & -mask);
	return next_match(mask, base, address_limit(state), at);
}

static bool variable_matches(const struct mtrr_state *state, size_t i,
			     uint64_t at)
{
	uint64_t mask = address_bits(state, state->variable[i].mask);

	return (state->variable[i].mask & MASK_VALID) != 0 &&
	       ((at ^ state->variable[i].base) & mask) == 0;
}

/* SDM, "MTRR precedences": the type of two overlapping ranges. */
static enum memtype overlap(enum memtype a, enum memtype b)
{
	if (a == b)
		return a;
	if ((a == MEMTYPE_WT && b == MEMTYPE_WB) ||
	    (a == MEMTYPE_WB && b == MEMTYPE_WT))
		return MEMTYPE_WT;
	return MEMTYPE_UC;
}

/* --- one address, and the next -------------------------------------------*/

static uint64_t top_mem2(const struct mtrr_state *state)
{
	return align_down(state->top_mem2, PAGE_SIZE);
}

static enum memtype default_type(const struct mtrr_state *state, uint64_t at)
{
	if (at >= 4 * GIB && at < top_mem2(state))
		return MEMTYPE_WB;
	return type_of_field(state->default_type);
}

static enum memtype type_at(const struct mtrr_state *state, uint64_t at)
{
	enum memtype type = MEMTYPE_MIXED;

	if (fixed_rules(state, at))
		return fixed_type(state, at);
	for (size_t i = 0; i < variable_count(state); i++) {
		enum memtype own = type_of_field(state->variable[i].base);

		if (!variable_matches(state, i, at))
			continue;
		type = type == MEMTYPE_MIXED ? own : overlap(type, own);
	}
	return type == MEMTYPE_MIXED ? default_type(state, at) : type;
}

/* The first address above `at` whose type may differ from that of `at`. */
static uint64_t next_edge(const struct mtrr_state *state, uint64_t at)
{
	uint64_t edge = NO_EDGE;

	if (fixed_rules(state, at))
		return align_down(at, fixed_step(at)) + fixed_step(at);
	if (at < 4 * GIB)
		edge = 4 * GIB;
	else if (at < top_mem2(state))
		edge = top_mem2(state);
	for (size_t i = 0; i < variable_count(state); i++)
		edge = min_u64(edge, next_change(state, i, at));
	return edge;
}

enum memtype memtype_of_range(const struct mtrr_state *state, paddr_t start,
			      paddr_t end)
{
	uint64_t at = start.raw;
	enum memtype type;

	ASSERT(start.raw < end.raw && end.raw <= PHYSICAL_LIMIT);
	if (!state->present)
		return MEMTYPE_WB;
	if ((state->default_type & DEF_TYPE_ENABLE) == 0)
		return MEMTYPE_UC;
	type = type_at(state, at);
	for (unsigned steps = 0; ; steps++) {
		at = next_edge(state, at);
		if (at >= end.raw)
			return type;
		if (steps == STEPS_MAX || type_at(state, at) != type)
			return MEMTYPE_MIXED;
	}
}
