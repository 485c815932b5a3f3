// SPDX-License-Identifier: MIT OR Apache-2.0
/* The loader's inputs: the kernel, options, and the last attempt's log. */
#include "verdict.h"

#include <base/bits.h>
#include <boot/crash_log.h>

#include "elf_sample.h"

static struct fake_pc pc;

static struct fake_file file_of(const void *data, uint64_t bytes)
{
	return (struct fake_file){ .kind = FILE_PLAIN, .data = data,
				   .bytes = bytes };
}

#define FILE_OF_TEXT(text) file_of(text, sizeof(text) - 1)
#define SET_LOAD_OPTIONS(text)						\
	do {								\
		pc.load_options = L"" text;				\
		pc.load_option_bytes = sizeof(L"" text);		\
	} while (0)

static void set_fw_cfg(const char *text, uint32_t bytes)
{
	pc.fw_cfg = text;
	pc.fw_cfg_bytes = bytes;
}

static bool options_are(const char *wanted)
{
	const struct handover *handover = handover_of(fake_run);
	const char *text = (const char *)handover->options.raw;

	return fake_run->ending == ENDED_JUMPED &&
	       handover->options_bytes == strlen(wanted) &&
	       strcmp(text, wanted) == 0;
}

static bool is_overridden(void)
{
	return handover_of(fake_run)->flags & HANDOVER_KERNEL_OVERRIDE;
}

/* --- the kernel -----------------------------------------------------------*/

static unsigned char other[0x3180];

CASE(loader_prefers_the_kernel_beside_it)
{
	fake_pc_plain(&pc);
	fake_kernel_build(other, 77);
	pc.kernel = file_of(other, sizeof(other));
	CHECK_BOOTS(&pc, "override");
	CHECK(is_overridden());
	CHECK(serial_says("image: kernel from=KERNEL.ELF bytes=12672"));
}

CASE(loader_reads_large_files_in_pieces)
{
	static unsigned char large[3 * MIB + 5];

	fake_pc_plain(&pc);
	fake_kernel_build(large, 5);
	pc.kernel = file_of(large, sizeof(large));
	CHECK_BOOTS(&pc, "3 MiB");
	CHECK(is_overridden());
	CHECK(fake_run->calls[SERVICE_READ] == 4);
	pc.kernel.read_bytes = 99999;
	CHECK_BOOTS(&pc, "3 MiB in small pieces");
	CHECK(is_overridden());
}

/* When the file system fails, the embedded kernel is used. */
CASE(loader_falls_back_to_its_own_kernel)
{
	static const struct {
		const char *name;
		struct fake_file file;
		bool silent;
	} odd[] = {
		{ "absent", { .kind = FILE_ABSENT }, true },
		{ "empty", { .kind = FILE_PLAIN, .data = other }, true },
		{ "directory", { .kind = FILE_DIRECTORY }, false },
		{ "64 MiB and a byte", { .kind = FILE_PLAIN, .data = other,
			.bytes = 99, .stated_bytes = 64 * MIB + 1 }, false },
		{ "huge", { .kind = FILE_PLAIN, .data = other, .bytes = 99,
			.stated_bytes = UINT64_MAX }, false },
		{ "shorter than it says", { .kind = FILE_PLAIN,
			.data = other, .bytes = sizeof(other),
			.stated_bytes = sizeof(other) + 1 }, false },
	};

	fake_kernel_build(other, 77);
	for (size_t i = 0; i < ARRAY_LENGTH(odd); i++) {
		fake_pc_plain(&pc);
		pc.kernel = odd[i].file;
		CHECK_BOOTS(&pc, odd[i].name);
		CHECK(!is_overridden());
		CHECK(serial_says("KERNEL.ELF unreadable") == !odd[i].silent);
	}
	for (unsigned read = 1; read <= 4; read++) {
		fake_pc_plain(&pc);
		pc.kernel = file_of(other, sizeof(other));
		pc.kernel.read_bytes = 0x1000;
		pc.failures[0] = (struct fake_failure){ SERVICE_READ, read,
							1, EFI_DEVICE_ERROR };
		CHECK_BOOTS(&pc, "a piece fails");
		CHECK(serial_says("KERNEL.ELF unreadable"));
	}
}

