// SPDX-License-Identifier: MIT OR Apache-2.0
#include <base/bits.h>
#include <mm/ledger.h>

#include "check.h"

#define WB	EFI_ATTRIBUTE_WB
#define SP	EFI_ATTRIBUTE_SP
#define RT	EFI_ATTRIBUTE_RUNTIME

#define ENTRIES_MAX	64
#define OWNED_MAX	8
#define PICTURE_FIRST	0x1000UL	/* 16 MiB: no rule about addresses   */

/* A letter of a given picture is an entry, one of a wanted one an owner. */
static const struct {
	char letter;
	uint32_t type;
	uint64_t attributes;
} entry_letters[] = {
	{ 'F', 7, WB }, { 'L', 2, WB }, { 'B', 4, WB }, { 'A', 9, WB },
	{ 'P', 14, WB }, { 'U', 15, WB }, { 'R', 0, 0 }, { 'X', 8, WB },
	{ 'Q', 0x80000000, WB }, { 'S', 7, WB | SP }, { 'C', 7, 0 },
	{ 'T', 7, WB | RT }, { 'W', 5, WB | RT }, { 'D', 6, WB },
	{ 'N', 10, WB }, { 'E', 9, WB | RT }, { 'O', 13, WB },
	{ 'M', 11, 0 }, { 'I', 12, RT },
};

static const char owner_letters[OWNER_COUNT] = {
	[OWNER_FREE] = 'f', [OWNER_LOW] = 'l',
	[OWNER_KERNEL_IMAGE] = 'k', [OWNER_STACK] = 's',
	[OWNER_BOOT_RECLAIMABLE] = 'b', [OWNER_ACPI] = 'a',
	[OWNER_PERSISTENT] = 'p', [OWNER_UNACCEPTED] = 'u',
	[OWNER_FIRMWARE] = 'w', [OWNER_RESERVED] = 'r', [OWNER_MMIO] = 'm',
};

struct world {
	struct map_entry entries[ENTRIES_MAX];
	size_t count;
	struct owned_run owned[OWNED_MAX];
	size_t owned_count;
	uint64_t usable_limit;
	void *scratch;
	size_t scratch_bytes;
	struct ledger ledger;
};

/* Allocates exactly the sizes of the header, for ASan. */
static enum status world_build(struct world *world)
{
	struct ledger_request request = {
		.entries = world->entries,
		.count = world->count,
		.usable_limit = world->usable_limit,
		.owned = world->owned,
		.owned_count = world->owned_count,
	};

	free(world->scratch);
	free(world->ledger.runs);
	world->scratch_bytes = ledger_scratch_bytes(world->count);
	world->scratch = malloc(world->scratch_bytes);
	request.scratch = world->scratch;
	request.scratch_bytes = world->scratch_bytes;
	world->ledger.capacity = ledger_capacity(world->count,
						 world->owned_count);
	world->ledger.runs = malloc(world->ledger.capacity *
				    sizeof(struct ledger_run));
	return ledger_build(&world->ledger, &request);
}

static void world_close(struct world *world)
{
	free(world->scratch);
	free(world->ledger.runs);
}

static void add(struct world *world, uint64_t start, uint64_t bytes,
		uint32_t type, uint64_t attributes)
{
	world->entries[world->count++] = (struct map_entry){
		start, bytes, attributes, type,
	};
}

/* Each run of one letter is an entry. */
static void add_picture(struct world *world, const char *row)
{
	for (size_t i = 0, next; row[i] != '\0'; i = next) {
		for (next = i + 1; row[next] == row[i]; next++)
			;
		for (size_t k = 0; k < ARRAY_LENGTH(entry_letters); k++)
			if (entry_letters[k].letter == row[i])
				add(world, (PICTURE_FIRST + i) * PAGE_SIZE,
				    (next - i) * PAGE_SIZE,
				    entry_letters[k].type,
				    entry_letters[k].attributes);
	}
}

