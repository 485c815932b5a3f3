// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boot/elf.h>

#include <base/bits.h>

#include "check.h"
#include "elf_sample.h"

/* Checks that the file is refused for `reason`, or accepted for "none". */
static void expect(const unsigned char *file, size_t bytes,
		   enum status want, const char *reason)
{
	struct elf_plan plan, before;
	const char *got = NULL;
	enum status status;

	memset(&plan, 0x5a, sizeof(plan));
	memcpy(&before, &plan, sizeof(plan));
	status = elf_check(file, bytes, &plan, &got);
	CHECK(status == want);
	CHECK(status == ST_OK || memcmp(&plan, &before, sizeof(plan)) == 0);
	CHECK(got != NULL && strcmp(got, reason) == 0);
	if (got != NULL && strcmp(got, reason) != 0)
		printf("#   wanted %s, got %s\n", reason, got);
}

struct wrong_field {
	size_t at;
	unsigned width;
	uint64_t value;
	enum status status;
	const char *reason;
};

static void expect_each(const struct wrong_field *wrong, size_t count)
{
	unsigned char file[SAMPLE_BYTES];

	for (size_t i = 0; i < count; i++) {
		sample_build(file);
		sample_put(file, wrong[i].at, wrong[i].width, wrong[i].value);
		expect(file, sizeof(file), wrong[i].status, wrong[i].reason);
	}
}

CASE(elf_accepts_a_good_kernel_and_plans_it)
{
	unsigned char file[SAMPLE_BYTES];
	struct elf_plan plan;
	const char *reason = NULL;

	sample_build(file);
	CHECK(elf_check(file, sizeof(file), &plan, &reason) == ST_OK);
	CHECK(reason != NULL && strcmp(reason, "none") == 0);
	CHECK(plan.entry.raw == 0xffffffff80000040);
	CHECK(plan.segments[0].file_offset == 0x1000);
	CHECK(plan.segments[0].rights == (SEGMENT_READ | SEGMENT_EXECUTE));
	CHECK(plan.segments[1].virt.raw == 0xffffffff80200000);
	CHECK(plan.segments[1].rights == SEGMENT_READ);
	CHECK(plan.segments[2].file_bytes == 0x100);
	CHECK(plan.segments[2].memory_bytes == 0x5000);
	CHECK(plan.segments[2].rights == (SEGMENT_READ | SEGMENT_WRITE));
}

CASE(elf_refuses_each_wrong_identity)
{
	static const struct wrong_field wrong[] = {
		{ 0, 1, 0x7e, ST_UNSUPPORTED, "not_elf" },
		{ 3, 1, 'f', ST_UNSUPPORTED, "not_elf" },
		{ AT_CLASS, 1, 1, ST_UNSUPPORTED, "wrong_class" },
		{ AT_DATA, 1, 2, ST_UNSUPPORTED, "wrong_byte_order" },
		{ AT_IDENT_VERSION, 1, 0, ST_UNSUPPORTED, "wrong_version" },
		{ AT_VERSION, 4, 2, ST_UNSUPPORTED, "wrong_version" },
		{ AT_ABI, 1, 9, ST_UNSUPPORTED, "wrong_abi" },
		{ AT_ABI, 1, 3, ST_OK, "none" },
		{ AT_MACHINE, 2, 183, ST_UNSUPPORTED, "wrong_machine" },
		{ AT_TYPE, 2, 1, ST_UNSUPPORTED, "wrong_type" },
		{ AT_TYPE, 2, 3, ST_UNSUPPORTED, "wrong_type" },
		{ AT_HEADER_BYTES, 2, 52, ST_CORRUPT, "bad_header" },
	};

	expect_each(wrong, ARRAY_LENGTH(wrong));
}

