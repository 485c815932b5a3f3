/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_setup.h - pools for all usable memory, whatever a firmware claims.
 *
 * Takes: the list of usable memory, nodes, and memory for metadata.
 * Gives: frame_nodes whose pools are empty, and a plan that says which range
 *        of memory is whose (mm/frame_plan.h).
 *
 * A try makes pools of all memory. When one fails, the nodes become one;
 * after that the smallest ranges stay out, more of them with each try. Thus
 * the last try has nothing but the ranges that are in use.
 */
#ifndef KERNEL_MEMORY_FRAME_SETUP_H
#define KERNEL_MEMORY_FRAME_SETUP_H

#include <mm/frame_plan.h>

#include <kernel/platform/numa.h>

/*
 * An array of `bytes`, backed as a whole when `frames_per_byte` is 0.
 * Otherwise byte n describes that many frames from `first_frame` + n *
 * frames_per_byte on, and only the pages that describe ranges of `pool` are
 * backed: if possible, by memory of `node`. The content is undefined.
 */
struct meta_array {
	uint64_t bytes;
	uint64_t frames_per_byte;
	uint64_t first_frame;
	unsigned pool;
	unsigned node;
};

struct frame_setup;

/* The steps that the kernel takes in one way, and a test in another. */
struct frame_setup_ops {
	/* frame_plan_add for all usable memory; fails as that. */
	enum status (*list)(struct frame_setup *setup);
	/* Memory for metadata. Fails: ST_NO_MEMORY, ST_FULL. */
	enum status (*take)(struct frame_setup *setup,
			    const struct meta_array *array, void **out);
	/* All that was taken in this try, back to where it came from. */
	void (*give_all)(struct frame_setup *setup);
	/* Free memory that nothing may allocate from now on; and undone. */
	enum status (*keep_out)(struct frame_setup *setup,
				struct frame_run run);
	void (*let_in)(struct frame_setup *setup, struct frame_run run);
	/* One node instead of those that `numa` has. */
	void (*collapse)(struct frame_setup *setup, enum status why);
	/* The last step of a try: what the caller takes for itself. */
	enum status (*finish)(struct frame_setup *setup);
};

struct frame_setup {
	/* The caller's; of the plan: ranges, capacity, slots and shape. */
	const struct frame_setup_ops *ops;
	const struct numa *numa;
	struct frame_reporter *reporter;
	struct window window;
	struct frame_plan plan;
	/* The result. */
	struct frame_nodes nodes;
	size_t kept_out;		/* ranges[0..kept_out) were asked    */
};

/*
 * Fails: as the last try did, when no range may be left out any more; nothing
 *        is taken or kept out then.
 */
enum status frame_setup_run(struct frame_setup *setup);

#endif
