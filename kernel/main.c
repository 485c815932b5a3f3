// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The boot order, which is also the table of contents.
 *
 * A step may use the results of the steps above it, and no others. Until
 * traps_start a fault is silent. boot_alloc works from boot_memory_init to
 * frames_start, and pages_alloc after that. Until boot_reclaim all memory that
 * the loader and the firmware used is untouched.
 */
#include <arch/instructions.h>
#include <base/string.h>
#include <boot/layout.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/cpu_features.h>
#include <kernel/arch/cpu_local.h>
#include <kernel/arch/halt.h>
#include <kernel/arch/trap.h>
#include <kernel/arch/window.h>
#include <kernel/boot/boot_info.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/boot/reclaim.h>
#include <kernel/console/input.h>
#include <kernel/console/screen.h>
#include <kernel/debug/audit.h>
#include <kernel/debug/machine_check.h>
#include <kernel/debug/panic.h>
#include <kernel/debug/trap_default.h>
#include <kernel/log/crash_log.h>
#include <kernel/log/log.h>
#include <kernel/log/log_console.h>
#include <kernel/log/serial.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/page_counts.h>
#include <kernel/memory/stacks.h>
#include <kernel/monitor/monitor.h>
#include <kernel/platform/acpi_tables.h>
#include <kernel/platform/cpus.h>
#include <kernel/platform/numa_nodes.h>
#include <kernel/platform/pci.h>
#include <kernel/platform/power.h>
#include <kernel/smp/idle.h>
#include <kernel/smp/smp.h>
#include <kernel/sync/ipi.h>
#include <kernel/sync/pending.h>

/* The least that is left of 64 MiB after the firmware's share. */
#define MINIMUM_BYTES	(56 * MIB)

/* An unknown word costs a warning and has no other effect. */
static void warn_of_option(struct options_complaint *complaint,
			   const char *word, size_t bytes, const char *why)
{
	(void)complaint;
	log_line(LOG_WARNING, "options: ignored word=\"%.*s\" why=\"%s\"",
		 (int)bytes, word, why);
}

static void hear_nothing(struct options_complaint *complaint, const char *word,
			 size_t bytes, const char *why)
{
	(void)complaint;
	(void)word;
	(void)bytes;
	(void)why;
}

static void apply_options(struct options_complaint *complaint)
{
	struct option_layer layer = {
		.kind = LAYER_WORDS,
		.text = paddr_to_pointer(boot_info.handover->options),
		.bytes = boot_info.handover->options_bytes,
	};

	options_defaults(&boot_info.options);
	options_apply(&boot_info.options, &layer, complaint);
}

/*
 * Applies the options twice: first without warnings, since they name the
 * consoles; then, with the consoles open, for the warnings.
 */
static void start_log(void)
{
	struct options_complaint silence = { .report = hear_nothing };
	struct options_complaint loud = { .report = warn_of_option };

	apply_options(&silence);
	serial_start(&boot_info.options);
	log_set_level(boot_info.options.log_level);
	log_keep(paddr_to_pointer(boot_info.handover->log),
		 boot_info.handover->log_bytes);
	apply_options(&loud);
}

/* The options of a refused handover are not used: COM1, as it is set up. */
static void refuse_handover(const char *why)
{
	options_defaults(&boot_info.options);
	serial_start(&boot_info.options);
	panic("handover: refused why=\"%s\"", why);
}

/* For steps that cannot fail on a supported machine. */
static void require(enum status status, const char *what)
{
	if (status != ST_OK)
		panic("kernel: %s failed why=\"%s\"", what,
		      status_text(status));
}

static void warn_of_small_memory(void)
{
	const uint64_t *pages = boot_memory.map.regions.totals.pages;
	uint64_t usable = pages[REGION_FREE] + pages[REGION_LATER];

	if (usable < MINIMUM_BYTES / PAGE_SIZE)
		log_line(LOG_WARNING, "memory: below the supported minimum of "
				      "64 MiB usable_pages=%lu", usable);
}

static void warn_of_memory_beyond(void)
{
	uint64_t pages = boot_memory.map.regions.totals.beyond_pages;

	if (pages != 0)
		log_line(LOG_WARNING, "memory: kept above the supported limit "
				      "pages=%lu limit=0x%lx", pages,
			 USABLE_LIMIT);
}

static void check_audit(const char *what, unsigned findings)
{
	if (findings != 0)
		panic("audit: %s has %u findings", what, findings);
	log_line(LOG_INFO, "audit: clean what=%s", what);
}

/* Frees the loader's memory once no device can write to it. */
static void reclaim_boot_memory(void)
{
	uint64_t waiting = ledger_pages(&boot_memory.ledger,
					OWNER_BOOT_RECLAIMABLE);

	log_line(LOG_INFO, "memory: before_reclaim free_pages=%lu "
			   "boot_reclaimable_pages=%lu",
		 boot_memory.early.free_frames, waiting);
	pci_stop_bus_masters();
	require(boot_reclaim(OWNER_BOOT_RECLAIMABLE), "boot_reclaim");
	if (acpi_is_copied())
		require(boot_reclaim(OWNER_ACPI), "boot_reclaim");
}