CASE(elf_refuses_tables_that_do_not_fit)
{
	static const struct wrong_field wrong[] = {
		{ AT_PROGRAM_BYTES, 2, 32, ST_CORRUPT, "bad_program_headers" },
		{ AT_PROGRAM_BYTES, 2, 64, ST_CORRUPT, "bad_program_headers" },
		{ AT_PROGRAMS, 8, 0, ST_CORRUPT, "bad_program_headers" },
		{ AT_PROGRAMS, 8, 63, ST_CORRUPT, "bad_program_headers" },
		{ AT_PROGRAMS, 8, SAMPLE_BYTES - 223, ST_CORRUPT,
		  "bad_program_headers" },
		{ AT_PROGRAMS, 8, UINT64_MAX, ST_CORRUPT,
		  "bad_program_headers" },
		{ AT_PROGRAMS, 8, -224UL, ST_CORRUPT, "bad_program_headers" },
		{ AT_PROGRAM_COUNT, 2, 0xffff, ST_CORRUPT,
		  "bad_program_headers" },
		{ AT_PROGRAM_COUNT, 2, 17, ST_UNSUPPORTED,
		  "too_many_program_headers" },
		{ AT_PROGRAM_COUNT, 2, 16, ST_OK, "none" },
		{ AT_PROGRAM_COUNT, 2, 3, ST_OK, "none" },
		{ AT_PROGRAM_COUNT, 2, 2, ST_UNSUPPORTED, "segment_count" },
		{ AT_PROGRAM_COUNT, 2, 0, ST_UNSUPPORTED, "segment_count" },
		{ AT_SECTION_BYTES, 2, 40, ST_CORRUPT, "bad_section_headers" },
		{ AT_SECTION_COUNT, 2, 3, ST_CORRUPT, "bad_section_headers" },
		{ AT_SECTIONS, 8, UINT64_MAX - 63, ST_CORRUPT,
		  "bad_section_headers" },
		{ AT_SECTION_COUNT, 2, 0, ST_OK, "none" },
	};

	expect_each(wrong, ARRAY_LENGTH(wrong));
}

CASE(elf_knows_which_program_headers_are_harmless)
{
	static const struct wrong_field wrong[] = {
		{ SAMPLE_STACK, 4, 0, ST_OK, "none" },
		{ SAMPLE_STACK, 4, 1, ST_UNSUPPORTED, "segment_count" },
		{ SAMPLE_STACK, 4, 2, ST_UNSUPPORTED, "program_header_kind" },
		{ SAMPLE_STACK, 4, 3, ST_UNSUPPORTED, "program_header_kind" },
		{ SAMPLE_STACK, 4, 4, ST_OK, "none" },
		{ SAMPLE_STACK, 4, 5, ST_UNSUPPORTED, "program_header_kind" },
		{ SAMPLE_STACK, 4, 6, ST_UNSUPPORTED, "program_header_kind" },
		{ SAMPLE_STACK, 4, 7, ST_UNSUPPORTED, "program_header_kind" },
		{ SAMPLE_STACK, 4, 0x6474e550, ST_OK, "none" },
		{ SAMPLE_STACK, 4, 0x6474e552, ST_OK, "none" },
		{ SAMPLE_STACK, 4, 0x6474e553, ST_OK, "none" },
		{ SAMPLE_STACK, 4, 0x6474e554, ST_UNSUPPORTED,
		  "program_header_kind" },
		{ SAMPLE_RODATA, 4, 4, ST_UNSUPPORTED, "segment_rights" },
		{ SAMPLE_DATA, 4, 4, ST_UNSUPPORTED, "segment_count" },
		{ SAMPLE_STACK + P_FILE_BYTES, 8, SAMPLE_BYTES + 1, ST_CORRUPT,
		  "segment_outside_file" },
	};

	expect_each(wrong, ARRAY_LENGTH(wrong));
}

CASE(elf_refuses_segments_outside_the_file)
{
	static const struct wrong_field wrong[] = {
		{ SAMPLE_TEXT + P_OFFSET, 8, 0x4000, ST_CORRUPT,
		  "segment_outside_file" },
		{ SAMPLE_DATA + P_FILE_BYTES, 8, 0x181, ST_CORRUPT,
		  "segment_outside_file" },
		{ SAMPLE_DATA + P_FILE_BYTES, 8, 0x180, ST_OK, "none" },
		{ SAMPLE_TEXT + P_FILE_BYTES, 8, UINT64_MAX, ST_CORRUPT,
		  "segment_outside_file" },
		{ SAMPLE_TEXT + P_OFFSET, 8, -0x1000UL, ST_CORRUPT,
		  "segment_outside_file" },
	};

	expect_each(wrong, ARRAY_LENGTH(wrong));
}