/* No memory for a file differs from no file. */
CASE(loader_says_when_it_has_no_memory_for_a_file)
{
	static const EFI_STATUS statuses[] = { EFI_OUT_OF_RESOURCES,
					       EFI_NOT_FOUND };

	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
		fake_pc_plain(&pc);
		fake_kernel_build(other, 77);
		pc.kernel = file_of(other, sizeof(other));
		/* The handover and the crash log are allocated before it. */
		pc.failures[0] = (struct fake_failure){
			SERVICE_ALLOCATE_PAGES, 3, 1, statuses[i] };
		CHECK_BOOTS(&pc, "no memory for KERNEL.ELF");
		CHECK(serial_says("KERNEL.ELF unreadable"));
		pc.kernel.kind = FILE_ABSENT;
		pc.config = FILE_OF_TEXT("quiet");
		pc.failures[0].first = 1;
		CHECK_BOOTS(&pc, "no memory for BULLDOG.CFG");
		CHECK(serial_says("BULLDOG.CFG"));
	}
}

CASE(loader_refuses_a_corrupt_kernel)
{
	fake_pc_plain(&pc);
	fake_kernel_build(other, 77);
	other[0] = 'E';
	pc.kernel = file_of(other, sizeof(other));
	CHECK_REFUSES(&pc, "corrupt override");
	CHECK(console_says("reason=not_elf"));
	CHECK(console_says("remove KERNEL.ELF"));
	CHECK(fake_run->status == EFI_LOAD_ERROR);
	other[0] = 0x7f;
	pc.kernel.bytes = sizeof(other) - 1;
	CHECK_REFUSES(&pc, "cut short");
	fake_pc_plain(&pc);
	pc.embedded[18] = 3;
	CHECK_REFUSES(&pc, "corrupt BOOTX64.EFI");
	CHECK(console_says("from=BOOTX64.EFI reason=wrong_machine"));
	CHECK(serial_says("from=BOOTX64.EFI reason=wrong_machine"));
}

/* --- Secure Boot ----------------------------------------------------------*/

static bool locked(enum fake_variable secure, enum fake_variable setup)
{
	return secure == VARIABLE_ONE && setup != VARIABLE_ONE;
}

CASE(loader_knows_when_the_machine_is_locked)
{
	for (unsigned i = 0; i < 9; i++) {
		bool wanted = locked((enum fake_variable)(i / 3),
				     (enum fake_variable)(i % 3));

		fake_pc_plain(&pc);
		pc.secure_boot = (enum fake_variable)(i / 3);
		pc.setup_mode = (enum fake_variable)(i % 3);
		fake_kernel_build(other, 77);
		pc.kernel = file_of(other, sizeof(other));
		set_fw_cfg("nosmp", 5);
		CHECK_BOOTS(&pc, "secure boot");
		CHECK(!!(handover_of(fake_run)->flags &
			 HANDOVER_SECURE_BOOT) == wanted);
		CHECK(is_overridden() == !wanted);
		CHECK(options_are(wanted ? "" : "nosmp"));
		CHECK(serial_says("KERNEL.ELF ignored") == wanted);
		CHECK(serial_says("fw_cfg ignored") == wanted);
		CHECK(!wanted || fake_run->calls[SERVICE_READ] == 0);
	}
}

/* A variable that cannot be read counts as a locked machine. */
CASE(loader_stays_locked_when_the_variables_cannot_be_read)
{
	for (unsigned call = 1; call <= 2; call++) {
		fake_pc_plain(&pc);
		pc.secure_boot = VARIABLE_ONE;
		pc.setup_mode = VARIABLE_ZERO;
		pc.failures[0] = (struct fake_failure){
			SERVICE_GET_VARIABLE, call, 1, EFI_DEVICE_ERROR };
		fake_kernel_build(other, 77);
		pc.kernel = file_of(other, sizeof(other));
		CHECK_BOOTS(&pc, "variables that cannot be read");
		CHECK(!is_overridden());
	}
}

/* --- options --------------------------------------------------------------*/

CASE(loader_lays_the_options_over_each_other)
{
	fake_pc_plain(&pc);
	pc.config = FILE_OF_TEXT("# file\nquiet\tloglevel=3\r\n");
	SET_LOAD_OPTIONS("\\EFI\\BOOT\\BOOTX64.EFI mem=100M nosmp");
	set_fw_cfg("mem=90M\n", 8);
	CHECK_BOOTS(&pc, "three layers");
	CHECK(options_are("quiet loglevel=3\nmem=100M nosmp\nmem=90M"));
	CHECK(handover_of(fake_run)->usable_limit == 90 * MIB);
	set_fw_cfg(NULL, 0);
	CHECK_BOOTS(&pc, "two layers");
	CHECK(options_are("quiet loglevel=3\nmem=100M nosmp"));
	CHECK(handover_of(fake_run)->usable_limit == 100 * MIB);
}

