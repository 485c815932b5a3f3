/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frames.h - the machine's frame pools, one a node, and each CPU's caches.
 *
 * From frames_start on all usable memory is in the pools: what was free is
 * free there, what was in use is allocated there to its owner.
 */
#ifndef KERNEL_MEMORY_FRAMES_H
#define KERNEL_MEMORY_FRAMES_H

#include <arch/cpu_local.h>
#include <boot/owner.h>
#include <mm/frame.h>
#include <mm/frame_cache.h>
#include <mm/frame_many.h>

/* In a request: the node of the CPU that asks. */
#define FRAMES_HOME	UINT32_MAX

/*
 * Takes all over from the early list, which is empty then. Boot CPU only,
 * before the others start; their number and nodes are known.
 * Fails: ST_NO_MEMORY, ST_FULL; there is no going on then.
 */
enum status frames_start(void);

/*
 * As frame_alloc. A task waits: before a refusal all CPUs drain their caches,
 * and leave them empty until it has looked again (frame_drain.h).
 * Cost: see frame_cache.h for single frames and blocks of the own node
 *       without a limit, frame.h for all else.
 */
enum status frames_alloc(const struct frame_request *request, pfn_t *out);

/* As frame_free. A refusal has been said in the log, with the caller. */
enum status frames_free(const struct frame_return *what);

/*
 * As frame_alloc_many and frame_free_many, through this CPU's cache. A task
 * waits as in frames_alloc.
 */
enum status frames_alloc_many(const struct frame_request *request,
			      struct frame_array out);
enum status frames_free_many(const struct frame_many_return *what);

/*
 * The node whose memory CPU `cpu` uses first: its own, or the nearest that
 * has any. From frames_start on, of a CPU that may be started.
 */
unsigned frames_home_of(unsigned cpu);

/*
 * This CPU's cache in this context: the shortest way to single frames. It
 * knows of no shortage, so it is for measuring only.
 */
struct frame_cache *frames_cache(void);

/* CPU `cpu`'s, in either context. At a quiet moment, or for display. */
const struct frame_cache *frames_cache_of(unsigned cpu,
					  enum cpu_context context);

/*
 * Each CPU's caches have been empty at some time when it returns; true when
 * that returned any frame to a pool. From tasks only.
 */
bool frames_drain_all(void);

struct frame_nodes *frames_nodes(void);

/* Fails: ST_NOT_FOUND when no pool has this frame: none before frames_start. */
enum status frames_query(pfn_t frame, struct frame_info *out);

/* The sum of the counts of all pools. */
void frames_count(struct frame_count *out);

/* Every pool and every cache against its invariants, and one with the other. */
bool frames_audit(void);

#endif
