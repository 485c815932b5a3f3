// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Bulldog's loader, from the firmware's call to the kernel's first
 * instruction. This file is the order of things; each line's room is named
 * in loader.h. Until leave_firmware everything can fail and be given back;
 * after it there is only forward.
 */
#include "loader.h"

#include <arch/instructions.h>

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static struct loader loader;

static EFI_STATUS meet_firmware(void)
{
	static EFI_GUID guid = LOADED_IMAGE_PROTOCOL;
	EFI_STATUS status = loader.boot->HandleProtocol(
		loader.image, &guid, (void **)&loader.loaded);

	if (EFI_ERROR(status)) {
		/* There are no options yet: where serial ports usually are. */
		options_defaults(&loader.options);
		say_configure(&loader.options);
		return refuse(status, "loader: no loaded-image protocol "
				      "try=\"start it from the boot menu\"");
	}
	/* Five minutes are enough for us, not for what follows. */
	loader.boot->SetWatchdogTimer(0, 0, 0, NULL);
	loader.secure_boot = is_secure_boot(loader.system);
	loader.under_qemu = qemu_present();
	status = file_open_volume(&loader);
	if (EFI_ERROR(status))
		say('W', "loader: volume unreadable status=0x%lx",
		    (uint64_t)status);
	layers_read(&loader);
	say_configure(&loader.options);
	say('I', "loader: hello secure_boot=%d qemu=%d", loader.secure_boot,
	    loader.under_qemu);
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
	say_start(system, first_tsc);
	status = meet_firmware();
	if (!EFI_ERROR(status))
		status = take_handover(&loader, &entry_state, first_tsc);
	if (!EFI_ERROR(status)) {
		machine_read_processor(&loader);
		machine_find_tables(&loader);
		machine_find_framebuffer(&loader);
		evidence_reach("loader.image");
		status = image_choose(&loader);
	}
	if (!EFI_ERROR(status))
		status = image_place(&loader);
	evidence_reach("loader.prepare");
	if (!EFI_ERROR(status))
		status = leave_prepare(&loader);
	if (!EFI_ERROR(status)) {
		evidence_reach("loader.exit");
		status = leave_firmware(&loader);
	}
	if (EFI_ERROR(status)) {
		evidence_stop();
		memory_give_all(&loader);
		file_close_volume(&loader);
		return status;
	}
	faults_catch();
	silence_machine();
	evidence_reach("loader.tables");
	leave_to_kernel(&loader);
}
