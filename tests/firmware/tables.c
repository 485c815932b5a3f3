// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Page tables of a firmware that protects memory. They begin as a copy of the
 * real firmware's root; each lower table is copied when it is first changed,
 * and a large leaf is split when a part of it changes. The real firmware
 * continues with them, since it finds them through CR3.
 *
 * words: nx          nothing but code can be executed
 *        sections    the application's own sections have the rights that
 *                    its headers say, and no more
 *        null_page   page 0 is not there
 *        protocol    EFI_MEMORY_ATTRIBUTE_PROTOCOL is there; it refuses to
 *                    let anything be written and executed
 *        strict      allocated code pages cannot be executed either, until the
 *                    protocol has been asked
 *        plain       everything can be executed (what CR4 lacks NX for)
 */
#include "hostile.h"

#define LEVELS		4
#define POOL_PAGES	1600

#define PRESENT		0x1ULL
#define WRITABLE	0x2ULL
#define LARGE		0x80ULL
#define NO_EXECUTE	(1ULL << 63)
#define ADDRESS_BITS	0x000ffffffffff000ULL
/* Where a 4 KiB leaf has its PAT bit, a large one is LARGE. */
#define PAT_LARGE	(1ULL << 12)

#define ATTRIBUTES	(EFI_MEMORY_RP | EFI_MEMORY_XP | ATTRIBUTE_RO)
#define ATTRIBUTE_RO	0x20000ULL

/* PE/COFF, PE32+: from the signature. */
#define PE_SECTION_ALIGNMENT	(24 + 32)
#define PE_DLL_CHARACTERISTICS	(24 + 70)
#define NX_COMPAT		0x100

#define SECTION_EXECUTE	0x20000000
#define SECTION_WRITE	0x80000000

static struct {
	BOOLEAN nx, sections, null_page, protocol, strict, plain;
} wanted;

static const struct {
	const char *name;
	BOOLEAN *flag;
} words[] = {
	{ "nx", &wanted.nx },
	{ "sections", &wanted.sections },
	{ "null_page", &wanted.null_page },
	{ "protocol", &wanted.protocol },
	{ "strict", &wanted.strict },
	{ "plain", &wanted.plain },
};

static struct {
	UINT64 *root;			/* NULL: none of ours                */
	BOOLEAN in_use;
	UINT64 *pool;
	UINTN pool_used;
	UINT64 firmware_root;
} tables;

/* --- tables --------------------------------------------------------------- */

static UINT64 *table_at(UINT64 entry)
{
	return (UINT64 *)(entry & ADDRESS_BITS);
}

static BOOLEAN is_ours(const UINT64 *table)
{
	return table >= tables.pool &&
	       table < tables.pool + POOL_PAGES * 512;
}

static UINT64 *new_table(void)
{
	if (tables.pool_used == POOL_PAGES)
		leave("TOO_MANY_TABLES", POOL_PAGES, EXIT_BROKEN);
	return tables.pool + tables.pool_used++ * 512;
}

static UINT64 bytes_of(UINTN level)
{
	return PAGE_BYTES << 9 * (level - 1);
}

static BOOLEAN is_leaf(UINT64 entry, UINTN level)
{
	return level == 1 || (entry & LARGE) != 0;
}

/* The table of ours that `entry` leads to. */
static UINT64 *own(UINT64 *entry, UINTN level)
{
	UINT64 *copy = table_at(*entry);
	UINT64 old = *entry;

	if (!is_leaf(old, level) && is_ours(copy))
		return copy;
	copy = new_table();
	for (UINTN i = 0; i < 512; i++) {
		if (!is_leaf(old, level))
			copy[i] = table_at(old)[i];
		else if (level > 2)
			copy[i] = old + i * bytes_of(level - 1);
		else
			copy[i] = (old & ~(LARGE | PAT_LARGE)) +
				  i * PAGE_BYTES;
	}
	/* Only leaves restrict rights. */
	*entry = (UINT64)copy | PRESENT | WRITABLE | (old & 4);
	return copy;
}

static UINT64 with_right(UINT64 entry, enum right right)
{
	entry &= ~(PRESENT | WRITABLE | NO_EXECUTE);
	if (right != RIGHT_NONE)
		entry |= PRESENT;
	if (right == RIGHT_WRITE || right == RIGHT_ALL)
		entry |= WRITABLE;
	if (right == RIGHT_READ || right == RIGHT_WRITE)
		entry |= NO_EXECUTE;
	return entry;
}

static void set_in(UINT64 *table, UINTN level, UINT64 start, UINT64 end,
		   enum right right)
{
	UINT64 size = bytes_of(level);

	for (UINT64 at = start; at < end; at = (at / size + 1) * size) {
		UINT64 *entry = &table[at / size % 512];
		UINT64 stop = (at / size + 1) * size;

		if (*entry == 0)
			continue;
		if (stop > end)
			stop = end;
		if (is_leaf(*entry, level) && stop - at == size)
			*entry = with_right(*entry, right);
		else
			set_in(own(entry, level), level - 1, at, stop, right);
	}
}

