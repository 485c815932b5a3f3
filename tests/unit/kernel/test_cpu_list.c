// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/platform/cpu_list.h>

#include <base/bits.h>

#include "check.h"

#define CAPACITY 600

static struct madt_cpu cpus[CAPACITY];
static struct cpu_list list;

/*
 * One letter for each processor: e is enabled, o only online-capable, - an
 * empty slot. Ids are 0, 1, 2, ...
 */
static struct cpu_list_request given(const char *picture)
{
	struct cpu_list_request request = {
		.cpus = cpus, .highest_apic = 0xfe,
	};

	for (; *picture != '\0'; picture++) {
		cpus[request.count] = (struct madt_cpu){
			.apic = (uint32_t)request.count,
			.enabled = *picture == 'e',
			.online_capable = *picture == 'o',
		};
		request.count++;
	}
	return request;
}

/* Ids and states: "1S 0A 2D". */
static bool becomes(const struct cpu_list_request *request, const char *want)
{
	char got[CAPACITY * 8] = "";
	size_t used = 0;

	cpu_list_build(&list, request);
	for (unsigned i = 0; i < list.count; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used,
					 "%s%u%c", i > 0 ? " " : "",
					 list.rows[i].apic,
					 "SAD"[list.rows[i].state]);
	if (strcmp(got, want) != 0)
		printf("# got  %s\n# want %s\n", got, want);
	return strcmp(got, want) == 0 && cpu_list_audit(&list);
}

CASE(cpu_list_keeps_the_order_of_the_table)
{
	struct cpu_list_request request = given("eee");

	cpus[1].apic = 7;
	cpus[2].apic = 4;
	CHECK(becomes(&request, "0S 7A 4A"));
	CHECK(list.startable == 3 && list.boot_was_listed);
}

CASE(cpu_list_puts_the_boot_processor_first)
{
	struct cpu_list_request request = given("eeee");

	request.boot_apic = 2;
	CHECK(becomes(&request, "2S 0A 1A 3A"));
	CHECK(list.startable == 4);
}

CASE(cpu_list_has_the_boot_processor_even_if_no_table_does)
{
	struct cpu_list_request request = given("");

	request.boot_apic = 5;
	CHECK(becomes(&request, "5S"));
	CHECK(!list.boot_was_listed && list.startable == 1);
	request = given("ee");
	request.boot_apic = 5;
	CHECK(becomes(&request, "5S 0A 1A"));
	CHECK(!list.boot_was_listed);
}

CASE(cpu_list_skips_empty_slots)
{
	struct cpu_list_request request = given("e-e-");

	CHECK(becomes(&request, "0S 2A"));
	/* An empty slot may bear the id of any CPU. */
	cpus[1].apic = 2;
	CHECK(becomes(&request, "0S 2A"));
}

CASE(cpu_list_names_those_that_may_come_later_behind_the_others)
{
	struct cpu_list_request request = given("eoeo");

	CHECK(becomes(&request, "0S 2A 1D 3D"));
	CHECK(list.startable == 2);
}

CASE(cpu_list_takes_each_id_once)
{
	struct cpu_list_request request = given("eeee");

	cpus[2].apic = 1;
	cpus[3].apic = 0;
	CHECK(becomes(&request, "0S 1A"));
}

CASE(cpu_list_starts_no_more_than_asked_for)
{
	struct cpu_list_request request = given("eeee");

	request.max_cpus = 1;
	CHECK(becomes(&request, "0S 1D 2D 3D"));
	CHECK(list.startable == 1);
	request.max_cpus = 3;
	CHECK(becomes(&request, "0S 1A 2A 3D"));
	request.max_cpus = 9;
	CHECK(becomes(&request, "0S 1A 2A 3A"));
}

CASE(cpu_list_does_not_start_whom_no_message_reaches)
{
	struct cpu_list_request request = given("eee");

	cpus[1].apic = 0xfe;
	cpus[2].apic = 0x100;
	cpus[2].is_x2apic = true;
	CHECK(becomes(&request, "0S 254A 256D"));
	CHECK(list.rows[2].is_x2apic && !list.rows[1].is_x2apic);
	CHECK(list.unreachable == 1);
	cpus[2].enabled = false;
	cpus[2].online_capable = true;
	CHECK(becomes(&request, "0S 254A 256D"));
	CHECK(list.unreachable == 0);
	cpus[2].enabled = true;
	request.highest_apic = 0xfffffffe;
	CHECK(becomes(&request, "0S 254A 256A"));
	CHECK(list.unreachable == 0);
}

CASE(cpu_list_counts_those_for_whom_there_is_no_room)
{
	struct cpu_list_request request = {
		.cpus = cpus, .count = STACK_CPUS + 44,
		.highest_apic = 0xfffffffe,
	};

	for (size_t i = 0; i < request.count; i++)
		cpus[i] = (struct madt_cpu){ .apic = (uint32_t)i,
					     .enabled = true };
	cpu_list_build(&list, &request);
	CHECK(cpu_list_audit(&list));
	CHECK(list.count == STACK_CPUS && list.startable == STACK_CPUS);
	CHECK(list.left_out == 44);
}

CASE(cpu_list_audit_sees_each_broken_promise)
{
	struct cpu_list_request request = given("eeo");

	CHECK(becomes(&request, "0S 1A 2D"));
	list.rows[0].state = CPU_ABSENT;
	CHECK(!cpu_list_audit(&list));
	list.rows[0].state = CPU_STARTED;
	list.startable = 3;
	CHECK(!cpu_list_audit(&list));
	list.startable = 1;
	CHECK(!cpu_list_audit(&list));
	list.startable = 2;
	list.rows[2].apic = 1;
	CHECK(!cpu_list_audit(&list));
	list.rows[2].apic = 2;
	CHECK(cpu_list_audit(&list));
	list.count = 0;
	CHECK(!cpu_list_audit(&list));
}
