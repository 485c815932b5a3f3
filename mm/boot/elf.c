// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A flat list of checks, each with its own refusal. `out` is written after the
 * last one, so a refused file changes nothing.
 *
 * Two rules make untrusted numbers harmless. A range is compared by
 * subtracting on the trusted side (the file's size, the area's end), never by
 * adding two numbers of the file. And headers are copied before they are
 * checked: the file need not be aligned, and the checked copy is the one that
 * is used.
 *
 * Section headers are not needed to load a kernel. But they come last in the
 * file, so they must lie inside it: that detects a file that was cut short
 * after its last segment.
 */
#include <boot/elf.h>

#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>

enum {
	CLASS_64 = 2,
	LITTLE_ENDIAN_DATA = 1,
	CURRENT_VERSION = 1,
	ABI_SYSTEM_V = 0,
	ABI_GNU = 3,		/* System V with GNU extensions */
	TYPE_EXECUTABLE = 2,
	MACHINE_X86_64 = 62,
};

enum program_type {
	PROGRAM_NULL = 0,
	PROGRAM_LOAD = 1,
	PROGRAM_NOTE = 4,
	PROGRAM_GNU_EH_FRAME = 0x6474e550,
	PROGRAM_GNU_STACK = 0x6474e551,
	PROGRAM_GNU_RELRO = 0x6474e552,
	PROGRAM_GNU_PROPERTY = 0x6474e553,
};

struct elf_header {
	unsigned char magic[4];
	unsigned char class, data, ident_version, abi;
	unsigned char padding[8];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry;
	uint64_t program_offset, section_offset;
	uint32_t flags;
	uint16_t header_bytes;
	uint16_t program_bytes, program_count;
	uint16_t section_bytes, section_count;
	uint16_t name_section;
};

struct program_header {
	uint32_t type;
	uint32_t rights;	/* PF_X, PF_W, PF_R: as enum segment_rights  */
	uint64_t offset;
	uint64_t virt, phys;
	uint64_t file_bytes, memory_bytes;
	uint64_t alignment;
};

struct elf_file {
	const unsigned char *data;
	uint64_t bytes;
};

#define SECTION_HEADER_BYTES 64

_Static_assert(sizeof(struct elf_header) == 64, "ELF64 file header");
_Static_assert(sizeof(struct program_header) == 56, "ELF64 program header");
_Static_assert(ELF_SEGMENTS == 3, "F1: check_place names three rights");
_Static_assert(KERNEL_BASE % SIZE_2M == 0 && KERNEL_END % SIZE_2M == 0, "F2");

static enum status corrupt(const char **reason, const char *token)
{
	*reason = token;
	return ST_CORRUPT;
}

static enum status unsupported(const char **reason, const char *token)
{
	*reason = token;
	return ST_UNSUPPORTED;
}

static bool range_is_inside(uint64_t start, uint64_t bytes, uint64_t limit)
{
	return start <= limit && bytes <= limit - start;
}

static enum status check_identity(const struct elf_header *header,
				  const char **reason)
{
	if (memcmp(header->magic, "\x7f" "ELF", 4) != 0)
		return unsupported(reason, "not_elf");
	if (header->class != CLASS_64)
		return unsupported(reason, "wrong_class");
	if (header->data != LITTLE_ENDIAN_DATA)
		return unsupported(reason, "wrong_byte_order");
	if (header->ident_version != CURRENT_VERSION ||
	    header->version != CURRENT_VERSION)
		return unsupported(reason, "wrong_version");
	if (header->abi != ABI_SYSTEM_V && header->abi != ABI_GNU)
		return unsupported(reason, "wrong_abi");
	if (header->machine != MACHINE_X86_64)
		return unsupported(reason, "wrong_machine");
	if (header->type != TYPE_EXECUTABLE)
		return unsupported(reason, "wrong_type");
	return ST_OK;
}

static enum status check_tables(const struct elf_header *header,
				uint64_t bytes, const char **reason)
{
	uint64_t sections = (uint64_t)header->section_count *
			    SECTION_HEADER_BYTES;
	uint64_t programs = (uint64_t)header->program_count *
			    sizeof(struct program_header);

	if (header->header_bytes != sizeof(*header))
		return corrupt(reason, "bad_header");
	if (header->program_bytes != sizeof(struct program_header) ||
	    header->program_offset < sizeof(*header) ||
	    !range_is_inside(header->program_offset, programs, bytes))
		return corrupt(reason, "bad_program_headers");
	if (header->program_count > ELF_PROGRAM_HEADERS)
		return unsupported(reason, "too_many_program_headers");
	if (header->section_count == 0)
		return ST_OK;
	if (header->section_bytes != SECTION_HEADER_BYTES ||
	    !range_is_inside(header->section_offset, sections, bytes))
		return corrupt(reason, "bad_section_headers");
	return ST_OK;
}

