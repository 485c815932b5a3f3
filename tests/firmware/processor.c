// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The processor's state when the application starts.
 *
 * words: la57     five levels of page tables
 *        wp_off   CR0.WP clear
 *        nxe_off  EFER.NXE clear (with plain: no entry may have the bit)
 *        cr4      every bit of CR4 that the processor has and that the
 *                 firmware survives
 */
#include "hostile.h"

#define CR0_WP		(1ULL << 16)
#define CR4_LA57	(1ULL << 12)
#define CR4_PCIDE	(1ULL << 17)
#define MSR_EFER	0xc0000080
#define EFER_NXE	(1ULL << 11)
#define TABLE_PRESENT	3ULL

struct cpuid {
	UINT32 eax, ebx, ecx, edx;
};

static struct {
	BOOLEAN la57, wp_off, nxe_off, cr4;
} wanted;

/* mode.S, wherever it has been copied to. */
extern const char mode_start[], mode_end[];
typedef void(EFIAPI *mode_change)(UINT64 new_root);

static struct cpuid read_cpuid(UINT32 leaf)
{
	struct cpuid id;

	__asm__ volatile("cpuid" : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx),
			 "=d"(id.edx) : "a"(leaf), "c"(0));
	return id;
}

static UINT64 read_efer(void)
{
	UINT32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
	return (UINT64)high << 32 | low;
}

static void write_efer(UINT64 value)
{
	__asm__ volatile("wrmsr" : : "a"((UINT32)value),
			 "d"((UINT32)(value >> 32)), "c"(MSR_EFER));
}

#define READ_CR(number) ({						\
	UINT64 value_;							\
	__asm__ volatile("mov %%cr" #number ", %0" : "=r"(value_));	\
	value_; })
#define WRITE_CR(number, value)						\
	__asm__ volatile("mov %0, %%cr" #number : : "r"(value) : "memory")

/* A root above the old root; both below 4 GiB, as the code between them. */
static void enter_five_levels(void)
{
	EFI_PHYSICAL_ADDRESS place = 4 * GIB - 1;
	UINT64 *root;
	mode_change enter;

	if ((read_cpuid(7).ecx & 1 << 16) == 0)
		leave("NO_LA57", 0, EXIT_BROKEN);
	must(BS->AllocatePages(AllocateMaxAddress, EfiBootServicesCode, 2,
			       &place), "NO_MEMORY_FOR_HOSTILE");
	root = (UINT64 *)(place + PAGE_BYTES);
	BS->SetMem((void *)place, 2 * PAGE_BYTES, 0);
	BS->CopyMem((void *)place, (void *)mode_start,
		    (UINTN)(mode_end - mode_start));
	if (tables_are_ours())
		tables_set(place, place + PAGE_BYTES, RIGHT_ALL);
	root[0] = READ_CR(3) | TABLE_PRESENT;
	enter = (void *)place;
	__asm__ volatile("cli");
	enter((UINT64)root);
	__asm__ volatile("sti");
}

/* SDM vol. 3A 2.5; without what would change how the firmware's code runs. */
static UINT64 cr4_bits(void)
{
	static const struct {
		UINT32 leaf, bit;
		UINTN word;			/* 1 ebx, 2 ecx, 3 edx       */
		UINT64 control;
	} bits[] = {
		{ 1, 2, 3, 1ULL << 3 },		/* DE                        */
		{ 1, 3, 3, 1ULL << 4 },		/* PSE                       */
		{ 1, 13, 3, 1ULL << 7 },	/* PGE                       */
		{ 1, 4, 3, 1ULL << 2 },		/* TSD                       */
		{ 7, 2, 2, 1ULL << 11 },	/* UMIP                      */
		{ 7, 0, 1, 1ULL << 16 },	/* FSGSBASE                  */
		{ 1, 17, 2, CR4_PCIDE },
		{ 1, 26, 2, 1ULL << 18 },	/* OSXSAVE                   */
		{ 7, 7, 1, 1ULL << 20 },	/* SMEP                      */
		{ 7, 20, 1, 1ULL << 21 },	/* SMAP                      */
		{ 7, 3, 2, 1ULL << 22 },	/* PKE                       */
	};
	UINT64 value = 0;

	for (UINTN i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		struct cpuid id = read_cpuid(bits[i].leaf);
		UINT32 words[] = { id.eax, id.ebx, id.ecx, id.edx };

		if (words[bits[i].word] >> bits[i].bit & 1)
			value |= bits[i].control;
	}
	return value;
}

static void before_start(void)
{
	if (wanted.la57)
		enter_five_levels();
	if (wanted.cr4)
		WRITE_CR(4, READ_CR(4) | cr4_bits());
	if (wanted.wp_off)
		WRITE_CR(0, READ_CR(0) & ~CR0_WP);
	if (wanted.nxe_off)
		write_efer(read_efer() & ~EFER_NXE);
	serial_text("\r\n# hostile: processor cr0=");
	serial_hex(READ_CR(0));
	serial_text(" cr4=");
	serial_hex(READ_CR(4));
	serial_text(" efer=");
	serial_hex(read_efer());
	serial_text("\r\n");
}

static BOOLEAN word(const char *name, const char *value)
{
	(void)value;
	if (text_equals(name, "la57"))
		wanted.la57 = TRUE;
	else if (text_equals(name, "wp_off"))
		wanted.wp_off = TRUE;
	else if (text_equals(name, "nxe_off"))
		wanted.nxe_off = TRUE;
	else if (text_equals(name, "cr4"))
		wanted.cr4 = TRUE;
	else
		return FALSE;
	return TRUE;
}

const struct room processor_room = {
	.word = word,
	.before_start = before_start,
};
