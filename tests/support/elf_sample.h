/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * elf_sample.h - builds a valid kernel file, damages it, and checks it by a
 * reference.
 *
 * The builder writes numbers at literal offsets and the reference reads them
 * from literal offsets, in 128-bit arithmetic and with nothing from
 * mm/boot/elf.c, so that a mistake there is not repeated here. Shared by
 * tests/unit/boot/test_elf.c and tests/fuzz/fuzz_elf.c; no .c file, because
 * the two programs link different objects.
 */
#ifndef TESTS_ELF_SAMPLE_H
#define TESTS_ELF_SAMPLE_H

#include <boot/elf.h>

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 wide_t;

/* Offsets in the file header and in a program header (ELF64). */
enum {
	AT_CLASS = 4, AT_DATA = 5, AT_IDENT_VERSION = 6, AT_ABI = 7,
	AT_TYPE = 16, AT_MACHINE = 18, AT_VERSION = 20, AT_ENTRY = 24,
	AT_PROGRAMS = 32, AT_SECTIONS = 40, AT_HEADER_BYTES = 52,
	AT_PROGRAM_BYTES = 54, AT_PROGRAM_COUNT = 56,
	AT_SECTION_BYTES = 58, AT_SECTION_COUNT = 60,
	P_TYPE = 0, P_RIGHTS = 4, P_OFFSET = 8, P_VIRT = 16,
	P_FILE_BYTES = 32, P_MEMORY_BYTES = 40, P_ALIGNMENT = 48,
};

#define SAMPLE_BYTES 0x3180
#define SAMPLE_TEXT 64		/* its three PT_LOADs, then PT_GNU_STACK     */
#define SAMPLE_RODATA (64 + 56)
#define SAMPLE_DATA (64 + 2 * 56)
#define SAMPLE_STACK (64 + 3 * 56)
#define SAMPLE_BASE 0xffffffff80000000

static inline void sample_put(unsigned char *file, size_t at, unsigned width,
			      uint64_t value)
{
	for (unsigned i = 0; i < width; i++)
		file[at + i] = (unsigned char)(value >> (8 * i));
}

static inline uint64_t sample_get(const unsigned char *file, size_t at,
				  unsigned width)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value |= (uint64_t)file[at + i] << (8 * i);
	return value;
}

static inline void sample_program(unsigned char *file, size_t at,
				  uint32_t type, uint32_t rights)
{
	sample_put(file, at + P_TYPE, 4, type);
	sample_put(file, at + P_RIGHTS, 4, rights);
}

static inline void sample_place(unsigned char *file, size_t at,
				const uint64_t numbers[4])
{
	sample_put(file, at + P_OFFSET, 8, numbers[0]);
	sample_put(file, at + P_VIRT, 8, numbers[1]);
	sample_put(file, at + P_FILE_BYTES, 8, numbers[2]);
	sample_put(file, at + P_MEMORY_BYTES, 8, numbers[3]);
	sample_put(file, at + P_ALIGNMENT, 8, 0x1000);
}

/* Fills file[0..SAMPLE_BYTES) with a file that must be accepted. */
static inline void sample_build(unsigned char *file)
{
	memset(file, 0, SAMPLE_BYTES);
	memcpy(file, "\x7f" "ELF" "\x02\x01\x01\x00", 8);
	sample_put(file, AT_TYPE, 2, 2);
	sample_put(file, AT_MACHINE, 2, 62);
	sample_put(file, AT_VERSION, 4, 1);
	sample_put(file, AT_ENTRY, 8, SAMPLE_BASE + 0x40);
	sample_put(file, AT_PROGRAMS, 8, 64);
	sample_put(file, AT_SECTIONS, 8, 0x3100);
	sample_put(file, AT_HEADER_BYTES, 2, 64);
	sample_put(file, AT_PROGRAM_BYTES, 2, 56);
	sample_put(file, AT_PROGRAM_COUNT, 2, 4);
	sample_put(file, AT_SECTION_BYTES, 2, 64);
	sample_put(file, AT_SECTION_COUNT, 2, 2);
	sample_program(file, SAMPLE_TEXT, 1, 5);
	sample_place(file, SAMPLE_TEXT, (uint64_t[]){
		0x1000, SAMPLE_BASE, 0x600, 0x600 });
	sample_program(file, SAMPLE_RODATA, 1, 4);
	sample_place(file, SAMPLE_RODATA, (uint64_t[]){
		0x2000, SAMPLE_BASE + 0x200000, 0x200, 0x200 });
	sample_program(file, SAMPLE_DATA, 1, 6);
	sample_place(file, SAMPLE_DATA, (uint64_t[]){
		0x3000, SAMPLE_BASE + 0x400000, 0x100, 0x5000 });
	sample_program(file, SAMPLE_STACK, 0x6474e551, 6);
}

/* --- the reference -------------------------------------------------------- */

