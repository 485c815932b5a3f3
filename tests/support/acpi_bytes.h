/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_bytes.h - numbers and sums in ACPI tables that we make ourselves, on
 * the host and in the firmware.
 */
#ifndef TESTS_ACPI_BYTES_H
#define TESTS_ACPI_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline void draft_put(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

/* The bytes as a number. */
static inline uint64_t draft_get(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | from[bytes];
	return value;
}

/* The sum over all `bytes` becomes 0, by the one that is `at`. */
static inline void draft_balance(uint8_t *table, size_t bytes, size_t at)
{
	uint8_t sum = 0;

	table[at] = 0;
	for (size_t i = 0; i < bytes; i++)
		sum += table[i];
	table[at] = (uint8_t)-sum;
}

#endif