/* Each run of 'k' or 's' is an owned run. */
static void add_owned(struct world *world, const char *row)
{
	for (size_t i = 0, next; row[i] != '\0'; i = next) {
		for (next = i + 1; row[next] == row[i]; next++)
			;
		if (row[i] == '.')
			continue;
		world->owned[world->owned_count++] = (struct owned_run){
			{ PICTURE_FIRST + i }, next - i,
			row[i] == 'k' ? OWNER_KERNEL_IMAGE : OWNER_STACK, 0,
		};
	}
}

static char letter_at(const struct ledger *ledger, uint64_t frame)
{
	enum owner owner;

	if (ledger_find(ledger, (pfn_t){ frame }, &owner) != ST_OK)
		return '.';
	return owner_letters[owner];
}

static bool looks_like(const struct ledger *ledger, const char *want)
{
	char have[80] = "";
	uint64_t named = 0;

	for (size_t i = 0; want[i] != '\0'; i++) {
		have[i] = letter_at(ledger, PICTURE_FIRST + i);
		named += want[i] != '.';
	}
	if (strcmp(have, want) != 0)
		printf("# want %s\n# have %s\n", want, have);
	return strcmp(have, want) == 0 && ledger_total(ledger) == named &&
	       ledger_audit(ledger);
}

/* --- pictures -------------------------------------------------------------*/

static void check_map(const char *one, const char *other, const char *want)
{
	struct world world = { 0 };
	uint64_t named = 0;

	add_picture(&world, one);
	add_picture(&world, other);
	CHECK(world_build(&world) == ST_OK);
	CHECK(looks_like(&world.ledger, want));
	CHECK(ledger_named_pages(world.entries, world.count, world.scratch,
				 world.scratch_bytes, &named) == ST_OK);
	CHECK(named == ledger_total(&world.ledger));
	world_close(&world);
}

CASE(ledger_gives_every_named_page_one_owner)
{
	check_map("FFLLBB..AAPPUU", "", "ffbbbb..aappuu");
	check_map("RRXXQQOO", "SSCC....", "rrrrrrrr");
	check_map("WWDDNNTTEE", "", "wwwwwwwwww");
	check_map("MMII..MM", "", "mmmm..mm");
	check_map("F.F.F", ".F.F.", "fffff");
	check_map("........", "", "........");
}

CASE(ledger_lets_the_strictest_owner_win)
{
	check_map("FFFFFFFFFF", "..RR......", "ffrrffffff");
	check_map("FFFF......", "..AAAA....", "ffaaaa....");
	check_map("RRRRRR", "..NN..", "rrwwrr");
	check_map("RRRRRR", "..MM..", "rrmmrr");
	check_map("NNNNNN", "..MM..", "wwmmww");
	check_map("MMMM....", "..WWWW..", "mmmmww..");
	check_map("UUUUUU", "..NN..", "uuwwuu");
	check_map("EEEE..", "..AAAA", "wwwwaa");
}

CASE(ledger_joins_what_one_owner_has_for_two_reasons)
{
	struct world world = { 0 };

	add_picture(&world, "RRXXQQSSCC");
	add_picture(&world, "RRRR......");
	CHECK(world_build(&world) == ST_OK);
	CHECK(world.ledger.count == 1);
	world_close(&world);
}

CASE(ledger_knows_the_rules_about_addresses)
{
	struct world world = { .usable_limit = 8 * MIB + 5 };

	add(&world, 0, 16 * MIB, EFI_TYPE_CONVENTIONAL, WB);
	add(&world, 4 * MIB, MIB, EFI_TYPE_LOADER_CODE, WB);
	CHECK(world_build(&world) == ST_OK);
	CHECK(letter_at(&world.ledger, 0) == 'r');
	CHECK(letter_at(&world.ledger, 15) == 'r');
	CHECK(letter_at(&world.ledger, 16) == 'l');
	CHECK(letter_at(&world.ledger, 255) == 'l');
	CHECK(letter_at(&world.ledger, 256) == 'f');
	CHECK(letter_at(&world.ledger, 1024) == 'b');
	CHECK(letter_at(&world.ledger, 2047) == 'f');
	CHECK(letter_at(&world.ledger, 2048) == 'r');
	CHECK(ledger_pages(&world.ledger, OWNER_LOW) == 240);
	CHECK(ledger_pages(&world.ledger, OWNER_RESERVED) == 16 + 2048);
	CHECK(ledger_pages(&world.ledger, OWNER_BOOT_RECLAIMABLE) == 256);
	CHECK(ledger_pages(&world.ledger, OWNER_MODULE) == 0);
	CHECK(ledger_total(&world.ledger) == 4096);
	world_close(&world);
}

