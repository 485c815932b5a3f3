// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The MADT's processors are read twice: first those to be started, then the
 * rest. So the CPUs have the first numbers, without gaps.
 */
#include "cpu_list.h"

#include <base/bits.h>

static bool is_listed(const struct cpu_list *list, uint32_t apic)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->rows[i].apic == apic)
			return true;
	return false;
}

static void add(struct cpu_list *list, const struct madt_cpu *cpu,
		enum cpu_state state)
{
	if (is_listed(list, cpu->apic))
		return;
	if (list->count == ARRAY_LENGTH(list->rows)) {
		list->left_out++;
		return;
	}
	list->rows[list->count++] = (struct cpu_row){
		.apic = cpu->apic,
		.state = (uint8_t)state,
		.is_x2apic = cpu->is_x2apic,
	};
}

static void add_boot(struct cpu_list *list,
		     const struct cpu_list_request *request)
{
	struct madt_cpu boot = { .apic = request->boot_apic };

	for (size_t i = 0; i < request->count; i++) {
		const struct madt_cpu *cpu = &request->cpus[i];

		if (cpu->apic != boot.apic || !cpu->enabled)
			continue;
		boot = *cpu;
		list->boot_was_listed = true;
	}
	add(list, &boot, CPU_STARTED);
}

static bool may_start(const struct cpu_list *list,
		      const struct cpu_list_request *request,
		      const struct madt_cpu *cpu)
{
	return cpu->enabled && cpu->apic <= request->highest_apic &&
	       (request->max_cpus == 0 || list->count < request->max_cpus);
}

void cpu_list_build(struct cpu_list *list,
		    const struct cpu_list_request *request)
{
	list->count = list->left_out = 0;
	list->boot_was_listed = false;
	add_boot(list, request);
	for (size_t i = 0; i < request->count; i++)
		if (may_start(list, request, &request->cpus[i]))
			add(list, &request->cpus[i], CPU_ABSENT);
	list->startable = list->count;
	list->left_out = list->unreachable = 0;
	for (size_t i = 0; i < request->count; i++) {
		const struct madt_cpu *cpu = &request->cpus[i];

		if (cpu->enabled || cpu->online_capable)
			add(list, cpu, CPU_DISABLED);
		list->unreachable += cpu->enabled &&
				     cpu->apic > request->highest_apic;
	}
}

bool cpu_list_audit(const struct cpu_list *list)
{
	if (list->count == 0 || list->count > ARRAY_LENGTH(list->rows) ||
	    list->startable == 0 || list->startable > list->count ||
	    list->rows[0].state != CPU_STARTED)
		return false;
	for (unsigned i = 1; i < list->count; i++) {
		const struct cpu_row *row = &list->rows[i];

		if ((row->state == CPU_DISABLED) != (i >= list->startable))
			return false;
		for (unsigned j = 0; j < i; j++)
			if (list->rows[j].apic == row->apic)
				return false;
	}
	return true;
}
