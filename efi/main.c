// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Bulldog's loader, from the firmware's call to the kernel's first
 * instruction. This file is the order of things; each line's room is named
 * in loader.h. Until leave_firmware everything can fail and be given back;
 * after it there is only forward.
 */
#include "loader.h"

#include <arch/instructions.h>
#include <base/bits.h>
#include <base/string.h>

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static struct loader loader;

/* Registers that may keep counting or interrupting after the firmware. */
#define MSR_APIC_BASE		0x1b
#define MSR_X2APIC_FIRST	0x800
#define APIC_ENABLED		(1u << 11)
#define APIC_X2			(1u << 10)
#define APIC_ADDRESS		0xffffffffff000
#define APIC_VERSION		0x30
#define LVT_MASKED		(1u << 16)
#define LVT_DELIVERY		0x700
#define LVT_NMI			0x400

/* A variable of one byte: 0 when absent, `unsure` when it cannot be read. */
static UINT8 read_flag(EFI_SYSTEM_TABLE *firmware, CHAR16 *name, UINT8 unsure)
{
	static EFI_GUID global = EFI_GLOBAL_VARIABLE;
	UINT8 value = 0;
	UINTN size = sizeof(value);
	EFI_STATUS status = firmware->RuntimeServices->GetVariable(
		name, &global, NULL, &size, &value);

	if (EFI_ERROR(status))
		return status == EFI_NOT_FOUND ? 0 : unsure;
	return value;
}

static bool is_secure_boot(EFI_SYSTEM_TABLE *firmware)
{
	/* What cannot be read must not open what may be locked. */
	return read_flag(firmware, L"SecureBoot", 1) == 1 &&
	       read_flag(firmware, L"SetupMode", 0) == 0;
}

static uint32_t apic_read(uint64_t base, uint32_t offset)
{
	if (base & APIC_X2)
		return (uint32_t)read_msr(MSR_X2APIC_FIRST + offset / 16);
	return *(volatile uint32_t *)((base & APIC_ADDRESS) + offset);
}

static void apic_write(uint64_t base, uint32_t offset, uint32_t value)
{
	if (base & APIC_X2)
		write_msr(MSR_X2APIC_FIRST + offset / 16, value);
	else
		*(volatile uint32_t *)((base & APIC_ADDRESS) + offset) = value;
}

/* The local vector table; older APICs have only the first few entries. */
static void mask_local_interrupts(void)
{
	static const uint16_t entries[] = { 0x320, 0x350, 0x360, 0x370,
					    0x340, 0x330, 0x2f0 };
	uint64_t base = read_msr(MSR_APIC_BASE);
	uint32_t last;

	if ((base & APIC_ENABLED) == 0)
		return;
	last = apic_read(base, APIC_VERSION) >> 16 & 0xff;
	for (size_t i = 0; i < ARRAY_LENGTH(entries) && i <= last; i++) {
		uint32_t entry = apic_read(base, entries[i]);

		/* An NMI line stays: it is how people ask for help. */
		if ((entry & LVT_DELIVERY) != LVT_NMI)
			apic_write(base, entries[i], entry | LVT_MASKED);
	}
}

static void silence_machine(void)
{
	__asm__ volatile("cli");
	out8(0x21, 0xff);
	out8(0xa1, 0xff);
	if (read_cpuid(1, 0).edx & 1 << 9)
		mask_local_interrupts();
}

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

/* The handover, the owned list and the option text, in this order. */
static EFI_STATUS take_handover(const struct handover_cpu *entry_state,
				uint64_t first_tsc)
{
	paddr_t start;
	uint64_t bytes = sizeof(struct handover) +
			 HOLDINGS_MAX * sizeof(struct owned_run) +
			 OPTIONS_BYTES;
	EFI_STATUS status = memory_take(&loader, &(struct page_request){
		.pages = align_up(bytes, PAGE_SIZE) / PAGE_SIZE,
		.owner = OWNER_HANDOVER,
		.limit = 4 * GIB,
	}, &start);

	if (EFI_ERROR(status))
		return refuse(status, "loader: no memory for the handover");
	loader.handover = (struct handover *)start.raw;
	memset(loader.handover, 0, align_up(bytes, PAGE_SIZE));
	loader.machine.cpu = *entry_state;
	loader.handover->stage_tsc[STAGE_EFI_MAIN] = first_tsc;
	return evidence_start(&loader, &loader.handover->crash_log,
			      &loader.handover->crash_log_bytes);
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
		status = take_handover(&entry_state, first_tsc);
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
