/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * elf.h - is this file a kernel that we may load?
 *
 * The whole file is foreign: every number in it is checked against the
 * file's size and against the others before anything is believed.
 * Source: System V ABI, chapters 4 and 5; AMD64 supplement.
 */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include <base/address.h>
#include <base/status.h>
#include <boot/handover.h>

#define ELF_SEGMENTS 3		/* text, rodata, data: exactly these         */

struct elf_segment {
	uint64_t file_offset, file_bytes;
	vaddr_t virt;
	uint64_t memory_bytes;	/* file_bytes, then zeros                    */
	uint32_t rights;	/* enum segment_rights                       */
};

struct elf_plan {
	vaddr_t entry;
	struct elf_segment segments[ELF_SEGMENTS];
};

/*
 * Fills `out` and returns ST_OK, or says why not: `*reason` is then one
 * token ([a-z_]+) that FORMATS' `@elf reason=` prints, else "none".
 * Fails: ST_CORRUPT (damaged or lying), ST_UNSUPPORTED (whole, but not a
 *        Bulldog kernel). Nothing outside file[0..bytes) is read.
 */
enum status elf_check(const void *file, uint64_t bytes, struct elf_plan *out,
		      const char **reason);

#endif
