// SPDX-License-Identifier: MIT OR Apache-2.0
/* Any bytes as a console font: the kernel and the reference see the same. */
#include "target.h"

#include "psf_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum status verdict;

	HOLDS(psf_agrees(data, bytes, &verdict));
	return 0;
}