CASE(loader_takes_only_text_for_load_options)
{
	static const unsigned char binary[] = { 0x4e, 0xac, 0x08, 0x81, 0x11,
						0x9f, 0x59, 0x4d, 0x85, 0x0e };

	fake_pc_plain(&pc);
	pc.load_options = binary;
	pc.load_option_bytes = sizeof(binary);
	CHECK_BOOTS(&pc, "binary load options");
	CHECK(options_are(""));
	CHECK(serial_says("load options ignored bytes=10"));
	SET_LOAD_OPTIONS("quiet");
	pc.load_option_bytes -= 3;
	CHECK_BOOTS(&pc, "half a character");
	CHECK(options_are("quie"));
}

/* The program's name alone is no ignored option. */
CASE(loader_takes_its_own_name_for_no_option)
{
	static const CHAR16 *const names[] = {
		L"Shell.efi", L"BOOTX64.EFI", L"bootx64.Efi ",
		L"\\EFI\\BOOT\\BOOTX64.EFI", L"fs0:\\efi\\bulldog.efi",
		L"\"FS1:\\My Files\\BULLDOG.EFI\"", L".EFI",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		uint32_t units = 0;

		while (names[i][units] != 0)
			units++;
		fake_pc_plain(&pc);
		pc.load_options = names[i];
		pc.load_option_bytes = (units + 1) * 2;
		CHECK_BOOTS(&pc, "only a name");
		CHECK(options_are(""));
		CHECK(!serial_says("options:"));
		pc.load_option_bytes -= 2;
		CHECK_BOOTS(&pc, "only a name, without its NUL");
		CHECK(!serial_says("options:"));
	}
	SET_LOAD_OPTIONS("BOOTX64.EFI nosmp");
	CHECK_BOOTS(&pc, "a name and a word");
	CHECK(options_are("nosmp"));
	pc.load_option_bytes = 2;
	pc.load_options = L"";
	CHECK_BOOTS(&pc, "a NUL");
	pc.load_options = NULL;
	pc.load_option_bytes = 100;
	CHECK_BOOTS(&pc, "a length of nothing");
	CHECK(!serial_says("options:"));
}

CASE(loader_refuses_layers_that_are_too_long)
{
	static char long_text[5000];
	static CHAR16 long_options[3000];

	memset(long_text, 'a', sizeof(long_text) - 1);
	for (size_t i = 0; i < ARRAY_LENGTH(long_options) - 1; i++)
		long_options[i] = 'b';
	fake_pc_plain(&pc);
	pc.config = file_of(long_text, sizeof(long_text) - 1);
	CHECK_BOOTS(&pc, "a long BULLDOG.CFG");
	CHECK(options_are(""));
	CHECK(serial_says("options: layer refused"));
	pc.config.stated_bytes = 1UL << 40;
	CHECK_BOOTS(&pc, "a huge BULLDOG.CFG");
	CHECK(serial_says("file unreadable name=BULLDOG.CFG"));
	pc.config.kind = FILE_ABSENT;
	pc.load_options = long_options;
	pc.load_option_bytes = sizeof(long_options);
	CHECK_BOOTS(&pc, "long load options");
	CHECK(options_are(""));
	pc.load_option_bytes = 0;
	set_fw_cfg(long_text, 4999);
	CHECK_BOOTS(&pc, "a long fw_cfg file");
	CHECK(options_are(""));
	CHECK(serial_says("opt/org.bulldog.cmdline ignored"));
}

CASE(loader_reads_fw_cfg_with_care)
{
	fake_pc_plain(&pc);
	set_fw_cfg("nosmp\0\0\0", 8);
	CHECK_BOOTS(&pc, "NULs at the end");
	CHECK(options_are("nosmp"));
	set_fw_cfg("no\0smp", 6);
	CHECK_BOOTS(&pc, "a NUL inside");
	set_fw_cfg("", 0);
	CHECK_BOOTS(&pc, "an empty file");
	CHECK(options_are(""));
	set_fw_cfg(NULL, 0);
	pc.fw_cfg_files = UINT32_MAX;
	CHECK_BOOTS(&pc, "a directory without end");
	CHECK(fake_run->fw_cfg_accesses < 64 * 5000);
	CHECK(options_are(""));
}