static inline bool reference_header(const unsigned char *file, wide_t bytes)
{
	wide_t programs = sample_get(file, AT_PROGRAMS, 8);
	wide_t sections = sample_get(file, AT_SECTIONS, 8);
	uint64_t program_count = sample_get(file, AT_PROGRAM_COUNT, 2);
	uint64_t section_count = sample_get(file, AT_SECTION_COUNT, 2);
	unsigned good = 0;

	good += memcmp(file, (unsigned char[]){ 0x7f, 0x45, 0x4c, 0x46 }, 4)
		== 0;
	good += file[AT_CLASS] == 2;
	good += file[AT_DATA] == 1;
	good += file[AT_IDENT_VERSION] == 1;
	good += file[AT_ABI] == 0 || file[AT_ABI] == 3;
	good += sample_get(file, AT_TYPE, 2) == 2;
	good += sample_get(file, AT_MACHINE, 2) == 62;
	good += sample_get(file, AT_VERSION, 4) == 1;
	good += sample_get(file, AT_HEADER_BYTES, 2) == 64;
	good += sample_get(file, AT_PROGRAM_BYTES, 2) == 56;
	good += program_count <= 16;
	good += programs >= 64 && programs + program_count * 56 <= bytes;
	good += section_count == 0 ||
		(sample_get(file, AT_SECTION_BYTES, 2) == 64 &&
		 sections + section_count * 64 <= bytes);
	return good == 13;
}

static inline bool reference_is_harmless(uint64_t type)
{
	return type == 0 || type == 4 ||
	       (type >= 0x6474e550 && type <= 0x6474e553);
}

/* One PT_LOAD by itself; `index` says which rights it must have. */
static inline bool reference_load(const unsigned char *program, unsigned index)
{
	wide_t virt = sample_get(program, P_VIRT, 8);
	uint64_t offset = sample_get(program, P_OFFSET, 8);
	uint64_t in_file = sample_get(program, P_FILE_BYTES, 8);
	uint64_t in_memory = sample_get(program, P_MEMORY_BYTES, 8);
	uint64_t alignment = sample_get(program, P_ALIGNMENT, 8);
	unsigned good = 0;

	good += sample_get(program, P_RIGHTS, 4) == (uint64_t)"\5\4\6"[index];
	good += virt >= 0xffffffff80000000 &&
		virt + in_memory <= 0xffffffffc0000000;
	good += virt % 0x200000 == 0;
	good += in_memory > 0 && in_memory <= 67108864;
	good += in_file <= in_memory;
	good += in_file > 0 || index == 2;
	good += __builtin_popcountl(alignment) == 1 && alignment >= 4096;
	good += alignment != 0 &&
		(uint64_t)virt % alignment == offset % alignment;
	return good == 8;
}

static inline bool reference_apart(const unsigned char *low,
				   const unsigned char *high)
{
	return (wide_t)sample_get(low, P_VIRT, 8) +
	       sample_get(low, P_MEMORY_BYTES, 8) <=
	       sample_get(high, P_VIRT, 8);
}

static inline bool reference_entry(const unsigned char *file,
				   const unsigned char *text)
{
	wide_t entry = sample_get(file, AT_ENTRY, 8);
	wide_t start = sample_get(text, P_VIRT, 8);

	return entry >= start &&
	       entry < start + sample_get(text, P_FILE_BYTES, 8);
}

/*
 * True when the file must be accepted; loads[0..3) then point to its PT_LOADs.
 * Every rule is checked by itself, in any order.
 */
static inline bool reference_accepts(const unsigned char *file, size_t bytes,
				     const unsigned char *loads[3])
{
	unsigned found = 0;

	if (bytes < 64 || !reference_header(file, bytes))
		return false;
	for (unsigned i = 0; i < sample_get(file, AT_PROGRAM_COUNT, 2); i++) {
		const unsigned char *program =
			file + sample_get(file, AT_PROGRAMS, 8) + i * 56;
		uint64_t type = sample_get(program, P_TYPE, 4);
		wide_t end = (wide_t)sample_get(program, P_OFFSET, 8) +
			     sample_get(program, P_FILE_BYTES, 8);

		if (type != 0 && end > bytes)
			return false;
		if (type == 1 && found < 3)
			loads[found++] = program;
		else if (!reference_is_harmless(type))
			return false;
	}
	return found == 3 && reference_load(loads[0], 0) &&
	       reference_load(loads[1], 1) && reference_load(loads[2], 2) &&
	       reference_apart(loads[0], loads[1]) &&
	       reference_apart(loads[1], loads[2]) &&
	       reference_entry(file, loads[0]);
}

/* True when the plan agrees with the accepted file. */
static inline bool reference_plan(const unsigned char *file,
				  const unsigned char *loads[3],
				  const struct elf_plan *plan)
{
	bool same = plan->entry.raw == sample_get(file, AT_ENTRY, 8);

	for (unsigned i = 0; i < 3; i++) {
		const struct elf_segment *segment = &plan->segments[i];
		const unsigned char *load = loads[i];

		same = same &&
		       segment->file_offset == sample_get(load, P_OFFSET, 8) &&
		       segment->file_bytes ==
		       sample_get(load, P_FILE_BYTES, 8) &&
		       segment->virt.raw == sample_get(load, P_VIRT, 8) &&
		       segment->memory_bytes ==
		       sample_get(load, P_MEMORY_BYTES, 8) &&
		       segment->rights == sample_get(load, P_RIGHTS, 4);
	}
	return same;
}

