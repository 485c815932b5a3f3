/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * options_internal.h - what the readers of values share.
 */
#ifndef MM_BOOT_OPTIONS_INTERNAL_H
#define MM_BOOT_OPTIONS_INTERNAL_H

#include <boot/options.h>

/* Part of a text; no NUL at its end. */
struct slice {
	const char *text;
	size_t bytes;
};

/* All of the slice: a number, decimal or 0x..., of bytes, K, M, G or T. */
bool option_parse_size(struct slice slice, uint64_t *out);

/* memmap=: sets the option as far as it can; why not all of it, or NULL. */
const char *option_set_memmap(struct options *options, struct slice value);

#endif