BOOLEAN tables_are_ours(void)
{
	return tables.root != NULL;
}

static UINT64 read_cr3(void)
{
	UINT64 value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static void write_cr3(UINT64 value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

/* Only once they are complete: before that our own code has no rights. */
static void use_tables(void)
{
	write_cr3((UINT64)tables.root);
	tables.in_use = TRUE;
}

void tables_set(UINT64 start, UINT64 end, enum right right)
{
	set_in(tables.root, LEVELS, start, end, right);
	if (tables.in_use)
		write_cr3(read_cr3());
}

UINT64 tables_entry(UINT64 address)
{
	UINT64 *table = tables.root;

	for (UINTN level = LEVELS; level > 0; level--) {
		UINT64 entry = table[address / bytes_of(level) % 512];

		if ((entry & PRESENT) == 0)
			return 0;
		if (is_leaf(entry, level))
			return entry;
		table = table_at(entry);
	}
	return 0;
}

static void copy_root(void)
{
	if (tables.pool == NULL) {
		/* Below 4 GiB: five levels are entered from 32-bit code. */
		EFI_PHYSICAL_ADDRESS pool = 4 * GIB - 1;

		must(BS->AllocatePages(AllocateMaxAddress, EfiBootServicesData,
				       POOL_PAGES, &pool), "NO_POOL");
		tables.pool = (UINT64 *)pool;
	}
	tables.pool_used = 0;
	tables.firmware_root = read_cr3();
	tables.root = new_table();
	BS->CopyMem(tables.root, table_at(tables.firmware_root), PAGE_BYTES);
}

/* --- rights by type, and by section --------------------------------------- */

enum right tables_right_of(EFI_MEMORY_TYPE type)
{
	if (!wanted.nx)
		return RIGHT_ALL;
	if (type == EfiLoaderCode)
		return wanted.strict ? RIGHT_WRITE : RIGHT_ALL;
	return type == EfiBootServicesCode || type == EfiRuntimeServicesCode ?
		       RIGHT_ALL : RIGHT_WRITE;
}

/* All that the map names, and what lies between it below 4 GiB. */
static void protect_by_type(void)
{
	static UINT64 map[16 * PAGE_BYTES / sizeof(UINT64)];
	UINTN bytes = sizeof(map), key, stride;
	UINT32 version;

	tables_set(0, 4 * GIB, RIGHT_WRITE);
	must(BS->GetMemoryMap(&bytes, (EFI_MEMORY_DESCRIPTOR *)map, &key,
			      &stride, &version), "NO_MAP");
	for (UINTN at = 0; at < bytes; at += stride) {
		const EFI_MEMORY_DESCRIPTOR *line =
			(void *)((char *)map + at);
		/* The image is there already; its pages are code. */
		enum right right = line->Type == EfiLoaderCode ?
			RIGHT_ALL : tables_right_of(line->Type);

		tables_set(line->PhysicalStart, line->PhysicalStart +
			   line->NumberOfPages * PAGE_BYTES, right);
	}
}

/* PE/COFF specification, section table. */
struct pe_section {
	char name[8];
	UINT32 bytes, address;
	UINT32 file_bytes, file_offset;
	UINT32 relocations, lines, counts;
	UINT32 characteristics;
};
_Static_assert(sizeof(struct pe_section) == 40, "as in the file");

/* Checks what such a firmware requires of a file. */
static void check_headers(const char *pe)
{
	if (*(const UINT32 *)(pe + PE_SECTION_ALIGNMENT) % PAGE_BYTES != 0)
		leave("SECTIONS_ARE_NOT_ON_PAGES", 0, EXIT_BROKEN);
	if ((*(const UINT16 *)(pe + PE_DLL_CHARACTERISTICS) & NX_COMPAT) == 0)
		leave("IMAGE_IS_NOT_NX_COMPATIBLE", 0, EXIT_BROKEN);
}

/* The headers are readable; each section has exactly the rights it states. */
static void protect_sections(void)
{
	const char *image = stage.image->ImageBase;
	const char *pe = image + *(const UINT32 *)(image + 0x3c);
	UINTN count = *(const UINT16 *)(pe + 6);
	const char *first = pe + 24 + *(const UINT16 *)(pe + 20);

	check_headers(pe);
	tables_set((UINT64)image, (UINT64)image + stage.image->ImageSize,
		   RIGHT_READ);
	for (UINTN i = 0; i < count; i++) {
		struct pe_section section;
		UINT64 start, end;
		enum right right = RIGHT_READ;

		BS->CopyMem(&section, (void *)(first + i * sizeof(section)),
			    sizeof(section));
		start = (UINT64)image + section.address;
		end = (start + section.bytes + PAGE_BYTES - 1) &
		      ~(PAGE_BYTES - 1);
		if (section.characteristics & SECTION_WRITE)
			right = RIGHT_WRITE;
		if (section.characteristics & SECTION_EXECUTE)
			right = RIGHT_EXECUTE;
		if ((section.characteristics & SECTION_WRITE) &&
		    (section.characteristics & SECTION_EXECUTE))
			leave("SECTION_IS_WRITABLE_CODE", i, EXIT_BROKEN);
		tables_set(start, end, right);
	}
}

/* --- the protocol --------------------------------------------------------- */

struct attribute_protocol {
	EFI_STATUS(EFIAPI *get)(struct attribute_protocol *self, UINT64 start,
				UINT64 bytes, UINT64 *attributes);
	EFI_STATUS(EFIAPI *set)(struct attribute_protocol *self, UINT64 start,
				UINT64 bytes, UINT64 attributes);
	EFI_STATUS(EFIAPI *clear)(struct attribute_protocol *self,
				  UINT64 start, UINT64 bytes,
				  UINT64 attributes);
};

static UINT64 attributes_of(UINT64 address)
{
	UINT64 entry = tables_entry(address);

	if (entry == 0)
		return EFI_MEMORY_RP;
	return (entry & WRITABLE ? 0 : ATTRIBUTE_RO) |
	       (entry & NO_EXECUTE ? EFI_MEMORY_XP : 0);
}

static BOOLEAN is_strange(UINT64 start, UINT64 bytes, UINT64 attributes)
{
	return start % PAGE_BYTES != 0 || bytes % PAGE_BYTES != 0 ||
	       bytes == 0 || (attributes & ~ATTRIBUTES) != 0;
}

static EFI_STATUS change(UINT64 start, UINT64 bytes, UINT64 set,
			 UINT64 clear)
{
	if (is_strange(start, bytes, set | clear))
		return EFI_INVALID_PARAMETER;
	for (UINT64 at = start; at < start + bytes; at += PAGE_BYTES) {
		UINT64 now = (attributes_of(at) | set) & ~clear;
		enum right right = RIGHT_READ;

		if ((now & (ATTRIBUTE_RO | EFI_MEMORY_XP)) == 0)
			return EFI_ACCESS_DENIED;
		if ((now & ATTRIBUTE_RO) == 0)
			right = RIGHT_WRITE;
		else if ((now & EFI_MEMORY_XP) == 0)
			right = RIGHT_EXECUTE;
		tables_set(at, at + PAGE_BYTES,
			   now & EFI_MEMORY_RP ? RIGHT_NONE : right);
	}
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_attributes(struct attribute_protocol *self,
					UINT64 start, UINT64 bytes,
					UINT64 *attributes)
{
	(void)self;
	if (is_strange(start, bytes, 0) || attributes == NULL)
		return EFI_INVALID_PARAMETER;
	*attributes = attributes_of(start);
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_attributes(struct attribute_protocol *self,
					UINT64 start, UINT64 bytes,
					UINT64 attributes)
{
	(void)self;
	return change(start, bytes, attributes, 0);
}

static EFI_STATUS EFIAPI clear_attributes(struct attribute_protocol *self,
					  UINT64 start, UINT64 bytes,
					  UINT64 attributes)
{
	(void)self;
	return change(start, bytes, 0, attributes);
}

static void install_protocol(void)
{
	static EFI_GUID guid = { 0xf4560cf6, 0x40ec, 0x4b4a,
				 { 0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1,
				   0x89 } };
	static struct attribute_protocol protocol = {
		get_attributes, set_attributes, clear_attributes,
	};
	static EFI_HANDLE handle;

	if (handle == NULL)
		must(BS->InstallProtocolInterface(&handle, &guid,
						  EFI_NATIVE_INTERFACE,
						  &protocol), "NO_PROTOCOL");
}

/* --- the room ------------------------------------------------------------- */

static void before_start(void)
{
	if (!wanted.nx && !wanted.sections && !wanted.null_page &&
	    !wanted.protocol && !wanted.plain)
		return;
	copy_root();
	if (wanted.plain)
		tables_set(0, 1ULL << 40, RIGHT_ALL);
	if (wanted.nx)
		protect_by_type();
	if (wanted.sections)
		protect_sections();
	if (wanted.null_page)
		tables_set(0, PAGE_BYTES, RIGHT_NONE);
	use_tables();
	if (wanted.protocol)
		install_protocol();
}

/* The firmware may need pages that the application may not access. */
static void after_return(void)
{
	if (tables.root == NULL)
		return;
	write_cr3(tables.firmware_root);
	tables.root = NULL;
	tables.in_use = FALSE;
}

static BOOLEAN word(const char *name, const char *value)
{
	(void)value;
	for (UINTN i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!text_equals(name, words[i].name))
			continue;
		*words[i].flag = TRUE;
		return TRUE;
	}
	return FALSE;
}

const struct room tables_room = {
	.word = word,
	.before_start = before_start,
	.after_return = after_return,
};
