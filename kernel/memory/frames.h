/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frames.h - the machine's frame pools, one a node, and each CPU's caches.
 *
 * From frames_start on all usable memory is in the pools: free memory as free,
 * memory in use as allocated to its owner.
 */
#ifndef KERNEL_MEMORY_FRAMES_H
#define KERNEL_MEMORY_FRAMES_H

#include <arch/cpu_local.h>
#include <boot/owner.h>
#include <mm/frame_audit.h>
#include <mm/frame_bytes.h>
#include <mm/frame_many.h>
#include <mm/frame_query.h>

/* In a request: the node of the CPU that calls. */
#define FRAMES_HOME	UINT32_MAX

/*
 * Moves all memory into the pools; the early list is empty afterwards. Boot
 * CPU only, after cpus_find and before the other CPUs start.
 * Fails: ST_NO_MEMORY, ST_FULL; the boot cannot continue then.
 */
enum status frames_start(void);

/*
 * As frame_alloc. A task waits: before a refusal all CPUs drain their caches,
 * and keep them empty until it has searched again (frame_drain.h). It polls
 * while it waits, and while it clears more than 2 MiB. With FRAME_NO_WAIT it is
 * refused at once, as a handler is: it starts no drain, and in a shortage
 * gets only frames that the pools have. Where this CPU's cache has the frame,
 * `rule` and `patience` are not read, so nonsense in them is not refused.
 * Cost: see frame_cache.h for single frames and blocks of the own node
 *       without a limit, frame.h for all else.
 */
enum status frames_alloc(const struct frame_request *request, pfn_t *out);

/* As frame_free. A refusal is logged, with the caller. */
enum status frames_free(const struct frame_return *what);

/* Gives the CPU of `area` its caches. Before it allocates. */
struct cpu_local;
void frames_init_cpu(struct cpu_local *area);

/*
 * As frame_alloc_many and frame_free_many, through this CPU's cache. A task
 * waits as in frames_alloc.
 */
enum status frames_alloc_many(const struct frame_request *request,
			      struct frame_array out);
enum status frames_free_many(const struct frame_many_return *what);

/*
 * The node whose memory CPU `cpu` uses first: its own, or the nearest that has
 * memory. From frames_start on, for a CPU that may be started.
 */
unsigned frames_home_of(unsigned cpu);

/*
 * This CPU's cache in this context. It ignores shortages, so only measurements
 * may use it directly.
 */
struct frame_cache *frames_cache(void);

/* The cache of CPU `cpu`, task or interrupt; while it is quiet, or to print. */
const struct frame_cache *frames_cache_of(unsigned cpu,
					  enum cpu_context context);

/*
 * Makes every CPU drain its caches; true when any frame was in one. From tasks
 * only.
 */
bool frames_drain_all(void);

struct frame_nodes *frames_nodes(void);

/* As frame_exchange_byte and frame_split: a count, and a block in place. */
static inline enum status
frames_exchange_byte(const struct frame_byte_change *change, uint8_t *found)
{
	return frame_exchange_byte(frames_nodes(), change, found);
}

static inline enum status frames_split(const struct frame_byte_change *change)
{
	return frame_split(frames_nodes(), change);
}

/* Fails: ST_NOT_FOUND when no pool has this frame: none before frames_start. */
enum status frames_query(pfn_t frame, struct frame_info *out);

/* The sum of the counts of all pools. */
void frames_count(struct frame_count *out);

/*
 * Quiet moment: checks all pools and caches, and each against the other. True
 * when there is damage: the first that was found is in `out`. One task at a
 * time. Cost: see frame_audit.
 */
bool frames_find_damage(struct frame_finding *out);

/* The same; false, and logs the finding, when there is damage. */
bool frames_audit(void);

#endif
