/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * symbols.h - the names of the kernel's functions and objects.
 *
 * The table is made by scripts/symbols.awk from a first link of the kernel
 * and linked into its rodata by the second.
 */
#ifndef KERNEL_LIB_SYMBOLS_H
#define KERNEL_LIB_SYMBOLS_H

#include <stdbool.h>

#include <base/address.h>
#include <base/status.h>

/*
 * The symbol that holds `address`, which is its start + `offset`.
 * Fails: ST_NOT_FOUND outside the image, before its segment's first symbol,
 *        or when the kernel was linked without a table.
 * Cost:  O(log symbols).
 */
enum status symbol_find(vaddr_t address, const char **name, uint64_t *offset);

/* "text", "rodata", "data"; NULL outside the image. */
const char *symbols_segment(vaddr_t address);
bool symbols_is_text(vaddr_t address);

#endif
