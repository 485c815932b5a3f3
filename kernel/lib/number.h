/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* number.h - the numbers that people type after a command. */
#ifndef KERNEL_LIB_NUMBER_H
#define KERNEL_LIB_NUMBER_H

#include <stdint.h>

#include <base/status.h>

/*
 * Hexadecimal, with or without 0x.
 * Fails: ST_BAD_ARGUMENT: no digits, anything else, more than 64 bits.
 */
enum status number_from_hex(const char *text, uint64_t *out);

/* Decimal, without a sign. Fails: the same. */
enum status number_from_decimal(const char *text, uint64_t *out);

#endif
