// SPDX-License-Identifier: MIT OR Apache-2.0
/* Descriptors of the firmware in memory, and the range that each names. */
#include <mm/region.h>

#include <base/bits.h>

#include "check.h"

CASE(map_entry_names_pages_and_not_more)
{
	struct range named;
	struct map_entry entry = { 0x1fff, 2, 0, 0 };

	CHECK(map_entry_named_range(&entry, &named) == ST_OK);
	CHECK(named.start == 0x1000 && named.end == 0x3000);
	entry.bytes = 1;
	CHECK(map_entry_named_range(&entry, &named) == ST_OK);
	CHECK(named.start == 0x1000 && named.end == 0x2000);
	entry.bytes = UINT64_MAX;
	CHECK(map_entry_named_range(&entry, &named) == ST_OK);
	CHECK(named.start == 0x1000 && named.end == PHYSICAL_LIMIT);
	entry.bytes = 0;
	CHECK(map_entry_named_range(&entry, &named) == ST_BAD_RANGE);
	entry = (struct map_entry){ PHYSICAL_LIMIT, 1, 0, 0 };
	CHECK(map_entry_named_range(&entry, &named) == ST_BAD_RANGE);
}

struct descriptor {
	uint32_t type, padding;
	uint64_t start, virtual_start, pages, attributes;
};

CASE(firmware_map_reads_any_stride)
{
	static const uint64_t strides[] = { 40, 41, 48, 64 };
	char data[4 * 64];

	for (size_t i = 0; i < ARRAY_LENGTH(strides); i++) {
		struct firmware_map map = {
			data, 3 * strides[i] + 39, strides[i]
		};

		memset(data, 0xee, sizeof(data));
		for (uint32_t n = 0; n < 3; n++) {
			struct descriptor written = {
				n, 9, 0x1000 * n, 8, n + 1, 0xf0 + n
			};

			memcpy(data + n * strides[i], &written, 40);
		}
		CHECK(firmware_map_count(&map) == 3);
		for (uint32_t n = 0; n < 3; n++) {
			struct map_entry read = firmware_map_entry(&map, n);

			CHECK(read.type == n && read.start == 0x1000 * n);
			CHECK(read.bytes == (n + 1) * PAGE_SIZE);
			CHECK(read.attributes == 0xf0 + n);
		}
	}
}

CASE(firmware_map_asserts_that_the_entry_exists)
{
	char data[48] = { 0 };
	struct firmware_map map = { data, sizeof(data), 48 };

	CHECK(firmware_map_entry(&map, 0).bytes == 0);
	CHECK_ASSERTS(firmware_map_entry(&map, 1));
}

CASE(firmware_map_survives_absurd_numbers)
{
	struct descriptor huge = { 0, 0, 0, 0, 1UL << 52, 0 };
	struct firmware_map map = { &huge, sizeof(huge), 40 };

	CHECK(firmware_map_entry(&map, 0).bytes == UINT64_MAX);
	huge.pages = (1UL << 52) - 1;
	CHECK(firmware_map_entry(&map, 0).bytes == 0UL - PAGE_SIZE);
	map.stride = 39;
	CHECK(firmware_map_count(&map) == 0);
	map.stride = 0;
	CHECK(firmware_map_count(&map) == 0);
	map = (struct firmware_map){ NULL, 0, 48 };
	CHECK(firmware_map_count(&map) == 0);
}
