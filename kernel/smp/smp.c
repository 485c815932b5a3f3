// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * All CPUs are started at once: one message each, and each finds its area by
 * its APIC id. So the boot CPU waits once for all of them. Its time limit can
 * be long: on a machine where all start, it is never reached.
 *
 * The page in which they start is allocated in low memory. It is mapped at
 * its own address, and executable, only while they start.
 *
 * A CPU that does not start in time may start later, and would then run on
 * memory that has been freed. So its state changes by compare-and-exchange:
 * either it arrives, or the boot CPU gives it up, never both. A CPU that was
 * given up is reset by INIT; after that it waits for a start message.
 *
 * Source: Intel SDM vol. 3A section 9.4.
 */
#include "smp.h"

#include <arch/instructions.h>
#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/cpu_features.h>
#include <kernel/arch/cpu_local.h>
#include <kernel/arch/interrupts.h>
#include <kernel/arch/lapic.h>
#include <kernel/arch/trap.h>
#include <kernel/arch/window.h>
#include <kernel/boot/boot_info.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/log/log.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/pages.h>
#include <kernel/memory/stacks.h>
#include <kernel/platform/cpus.h>
#include <kernel/sync/ipi.h>
#include <kernel/sync/lock.h>
#include <kernel/sync/pending.h>

#include "ap_start.h"

#define MSR_EFER	0xc0000080
#define EFER_LME	(1u << 8)
#define EFER_NXE	(1u << 11)

/* VGA memory: no start message can name a page from here on. */
#define SCREEN_START	0xa0000UL
#define SCREEN_END	0xc0000UL
#define SCREEN_PAGES	((SCREEN_END - SCREEN_START) / PAGE_SIZE)

#define INIT_WAIT_US		10
#define INIT_WAIT_OLD_US	10000
#define SECOND_START_US		200
#define GIVE_UP_US		1000000UL

static void (*run_online)(void);	/* [C] from smp_start on             */

unsigned smp_online_count(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < cpu_local_limit(); i++)
		count += cpu_local_is_online(i);
	return count;
}

/* --- what a CPU needs before it starts ----------------------------------- */

static struct frame_run area_run(struct cpu_local *area)
{
	paddr_t phys = { (uint64_t)area - DIRECT_MAP_OFFSET };

	return (struct frame_run){ paddr_to_pfn(phys), 1 };
}

static void take_back(unsigned cpu)
{
	struct cpu_local *area = cpu_local_at(cpu);

	cpu_local_forget(cpu);
	stacks_free(cpu);
	pages_free(area_run(area), OWNER_BOOT_LIST);
}

static enum status prepare(unsigned cpu)
{
	struct frame_run run = { .frames = 1 };
	enum status status = pages_alloc_near(&run, cpu, OWNER_BOOT_LIST);
	struct cpu_local *area;

	if (status != ST_OK)
		return status;
	status = stacks_alloc(cpu);
	if (status != ST_OK) {
		pages_free(run, OWNER_BOOT_LIST);
		return status;
	}
	area = pfn_to_pointer(run.first);
	memset(area, 0, sizeof(*area));
	cpu_local_prepare(area, cpu, cpus()->rows[cpu].apic);
	frames_init_cpu(area);
	traps_use_stacks(area);
	return ST_OK;
}

/* --- the start page ------------------------------------------------------ */

static bool is_screen(pfn_t page)
{
	return pfn_to_paddr(page).raw >= SCREEN_START &&
	       pfn_to_paddr(page).raw < SCREEN_END;
}

/* Free pages of the screen cannot be used; they are freed again. */
static enum status take_start_page(pfn_t *out)
{
	pfn_t passed[SCREEN_PAGES];
	unsigned count = 0;
	enum status status;

	for (;;) {
		status = frames_alloc(&(struct frame_request){
			.size = FRAME_4K,
			.limit = FRAME_BELOW_1M,
			.node = FRAMES_HOME,
			.owner = OWNER_BOOT_LIST,
		}, out);
		if (status != ST_OK || !is_screen(*out))
			break;
		ASSERT(count < SCREEN_PAGES);
		passed[count++] = *out;
	}
	while (count > 0)
		pages_free((struct frame_run){ passed[--count], 1 },
			   OWNER_BOOT_LIST);
	return status;
}

