// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Byte loops, with word loops for cleared or copied pages. This file is
 * compiled with -fno-tree-loop-distribute-patterns: otherwise GCC turns the
 * body of memcpy into a call of memcpy.
 */
#include <base/string.h>

#include <stdint.h>

/* From this size on a call that copies cache lines is faster. */
#define LARGE_BYTES 256

/* May alias anything, at any alignment. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

/* Copies upwards: `target` may overlap with a `source` above it. */
static inline void copy_words(unsigned char *target,
			      const unsigned char *source, size_t bytes)
{
	for (; bytes >= sizeof(word_t); bytes -= sizeof(word_t)) {
		*(word_t *)target = *(const word_t *)source;
		target += sizeof(word_t);
		source += sizeof(word_t);
	}
	while (bytes-- > 0)
		*target++ = *source++;
}

/* For the kernel image: a cache line in each step. */
static __attribute__((noinline)) void *
copy_large(void *to, const unsigned char *source, size_t bytes)
{
	unsigned char *target = to;

	for (; bytes >= 8 * sizeof(word_t); bytes -= 8 * sizeof(word_t)) {
		word_t *out = (word_t *)target;
		const word_t *in = (const word_t *)source;

		out[0] = in[0], out[1] = in[1], out[2] = in[2], out[3] = in[3];
		out[4] = in[4], out[5] = in[5], out[6] = in[6], out[7] = in[7];
		target += 8 * sizeof(word_t);
		source += 8 * sizeof(word_t);
	}
	copy_words(target, source, bytes);
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	if (bytes >= LARGE_BYTES)
		return copy_large(to, from, bytes);
	copy_words(to, from, bytes);
	return to;
}

/* Copies downwards, from the end. */
static void move_up(unsigned char *target, const unsigned char *source,
		    size_t bytes)
{
	while (bytes >= sizeof(word_t)) {
		bytes -= sizeof(word_t);
		*(word_t *)(target + bytes) = *(const word_t *)(source + bytes);
	}
	while (bytes-- > 0)
		target[bytes] = source[bytes];
}

void *memmove(void *to, const void *from, size_t bytes)
{
	if ((uintptr_t)to < (uintptr_t)from)
		copy_words(to, from, bytes);
	else
		move_up(to, from, bytes);
	return to;
}

/* For pages and large metadata: eight cache lines in each step. */
#define SET_WORDS	64U
#define SET_BYTES	(SET_WORDS * sizeof(word_t))

void *memset(void *to, int value, size_t bytes)
{
	uint64_t pattern = (unsigned char)value * 0x0101010101010101UL;
	unsigned char *target = to;

	for (; bytes >= SET_BYTES; bytes -= SET_BYTES) {
		word_t *words = (word_t *)target;

#pragma GCC unroll 64
		for (unsigned i = 0; i < SET_WORDS; i++)
			words[i] = pattern;
		target += SET_BYTES;
	}
	for (; bytes >= sizeof(word_t); bytes -= sizeof(word_t)) {
		*(word_t *)target = pattern;
		target += sizeof(word_t);
	}
	while (bytes-- > 0)
		*target++ = (unsigned char)value;
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *left = a;
	const unsigned char *right = b;

	for (size_t i = 0; i < bytes; i++)
		if (left[i] != right[i])
			return left[i] - right[i];
	return 0;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0')
		length++;
	return length;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t limit)
{
	for (size_t i = 0; i < limit; i++) {
		if (a[i] != b[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
		if (a[i] == '\0')
			return 0;
	}
	return 0;
}

char *strchr(const char *text, int wanted)
{
	for (;; text++) {
		if (*text == (char)wanted)
			return (char *)text;
		if (*text == '\0')
			return NULL;
	}
}
