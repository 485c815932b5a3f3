/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * address.h - a type for each kind of address, and the page sizes.
 *
 * A physical address, a kernel virtual address, a user virtual address and
 * a frame number are four types, so that the compiler refuses to mix them.
 * The field is `raw`; arithmetic on it belongs to the room that owns it.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	0x1000UL
#define PAGE_MASK	(PAGE_SIZE - 1)
#define SIZE_2M		0x200000UL
#define SIZE_1G		0x40000000UL
#define KIB		1024UL
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)
#define TIB		(1024 * GIB)

/* No x86-64 processor has more physical address bits than this. */
#define PHYSICAL_LIMIT	(1UL << 52)

typedef struct { uint64_t raw; } paddr_t;	/* physical byte address    */
typedef struct { uint64_t raw; } vaddr_t;	/* kernel virtual address   */
typedef struct { uint64_t raw; } uaddr_t;	/* user virtual address     */
typedef struct { uint64_t raw; } pfn_t;		/* physical / PAGE_SIZE     */

static inline paddr_t pfn_to_paddr(pfn_t frame)
{
	return (paddr_t){ frame.raw << PAGE_SHIFT };
}

/* The frame that holds `address`. */
static inline pfn_t paddr_to_pfn(paddr_t address)
{
	return (pfn_t){ address.raw >> PAGE_SHIFT };
}

/* A virtual address is canonical when bits 47..63 are all equal. */
static inline bool vaddr_is_canonical(vaddr_t address)
{
	return (uint64_t)((int64_t)(address.raw << 16) >> 16) == address.raw;
}

#endif
