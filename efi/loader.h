/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * loader.h - what the parts of the loader share: the state of one boot.
 *
 * The parts, in the order in which efi_main calls them: log, options,
 * crash_log, machine, kernel_image, exit.
 */
#ifndef EFI_LOADER_H
#define EFI_LOADER_H

#include <efi.h>

#include <boot/elf.h>
#include <boot/handover.h>
#include <boot/options.h>
#include <mm/kernel_tables.h>

/* Everything that AllocatePages gave us, so that failure can give it back. */
#define HOLDINGS_MAX 40

struct holding {
	paddr_t start;
	uint64_t pages;
	uint64_t kept_pages;		/* of them, from the start; 0 = all  */
	/* OWNER_BOOT_RECLAIMABLE: the kernel may have it back */
	enum owner owner;
};

struct loader {
	EFI_HANDLE image;
	EFI_SYSTEM_TABLE *system;
	EFI_BOOT_SERVICES *boot;
	EFI_LOADED_IMAGE *loaded;
	EFI_FILE_HANDLE volume;		/* NULL when it cannot be read       */
	bool secure_boot;
	bool under_qemu;

	struct options options;
	char option_text[OPTIONS_BYTES];
	size_t option_bytes;

	struct holding holdings[HOLDINGS_MAX];
	size_t holding_count;

	const void *kernel_file;
	uint64_t kernel_bytes;
	struct elf_plan plan;
	bool overridden;

	struct machine_facts machine;
	struct handover *handover;
};

/* options.c: BULLDOG.CFG, load options and fw_cfg become option_text. */
void options_read(struct loader *loader);

/* file.c: a whole file of our own volume. Pages are a holding of ours. */
EFI_STATUS file_open_volume(struct loader *loader);
void file_close_volume(struct loader *loader);
bool file_exists(struct loader *loader, const CHAR16 *path);
EFI_STATUS file_read(struct loader *loader, const CHAR16 *path,
		     uint64_t limit_bytes, void **data, uint64_t *bytes);

/* fw_cfg.c: fw_cfg, if there is a hypervisor that has it. */
bool fw_cfg_present(void);
size_t fw_cfg_read_file(const char *name, char *to, size_t bytes);

/* kernel_image.c: find the kernel, check it, put it in memory. */
EFI_STATUS kernel_image_choose(struct loader *loader);
EFI_STATUS kernel_image_place(struct loader *loader);

/* machine.c: the processor, the screen, the tables of the firmware. */
void machine_note_entry_state(struct handover_cpu *cpu);
void machine_read_processor(struct loader *loader);
void machine_find_tables(struct loader *loader);
void machine_find_framebuffer(struct loader *loader);

/* memory.c: pages from the firmware, each with its owner. */
struct page_request {
	uint64_t pages;
	enum owner owner;
	EFI_MEMORY_TYPE type;		/* 0 = EfiLoaderData                 */
	uint64_t limit;			/* bytes; 0 = anywhere               */
};
EFI_STATUS memory_alloc(struct loader *loader,
			const struct page_request *request, paddr_t *out);
void memory_free(struct loader *loader, paddr_t start);
void memory_free_all(struct loader *loader);
/* Keeps only [start..start + pages) of the newest holding. */
void memory_trim(struct loader *loader, paddr_t start, uint64_t pages);

/* crash_log.c: the crash-safe log, and what the last attempt left there. */
EFI_STATUS crash_log_open(struct loader *loader, paddr_t *run,
			  uint64_t *run_bytes);
void crash_log_close(void);		/* on purpose: pages are given back  */
void crash_log_stage(const char *stage);
void crash_log_fault(const char *fault);
void crash_log_write(const char *text, size_t bytes);

/* framebuffer_text.c: where the firmware's console is gone. */
void framebuffer_set(const struct handover_framebuffer *screen);
void framebuffer_print(const char *text, size_t bytes);

/* Why it cannot go on, by what it last tried. */
#define NO_ROOM		"no room for map and tables "			\
			"try=\"a machine with 64 MiB\""
#define NO_MAP		"the firmware gives no map try=\"update the firmware\""
#define STRANGE_MAP	"a map that cannot be read try=\"update the firmware\""
#define GROWING_MAP	"the map never stops growing try=\"start it again\""
#define CLAIMED		"the map claims our pages back"
#define NO_EXIT		"firmware keeps the machine"

#define LOG_PAGES	4

/* Buffers for a map of `capacity` descriptors; all are holdings of ours. */
struct memory_map {
	const char *trouble;
	size_t capacity;
	UINTN stride;
	UINT32 version;
	UINTN map_bytes, map_key;

	paddr_t raw_map;
	paddr_t entries;		/* struct map_entry                  */
	paddr_t scratch;
	paddr_t regions;		/* struct region                     */
	paddr_t free_list;		/* struct frame_run                  */
	struct region_list list;

	paddr_t pool;
	uint64_t pool_pages;
};
extern struct memory_map map;

/* secure_boot.c */
bool secure_boot_is_on(EFI_SYSTEM_TABLE *firmware);

/* quiesce.c */
void mask_interrupts(void);

/* memory_map.c */
EFI_STATUS take(struct loader *loader, uint64_t bytes, enum owner owner,
		paddr_t *out);
EFI_STATUS memory_map_get(struct loader *loader);
enum status memory_map_normalise(struct loader *loader);
bool memory_map_is_claimed(const struct loader *loader);
struct tables_request tables_request(struct loader *loader);
EFI_STATUS memory_map_make_room(struct loader *loader);

/* switch_page.c */
void switch_page_make_data(struct loader *loader, paddr_t page);
void switch_page_fill(struct loader *loader);

/* handover.c */
EFI_STATUS handover_alloc(struct loader *loader,
			  const struct handover_cpu *entry_state,
			  uint64_t first_tsc);
void handover_fill(struct loader *loader, const struct table *table);

/* exit.c: the exit, the tables, the jump. */
EFI_STATUS exit_prepare(struct loader *loader);
EFI_STATUS exit_boot_services(struct loader *loader);
_Noreturn void exit_to_kernel(struct loader *loader);

/* exceptions.c: from the exit on, an exception is logged, then resets. */
void exceptions_install(void);

/* log.c */
void log_init(EFI_SYSTEM_TABLE *system, uint64_t start_tsc);
void log_open_serial(const struct options *options);
void log_open_console(void);
void log_close_console(void);		/* no ConOut from here on            */
/* One log line, on serial and kept for the kernel: "room: event key=value" */
void log_line(char level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Also on the screen. Returns `status`: `return log_error(...)`. */
EFI_STATUS log_error(EFI_STATUS status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Where there is nobody to return to, or no sense in it: says it, resets. */
_Noreturn void fatal(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
const char *log_text(size_t *bytes);
uint64_t log_ticks_per_us(void);

#endif
