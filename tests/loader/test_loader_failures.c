// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Each service fails at each call: the first, the second, ... until a boot has
 * fewer calls than that. Each run must end in one of the accepted ways, and
 * verdict.c checks for pages that were not freed.
 */
#include "verdict.h"

#include <base/bits.h>

static struct fake_pc pc;

static const char config_text[] = "# ours\nloglevel=5 quiet\n";
static unsigned char override[0x3180];

/* A machine on which the loader calls every service. */
static void busy_pc(void)
{
	static const char *const names[] = { "BULLDOG.CFG", "log-0007.txt",
					     "LOG-0003.TXT", NULL };

	fake_pc_plain(&pc);
	fake_kernel_build(override, 2);
	pc.config = (struct fake_file){
		.kind = FILE_PLAIN, .data = config_text,
		.bytes = sizeof(config_text) - 1 };
	pc.kernel = (struct fake_file){
		.kind = FILE_PLAIN, .data = override,
		.bytes = sizeof(override), .read_bytes = 0x1000 };
	pc.names = names;
	pc.fw_cfg = "panic=exit";
	pc.fw_cfg_bytes = 10;
	pc.has_attribute_protocol = true;
	pc.memory.refusals = 2;
	pc.memory.refusal_rows = 3;
}

/* The number of calls of a service that could be made to fail. */
static unsigned fail_each_call(const struct fake_failure *how, const char *name)
{
	unsigned survived = 0;
	char text[80];

	pc.failures[0] = *how;
	for (unsigned n = 1;; n++) {
		pc.failures[0].first = n;
		snprintf(text, sizeof(text), "%s, call %u, status %#lx", name,
			 n, (unsigned long)how->status);
		CHECK(pc_ends_well(&pc, text));
		if (fake_run->calls[how->service] < n)
			return survived;
		survived++;
	}
}

struct sweep {
	enum fake_service service;
	unsigned at_least;		/* calls that a busy boot makes      */
	const EFI_STATUS *statuses;	/* 0 at the end                      */
	const char *name;
};

static void sweep_once(const struct sweep *sweep, unsigned calls)
{
	for (const EFI_STATUS *status = sweep->statuses; *status != 0;
	     status++) {
		unsigned survived = fail_each_call(&(struct fake_failure){
			.service = sweep->service,
			.calls = calls,
			.status = *status }, sweep->name);

		CHECK(survived >= sweep->at_least);
	}
}

/* Once and for good; on a busy machine and on a plain one. */
static void sweep_service(struct sweep sweep)
{
	busy_pc();
	sweep_once(&sweep, 1);
	sweep_once(&sweep, UINT32_MAX);
	sweep.at_least = 0;
	fake_pc_plain(&pc);
	sweep_once(&sweep, 1);
	sweep_once(&sweep, UINT32_MAX);
}

#define STATUSES(...) ((const EFI_STATUS[]){ __VA_ARGS__, 0 })

CASE(loader_survives_allocate_pages_failing_at_each_call)
{
	sweep_service((struct sweep){
		SERVICE_ALLOCATE_PAGES, 12,
		STATUSES(EFI_OUT_OF_RESOURCES, EFI_NOT_FOUND),
		"AllocatePages" });
}

CASE(loader_survives_free_pages_failing_at_each_call)
{
	struct sweep sweep = {
		SERVICE_FREE_PAGES, 1, STATUSES(EFI_INVALID_PARAMETER),
		"FreePages" };

	sweep_service(sweep);
	/* Where runs are longer than needed, and their ends are freed. */
	fake_pc_plain(&pc);
	pc.memory.lowest_first = true;
	sweep.at_least = 3;
	sweep_once(&sweep, 1);
	sweep_once(&sweep, UINT32_MAX);
}

CASE(loader_survives_get_memory_map_failing_at_each_call)
{
	sweep_service((struct sweep){
		SERVICE_GET_MAP, 5,
		STATUSES(EFI_INVALID_PARAMETER, EFI_BUFFER_TOO_SMALL,
			 EFI_DEVICE_ERROR), "GetMemoryMap" });
}

CASE(loader_survives_exit_boot_services_failing_at_each_call)
{
	sweep_service((struct sweep){
		SERVICE_EXIT, 3,
		STATUSES(EFI_INVALID_PARAMETER, EFI_DEVICE_ERROR),
		"ExitBootServices" });
}

CASE(loader_survives_protocols_failing_at_each_call)
{
	sweep_service((struct sweep){
		SERVICE_HANDLE_PROTOCOL, 2, STATUSES(EFI_UNSUPPORTED),
		"HandleProtocol" });
	sweep_service((struct sweep){
		SERVICE_LOCATE_PROTOCOL, 2, STATUSES(EFI_NOT_FOUND),
		"LocateProtocol" });
	sweep_service((struct sweep){
		SERVICE_SET_ATTRIBUTES, 1, STATUSES(EFI_UNSUPPORTED),
		"SetMemoryAttributes" });
	sweep_service((struct sweep){
		SERVICE_CLEAR_ATTRIBUTES, 1, STATUSES(EFI_UNSUPPORTED),
		"ClearMemoryAttributes" });
}

