// SPDX-License-Identifier: MIT OR Apache-2.0
#include "power.h"

#include <arch/instructions.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/halt.h>
#include <kernel/boot/fixmap.h>
#include <kernel/log/crash_log.h>
#include <kernel/log/log.h>
#include <kernel/log/log_console.h>

#include "acpi_tables.h"

#define DEBUG_EXIT_PORT		0xf4
#define RESET_PORT		0xcf9
#define RESET_HARD		0x06
#define PM1_SCI_ENABLE		0x0001
#define PM1_SLEEP_ENABLE	0x2000
#define PM1_SLEEP_SHIFT		10
#define PM1_SLEEP_MASK		0x3c00
#define ACPI_MODE_WAIT_MS	3000

/* [C] The reset register, where it is memory; else NULL. */
static volatile uint8_t *reset_register;

void power_start(void)
{
	const struct acpi_power *power = acpi_power();
	struct fixmap_request request = {
		.slot = FIXMAP_RESET,
		.phys = { power->reset.address },
		.bytes = 1,
		.rights = TABLE_WRITE,
	};
	const volatile void *target;
	enum status status;

	if (!power->has_reset || power->reset.space != ACPI_MEMORY)
		return;
	status = fixmap_map(&request, &target);
	if (status == ST_OK)
		reset_register = (volatile uint8_t *)(uintptr_t)target;
	else
		log_line(LOG_WARNING, "power: no reset register at=0x%lx "
				      "why=\"%s\"", power->reset.address,
			 status_text(status));
}

/* Ends the crash log of this attempt, and drains the consoles. */
static void finish_logs(void)
{
	crash_log_finish();
	log_console_drain();
}

void power_exit(enum exit_code code)
{
	/* A panic has written its text itself. */
	if (code != EXIT_PANIC)
		finish_logs();
	out8(DEBUG_EXIT_PORT, code);
	power_halt();
}

static void reset_by_acpi(void)
{
	const struct acpi_power *power = acpi_power();

	if (!power->has_reset)
		return;
	if (power->reset.space == ACPI_IO)
		out8((uint16_t)power->reset.address, power->reset_value);
	else if (reset_register != NULL)
		*reset_register = power->reset_value;
	clock_wait_us(10000);
}

void power_reset(void)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} no_handlers = { 0, 0 };

	__asm__ volatile("cli");
	reset_by_acpi();
	out8(RESET_PORT, RESET_HARD & ~4);
	clock_wait_us(50);
	out8(RESET_PORT, RESET_HARD);
	clock_wait_us(10000);
	__asm__ volatile("lidt %0; int3" : : "m"(no_handlers));
	power_halt();
}

void power_reboot(void)
{
	finish_logs();
	power_reset();
}

static bool in_acpi_mode(void)
{
	const struct acpi_power *power = acpi_power();

	return in16(power->pm1a_control) & PM1_SCI_ENABLE;
}

/* Asks the firmware to enter ACPI mode, if it has not yet. */
static void enter_acpi_mode(void)
{
	const struct acpi_power *power = acpi_power();

	if (in_acpi_mode() || power->smi_command == 0 ||
	    power->acpi_enable == 0)
		return;
	out8(power->smi_command, power->acpi_enable);
	for (unsigned ms = 0; ms < ACPI_MODE_WAIT_MS && !in_acpi_mode(); ms++)
		clock_wait_us(1000);
}

/* The other bits of the register belong to the firmware. */
static void ask_to_sleep(uint16_t port, uint8_t sleep_type)
{
	uint16_t kept = in16(port) & (uint16_t)~PM1_SLEEP_MASK;

	out16(port, (uint16_t)(kept | sleep_type << PM1_SLEEP_SHIFT));
	out16(port, (uint16_t)(kept | sleep_type << PM1_SLEEP_SHIFT |
			       PM1_SLEEP_ENABLE));
}

void power_off(void)
{
	const struct acpi_power *power = acpi_power();

	if (!power->has_sleep || power->pm1a_control == 0) {
		log_line(LOG_WARNING, "power: cannot switch off try=\"hold the "
				      "power button\"");
		return;
	}
	finish_logs();
	enter_acpi_mode();
	ask_to_sleep(power->pm1a_control, power->sleep_type_a);
	if (power->pm1b_control != 0)
		ask_to_sleep(power->pm1b_control, power->sleep_type_b);
	clock_wait_us(1000000);
	log_line(LOG_WARNING, "power: still on after asking ACPI");
}
