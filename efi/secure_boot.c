// SPDX-License-Identifier: MIT OR Apache-2.0
/* Is this machine locked to signed programs? */
#include "loader.h"

/* A variable of one byte: 0 when absent, `unsure` when it cannot be read. */
static UINT8 read_flag(EFI_SYSTEM_TABLE *firmware, CHAR16 *name, UINT8 unsure)
{
	static EFI_GUID global = EFI_GLOBAL_VARIABLE;
	UINT8 value = 0;
	UINTN size = sizeof(value);
	EFI_STATUS status = firmware->RuntimeServices->GetVariable(
		name, &global, NULL, &size, &value);

	if (EFI_ERROR(status))
		return status == EFI_NOT_FOUND ? 0 : unsure;
	return value;
}

bool secure_boot_is_on(EFI_SYSTEM_TABLE *firmware)
{
	/* What cannot be read must not open what may be locked. */
	return read_flag(firmware, L"SecureBoot", 1) == 1 &&
	       read_flag(firmware, L"SetupMode", 0) == 0;
}
