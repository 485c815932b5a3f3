/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * region_oracle.h - a model of region.h, one page at a time.
 *
 * Slow and obvious: for each page it finds the entries that name it and those
 * that cover it, in 128-bit arithmetic, so that nothing wraps or is rounded.
 */
#ifndef TESTS_REGION_ORACLE_H
#define TESTS_REGION_ORACLE_H

#include <mm/region.h>

#define ORACLE_NOTHING (-1)

struct oracle_verdict {
	int kind;		/* enum region_kind, or ORACLE_NOTHING       */
	bool lost;
	bool beyond;		/* kept for being above 64 TiB alone         */
};

/* Pages in which no entry and no rule begins or ends: all are alike. */
struct oracle_run {
	uint64_t first_page, pages;
};

struct oracle_verdict region_oracle_page(const struct region_request *request,
					 uint64_t page);

/*
 * Compares `list` with the model for `runs`, which together are all pages
 * below PHYSICAL_LIMIT, ascending. NULL: equal; else the difference.
 */
const char *region_oracle_compare(const struct region_list *list,
				  const struct region_request *request,
				  const struct oracle_run *runs, size_t count);

/*
 * The runs between all edges of the request's entries; the caller frees them.
 * For maps too large to check every page.
 */
struct oracle_run *region_oracle_runs(const struct region_request *request,
				      size_t *count);

#endif