CASE(elf_refuses_sizes_that_make_no_sense)
{
	static const struct wrong_field wrong[] = {
		{ SAMPLE_TEXT + P_FILE_BYTES, 8, 0, ST_CORRUPT,
		  "segment_size" },
		{ SAMPLE_RODATA + P_FILE_BYTES, 8, 0, ST_CORRUPT,
		  "segment_size" },
		{ SAMPLE_DATA + P_FILE_BYTES, 8, 0, ST_OK, "none" },
		{ SAMPLE_TEXT + P_MEMORY_BYTES, 8, 0x5ff, ST_CORRUPT,
		  "segment_size" },
		{ SAMPLE_TEXT + P_MEMORY_BYTES, 8, 0x200000, ST_OK, "none" },
		{ SAMPLE_DATA + P_MEMORY_BYTES, 8, 0, ST_CORRUPT,
		  "segment_size" },
		{ SAMPLE_DATA + P_MEMORY_BYTES, 8, 64 * MIB, ST_OK, "none" },
		{ SAMPLE_DATA + P_MEMORY_BYTES, 8, 64 * MIB + 1,
		  ST_UNSUPPORTED, "segment_too_large" },
		{ SAMPLE_DATA + P_MEMORY_BYTES, 8, UINT64_MAX,
		  ST_UNSUPPORTED, "segment_too_large" },
	};

	expect_each(wrong, ARRAY_LENGTH(wrong));
}

CASE(elf_refuses_alignment_that_a_page_table_cannot_follow)
{
	static const struct wrong_field wrong[] = {
		{ SAMPLE_TEXT + P_ALIGNMENT, 8, 0, ST_UNSUPPORTED,
		  "segment_misaligned" },
		{ SAMPLE_TEXT + P_ALIGNMENT, 8, 2048, ST_UNSUPPORTED,
		  "segment_misaligned" },
		{ SAMPLE_TEXT + P_ALIGNMENT, 8, 0x1800, ST_CORRUPT,
		  "bad_alignment" },
		{ SAMPLE_RODATA + P_ALIGNMENT, 8, 0x2000, ST_OK, "none" },
		{ SAMPLE_RODATA + P_ALIGNMENT, 8, 0x4000, ST_CORRUPT,
		  "bad_alignment" },
		{ SAMPLE_TEXT + P_OFFSET, 8, 0x1001, ST_CORRUPT,
		  "bad_alignment" },
		{ SAMPLE_RODATA + P_VIRT, 8, SAMPLE_BASE + 0x201000,
		  ST_UNSUPPORTED, "segment_misaligned" },
		{ SAMPLE_RODATA + P_VIRT, 8, SAMPLE_BASE + 0x200001,
		  ST_UNSUPPORTED, "segment_misaligned" },
	};

	expect_each(wrong, ARRAY_LENGTH(wrong));
}

CASE(elf_refuses_wrong_rights)
{
	static const uint64_t good[] = { 5, 4, 6 };
	unsigned char file[SAMPLE_BYTES];

	for (unsigned segment = 0; segment < 3; segment++) {
		for (uint64_t rights = 0; rights < 16; rights++) {
			sample_build(file);
			sample_put(file, SAMPLE_TEXT + 56 * segment + P_RIGHTS,
				   4, rights);
			if (rights == good[segment])
				expect(file, sizeof(file), ST_OK, "none");
			else
				expect(file, sizeof(file), ST_UNSUPPORTED,
				       "segment_rights");
		}
	}
}

CASE(elf_refuses_wrong_places)
{
	static const struct wrong_field wrong[] = {
		{ SAMPLE_TEXT + P_VIRT, 8, 0x200000, ST_UNSUPPORTED,
		  "segment_address" },
		{ SAMPLE_TEXT + P_VIRT, 8, SAMPLE_BASE - 0x200000,
		  ST_UNSUPPORTED, "segment_address" },
		{ SAMPLE_DATA + P_VIRT, 8, 0xffffffffc0000000,
		  ST_UNSUPPORTED, "segment_address" },
		{ SAMPLE_DATA + P_VIRT, 8, 0xffffffffffe00000,
		  ST_UNSUPPORTED, "segment_address" },
		{ SAMPLE_DATA + P_VIRT, 8, 0xffffffffbfe00000, ST_OK, "none" },
		{ SAMPLE_DATA + P_VIRT, 8, SAMPLE_BASE, ST_CORRUPT,
		  "segment_order" },
		{ SAMPLE_DATA + P_VIRT, 8, SAMPLE_BASE + 0x200000, ST_CORRUPT,
		  "segment_overlap" },
		{ SAMPLE_TEXT + P_MEMORY_BYTES, 8, 0x200001, ST_CORRUPT,
		  "segment_overlap" },
	};
	unsigned char file[SAMPLE_BYTES];

	expect_each(wrong, ARRAY_LENGTH(wrong));
	sample_build(file);
	sample_put(file, SAMPLE_DATA + P_VIRT, 8, 0xffffffffbfe00000);
	sample_put(file, SAMPLE_DATA + P_MEMORY_BYTES, 8, 0x200000);
	expect(file, sizeof(file), ST_OK, "none");
	sample_put(file, SAMPLE_DATA + P_MEMORY_BYTES, 8, 0x200001);
	expect(file, sizeof(file), ST_UNSUPPORTED, "segment_address");
}

