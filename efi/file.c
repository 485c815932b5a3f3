// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Reads whole files from the boot volume, in chunks into pages below 4 GiB:
 * some firmware fails on large reads and on high buffers.
 */
#include "loader.h"

#include <base/bits.h>

#define CHUNK_BYTES	MIB
#define INFO_BYTES	1024

static EFI_GUID file_system_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
static EFI_GUID file_info_guid = EFI_FILE_INFO_ID;

EFI_STATUS file_open_volume(struct loader *loader)
{
	EFI_HANDLE device = loader->loaded->DeviceHandle;
	EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *system;
	EFI_STATUS status = EFI_NOT_FOUND;

	if (device != NULL)
		status = loader->boot->HandleProtocol(
			device, &file_system_guid, (void **)&system);
	if (!EFI_ERROR(status))
		status = system->OpenVolume(system, &loader->volume);
	if (EFI_ERROR(status))
		loader->volume = NULL;
	return status;
}

static EFI_STATUS file_size(EFI_FILE_HANDLE file, uint64_t *bytes)
{
	uint64_t buffer[INFO_BYTES / sizeof(uint64_t)];
	EFI_FILE_INFO *info = (EFI_FILE_INFO *)buffer;
	UINTN size = sizeof(buffer);
	EFI_STATUS status;

	status = file->GetInfo(file, &file_info_guid, &size, info);
	if (EFI_ERROR(status))
		return status;
	if (info->Attribute & EFI_FILE_DIRECTORY)
		return EFI_INVALID_PARAMETER;
	*bytes = info->FileSize;
	return EFI_SUCCESS;
}

static EFI_STATUS read_chunks(EFI_FILE_HANDLE file, char *to, uint64_t bytes)
{
	uint64_t done = 0;

	while (done < bytes) {
		UINTN chunk = min_u64(CHUNK_BYTES, bytes - done);
		EFI_STATUS status = file->Read(file, &chunk, to + done);

		if (EFI_ERROR(status))
			return status;
		if (chunk == 0)
			return EFI_END_OF_FILE;
		done += chunk;
	}
	return EFI_SUCCESS;
}

static EFI_STATUS open_file(struct loader *loader, const CHAR16 *path,
			    EFI_FILE_HANDLE *out)
{
	if (loader->volume == NULL)
		return EFI_NOT_FOUND;
	return loader->volume->Open(loader->volume, out, (CHAR16 *)path,
				    EFI_FILE_MODE_READ, 0);
}

bool file_exists(struct loader *loader, const CHAR16 *path)
{
	EFI_FILE_HANDLE file;

	if (EFI_ERROR(open_file(loader, path, &file)))
		return false;
	file->Close(file);
	return true;
}

void file_close_volume(struct loader *loader)
{
	if (loader->volume != NULL)
		loader->volume->Close(loader->volume);
}

EFI_STATUS file_read(struct loader *loader, const CHAR16 *path,
		     uint64_t limit_bytes, void **data, uint64_t *bytes)
{
	EFI_FILE_HANDLE file;
	paddr_t start;
	EFI_STATUS status = open_file(loader, path, &file);

	if (EFI_ERROR(status))
		return status;
	status = file_size(file, bytes);
	/* An empty file counts as none. */
	if (!EFI_ERROR(status) && *bytes == 0)
		status = EFI_NOT_FOUND;
	if (!EFI_ERROR(status) && *bytes > limit_bytes)
		status = EFI_BAD_BUFFER_SIZE;
	if (EFI_ERROR(status))
		goto close;
	status = memory_alloc(loader, &(struct page_request){
		.out = &start, .bytes = *bytes,
		.owner = OWNER_BOOT_RECLAIMABLE });
	/* EFI_NOT_FOUND from here would mean that there is no file. */
	if (EFI_ERROR(status))
		status = EFI_OUT_OF_RESOURCES;
	if (EFI_ERROR(status))
		goto close;
	*data = (void *)start.raw;
	status = read_chunks(file, *data, *bytes);
	if (EFI_ERROR(status))
		memory_free_from(loader, loader->holding_count - 1);
close:
	file->Close(file);
	return status;
}