/* Checks a program header, whether it is loaded or not. */
static enum status check_program(const struct program_header *program,
				 uint64_t bytes, const char **reason)
{
	switch (program->type) {
	case PROGRAM_NULL:
		return ST_OK;
	case PROGRAM_LOAD:
	case PROGRAM_NOTE:
	case PROGRAM_GNU_EH_FRAME:
	case PROGRAM_GNU_STACK:
	case PROGRAM_GNU_RELRO:
	case PROGRAM_GNU_PROPERTY:
		break;
	default:
		return unsupported(reason, "program_header_kind");
	}
	if (!range_is_inside(program->offset, program->file_bytes, bytes))
		return corrupt(reason, "segment_outside_file");
	return ST_OK;
}

static enum status check_shape(const struct program_header *program,
			       unsigned index, const char **reason)
{
	bool may_be_empty = index == ELF_SEGMENTS - 1;

	if (program->memory_bytes == 0 ||
	    program->file_bytes > program->memory_bytes ||
	    (program->file_bytes == 0 && !may_be_empty))
		return corrupt(reason, "segment_size");
	if (program->memory_bytes > ELF_SEGMENT_LIMIT)
		return unsupported(reason, "segment_too_large");
	if (program->alignment < PAGE_SIZE ||
	    !is_aligned(program->virt, SIZE_2M))
		return unsupported(reason, "segment_misaligned");
	if ((program->alignment & (program->alignment - 1)) != 0 ||
	    !is_aligned(program->virt - program->offset, program->alignment))
		return corrupt(reason, "bad_alignment");
	return ST_OK;
}

/* `before` is the segment below, or NULL for the first. */
static enum status check_place(const struct program_header *program,
			       unsigned index, const struct elf_segment *before,
			       const char **reason)
{
	static const uint32_t rights[ELF_SEGMENTS] = {
		SEGMENT_READ | SEGMENT_EXECUTE,
		SEGMENT_READ,
		SEGMENT_READ | SEGMENT_WRITE,
	};

	if (program->rights != rights[index])
		return unsupported(reason, "segment_rights");
	if (program->virt < KERNEL_BASE ||
	    !range_is_inside(program->virt, program->memory_bytes, KERNEL_END))
		return unsupported(reason, "segment_address");
	if (before == NULL)
		return ST_OK;
	if (program->virt < before->virt.raw)
		return corrupt(reason, "segment_order");
	if (program->virt - before->virt.raw < before->memory_bytes)
		return corrupt(reason, "segment_overlap");
	return ST_OK;
}

static struct elf_segment as_segment(const struct program_header *program)
{
	return (struct elf_segment){
		.file_offset = program->offset,
		.file_bytes = program->file_bytes,
		.virt = { program->virt },
		.memory_bytes = program->memory_bytes,
		.rights = program->rights,
	};
}

/* The program headers have been checked to lie inside the file. */
static enum status plan_segments(struct elf_plan *plan,
				 const struct elf_file *file,
				 const struct elf_header *header,
				 const char **reason)
{
	const unsigned char *next = file->data + header->program_offset;
	unsigned found = 0;

	for (unsigned i = 0; i < header->program_count; i++) {
		struct program_header program;
		enum status status;

		memcpy(&program, next, sizeof(program));
		next += sizeof(program);
		status = check_program(&program, file->bytes, reason);
		if (status != ST_OK)
			return status;
		if (program.type != PROGRAM_LOAD)
			continue;
		if (found == ELF_SEGMENTS)
			return unsupported(reason, "segment_count");
		status = check_shape(&program, found, reason);
		if (status != ST_OK)
			return status;
		status = check_place(&program, found,
				     found > 0 ? &plan->segments[found - 1] :
						 NULL, reason);
		if (status != ST_OK)
			return status;
		plan->segments[found++] = as_segment(&program);
	}
	if (found != ELF_SEGMENTS)
		return unsupported(reason, "segment_count");
	return ST_OK;
}

enum status elf_check(const void *file, uint64_t bytes, struct elf_plan *out,
		      const char **reason)
{
	struct elf_file whole = { file, bytes };
	const struct elf_segment *text;
	struct elf_header header;
	struct elf_plan plan;
	enum status status;

	if (bytes < sizeof(header))
		return corrupt(reason, "too_short");
	memcpy(&header, file, sizeof(header));
	status = check_identity(&header, reason);
	if (status != ST_OK)
		return status;
	status = check_tables(&header, bytes, reason);
	if (status != ST_OK)
		return status;
	status = plan_segments(&plan, &whole, &header, reason);
	if (status != ST_OK)
		return status;
	text = &plan.segments[0];
	if (header.entry < text->virt.raw ||
	    header.entry - text->virt.raw >= text->file_bytes)
		return corrupt(reason, "entry_outside_text");
	plan.entry = (vaddr_t){ header.entry };
	*out = plan;
	*reason = "none";
	return ST_OK;
}
