/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * fake_firmware.h - a PC with UEFI, as efi/ sees it.
 *
 * A test describes the machine (struct fake_pc: a plain one, then its odd
 * properties); fake_boot runs the real efi_main on it in a process of its own
 * and returns how that ended (struct fake_run). All steps up to the jump into
 * the switch page are run.
 *
 * Physical addresses are the process's own. Memory that can be allocated is
 * mapped at the address in the map, and a page is accessible only while it is
 * allocated: any other access is a fault, which ends the run. The memory is
 * shared, so the test can read what the loader wrote. cli, hlt and lidt trap
 * and are emulated; the jump faults and ends the run.
 */
#ifndef TESTS_LOADER_FAKE_FIRMWARE_H
#define TESTS_LOADER_FAKE_FIRMWARE_H

#include <efi.h>

#include <base/address.h>
#include <mm/memtype.h>

/* --- the machine ----------------------------------------------------------*/

enum fake_service {
	SERVICE_ALLOCATE_PAGES,
	SERVICE_FREE_PAGES,
	SERVICE_GET_MAP,
	SERVICE_EXIT,
	SERVICE_HANDLE_PROTOCOL,
	SERVICE_LOCATE_PROTOCOL,
	SERVICE_WATCHDOG,
	SERVICE_GET_VARIABLE,
	SERVICE_OPEN_VOLUME,
	SERVICE_OPEN,
	SERVICE_GET_INFO,
	SERVICE_READ,
	SERVICE_WRITE,
	SERVICE_CLOSE,
	SERVICE_OUTPUT,
	SERVICE_SET_ATTRIBUTES,
	SERVICE_CLEAR_ATTRIBUTES,
	SERVICE_COUNT,
};

/* `calls` calls from call `first` (1, 2, ...) on fail; first 0 = none. */
struct fake_failure {
	enum fake_service service;
	unsigned first, calls;
	EFI_STATUS status;
};

/* Where memory that can be allocated is mapped. Every page of it is real. */
#define BACKED_LOW	0x10000UL
#define BACKED_LOW_END	0xa0000UL
#define BACKED_MAIN	0x1000000UL
#define BACKED_MAIN_END	0x9000000UL
#define BACKED_HIGH	0x140000000UL
#define BACKED_HIGH_END	0x142000000UL
/* Conventional memory that is never allocated: here the map grows. */
#define GROWTH_START	0x20000000UL
#define GROWTH_END	0x40000000UL
#define LAPIC_BASE	0xfee00000UL
/* The plain screen's memory; what is drawn there can be read back. */
#define SCREEN_BASE	0xc0000000UL
#define SCREEN_BYTES	0x400000UL

#define FAKE_ROWS_MAX	2048

struct fake_row {
	uint64_t start, pages;
	uint64_t attributes;
	uint32_t type;
	uint32_t lendable;		/* AllocatePages may choose it       */
};

enum fake_order { ORDER_AS_IS, ORDER_REVERSED, ORDER_SHUFFLED };

struct fake_memory {
	struct fake_row rows[FAKE_ROWS_MAX];	/* disjoint: the truth       */
	size_t row_count;
	struct fake_row lies[FAKE_ROWS_MAX];	/* only reported             */
	size_t lie_count;
	unsigned lies_from;		/* in the answers from this one on   */
	UINTN stride;
	enum fake_order order;
	bool lowest_first;		/* AllocatePages; else highest       */
	bool bears_large;		/* ... of more than a few MiB        */
	bool warm;			/* allocated pages are as the last boot
					   left them, not garbage            */
	/* New rows in each GetMemoryMap from call `grow_from` on. */
	unsigned grow_from, grow_rows;
	uint32_t grow_type;
	unsigned refusals;		/* ExitBootServices that fail        */
	unsigned refusal_rows;		/* new rows with each of them        */
};

enum fake_file_kind { FILE_ABSENT, FILE_PLAIN, FILE_DIRECTORY };

struct fake_file {
	enum fake_file_kind kind;
	const void *data;
	uint64_t bytes;
	uint64_t stated_bytes;		/* 0 = bytes                         */
	uint64_t read_bytes;		/* most that one Read gives, 0 = any */
};

