/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* decode.h - a text in any encoding that people have, as lines of bytes. */
#ifndef BULLDOG_DECODE_H
#define BULLDOG_DECODE_H

#include <stddef.h>

/*
 * Rewrites text[0..bytes) and returns how many bytes are left (I2, I3). UTF-16
 * of either byte order, and UTF-8 with a mark, become bytes; a character of
 * UTF-16 above 0xff becomes `?`. Each end of a line, LF, CR LF or CR, becomes
 * LF. The colour sequences of terminals, and NULs at the end, are gone.
 */
size_t decode_text(char *text, size_t bytes);

#endif
