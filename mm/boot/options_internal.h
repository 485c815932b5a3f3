/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * options_internal.h - functions shared by the readers of option values.
 */
#ifndef MM_BOOT_OPTIONS_INTERNAL_H
#define MM_BOOT_OPTIONS_INTERNAL_H

#include <boot/options.h>

/* Part of a text; no NUL at its end. */
struct slice {
	const char *text;
	size_t bytes;
};

static inline struct slice slice_from(struct slice slice, size_t start)
{
	return (struct slice){ slice.text + start, slice.bytes - start };
}

/* One digit of `base`, which is at most 16; false if it is none. */
bool option_digit(char byte, unsigned base, unsigned *out);

/* All of the slice, decimal or 0x hexadecimal; false if it is no number. */
bool option_parse_number(struct slice slice, uint64_t *out);

/* All of the slice: a number, decimal or 0x..., of bytes, K, M, G or T. */
bool option_parse_size(struct slice slice, uint64_t *out);

/* memmap=: sets all valid parts; returns the reason for others, or NULL. */
const char *option_set_memmap(struct options *options, struct slice value);

#endif
