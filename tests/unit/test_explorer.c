// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The explorer against programs whose outcomes are known: the litmus tests
 * of the x86 memory model, and locks and lists that are right or famously
 * wrong. Where a number of schedules is given, it was counted by hand.
 */
#include <tests/fake/include/base/atomic_builtin.h>

#include "check.h"
#include "explorer.h"

#include <base/assert.h>
#include <base/atomic.h>
#include <base/bits.h>

static struct scene {
	atomic_u64 x, y, z;
	uint64_t read[EXPLORE_CPUS][2];
	uint64_t outcome_count[0x1000];	/* kept from schedule to schedule    */
} scene;

static void clear_cells(void *context)
{
	struct scene *s = context;

	memset(s, 0, offsetof(struct scene, outcome_count));
}

/* One hexadecimal digit for each of r[0][0], r[0][1], r[1][0], r[1][1]. */
static void note_outcome(void *context)
{
	struct scene *s = context;

	s->outcome_count[s->read[0][0] << 9 | s->read[0][1] << 6 |
			 s->read[1][0] << 3 | s->read[1][1]]++;
}

typedef void body_function(void *context);

static struct explored explored;

static enum explore_verdict run(enum explore_model model, body_function *a,
				body_function *b, body_function *c)
{
	struct exploration exploration = {
		.name = "litmus", .context = &scene,
		.context_bytes = sizeof(scene), .set_up = clear_cells,
		.cpu = { a, b, c }, .check = note_outcome, .model = model,
	};

	memset(&scene, 0, sizeof(scene));
	return explore(&exploration, &explored);
}

/* Was this outcome seen? In the order of note_outcome, octal. */
static bool seen(unsigned outcome)
{
	return scene.outcome_count[outcome] > 0;
}
