// SPDX-License-Identifier: MIT OR Apache-2.0
/* True when this machine runs only signed programs: UEFI 2.10 section 3.3. */
#include "loader.h"

/* A variable of one byte: 0 when absent, `unsure` when it cannot be read. */
static UINT8 read_flag(EFI_SYSTEM_TABLE *system, CHAR16 *name, UINT8 unsure)
{
	static EFI_GUID global = EFI_GLOBAL_VARIABLE;
	UINT8 value = 0;
	UINTN size = sizeof(value);
	EFI_STATUS status = system->RuntimeServices->GetVariable(
		name, &global, NULL, &size, &value);

	if (EFI_ERROR(status))
		return status == EFI_NOT_FOUND ? 0 : unsure;
	return value;
}

bool secure_boot_is_on(EFI_SYSTEM_TABLE *system)
{
	/* A variable that cannot be read counts as a locked machine. */
	return read_flag(system, L"SecureBoot", 1) == 1 &&
	       read_flag(system, L"SetupMode", 0) == 0;
}
