/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * explorer.h - all the ways in which two to four processors can meet.
 *
 * The bodies of an exploration run on processors that take turns at each
 * access of base/atomic.h. The explorer runs them again and again until it
 * has seen every order of the accesses, and every moment at which a store
 * can reach memory from the store buffer of its processor (x86's model,
 * TSO); or every value that a load may read by its memory order alone (C's
 * model). docs/testing/interleavings.md says what that shows and what not.
 *
 *	static const struct exploration last_frame = {
 *		.name = "last_frame", .context = &world,
 *		.set_up = one_frame_left,
 *		.cpu = { take_one, take_one },
 *		.check = exactly_one_has_it,
 *	};
 *
 *	CASE(frame_gives_the_last_one_to_one_processor)
 *	{
 *		explore_whole(&last_frame);
 *	}
 *
 * Bodies see only what `set_up` makes; the same schedule must lead to the
 * same accesses. Data shared without base/atomic.h is not interleaved.
 */
#ifndef TESTS_EXPLORER_H
#define TESTS_EXPLORER_H

#include <stddef.h>
#include <stdint.h>

#define EXPLORE_CPUS 4
#define EXPLORE_LONGEST 4000		/* letters in a schedule             */

enum explore_model {
	EXPLORE_TSO,			/* a store waits in a buffer         */
	EXPLORE_SEQUENTIAL,		/* a store is in memory at once      */
	EXPLORE_WEAK,			/* loads may be late, as C allows    */
};

/* For `preemptions`; the plain 0 is any number of them. */
#define EXPLORE_AT_MOST(count) ((count) + 1)

struct exploration {
	const char *name;
	void *context;
	size_t context_bytes;		/* if not 0: addresses are offsets   */
	void (*set_up)(void *context);	/* before every schedule; or NULL    */
	void (*cpu[EXPLORE_CPUS])(void *context);	/* no gaps           */
	void (*check)(void *context);	/* after it, buffers empty; or NULL  */
	enum explore_model model;
	/*
	 * How often a processor may be left that could go on, or a load may
	 * be late. One that stands at atomic_pause can be left for nothing.
	 */
	unsigned preemptions;
	uint64_t accesses_limit;	/* in one schedule; 0: 2,000         */
	uint64_t schedules_limit;	/* 0: 20 million                     */
};

enum explore_verdict {
	EXPLORED_WHOLE,			/* every schedule, and all are good  */
	EXPLORED_FAILED,		/* an EXPLORE_CHECK or an ASSERT     */
	EXPLORED_STUCK,			/* all wait for each other           */
	EXPLORED_TOO_LONG,		/* a schedule passes its limit       */
	EXPLORED_TOO_MANY,		/* so do the schedules: not whole    */
};

struct explored {
	enum explore_verdict verdict;
	uint64_t schedules, accesses;
	uint64_t longest;		/* schedule, in accesses             */
	const char *file, *text;	/* what failed, or what to say of it */
	int line;
	/*
	 * The last schedule; unless all was good, the one at fault. A digit
	 * is the processor that makes its next access; a small letter, a to
	 * d, is one whose oldest stores reach memory before that, and a dot
	 * says that no more do; a capital, from A, is how old the value is
	 * that a load reads.
	 */
	char schedule[EXPLORE_LONGEST + 1];
};

/* Every schedule, until one fails. */
enum explore_verdict explore(const struct exploration *exploration,
			     struct explored *explored);

/*
 * One schedule, printed access by access. Where `schedule` ends, each
 * processor goes on for as long as it can.
 */
enum explore_verdict explore_replay(const struct exploration *exploration,
				    const char *schedule,
				    struct explored *explored);

/*
 * A case in one line: fails unless all schedules are good, and then prints
 * and replays the bad one. With EXPLORE=<name>:<schedule> in the
 * environment it replays only that.
 */
void explore_whole(const struct exploration *exploration);

/* Which processor's body calls; EXPLORE_CPUS in set_up and check. */
unsigned explore_cpu(void);

/* In bodies and checks: ends the schedule as failed. */
#define EXPLORE_CHECK(condition)					\
	do {								\
		if (!(condition))					\
			explore_failed(__FILE__, __LINE__, #condition);	\
	} while (0)
void explore_failed(const char *file, int line, const char *text);

/* --- for the headers in tests/explorer/include --------------------------- */

enum explore_kind {
	EXPLORE_LOAD, EXPLORE_STORE, EXPLORE_EXCHANGE, EXPLORE_COMPARE,
	EXPLORE_ADD, EXPLORE_OR, EXPLORE_AND, EXPLORE_FENCE, EXPLORE_PAUSE,
};

struct explore_access {
	enum explore_kind kind;
	void *place;
	unsigned bytes;
	int order;			/* __ATOMIC_RELAXED and so on        */
	uint64_t operand, expected;
	const char *file;
	int line;
	uint64_t result;
};

/* Returns what the cell held before. */
uint64_t explore_access(struct explore_access *access);

/* An ASSERT is about to fail: keeps its words for the report. */
void explore_asserted(const char *file, int line, const char *text);

#endif
