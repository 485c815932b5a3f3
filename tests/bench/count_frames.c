// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Counts what an operation of the frame allocator costs: instructions by
 * callgrind, locked accesses and cache lines at the atomics. All that CPUs
 * share and change is an atomic cell, so these are the lines that can be
 * elsewhere; a cache's own lines and the stack are not counted.
 *
 * count_frames.sh builds this file twice: with atomics that report each
 * access (@sample lines), and without, to run under callgrind (a dump for
 * each sample, labelled likewise). Both do the same, to the last frame.
 *
 * All memory is allocated: as giants but for GIANTS_OPEN of them, these as
 * blocks but for SPLIT_MOST, and these as frames, of which one in each block
 * or more is freed. So the trees have all their levels and are nearly empty,
 * and 4 TiB are set up as fast as 64 GiB. The number of frames that a cache
 * holds before and after tells whether it used the pool.
 */
#include <base/assert.h>
#include <mm/frame_cache.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <valgrind/callgrind.h>

#define BLOCK 512UL
#define GIANT 262144UL
#define OWNER 12

#define GIANTS_OPEN 64U
#define SPLIT_MOST 128U
/* Blocks come in fours: one that may be split, an allocated one, and a pair. */
#define GROUP 4U
#define GROUPS_PER_GIANT (BLOCK / GROUP)

#define SOME 24U		/* operations on the pool alone              */
#define MANY 96U		/* on a cache, before it is drained          */
#define ROUNDS 2U
#define SEARCHES 4U		/* long ones                                 */
#define SAMPLES_MOST 48U	/* of one row                                */
/* Of what a cache does alone, each so many: in step with no word or list. */
#define STRIDE 7U

_Noreturn void assert_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, text);
	exit(1);
}

/* --- counting --------------------------------------------------------------*/

#define LINES (1U << 18)

static struct {
	uint64_t line[LINES];		/* hashed; `when`: the operation     */
	uint32_t when[LINES];
	uint32_t operation;		/* 0: nothing is counted             */
	uint32_t last_operation;
	unsigned locked;
	unsigned lines;
} counted;

/* Called in the one build only, in which a header says so too. */
void note_access(const volatile void *place, unsigned is_locked);

void note_access(const volatile void *place, unsigned is_locked)
{
	uint64_t line = (uint64_t)(uintptr_t)place >> 6;
	unsigned at = (unsigned)(line * 0x9e3779b97f4a7c15 >> 46);

	if (counted.operation == 0)
		return;
	counted.locked += is_locked;
	while (counted.when[at] == counted.operation) {
		if (counted.line[at] == line)
			return;
		at = (at + 1) & (LINES - 1);
	}
	ASSERT(++counted.lines < LINES / 2);
	counted.when[at] = counted.operation;
	counted.line[at] = line;
}

/* --- a machine -------------------------------------------------------------*/

enum row {
	NOTHING,
	CACHE_4K_ALLOC, CACHE_4K_REFILL, CACHE_4K_FREE, CACHE_4K_FLUSH,
	CACHE_4K_DRAIN, CACHE_2M_ALLOC, CACHE_2M_REFILL, CACHE_2M_FREE,
	CACHE_2M_FLUSH, CACHE_2M_DRAIN,
	POOL_4K_ALLOC, POOL_4K_FREE, POOL_2M_ALLOC, POOL_2M_FREE,
	POOL_1G_ALLOC, POOL_1G_FREE,
	RUN_3_ALLOC, RUN_3_FREE, RUN_1024_ALLOC, RUN_1024_FREE,
	REFUSE_1G, REFUSE_RUN,
	ROWS,
};

struct machine {
	struct frame_pool pool;
	struct frame_cache_set set;
	struct frame_cache *cache;
	uint64_t gib;
	unsigned open_count;
	uint64_t open[GIANTS_OPEN];	/* giants, as relative numbers       */
	uint64_t splits;		/* every so many groups              */
	pfn_t held[MANY];		/* what an operation gets or gives   */
	pfn_t *next;
	enum status status;		/* of the last operation             */
	uint64_t seed;
	unsigned passed;
	unsigned samples[ROWS];
};

static uint64_t random_below(struct machine *machine, uint64_t limit)
{
	machine->seed = machine->seed * 6364136223846793005UL +
			1442695040888963407UL;
	return (machine->seed >> 33) % limit;
}

