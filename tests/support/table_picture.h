/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * table_picture.h - a page table as text, for literal comparison.
 *
 * One line for each row of equal leaves with adjacent virtual and physical
 * addresses: "VIRT COUNTxSIZE PHYS RIGHTS CACHE;", with RIGHTS one letter each
 * of w x u g or '-', and CACHE the PAT slot.
 */
#ifndef TESTS_TABLE_PICTURE_H
#define TESTS_TABLE_PICTURE_H

#include <mm/table.h>

/* Valid until the next call. */
const char *table_picture(const struct table *table);

#endif