CASE(loader_boots_without_a_volume)
{
	fake_pc_plain(&pc);
	pc.device = NULL;
	CHECK_BOOTS(&pc, "no device");
	CHECK(serial_says("loader: volume unreadable"));
	pc.no_loaded_image = true;
	CHECK_REFUSES(&pc, "no loaded image");
	CHECK(console_says("no loaded-image protocol"));
}

/* --- the attempt before ---------------------------------------------------*/

/* A machine whose last boot died at the exit, after a warm reset. */
static void reset_once(void)
{
	fake_pc_plain(&pc);
	pc.memory.refusals = 99;
	CHECK_RESETS(&pc, "the attempt before");
	pc.memory.refusals = 0;
	pc.memory.warm = true;
}

CASE(loader_tells_of_the_attempt_before)
{
	static const char *const names[] = {
		".", "..", "BULLDOG.CFG", "LOG-0009.TXT", "log-0011.txt",
		"LOG-00x2.TXT", "LOG-9999.TXT.BAK", "LOG-0010.TXT", NULL,
	};

	reset_once();
	pc.names = names;
	CHECK_BOOTS(&pc, "after a reset");
	CHECK(serial_says("last attempt did not end attempt=1 "
			  "stage=loader.exit"));
	CHECK(serial_says("last fault what=\""));
	CHECK(serial_says("crash_log: kept file=LOG-0012.TXT"));
	CHECK(strcmp(fake_run->log_name, "LOG-0012.TXT") == 0);
	CHECK(strstr(fake_run->log_file, "attempt=1 stage=loader.exit\n"));
	CHECK(strstr(fake_run->log_file, "firmware keeps the machine"));
	CHECK(strstr(fake_run->log_file, "I loader: hello"));
	CHECK(((const struct crash_log *)handover_of(fake_run)
		       ->crash_log.raw)->attempt == 2);
}

CASE(loader_tells_nothing_on_a_cold_start)
{
	reset_once();
	pc.memory.warm = false;
	CHECK_BOOTS(&pc, "cold");
	CHECK(!serial_says("crash_log:"));
	CHECK(fake_run->log_file_bytes == 0);
}

/* A refusal was reported at once; the next attempt reports nothing. */
CASE(loader_tells_nothing_of_an_attempt_that_was_refused)
{
	fake_pc_plain(&pc);
	pc.embedded[18] = 3;
	CHECK_REFUSES(&pc, "the attempt before");
	fake_kernel_build(pc.embedded, 1);
	pc.memory.warm = true;
	CHECK_BOOTS(&pc, "after a refusal");
	CHECK(!serial_says("crash_log:"));
	CHECK(fake_run->log_file_bytes == 0);
	CHECK(((const struct crash_log *)handover_of(fake_run)
		       ->crash_log.raw)->attempt == 2);
}

CASE(loader_boots_when_the_crash_log_cannot_be_kept)
{
	static const char *const full[] = { "LOG-9999.TXT", NULL };
	static const enum fake_service services[] = {
		SERVICE_OPEN, SERVICE_WRITE, SERVICE_CLOSE,
	};

	reset_once();
	pc.write_protected = true;
	CHECK_BOOTS(&pc, "write-protected");
	CHECK(serial_says("crash_log: not kept in a file "
			  "why=\"the volume is read-only\""));
	reset_once();
	pc.names = full;
	CHECK_BOOTS(&pc, "no number left");
	CHECK(serial_says("crash_log: not kept in a file "
			  "why=\"no space, or no number left\""));
	reset_once();
	pc.device = NULL;
	CHECK_BOOTS(&pc, "no volume");
	CHECK(serial_says("crash_log: not kept in a file "
			  "why=\"no volume\""));
	for (size_t i = 0; i < ARRAY_LENGTH(services); i++) {
		for (unsigned n = 1; n <= 5; n++) {
			reset_once();
			pc.failures[0] = (struct fake_failure){
				services[i], n, 1, EFI_DEVICE_ERROR };
			CHECK_BOOTS(&pc, "a service fails");
		}
	}
}

/* A directory that cannot be read hides the numbers in use. */
CASE(loader_overwrites_no_log)
{
	static const char *const names[] = { "LOG-0001.TXT", "LOG-0002.TXT",
					     "LOG-0003.TXT", NULL };

	for (unsigned n = 1; n <= 4; n++) {
		reset_once();
		pc.names = names;
		pc.failures[0] = (struct fake_failure){ SERVICE_READ, n, 1,
							EFI_DEVICE_ERROR };
		CHECK_BOOTS(&pc, "a name cannot be read");
	}
}
