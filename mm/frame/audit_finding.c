// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Describes a frame that is not right: every place that holds it. The places
 * are searched for once more, so that the audit need not remember them for
 * frames that are right.
 */
#include "audit.h"

#include <base/assert.h>
#include <base/text.h>
#include <mm/ledger.h>

#include "tree.h"

static void add(struct frame_finding *out, struct frame_holder holder)
{
	if (out->holders < FRAME_HOLDERS_MOST)
		out->holder[out->holders] = holder;
	out->holders++;
}

static void add_bit(struct frame_finding *out, enum frame_size size, bool bit)
{
	if (bit)
		add(out, (struct frame_holder){ .kind = FRAME_HELD_BY_BIT,
						.size = size });
}

static void add_owner(struct frame_finding *out, enum frame_size size,
		      const atomic_u8 *byte)
{
	uint8_t owner = atomic_load_relaxed(byte);

	if (owner != FRAME_BYTE_FREE)
		add(out, (struct frame_holder){ .kind = FRAME_HELD_BY_OWNER,
						.size = size,
						.owner = owner });
}

/* Bits and bytes, as far as they mean something. */
static void add_places(const struct frame_pool *pool, uint64_t frame,
		       struct frame_finding *out)
{
	uint64_t block = frame >> pool->shape.block_shift;
	uint64_t giant = block >> pool->shape.giant_shift;
	uint16_t hint;

	add_bit(out, FRAME_1G, frame_tree_has(&pool->giants, giant));
	add_owner(out, FRAME_1G, &pool->giant_owner[giant]);
	if (frame_giant_state(pool, block) != FRAME_GIANT_OPEN)
		return;
	add_bit(out, FRAME_2M, frame_tree_has(&pool->blocks, block));
	add_owner(out, FRAME_2M, &pool->block_owner[block]);
	hint = atomic_load_relaxed(&pool->hints[block]);
	if (hint == FRAME_ABSENT || hint == FRAME_UNINIT)
		return;
	add_bit(out, FRAME_4K,
		atomic_load_relaxed(&pool->bits[word_index(frame)]) >>
				word_bit(frame) & 1);
	add_owner(out, FRAME_4K, &pool->frame_owner[frame]);
}

static bool has_frame(const struct frame_pool *pool,
		      const struct frame_cached *cached, uint64_t frame)
{
	if (cached->size == FRAME_2M)
		return frame >> pool->shape.block_shift ==
		       cached->first >> pool->shape.block_shift;
	return frame - cached->first < FRAME_WORD_BITS &&
	       (cached->mask >> (frame - cached->first) & 1);
}

static void add_caches(const struct frame_audit_request *request,
		       uint64_t frame, struct frame_finding *out)
{
	for (unsigned slot = 0; slot < request->slots; slot++) {
		const struct frame_cache *cache = &request->caches[slot];
		struct frame_cached cached;

		if (cache->pool != request->pool)
			continue;
		for (unsigned i = 0; frame_cached_at(cache, i, &cached); i++)
			if (has_frame(request->pool, &cached, frame))
				add(out, (struct frame_holder){
					.kind = FRAME_HELD_BY_CACHE,
					.size = cached.size,
					.slot = slot });
	}
}

bool frame_found(struct audit *audit, enum frame_finding_kind kind,
		 uint64_t frame)
{
	ASSERT(kind != FRAME_FOUND_NOTHING && kind < FRAME_FINDINGS);
	*audit->out = (struct frame_finding){
		.kind = kind,
		.frame = { audit->pool->first + frame },
	};
	if (frame < audit->pool->frames)
		add_places(audit->pool, frame, audit->out);
	add_caches(audit->request, frame, audit->out);
	return false;
}

bool frame_found_slot(struct audit *audit, enum frame_finding_kind kind,
		      cpu_slot slot)
{
	*audit->out = (struct frame_finding){ .kind = kind, .slot = slot };
	return false;
}