enum fake_screen_kind {
	SCREEN_ABSENT, SCREEN_PLAIN, SCREEN_NO_MODE, SCREEN_NO_INFO,
};

struct fake_screen {
	enum fake_screen_kind kind;
	uint64_t base, bytes;
	EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info;
};

enum fake_variable { VARIABLE_ABSENT, VARIABLE_ZERO, VARIABLE_ONE };
enum fake_console { CONSOLE_PLAIN, CONSOLE_ABSENT, CONSOLE_ALLOCATES };
enum fake_serial { SERIAL_PLAIN, SERIAL_ABSENT, SERIAL_STUCK };

enum fake_reset { RESET_WORKS, RESET_BY_PORT, RESET_NOTHING_HELPS };

#define FAKE_MSRS_MAX	96
#define FAKE_LVTS	7		/* local vectors, at most             */

struct fake_msr {
	uint32_t number;
	uint64_t value;
};

struct fake_processor {
	uint32_t max_leaf, max_extended_leaf;
	uint32_t vendor;		/* EBX of leaf 0                     */
	uint32_t ecx_1, edx_1, ebx_7, ecx_7, edx_80000001;
	uint32_t physical_bits;
	uint32_t clock[3];		/* EAX, EBX, ECX of leaf 0x15        */
	uint32_t lvts;			/* local vectors of the APIC         */
	uint64_t cr0, cr3, cr4;
	struct fake_msr msrs[FAKE_MSRS_MAX];
	size_t msr_count;
};

struct fake_table {
	EFI_GUID guid;
	void *table;
};
#define FAKE_TABLES_MAX	8

struct fake_pc {
	struct fake_memory memory;
	struct fake_failure failures[2];
	struct fake_failure assertion;	/* an assertion of the loader fails
					   in this call; its status is not
					   used */

	EFI_HANDLE device;		/* the volume's; NULL = none         */
	bool no_loaded_image;
	const void *load_options;
	uint32_t load_option_bytes;
	struct fake_file config, kernel;
	const char *const *names;	/* beside them, NULL at the end      */
	bool write_protected;
	unsigned char embedded[0x3180];	/* the kernel in BOOTX64.EFI         */

	enum fake_variable secure_boot, setup_mode;
	enum fake_console console;
	bool has_attribute_protocol;
	enum fake_reset reset_returns;
	struct fake_screen screen;
	struct fake_table tables[FAKE_TABLES_MAX];
	size_t table_count;

	/* An exception when this port is first written, 0 = none; another
	   one in the middle of the report. */
	uint16_t fault_port;
	bool faults_again;
	enum fake_serial serial;
	uint16_t serial_port;
	unsigned serial_patience;	/* bytes before it is stuck          */
	bool has_pit;
	bool has_fw_cfg;
	const char *fw_cfg;		/* opt/org.bulldog.cmdline, or NULL  */
	uint32_t fw_cfg_bytes;
	uint32_t fw_cfg_files;		/* stated number, 0 = the true one */
	struct fake_processor processor;
};

/* A machine without odd properties, with a valid kernel. */
void fake_pc_plain(struct fake_pc *pc);
/* Fills kernel[0..0x3180) with a valid kernel whose bytes depend on `seed`. */
void fake_kernel_build(unsigned char *kernel, unsigned seed);
void fake_row_add(struct fake_row *rows, size_t *count, struct fake_row row);
/* [start..start + pages) becomes another row; it must lie in one. */
void fake_row_carve(struct fake_row *rows, size_t *count, struct fake_row row);
void fake_msr_set(struct fake_processor *processor, uint32_t number,
		  uint64_t value);

/* --- what happened --------------------------------------------------------*/

enum fake_ending {
	ENDED_UNKNOWN,
	ENDED_RETURNED,			/* from efi_main, with `status`      */
	ENDED_JUMPED,			/* to `jump`                         */
	ENDED_RESET,			/* ResetSystem                       */
	ENDED_HALTED,			/* hlt with interrupts off           */
	ENDED_ASSERTED,			/* a promise of mm/ was broken       */
	ENDED_CRASHED,			/* a fault, or what a sanitizer found */
	ENDED_HUNG,
};