/* Zero, there only where it is touched, and never given back. */
static void *memory_of(uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ASSERT(memory != MAP_FAILED);
	return memory;
}

static void make_pool(struct machine *machine, unsigned cpus)
{
	uint64_t frames = machine->gib * GIANT;
	struct frame_pool_request request = {
		.frames = frames, .shape = FRAME_SHAPE_PC, .slots = 2 * cpus,
	};
	struct frame_run all = { { 0 }, frames };
	struct frame_pool_sizes sizes;

	ASSERT(frame_pool_measure(&request, &sizes) == ST_OK);
	request.bits = memory_of(sizes.bits);
	request.hints = memory_of(sizes.hints);
	request.frame_owner = memory_of(sizes.frame_owner);
	request.block_owner = memory_of(sizes.block_owner);
	request.giant_owner = memory_of(sizes.giant_owner);
	request.trees = memory_of(sizes.trees);
	request.activity = memory_of(sizes.activity);
	ASSERT(frame_pool_init(&machine->pool, &request) == ST_OK);
	ASSERT(frame_pool_add(&machine->pool, 0, all) == ST_OK);
	machine->set = (struct frame_cache_set){
		.pool = &machine->pool,
		.cpus = cpus,
		.caches = memory_of(2 * cpus * sizeof(struct frame_cache)),
	};
	frame_cache_set_init(&machine->set);
	machine->cache = &machine->set.caches[0];
}

/* --- operations ------------------------------------------------------------*/

static enum status no_operation(struct frame_cache *cache, uint8_t owner,
				pfn_t *out)
{
	(void)cache;
	(void)owner;
	(void)out;
	return ST_OK;
}

typedef enum status (*cache_call)(struct frame_cache *cache, uint8_t owner,
				  pfn_t *out);

/* Its cost is not the allocator's. Volatile, so that it is not inlined. */
static void nothing(struct machine *machine,
		    const struct frame_request *request)
{
	static cache_call volatile call = no_operation;

	(void)request;
	machine->status = call(machine->cache, OWNER, machine->next);
}

static void cache_alloc(struct machine *machine,
			const struct frame_request *request)
{
	(void)request;
	machine->status = frame_cache_alloc(machine->cache, OWNER,
					    machine->next);
}

static void cache_free(struct machine *machine,
		       const struct frame_request *request)
{
	(void)request;
	machine->status =
		frame_cache_free(machine->cache, *machine->next, NULL);
}

static void cache_alloc_block(struct machine *machine,
			      const struct frame_request *request)
{
	(void)request;
	machine->status = frame_cache_alloc_block(machine->cache, OWNER,
						  machine->next);
}

static void cache_free_block(struct machine *machine,
			     const struct frame_request *request)
{
	(void)request;
	machine->status = frame_cache_free_block(machine->cache, *machine->next,
						 NULL);
}

static void cache_drain(struct machine *machine,
			const struct frame_request *request)
{
	(void)request;
	frame_cache_drain(machine->cache);
	machine->status = ST_OK;
}

static void pool_alloc(struct machine *machine,
		       const struct frame_request *request)
{
	machine->status = frame_pool_alloc(&machine->pool, 0, request,
					   machine->next);
}

static void pool_free(struct machine *machine,
		      const struct frame_request *request)
{
	struct frame_return back = { *machine->next, request->size,
				     request->pages, NULL };

	machine->status = frame_pool_free(&machine->pool, 0, &back);
}

typedef void (*operation)(struct machine *machine,
			  const struct frame_request *request);

static const struct frame_request one_frame = { FRAME_4K, .owner = OWNER };
static const struct frame_request one_block = { FRAME_2M, .owner = OWNER };
static const struct frame_request one_giant = { FRAME_1G, .owner = OWNER };
static const struct frame_request three_pages = {
	FRAME_RUN, .pages = 3, .owner = OWNER,
};
static const struct frame_request two_blocks = {
	FRAME_RUN, .pages = 2 * BLOCK, .owner = OWNER,
};

