// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Another processor runs between any two instructions of a call. It
 * translates: each page must be as before the call or as after it. And it
 * writes through a user leaf: the dirty bit that it sets must not be lost.
 */
#include "check.h"
#include "single_step.h"
#include "table_scene.h"

#define USER 0x40000000UL
#define PROBES 5

enum race_call { RACE_MAP, RACE_UNMAP, RACE_PROTECT };

/* One call on a world in which [at..at + built) is mapped. */
struct race {
	enum race_call call;
	uint64_t at, built;
	unsigned built_rights, rights;
	uint64_t virt, bytes;		/* of the call                       */
	uint64_t probe[PROBES];
};

struct onlooker {
	const struct race *race;
	struct translation before[PROBES], after[PROBES];
	enum status status;
	unsigned strange;		/* translations of a third kind      */
	uint64_t act_at;		/* step to write at                  */
	uint64_t written;		/* the entry that D was set in, or 0 */
};

static void perform(void *context)
{
	struct onlooker *onlooker = context;
	const struct race *race = onlooker->race;
	vaddr_t virt = { race->virt };

	if (race->call == RACE_MAP)
		onlooker->status = map_as(race->virt, race->bytes,
					  race->rights);
	else if (race->call == RACE_UNMAP)
		onlooker->status = table_unmap(&world.table, virt,
					       race->bytes);
	else
		onlooker->status = table_protect(&world.table, virt,
						 race->bytes, race->rights);
}

static void set_up(const struct race *race)
{
	world_init(&world, everything, 16);
	if (race->built > 0)
		CHECK(map_as(race->at, race->built, race->built_rights) ==
		      ST_OK);
}

static void look(const struct race *race, struct translation *seen)
{
	for (unsigned i = 0; i < PROBES; i++)
		seen[i] = world_translate(&world, race->probe[i]);
}

static bool look_between(void *context, uint64_t step)
{
	struct onlooker *onlooker = context;
	struct translation now[PROBES];

	(void)step;
	look(onlooker->race, now);
	for (unsigned i = 0; i < PROBES; i++)
		onlooker->strange +=
			!translation_same(&now[i], &onlooker->before[i]) &&
			!translation_same(&now[i], &onlooker->after[i]);
	return true;
}

/* Three new tables come; two of them go again; a GiB is cut in place. */
static const struct race races[] = {
	{ RACE_MAP, 0, 0, 0, TABLE_WRITE, KERNEL + 3 * PAGE_SIZE, PAGE_SIZE,
	  { KERNEL, KERNEL + 3 * PAGE_SIZE, KERNEL + 4 * PAGE_SIZE,
	    KERNEL + SIZE_2M + 3 * PAGE_SIZE, KERNEL + SIZE_1G } },
	{ RACE_UNMAP, KERNEL + SIZE_1G - PAGE_SIZE, 2 * PAGE_SIZE, 0, 0,
	  KERNEL + SIZE_1G, PAGE_SIZE,
	  { KERNEL + SIZE_1G - PAGE_SIZE, KERNEL + SIZE_1G,
	    KERNEL + SIZE_1G + PAGE_SIZE, KERNEL, KERNEL + 2 * SIZE_1G } },
	{ RACE_PROTECT, KERNEL, SIZE_1G, TABLE_WRITE, TABLE_READ,
	  KERNEL + SIZE_2M, PAGE_SIZE,
	  { KERNEL, KERNEL + SIZE_2M, KERNEL + SIZE_2M + PAGE_SIZE,
	    KERNEL + 2 * SIZE_2M, KERNEL + SIZE_1G - PAGE_SIZE } },
};

CASE(table_shows_each_page_as_before_or_as_after)
{
	for (size_t i = 0; i < ARRAY_LENGTH(races); i++) {
		struct onlooker onlooker = { .race = &races[i] };
		struct single_step run = { perform, look_between, &onlooker };
		uint64_t steps;

		/* Once undisturbed, for the state after it. */
		set_up(&races[i]);
		look(&races[i], onlooker.before);
		perform(&onlooker);
		CHECK(onlooker.status == ST_OK);
		look(&races[i], onlooker.after);
		CHECK(world_free(&world) == NULL);

		set_up(&races[i]);
		steps = single_step_run(&run);
		CHECK(steps > 100);
		CHECK(onlooker.status == ST_OK);
		CHECK(onlooker.strange == 0);
		CHECK(world_audit(&world) == NULL);
		CHECK(world_free(&world) == NULL);
	}
}

/* The leaf of USER, of whatever size. */
static uint64_t *user_leaf(void)
{
	unsigned level = 3;
	uint64_t *entry = world_entry(&world, USER, level);

	while (level > 0 && (*entry & 0x81) == 1)
		entry = world_entry(&world, USER, --level);
	return entry;
}

/* At its step, does what a processor that writes to USER does. */
static bool write_between(void *context, uint64_t step)
{
	struct onlooker *onlooker = context;
	uint64_t *entry;

	if (step < onlooker->act_at)
		return true;
	entry = user_leaf();
	if ((*entry & 0x47) == 0x7) {
		*entry |= 0x60;
		onlooker->written = *entry;
	}
	return false;
}

struct wait {
	struct onlooker onlooker;
	uint64_t entry;			/* at first                          */
	uint64_t steps;			/* until it changed                  */
};

static bool wait_for_change(void *context, uint64_t step)
{
	struct wait *wait = context;

	wait->steps = step;
	return *user_leaf() == wait->entry;
}

/* Steps until the call changes the leaf of USER. */
static uint64_t steps_to_change(const struct race *race)
{
	struct wait wait = { .onlooker = { .race = race } };
	struct single_step run = { perform, wait_for_change, &wait };

	set_up(race);
	wait.entry = *user_leaf();
	CHECK(single_step_run(&run) > 100);
	CHECK(*user_leaf() != wait.entry);
	CHECK(world_free(&world) == NULL);
	return wait.steps;
}

/* Writes in the last `window` steps before the change, one per run. */
static void write_before_change(const struct race *race, uint64_t window,
				uint64_t stride)
{
	uint64_t change = steps_to_change(race);
	unsigned writes = 0;

	for (uint64_t early = 1; early < window; early += stride) {
		struct onlooker onlooker = { .race = race,
					     .act_at = change - early };
		struct single_step run = { perform, write_between, &onlooker };

		set_up(race);
		CHECK(single_step_run(&run) > 100);
		CHECK(onlooker.status == ST_OK);
		writes += onlooker.written != 0;
		CHECK(*user_leaf() & 0x40);
		CHECK(world_free(&world) == NULL);
	}
	CHECK(writes == (window - 2) / stride + 1);
}

CASE(table_protect_loses_no_dirty_bit_that_is_set_meanwhile)
{
	static const struct race race = {
		RACE_PROTECT, USER, 4 * PAGE_SIZE, TABLE_USER | TABLE_WRITE,
		TABLE_USER, USER, 2 * PAGE_SIZE, { 0 }
	};

	write_before_change(&race, 60, 4);
}

CASE(table_split_loses_no_dirty_bit_that_is_set_meanwhile)
{
	/* The cut leaf holds USER on the side that stays as it is. */
	static const struct race race = {
		RACE_UNMAP, USER, SIZE_2M, TABLE_USER | TABLE_WRITE, 0,
		USER + PAGE_SIZE, PAGE_SIZE, { 0 }
	};

	write_before_change(&race, 2000, 900);
}
