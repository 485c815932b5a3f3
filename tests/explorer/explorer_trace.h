/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* explorer_trace.h - a schedule in words, for the explorer only. */
#ifndef TESTS_EXPLORER_TRACE_H
#define TESTS_EXPLORER_TRACE_H

#include "explorer.h"
#include "store_buffers.h"

void explorer_trace_access(const struct exploration *exploration, unsigned cpu,
			   const struct explore_access *access);
void explorer_trace_drain(const struct exploration *exploration, unsigned cpu,
			  const struct store *store);

#endif
