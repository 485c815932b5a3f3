// SPDX-License-Identifier: MIT OR Apache-2.0
/* cpus: the list of processors, with the counters of each. */
#include "command.h"

#include <kernel/arch/cpu_local.h>
#include <kernel/platform/cpus.h>
#include <kernel/platform/numa_nodes.h>

static const char *const state_names[] = {
	[CPU_STARTED] = "started",
	[CPU_ABSENT] = "absent",
	[CPU_DISABLED] = "disabled",
};

/* A CPU that has not started has counted nothing. */
static void print_record(struct sink *out, unsigned index)
{
	static const struct cpu_counters none;
	const struct cpu_row *row = &cpus()->rows[index];
	const struct cpu_local *cpu = cpu_local_at(index);
	const struct cpu_counters *counters = &none;

	if (row->state == CPU_STARTED && cpu != NULL)
		counters = &cpu->counters;
	sink_print(out, "@cpu index=%u apic=%u state=%s x2apic=%u node=%u "
			"interrupts=%lu calls_made=%lu calls_answered=%lu "
			"halts=%lu\n", index, row->apic,
		   state_names[row->state], row->is_x2apic,
		   nodes_of_cpu(row->apic), counters->interrupts,
		   counters->calls_made, counters->calls_answered,
		   counters->halts);
}

static void print_plain(struct sink *out, unsigned index)
{
	const struct cpu_row *row = &cpus()->rows[index];
	const struct cpu_local *cpu = cpu_local_at(index);

	sink_print(out, "cpu %3u  apic %3u  node %3u  %-8s", index, row->apic,
		   nodes_of_cpu(row->apic), state_names[row->state]);
	if (row->state == CPU_STARTED && cpu != NULL)
		sink_print(out, "  interrupts %lu  asked %lu  answered %lu  "
				"halts %lu", cpu->counters.interrupts,
			   cpu->counters.calls_made,
			   cpu->counters.calls_answered, cpu->counters.halts);
	sink_print(out, "\n");
}

enum status command_cpus(const struct command_call *call)
{
	const struct cpu_list *list = cpus();

	for (unsigned i = 0; i < list->count; i++) {
		if (call->records)
			print_record(call->out, i);
		else
			print_plain(call->out, i);
	}
	return ST_OK;
}