static uint32_t address_of(pfn_t page, const char *label)
{
	return (uint32_t)(pfn_to_paddr(page).raw +
			  (uint64_t)(label - ap_start));
}

static void fill_start_page(pfn_t page)
{
	char *at = pfn_to_pointer(page);
	struct ap_parameters *to = (struct ap_parameters *)(at +
							    AP_PARAMETERS);
	uint32_t features = boot_info.handover->cpu.features;

	ASSERT(ap_start_end - ap_start <= AP_PARAMETERS);
	ASSERT(pfn_to_paddr(boot_memory.table.root).raw < 4 * GIB);
	memcpy(at, ap_start, (size_t)(ap_start_end - ap_start));
	*to = (struct ap_parameters){
		/* None, 64-bit code, data, 32-bit code: all accessed. */
		.gdt = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff,
			 0x00cf9b000000ffff },
		.gdt_limit = sizeof(to->gdt) - 1,
		.gdt_base = (uint32_t)pfn_to_paddr(page).raw + AP_PARAMETERS +
			    AP_GDT,
		.to_32 = { address_of(page, ap_start_32), AP_SELECTOR_CODE_32,
			   0 },
		.to_64 = { address_of(page, ap_start_64), AP_SELECTOR_CODE,
			   0 },
		.root = (uint32_t)pfn_to_paddr(boot_memory.table.root).raw,
		.cr4 = cpu_entry_control(features),
		.efer = EFER_LME | (features & CPU_NX ? EFER_NXE : 0),
		.entry = (uint64_t)ap_enter,
	};
}

_Static_assert(offsetof(struct ap_parameters, gdt_limit) == AP_GDT_POINTER &&
	       offsetof(struct ap_parameters, to_32) == AP_FAR_32 &&
	       offsetof(struct ap_parameters, to_64) == AP_FAR_64 &&
	       offsetof(struct ap_parameters, root) == AP_ROOT &&
	       offsetof(struct ap_parameters, cr4) == AP_CR4 &&
	       offsetof(struct ap_parameters, efer) == AP_EFER &&
	       offsetof(struct ap_parameters, entry) == AP_ENTRY,
	       "ap_start.S reads this");

static enum status map_start_page(pfn_t page)
{
	return table_map(&boot_memory.table, &(struct table_mapping){
		.virt = { pfn_to_paddr(page).raw },
		.phys = pfn_to_paddr(page),
		.bytes = PAGE_SIZE,
		.rights = TABLE_EXECUTE,
	});
}

/* --- the start ----------------------------------------------------------- */

/* Only the Pentium 4 and unknown processors need the long wait. */
static uint64_t init_wait_us(void)
{
	struct cpuid name = read_cpuid(0, 0);
	uint32_t eax = read_cpuid(1, 0).eax;
	uint32_t family = eax >> 8 & 0xf;

	/* The last letters of AuthenticAMD, HygonGenuine, GenuineIntel. */
	if (name.ecx == 0x444d4163 || name.ecx == 0x656e6975)
		return INIT_WAIT_US;
	if (name.ecx == 0x6c65746e && family == 6)
		return INIT_WAIT_US;
	return INIT_WAIT_OLD_US;
}

static bool is_waiting(unsigned cpu)
{
	struct cpu_local *area = cpu_local_at(cpu);

	/* Acquire: once it is not waiting, the area belongs to its CPU. */
	return area != NULL &&
	       atomic_load_acquire(&area->start) == START_WAITING;
}

/* A CPU whose message cannot be sent counts as one that does not start. */
static void send_to_waiting(uint32_t message)
{
	for (unsigned cpu = 1; cpu < cpus()->startable; cpu++)
		if (is_waiting(cpu) &&
		    lapic_send(cpus()->rows[cpu].apic, message) != ST_OK)
			log_line(LOG_WARNING, "smp: cannot send apic=%u",
				 cpus()->rows[cpu].apic);
}

static bool all_online(void)
{
	for (unsigned cpu = 1; cpu < cpus()->startable; cpu++)
		if (cpu_local_at(cpu) != NULL && !cpu_local_is_online(cpu))
			return false;
	return true;
}

static void wait_for_all(uint64_t limit_us)
{
	uint64_t start = clock_microseconds();

	while (!all_online() && clock_microseconds() - start < limit_us)
		atomic_pause();
}

