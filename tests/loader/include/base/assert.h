/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * assert.h - the loader and the test program each define assert_failed;
 * in the loader's host build the loader's has another name.
 */
#define assert_failed loader_assert_failed
#include_next <base/assert.h>
