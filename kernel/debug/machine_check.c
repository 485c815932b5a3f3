// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A machine check interrupts any code, also a holder of the log's lock. So the
 * handler only records an error that the machine can survive; the next task
 * that polls logs it and retires the frame. Any other error is reported like
 * an exception; the report breaks the locks.
 *
 * Many processors raise it on all CPUs at once. The CPUs run the handler one
 * after the other; each reads its own banks and the shared ones. The first
 * that finds a reason to stop stops all: the others wait here until its NMI
 * arrives. A CPU whose banks are empty was interrupted because of another
 * CPU's error.
 */
#include "machine_check.h"

#include <arch/instructions.h>
#include <base/atomic.h>
#include <base/bits.h>
#include <base/text.h>
#include <mm/ledger.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/boot/boot_info.h>
#include <kernel/log/log.h>
#include <kernel/memory/bad_frames.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/pages.h>
#include <kernel/platform/numa_nodes.h>
#include <kernel/sync/pending.h>

#include "machine_check_decode.h"
#include "panic.h"

#define MSR_MCG_CAP	0x179
#define MSR_MCG_STATUS	0x17a
#define MSR_MCG_CTL	0x17b
#define MSR_BANKS	0x400		/* four registers each               */
#define BANKS_MAX	32
#define NOTES		16

#define VENDOR_INTEL	0x756e6547	/* EBX of leaf 0                     */
#define VENDOR_AMD	0x68747541
#define VENDOR_HYGON	0x6f677948

enum bank_register { BANK_CTL, BANK_STATUS, BANK_ADDRESS, BANK_MISC };

/* One bank with an error, and the owner of the memory that it names. */
struct seen {
	unsigned bank;
	struct mc_bank registers;
	struct mc_reading reading;
	enum owner owner;		/* OWNER_COUNT: none in the map      */
	int node;			/* -1: in no pool                    */
};

static struct mc_machine machine;	/* [C] once the boot CPU started */

static struct {
	atomic_u32 busy;		/* [A] 1: a CPU is in its #MC        */
	/* [O] of that CPU. */
	uint64_t status;
	unsigned count;
	struct seen seen[BANKS_MAX];
	const struct seen *worst;	/* NULL: no bank is the reason       */
	const char *why;		/* reason to stop; NULL: go on       */
} check;

enum note_state { NOTE_EMPTY, NOTE_FULL, NOTE_TAKEN };

static struct {
	atomic_u32 lost;		/* [A] notes without room            */
	struct note {
		atomic_u32 state;	/* [A] enum note_state               */
		unsigned cpu;
		struct seen seen;
	} list[NOTES];
} notes;

/* --- banks -----------------------------------------------------------------*/

static uint32_t bank_msr(unsigned bank, enum bank_register what)
{
	return (uint32_t)(MSR_BANKS + 4 * bank + what);
}

/* MCE (bit 7) and MCA (bit 14): without both there are no registers. */
static bool have_banks(void)
{
	uint32_t wanted = 1 << 7 | 1 << 14;

	return (read_cpuid(1, 0).edx & wanted) == wanted;
}

static unsigned count_banks(void)
{
	return (unsigned)min_u64(read_msr(MSR_MCG_CAP) & MC_CAP_COUNT,
				 BANKS_MAX);
}

/* A register may be read only when the status has its bit. */
static struct mc_bank read_bank(unsigned bank)
{
	struct mc_bank is = { .status = read_msr(bank_msr(bank, BANK_STATUS)) };

	if ((is.status & MC_STATUS_VALID) == 0)
		return is;
	if (is.status & MC_STATUS_HAS_ADDRESS)
		is.address = read_msr(bank_msr(bank, BANK_ADDRESS));
	if (is.status & MC_STATUS_HAS_MISC)
		is.misc = read_msr(bank_msr(bank, BANK_MISC));
	return is;
}

static void print_bank(enum log_level level, unsigned bank,
		       const struct mc_bank *is)
{
	char words[MC_WORDS_BYTES];

	log_line(level, "trap: machine_check_bank bank=%u status=0x%lx "
			"address=0x%lx misc=0x%lx means=\"%s%s%s\" "
			"what=\"%s\"",
		 bank, is->status, is->address, is->misc,
		 is->status & MC_STATUS_UNCORRECTED ? "uncorrected" :
						      "corrected",
		 is->status & MC_STATUS_CORRUPT ?
			", processor state corrupt" : "",
		 is->status & MC_STATUS_OVERFLOW ?
			", an earlier one is lost" : "",
		 mc_describe(is->status, words, sizeof(words)));
}

/* --- start -----------------------------------------------------------------*/

static void learn_machine(void)
{
	uint32_t vendor = read_cpuid(0, 0).ebx;

	machine.capability = read_msr(MSR_MCG_CAP);
	machine.physical_bits = boot_info.handover->cpu.physical_bits;
	machine.amd = vendor == VENDOR_AMD || vendor == VENDOR_HYGON;
	machine.own_addresses = machine.amd && cpuid_has_leaf(0x80000007) &&
				(read_cpuid(0x80000007, 0).ebx & 1 << 3);
}

