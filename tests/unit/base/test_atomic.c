// SPDX-License-Identifier: MIT OR Apache-2.0
/* The cases of atomic_cases.h, with the builtins of the compiler. */
#include "atomic_cases.h"

CASE(atomic_cells_are_no_larger_than_what_they_hold)
{
	ATOMIC_POINTER(struct check_case) pointer;

	CHECK(sizeof(atomic_u8) == 1 && _Alignof(atomic_u8) == 1);
	CHECK(sizeof(atomic_u32) == 4 && _Alignof(atomic_u32) == 4);
	CHECK(sizeof(atomic_u64) == 8 && _Alignof(atomic_u64) == 8);
	CHECK(sizeof(pointer) == sizeof(void *));
}
