/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * region_find.h - how long something can be that begins here, if the
 * firmware's map is right: nothing of one piece lies in two regions.
 */
#ifndef MM_REGION_FIND_H
#define MM_REGION_FIND_H

#include <mm/region.h>

/*
 * Bytes from `at`, below PHYSICAL_LIMIT, to the end of its region, or of
 * the gap between two regions that it is in.
 * Cost: O(log n)
 */
uint64_t region_room(const struct region_list *list, paddr_t at);

#endif
