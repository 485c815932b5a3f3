// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The system table, the protocols, the console, the exit, and the process
 * in which the loader runs.
 *
 * Each boot has its own process: the loader has static variables, since it
 * runs only once, and a run that crashes or hangs ends alone.
 */
#define _GNU_SOURCE
#include "fake_firmware.h"

#include <base/assert.h>
#include <base/string.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define CPU_SECONDS	20		/* far more than any boot needs      */
#define SCREEN_CLEARED	0xa0000		/* eight rows of text                */
#define ATTRIBUTE_RO	0x20000
#define ATTRIBUTE_XP	0x4000

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

struct fake_run *fake_run;
const struct fake_pc *fake_pc;

static char image_handle, volume_handle;

/* --- judging --------------------------------------------------------------*/

void fake_violation(const char *format, ...)
{
	va_list arguments;

	if (fake_run->violation[0] != '\0')
		return;
	va_start(arguments, format);
	vsnprintf(fake_run->violation, sizeof(fake_run->violation), format,
		  arguments);
	va_end(arguments);
}

void fake_end(enum fake_ending ending)
{
	fake_run->ending = ending;
	_exit(0);
}

static bool is_memory_service(enum fake_service service)
{
	return service == SERVICE_ALLOCATE_PAGES ||
	       service == SERVICE_FREE_PAGES || service == SERVICE_GET_MAP ||
	       service == SERVICE_EXIT;
}

bool fake_service(enum fake_service service, EFI_STATUS *status)
{
	unsigned call = ++fake_run->calls[service];

	fake_run->order++;
	if (fake_run->exited && service != SERVICE_GET_VARIABLE)
		fake_violation("service %u after the exit", service);
	else if (fake_run->exit_failed && !is_memory_service(service))
		fake_violation("service %u after a failed exit", service);
	if (fake_pc->assertion.first == call &&
	    fake_pc->assertion.service == service)
		assert_failed("here.c", 7, "a promise");
	for (size_t i = 0; i < 2; i++) {
		const struct fake_failure *failure = &fake_pc->failures[i];

		if (failure->first == 0 || failure->service != service ||
		    call < failure->first ||
		    call - failure->first >= failure->calls)
			continue;
		*status = failure->status;
		fake_run->failed[service]++;
		return true;
	}
	return false;
}

/* --- protocols ------------------------------------------------------------*/

struct attribute_protocol {
	void *get;
	EFI_STATUS(EFIAPI *set)(struct attribute_protocol *self,
				EFI_PHYSICAL_ADDRESS start, UINT64 bytes,
				UINT64 attributes);
	EFI_STATUS(EFIAPI *clear)(struct attribute_protocol *self,
				  EFI_PHYSICAL_ADDRESS start, UINT64 bytes,
				  UINT64 attributes);
};

static EFI_STATUS EFIAPI attributes_set(struct attribute_protocol *self,
					EFI_PHYSICAL_ADDRESS start,
					UINT64 bytes, UINT64 attributes)
{
	struct fake_alloc *alloc = fake_alloc_at(start);
	EFI_STATUS status;

	(void)self;
	if (fake_service(SERVICE_SET_ATTRIBUTES, &status))
		return status;
	if (alloc != NULL && attributes & ATTRIBUTE_RO)
		alloc->read_only = true;
	if (alloc != NULL && attributes & ATTRIBUTE_XP)
		alloc->executable = false;
	return fake_pages_protect(start, bytes);
}

static EFI_STATUS EFIAPI attributes_clear(struct attribute_protocol *self,
					  EFI_PHYSICAL_ADDRESS start,
					  UINT64 bytes, UINT64 attributes)
{
	struct fake_alloc *alloc = fake_alloc_at(start);
	EFI_STATUS status;

	(void)self;
	if (fake_service(SERVICE_CLEAR_ATTRIBUTES, &status))
		return status;
	/* Strict firmware: never writable and executable. */
	if (alloc != NULL && attributes & ATTRIBUTE_XP && !alloc->read_only)
		return EFI_UNSUPPORTED;
	if (alloc != NULL && attributes & ATTRIBUTE_RO)
		alloc->read_only = false;
	if (alloc != NULL && attributes & ATTRIBUTE_XP)
		alloc->executable = true;
	return fake_pages_protect(start, bytes);
}

