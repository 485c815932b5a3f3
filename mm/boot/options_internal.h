/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * options_internal.h - what the readers of values share.
 */
#ifndef MM_BOOT_OPTIONS_INTERNAL_H
#define MM_BOOT_OPTIONS_INTERNAL_H

#include <boot/options.h>

struct span {
	const char *text;
	size_t bytes;
};

/* All of the span: a number, decimal or 0x..., of bytes, K, M, G or T. */
bool option_parse_size(struct span span, uint64_t *out);

/* memmap=: sets the option as far as it can; why not all of it, or NULL. */
const char *option_set_memmap(struct options *options, struct span value);

#endif
