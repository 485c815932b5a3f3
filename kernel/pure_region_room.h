/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * pure_region_room.h - how long something can be that begins here, if the
 * firmware's map is right: nothing of one piece lies in two regions.
 */
#ifndef KERNEL_PURE_REGION_ROOM_H
#define KERNEL_PURE_REGION_ROOM_H

#include <mm/region.h>

/*
 * Bytes from `at`, below PHYSICAL_LIMIT, to the end of its region, or of
 * the gap between two regions that it is in.
 * Cost: O(log n)
 */
uint64_t region_room(const struct region_list *list, paddr_t at);

#endif