CASE(elf_refuses_an_entry_outside_the_text_in_the_file)
{
	static const struct wrong_field wrong[] = {
		{ AT_ENTRY, 8, SAMPLE_BASE, ST_OK, "none" },
		{ AT_ENTRY, 8, SAMPLE_BASE + 0x5ff, ST_OK, "none" },
		{ AT_ENTRY, 8, SAMPLE_BASE + 0x600, ST_CORRUPT,
		  "entry_outside_text" },
		{ AT_ENTRY, 8, SAMPLE_BASE - 1, ST_CORRUPT,
		  "entry_outside_text" },
		{ AT_ENTRY, 8, 0, ST_CORRUPT, "entry_outside_text" },
		{ AT_ENTRY, 8, SAMPLE_BASE + 0x200010, ST_CORRUPT,
		  "entry_outside_text" },
	};
	unsigned char file[SAMPLE_BYTES];

	expect_each(wrong, ARRAY_LENGTH(wrong));
	/* Zeros beyond the file bytes are no place for the entry. */
	sample_build(file);
	sample_put(file, SAMPLE_TEXT + P_MEMORY_BYTES, 8, 0x1000);
	sample_put(file, AT_ENTRY, 8, SAMPLE_BASE + 0x800);
	expect(file, sizeof(file), ST_CORRUPT, "entry_outside_text");
}

CASE(elf_refuses_every_truncation)
{
	unsigned char file[SAMPLE_BYTES];

	sample_build(file);
	for (size_t bytes = 0; bytes < sizeof(file); bytes++) {
		unsigned char *cut = malloc(bytes);
		struct elf_plan plan;
		const char *reason = NULL;

		if (bytes > 0)
			memcpy(cut, file, bytes);
		CHECK(elf_check(cut, bytes, &plan, &reason) == ST_CORRUPT);
		CHECK(reference_is_token(reason));
		free(cut);
	}
	expect(file, 63, ST_CORRUPT, "too_short");
	expect(file, 0, ST_CORRUPT, "too_short");
}

CASE(elf_agrees_with_the_reference_on_every_flipped_byte)
{
	static const unsigned char flips[] = {
		0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f,
	};
	unsigned char file[SAMPLE_BYTES];
	unsigned refused = 0;

	sample_build(file);
	for (size_t at = 0; at < SAMPLE_STACK + 56; at++) {
		for (size_t i = 0; i < ARRAY_LENGTH(flips); i++) {
			bool accepted;

			file[at] ^= flips[i];
			CHECK(reference_agrees(file, sizeof(file), &accepted));
			file[at] ^= flips[i];
			refused += !accepted;
		}
	}
	/* Bytes after the headers are code: no value may matter. */
	for (size_t at = SAMPLE_STACK + 56; at < sizeof(file); at++) {
		file[at] ^= 0xff;
		expect(file, sizeof(file), ST_OK, "none");
		file[at] ^= 0xff;
	}
	CHECK(refused > 1000);
}

CASE(elf_agrees_with_the_reference_on_random_damage)
{
	uint64_t state = check_seed();
	unsigned char file[SAMPLE_BYTES];
	unsigned accepted = 0;

	for (unsigned i = 0; i < 30000; i++) {
		size_t bytes = sample_spoil(file, &state);
		bool was_accepted;

		CHECK(reference_agrees(file, bytes, &was_accepted));
		accepted += was_accepted;
	}
	/* Some damage must be accepted, or that half was not tested. */
	CHECK(accepted > 300);
}

CASE(elf_survives_random_bytes)
{
	uint64_t state = check_seed();

	for (unsigned i = 0; i < 20000; i++) {
		unsigned char file[512];
		bool accepted;

		for (size_t at = 0; at < sizeof(file); at++)
			file[at] = (unsigned char)check_random(&state);
		memcpy(file, "\x7f" "ELF\2\1\1", 7);
		CHECK(reference_agrees(file, check_random(&state) % 513,
				       &accepted));
		CHECK(!accepted);
	}
}
