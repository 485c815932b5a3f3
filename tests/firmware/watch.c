// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Counts every call of a boot service, and which of them came after a
 * refused ExitBootServices, when only memory services may be used; lets the
 * n-th call of one service fail; refuses the exit; and watches whether the
 * watchdog is switched off.
 *
 * words: refuse=N    the first N exits meet a map that has changed
 *        fail=NAME   starts again and again: in round n, NAME's n-th call
 *                    fails, until the application stays
 *        from=N      ... beginning with round N
 *        for_good    ... and all calls of NAME behind that one
 *        watchdog=N  armed, N seconds
 */
#include "hostile.h"

#define SERVICES	44
#define CONSOLE_CALLS	9
#define STUB_BYTES	16
#define NO_SERVICE	0xffffffff

struct service {
	const char *name;
	UINTN number;
	EFI_STATUS failure;
};

/* The services that a test may let fail, with their status. */
static const struct service failing[] = {
	{ "AllocatePages", SERVICE(AllocatePages), EFI_OUT_OF_RESOURCES },
	{ "GetMemoryMap", SERVICE(GetMemoryMap), EFI_DEVICE_ERROR },
	{ "HandleProtocol", SERVICE(HandleProtocol), EFI_UNSUPPORTED },
	{ "LocateProtocol", SERVICE(LocateProtocol), EFI_NOT_FOUND },
	{ "SetWatchdogTimer", SERVICE(SetWatchdogTimer), EFI_DEVICE_ERROR },
};

/* Read and written by stubs.S. */
extern const char watch_stubs[], watch_console_stubs[], watch_gone[];
UINT64 watch_calls[SERVICES], watch_late_calls[SERVICES], watch_late_words;
const void *watch_targets[SERVICES];
UINT32 watch_refused, watch_fail_service = NO_SERVICE;
UINT64 watch_fail_in;
UINT32 watch_fail_for_good;
EFI_STATUS watch_fail_status;
void *watch_console;

static struct {
	UINT64 refuse;			/* exits still to be refused         */
	UINT64 round;
	UINT64 refused;
	UINT64 pages_before;		/* allocated, before the application */
	UINT64 watchdog_seconds;
	BOOLEAN watchdog_is_off;
} state = { .round = 1 };

_Noreturn void EFIAPI watch_called_too_late(UINT64 service);

void EFIAPI watch_called_too_late(UINT64 service)
{
	leave("SERVICE_CALLED_AFTER_EXIT", service, EXIT_BROKEN);
}

UINT64 watch_round(void)
{
	return state.round;
}

void watch_redirect(UINTN service, const void *function)
{
	watch_targets[service] = function;
}

static BOOLEAN may_be_called_late(UINTN service)
{
	return service == SERVICE(AllocatePages) ||
	       service == SERVICE(FreePages) ||
	       service == SERVICE(GetMemoryMap) ||
	       service == SERVICE(AllocatePool) ||
	       service == SERVICE(FreePool) ||
	       service == SERVICE(ExitBootServices);
}

static UINT64 late_calls(void)
{
	UINT64 calls = watch_late_words;

	for (UINTN i = 0; i < SERVICES; i++)
		if (!may_be_called_late(i))
			calls += watch_late_calls[i];
	return calls;
}

static void report_exit(void)
{
	serial_text("\r\n# hostile: exit");
	say_fact("round", state.round);
	say_fact("failed", watch_fail_service != NO_SERVICE &&
			   (INT64)watch_fail_in <= 0);
	say_fact("refused", state.refused);
	say_fact("exits", watch_calls[SERVICE(ExitBootServices)]);
	say_fact("maps", watch_calls[SERVICE(GetMemoryMap)]);
	say_fact("late_calls", late_calls());
	say_fact("connects", watch_calls[SERVICE(ConnectController)]);
	say_fact("watchdog_off", state.watchdog_is_off);
	serial_text("\r\n");
}

/* Allocates a page, so that the application's key is out of date. */
static void change_map(void)
{
	EFI_PHYSICAL_ADDRESS page = 0;

	must(BS->AllocatePages(AllocateAnyPages, EfiBootServicesData,
			       1 + state.refused % 2, &page),
	     "NO_MEMORY_FOR_HOSTILE");
}