static void copy_tables(void)
{
	enum status status = acpi_copy();

	/* Without a root table: acpi_start logs the reason. */
	if (status == ST_NO_MEMORY)
		log_line(LOG_WARNING, "acpi: not copied why=\"%s\"",
			 status_text(status));
}

static _Noreturn void idle(unsigned failed)
{
	switch (boot_info.options.on_idle) {
	case IDLE_EXIT:
		power_exit(failed == 0 ? EXIT_OK : EXIT_COMMAND_FAILED);
	case IDLE_POWEROFF:
		power_off();
		break;
	case IDLE_REBOOT:
		power_reboot();
	case IDLE_MONITOR:
		break;
	}
	/* Late, because the probe of an absent keyboard takes long. */
	input_start();
	if (boot_info.options.run[0] == '\0')
		monitor_report();
	if (input_is_possible())
		monitor_loop();
	log_line(LOG_WARNING, "input: no keyboard and no serial port that can "
			      "be read next=\"switch the machine off, or boot "
			      "with commands: run= in BULLDOG.CFG\"");
	power_halt();
}

/* Each other CPU, once it is online. */
static void run_cpu(void)
{
	machine_check_start();
	idle_loop();
}

static const char *on_or_missing(bool on)
{
	return on ? "on" : "missing";
}

static void log_protection(struct cpu_protection is)
{
	log_line(LOG_INFO, "cpu: protect wp=%s nx=%s smep=%s smap=%s umip=%s "
			   "mce=%s",
		 on_or_missing(is.wp), on_or_missing(is.nx),
		 on_or_missing(is.smep), on_or_missing(is.smap),
		 on_or_missing(is.umip), on_or_missing(is.mce));
}

/* Shows the log so far on the screen, and each line from now on. */
static void show_log(void)
{
	log_replay(screen_sink());
	log_add_console(screen_sink());
}

/* Called by entry.S. */
_Noreturn void kernel_main(const struct handover *from_loader,
			   uint64_t entry_tsc);

void kernel_main(const struct handover *from_loader, uint64_t entry_tsc)
{
	struct cpu_protection protection;
	const char *refusal;

	boot_info.handover = from_loader;
	traps_start(trap_default);
	machine_check_init(trap_default);
	ipi_init();
	refusal = handover_refusal(from_loader, DIRECT_MAP_OFFSET);
	if (refusal[0] != '\0')
		refuse_handover(refusal);
	memcpy(boot_info.stage_tsc, from_loader->stage_tsc,
	       sizeof(boot_info.stage_tsc));
	boot_info.stage_tsc[STAGE_KERNEL_ENTRY] = entry_tsc;
	clock_start(from_loader->stage_tsc[STAGE_EFI_MAIN],
		    from_loader->tsc_ticks_per_us);
	crash_log_open(from_loader);
	crash_log_set_stage("kernel.entry");
	start_log();
	log_line(LOG_INFO, "kernel: hello entries=%lu free_runs=%u",
		 from_loader->raw_map_bytes / from_loader->raw_map_stride,
		 from_loader->free_list.count);
	refusal = cpu_entry_refusal(from_loader);
	if (refusal[0] != '\0')
		panic("cpu: entry contract broken why=\"%s\"", refusal);

	crash_log_set_stage("kernel.memory");
	require(boot_memory_init(), "boot_memory_init");
	warn_of_small_memory();
	warn_of_memory_beyond();
	check_audit("memory", audit_memory());
	check_audit("tables", audit_tables(AUDIT_AT_ENTRY));
	if (screen_start(&from_loader->framebuffer) == ST_OK)
		show_log();
	require(stacks_alloc_boot(), "stacks_alloc_boot");
	traps_use_stacks(this_cpu());
	require(boot_drop_identity(), "boot_drop_identity");
	protection = cpu_protect(from_loader->cpu.features);
	machine_check_start();
	log_protection(protection);
	crash_log_set_stage("kernel.reclaim");
	acpi_start();
	power_start();
	copy_tables();
	nodes_start();
	cpus_find();
	nodes_count_cpus();
	reclaim_boot_memory();
	crash_log_set_stage("kernel.frames");
	require(frames_start(), "frames_start");
	pending_set_handler(PENDING_MACHINE_CHECK, machine_check_log_notes);
	crash_log_set_stage("kernel.smp");
	log_console_defer();
	smp_start(run_cpu);
	check_audit("ledger", audit_ledger());

	boot_info.stage_tsc[STAGE_READY] = read_tsc();
	log_line(LOG_INFO, "kernel: ready free_pages=%lu",
		 memory_count_free_pages());
	crash_log_set_stage("kernel.ready");
	monitor_show_machine();
	idle(monitor_run_list(boot_info.options.run));
}
