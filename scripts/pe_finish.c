// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * pe_finish - the last touch on a PE image, and the first look at it.
 *
 *	pe_finish IMAGE.EFI LINKED.so
 *
 * Sets NX_COMPAT and clears what changes from build to build (time stamp,
 * checksum). Refuses an image with a section that is writable and
 * executable, a section that is not on 4096, a missing section, or an ELF
 * relocation that the start-up code would skip (all but
 * R_X86_64_RELATIVE). Source: Microsoft PE format; System V AMD64 ABI.
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NX_COMPAT		0x0100
#define SECTION_EXECUTE		0x20000000u
#define SECTION_WRITE		0x80000000u
#define SECTION_BYTES		40
#define OPTIONAL_AT		24	/* from the "PE\0\0"                 */
#define PE32_PLUS		0x20b

struct file {
	const char *name;
	unsigned char *data;
	size_t bytes;
};

_Noreturn static void die(const char *name, const char *why)
{
	fprintf(stderr, "pe_finish: %s: %s\n", name, why);
	exit(1);
}

static struct file load(const char *name)
{
	struct file file = { .name = name };
	FILE *stream = fopen(name, "rb");
	long size;

	if (stream == NULL || fseek(stream, 0, SEEK_END) != 0)
		die(name, "cannot be read");
	size = ftell(stream);
	rewind(stream);
	file.bytes = (size_t)size;
	file.data = malloc(file.bytes + 1);
	if (size <= 0 || file.data == NULL ||
	    fread(file.data, 1, file.bytes, stream) != file.bytes)
		die(name, "cannot be read");
	fclose(stream);
	return file;
}

/* A pointer to `bytes` bytes at `offset`, or the end of the program. */
static void *at(const struct file *file, size_t offset, size_t bytes)
{
	if (offset > file->bytes || bytes > file->bytes - offset)
		die(file->name, "is cut short");
	return file->data + offset;
}

static uint16_t get16(const struct file *file, size_t offset)
{
	uint16_t value;

	memcpy(&value, at(file, offset, sizeof(value)), sizeof(value));
	return value;
}

static uint32_t get32(const struct file *file, size_t offset)
{
	uint32_t value;

	memcpy(&value, at(file, offset, sizeof(value)), sizeof(value));
	return value;
}

static void put(struct file *file, size_t offset, const void *value,
		size_t bytes)
{
	memcpy(at(file, offset, bytes), value, bytes);
}

static void check_sections(const struct file *file, size_t pe)
{
	static const char *const wanted[] = { ".text", ".data", ".reloc",
					      ".sbat" };
	size_t found = 0;
	unsigned count = get16(file, pe + 6);
	size_t table = pe + OPTIONAL_AT + get16(file, pe + 20);

	for (unsigned i = 0; i < count; i++) {
		size_t section = table + i * SECTION_BYTES;
		const char *name = at(file, section, SECTION_BYTES);
		uint32_t rights = get32(file, section + 36);

		if ((rights & SECTION_WRITE) && (rights & SECTION_EXECUTE))
			die(file->name, "a section is writable and executable");
		if (get32(file, section + 12) % 4096 != 0)
			die(file->name, "a section is not on 4096");
		for (size_t k = 0; k < sizeof(wanted) / sizeof(*wanted); k++)
			found += strncmp(name, wanted[k], 8) == 0;
	}
	if (found != sizeof(wanted) / sizeof(*wanted))
		die(file->name, "a section is missing");
}

static void finish(struct file *file)
{
	static const uint32_t zero;
	size_t pe = get32(file, 0x3c);
	uint16_t characteristics;

	if (memcmp(at(file, pe, 4), "PE\0\0", 4) != 0 ||
	    get16(file, pe + OPTIONAL_AT) != PE32_PLUS)
		die(file->name, "is no PE32+ image");
	if (get32(file, pe + OPTIONAL_AT + 32) != 4096)
		die(file->name, "section alignment is not 4096");
	check_sections(file, pe);
	characteristics = get16(file, pe + OPTIONAL_AT + 70) | NX_COMPAT;
	put(file, pe + OPTIONAL_AT + 70, &characteristics, 2);
	put(file, pe + 8, &zero, 4);			/* time stamp */
	put(file, pe + OPTIONAL_AT + 64, &zero, 4);	/* checksum   */
}

static void check_relocations(const struct file *file)
{
	const Elf64_Ehdr *header = at(file, 0, sizeof(*header));

	for (unsigned i = 0; i < header->e_shnum; i++) {
		const Elf64_Shdr *section =
			at(file, header->e_shoff + i * sizeof(*section),
			   sizeof(*section));

		if (section->sh_type != SHT_RELA)
			continue;
		for (size_t k = 0; k < section->sh_size / sizeof(Elf64_Rela);
		     k++) {
			const Elf64_Rela *rela =
				at(file, section->sh_offset + k * sizeof(*rela),
				   sizeof(*rela));

			if (ELF64_R_TYPE(rela->r_info) != R_X86_64_RELATIVE)
				die(file->name, "a relocation that start-up "
						"does not know");
		}
	}
}

int main(int argc, char **argv)
{
	struct file image, linked;
	FILE *out;

	if (argc != 3) {
		fprintf(stderr, "usage: pe_finish IMAGE.EFI LINKED.so\n");
		return 2;
	}
	image = load(argv[1]);
	linked = load(argv[2]);
	finish(&image);
	check_relocations(&linked);
	out = fopen(argv[1], "wb");
	if (out == NULL ||
	    fwrite(image.data, 1, image.bytes, out) != image.bytes ||
	    fclose(out) != 0)
		die(argv[1], "cannot be written");
	return 0;
}
