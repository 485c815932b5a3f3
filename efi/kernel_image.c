// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Chooses the kernel image: KERNEL.ELF on the boot volume if there is one and
 * Secure Boot is off, else the one inside BOOTX64.EFI. It is checked
 * completely, then placed at any physical address: in one block aligned to 2
 * MiB or, if no such block is free, each segment in pages of its own.
 */
#include "loader.h"

#include <base/bits.h>
#include <base/string.h>

#define OVERRIDE_PATH	L"\\EFI\\BULLDOG\\KERNEL.ELF"
#define KERNEL_LIMIT	(64 * MIB)
#define INSTRUCTION_INT3	0xcc

extern const char embedded_kernel_start[], embedded_kernel_end[];

static EFI_STATUS check(struct loader *loader, const char *from)
{
	const char *reason;
	enum status status = elf_check(loader->kernel_file,
				       loader->kernel_bytes, &loader->plan,
				       &reason);

	if (status == ST_OK) {
		log_info("image: kernel from=%s bytes=%lu", from,
			 loader->kernel_bytes);
		return EFI_SUCCESS;
	}
	return log_error(EFI_LOAD_ERROR,
			 "image: kernel refused from=%s reason=%s "
			 "try=\"%s\"", from, reason,
			 loader->overridden ? "remove KERNEL.ELF" :
					      "copy BOOTX64.EFI again");
}

/* The firmware placed the loader before memmap= was read. */
static void warn_of_bad_memory(const struct loader *loader)
{
	const struct range *bad = bad_find(
		loader->options.bad, loader->options.bad_count,
		(uint64_t)loader->loaded->ImageBase, loader->loaded->ImageSize);

	if (bad != NULL)
		log_warning("image: the loader itself is in bad memory "
			      "start=0x%lx end=0x%lx", bad->start,
			 bad->end);
}

EFI_STATUS kernel_image_choose(struct loader *loader)
{
	EFI_STATUS status = EFI_NOT_FOUND;
	uint64_t bytes;
	void *file;

	warn_of_bad_memory(loader);
	if (!loader->secure_boot)
		status = file_read(loader, OVERRIDE_PATH, KERNEL_LIMIT, &file,
				   &bytes);
	else if (file_exists(loader, OVERRIDE_PATH))
		log_warning("image: KERNEL.ELF ignored why=\"secure boot\"");
	if (!EFI_ERROR(status)) {
		loader->kernel_file = file;
		loader->kernel_bytes = bytes;
		loader->overridden = true;
		return check(loader, "KERNEL.ELF");
	} else if (status != EFI_NOT_FOUND) {
		log_warning("image: KERNEL.ELF unreadable status=0x%lx",
			 (uint64_t)status);
	}
	loader->kernel_file = embedded_kernel_start;
	loader->kernel_bytes = (uint64_t)(embedded_kernel_end -
					  embedded_kernel_start);
	return check(loader, "BOOTX64.EFI");
}

/* The pages after the data are not kept for the kernel. */
static uint64_t kept_bytes(const struct handover_segment *segment)
{
	return segment->rights & SEGMENT_WRITE ?
		       align_up(segment->used_bytes, PAGE_SIZE) :
		       segment->bytes;
}

/*
 * Zeros to the end of its last page. Text is filled up with breakpoints to the
 * end of what is mapped; behind read-only data stays what was there.
 */
static void copy_segment(const struct loader *loader,
			 const struct elf_segment *from,
			 const struct handover_segment *to)
{
	char *target = (char *)to->phys.raw;
	int filler = to->rights & SEGMENT_EXECUTE ? INSTRUCTION_INT3 : 0;
	uint64_t end = filler ? to->bytes : align_up(to->used_bytes, PAGE_SIZE);

	memcpy(target, (const char *)loader->kernel_file + from->file_offset,
	       from->file_bytes);
	memset(target + from->file_bytes, filler, end - from->file_bytes);
}

static void describe_segments(struct loader *loader, uint64_t alignment)
{
	for (size_t i = 0; i < ELF_SEGMENTS; i++) {
		const struct elf_segment *from = &loader->plan.segments[i];

		loader->handover->segments[i] = (struct handover_segment){
			.virt = from->virt,
			.bytes = align_up(from->memory_bytes, alignment),
			.used_bytes = from->memory_bytes,
			.rights = from->rights,
		};
	}
}

/*
 * Allocates one block, aligned by allocating more. The pages around it and
 * after the data are free memory for the kernel: the direct map maps them RW
 * like any other free page.
 */
static EFI_STATUS place_block(struct loader *loader)
{
	struct handover_segment *segments = loader->handover->segments;
	struct handover_segment *last = &segments[ELF_SEGMENTS - 1];
	uint64_t bytes = 0;
	paddr_t start;
	EFI_STATUS status;

	describe_segments(loader, SIZE_2M);
	for (size_t i = 0; i < ELF_SEGMENTS; i++)
		bytes += segments[i].bytes;
	status = memory_alloc(loader, &(struct page_request){
		.out = &start, .bytes = bytes + SIZE_2M - PAGE_SIZE,
		.owner = OWNER_KERNEL_IMAGE, .limit = ANYWHERE });
	if (EFI_ERROR(status))
		return status;
	start.raw = align_up(start.raw, SIZE_2M);
	memory_keep(loader, start, bytes - last->bytes + kept_bytes(last));
	for (size_t i = 0; i < ELF_SEGMENTS; i++) {
		segments[i].phys = start;
		start.raw += segments[i].bytes;
	}
	return EFI_SUCCESS;
}

static EFI_STATUS place_segments(struct loader *loader)
{
	struct handover_segment *segments = loader->handover->segments;

	describe_segments(loader, PAGE_SIZE);
	for (size_t i = 0; i < ELF_SEGMENTS; i++) {
		EFI_STATUS status = memory_alloc(loader, &(struct page_request){
			.out = &segments[i].phys, .bytes = segments[i].bytes,
			.owner = OWNER_KERNEL_IMAGE, .limit = ANYWHERE });

		if (EFI_ERROR(status))
			return status;
	}
	log_warning("image: no 2 MiB run free pages=4k");
	return EFI_SUCCESS;
}

EFI_STATUS kernel_image_place(struct loader *loader)
{
	EFI_STATUS status = place_block(loader);

	if (EFI_ERROR(status))
		status = place_segments(loader);
	if (EFI_ERROR(status))
		return log_error(status, "image: no memory for the kernel "
					 "try=\"a machine with 64 MiB\"");
	for (size_t i = 0; i < ELF_SEGMENTS; i++)
		copy_segment(loader, &loader->plan.segments[i],
			     &loader->handover->segments[i]);
	return EFI_SUCCESS;
}