static inline bool reference_is_token(const char *reason)
{
	return reason != NULL && reason[0] != '\0' &&
	       strspn(reason, "abcdefghijklmnopqrstuvwxyz_") == strlen(reason);
}

/*
 * Compares elf_check and the reference on a copy of exactly the size of the
 * file, at an odd address, so that the sanitizer reports any byte beyond it.
 */
static inline bool reference_agrees(const unsigned char *file, size_t bytes,
				    bool *accepted)
{
	unsigned char *block = malloc(bytes + 1);
	const unsigned char *loads[3];
	const char *reason = NULL;
	struct elf_plan plan;
	enum status status;
	bool agrees;

	memcpy(block + 1, file, bytes);
	memset(&plan, 0xa5, sizeof(plan));
	status = elf_check(block + 1, bytes, &plan, &reason);
	*accepted = status == ST_OK;
	agrees = reference_is_token(reason) &&
		 *accepted == reference_accepts(block + 1, bytes, loads) &&
		 *accepted == (strcmp(reason, "none") == 0);
	if (agrees && *accepted)
		agrees = reference_plan(block + 1, loads, &plan);
	else if (agrees)
		agrees = status == ST_CORRUPT || status == ST_UNSUPPORTED;
	free(block);
	return agrees;
}

/* --- damage --------------------------------------------------------------- */

static inline uint64_t sample_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A number that is near an edge of some rule. */
static inline uint64_t sample_edge(uint64_t *state, uint64_t old)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 56, 64, 0x1000, 0x2000,
		0x3000, 0x3100, SAMPLE_BYTES, 0x200000, 0x400000, 0x800000,
		0x4000000, SAMPLE_BASE, SAMPLE_BASE + 0x200000,
		SAMPLE_BASE + 0x400000, SAMPLE_BASE + 0x600000,
		0xffffffffc0000000, 0xffffffffbfe00000, 0xffffffffbc000000,
		0x6474e550, 0x6474e552, 0x8000000000000000, UINT64_MAX,
	};
	uint64_t edge = edges[sample_random(state) %
			      (sizeof(edges) / sizeof(edges[0]))];

	switch (sample_random(state) % 8) {
	case 0: return edge + 1;
	case 1: return edge - 1;
	case 2: return old + edge;
	case 3: return old - edge;
	case 4: return old ^ (1UL << sample_random(state) % 64);
	case 5: return 1UL << sample_random(state) % 64;
	default: return edge;
	}
}

/* Sets one field, of the file or of a program header, to such a number. */
static inline void sample_spoil_field(unsigned char *file, uint64_t *state)
{
	static const struct { unsigned char at, width; } fields[] = {
		{ AT_CLASS, 1 }, { AT_DATA, 1 }, { AT_IDENT_VERSION, 1 },
		{ AT_ABI, 1 }, { AT_TYPE, 2 }, { AT_MACHINE, 2 },
		{ AT_VERSION, 4 }, { AT_ENTRY, 8 }, { AT_PROGRAMS, 8 },
		{ AT_SECTIONS, 8 }, { AT_HEADER_BYTES, 2 },
		{ AT_PROGRAM_BYTES, 2 }, { AT_PROGRAM_COUNT, 2 },
		{ AT_SECTION_BYTES, 2 }, { AT_SECTION_COUNT, 2 },
	}, program_fields[] = {
		{ P_TYPE, 4 }, { P_RIGHTS, 4 }, { P_OFFSET, 8 },
		{ P_VIRT, 8 }, { P_FILE_BYTES, 8 }, { P_MEMORY_BYTES, 8 },
		{ P_ALIGNMENT, 8 },
	};
	uint64_t pick = sample_random(state);
	size_t at, width;

	if (pick % 4 == 0) {
		pick = pick / 4 % (sizeof(fields) / sizeof(fields[0]));
		at = fields[pick].at;
		width = fields[pick].width;
	} else {
		at = SAMPLE_TEXT + pick / 4 % 4 * 56;
		pick = pick / 16 %
		       (sizeof(program_fields) / sizeof(program_fields[0]));
		at += program_fields[pick].at;
		width = program_fields[pick].width;
	}
	sample_put(file, at, (unsigned)width,
		   sample_edge(state, sample_get(file, at, (unsigned)width)));
}

/* Damages a new sample in a few ways; returns its remaining size. */
static inline size_t sample_spoil(unsigned char *file, uint64_t *state)
{
	unsigned blows = 1 + sample_random(state) % 4;
	size_t bytes = SAMPLE_BYTES;

	sample_build(file);
	while (blows-- > 0) {
		uint64_t pick = sample_random(state);

		if (pick % 16 == 0)
			bytes = sample_random(state) % (SAMPLE_BYTES + 1);
		else if (pick % 16 < 3)
			file[pick / 16 % 288] ^=
				(unsigned char)(1 + pick / 4096 % 255);
		else
			sample_spoil_field(file, state);
	}
	return bytes;
}

#endif
