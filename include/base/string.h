/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * string.h - the few C library functions that GCC or we need in a program
 * without a C library. Same contracts as the standard's.
 */
#ifndef BASE_STRING_H
#define BASE_STRING_H

#include <stdbool.h>
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *text, int wanted);

#endif