/* Pages that the firmware named and that region has no kind for. */
CASE(ledger_keeps_the_odd_bytes_as_reserved)
{
	uint64_t first = PICTURE_FIRST * PAGE_SIZE;
	struct world world = { 0 };

	add(&world, first + 1, 4 * PAGE_SIZE, EFI_TYPE_CONVENTIONAL, WB);
	add(&world, first + 8 * PAGE_SIZE, 5, EFI_TYPE_CONVENTIONAL, WB);
	add(&world, first + 10 * PAGE_SIZE + 5, 0, EFI_TYPE_RESERVED, 0);
	add(&world, first + 12 * PAGE_SIZE - 1, 2, EFI_TYPE_ACPI_NVS, WB);
	CHECK(world_build(&world) == ST_OK);
	CHECK(looks_like(&world.ledger, "rfffr...r..ww."));
	world_close(&world);
}

CASE(ledger_cuts_at_the_end_of_physical_addresses)
{
	uint64_t last = (PHYSICAL_LIMIT >> PAGE_SHIFT) - 1;
	struct world world = { 0 };

	add(&world, PHYSICAL_LIMIT - 3 * PAGE_SIZE, UINT64_MAX,
	    EFI_TYPE_CONVENTIONAL, WB);
	add(&world, PHYSICAL_LIMIT - PAGE_SIZE, 9 * PAGE_SIZE,
	    EFI_TYPE_MMIO, 0);
	add(&world, PHYSICAL_LIMIT, PAGE_SIZE, EFI_TYPE_RESERVED, 0);
	add(&world, UINT64_MAX, UINT64_MAX, EFI_TYPE_RESERVED, 0);
	CHECK(world_build(&world) == ST_OK);
	CHECK(letter_at(&world.ledger, last - 3) == '.');
	CHECK(letter_at(&world.ledger, last - 2) == 'r');
	CHECK(letter_at(&world.ledger, last - 1) == 'r');
	CHECK(letter_at(&world.ledger, last) == 'm');
	CHECK(letter_at(&world.ledger, last + 1) == '.');
	CHECK(ledger_total(&world.ledger) == 3 && ledger_audit(&world.ledger));
	world_close(&world);
}

CASE(ledger_lays_owned_runs_over_usable_memory)
{
	struct world world = { 0 };

	add_picture(&world, "FFFFLLLL..RRLL");
	add_owned(&world, "..kkss.k....k.");
	CHECK(world_build(&world) == ST_OK);
	CHECK(looks_like(&world.ledger, "ffkkssbk..rrkb"));
	world_close(&world);
	world = (struct world){ 0 };
	add_picture(&world, "FFFFLLLL");
	add_owned(&world, "..kkkk..");
	CHECK(world_build(&world) == ST_OK);
	CHECK(looks_like(&world.ledger, "ffkkkkbb"));
	world_close(&world);
}

static enum status build_with(struct world *world, struct owned_run run)
{
	world->owned[0] = run;
	world->owned_count = 1;
	return world_build(world);
}

