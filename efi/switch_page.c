// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The page from which the processor changes tables: executable before the
 * exit, where the firmware must be asked for that.
 */
#include "loader.h"

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

static struct memory_attributes *find_attributes(struct loader *loader)
{
	static EFI_GUID guid = { 0xf4560cf6, 0x40ec, 0x4b4a,
				 { 0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1,
				   0x89 } };
	struct memory_attributes *protocol;

	if (EFI_ERROR(loader->boot->LocateProtocol(&guid, NULL,
						   (void **)&protocol)))
		return NULL;
	return protocol;
}

/* Some firmware maps loader memory never executable unless asked. */
static void make_executable(struct loader *loader, paddr_t page)
{
	struct memory_attributes *attributes = find_attributes(loader);

	if (attributes == NULL)
		return;
	/* Read-only first: a strict firmware refuses write and execute. */
	attributes->set(attributes, page.raw, PAGE_SIZE, ATTRIBUTE_RO);
	attributes->clear(attributes, page.raw, PAGE_SIZE, EFI_MEMORY_XP);
}

/* A page that is given back is data again, as it was lent. */
void switch_page_make_data(struct loader *loader, paddr_t page)
{
	struct memory_attributes *attributes = find_attributes(loader);

	if (attributes == NULL)
		return;
	attributes->set(attributes, page.raw, PAGE_SIZE, EFI_MEMORY_XP);
	attributes->clear(attributes, page.raw, PAGE_SIZE, ATTRIBUTE_RO);
}

void switch_page_fill(struct loader *loader)
{
	uint64_t page = loader->handover->switch_page.raw;
	uint32_t features = loader->machine.cpu.features;
	struct switch_parameters *to = (void *)(page + SWITCH_PARAMETERS);

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
	make_executable(loader, loader->handover->switch_page);
}
