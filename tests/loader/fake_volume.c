// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The volume: \EFI\BULLDOG with the two files that the loader may read, as the
 * test describes them, other names beside them, and room for one log. Open
 * handles are counted.
 */
#include "fake_firmware.h"

#include <base/string.h>

#include <string.h>
#include <strings.h>

#include "check.h"

#define READ_LIMIT	MIB		/* some firmware fails beyond it     */
/* Of EFI_FILE_INFO, without its name. */
#define INFO_BYTES	offsetof(EFI_FILE_INFO, FileName)
#define MODE_WRITE	(EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE |	\
			 EFI_FILE_MODE_CREATE)

enum place { PLACE_ROOT, PLACE_DIRECTORY, PLACE_FILE, PLACE_LOG };

struct handle {
	EFI_FILE protocol;
	enum place place;
	const struct fake_file *file;	/* PLACE_FILE                        */
	uint64_t position;		/* bytes, or names of the directory  */
	bool is_open;
};

static struct handle handles[6];
static EFI_FILE protocol;
static EFI_GUID file_info = EFI_FILE_INFO_ID;

static EFI_FILE_HANDLE handle_open(enum place place,
				   const struct fake_file *file)
{
	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
		if (handles[i].is_open)
			continue;
		handles[i] = (struct handle){ protocol, place, file, 0, true };
		fake_run->open_files++;
		return &handles[i].protocol;
	}
	fake_violation("more open files than the loader needs");
	return &handles[0].protocol;
}

static struct handle *handle_of(EFI_FILE_HANDLE self)
{
	struct handle *handle = (struct handle *)self;

	if (!handle->is_open)
		fake_violation("a handle that was closed");
	return handle;
}

static EFI_STATUS EFIAPI volume_close(EFI_FILE_HANDLE self)
{
	EFI_STATUS status;
	bool fails = fake_service(SERVICE_CLOSE, &status);

	/* UEFI 2.10 section 13.5: the handle is gone in any case. */
	handle_of(self)->is_open = false;
	fake_run->open_files--;
	return fails ? status : EFI_SUCCESS;
}

/* --- opening --------------------------------------------------------------*/

/* Converts a name to ASCII; empty when it does not fit or is no ASCII. */
static void narrow(char *to, size_t bytes, const CHAR16 *name)
{
	size_t i = 0;

	for (; name[i] != 0 && i + 1 < bytes; i++)
		to[i] = name[i] < 0x80 ? (char)name[i] : '?';
	to[i] = '\0';
}

static EFI_STATUS open_file(const struct fake_file *file, UINT64 mode,
			    EFI_FILE_HANDLE *out)
{
	if (mode != EFI_FILE_MODE_READ)
		fake_violation("Open for more than reading");
	if (file->kind == FILE_ABSENT)
		return EFI_NOT_FOUND;
	*out = handle_open(PLACE_FILE, file);
	return EFI_SUCCESS;
}

