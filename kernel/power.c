// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * ACPI is read once, before the firmware's pages can change hands, and only
 * numbers are kept. The tables may lie in memory that nothing else maps, so
 * each is looked at through a peek window.
 */
#include "power.h"

#include <arch/instructions.h>
#include <boot/acpi.h>

#include "clock.h"
#include "evidence.h"
#include "kernel.h"
#include "log.h"

#define DEBUG_EXIT_PORT		0xf4
#define RESET_PORT		0xcf9
#define RESET_HARD		0x06
#define PM1_SCI_ENABLE		0x0001
#define PM1_SLEEP_ENABLE	0x2000
#define PM1_SLEEP_SHIFT		10
#define ACPI_MODE_WAIT_MS	3000
#define TABLES_MAX		256

static struct acpi_power power;

/* A whole table at `slot`, by the length in its own header. */
static enum status peek_table(enum peek_slot slot, paddr_t phys,
			      const void **table, uint64_t *bytes)
{
	struct peek_request request = { slot, phys, ACPI_HEADER_BYTES };
	const volatile void *seen;
	enum status status = memory_peek(&request, &seen);

	if (status == ST_OK)
		status = acpi_table_length((const void *)seen, bytes);
	if (status != ST_OK)
		return status;
	request.bytes = *bytes;
	status = memory_peek(&request, &seen);
	*table = (const void *)seen;
	return status;
}

static enum status find_root(struct acpi_root *root)
{
	struct peek_request request = { PEEK_FIRST, kernel.handover->rsdp,
					ACPI_RSDP_BYTES };
	const volatile void *rsdp;
	enum status status;

	if (request.phys.raw == 0)
		return ST_NOT_FOUND;
	status = memory_peek(&request, &rsdp);
	if (status != ST_OK)
		return status;
	return acpi_read_rsdp((const void *)rsdp, ACPI_RSDP_BYTES, root);
}

/* The FADT's signature is FACP, for reasons of history. */
static enum status read_fadt(const struct acpi_root *root)
{
	const char *signature = root->entry_bytes == 8 ? "XSDT" : "RSDT";
	uint64_t bytes, fadt_bytes;
	const void *table, *fadt;
	paddr_t at;
	enum status status = peek_table(PEEK_FIRST, root->table, &table,
					&bytes);

	if (status != ST_OK)
		return status;
	if (!acpi_table_is_good(table, bytes, signature))
		return ST_CORRUPT;
	for (size_t i = 0; i < TABLES_MAX &&
			   acpi_root_entry(table, bytes, root, i, &at); i++) {
		if (peek_table(PEEK_SECOND, at, &fadt, &fadt_bytes) == ST_OK &&
		    acpi_table_is_good(fadt, fadt_bytes, "FACP"))
			return acpi_read_fadt(fadt, fadt_bytes, &power);
	}
	return ST_NOT_FOUND;
}

static enum status read_dsdt(void)
{
	uint64_t bytes;
	const void *table;
	enum status status = peek_table(PEEK_FIRST, power.dsdt, &table,
					&bytes);

	if (status != ST_OK)
		return status;
	if (!acpi_table_is_good(table, bytes, "DSDT"))
		return ST_CORRUPT;
	return acpi_find_sleep_type(table, bytes, &power);
}

void acpi_start(void)
{
	struct acpi_root root;
	enum status status = find_root(&root);
	const char *table = "RSDP";

	if (status == ST_OK) {
		table = "FADT";
		status = read_fadt(&root);
	}
	if (status == ST_OK && power.dsdt.raw != 0) {
		table = "DSDT";
		status = read_dsdt();
	}
	if (memory_unpeek(PEEK_FIRST) != ST_OK ||
	    memory_unpeek(PEEK_SECOND) != ST_OK)
		log_line(LOG_WARNING, "acpi: a window stays open");
	if (status != ST_OK)
		log_line(LOG_WARNING, "acpi: unusable table=%s why=\"%s\"",
			 table, status_text(status));
	log_line(LOG_INFO, "acpi: power reset_register=%d sleep=%d",
		 power.has_reset, power.has_sleep);
}

void power_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void power_exit(enum exit_code code)
{
	if (code != EXIT_PANIC)
		evidence_end();
	out8(DEBUG_EXIT_PORT, code);
	power_halt();
}

static void reset_by_acpi(void)
{
	if (!power.has_reset)
		return;
	if (power.reset.space == ACPI_IO) {
		out8((uint16_t)power.reset.address, power.reset_value);
	} else if (power.reset.space == ACPI_MEMORY) {
		struct peek_request request = {
			PEEK_DEVICE, { power.reset.address }, 1,
		};
		const volatile void *target;

		if (memory_peek(&request, &target) == ST_OK)
			*(volatile uint8_t *)target = power.reset_value;
	}
	clock_wait_us(10000);
}

void power_reboot(void)
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

static bool in_acpi_mode(void)
{
	return in16(power.pm1a_control) & PM1_SCI_ENABLE;
}

void power_off(void)
{
	if (!power.has_sleep || power.pm1a_control == 0) {
		log_line(LOG_WARNING, "power: cannot switch off try=\"hold the "
				      "power button\"");
		return;
	}
	evidence_end();
	if (!in_acpi_mode() && power.smi_command != 0)
		out8(power.smi_command, power.acpi_enable);
	for (unsigned ms = 0; ms < ACPI_MODE_WAIT_MS && !in_acpi_mode() &&
			      power.smi_command != 0; ms++)
		clock_wait_us(1000);
	out16(power.pm1a_control, (uint16_t)(power.sleep_type_a <<
				  PM1_SLEEP_SHIFT | PM1_SLEEP_ENABLE));
	if (power.pm1b_control != 0)
		out16(power.pm1b_control, (uint16_t)(power.sleep_type_b <<
					  PM1_SLEEP_SHIFT | PM1_SLEEP_ENABLE));
	clock_wait_us(1000000);
	log_line(LOG_WARNING, "power: still on after asking ACPI");
}