static EFI_STATUS EFIAPI exit_boot_services(EFI_HANDLE image, UINTN key)
{
	EFI_STATUS status;

	if (state.refuse > 0) {
		state.refuse--;
		change_map();
		state.refused++;
	}
	status = BS->ExitBootServices(image, key);
	watch_refused = 1;
	if (EFI_ERROR(status))
		return status;
	report_exit();
	for (UINTN i = 0; i < SERVICES; i++)
		watch_targets[i] = watch_gone;
	hostile_after_exit();
	return status;
}

static EFI_STATUS EFIAPI set_watchdog(UINTN seconds, UINT64 code,
				      UINTN bytes, CHAR16 *data)
{
	EFI_STATUS status = BS->SetWatchdogTimer(seconds, code, bytes, data);

	state.watchdog_is_off = seconds == 0 && !EFI_ERROR(status);
	return status;
}

/* Puts a console of our own in front of the real one. */
static void cover_console(void)
{
	static UINT64 cover[sizeof(SIMPLE_TEXT_OUTPUT_INTERFACE) / 8];

	watch_console = stage.system->ConOut;
	if (watch_console == NULL)
		return;
	BS->CopyMem(cover, watch_console, sizeof(cover));
	for (UINTN i = 0; i < CONSOLE_CALLS; i++)
		cover[i] = (UINT64)watch_console_stubs + i * STUB_BYTES;
	stage.system->ConOut = (SIMPLE_TEXT_OUTPUT_INTERFACE *)cover;
}

static void before_load(void)
{
	state.pages_before = map_allocated_pages();
}

static void before_start(void)
{
	UINTN count = (stage.boot.Hdr.HeaderSize - sizeof(EFI_TABLE_HEADER)) /
		      sizeof(void *);
	UINT64 *services = (UINT64 *)&stage.boot.RaiseTPL;

	for (UINTN i = 0; i < SERVICES && i < count; i++) {
		watch_targets[i] = (void *)services[i];
		services[i] = (UINT64)watch_stubs + i * STUB_BYTES;
		watch_calls[i] = 0;
	}
	watch_redirect(SERVICE(ExitBootServices), exit_boot_services);
	watch_redirect(SERVICE(SetWatchdogTimer), set_watchdog);
	watch_fail_in = state.round;
	cover_console();
	if (state.watchdog_seconds != 0)
		must(BS->SetWatchdogTimer(state.watchdog_seconds, 0x10000, 0,
					  NULL), "NO_WATCHDOG");
}

/* The pages that were not freed; then the next call, if one failed. */
static void after_return(void)
{
	UINT64 pages = map_allocated_pages();

	serial_text(" kept=");
	if (pages < state.pages_before)
		serial_text("-");
	serial_number(pages < state.pages_before ? state.pages_before - pages :
						   pages - state.pages_before);
	if (watch_fail_service != NO_SERVICE && (INT64)watch_fail_in <= 0 &&
	    !watch_fail_for_good)
		state.round++;
}

static BOOLEAN word(const char *name, const char *value)
{
	if (text_equals(name, "refuse")) {
		state.refuse = text_number(value);
	} else if (text_equals(name, "watchdog")) {
		state.watchdog_seconds = text_number(value);
	} else if (text_equals(name, "from")) {
		state.round = text_number(value);
	} else if (text_equals(name, "for_good")) {
		watch_fail_for_good = 1;
	} else if (text_equals(name, "fail")) {
		for (UINTN i = 0; i < sizeof(failing) / sizeof(failing[0]);
		     i++) {
			if (!text_equals(value, failing[i].name))
				continue;
			watch_fail_service = (UINT32)failing[i].number;
			watch_fail_status = failing[i].failure;
			return TRUE;
		}
		return FALSE;
	} else {
		return FALSE;
	}
	return TRUE;
}

const struct room watch_room = {
	.word = word,
	.before_load = before_load,
	.before_start = before_start,
	.after_return = after_return,
};
