/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * loader.h - the state of one boot, and the files that share it.
 *
 * The files, in the order in which efi_main uses them: log, secure_boot,
 * fw_cfg, file, options, memory, handover, crash_log, machine,
 * framebuffer_text, kernel_image, memory_map, switch_page, exit, exceptions,
 * quiesce.
 */
#ifndef EFI_LOADER_H
#define EFI_LOADER_H

#include <efi.h>

#include <boot/elf.h>
#include <boot/handover.h>
#include <boot/options.h>
#include <mm/kernel_tables.h>

#define HOLDINGS_MAX	40
#define HANDOVER_LOG_BYTES	(4 * PAGE_SIZE)

/*
 * A run from AllocatePages, so that a failed start can free it, and the part
 * of it that is kept for the kernel. The rest is EfiLoaderData, which is free
 * memory after the exit. To free a page before costs thousands of instructions
 * in firmware that clears it.
 */
struct holding {
	struct frame_run all, kept;
	enum owner owner;		/* OWNER_BOOT_RECLAIMABLE: not kept  */
};

/* A status and, when it is an error, the reason for the log line. */
struct outcome {
	EFI_STATUS status;
	const char *why;
};

/* The firmware's map as last read, and buffers for `capacity` descriptors. */
struct memory_map {
	size_t capacity;
	size_t first_holding;		/* the buffers are the newest        */
	UINTN stride, bytes, key;
	UINT32 version;

	paddr_t raw;
	paddr_t entries;		/* struct map_entry                  */
	paddr_t scratch;
	paddr_t regions;		/* struct region                     */
	paddr_t free_list;		/* struct frame_run                  */
	struct region_list list;

	paddr_t pool;			/* for the page tables               */
	uint64_t pool_bytes;
};

struct loader {
	EFI_HANDLE image;
	EFI_SYSTEM_TABLE *system;
	EFI_BOOT_SERVICES *boot;
	EFI_LOADED_IMAGE *loaded;
	EFI_FILE_HANDLE volume;		/* NULL when it cannot be read       */
	uint64_t start_tsc, ticks_per_us;
	bool secure_boot;
	bool under_qemu;

	struct options options;
	struct option_text option_text;
	char *log_text;			/* LOG_BYTES of it                   */
	size_t log_bytes;
	uint16_t log_port;		/* 0 = no serial port (yet)          */
	bool console_open;		/* ConOut may be called              */

	struct holding holdings[HOLDINGS_MAX];
	size_t holding_count;

	const void *kernel_file;
	uint64_t kernel_bytes;
	struct elf_plan plan;
	bool overridden;

	struct machine_facts machine;
	struct memory_map map;
	struct handover *handover;
};

/*
 * log.c: lines "room: event key=value" for the kernel's log, the crash log
 * and the serial port; an error also for the screen, with its status.
 */