static bool same_guid(const EFI_GUID *a, EFI_GUID b)
{
	return memcmp(a, &b, sizeof(b)) == 0;
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *guid,
					 VOID **out)
{
	static EFI_LOADED_IMAGE loaded;
	EFI_STATUS status;

	if (fake_service(SERVICE_HANDLE_PROTOCOL, &status))
		return status;
	if (handle == &image_handle &&
	    same_guid(guid, (EFI_GUID)LOADED_IMAGE_PROTOCOL)) {
		loaded.DeviceHandle = fake_pc->device;
		loaded.LoadOptions = (void *)fake_pc->load_options;
		loaded.LoadOptionsSize = fake_pc->load_option_bytes;
		*out = &loaded;
		return fake_pc->no_loaded_image ? EFI_UNSUPPORTED :
						  EFI_SUCCESS;
	}
	if (handle == &volume_handle &&
	    same_guid(guid, (EFI_GUID)EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID)) {
		*out = &fake_volume;
		return EFI_SUCCESS;
	}
	fake_violation("HandleProtocol of a stranger");
	return EFI_UNSUPPORTED;
}

static EFI_STATUS locate_screen(VOID **out)
{
	static EFI_GRAPHICS_OUTPUT_PROTOCOL screen;
	static EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
	static EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info;

	if (fake_pc->screen.kind == SCREEN_ABSENT)
		return EFI_NOT_FOUND;
	info = fake_pc->screen.info;
	mode.Info = fake_pc->screen.kind == SCREEN_NO_INFO ? NULL : &info;
	mode.SizeOfInfo = sizeof(info);
	mode.FrameBufferBase = fake_pc->screen.base;
	mode.FrameBufferSize = fake_pc->screen.bytes;
	screen.Mode = fake_pc->screen.kind == SCREEN_NO_MODE ? NULL : &mode;
	*out = &screen;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI locate_protocol(EFI_GUID *guid, VOID *registration,
					 VOID **out)
{
	static const EFI_GUID attributes = {
		0xf4560cf6, 0x40ec, 0x4b4a,
		{ 0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89 }
	};
	static struct attribute_protocol protocol = {
		.set = attributes_set, .clear = attributes_clear,
	};
	EFI_STATUS status;

	if (fake_service(SERVICE_LOCATE_PROTOCOL, &status))
		return status;
	if (registration != NULL)
		fake_violation("LocateProtocol with a registration");
	if (same_guid(guid, (EFI_GUID)EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID))
		return locate_screen(out);
	if (!same_guid(guid, attributes))
		fake_violation("LocateProtocol of a stranger");
	else if (fake_pc->has_attribute_protocol) {
		*out = &protocol;
		return EFI_SUCCESS;
	}
	return EFI_NOT_FOUND;
}

/* --- the rest of the table ------------------------------------------------*/

static EFI_STATUS EFIAPI set_watchdog(UINTN seconds, UINT64 code,
				      UINTN bytes, CHAR16 *data)
{
	EFI_STATUS status;

	if (fake_service(SERVICE_WATCHDOG, &status))
		return status;
	if (seconds != 0 || code != 0 || bytes != 0 || data != NULL)
		fake_violation("SetWatchdogTimer that does not disarm");
	fake_run->watchdog_off = true;
	fake_run->watchdog_order = fake_run->order;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI exit_boot_services(EFI_HANDLE image, UINTN key)
{
	EFI_STATUS status;
	bool fails = fake_service(SERVICE_EXIT, &status);

	fake_run->exit_calls++;
	if (image != &image_handle)
		fake_violation("ExitBootServices of another image");
	if (!fails && fake_run->exit_calls <= fake_pc->memory.refusals) {
		fake_pages_grow(fake_pc->memory.refusal_rows);
		fake_run->key++;
	}
	if (!fails && key != fake_run->key) {
		status = EFI_INVALID_PARAMETER;
		fails = true;
	}
	fake_run->exit_failed = fails;
	if (fails)
		return status;
	fake_run->interrupts_on_at_exit = fake_run->interrupts_on;
	fake_run->exited = true;
	return EFI_SUCCESS;
}

static bool same_name(const CHAR16 *a, const CHAR16 *b)
{
	while (*a != 0 && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *guid,
				      UINT32 *attributes, UINTN *bytes,
				      VOID *data)
{
	enum fake_variable value = VARIABLE_ABSENT;
	EFI_STATUS status;

	(void)attributes;
	if (fake_service(SERVICE_GET_VARIABLE, &status))
		return status;
	if (!same_guid(guid, (EFI_GUID)EFI_GLOBAL_VARIABLE) || *bytes < 1)
		fake_violation("GetVariable of a stranger");
	else if (same_name(name, L"SecureBoot"))
		value = fake_pc->secure_boot;
	else if (same_name(name, L"SetupMode"))
		value = fake_pc->setup_mode;
	else
		fake_violation("GetVariable of another name");
	if (value == VARIABLE_ABSENT)
		return EFI_NOT_FOUND;
	*(UINT8 *)data = value == VARIABLE_ONE;
	*bytes = 1;
	return EFI_SUCCESS;
}

/* The headers give it a status to return; no caller reads it. */
static EFI_STATUS EFIAPI reset_system(EFI_RESET_TYPE type, EFI_STATUS status,
				      UINTN bytes, CHAR16 *data)
{
	fake_run->reset_type = type;
	fake_run->status = status;
	if (bytes != 0 || data != NULL)
		fake_violation("ResetSystem with data");
	if (fake_pc->reset_returns == RESET_WORKS)
		fake_end(ENDED_RESET);
	fake_run->reset_returned = true;
	return EFI_UNSUPPORTED;
}

static EFI_STATUS EFIAPI output_string(SIMPLE_TEXT_OUTPUT_INTERFACE *self,
				       CHAR16 *text)
{
	EFI_STATUS status;

	(void)self;
	if (fake_service(SERVICE_OUTPUT, &status))
		return status;
	for (; *text != 0 && fake_run->console_bytes < FAKE_TEXT_BYTES - 1;
	     text++)
		fake_run->console[fake_run->console_bytes++] = (char)*text;
	if (fake_pc->console == CONSOLE_ALLOCATES)
		fake_pages_grow(1);
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI stranger(void)
{
	fake_violation("a service that no loader should need");
	return EFI_UNSUPPORTED;
}

static void fill_with_strangers(void *table, size_t bytes)
{
	EFI_STATUS(EFIAPI *const function)(void) = stranger;
	char *at = (char *)table + sizeof(EFI_TABLE_HEADER);

	for (; at + sizeof(function) <= (char *)table + bytes;
	     at += sizeof(function))
		memcpy(at, &function, sizeof(function));
}

static EFI_SYSTEM_TABLE *make_system(void)
{
	static EFI_SYSTEM_TABLE system;
	static EFI_BOOT_SERVICES boot;
	static EFI_RUNTIME_SERVICES runtime;
	static SIMPLE_TEXT_OUTPUT_INTERFACE console;
	static EFI_CONFIGURATION_TABLE tables[FAKE_TABLES_MAX];

	fill_with_strangers(&boot, sizeof(boot));
	fake_pages_services(&boot);
	boot.HandleProtocol = handle_protocol;
	boot.LocateProtocol = locate_protocol;
	boot.SetWatchdogTimer = set_watchdog;
	boot.ExitBootServices = exit_boot_services;
	fill_with_strangers(&runtime, sizeof(runtime));
	runtime.GetVariable = get_variable;
	runtime.ResetSystem = reset_system;
	console.OutputString = output_string;
	for (size_t i = 0; i < fake_pc->table_count; i++) {
		tables[i].VendorGuid = fake_pc->tables[i].guid;
		tables[i].VendorTable = fake_pc->tables[i].table;
	}
	system.BootServices = &boot;
	system.RuntimeServices = &runtime;
	system.ConOut = fake_pc->console == CONSOLE_ABSENT ? NULL : &console;
	system.NumberOfTableEntries = fake_pc->table_count;
	system.ConfigurationTable = fake_pc->table_count > 0 ? tables : NULL;
	return &system;
}

/* --- one boot -------------------------------------------------------------*/

static _Noreturn void run_loader(void)
{
	struct itimerval limit = { .it_value = { CPU_SECONDS, 0 } };
	static jmp_buf asserted;

	setitimer(ITIMER_VIRTUAL, &limit, NULL);
	check_assert_target = &asserted;
	if (setjmp(asserted) != 0)
		fake_end(ENDED_ASSERTED);
	fake_processor_start();
	fake_pages_start();
	fake_volume_start();
	fake_run->status = efi_main(&image_handle, make_system());
	fake_end(ENDED_RETURNED);
}

static void note_death(int how)
{
	if (fake_run->ending != ENDED_UNKNOWN)
		return;
	fake_run->ending = ENDED_CRASHED;
	if (WIFSIGNALED(how) && WTERMSIG(how) == SIGVTALRM)
		fake_run->ending = ENDED_HUNG;
	else
		snprintf(fake_run->crash, sizeof(fake_run->crash),
			 "the process died, wait status %#x", how);
}

const struct fake_run *fake_boot(const struct fake_pc *pc)
{
	pid_t child;
	int how = 0;

	fake_pc = pc;
	memset(fake_run, 0, sizeof(*fake_run));
	memset((void *)SCREEN_BASE, 0, SCREEN_CLEARED);
	memcpy(embedded_kernel_start, pc->embedded, sizeof(pc->embedded));
	fflush(stdout);
	fflush(stderr);
	child = fork();
	if (child == 0)
		run_loader();
	if (child < 0 || waitpid(child, &how, 0) != child) {
		perror("fake_firmware: fork");
		abort();
	}
	note_death(how);
	return fake_run;
}

__attribute__((constructor)) static void map_what_is_shared(void)
{
	fake_run = mmap(NULL, sizeof(*fake_run), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fake_run == MAP_FAILED)
		abort();
	fake_pages_map();
}

EFI_HANDLE fake_volume_handle(void)
{
	return &volume_handle;
}