static unsigned first_control(void)
{
	uint32_t version = read_cpuid(1, 0).eax;
	unsigned family = version >> 8 & 15;
	unsigned model = (version >> 4 & 15) | (version >> 12 & 0xf0);

	return mc_first_control(read_cpuid(0, 0).ebx == VENDOR_INTEL, family,
				model);
}

void machine_check_start(void)
{
	unsigned count, old = 0;

	if (!have_banks())
		return;
	if (cpu_local_id() == 0)
		learn_machine();
	count = count_banks();
	if (read_msr(MSR_MCG_CAP) & MC_CAP_HAS_CTL)
		write_msr(MSR_MCG_CTL, UINT64_MAX);
	for (unsigned i = 0; i < count; i++) {
		struct mc_bank is = read_bank(i);

		if (is.status & MC_STATUS_VALID) {
			print_bank(LOG_WARNING, i, &is);
			old++;
		}
		if (i >= first_control())
			write_msr(bank_msr(i, BANK_CTL), UINT64_MAX);
		write_msr(bank_msr(i, BANK_STATUS), 0);
	}
	if (old != 0)
		log_line(LOG_WARNING, "trap: machine_check_old banks=%u "
				      "why=\"left from before this boot\"",
			 old);
}

/* --- judging ---------------------------------------------------------------*/

static void find_owner(struct seen *seen)
{
	pfn_t frame = paddr_to_pfn(seen->reading.phys);
	struct frame_info info;

	seen->owner = OWNER_COUNT;
	seen->node = -1;
	if (!seen->reading.has_phys)
		return;
	if (memory_owner_of(frame, &seen->owner) != ST_OK)
		seen->owner = OWNER_COUNT;
	if (frames_query(frame, &info) == ST_OK)
		seen->node = (int)nodes_at(seen->reading.phys);
}

static void look_at_banks(void)
{
	unsigned count = have_banks() ? count_banks() : 0;

	check.count = 0;
	check.status = have_banks() ? read_msr(MSR_MCG_STATUS) : 0;
	for (unsigned i = 0; i < count; i++) {
		struct seen *seen = &check.seen[check.count];

		seen->registers = read_bank(i);
		if ((seen->registers.status & MC_STATUS_VALID) == 0)
			continue;
		seen->bank = i;
		seen->reading = mc_read(&seen->registers, &machine);
		find_owner(seen);
		check.count++;
	}
}

/* The reason why a frame's content is needed; NULL: it is not. */
static const char *why_missed(enum owner owner)
{
	switch (owner) {
	case OWNER_FREE:
	case OWNER_CACHED:
	case OWNER_LOW:
	case OWNER_BAD:
		return NULL;
	case OWNER_COUNT:
		return "no such memory is known";
	default:
		return "its owner needs it";
	}
}

/*
 * Sets `why` from the banks first: an error in a bank is a better reason than
 * a CPU that cannot restart.
 */
static void read_banks(void)
{
	check.worst = NULL;
	check.why = NULL;
	for (unsigned i = 0; i < check.count && check.why == NULL; i++) {
		const struct seen *seen = &check.seen[i];

		if (seen->reading.action == MC_STOP)
			check.why = seen->reading.why;
		else if (seen->reading.action == MC_RETIRE)
			check.why = why_missed(seen->owner);
		if (check.why != NULL)
			check.worst = seen;
	}
	if (check.why == NULL && (check.status & MC_GLOBAL_RESTART) == 0) {
		check.why = "the interrupted code cannot go on";
		if (check.count != 0)
			check.worst = &check.seen[0];
	}
}

/* --- going on --------------------------------------------------------------*/

static void write_down(const struct seen *seen)
{
	for (unsigned i = 0; i < NOTES; i++) {
		struct note *note = &notes.list[i];

		/* Acquire: the last note here has been copied. */
		if (atomic_load_acquire(&note->state) != NOTE_EMPTY)
			continue;
		note->seen = *seen;
		note->cpu = cpu_local_id();
		/* Release: the note is complete. */
		atomic_store_release(&note->state, NOTE_FULL);
		return;
	}
	atomic_fetch_add_relaxed(&notes.lost, 1);
}

/*
 * This CPU may be about to halt, and a machine check sends no interrupts. The
 * boot CPU never halts for long, so its bit is set as well.
 */
static void ask_for_a_log(void)
{
	pending_post(cpu_local_id(), PENDING_MACHINE_CHECK);
	pending_post(0, PENDING_MACHINE_CHECK);
}

