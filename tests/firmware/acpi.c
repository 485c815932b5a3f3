// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The configuration tables: what the application is told of ACPI.
 *
 * words: acpi=none       no table at all says where it is
 *        acpi=empty      there is not even a list of tables
 *        acpi=null       the root pointer is at 0
 *        acpi=nowhere    ... where no memory is
 *        acpi=beyond     ... where no processor can reach
 *        acpi=corrupt    ... and does not sum up
 *        acpi=1.0        only the old root pointer, with 32 bits
 *        acpi=both_swapped   the old one first in the list, then the new
 *        acpi=xsdt_corrupt   the root pointer is good, its table is not
 *        acpi=xsdt_beyond    ... its table is out of reach
 *        acpi=xsdt_endless   ... its table says that it has 4 GiB
 *        acpi=xsdt_alone     its table is corrupt, and there is no RSDT
 *        acpi=roots_corrupt  its table is, and so is the RSDT
 */
#include "hostile.h"

#define NOWHERE		0xfc00000000ULL
#define BEYOND		(1ULL << 51)
#define RSDP_BYTES_1	20
#define RSDP_BYTES_2	36
#define RSDP_MAKER	9
#define RSDP_REVISION	15
#define RSDP_RSDT	16
#define RSDP_XSDT	24
#define RSDP_SUM_1	8
#define RSDP_SUM_2	32
#define TABLE_LENGTH	4

enum kind {
	AS_IT_IS, NONE, EMPTY, AT_NULL, AT_NOWHERE, AT_BEYOND, CORRUPT, ONE_0,
	BOTH_SWAPPED, XSDT_CORRUPT, XSDT_BEYOND, XSDT_ENDLESS, XSDT_ALONE,
	ROOTS_CORRUPT, KIND_COUNT,
};

static const char *const names[KIND_COUNT] = {
	"as_it_is", "none", "empty", "null", "nowhere", "beyond", "corrupt",
	"1.0", "both_swapped", "xsdt_corrupt", "xsdt_beyond", "xsdt_endless",
	"xsdt_alone", "roots_corrupt",
};

static EFI_GUID acpi_2 = ACPI_20_TABLE_GUID;
static EFI_GUID acpi_1 = ACPI_TABLE_GUID;
static enum kind wanted;

/* The sum over all `bytes` becomes 0. */
static void balance(UINT8 *table, UINTN bytes, UINTN at)
{
	UINT8 sum = 0;

	table[at] = 0;
	for (UINTN i = 0; i < bytes; i++)
		sum += table[i];
	table[at] = (UINT8)-sum;
}

static UINT64 get64(const UINT8 *from)
{
	UINT64 value;

	BS->CopyMem(&value, (void *)from, sizeof(value));
	return value;
}

static void put64(UINT8 *to, UINT64 value)
{
	BS->CopyMem(to, &value, sizeof(value));
}

/* A copy of a root table that is no good any more. */
static UINT64 spoilt_copy(UINT64 table)
{
	const UINT8 *old = (const UINT8 *)table;
	UINT32 bytes = *(const UINT32 *)(old + TABLE_LENGTH);
	UINT8 *copy = pages_of_our_own(bytes / PAGE_BYTES + 1);

	BS->CopyMem(copy, (void *)old, bytes);
	if (wanted == XSDT_ENDLESS)
		*(UINT32 *)(copy + TABLE_LENGTH) = 0xffffffff;
	else
		copy[bytes - 1] ^= 0x40;
	return (UINT64)copy;
}

/* Both kinds of root table must be there, or we would spoil nothing. */
static void spoil_roots(UINT8 *rsdp)
{
	UINT32 *rsdt = (UINT32 *)(rsdp + RSDP_RSDT);

	if (*rsdt == 0 || get64(rsdp + RSDP_XSDT) == 0)
		leave("NO_TWO_ROOTS_TO_SPOIL", 0, EXIT_BROKEN);
	if (wanted == XSDT_BEYOND)
		put64(rsdp + RSDP_XSDT, BEYOND);
	else
		put64(rsdp + RSDP_XSDT,
		      spoilt_copy(get64(rsdp + RSDP_XSDT)));
	if (wanted == XSDT_ALONE)
		*rsdt = 0;
	if (wanted == ROOTS_CORRUPT)
		*rsdt = (UINT32)spoilt_copy(*rsdt);
}

static void *spoil(void *original)
{
	UINT8 *rsdp = pages_of_our_own(1);

	BS->CopyMem(rsdp, original, RSDP_BYTES_2);
	switch (wanted) {
	case AT_NULL:
		return NULL;
	case AT_NOWHERE:
		return (void *)NOWHERE;
	case AT_BEYOND:
		return (void *)BEYOND;
	case ONE_0:
		rsdp[RSDP_REVISION] = 0;
		break;
	case XSDT_CORRUPT:
	case XSDT_BEYOND:
	case XSDT_ENDLESS:
	case XSDT_ALONE:
	case ROOTS_CORRUPT:
		spoil_roots(rsdp);
		break;
	default:
		break;
	}
	balance(rsdp, RSDP_BYTES_1, RSDP_SUM_1);
	if (wanted != ONE_0)
		balance(rsdp, RSDP_BYTES_2, RSDP_SUM_2);
	if (wanted == CORRUPT)
		rsdp[RSDP_MAKER] ^= 1;
	return rsdp;
}

static void before_start(void)
{
	EFI_CONFIGURATION_TABLE *list = pages_of_our_own(1), *old = NULL;
	UINTN count = 0;

	if (wanted == AS_IT_IS)
		return;
	for (UINTN i = 0; i < ST->NumberOfTableEntries; i++) {
		EFI_CONFIGURATION_TABLE *from = &ST->ConfigurationTable[i];

		if (CompareGuid(&from->VendorGuid, &acpi_2) == 0)
			old = from;
	}
	if (old == NULL)
		leave("NO_ACPI_TO_SPOIL", 0, EXIT_BROKEN);
	if (wanted == BOTH_SWAPPED || wanted == ONE_0)
		list[count++] = (EFI_CONFIGURATION_TABLE){
			acpi_1, spoil(old->VendorTable) };
	for (UINTN i = 0; i < ST->NumberOfTableEntries; i++) {
		EFI_CONFIGURATION_TABLE from = ST->ConfigurationTable[i];
		BOOLEAN is_2 = CompareGuid(&from.VendorGuid, &acpi_2) == 0;

		if (CompareGuid(&from.VendorGuid, &acpi_1) == 0 ||
		    (is_2 && (wanted == NONE || wanted == ONE_0)))
			continue;
		if (is_2)
			from.VendorTable = spoil(from.VendorTable);
		list[count++] = from;
	}
	stage.system->ConfigurationTable = wanted == EMPTY ? NULL : list;
	stage.system->NumberOfTableEntries = wanted == EMPTY ? 0 : count;
}

static BOOLEAN word(const char *name, const char *value)
{
	if (!text_equals(name, "acpi"))
		return FALSE;
	for (enum kind kind = 0; kind < KIND_COUNT; kind++)
		if (text_equals(value, names[kind]))
			wanted = kind;
	return wanted != AS_IT_IS;
}

const struct room acpi_room = { .word = word, .before_start = before_start };
