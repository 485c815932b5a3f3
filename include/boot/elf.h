/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * elf.h - is this file a kernel that we may load?
 *
 * The whole file is foreign: every number in it is checked against the
 * file's size and against the others before anything is believed.
 *
 * Accepted is exactly this: ELF64, little endian, x86-64, ET_EXEC,
 * with three PT_LOAD headers, such that
 *   (F1) they are text R+X, rodata R, data RW, at ascending addresses;
 *   (F2) each starts on 2 MiB, lies in [KERNEL_BASE..KERNEL_END), and no
 *        two share a byte (so neither do their 2 MiB pages);
 *   (F3) 0 < file bytes <= memory bytes <= ELF_SEGMENT_LIMIT; data alone
 *        may have no file bytes;
 *   (F4) what the headers name lies inside the file, and offsets agree
 *        with addresses modulo p_align (4 KiB or a larger power of two);
 *   (F5) the entry is one of text's file bytes.
 * Notes and GNU markers may stand beside them; headers that need an
 * interpreter, a dynamic linker or thread-local storage may not.
 * Source: System V ABI, chapters 4 and 5; AMD64 supplement.
 */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include <base/address.h>
#include <base/status.h>
#include <boot/handover.h>

#define ELF_SEGMENTS 3		/* text, rodata, data: exactly these         */
#define ELF_SEGMENT_LIMIT (64 * MIB)
#define ELF_PROGRAM_HEADERS 16	/* no kernel of ours has half as many        */

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
 * `file` may have any alignment; nothing outside file[0..bytes) is read,
 * and `out` is written only on ST_OK.
 * Fails: ST_CORRUPT (damaged or lying), ST_UNSUPPORTED (whole, but not a
 *        Bulldog kernel).
 */
enum status elf_check(const void *file, uint64_t bytes, struct elf_plan *out,
		      const char **reason);

#endif
