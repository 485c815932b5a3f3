/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_look.h - ACPI tables, seen through the kernel's peek windows, and in
 * their copies (acpi_tables.h) once there are any: those stay readable.
 */
#ifndef KERNEL_PLATFORM_ACPI_LOOK_H
#define KERNEL_PLATFORM_ACPI_LOOK_H

#include "acpi_walk.h"

/* For acpi_walk.h: windows are peek slots, so one user at a time. */
struct acpi_memory *acpi_windows(void);

/*
 * The table with this signature, readable until the next look.
 * Fails: as acpi_walk_root and acpi_walk_find.
 */
enum status acpi_look_for(const char signature[4], struct acpi_table *out);

/* No table is readable any more. */
void acpi_look_away(void);

#endif
