// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Changes the ACPI tables that the application finds.
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
#include "acpi.h"

#define NOWHERE		0xfc00000000ULL

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

UINT8 *acpi_rsdp(void)
{
	for (UINTN i = 0; i < ST->NumberOfTableEntries; i++) {
		EFI_CONFIGURATION_TABLE *from = &ST->ConfigurationTable[i];

		if (CompareGuid(&from->VendorGuid, &acpi_2) == 0)
			return from->VendorTable;
	}
	leave("NO_ACPI_TO_SPOIL", 0, EXIT_BROKEN);
}

UINTN acpi_length(const UINT8 *table)
{
	return draft_get(table + TABLE_LENGTH, 4);
}

UINT8 *acpi_copy(const UINT8 *table)
{
	UINTN bytes = acpi_length(table);
	UINT8 *copy = pages_of_our_own(bytes / PAGE_BYTES + 1);

	BS->CopyMem(copy, (void *)table, bytes);
	return copy;
}

/* A copy of a root table, with a wrong checksum. */
static UINT64 spoilt_copy(UINT64 table)
{
	UINT8 *copy = acpi_copy((const UINT8 *)table);

	if (wanted == XSDT_ENDLESS)
		draft_put(copy + TABLE_LENGTH, 0xffffffff, 4);
	else
		copy[acpi_length(copy) - 1] ^= 0x40;
	return (UINT64)copy;
}

/* Both kinds of root table must exist, or the test would test nothing. */
static void spoil_roots(UINT8 *rsdp)
{
	UINT64 rsdt = draft_get(rsdp + RSDP_RSDT, 4);
	UINT64 xsdt = draft_get(rsdp + RSDP_XSDT, 8);

	if (rsdt == 0 || xsdt == 0)
		leave("NO_TWO_ROOTS_TO_SPOIL", 0, EXIT_BROKEN);
	draft_put(rsdp + RSDP_XSDT,
		 wanted == XSDT_BEYOND ? BEYOND : spoilt_copy(xsdt), 8);
	if (wanted == XSDT_ALONE)
		draft_put(rsdp + RSDP_RSDT, 0, 4);
	if (wanted == ROOTS_CORRUPT)
		draft_put(rsdp + RSDP_RSDT, spoilt_copy(rsdt), 4);
}

static void *spoil(UINT8 *original)
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
	draft_balance(rsdp, RSDP_BYTES_1, RSDP_SUM_1);
	if (wanted != ONE_0)
		draft_balance(rsdp, RSDP_BYTES_2, RSDP_SUM_2);
	if (wanted == CORRUPT)
		rsdp[RSDP_MAKER] ^= 1;
	return rsdp;
}

static void before_start(void)
{
	EFI_CONFIGURATION_TABLE *list = pages_of_our_own(1);
	UINTN count = 0;
	UINT8 *rsdp;

	if (wanted == AS_IT_IS)
		return;
	rsdp = acpi_rsdp();
	if (wanted == BOTH_SWAPPED || wanted == ONE_0)
		list[count++] = (EFI_CONFIGURATION_TABLE){
			acpi_1, spoil(rsdp) };
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