CASE(loader_survives_files_failing_at_each_call)
{
	sweep_service((struct sweep){
		SERVICE_OPEN_VOLUME, 1, STATUSES(EFI_NO_MEDIA),
		"OpenVolume" });
	sweep_service((struct sweep){
		SERVICE_OPEN, 2, STATUSES(EFI_DEVICE_ERROR, EFI_NOT_FOUND),
		"Open" });
	sweep_service((struct sweep){
		SERVICE_GET_INFO, 2, STATUSES(EFI_DEVICE_ERROR), "GetInfo" });
	sweep_service((struct sweep){
		SERVICE_READ, 5, STATUSES(EFI_DEVICE_ERROR,
					  EFI_VOLUME_CORRUPTED), "Read" });
	sweep_service((struct sweep){
		SERVICE_CLOSE, 2, STATUSES(EFI_DEVICE_ERROR), "Close" });
}

CASE(loader_survives_small_services_failing_at_each_call)
{
	sweep_service((struct sweep){
		SERVICE_WATCHDOG, 1, STATUSES(EFI_UNSUPPORTED),
		"SetWatchdogTimer" });
	sweep_service((struct sweep){
		SERVICE_GET_VARIABLE, 1,
		STATUSES(EFI_DEVICE_ERROR, EFI_NOT_FOUND), "GetVariable" });
}

/* A console that fails: the refusal is still one line elsewhere. */
CASE(loader_survives_a_console_that_fails)
{
	busy_pc();
	pc.failures[1] = (struct fake_failure){ SERVICE_OUTPUT, 1, 99,
						EFI_DEVICE_ERROR };
	fail_each_call(&(struct fake_failure){
		.service = SERVICE_ALLOCATE_PAGES, .calls = UINT32_MAX,
		.status = EFI_OUT_OF_RESOURCES }, "AllocatePages, no console");
	pc.failures[1] = (struct fake_failure){ .first = 0 };
	pc.console = CONSOLE_ABSENT;
	fail_each_call(&(struct fake_failure){
		.service = SERVICE_ALLOCATE_PAGES, .calls = UINT32_MAX,
		.status = EFI_OUT_OF_RESOURCES }, "AllocatePages, ConOut NULL");
}

/* After a failed exit there is no return; the boot may still succeed. */
CASE(loader_survives_failures_between_two_exits)
{
	static const enum fake_service services[] = {
		SERVICE_ALLOCATE_PAGES, SERVICE_FREE_PAGES, SERVICE_GET_MAP,
	};

	busy_pc();
	pc.memory.refusal_rows = 70;	/* the map outgrows its buffer */
	for (size_t i = 0; i < ARRAY_LENGTH(services); i++)
		fail_each_call(&(struct fake_failure){
			.service = services[i], .calls = 1,
			.status = EFI_OUT_OF_RESOURCES }, "growing exits");
}

CASE(loader_tries_the_exit_eight_times)
{
	for (unsigned refusals = 0; refusals <= 9; refusals++) {
		fake_pc_plain(&pc);
		pc.memory.refusals = refusals;
		pc.memory.refusal_rows = refusals % 3;
		if (refusals < 8)
			CHECK_BOOTS(&pc, "a few refusals");
		else
			CHECK_RESETS(&pc, "too many refusals");
		CHECK(fake_run->exit_calls == min_u64(refusals + 1, 8));
		if (refusals < 8)
			CHECK(handover_of(fake_run)->exit_tries ==
			      refusals + 1);
	}
	CHECK(serial_says("firmware keeps the machine"));
}

/* Seven refusals, then a map that is larger than its buffer. */
CASE(loader_does_not_take_a_larger_map_for_an_exit)
{
	for (unsigned refusals = 0; refusals <= 8; refusals++) {
		fake_pc_plain(&pc);
		pc.memory.refusals = refusals;
		pc.memory.grow_from = 4;
		pc.memory.grow_rows = 100;
		CHECK(pc_ends_well(&pc, "growth at the exit"));
	}
	fake_pc_plain(&pc);
	pc.memory.refusals = 7;
	pc.memory.grow_from = 10;
	pc.memory.grow_rows = 100;
	CHECK_RESETS(&pc, "growth at the last try");
}

CASE(loader_stops_where_no_reset_helps)
{
	fake_pc_plain(&pc);
	pc.memory.refusals = 99;
	pc.reset_returns = RESET_BY_PORT;
	CHECK_RESETS(&pc, "ResetSystem does nothing");
	CHECK(fake_run->reset_returned);
	pc.reset_returns = RESET_NOTHING_HELPS;
	fake_boot(&pc);
	CHECK(fake_run->ending == ENDED_HALTED);
	CHECK(!fake_run->interrupts_on);
	CHECK(fake_run->violation[0] == '\0');
}

/* Every pair of calls of the two services that a boot calls most. */
CASE(loader_survives_two_failures)
{
	for (unsigned n = 1; n <= 16; n++) {
		busy_pc();
		pc.failures[1] = (struct fake_failure){
			SERVICE_GET_MAP, 1 + n % 5, 1, EFI_DEVICE_ERROR };
		pc.failures[0] = (struct fake_failure){
			SERVICE_ALLOCATE_PAGES, n, 1, EFI_OUT_OF_RESOURCES };
		CHECK(pc_ends_well(&pc, "two failures"));
	}
}