struct fake_alloc {
	uint64_t start, pages;
	uint32_t type;
	bool read_only, executable;	/* EFI_MEMORY_ATTRIBUTE_PROTOCOL     */
};
#define FAKE_ALLOCS_MAX	128
#define FAKE_TEXT_BYTES	32768
#define CRASH_PAGES	16
#define FAKE_MAP_BYTES	(FAKE_ROWS_MAX * 2 * 128)

struct fake_run {
	enum fake_ending ending;
	EFI_STATUS status;
	uint64_t jump, jump_argument;	/* where to, and with which root     */
	char violation[256];		/* the first thing done wrong, or "" */
	char crash[128];

	unsigned calls[SERVICE_COUNT];
	unsigned failed[SERVICE_COUNT];	/* of them, made to fail             */
	unsigned watchdog_order;	/* calls of any kind before it       */
	unsigned order;
	bool watchdog_off;

	struct fake_row rows[FAKE_ROWS_MAX];
	size_t row_count;
	struct fake_alloc allocs[FAKE_ALLOCS_MAX];
	size_t alloc_count;
	uint64_t key, growth;
	unsigned char map[FAKE_MAP_BYTES];	/* as last given             */
	uint64_t map_bytes;
	bool exited, exit_failed;
	unsigned exit_calls;
	int open_files;
	char log_name[16];		/* of the file that was written      */
	char log_file[FAKE_TEXT_BYTES];
	size_t log_file_bytes;

	bool interrupts_on;
	bool interrupts_on_at_exit;
	uint8_t pic_masks[2];
	uint16_t idt_limit;
	uint8_t gates[512];
	uint64_t tsc;
	uint32_t x2apic[FAKE_LVTS];
	unsigned fw_cfg_accesses;
	unsigned status_reads;		/* of the UART                       */
	EFI_RESET_TYPE reset_type;
	bool reset_returned;
	unsigned faults;
	/* The content in memory of one allocation, without the cache. */
	uint64_t cache_start;
	uint8_t cached[CRASH_PAGES * PAGE_SIZE];

	char serial[FAKE_TEXT_BYTES];
	size_t serial_bytes;
	char console[FAKE_TEXT_BYTES];
	size_t console_bytes;
};

/* The result is overwritten by the next boot. */
const struct fake_run *fake_boot(const struct fake_pc *pc);

/* --- between the parts of the fake ----------------------------------------*/

extern struct fake_run *fake_run;	/* shared with the test              */
extern const struct fake_pc *fake_pc;	/* what boots                        */

void fake_violation(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
_Noreturn void fake_end(enum fake_ending ending);
/* True when this call is to fail, with the status; counts it. */
bool fake_service(enum fake_service service, EFI_STATUS *status);

/* fake_pages.c */
void fake_pages_map(void);
void fake_pages_start(void);
void fake_pages_services(EFI_BOOT_SERVICES *boot);
void fake_pages_grow(unsigned rows);
bool fake_pages_are_allocated(const void *start, uint64_t bytes);
EFI_STATUS fake_pages_protect(uint64_t start, uint64_t bytes);
struct fake_alloc *fake_alloc_at(uint64_t address);

/* fake_volume.c */
extern EFI_SIMPLE_FILE_SYSTEM_PROTOCOL fake_volume;
void fake_volume_start(void);

/* fake_firmware.c: what LoadedImage names as the device */
EFI_HANDLE fake_volume_handle(void);

/* fake_processor.c */
void fake_processor_start(void);

/* Where the APIC's local vectors are, by offset; older ones have fewer. */
extern const uint16_t fake_lvt_places[FAKE_LVTS];

/* exceptions.c, called by the stubs: logs an exception and its addresses. */
_Noreturn void exception_report(uint64_t vector, uint64_t error, uint64_t rip,
			    uint64_t address);

/* The text on the plain screen, row after row. */
const char *fake_screen_text(void);

/* Placeholders for symbols of the loader's assembly. */
extern unsigned char embedded_kernel_start[], embedded_kernel_end[];
extern const unsigned char loader_font[];
extern const char exception_stubs[], switch_start[], switch_end[];
extern const char switch_gdt[], switch_compat[], switch_long[];

#endif
