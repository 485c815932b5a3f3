// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Bulldog's loader, from the firmware's call to the kernel's first
 * instruction. This file is the order of the steps. Until ExitBootServices
 * each step may fail, and all pages are freed then; after it there is no
 * return.
 */
#include "loader.h"

#include <arch/tsc_rate.h>
#include <base/bits.h>

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static EFI_STATUS open_firmware(struct loader *loader)
{
	static EFI_GUID guid = LOADED_IMAGE_PROTOCOL;
	EFI_STATUS status = loader->boot->HandleProtocol(
		loader->image, &guid, (void **)&loader->loaded);

	if (EFI_ERROR(status)) {
		/* No options yet: uses the usual serial port. */
		options_defaults(&loader->options);
		log_open_serial();
		return log_error(status, "loader: no loaded-image protocol "
					 "try=\"start it from the boot menu\"");
	}
	/* Stops the watchdog: the kernel runs longer than its five minutes. */
	loader->boot->SetWatchdogTimer(0, 0, 0, NULL);
	loader->secure_boot = secure_boot_is_on(loader->system);
	loader->under_qemu = fw_cfg_present();
	status = file_open_volume(loader);
	if (EFI_ERROR(status))
		log_warning("loader: volume unreadable status=0x%lx",
			 (uint64_t)status);
	options_read(loader);
	log_open_serial();
	log_info("loader: hello secure_boot=%d qemu=%d",
		 loader->secure_boot, loader->under_qemu);
	return EFI_SUCCESS;
}

/* Each step logs its own error. The crash log keeps the last stage, if any. */
static const struct {
	const char *stage;
	EFI_STATUS (*take)(struct loader *loader);
} steps[] = {
	{ NULL, open_firmware },
	{ NULL, handover_alloc },
	{ NULL, crash_log_open },
	{ "loader.options", machine_read },
	{ "loader.image", kernel_image_choose },
	{ NULL, kernel_image_place },
	{ "loader.prepare", exit_prepare },
	{ "loader.exit", exit_boot_services },
};

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	/* Firmware gives 128 KiB of stack; in .data they would be shipped. */
	char option_text[OPTIONS_BYTES], log_text[LOG_BYTES];
	struct loader loader = {
		.image = image,
		.system = system,
		.boot = system->BootServices,
		.start_tsc = read_tsc(),
		.ticks_per_us = tsc_rate(),
		.option_text = { option_text, OPTIONS_BYTES, 0 },
		.log_text = log_text,
		.console_open = true,
	};
	EFI_STATUS status = EFI_SUCCESS;

	machine_read_entry_state(&loader.machine.cpu);
	log_init(&loader);
	for (size_t i = 0; i < ARRAY_LENGTH(steps) && !EFI_ERROR(status); i++) {
		if (steps[i].stage != NULL)
			crash_log_stage(steps[i].stage);
		status = steps[i].take(&loader);
	}
	if (EFI_ERROR(status)) {
		crash_log_close();
		memory_free_from(&loader, 0);
		file_close_volume(&loader);
		return status;
	}
	exceptions_install();
	mask_interrupts();
	crash_log_stage("loader.tables");
	exit_to_kernel(&loader);
}
