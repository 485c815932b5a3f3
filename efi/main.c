// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Bulldog's loader, from the firmware's call to the kernel's first
 * instruction. This file is the order of things; each line's room is named
 * in loader.h. Until exit_boot_services everything can fail and be given back;
 * after it there is only forward.
 */
#include "loader.h"

#include <arch/instructions.h>

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static struct loader loader;

static EFI_STATUS open_firmware(void)
{
	static EFI_GUID guid = LOADED_IMAGE_PROTOCOL;
	EFI_STATUS status = loader.boot->HandleProtocol(
		loader.image, &guid, (void **)&loader.loaded);

	if (EFI_ERROR(status)) {
		/* There are no options yet: where serial ports usually are. */
		options_defaults(&loader.options);
		log_open_serial(&loader.options);
		return log_error(status, "loader: no loaded-image protocol "
					 "try=\"start it from the boot menu\"");
	}
	/* Five minutes are enough for us, not for what follows. */
	loader.boot->SetWatchdogTimer(0, 0, 0, NULL);
	loader.secure_boot = secure_boot_is_on(loader.system);
	loader.under_qemu = fw_cfg_present();
	status = file_open_volume(&loader);
	if (EFI_ERROR(status))
		log_line('W', "loader: volume unreadable status=0x%lx",
			 (uint64_t)status);
	options_read(&loader);
	log_open_serial(&loader.options);
	log_line('I', "loader: hello secure_boot=%d qemu=%d",
		 loader.secure_boot, loader.under_qemu);
	return EFI_SUCCESS;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	uint64_t first_tsc = read_tsc();
	struct handover_cpu entry_state = { 0 };
	EFI_STATUS status;

	machine_note_entry_state(&entry_state);
	loader.image = image;
	loader.system = system;
	loader.boot = system->BootServices;
	log_init(system, first_tsc);
	status = open_firmware();
	if (!EFI_ERROR(status))
		status = handover_alloc(&loader, &entry_state, first_tsc);
	if (!EFI_ERROR(status)) {
		machine_read_processor(&loader);
		machine_find_tables(&loader);
		machine_find_framebuffer(&loader);
		crash_log_stage("loader.image");
		status = kernel_image_choose(&loader);
	}
	if (!EFI_ERROR(status))
		status = kernel_image_place(&loader);
	crash_log_stage("loader.prepare");
	if (!EFI_ERROR(status))
		status = exit_prepare(&loader);
	if (!EFI_ERROR(status)) {
		crash_log_stage("loader.exit");
		status = exit_boot_services(&loader);
	}
	if (EFI_ERROR(status)) {
		crash_log_close();
		memory_free_all(&loader);
		file_close_volume(&loader);
		return status;
	}
	exceptions_install();
	mask_interrupts();
	crash_log_stage("loader.tables");
	exit_to_kernel(&loader);
}
