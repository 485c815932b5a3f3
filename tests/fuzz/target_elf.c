// SPDX-License-Identifier: MIT OR Apache-2.0
/* Any bytes as a kernel; what is accepted must lie inside the file. */
#include "target.h"

#include <boot/elf.h>
#include <boot/layout.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct elf_plan plan;
	const char *reason = NULL;
	enum status status = elf_check(data, bytes, &plan, &reason);

	HOLDS(reason != NULL);
	if (status != ST_OK)
		return 0;
	for (unsigned i = 0; i < ELF_SEGMENTS; i++) {
		const struct elf_segment *segment = &plan.segments[i];

		HOLDS(segment->file_bytes <= bytes);
		HOLDS(segment->file_offset <= bytes - segment->file_bytes);
		HOLDS(segment->memory_bytes >= segment->file_bytes);
		HOLDS(segment->virt.raw >= KERNEL_BASE);
		HOLDS((segment->rights & (SEGMENT_WRITE | SEGMENT_EXECUTE)) !=
		      (SEGMENT_WRITE | SEGMENT_EXECUTE));
	}
	return 0;
}