#define LOG_BYTES	8192
#define LOG_LETTERS	"IWEEE"
enum log_level { LOG_INFO, LOG_WARNING, LOG_STOP, LOG_ERROR, LOG_FATAL };
void log_init(struct loader *loader);
void log_open_serial(void);		/* as the options say                */
/* Returns `status`: `return log_error(...)`. */
EFI_STATUS log_print(enum log_level level, EFI_STATUS status,
		     const char *format, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void log_stop(void);		/* resets                            */
_Noreturn void reset_hard(void);	/* after an exception in log_stop    */
#define log_info(...)	log_print(LOG_INFO, EFI_SUCCESS, __VA_ARGS__)
#define log_warning(...)	log_print(LOG_WARNING, EFI_SUCCESS, __VA_ARGS__)
#define log_error(status, ...)	log_print(LOG_ERROR, status, __VA_ARGS__)
/* For errors after which no return to the firmware is possible. */
#define fatal(...)							\
	do {								\
		log_print(LOG_FATAL, EFI_SUCCESS, __VA_ARGS__);		\
		log_stop();						\
	} while (0)

/* secure_boot.c */
bool secure_boot_is_on(EFI_SYSTEM_TABLE *system);

/* fw_cfg.c: QEMU's device, if the hypervisor has it. */
bool fw_cfg_present(void);
size_t fw_cfg_read_file(const char *name, char *to, size_t bytes);

/* file.c: a whole file of the boot volume. Its pages are a holding. */
EFI_STATUS file_open_volume(struct loader *loader);
void file_close_volume(struct loader *loader);
bool file_exists(struct loader *loader, const CHAR16 *path);
EFI_STATUS file_read(struct loader *loader, const CHAR16 *path,
		     uint64_t limit_bytes, void **data, uint64_t *bytes);

/* options.c: BULLDOG.CFG, load options and fw_cfg become option_text. */
void options_read(struct loader *loader);

/* memory.c: pages from the firmware, each with its owner. */
#define ANYWHERE	UINT64_MAX
struct page_request {
	paddr_t *out;
	uint64_t bytes;			/* rounded up to pages               */
	enum owner owner;
	EFI_MEMORY_TYPE type;		/* 0 = EfiLoaderData                 */
	uint64_t limit;			/* of the end; 0 = 4 GiB             */
};
EFI_STATUS memory_alloc(struct loader *loader,
			const struct page_request *request);
/* Allocates all; after a failure some may be allocated. */
EFI_STATUS memory_alloc_all(struct loader *loader,
			    const struct page_request *requests, size_t count);
/* Frees the holdings from holdings[first] on; the newest is the last. */
void memory_free_from(struct loader *loader, size_t first);
/* Of the newest holding, the kernel gets only [start..start + bytes). */
void memory_keep(struct loader *loader, paddr_t start, uint64_t bytes);
/* The same, and the firmware has the rest again: it may be all there is. */
void memory_trim(struct loader *loader, paddr_t start, uint64_t bytes);

/* handover.c: its pages are allocated early, its contents written last. */
EFI_STATUS handover_alloc(struct loader *loader);
void handover_fill(struct loader *loader, const struct table *table);

/* crash_log.c: the log that survives a warm reset; reads the last one. */
EFI_STATUS crash_log_open(struct loader *loader);
void crash_log_close(void);		/* ended on purpose: frees the pages */
void crash_log_stage(const char *stage);
void crash_log_fault(const char *fault);
void crash_log_write(const char *text, size_t bytes);

/* machine.c: the processor, the tables of the firmware, the screen. */
void machine_read_entry_state(struct handover_cpu *cpu);
EFI_STATUS machine_read(struct loader *loader);

/* framebuffer_text.c: for errors after the firmware's console is gone. */
void framebuffer_print(const struct handover_framebuffer *to,
		       const char *text, size_t bytes);

/* kernel_image.c: find the kernel, check it, place it in memory. */
EFI_STATUS kernel_image_choose(struct loader *loader);
EFI_STATUS kernel_image_place(struct loader *loader);

/* memory_map.c: the map, its buffers, and the lists for the kernel. */
#define NO_ROOM		"no room for map and tables "			\
			"try=\"a machine with 64 MiB\""
#define CLAIMED		"the map claims our pages back"
struct outcome memory_map_get(struct loader *loader);
struct outcome memory_map_make_room(struct loader *loader);
enum status memory_map_normalise(struct loader *loader);
bool memory_map_is_claimed(const struct loader *loader);
struct tables_request memory_map_tables(struct loader *loader);

/* switch_page.c */
void switch_page_fill(struct loader *loader);
void switch_page_make_data(struct loader *loader);

/* exit.c: allocates the buffers, exits, jumps. */
EFI_STATUS exit_prepare(struct loader *loader);
EFI_STATUS exit_boot_services(struct loader *loader);
_Noreturn void exit_to_kernel(struct loader *loader);

/* exceptions.c: from the exit on, an exception is logged, then resets. */
void exceptions_install(void);

/* quiesce.c */
void mask_interrupts(void);

#endif
