// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The volume: two files that the loader may ask for, as odd as the test
 * wants them. Every handle that is opened is counted until it is closed.
 */
#include "fake_firmware.h"

#include <string.h>

#include "check.h"

#define READ_LIMIT	MIB		/* some firmware fails beyond it     */
#define NAME		u"FILE.EXT"

/* A handle: which file, and how much of it has been read. */
struct handle {
	EFI_FILE protocol;
	const struct fake_file *file;	/* NULL = the root directory         */
	uint64_t position;
	bool is_open;
};

static struct handle root, files[4];
static EFI_GUID file_info = EFI_FILE_INFO_ID;

static EFI_STATUS EFIAPI volume_close(EFI_FILE_HANDLE self)
{
	struct handle *handle = (struct handle *)self;
	EFI_STATUS status;
	bool fails = fake_service(SERVICE_CLOSE, &status);

	if (!handle->is_open)
		fake_blame("a file is closed twice");
	/* UEFI 2.10 section 13.5: Close succeeds; the handle is gone. */
	handle->is_open = false;
	fake_run->open_files--;
	return fails ? status : EFI_SUCCESS;
}

static bool name_is(const CHAR16 *name, const char *text)
{
	size_t i = 0;

	while (text[i] != '\0' && name[i] == (CHAR16)text[i])
		i++;
	return text[i] == '\0' && name[i] == 0;
}

static struct handle *handle_open(struct handle *handle,
				  const struct fake_file *file)
{
	EFI_FILE protocol = root.protocol;

	*handle = (struct handle){ protocol, file, 0, true };
	fake_run->open_files++;
	return handle;
}

static EFI_STATUS EFIAPI volume_open(EFI_FILE_HANDLE self,
				     EFI_FILE_HANDLE *out, CHAR16 *name,
				     UINT64 mode, UINT64 attributes)
{
	const struct fake_file *file = NULL;
	EFI_STATUS status;

	if (fake_service(SERVICE_OPEN, &status))
		return status;
	if (self != &root.protocol || !root.is_open)
		fake_blame("Open beside the root directory");
	if (mode != EFI_FILE_MODE_READ || attributes != 0)
		fake_blame("Open for more than reading");
	if (name_is(name, "\\EFI\\BULLDOG\\BULLDOG.CFG"))
		file = &fake_pc->config;
	else if (name_is(name, "\\EFI\\BULLDOG\\KERNEL.ELF"))
		file = &fake_pc->kernel;
	else
		fake_blame("Open of another file");
	if (file == NULL || file->kind == FILE_ABSENT)
		return EFI_NOT_FOUND;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i].is_open)
			continue;
		*out = &handle_open(&files[i], file)->protocol;
		return EFI_SUCCESS;
	}
	fake_blame("more open files than anybody needs");
	return EFI_OUT_OF_RESOURCES;
}

static EFI_STATUS EFIAPI volume_get_info(EFI_FILE_HANDLE self, EFI_GUID *type,
					 UINTN *bytes, VOID *buffer)
{
	const struct handle *handle = (const struct handle *)self;
	UINTN wanted = SIZE_OF_EFI_FILE_INFO + sizeof(NAME);
	EFI_FILE_INFO info = { .Size = wanted };
	EFI_STATUS status;

	if (fake_service(SERVICE_GET_INFO, &status))
		return status;
	if (memcmp(type, &file_info, sizeof(file_info)) != 0)
		fake_blame("GetInfo of another kind");
	if (*bytes < wanted) {
		*bytes = wanted;
		return EFI_BUFFER_TOO_SMALL;
	}
	info.FileSize = handle->file->stated_bytes != 0 ?
				handle->file->stated_bytes :
				handle->file->bytes;
	if (handle->file->kind == FILE_DIRECTORY)
		info.Attribute = EFI_FILE_DIRECTORY;
	memcpy(buffer, &info, SIZE_OF_EFI_FILE_INFO);
	memcpy((char *)buffer + SIZE_OF_EFI_FILE_INFO, NAME, sizeof(NAME));
	*bytes = wanted;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI volume_read(EFI_FILE_HANDLE self, UINTN *bytes,
				     VOID *buffer)
{
	struct handle *handle = (struct handle *)self;
	const struct fake_file *file = handle->file;
	uint64_t left = file->bytes - handle->position;
	EFI_STATUS status;

	if (fake_service(SERVICE_READ, &status))
		return status;
	if (file->kind == FILE_DIRECTORY)
		fake_blame("Read of a directory");
	if (*bytes > READ_LIMIT)
		fake_blame("Read of %lu bytes at once", (unsigned long)*bytes);
	if ((uint64_t)buffer + *bytes > 4 * GIB)
		fake_blame("Read into memory above 4 GiB");
	if (!fake_pages_are_lent(buffer, *bytes))
		fake_blame("Read into memory that is not ours");
	if (file->read_bytes != 0 && *bytes > file->read_bytes)
		*bytes = file->read_bytes;
	if (*bytes > left)
		*bytes = left;
	if (*bytes > 0)
		memcpy(buffer, (const char *)file->data + handle->position,
		       *bytes);
	handle->position += *bytes;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI open_volume(EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *self,
				     EFI_FILE_HANDLE *out)
{
	EFI_STATUS status;

	if (fake_service(SERVICE_OPEN_VOLUME, &status))
		return status;
	if (self != &fake_volume || root.is_open)
		fake_blame("OpenVolume twice, or of another volume");
	*out = &handle_open(&root, NULL)->protocol;
	return EFI_SUCCESS;
}

EFI_SIMPLE_FILE_SYSTEM_PROTOCOL fake_volume = { .OpenVolume = open_volume };

void fake_volume_start(void)
{
	root.protocol = (EFI_FILE){
		.Revision = EFI_FILE_PROTOCOL_REVISION,
		.Open = volume_open,
		.Close = volume_close,
		.Read = volume_read,
		.GetInfo = volume_get_info,
	};
}
