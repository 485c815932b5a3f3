/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * elf.h - checks that a file is a kernel that we can load.
 *
 * The file is untrusted: every number in it is checked against the file's size
 * and against the other numbers before it is used.
 *
 * Only this is accepted: ELF64, little endian, x86-64, ET_EXEC, with three
 * PT_LOAD headers, such that
 *   (F1) they are text R+X, rodata R, data RW, at ascending addresses;
 *   (F2) each starts on 2 MiB, lies in [KERNEL_BASE..KERNEL_END), and no
 *        two share a byte (so neither do their 2 MiB pages);
 *   (F3) 0 < file bytes <= memory bytes <= ELF_SEGMENT_LIMIT; data alone
 *        may have no file bytes;
 *   (F4) all that the headers point to lies inside the file, and offsets equal
 *        addresses modulo p_align (4 KiB or a larger power of two);
 *   (F5) the entry is one of text's file bytes.
 * Notes and GNU markers are also accepted; headers that need an interpreter, a
 * dynamic linker or thread-local storage are not.
 * Source: System V ABI, chapters 4 and 5; AMD64 supplement.
 */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include <base/address.h>
#include <base/status.h>
#include <boot/handover.h>

#define ELF_SEGMENTS 3		/* text, rodata, data: exactly these         */
#define ELF_SEGMENT_LIMIT (64 * MIB)
#define ELF_PROGRAM_HEADERS 16	/* our kernels have fewer than half          */

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
 * Fills `out` and returns ST_OK. If it fails, `*reason` is one token
 * ([a-z_]+), printed by `bulldog elf` as `@elf reason=`; else it is "none".
 * `file` may have any alignment; nothing outside file[0..bytes) is read, and
 * `out` is written only on ST_OK.
 * Fails: ST_CORRUPT (damaged), ST_UNSUPPORTED (valid, but not a Bulldog
 *        kernel).
 */
enum status elf_check(const void *file, uint64_t bytes, struct elf_plan *out,
		      const char **reason);

#endif