static const struct {
	const char *name;
	operation call;
	const struct frame_request *request;	/* of the pool               */
} rows[ROWS] = {
	[NOTHING] = { "nothing", nothing, NULL },
	[CACHE_4K_ALLOC] = { "cache_4k_alloc", cache_alloc, NULL },
	[CACHE_4K_REFILL] = { "cache_4k_alloc_refill", cache_alloc, NULL },
	[CACHE_4K_FREE] = { "cache_4k_free", cache_free, NULL },
	[CACHE_4K_FLUSH] = { "cache_4k_free_flush", cache_free, NULL },
	[CACHE_4K_DRAIN] = { "cache_4k_drain", cache_drain, NULL },
	[CACHE_2M_ALLOC] = { "cache_2m_alloc", cache_alloc_block, NULL },
	[CACHE_2M_REFILL] = { "cache_2m_alloc_refill", cache_alloc_block,
			      NULL },
	[CACHE_2M_FREE] = { "cache_2m_free", cache_free_block, NULL },
	[CACHE_2M_FLUSH] = { "cache_2m_free_flush", cache_free_block, NULL },
	[CACHE_2M_DRAIN] = { "cache_2m_drain", cache_drain, NULL },
	[POOL_4K_ALLOC] = { "pool_4k_alloc", pool_alloc, &one_frame },
	[POOL_4K_FREE] = { "pool_4k_free", pool_free, &one_frame },
	[POOL_2M_ALLOC] = { "pool_2m_alloc", pool_alloc, &one_block },
	[POOL_2M_FREE] = { "pool_2m_free", pool_free, &one_block },
	[POOL_1G_ALLOC] = { "pool_1g_alloc", pool_alloc, &one_giant },
	[POOL_1G_FREE] = { "pool_1g_free", pool_free, &one_giant },
	[RUN_3_ALLOC] = { "run_3_pages_alloc", pool_alloc, &three_pages },
	[RUN_3_FREE] = { "run_3_pages_free", pool_free, &three_pages },
	[RUN_1024_ALLOC] = { "run_2_blocks_alloc", pool_alloc, &two_blocks },
	[RUN_1024_FREE] = { "run_2_blocks_free", pool_free, &two_blocks },
	[REFUSE_1G] = { "refuse_1g", pool_alloc, &one_giant },
	[REFUSE_RUN] = { "refuse_run_2_blocks", pool_alloc, &two_blocks },
};

static void perform(struct machine *machine, enum row row)
{
	rows[row].call(machine, rows[row].request);
}

/* Of a group of four blocks in a giant that is open: its first frame. */
static uint64_t group_at(const struct machine *machine, uint64_t number)
{
	return machine->open[number / GROUPS_PER_GIANT] * GIANT +
	       number % GROUPS_PER_GIANT * GROUP * BLOCK;
}

static uint64_t random_group(struct machine *machine)
{
	return group_at(machine, random_below(machine, machine->open_count *
							GROUPS_PER_GIANT));
}

/* --- samples ---------------------------------------------------------------*/

/* Discards the counts so far. */
static void count_one(struct machine *machine, enum row row)
{
	/* Volatile: called alike, whatever the compiler knows of `row`. */
	operation volatile call = rows[row].call;

	counted.locked = counted.lines = 0;
	counted.operation = ++counted.last_operation;
	CALLGRIND_ZERO_STATS;
	CALLGRIND_TOGGLE_COLLECT;
	call(machine, rows[row].request);
	CALLGRIND_TOGGLE_COLLECT;
	counted.operation = 0;
}

static void keep_sample(struct machine *machine, enum row row)
{
	char label[80];

	if (machine->samples[row] >= SAMPLES_MOST)
		return;
	machine->samples[row]++;
	ASSERT(snprintf(label, sizeof(label), "%s %lu %u", rows[row].name,
			(unsigned long)machine->gib,
			machine->set.cpus) < (int)sizeof(label));
	CALLGRIND_DUMP_STATS_AT(label);
	printf("@sample %s %u %u\n", label, counted.locked, counted.lines);
}

static void sample(struct machine *machine, enum row row)
{
	count_one(machine, row);
	ASSERT(machine->status == ST_OK);
	keep_sample(machine, row);
}

/* The same for `count` that are held. */
static void sample_each(struct machine *machine, enum row row, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		machine->next = &machine->held[i];
		sample(machine, row);
	}
}

static void shuffle(struct machine *machine, unsigned count)
{
	for (unsigned i = count - 1; i > 0; i--) {
		unsigned j = (unsigned)random_below(machine, i + 1);
		pfn_t other = machine->held[j];

		machine->held[j] = machine->held[i];
		machine->held[i] = other;
	}
}

