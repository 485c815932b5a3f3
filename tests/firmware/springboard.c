// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * springboard.c - starts the shipped BOOTX64.EFI at snapshot speed.
 *
 * A cold start of the firmware costs seconds, and almost all of our tests are
 * only about what follows. So the firmware boots this application, once for
 * each machine. It prints SNAPPOINT on COM1 and waits for a change of the size
 * of the fw_cfg file `opt/org.bulldog.go`; then the driver takes a snapshot of
 * the whole machine. Each test resumes the snapshot in a new QEMU with new
 * fw_cfg files: the size has changed, and the springboard loads the
 * application in `opt/org.bulldog.app` and starts it as the firmware would,
 * from the volume that it came from itself; or, if the test wants that, as a
 * hostile firmware would (hostile.h).
 *
 * It prints nothing through the firmware, so that the application finds the
 * console as if it had been started first.
 * Source: UEFI 2.10 section 7.4.
 */
#include "hostile.h"

/* Returns in another QEMU than the one in which it was called. */
static void wait_for_go(void)
{
	struct fw_cfg_file first, now;

	must(fw_cfg_find("opt/org.bulldog.go", &first), "NO_GO_FILE");
	serial_text("\r\nSNAPPOINT\r\n");
	do {
		must(fw_cfg_find("opt/org.bulldog.go", &now), "NO_GO_FILE");
	} while (now.bytes == first.bytes);
}

/* The application's image, loaded by the firmware and not yet started. */
static EFI_HANDLE load_application(EFI_HANDLE self)
{
	EFI_LOADED_IMAGE *own;
	EFI_DEVICE_PATH *path;
	struct fw_cfg_file file;
	EFI_HANDLE image = NULL;
	EFI_STATUS status;
	void *buffer;

	must(fw_cfg_find("opt/org.bulldog.app", &file), "NO_APPLICATION");
	must(BS->AllocatePool(EfiBootServicesData, file.bytes, &buffer),
	     "NO_MEMORY");
	must(fw_cfg_read(file.key, buffer, file.bytes), "NOT_READ");

	must(BS->HandleProtocol(self, &LoadedImageProtocol, (void **)&own),
	     "NO_LOADED_IMAGE");
	path = FileDevicePath(own->DeviceHandle,
			      L"\\EFI\\BULLDOG\\BOOTX64.EFI");
	status = BS->LoadImage(FALSE, self, path, buffer, file.bytes, &image);
	if (EFI_ERROR(status))
		leave("REFUSED", status, EXIT_REFUSED);
	FreePool(path);
	FreePool(buffer);
	return image;
}

static EFI_STATUS start_behind_lies(EFI_HANDLE self)
{
	EFI_STATUS status;

	do {
		EFI_HANDLE image;

		hostile_before_load();
		image = load_application(self);
		hostile_before_start(image);
		status = image_start(image);
	} while (hostile_again(status));
	return status;
}

/* Called by gnu-efi's start-up code, which does not declare it. */
EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system);

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system)
{
	EFI_STATUS status;

	InitializeLib(self, system);
	wait_for_go();
	if (hostile_read_words())
		status = start_behind_lies(self);
	else
		status = BS->StartImage(load_application(self), NULL, NULL);
	leave("RETURNED", status, EXIT_RETURNED);
}
