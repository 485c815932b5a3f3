// SPDX-License-Identifier: MIT OR Apache-2.0
#include "cpus.h"

#include <base/bits.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/lapic.h>
#include <kernel/arch/window.h>
#include <kernel/boot/boot_info.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/log/log.h>

#include "acpi_tables.h"
#include "madt.h"

static struct cpu_list list;

const struct cpu_list *cpus(void)
{
	return &list;
}

void cpus_note_started(unsigned cpu)
{
	list.rows[cpu].state = CPU_STARTED;
}

static void make_list(const struct madt *madt)
{
	cpu_list_build(&list, &(struct cpu_list_request){
		.cpus = madt->cpus,
		.count = madt->cpu_count,
		.boot_apic = this_cpu()->apic,
		.highest_apic = lapic_highest_id(),
		.max_cpus = lapic_is_there() ? boot_info.options.max_cpus : 1,
	});
}

/* Reads it into pages that are freed at once: the CPU list keeps the rows. */
static enum status read_madt(const struct acpi_table *table)
{
	size_t items = madt_capacity(table->bytes);
	uint64_t bytes = items * (sizeof(struct madt_cpu) +
				  sizeof(struct madt_ioapic));
	struct frame_run run = {
		.frames = align_up(max_u64(bytes, 1), PAGE_SIZE) / PAGE_SIZE,
	};
	struct madt madt = { .cpu_capacity = items, .ioapic_capacity = items };
	enum status status = boot_alloc(&run, OWNER_BOOT_LIST);

	if (status != ST_OK)
		return status;
	madt.ioapics = pfn_to_pointer(run.first);
	madt.cpus = (struct madt_cpu *)(madt.ioapics + items);
	status = madt_read(&madt, table->data, table->bytes);
	if (status == ST_OK)
		make_list(&madt);
	boot_free(run, OWNER_BOOT_LIST);
	return status;
}

static void start_lapic(void)
{
	enum status status = lapic_start(&boot_memory.table);

	if (status != ST_OK) {
		log_line(LOG_WARNING, "smp: no local APIC why=\"%s\"",
			 status_text(status));
		return;
	}
	lapic_init_cpu();
	this_cpu()->apic = lapic_id();
}

void cpus_find(void)
{
	struct acpi_table table;
	enum status status;

	start_lapic();
	make_list(&(struct madt){ .cpu_count = 0 });
	status = acpi_find("APIC", &table);
	if (status == ST_OK)
		status = read_madt(&table);
	acpi_release();
	if (status != ST_OK)
		log_line(LOG_WARNING, "smp: unusable table=MADT why=\"%s\"",
			 status_text(status));
	else if (!list.boot_was_listed)
		log_line(LOG_WARNING, "smp: boot processor not in MADT "
				      "apic=%u", list.rows[0].apic);
	if (list.unreachable != 0)
		log_line(LOG_WARNING, "smp: out of reach cpus=%u "
				      "highest_apic=%u", list.unreachable,
			 lapic_highest_id());
	if (list.left_out != 0)
		log_line(LOG_WARNING, "smp: more than fit left_out=%u",
			 list.left_out);
}
