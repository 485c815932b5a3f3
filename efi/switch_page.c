// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Fills the page from which the CPU changes to the kernel's tables: the code
 * of switch.S and its parameters. It must be executable in the firmware's
 * tables; some firmware maps memory of loaders as not executable.
 */
#include "loader.h"

#include <base/assert.h>
#include <base/string.h>
#include <boot/layout.h>

#include "switch.h"

/* UEFI 2.10 section 7.2; not in the headers that we build with. */
#define ATTRIBUTE_RO	0x20000

/* UEFI 2.10 section 37.2; not in the headers that we build with. */
struct memory_attributes {
	void *get;
	EFI_STATUS(EFIAPI *set)(struct memory_attributes *self,
				EFI_PHYSICAL_ADDRESS start, UINT64 bytes,
				UINT64 attributes);
	EFI_STATUS(EFIAPI *clear)(struct memory_attributes *self,
				  EFI_PHYSICAL_ADDRESS start, UINT64 bytes,
				  UINT64 attributes);
};

/* Without the protocol the page stays as it is. */
static void change_attributes(struct loader *loader, uint64_t set,
			      uint64_t clear)
{
	static EFI_GUID guid = { 0xf4560cf6, 0x40ec, 0x4b4a,
				 { 0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1,
				   0x89 } };
	uint64_t page = loader->handover->switch_page.raw;
	struct memory_attributes *attributes;

	if (EFI_ERROR(loader->boot->LocateProtocol(&guid, NULL,
						   (void **)&attributes)))
		return;
	/* Set before clear: strict firmware refuses writable and executable. */
	attributes->set(attributes, page, PAGE_SIZE, set);
	attributes->clear(attributes, page, PAGE_SIZE, clear);
}

/* Makes the page data again, as it was allocated, before it is freed. */
void switch_page_make_data(struct loader *loader)
{
	change_attributes(loader, EFI_MEMORY_XP, ATTRIBUTE_RO);
}

void switch_page_fill(struct loader *loader)
{
	uint64_t page = loader->handover->switch_page.raw;
	uint32_t features = loader->machine.cpu.features;
	struct switch_parameters *to = (void *)(page + SWITCH_PARAMETERS);

	ASSERT(switch_end - switch_start <= SWITCH_PARAMETERS);
	memcpy((void *)page, switch_start,
	       (size_t)(switch_end - switch_start));
	*to = (struct switch_parameters){
		.handover = direct_map((paddr_t){
			(uint64_t)loader->handover }).raw,
		.cr4 = CR4_PAE | (features & CPU_PGE ? CR4_PGE : 0) |
		       (features & CPU_MCE ? CR4_MCE : 0),
		.stack = stack_top(0, STACK_MAIN).raw,
		.entry = loader->plan.entry.raw,
		.flags = (features & CPU_NX ? SWITCH_SET_NXE : 0) |
			 (features & CPU_CET ? SWITCH_CLEAR_CET : 0),
		.gdt_pointer = {
			.limit = 4 * 8 - 1,
			.base = page + (uint64_t)(switch_gdt - switch_start),
		},
		.far_32 = { .offset = (uint32_t)(page +
			(uint64_t)(switch_compat - switch_start)),
			    .selector = SELECTOR_CODE32 },
		.far_64 = { .offset = (uint32_t)(page +
			(uint64_t)(switch_long - switch_start)),
			    .selector = SELECTOR_CODE64 },
	};
	change_attributes(loader, ATTRIBUTE_RO, EFI_MEMORY_XP);
}