/* False when the CPU is online after all. */
static bool give_up(struct cpu_local *area)
{
	uint32_t state = atomic_load_relaxed(&area->start);

	/* Relaxed: the exchange publishes only the state itself. */
	while (state != START_ONLINE)
		if (atomic_compare_exchange_relaxed(&area->start, &state,
						    START_GIVEN_UP))
			return true;
	return false;
}

static void settle(unsigned cpu)
{
	struct cpu_local *area = cpu_local_at(cpu);

	if (area == NULL)
		return;
	if (!give_up(area)) {
		cpus_note_started(cpu);
		return;
	}
	log_line(LOG_WARNING, "smp: does not start cpu=%u apic=%u limit_us=%lu",
		 cpu, area->apic, GIVE_UP_US);
	if (lapic_send(area->apic, LAPIC_INIT) == ST_OK)
		clock_wait_us(INIT_WAIT_OLD_US);
	take_back(cpu);
}

static void start_all(pfn_t page)
{
	uint32_t start = LAPIC_START((uint32_t)page.raw);

	send_to_waiting(LAPIC_INIT);
	clock_wait_us(init_wait_us());
	send_to_waiting(start);
	wait_for_all(SECOND_START_US);
	send_to_waiting(start);
	wait_for_all(GIVE_UP_US);
	for (unsigned cpu = 1; cpu < cpus()->startable; cpu++)
		settle(cpu);
}

static void prepare_all(void)
{
	for (unsigned cpu = 1; cpu < cpus()->startable; cpu++) {
		enum status status = prepare(cpu);

		if (status != ST_OK)
			log_line(LOG_WARNING, "smp: cannot start cpu=%u "
					      "apic=%u why=\"%s\"",
				 cpu, cpus()->rows[cpu].apic,
				 status_text(status));
	}
}

/* The page comes first: stacks may use up the low memory that it needs. */
static enum status start_in_low_memory(void)
{
	struct frame_run page = { .frames = 1 };
	enum status status = take_start_page(&page.first);

	if (status != ST_OK)
		return status;
	status = map_start_page(page.first);
	if (status == ST_OK) {
		fill_start_page(page.first);
		prepare_all();
		start_all(page.first);
		MUST(table_unmap(&boot_memory.table,
				 (vaddr_t){ pfn_to_paddr(page.first).raw },
				 PAGE_SIZE));
	}
	pages_free(page, OWNER_BOOT_LIST);
	return status;
}

void smp_start(void (*online)(void))
{
	uint64_t start = clock_microseconds();
	enum status status = ST_OK;

	run_online = online;
	if (cpus()->startable > 1)
		status = start_in_low_memory();
	if (status != ST_OK)
		log_line(LOG_WARNING, "smp: only one CPU why=\"%s\"",
			 status_text(status));
	interrupts_on();
	log_line(LOG_INFO, "smp: started cpus=%u of=%u x2apic=%u us=%lu",
		 smp_online_count(), cpus()->startable, lapic_is_x2apic(),
		 clock_microseconds() - start);
}

void ap_main(struct cpu_local *me)
{
	uint32_t expected = START_ARRIVED;

	traps_init_cpu(me);
	cpu_features_init_cpu(boot_info.handover->cpu.features);
	lapic_init_cpu();
	/* Release: other CPUs that see the state see all of the above. */
	if (atomic_compare_exchange_release(&me->start, &expected,
					    START_ONLINE)) {
		/* From here on no CPU resets this one: it may log and lock. */
		run_online();
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* --- work ---------------------------------------------------------------- */

static struct lock work_lock = { .rank = RANK_WORK };

void smp_call_all_tasks(void (*function)(void *), void *argument)
{
	struct work work = { .run = function, .argument = argument };
	unsigned me = this_cpu()->index;

	lock_acquire(&work_lock);
	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++) {
		if (cpu == me || !cpu_local_is_online(cpu))
			continue;
		atomic_fetch_add_relaxed(&work.left, 1);
		/* Release: the work is complete before another CPU sees it. */
		atomic_store_release(&cpu_local_at(cpu)->work, &work);
		ipi_wake(cpu);
	}
	function(argument);
	/* Acquire: sees all that the others did. */
	while (atomic_load_acquire(&work.left) != 0) {
		pending_poll();
		atomic_pause();
	}
	lock_release(&work_lock);
}