static bool is_held(const struct machine *machine, pfn_t frame)
{
	for (unsigned i = 0; i < MANY; i++)
		if (machine->held[i].raw == frame.raw)
			return true;
	return false;
}

/* Of those that are held, every other for one allocated long ago, anywhere. */
static void stir(struct machine *machine)
{
	uint64_t splits = machine->open_count * GROUPS_PER_GIANT /
			  machine->splits;

	for (unsigned i = 0; i < MANY;) {
		uint64_t group = random_below(machine, splits) *
				 machine->splits;
		pfn_t other = { group_at(machine, group) +
				random_below(machine, BLOCK) };

		if (is_held(machine, other) ||
		    frame_pool_query(&machine->pool, other).state !=
			    FRAME_STATE_ALLOCATED)
			continue;
		machine->held[i] = other;
		i += 2;
	}
}

/* Rows: when the cache does it alone; when it does not is the row after. */
struct cache_work {
	enum row alloc, free, drain;
	int64_t frames;
};

/* `change`: of the frames in the cache, when the pool is not needed. */
static void sample_cache(struct machine *machine, enum row row, int64_t change)
{
	struct frame_cache *cache = machine->cache;

	for (unsigned i = 0; i < MANY; i++) {
		uint64_t before = frame_cache_held(cache);

		machine->next = &machine->held[i];
		count_one(machine, row);
		ASSERT(machine->status == ST_OK);
		if (frame_cache_held(cache) != before + (uint64_t)change)
			keep_sample(machine, row + 1);
		else if (machine->passed++ % STRIDE == 0)
			keep_sample(machine, row);
	}
}

/*
 * MANY allocated; as many, others among them, given back in another order; so
 * that the next are allocated out of what is kept.
 */
static void sample_rounds(struct machine *machine,
			  const struct cache_work *work)
{
	for (unsigned i = 1; i <= 2 * ROUNDS; i++) {
		sample_cache(machine, work->alloc, -work->frames);
		if (work->frames == 1)
			stir(machine);
		shuffle(machine, MANY);
		sample_cache(machine, work->free, work->frames);
		if (i % 2 == 0)
			sample(machine, work->drain);
	}
}

/* --- how memory is allocated -----------------------------------------------*/

static bool gives(struct machine *machine, enum row row, pfn_t *out)
{
	machine->next = out;
	perform(machine, row);
	ASSERT(machine->status == ST_OK || machine->status == ST_NO_MEMORY);
	return machine->status == ST_OK;
}

/* Not counted, and cannot fail. */
static void takes(struct machine *machine, enum row row, uint64_t frame)
{
	pfn_t back = { frame };

	machine->next = &back;
	perform(machine, row);
	ASSERT(machine->status == ST_OK);
}

/* Allocates all memory as giants; then some as blocks, spread over the rest. */
static void open_giants(struct machine *machine)
{
	pfn_t frame;

	machine->open_count = machine->gib < GIANTS_OPEN ?
		(unsigned)machine->gib : GIANTS_OPEN;
	for (unsigned i = 0; i < machine->open_count; i++) {
		machine->open[i] = i * machine->gib / machine->open_count;
		takes(machine, POOL_1G_FREE, machine->open[i] * GIANT);
	}
	while (gives(machine, POOL_2M_ALLOC, &frame))
		continue;
}

/* Some blocks become frames, between an eighth and seven of which are free. */
static void scatter(struct machine *machine)
{
	uint64_t groups = machine->open_count * GROUPS_PER_GIANT;
	pfn_t frame;

	machine->splits = groups > SPLIT_MOST ? groups / SPLIT_MOST : 1;
	for (uint64_t i = 0; i < groups; i += machine->splits)
		takes(machine, POOL_2M_FREE, group_at(machine, i));
	while (gives(machine, CACHE_4K_ALLOC, &frame))
		continue;
	for (uint64_t i = 0; i < groups; i += machine->splits) {
		uint64_t eighths = 1 + random_below(machine, 7);

		for (uint64_t j = 0; j < BLOCK; j++) {
			frame.raw = group_at(machine, i) + j;
			if (random_below(machine, 8) < eighths)
				takes(machine, CACHE_4K_FREE, frame.raw);
		}
	}
	frame_cache_drain(machine->cache);
}