CASE(ledger_refuses_owned_runs_that_are_not_usable)
{
	static const struct owned_run bad[] = {
		{ { PICTURE_FIRST + 5 }, 2, OWNER_LOG, 0 }, /* keep     */
		{ { PICTURE_FIRST + 7 }, 2, OWNER_LOG, 0 }, /* unnamed  */
		{ { PICTURE_FIRST + 8 }, 1, OWNER_LOG, 0 },
		{ { PICTURE_FIRST + 11 }, 2, OWNER_LOG, 0 }, /* beyond  */
		{ { 0 }, 1, OWNER_LOG, 0 },
	};
	struct world world = { 0 };

	add_picture(&world, "FFFFFFRR.FFF");
	CHECK(build_with(&world, (struct owned_run){
		{ PICTURE_FIRST }, 6, OWNER_LOG, 0 }) == ST_OK);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		CHECK(build_with(&world, bad[i]) == ST_CONFLICT);
		CHECK(world.ledger.count == 0);
	}
	CHECK(build_with(&world, (struct owned_run){
		{ PICTURE_FIRST }, 0, OWNER_LOG, 0 }) == ST_BAD_RANGE);
	CHECK(build_with(&world, (struct owned_run){
		{ PICTURE_FIRST }, UINT64_MAX, OWNER_LOG, 0 }) == ST_BAD_RANGE);
	CHECK(build_with(&world, (struct owned_run){
		{ PICTURE_FIRST }, 1, OWNER_COUNT, 0 }) == ST_BAD_ARGUMENT);
	/* Two owned runs must not share a page. */
	add_owned(&world, "..kk");
	world.owned[0] = (struct owned_run){
		{ PICTURE_FIRST }, 3, OWNER_LOG, 0,
	};
	CHECK(world_build(&world) == ST_CONFLICT);
	world_close(&world);
}

CASE(ledger_refuses_what_has_no_room)
{
	struct world world = { 0 };
	struct ledger_request request;
	uint64_t pages;

	add_picture(&world, "F.L.R.A");
	CHECK(world_build(&world) == ST_OK && world.ledger.count == 4);
	request = (struct ledger_request){
		.entries = world.entries, .count = world.count,
		.scratch = world.scratch,
		.scratch_bytes = world.scratch_bytes - 1,
	};
	CHECK(ledger_build(&world.ledger, &request) == ST_FULL);
	CHECK(ledger_named_pages(world.entries, world.count, world.scratch,
				 world.scratch_bytes - 1, &pages) == ST_FULL);
	request.scratch_bytes++;
	world.ledger.capacity = 3;
	CHECK(ledger_build(&world.ledger, &request) == ST_FULL);
	CHECK(world.ledger.count == 0);
	world.ledger.capacity = 4;
	CHECK(ledger_build(&world.ledger, &request) == ST_OK);
	CHECK(ledger_scratch_bytes(SIZE_MAX) == SIZE_MAX);
	request.scratch = (char *)world.scratch + 4;
	CHECK_ASSERTS((void)!ledger_build(&world.ledger, &request));
	world_close(&world);
}

/* --- moving ---------------------------------------------------------------*/

static enum status move(struct ledger *ledger, const char *letters,
			uint64_t first, uint64_t frames)
{
	enum owner from = OWNER_COUNT, to = OWNER_COUNT;

	for (unsigned i = 0; i < OWNER_COUNT; i++) {
		if (owner_letters[i] == letters[0])
			from = (enum owner)i;
		if (owner_letters[i] == letters[1])
			to = (enum owner)i;
	}
	return ledger_move(ledger, (struct frame_run){
		{ PICTURE_FIRST + first }, frames }, from, to);
}

static void check_move(const char *letters, uint64_t first, uint64_t frames,
		       const char *want)
{
	struct world world = { 0 };

	add_picture(&world, "FFFFLLLL..RR");
	CHECK(world_build(&world) == ST_OK);
	CHECK(move(&world.ledger, letters, first, frames) == ST_OK);
	CHECK(looks_like(&world.ledger, want));
	world_close(&world);
}

CASE(ledger_moves_and_joins)
{
	check_move("fs", 1, 2, "fssfbbbb..rr");
	check_move("fs", 0, 4, "ssssbbbb..rr");
	check_move("fs", 0, 1, "sfffbbbb..rr");
	check_move("bf", 4, 2, "ffffffbb..rr");
	check_move("bf", 4, 4, "ffffffff..rr");
	check_move("bf", 6, 2, "ffffbbff..rr");
	check_move("fb", 3, 1, "fffbbbbb..rr");
	check_move("rf", 10, 2, "ffffbbbb..ff");
	check_move("ff", 1, 2, "ffffbbbb..rr");
}

