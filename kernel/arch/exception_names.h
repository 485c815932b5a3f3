/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * exception_names.h - the processor's exceptions in words. Pure text.
 */
#ifndef KERNEL_ARCH_EXCEPTION_NAMES_H
#define KERNEL_ARCH_EXCEPTION_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Bits of a page fault's error code (Intel SDM vol. 3A 4.7). */
enum fault_bit {
	FAULT_PRESENT = 1 << 0,
	FAULT_WRITE = 1 << 1,
	FAULT_USER = 1 << 2,
	FAULT_RESERVED = 1 << 3,
	FAULT_FETCH = 1 << 4,
	FAULT_KEY = 1 << 5,
	FAULT_SHADOW_STACK = 1 << 6,
	FAULT_SGX = 1 << 15,
};

/* "#PF", "NMI"; "reserved" for the vectors that have no meaning yet. */
const char *exception_name(uint64_t vector);

/* The event, as the beginning of a sentence: "division by zero ...". */
const char *exception_words(uint64_t vector);

/* The error code of this vector in words; at most ERROR_WORDS_BYTES. */
#define ERROR_WORDS_BYTES 128
void exception_error_words(uint64_t vector, uint64_t error, char *text,
			   size_t bytes);

/* "wrote to", "read" or "fetched an instruction from". */
const char *fault_verb(uint64_t error);

#endif