/* --- phases ----------------------------------------------------------------*/

/* All are allocated; one comes back and is allocated again. */
static void measure_giants(struct machine *machine)
{
	pfn_t frame;

	while (gives(machine, POOL_1G_ALLOC, &frame))
		continue;
	for (unsigned i = 0; i < SOME; i++) {
		frame.raw = random_below(machine, machine->gib) * GIANT;
		machine->next = &frame;
		sample(machine, POOL_1G_FREE);
		sample(machine, POOL_1G_ALLOC);
	}
}

static void measure_frames(struct machine *machine)
{
	sample_rounds(machine, &(struct cache_work){
		CACHE_4K_ALLOC, CACHE_4K_FREE, CACHE_4K_DRAIN, 1 });
	sample_each(machine, POOL_4K_ALLOC, SOME);
	shuffle(machine, SOME);
	sample_each(machine, POOL_4K_FREE, SOME);
}

/* Those free that are the third of their four, in one giant. */
static void measure_blocks(struct machine *machine)
{
	uint64_t first = random_below(machine, machine->open_count) *
			 GROUPS_PER_GIANT;
	pfn_t frame;

	for (unsigned i = 0; i < GROUPS_PER_GIANT; i++)
		takes(machine, POOL_2M_FREE,
		      group_at(machine, first + i) + 2 * BLOCK);
	sample_rounds(machine, &(struct cache_work){
		CACHE_2M_ALLOC, CACHE_2M_FREE, CACHE_2M_DRAIN, BLOCK });
	while (gives(machine, POOL_2M_ALLOC, &frame))
		continue;
	for (unsigned i = 0; i < SOME; i++) {
		frame.raw = random_group(machine) + 2 * BLOCK;
		machine->next = &frame;
		sample(machine, POOL_2M_FREE);
		sample(machine, POOL_2M_ALLOC);
	}
}

/* One pair of blocks is free, anywhere, and then not even that. */
static void measure_runs(struct machine *machine)
{
	sample_each(machine, RUN_3_ALLOC, SOME);
	shuffle(machine, SOME);
	sample_each(machine, RUN_3_FREE, SOME);
	for (unsigned i = 0; i < SEARCHES; i++) {
		uint64_t pair = random_group(machine) + 2 * BLOCK;
		pfn_t frame;

		takes(machine, POOL_2M_FREE, pair);
		takes(machine, POOL_2M_FREE, pair + BLOCK);
		machine->next = &machine->held[0];
		sample(machine, RUN_1024_ALLOC);
		ASSERT(machine->held[0].raw == pair);
		sample(machine, RUN_1024_FREE);
		ASSERT(gives(machine, POOL_2M_ALLOC, &frame));
		ASSERT(gives(machine, POOL_2M_ALLOC, &frame));
		ASSERT(!gives(machine, POOL_2M_ALLOC, &frame));
	}
}

static void sample_refusal(struct machine *machine, enum row row)
{
	machine->next = &machine->held[0];
	count_one(machine, row);
	ASSERT(machine->status == ST_NO_MEMORY);
	keep_sample(machine, row);
}

static void measure_machine(uint64_t gib, unsigned cpus)
{
	struct machine *machine = memory_of(sizeof(*machine));

	machine->gib = gib;
	machine->seed = gib;
	make_pool(machine, cpus);
	CALLGRIND_START_INSTRUMENTATION;
	sample(machine, NOTHING);
	measure_giants(machine);
	CALLGRIND_STOP_INSTRUMENTATION;
	open_giants(machine);
	scatter(machine);
	CALLGRIND_START_INSTRUMENTATION;
	measure_frames(machine);
	measure_blocks(machine);
	measure_runs(machine);
	sample_refusal(machine, REFUSE_1G);
	sample_refusal(machine, REFUSE_RUN);
	CALLGRIND_STOP_INSTRUMENTATION;
}

int main(void)
{
	static const uint64_t sizes[] = { 1, 8, 64, 600, 4096 };
	static const unsigned cpus[] = { 1, 4, 16 };

	for (unsigned i = 0; i < ROWS; i++)
		printf("@row %s\n", rows[i].name);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned j = 0; j < sizeof(cpus) / sizeof(cpus[0]); j++)
			measure_machine(sizes[i], cpus[j]);
	return 0;
}