CASE(ledger_refuses_moves_whole)
{
	struct world world = { 0 };
	struct ledger *ledger = &world.ledger;

	add_picture(&world, "FFFFLLLL..RR");
	CHECK(world_build(&world) == ST_OK);
	CHECK(move(ledger, "fs", 3, 2) == ST_CONFLICT);
	CHECK(move(ledger, "bs", 3, 2) == ST_CONFLICT);
	CHECK(move(ledger, "bs", 7, 2) == ST_CONFLICT);
	CHECK(move(ledger, "fs", 8, 1) == ST_CONFLICT);
	CHECK(move(ledger, "rs", 9, 2) == ST_CONFLICT);
	CHECK(move(ledger, "rs", 11, 2) == ST_CONFLICT);
	CHECK(move(ledger, "fs", 1, 0) == ST_BAD_RANGE);
	CHECK(move(ledger, "fs", 1, UINT64_MAX) == ST_BAD_RANGE);
	CHECK(move(ledger, "fs", 1, 1UL << 40) == ST_BAD_RANGE);
	ledger->capacity = ledger->count + 1;
	CHECK(move(ledger, "fs", 1, 2) == ST_FULL);
	CHECK(looks_like(ledger, "ffffbbbb..rr"));
	CHECK(move(ledger, "fs", 0, 2) == ST_OK);
	CHECK(looks_like(ledger, "ssffbbbb..rr"));
	world_close(&world);
}

CASE(ledger_finds_what_an_owner_has)
{
	struct world world = { 0 };
	struct frame_run run = { { 0 }, 0 };
	pfn_t at = { PICTURE_FIRST };

	add_picture(&world, "FF.LL.FFFF");
	CHECK(world_build(&world) == ST_OK);
	CHECK(ledger_find_owned(&world.ledger, OWNER_FREE, at, &run) == ST_OK);
	CHECK(run.first.raw == PICTURE_FIRST && run.frames == 2);
	at.raw += 2;
	CHECK(ledger_find_owned(&world.ledger, OWNER_FREE, at, &run) == ST_OK);
	CHECK(run.first.raw == PICTURE_FIRST + 6 && run.frames == 4);
	at.raw += 5;
	CHECK(ledger_find_owned(&world.ledger, OWNER_FREE, at, &run) == ST_OK);
	CHECK(run.first.raw == PICTURE_FIRST + 7 && run.frames == 3);
	at.raw += 3;
	CHECK(ledger_find_owned(&world.ledger, OWNER_FREE, at, &run) ==
	      ST_NOT_FOUND);
	world_close(&world);
}

CASE(ledger_audit_sees_each_broken_invariant)
{
	struct ledger_run good[] = {
		{ { 1 }, 2, OWNER_FREE }, { { 3 }, 2, OWNER_LOG },
		{ { 9 }, 1, OWNER_LOG },
	};
	struct ledger_run runs[3];
	struct ledger ledger = { runs, 3, 3 };

#define BREAK(change)							\
	memcpy(runs, good, sizeof(good));				\
	CHECK(ledger_audit(&ledger));					\
	change;								\
	CHECK(!ledger_audit(&ledger));
	BREAK(runs[1].frames = 0)
	BREAK(runs[1].first.raw = 2)
	BREAK(runs[1].first.raw = 0)
	BREAK(runs[1].owner = OWNER_FREE)
	BREAK(runs[1].owner = OWNER_COUNT)
	BREAK(runs[2].frames = 1UL << 40)
	BREAK(runs[2].first.raw = UINT64_MAX)
	BREAK(ledger.capacity = 2)
#undef BREAK
}

CASE(ledger_names_all_owners_in_their_order)
{
	CHECK(strcmp(owner_name(OWNER_FREE), "free") == 0);
	CHECK(strcmp(owner_name(OWNER_BOOT_RECLAIMABLE),
		     "boot_reclaimable") == 0);
	CHECK(strcmp(owner_name(OWNER_BAD), "bad") == 0);
	CHECK_ASSERTS(owner_name(OWNER_COUNT));
}