/* Takes no lock of lock.h: the interrupted code may hold it. */
static bool survive(void)
{
	do {
		if (panic_is_under_way())
			return false;
		atomic_pause();
	} while (atomic_exchange_acquire(&check.busy, 1) != 0);
	look_at_banks();
	read_banks();
	if (check.why != NULL)
		return false;
	for (unsigned i = 0; i < check.count; i++) {
		write_down(&check.seen[i]);
		write_msr(bank_msr(check.seen[i].bank, BANK_STATUS), 0);
	}
	if (check.count != 0)
		ask_for_a_log();
	/* Last: a machine check before it shuts the processor down. */
	write_msr(MSR_MCG_STATUS, 0);
	atomic_store_release(&check.busy, 0);
	return true;
}

static trap_handler *stop;		/* [C] */

static void handle(struct trap_frame *frame)
{
	if (!survive())
		stop(frame);
}

void machine_check_init(trap_handler *unsurvivable)
{
	stop = unsurvivable;
	trap_set_handler(VECTOR_MACHINE_CHECK, handle);
}

/* --- the report ------------------------------------------------------------*/

static const char *name_of(enum owner owner)
{
	return owner == OWNER_COUNT ? "none" : owner_name(owner);
}

void machine_check_cause(char *text, size_t bytes)
{
	const struct seen *worst = check.worst;
	char words[MC_WORDS_BYTES];
	const char *what;

	if (worst == NULL) {
		text_print(text, bytes, "#MC without an error in any bank: %s",
			   check.why != NULL ? check.why : "during a report");
		return;
	}
	what = mc_describe(worst->registers.status, words, sizeof(words));
	if (worst->reading.has_phys)
		text_print(text, bytes, "#MC %s at physical 0x%lx, owner %s: "
					"%s", what, worst->reading.phys.raw,
			   name_of(worst->owner), check.why);
	else
		text_print(text, bytes, "#MC %s: %s", what, check.why);
}

static void print_frame(const struct seen *seen)
{
	uint64_t page = align_down(seen->reading.phys.raw, PAGE_SIZE);
	char node[16] = "none";

	if (!seen->reading.has_phys)
		return;
	if (seen->node >= 0)
		text_print(node, sizeof(node), "%d", seen->node);
	log_line(LOG_ERROR, "trap: machine_check_frame phys=0x%lx owner=%s "
			    "node=%s todo=\"start with memmap=4K$0x%lx until "
			    "the memory is replaced\"",
		 page, name_of(seen->owner), node, page);
}

void machine_check_report(void)
{
	log_line(LOG_ERROR, "trap: machine_check banks=%u status=0x%lx "
			    "means=\"%s, %s\"",
		 have_banks() ? count_banks() : 0, check.status,
		 check.status & MC_GLOBAL_EXACT ? "rip caused it" :
						  "rip did not cause it",
		 check.status & MC_GLOBAL_RESTART ? "could go on there" :
						    "cannot go on there");
	for (unsigned i = 0; i < check.count; i++) {
		print_bank(LOG_ERROR, check.seen[i].bank,
			   &check.seen[i].registers);
		print_frame(&check.seen[i]);
	}
	if (check.count == 0)
		log_line(LOG_ERROR, "trap: machine_check_empty "
				    "why=\"no bank holds an error: raised by "
				    "software\"");
}

/* --- afterwards ------------------------------------------------------------*/

/* The frame had no owner when the error was noted; it may have one now. */
static void retire(const struct seen *seen)
{
	pfn_t frame = paddr_to_pfn(seen->reading.phys);
	enum owner owner;

	if (seen->owner == OWNER_BAD)
		return;
	if (bad_frame_retire(frame, &owner) == ST_OK)
		log_line(LOG_WARNING, "bad: taken phys=0x%lx pages=1 "
				      "from=machine_check",
			 pfn_to_paddr(frame).raw);
	else
		log_line(LOG_ERROR, "bad: refused phys=0x%lx pages=1 owner=%s "
				    "from=machine_check",
			 pfn_to_paddr(frame).raw, name_of(owner));
}

static void tell(const struct note *note)
{
	const struct seen *seen = &note->seen;
	char phys[24] = "none";

	if (seen->reading.has_phys)
		text_print(phys, sizeof(phys), "0x%lx",
			   seen->reading.phys.raw);
	print_bank(LOG_WARNING, seen->bank, &seen->registers);
	log_line(LOG_WARNING, "trap: machine_check_survived cpu=%u bank=%u "
			      "phys=%s owner=%s", note->cpu, seen->bank, phys,
		 name_of(seen->owner));
	if (seen->reading.action == MC_RETIRE)
		retire(seen);
}

void machine_check_log_notes(void)
{
	uint32_t lost;

	for (unsigned i = 0; i < NOTES; i++) {
		struct note *note = &notes.list[i], copy;
		uint32_t full = NOTE_FULL;

		if (!atomic_compare_exchange_seq_cst(&note->state, &full,
						     NOTE_TAKEN))
			continue;
		copy = *note;
		/* Release: the note may be overwritten. */
		atomic_store_release(&note->state, NOTE_EMPTY);
		tell(&copy);
	}
	lost = atomic_exchange_acquire(&notes.lost, 0);
	if (lost != 0)
		log_line(LOG_ERROR, "trap: machine_check_notes_lost count=%u",
			 lost);
}
