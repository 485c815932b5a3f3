// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * When does it matter that a store drains now and not later? Two drains, or
 * a drain and an access, can be swapped unobserved, unless
 *
 *   (S1) both are of one buffer, which is a queue, or
 *   (S2) they touch the same bytes.
 *
 * So a drain can be put off until right before the first event that it
 * cannot be swapped with. Walking backwards from an access, those that
 * belong in front of it are: stores to the bytes that it looks at (S2), the
 * stores before them in their buffers (S1), stores in other buffers to the
 * same bytes as one of these (S2), and so on. In that set the order can be
 * told only where S2 holds: there are the stops.
 *
 * P. Sewell et al., "x86-TSO: A Rigorous and Usable Programmer's Model"
 * (CACM 2010) is the machine; it drains at any time.
 */
#include "store_buffers.h"

#include <base/assert.h>

#include <string.h>

void store_buffers_init(struct store_buffers *buffers)
{
	for (unsigned c = 0; c < STORE_CPUS; c++)
		buffers->cpu[c].count = buffers->cpu[c].changes = 0;
	buffers->changes = 0;
}

static bool overlap(const struct store *store, const void *place,
		    unsigned bytes)
{
	uintptr_t start = (uintptr_t)store->place, other = (uintptr_t)place;

	return start < other + bytes && other < start + store->bytes;
}

void store_buffers_store(struct store_buffers *buffers, unsigned cpu,
			 const struct store *store)
{
	struct store_buffer *own = &buffers->cpu[cpu];

	ASSERT(own->count < STORE_BUFFER_LENGTH);
	own->store[own->count++] = *store;
}

uint64_t store_buffers_read(const void *place, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, place, bytes);
	return value;
}

uint64_t store_buffers_load(const struct store_buffers *buffers, unsigned cpu,
			    const void *place, unsigned bytes)
{
	const struct store_buffer *own = &buffers->cpu[cpu];
	uint64_t value = store_buffers_read(place, bytes);
	uint8_t *seen = (uint8_t *)&value;

	for (unsigned i = 0; i < own->count; i++) {
		const struct store *store = &own->store[i];
		uint64_t ahead = (uintptr_t)store->place - (uintptr_t)place;

		for (unsigned b = 0; b < store->bytes; b++)
			if (ahead + b < bytes)
				seen[ahead + b] = store->value >> 8 * b;
	}
	return value;
}

void store_buffers_write(struct store_buffers *buffers, unsigned cpu,
			 const struct store *store)
{
	if (memcmp(store->place, &store->value, store->bytes) == 0)
		return;
	memcpy(store->place, &store->value, store->bytes);
	buffers->changes++;
	if (cpu < STORE_CPUS)
		buffers->cpu[cpu].changes++;
}

struct store store_buffers_drain(struct store_buffers *buffers, unsigned cpu)
{
	struct store_buffer *own = &buffers->cpu[cpu];
	struct store oldest = own->store[0];

	ASSERT(own->count > 0);
	own->count--;
	memmove(&own->store[0], &own->store[1],
		own->count * sizeof(struct store));
	store_buffers_write(buffers, cpu, &oldest);
	return oldest;
}

uint64_t store_buffers_news(const struct store_buffers *buffers, unsigned cpu)
{
	return buffers->changes - buffers->cpu[cpu].changes;
}

bool store_buffers_others_wait(const struct store_buffers *buffers,
			       unsigned cpu)
{
	for (unsigned c = 0; c < STORE_CPUS; c++)
		if (c != cpu && buffers->cpu[c].count > 0)
			return true;
	return false;
}

// --- which drains can be told ------------------------------------------------

/* The first store of `cpu` from `start` on to the same bytes, or count. */
static unsigned find_overlap(const struct store_buffer *buffer, unsigned start,
			     const struct store *with)
{
	unsigned i = start;

	while (i < buffer->count &&
	       !overlap(&buffer->store[i], with->place, with->bytes))
		i++;
	return i;
}

/* Stores to the same bytes wait in another buffer. */
static bool is_contended(const struct store_buffers *buffers, unsigned cpu,
			 const struct store *store)
{
	for (unsigned c = 0; c < STORE_CPUS; c++)
		if (c != cpu && find_overlap(&buffers->cpu[c], 0, store) <
					buffers->cpu[c].count)
			return true;
	return false;
}

static bool is_looked_at(const struct store_buffers *buffers,
			 const struct look *look, unsigned cpu, unsigned number)
{
	const struct store *store = &buffers->cpu[cpu].store[number];

	if (look->kind == LOOK_AT_THE_END)
		return is_contended(buffers, cpu, store);
	if (cpu == look->cpu)
		return false;
	if (look->kind == LOOK_AT_NEWS)
		return number == 0;
	return look->kind == LOOK_AT_BYTES &&
	       overlap(store, look->place, look->bytes);
}

/* Adds the stores that S2 ties to the first upto[cpu] of `cpu`. */
static bool widen(const struct store_buffers *buffers, unsigned cpu,
		  unsigned upto[STORE_CPUS])
{
	bool grown = false;

	for (unsigned c = 0; c < STORE_CPUS; c++) {
		const struct store_buffer *other = &buffers->cpu[c];
		unsigned i = 0, at;

		while (c != cpu && i < upto[cpu]) {
			at = find_overlap(other, upto[c],
					  &buffers->cpu[cpu].store[i]);
			grown |= at < other->count;
			if (at < other->count)
				upto[c] = at + 1;
			else
				i++;
		}
	}
	return grown;
}

void store_buffers_find_stops(const struct store_buffers *buffers,
			      const struct look *look,
			      unsigned stops[STORE_CPUS])
{
	unsigned upto[STORE_CPUS];
	bool grown = false;

	for (unsigned c = 0; c < STORE_CPUS; c++) {
		upto[c] = c == look->cpu ? look->owed : 0;
		for (unsigned i = upto[c]; i < buffers->cpu[c].count; i++)
			if (is_looked_at(buffers, look, c, i))
				upto[c] = i + 1;
		stops[c] = 0;
		grown |= upto[c] > 0;
	}
	/* Nearly always: the rest would find nothing. */
	if (!grown)
		return;
	do {
		grown = false;
		for (unsigned c = 0; c < STORE_CPUS; c++)
			grown |= widen(buffers, c, upto);
	} while (grown);
	for (unsigned c = 0; c < STORE_CPUS; c++)
		for (unsigned i = 0; i < upto[c] && stops[c] == 0; i++)
			if (is_looked_at(buffers, look, c, i) ||
			    is_contended(buffers, c,
					 &buffers->cpu[c].store[i]))
				stops[c] = i + 1;
}
