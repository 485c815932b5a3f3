/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * store_buffers.h - memory as x86 processors see it (TSO).
 *
 * Between each processor and memory is a queue of its stores. A store is in
 * memory when it has drained; until then only its own processor sees it.
 */
#ifndef TESTS_STORE_BUFFERS_H
#define TESTS_STORE_BUFFERS_H

#include <stdbool.h>
#include <stdint.h>

#define STORE_CPUS 4
#define STORE_BUFFER_LENGTH 64

struct store {
	void *place;
	unsigned bytes;
	uint64_t value;
};

struct store_buffer {
	struct store store[STORE_BUFFER_LENGTH];	/* the oldest first  */
	unsigned count;
	uint64_t changes;		/* that this processor made          */
};

struct store_buffers {
	struct store_buffer cpu[STORE_CPUS];
	uint64_t changes;		/* to memory: stores of what was     */
};					/* there already are none            */

/* Empty buffers, no changes. */
void store_buffers_init(struct store_buffers *buffers);

/* The buffer must not be full. */
void store_buffers_store(struct store_buffers *buffers, unsigned cpu,
			 const struct store *store);

/* The bytes that `cpu` sees: memory, and over it its own buffer. */
uint64_t store_buffers_load(const struct store_buffers *buffers, unsigned cpu,
			    const void *place, unsigned bytes);

/* The oldest store goes to memory; returns it. */
struct store store_buffers_drain(struct store_buffers *buffers, unsigned cpu);

/* Past all buffers; `cpu` may be STORE_CPUS: none of them. */
uint64_t store_buffers_read(const void *place, unsigned bytes);
void store_buffers_write(struct store_buffers *buffers, unsigned cpu,
			 const struct store *store);

/* Changes to memory that others than `cpu` made. */
uint64_t store_buffers_news(const struct store_buffers *buffers, unsigned cpu);
bool store_buffers_others_wait(const struct store_buffers *buffers,
			       unsigned cpu);

/* The next event, and how it can observe which stores have drained. */
enum look_kind {
	LOOK_NOWHERE,			/* a fence                           */
	LOOK_AT_BYTES,			/* [place..place + bytes)            */
	LOOK_AT_NEWS,			/* any change by another             */
	LOOK_AT_THE_END,		/* the last value of every cell      */
};

struct look {
	enum look_kind kind;
	unsigned cpu;			/* whose; STORE_CPUS at the end      */
	const void *place;
	unsigned bytes;
	unsigned owed;			/* own stores that must drain first  */
};

/*
 * stops[c] = how many stores of `c` to drain for the next step that `look`
 * can tell; 0 when there is none. After the step, ask again.
 */
void store_buffers_find_stops(const struct store_buffers *buffers,
			      const struct look *look,
			      unsigned stops[STORE_CPUS]);

#endif