/* --- text ------------------------------------------------------------------*/

static const char *name_of(enum frame_finding_kind kind)
{
	static const char *const names[FRAME_FINDINGS] = {
		[FRAME_FOUND_NOTHING] = "nothing",
		[FRAME_FOUND_FREE_TWICE] = "free twice",
		[FRAME_FOUND_NOT_MERGED] = "free in parts and not merged",
		[FRAME_FOUND_NOT_LISTED] = "free and not reached by a bit",
		[FRAME_FOUND_FREE_WITH_OWNER] = "free and allocated",
		[FRAME_FOUND_ALLOCATED_TWICE] = "allocated in two sizes",
		[FRAME_FOUND_BAD_BYTE] = "a byte that no owner has",
		[FRAME_FOUND_LOST] = "lost",
		[FRAME_FOUND_OUTSIDE] = "not the pool's",
		[FRAME_FOUND_BAD_HINT] = "a block in a giant that is not open",
		[FRAME_FOUND_ODD_STEP] = "a step that has not ended",
		[FRAME_FOUND_FREE_AND_CACHED] = "free and cached",
		[FRAME_FOUND_CACHED_TWICE] = "cached twice",
		[FRAME_FOUND_CACHED_WITH_OWNER] = "cached and allocated",
		[FRAME_FOUND_CACHE_OVERFULL] = "a cache beyond its limits",
		[FRAME_FOUND_CACHE_ASTRAY] = "a cache that points elsewhere",
	};

	return kind < FRAME_FINDINGS ? names[kind] : "?";
}

static size_t print_holder(const struct frame_holder *holder, char *to,
			   size_t bytes)
{
	static const char *const sizes[] = {
		[FRAME_4K] = "4k", [FRAME_2M] = "2m", [FRAME_1G] = "1g",
	};
	const char *size = sizes[holder->size];

	ASSERT(holder->size < FRAME_RUN);
	switch (holder->kind) {
	case FRAME_HELD_BY_BIT:
		return text_print(to, bytes, "%s free", size);
	case FRAME_HELD_BY_OWNER:
		return text_print(to, bytes, "%s byte %u %s", size,
				  holder->owner, owner_name(
				  ledger_byte_owner(holder->owner)));
	case FRAME_HELD_BY_CACHE:
		break;
	}
	return text_print(to, bytes, "%s cached cpu%u %s", size,
			  holder->slot / 2, slot_is_interrupt(holder->slot) ?
			  "interrupt" : "task");
}

static bool is_of_slot(enum frame_finding_kind kind)
{
	return kind == FRAME_FOUND_ODD_STEP ||
	       kind == FRAME_FOUND_CACHE_OVERFULL ||
	       kind == FRAME_FOUND_CACHE_ASTRAY;
}

void frame_finding_print(const struct frame_finding *finding,
			 char to[FRAME_FINDING_BYTES])
{
	size_t at = text_print(to, FRAME_FINDING_BYTES, "what=\"%s\"",
			       name_of(finding->kind));

	if (is_of_slot(finding->kind)) {
		text_print(to + at, FRAME_FINDING_BYTES - at,
			   " cpu=%u context=%s", finding->slot / 2,
			   slot_is_interrupt(finding->slot) ? "interrupt" :
							      "task");
		return;
	}
	at += text_print(to + at, FRAME_FINDING_BYTES - at,
			 " phys=0x%lx by=\"", pfn_to_paddr(finding->frame).raw);
	for (unsigned i = 0; i < finding->holders && i < FRAME_HOLDERS_MOST;
	     i++) {
		if (i > 0)
			at += text_print(to + at, FRAME_FINDING_BYTES - at,
					 ", ");
		at += print_holder(&finding->holder[i], to + at,
				   FRAME_FINDING_BYTES - at);
	}
	ASSERT(at < FRAME_FINDING_BYTES);
	text_print(to + at, FRAME_FINDING_BYTES - at, "\"");
}
