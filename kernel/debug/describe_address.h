/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * describe_address.h - describes an address in words: area, part, symbol,
 * owner.
 *
 * Uses the layout, the symbols, the ledger and the tables that CR3 points to,
 * as far as they exist; allocates and changes nothing.
 */
#ifndef KERNEL_DEBUG_DESCRIBE_ADDRESS_H
#define KERNEL_DEBUG_DESCRIBE_ADDRESS_H

#include <stdbool.h>

#include <base/address.h>
#include <base/status.h>
#include <boot/layout.h>
#include <mm/table.h>

enum stack_part {
	STACK_GUARD_BELOW,	/* an overflow faults here                   */
	STACK_ITSELF,
	STACK_GUARD_ABOVE,
};

struct stack_position {
	unsigned cpu;
	enum stack_kind kind;
	enum stack_part part;
	uint64_t left;		/* bytes below it, when it is in the stack   */
};

/* False when `address` is in no slot of a named stack. */
bool stack_position_of(vaddr_t address, struct stack_position *out);
const char *stack_kind_name(enum stack_kind kind);

/* Translates by the tables in CR3, ours or not. Fails: ST_NOT_FOUND. */
enum status translate_address(vaddr_t address, struct table_leaf *out);

/*
 * A phrase such as "guard page of stack nmi of cpu 0" or "kernel text
 * kernel_main+0x12"; at most DESCRIPTION_BYTES with its NUL.
 */
#define DESCRIPTION_BYTES 128
void describe_address(vaddr_t address, char *text, size_t bytes);

#endif