static EFI_STATUS open_to_write(enum place place, UINT64 mode,
				EFI_FILE_HANDLE *out)
{
	if (mode != MODE_WRITE)
		fake_violation("Open of the log in an odd mode");
	if (fake_pc->write_protected)
		return EFI_WRITE_PROTECTED;
	*out = handle_open(place, NULL);
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI volume_open(EFI_FILE_HANDLE self,
				     EFI_FILE_HANDLE *out, CHAR16 *name,
				     UINT64 mode, UINT64 attributes)
{
	struct handle *handle = handle_of(self);
	EFI_STATUS status;
	char text[64];

	if (fake_service(SERVICE_OPEN, &status))
		return status;
	narrow(text, sizeof(text), name);
	if (handle->place == PLACE_ROOT && attributes == EFI_FILE_DIRECTORY &&
	    strcmp(text, "\\EFI\\BULLDOG") == 0)
		return open_to_write(PLACE_DIRECTORY, mode, out);
	if (attributes != 0)
		fake_violation("Open with attributes");
	if (handle->place == PLACE_ROOT &&
	    strcmp(text, "\\EFI\\BULLDOG\\BULLDOG.CFG") == 0)
		return open_file(&fake_pc->config, mode, out);
	if (handle->place == PLACE_ROOT &&
	    strcmp(text, "\\EFI\\BULLDOG\\KERNEL.ELF") == 0)
		return open_file(&fake_pc->kernel, mode, out);
	if (handle->place != PLACE_DIRECTORY ||
	    strlen(text) != strlen("LOG-NNNN.TXT")) {
		fake_violation("Open of %s", text);
		return EFI_NOT_FOUND;
	}
	for (const char *const *other = fake_pc->names; other && *other;
	     other++)
		if (strcasecmp(*other, text) == 0)
			fake_violation("an older log is overwritten: %s", text);
	memcpy(fake_run->log_name, text, strlen(text) + 1);
	return open_to_write(PLACE_LOG, mode, out);
}

/* --- reading and writing --------------------------------------------------*/

static EFI_STATUS give_info(VOID *buffer, UINTN *bytes,
			    const EFI_FILE_INFO *info, const char *name)
{
	UINTN wanted = INFO_BYTES + (strlen(name) + 1) * 2;
	CHAR16 *place = (CHAR16 *)((char *)buffer + INFO_BYTES);

	if (*bytes < wanted) {
		*bytes = wanted;
		return EFI_BUFFER_TOO_SMALL;
	}
	memcpy(buffer, info, INFO_BYTES);
	for (size_t i = 0; i <= strlen(name); i++)
		place[i] = (CHAR16)(unsigned char)name[i];
	*bytes = wanted;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI volume_get_info(EFI_FILE_HANDLE self, EFI_GUID *type,
					 UINTN *bytes, VOID *buffer)
{
	const struct fake_file *file = handle_of(self)->file;
	EFI_FILE_INFO info = { .Size = INFO_BYTES };
	EFI_STATUS status;

	if (fake_service(SERVICE_GET_INFO, &status))
		return status;
	if (memcmp(type, &file_info, sizeof(file_info)) != 0 || file == NULL) {
		fake_violation("GetInfo of another kind");
		return EFI_UNSUPPORTED;
	}
	info.FileSize = file->stated_bytes != 0 ? file->stated_bytes :
						  file->bytes;
	if (file->kind == FILE_DIRECTORY)
		info.Attribute = EFI_FILE_DIRECTORY;
	return give_info(buffer, bytes, &info, "FILE.EXT");
}

static EFI_STATUS read_directory(struct handle *handle, UINTN *bytes,
				 VOID *buffer)
{
	EFI_FILE_INFO info = { .Size = INFO_BYTES };
	const char *name = NULL;

	if (fake_pc->names != NULL)
		name = fake_pc->names[handle->position];
	if (name == NULL) {
		*bytes = 0;
		return EFI_SUCCESS;
	}
	handle->position++;
	return give_info(buffer, bytes, &info, name);
}

static EFI_STATUS read_file(struct handle *handle, UINTN *bytes, VOID *buffer)
{
	const struct fake_file *file = handle->file;
	uint64_t left = file->bytes - handle->position;

	if (file->kind == FILE_DIRECTORY)
		fake_violation("Read of a directory");
	if (*bytes > READ_LIMIT)
		fake_violation("Read of %lu bytes at once",
			       (unsigned long)*bytes);
	if ((uint64_t)buffer + *bytes > 4 * GIB)
		fake_violation("Read into memory above 4 GiB");
	if (!fake_pages_are_allocated(buffer, *bytes))
		fake_violation("Read into memory that is not ours");
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

static EFI_STATUS EFIAPI volume_read(EFI_FILE_HANDLE self, UINTN *bytes,
				     VOID *buffer)
{
	struct handle *handle = handle_of(self);
	EFI_STATUS status;

	if (fake_service(SERVICE_READ, &status))
		return status;
	if (handle->place == PLACE_DIRECTORY)
		return read_directory(handle, bytes, buffer);
	if (handle->place == PLACE_FILE)
		return read_file(handle, bytes, buffer);
	fake_violation("Read of what is no file");
	return EFI_UNSUPPORTED;
}

static EFI_STATUS EFIAPI volume_write(EFI_FILE_HANDLE self, UINTN *bytes,
				      VOID *buffer)
{
	struct handle *handle = handle_of(self);
	EFI_STATUS status;

	if (fake_service(SERVICE_WRITE, &status))
		return status;
	if (handle->place != PLACE_LOG ||
	    *bytes > FAKE_TEXT_BYTES - 1 - fake_run->log_file_bytes) {
		fake_violation("Write of %lu bytes", (unsigned long)*bytes);
		return EFI_VOLUME_FULL;
	}
	memcpy(fake_run->log_file + fake_run->log_file_bytes, buffer, *bytes);
	fake_run->log_file_bytes += *bytes;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI open_volume(EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *self,
				     EFI_FILE_HANDLE *out)
{
	EFI_STATUS status;

	if (fake_service(SERVICE_OPEN_VOLUME, &status))
		return status;
	if (self != &fake_volume)
		fake_violation("OpenVolume of another volume");
	*out = handle_open(PLACE_ROOT, NULL);
	return EFI_SUCCESS;
}

EFI_SIMPLE_FILE_SYSTEM_PROTOCOL fake_volume = { .OpenVolume = open_volume };

void fake_volume_start(void)
{
	protocol = (EFI_FILE){
		.Revision = EFI_FILE_PROTOCOL_REVISION,
		.Open = volume_open,
		.Close = volume_close,
		.Read = volume_read,
		.Write = volume_write,
		.GetInfo = volume_get_info,
	};
}