CASE(ledger_knows_whose_a_byte_is)
{
	static const struct {
		uint8_t byte;
		enum owner owner;
	} bytes[] = {
		{ 0, OWNER_FREE }, { OWNER_BAD, OWNER_BAD },
		{ OWNER_COUNT, OWNER_RESERVED }, { 63, OWNER_RESERVED },
		{ LEDGER_BYTE_SHARERS, OWNER_USER_ANON },
		{ 127, OWNER_USER_ANON }, { LEDGER_BYTE_SLAB, OWNER_HEAP },
		{ 191, OWNER_HEAP },
		{ LEDGER_BYTE_FIXED + OWNER_RESERVED, OWNER_RESERVED },
		{ LEDGER_BYTE_FIXED + OWNER_BAD, OWNER_BAD },
		{ LEDGER_BYTE_FIXED + OWNER_COUNT, OWNER_RESERVED },
		{ 223, OWNER_RESERVED }, { 224, OWNER_PAGE_TABLE },
		{ 255, OWNER_PAGE_TABLE },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(bytes); i++)
		CHECK(ledger_byte_owner(bytes[i].byte) == bytes[i].owner);
}

/* --- random moves against a page model ------------------------------------*/

#define MODEL_PAGES 200

/* The number of runs in the picture. */
static size_t model_runs(const char *model)
{
	size_t runs = 0;

	for (size_t i = 0; i < MODEL_PAGES; i++)
		runs += model[i] != '.' && (i == 0 || model[i] != model[i - 1]);
	return runs;
}

static void compare_with_model(const struct ledger *ledger, const char *model)
{
	uint64_t pages[128] = { 0 };

	for (size_t i = 0; i < MODEL_PAGES; i++) {
		pages[(unsigned)model[i]]++;
		CHECK(letter_at(ledger, PICTURE_FIRST + i) == model[i]);
	}
	CHECK(ledger->count == model_runs(model));
	CHECK(ledger_pages(ledger, OWNER_FREE) == pages['f']);
	CHECK(ledger_pages(ledger, OWNER_STACK) == pages['s']);
	CHECK(ledger_pages(ledger, OWNER_KERNEL_IMAGE) == pages['k']);
	CHECK(ledger_total(ledger) == MODEL_PAGES - pages['.']);
	CHECK(ledger_audit(ledger));
}

static void walk_move(struct ledger *ledger, char *model, uint64_t *seed)
{
	static const char owners[] = "fsk";
	size_t first = check_random(seed) % MODEL_PAGES;
	size_t frames = 1 + check_random(seed) % 12;
	char letters[2] = { model[first], owners[check_random(seed) % 3] };
	char after[MODEL_PAGES + 12];
	enum status want = ST_OK;

	if (letters[0] == '.' || check_random(seed) % 8 == 0)
		letters[0] = owners[check_random(seed) % 3];
	memset(after, '.', sizeof(after));
	memcpy(after, model, MODEL_PAGES);
	for (size_t i = first; i < first + frames; i++) {
		if (after[i] != letters[0])
			want = ST_CONFLICT;
		after[i] = letters[1];
	}
	if (want == ST_OK && model_runs(after) > ledger->capacity)
		want = ST_FULL;
	CHECK(move(ledger, letters, first, frames) == want);
	if (want == ST_OK)
		memcpy(model, after, MODEL_PAGES);
}

CASE(ledger_walks_at_random_like_a_page_model)
{
	uint64_t seed = check_seed();
	struct ledger_run runs[60];
	struct ledger ledger = { runs, 0, ARRAY_LENGTH(runs) };
	char model[MODEL_PAGES];

	memset(model, '.', sizeof(model));
	for (size_t i = 0; i < MODEL_PAGES; i += 50) {
		memset(model + i, 'f', 45);
		runs[ledger.count++] = (struct ledger_run){
			{ PICTURE_FIRST + i }, 45, OWNER_FREE,
		};
	}
	for (unsigned step = 0; step < 200000; step++) {
		walk_move(&ledger, model, &seed);
		if (step % 16 == 0)
			compare_with_model(&ledger, model);
	}
}
