// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Each step is a question about a finished run, answered from what the fake
 * wrote down and from the memory that the loader left; nothing is asked of
 * the loader itself. They stand in an order in which each reads only what
 * the ones before it have made safe to read.
 */
#include "verdict.h"

#include <base/bits.h>
#include <boot/crash_log.h>
#include <boot/elf.h>
#include <boot/layout.h>
#include <mm/ledger.h>

#include <stdlib.h>
#include <string.h>

#define LINES_OF_ONE_REFUSAL	1
#define RECLAIMABLE_LOANS	3	/* entries, scratch, switch page     */
#define INT3			0xcc
#define LOG_PAGES		4

static const char *const endings[] = {
	[ENDED_UNKNOWN] = "nothing",	[ENDED_RETURNED] = "returned",
	[ENDED_JUMPED] = "jumped",	[ENDED_RESET] = "reset",
	[ENDED_HALTED] = "halted",	[ENDED_ASSERTED] = "asserted",
	[ENDED_CRASHED] = "crashed",	[ENDED_HUNG] = "hung",
};

/* --- lines ----------------------------------------------------------------*/

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	while ((text = strstr(text, part)) != NULL) {
		count++;
		text += strlen(part);
	}
	return count;
}

static bool can_be_heard(const struct fake_pc *pc, const struct fake_run *run)
{
	return pc->console != CONSOLE_ABSENT &&
	       run->failed[SERVICE_OUTPUT] == 0;
}

static const char *wrong_return(const struct fake_pc *pc,
				const struct fake_run *run)
{
	if (!EFI_ERROR(run->status))
		return "it returned without an error";
	if (run->exit_calls > 0)
		return "it returned although it had asked for the exit";
	if (run->loan_count > run->failed[SERVICE_FREE_PAGES])
		return "it kept pages";
	if (run->open_files > 0)
		return "it left a file open";
	if (!run->interrupts_on)
		return "it returned with interrupts off";
	if (can_be_heard(pc, run) &&
	    count_of(run->console, "] E ") != LINES_OF_ONE_REFUSAL)
		return "not one line on the console";
	if (pc->serial == SERIAL_PLAIN &&
	    count_of(run->serial, "] E ") != LINES_OF_ONE_REFUSAL)
		return "not one line on the serial port";
	return NULL;
}

static const char *wrong_reset(const struct fake_pc *pc,
			       const struct fake_run *run)
{
	if (run->exit_calls == 0)
		return "it reset a machine that the firmware still had";
	if (run->reset_type != EfiResetWarm)
		return "the reset is not a warm one";
	if (run->console_bytes > 0)
		return "it spoke on the console after the exit";
	if (pc->serial == SERIAL_PLAIN &&
	    (count_of(run->serial, "] E ") != 2 ||
	     count_of(run->serial, "] E loader: stop action=reset") != 1))
		return "not one line and its reset on the serial port";
	return NULL;
}

/* --- the machine at the jump ----------------------------------------------*/

static const char *wrong_silence(const struct view *view)
{
	const struct fake_run *run = view->run;

	if (!run->exited)
		return "the firmware still has the machine";
	if (run->interrupts_on_at_exit || run->interrupts_on)
		return "interrupts are on";
	if (run->pic_masks[0] != 0xff || run->pic_masks[1] != 0xff)
		return "the PIC is not masked";
	if (!run->watchdog_off && run->failed[SERVICE_WATCHDOG] == 0)
		return "the watchdog is armed";
	if (run->watchdog_off && run->watchdog_order > 2)
		return "the watchdog was not disarmed first";
	/* The volume itself: its handle ends with the firmware. */
	return run->open_files > 1 ? "a file is open" : NULL;
}

static uint64_t msr_of(const struct fake_pc *pc, uint32_t number)
{
	const struct fake_processor *processor = &pc->processor;

	for (size_t i = 0; i < processor->msr_count; i++)
		if (processor->msrs[i].number == number)
			return processor->msrs[i].value;
	return 0;
}

/* An NMI line is how people ask for help: it stays. */
static bool is_quiet(uint32_t entry)
{
	return ((entry & 1 << 16) == 0) == ((entry & 0x700) == 0x400);
}

static const char *wrong_local_interrupts(const struct view *view)
{
	const volatile uint32_t *lapic = (volatile uint32_t *)LAPIC_BASE;
	uint64_t base = msr_of(view->pc, 0x1b);

	if ((view->pc->processor.edx_1 & 1 << 9) == 0 || !(base & 1 << 11))
		return NULL;
	for (unsigned i = 0; i < view->pc->processor.lvts; i++)
		if (!is_quiet(base & 1 << 10 ? view->run->x2apic[i] :
			      lapic[fake_lvt_places[i] / 4]))
			return "a local interrupt on, or the NMI line off";
	return NULL;
}

static const char *wrong_handlers(const struct view *view)
{
	const struct fake_run *run = view->run;

	if (run->idt_limit != sizeof(run->gates) - 1)
		return "no handlers for exceptions";
	for (unsigned i = 0; i < 32; i++) {
		const uint8_t *gate = run->gates + 16 * i;
		uint64_t target = gate[0] | gate[1] << 8 |
				  (uint64_t)gate[6] << 16 |
				  (uint64_t)gate[7] << 24;
		uint32_t high;

		memcpy(&high, gate + 8, sizeof(high));
		target |= (uint64_t)high << 32;
		if (target != (uint64_t)fault_stubs + 16 * i)
			return "a handler at the wrong place";
		if (gate[5] != 0x8e || gate[4] != 0)
			return "a gate of the wrong kind";
	}
	return NULL;
}

/* --- the switch page ------------------------------------------------------*/

static const char *wrong_switch_page(const struct view *view)
{
	const struct fake_loan *loan = fake_loan_at(view->run->jump);
	size_t bytes = (size_t)(switch_end - switch_start);
	const struct fake_run *run = view->run;

	if (loan == NULL || loan->start != run->jump || loan->pages != 1 ||
	    loan->type != EfiLoaderCode)
		return "a jump to what is no switch page";
	if (run->jump >= 4 * GIB)
		return "a switch page above 4 GiB";
	if (memcmp((const void *)run->jump, switch_start, bytes) != 0 ||
	    bytes > SWITCH_PARAMETERS)
		return "other code in the switch page";
	if (view->pc->has_attribute_protocol &&
	    run->failed[SERVICE_SET_ATTRIBUTES] == 0 &&
	    run->failed[SERVICE_CLEAR_ATTRIBUTES] == 0 &&
	    run->failed[SERVICE_LOCATE_PROTOCOL] == 0 && !loan->executable)
		return "a switch page that cannot be executed";
	if (loan->executable && !loan->read_only)
		return "a switch page that can be written and executed";
	return NULL;
}

static const char *wrong_parameters(const struct view *view)
{
	const struct switch_parameters *given = view->parameters;
	uint32_t features = view->handover->cpu.features;
	uint64_t page = view->run->jump, cr4 = CR4_PAE, flags = 0;

	cr4 |= (features & CPU_PGE ? CR4_PGE : 0) |
	       (features & CPU_MCE ? CR4_MCE : 0);
	flags = (features & CPU_NX ? SWITCH_SET_NXE : 0) |
		(features & CPU_CET ? SWITCH_CLEAR_CET : 0);
	if (view->run->jump_argument != view->handover->root_table.raw)
		return "another root table than the handover's";
	if (view->run->jump_argument >= 4 * GIB)
		return "a root table above 4 GiB";
	if (given->cr4 != cr4 || given->flags != flags)
		return "wrong control bits";
	if (given->stack != stack_top(0, STACK_MAIN).raw)
		return "a stack at the wrong place";
	if (given->gdt_pointer.limit != 31 || given->gdt_pointer.base !=
	    page + (uint64_t)(switch_gdt - switch_start))
		return "a GDT at the wrong place";
	if (given->far_32.offset !=
		    page + (uint64_t)(switch_compat - switch_start) ||
	    given->far_32.selector != SELECTOR_CODE32 ||
	    given->far_64.offset !=
		    page + (uint64_t)(switch_long - switch_start) ||
	    given->far_64.selector != SELECTOR_CODE64)
		return "a far jump to the wrong place";
	return NULL;
}

/* --- the handover ---------------------------------------------------------*/

static const char *wrong_handover(const struct view *view)
{
	const struct handover *handover = view->handover;
	const char *refusal = handover_refusal(handover, 0);

	if (refusal[0] != '\0')
		return refusal;
	for (size_t i = 0; i < ARRAY_LENGTH(handover->spare); i++)
		if (handover->spare[i] != 0)
			return "a spare word is not zero";
	if (handover->switch_page.raw != view->run->jump)
		return "the handover names another switch page";
	if (handover->stage_tsc[STAGE_EFI_MAIN] == 0 ||
	    handover->stage_tsc[STAGE_EFI_MAIN] >=
		    handover->stage_tsc[STAGE_MAP_FINAL] ||
	    handover->stage_tsc[STAGE_MAP_FINAL] >=
		    handover->stage_tsc[STAGE_EXIT_DONE])
		return "stages out of order";
	if (handover->exit_tries < view->run->exit_calls)
		return "fewer tries than calls";
	if (handover->tsc_ticks_per_us == 0)
		return "a clock that stands";
	if (handover->cpu.cr0 != view->pc->processor.cr0 ||
	    handover->cpu.cr4 != view->pc->processor.cr4)
		return "another entry state";
	return NULL;
}

static const char *wrong_raw_map(const struct view *view)
{
	const struct handover *handover = view->handover;

	if (handover->raw_map_bytes != view->run->map_bytes ||
	    handover->raw_map_stride != view->pc->memory.stride ||
	    handover->raw_map_version != 1)
		return "a raw map of another shape";
	return memcmp((const void *)handover->raw_map.raw, view->run->map,
		      view->run->map_bytes) == 0 ? NULL :
		"another map than the one that was accepted";
}

static const char *compare_regions(const struct view *view,
				   const struct region_list *list)
{
	const struct handover *handover = view->handover;
	const struct frame_run *runs =
		(const void *)handover->free_list.address.raw;
	size_t used = 0;

	if (handover->regions.count != list->count ||
	    memcmp((const void *)handover->regions.address.raw, list->items,
		   list->count * sizeof(list->items[0])) != 0)
		return "other regions than the map's";
	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];

		if (region->kind != REGION_FREE)
			continue;
		if (used == handover->free_list.count ||
		    runs[used].first.raw != region->start.raw / PAGE_SIZE ||
		    runs[used].frames != (region->end.raw - region->start.raw) /
						 PAGE_SIZE)
			return "a free list that is not the free regions";
		used++;
	}
	return used == handover->free_list.count ? NULL :
		"a free list that is longer than the free regions";
}

static const char *wrong_regions(const struct view *view)
{
	size_t bytes = region_scratch_bytes(view->entry_count);
	struct region_list list = {
		.capacity = region_list_capacity(view->entry_count),
	};
	void *scratch = malloc(bytes);
	const char *wrong;

	list.items = calloc(list.capacity, sizeof(list.items[0]));
	if (region_list_build(&list, &(struct region_request){
		.entries = view->entries,
		.count = view->entry_count,
		.usable_limit = view->handover->usable_limit,
		.scratch = scratch,
		.scratch_bytes = bytes }) != ST_OK)
		wrong = "a map without regions";
	else
		wrong = compare_regions(view, &list);
	free(scratch);
	free(list.items);
	return wrong;
}

/* --- who owns what --------------------------------------------------------*/

static uint64_t owned_pages(const struct view *view, enum owner owner)
{
	const struct handover_array *list = &view->handover->owned;
	const struct owned_run *runs = (const void *)list->address.raw;
	uint64_t pages = 0;

	for (uint32_t i = 0; i < list->count; i++)
		if (runs[i].owner == owner)
			pages += runs[i].frames;
	return pages;
}

/* What the kernel's own bytes need, whichever way they were laid. */
static uint64_t image_pages(const struct handover *handover)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(handover->segments); i++) {
		const struct handover_segment *segment =
			&handover->segments[i];

		pages += segment->rights & SEGMENT_WRITE ?
				 (segment->used_bytes + PAGE_MASK) / PAGE_SIZE :
				 segment->bytes / PAGE_SIZE;
	}
	return pages;
}

static const char *wrong_owners(const struct view *view)
{
	static const enum owner named[] = {
		OWNER_KERNEL_IMAGE, OWNER_PAGE_TABLE, OWNER_HANDOVER,
		OWNER_BOOT_LIST, OWNER_LOG, OWNER_STACK,
	};
	const struct handover_array *list = &view->handover->owned;
	const struct owned_run *runs = (const void *)list->address.raw;
	uint64_t all = 0, of_these = 0;

	for (uint32_t i = 0; i < list->count; i++)
		all += runs[i].frames;
	for (size_t i = 0; i < ARRAY_LENGTH(named); i++)
		of_these += owned_pages(view, named[i]);
	if (all != of_these)
		return "an owner that a loader does not have";
	if (owned_pages(view, OWNER_KERNEL_IMAGE) !=
	    image_pages(view->handover))
		return "more or less than the image is owned as image";
	if (owned_pages(view, OWNER_PAGE_TABLE) != view->table_pages)
		return "more or less than the tables is owned as tables";
	if (owned_pages(view, OWNER_STACK) != STACK_BYTES / PAGE_SIZE ||
	    owned_pages(view, OWNER_LOG) != LOG_PAGES + CRASH_PAGES)
		return "another stack or log than there is";
	return NULL;
}

/* How many owned runs lie in this loan; `*wrong` when one only half does. */
static unsigned runs_in_loan(const struct view *view,
			     const struct fake_loan *loan, const char **wrong)
{
	const struct handover_array *list = &view->handover->owned;
	const struct owned_run *runs = (const void *)list->address.raw;
	uint64_t first = loan->start / PAGE_SIZE;
	bool trimmed = view->run->failed[SERVICE_FREE_PAGES] == 0;
	unsigned found = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		if (runs[i].first.raw < first ||
		    runs[i].first.raw >= first + loan->pages)
			continue;
		found++;
		if (runs[i].first.raw + runs[i].frames > first + loan->pages)
			*wrong = "an owned run that was not lent";
		if (trimmed && runs[i].first.raw != first)
			*wrong = "an owned run that begins inside a loan";
	}
	return found;
}

/* Each page that was lent is owned, or known to be lent for a while. */
static const char *wrong_loans(const struct view *view)
{
	const struct fake_run *run = view->run;
	unsigned reclaimable = RECLAIMABLE_LOANS, found = 0;
	const char *wrong = NULL;

	if (view->handover->flags & HANDOVER_KERNEL_OVERRIDE)
		reclaimable++;
	for (size_t i = 0; i < run->loan_count; i++) {
		const struct fake_loan *loan = &run->loans[i];
		unsigned runs = runs_in_loan(view, loan, &wrong);

		found += runs;
		if (runs == 0 && loan->start >= LOW_END)
			reclaimable--;
		if (runs > 1)
			return "two owned runs in one loan";
	}
	if (wrong == NULL && found != view->handover->owned.count)
		wrong = "an owned run that was never lent";
	if (wrong == NULL && reclaimable != 0 &&
	    run->failed[SERVICE_FREE_PAGES] == 0)
		wrong = "pages that nobody knows of";
	return wrong;
}

/* What the kernel does first: it must not find a contradiction. */
static const char *wrong_ledger(const struct view *view)
{
	const struct handover_array *owned = &view->handover->owned;
	struct ledger ledger = {
		.capacity = ledger_capacity(view->entry_count, owned->count),
	};
	struct ledger_request request = {
		.entries = view->entries,
		.count = view->entry_count,
		.usable_limit = view->handover->usable_limit,
		.owned = (const void *)owned->address.raw,
		.owned_count = owned->count,
		.scratch_bytes = ledger_scratch_bytes(view->entry_count),
	};
	enum status status;

	ledger.runs = calloc(ledger.capacity, sizeof(ledger.runs[0]));
	request.scratch = malloc(request.scratch_bytes);
	status = ledger_build(&ledger, &request);
	free(ledger.runs);
	free(request.scratch);
	return status == ST_OK ? NULL :
		"the kernel's ledger contradicts the owned list";
}

/* --- the kernel's bytes ---------------------------------------------------*/

/* Also above 4 GiB, where ASan's own memcmp does not go. */
static bool bytes_are(const unsigned char *at, int value, uint64_t bytes)
{
	const uint64_t *words = (const void *)align_up((uint64_t)at, 8);
	uint64_t word = (uint64_t)value * 0x0101010101010101;
	const unsigned char *end = at + bytes;

	for (; at < end && at < (const unsigned char *)words; at++)
		if (*at != value)
			return false;
	for (; (const unsigned char *)(words + 1) <= end; words++)
		if (*words != word)
			return false;
	for (at = (const void *)words; at < end; at++)
		if (*at != value)
			return false;
	return true;
}

static bool bytes_equal(const unsigned char *a, const unsigned char *b,
			uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static const char *wrong_segment(const struct handover_segment *segment,
				 const struct elf_segment *plan,
				 const unsigned char *file)
{
	const unsigned char *at = (const unsigned char *)segment->phys.raw;
	int filler = segment->rights & SEGMENT_EXECUTE ? INT3 : 0;
	uint64_t kept = segment->bytes;

	if (segment->rights & SEGMENT_WRITE)
		kept = align_up(segment->used_bytes, PAGE_SIZE);
	if (segment->virt.raw != plan->virt.raw ||
	    segment->used_bytes != plan->memory_bytes ||
	    segment->rights != plan->rights)
		return "a segment that is not the file's";
	if (!fake_pages_are_lent(at, kept))
		return "a segment in memory that was not lent";
	if (!bytes_equal(at, file + plan->file_offset, plan->file_bytes))
		return "a segment with other bytes";
	if (!bytes_are(at + plan->file_bytes, filler, kept - plan->file_bytes))
		return "something behind a segment's bytes";
	return NULL;
}

static const char *wrong_kernel(const struct view *view)
{
	const struct handover *handover = view->handover;
	bool overridden = handover->flags & HANDOVER_KERNEL_OVERRIDE;
	const void *file = overridden ? view->pc->kernel.data :
					view->pc->embedded;
	uint64_t bytes = overridden ? view->pc->kernel.bytes :
				      sizeof(view->pc->embedded);
	const char *wrong = NULL, *reason;
	struct elf_plan plan;

	if (elf_check(file, bytes, &plan, &reason) != ST_OK)
		return "a kernel that should have been refused";
	if (view->parameters->entry != plan.entry.raw)
		return "an entry that is not the file's";
	for (size_t i = 0; i < ELF_SEGMENTS && wrong == NULL; i++)
		wrong = wrong_segment(&handover->segments[i],
				      &plan.segments[i], file);
	return wrong;
}

/* The log is what went to the serial port, or would have. */
static const char *wrong_log(const struct view *view)
{
	const struct handover *handover = view->handover;
	const char *log = (const char *)handover->log.raw;
	const char *heard = view->run->serial;
	uint64_t i = 0;

	if (handover->log_bytes == 0 || log[handover->log_bytes - 1] != '\n')
		return "a log without a whole line";
	if (view->pc->serial != SERIAL_PLAIN || *heard == '\0')
		return NULL;
	/* It begins with an end of line of its own. */
	for (heard += 2; *heard != '\0'; heard++) {
		if (*heard == '\r')
			continue;
		if (i == handover->log_bytes || log[i++] != *heard)
			return "a log that is not what was said";
	}
	return i == handover->log_bytes ? NULL : "a log of more than was said";
}

/* What a reset now would leave behind says how far the loader came. */
static const char *wrong_evidence(const struct view *view)
{
	const struct handover *handover = view->handover;
	const struct crash_log *log =
		(const struct crash_log *)handover->crash_log.raw;
	struct crash_text text;

	if (handover->crash_log_bytes != CRASH_PAGES * PAGE_SIZE ||
	    crash_log_check(log, handover->crash_log_bytes) != ST_OK)
		return "a crash log that nobody would believe";
	if (strcmp(log->stage, "loader.jump") != 0 || log->fault[0] != '\0' ||
	    log->ended)
		return "a crash log with another story";
	text = crash_log_text(log);
	if (text.bytes != handover->log_bytes ||
	    memcmp(text.text, (const void *)handover->log.raw,
		   text.bytes) != 0)
		return "a crash log with other lines than the log";
	if (view->run->cache_home != handover->crash_log.raw ||
	    memcmp(log, view->run->cached, sizeof(*log) + text.bytes) != 0)
		return "a crash log that would not survive a reset";
	return NULL;
}

/* --- all together ---------------------------------------------------------*/

static const char *find_handover(struct view *view)
{
	uint64_t page = view->run->jump;
	uint64_t handover;

	if (fake_loan_at(page) == NULL)
		return "a jump into the void";
	view->parameters = (const void *)(page + SWITCH_PARAMETERS);
	handover = view->parameters->handover - DIRECT_MAP_OFFSET;
	if (handover >= 4 * GIB ||
	    !fake_pages_are_lent((const void *)handover,
				 sizeof(struct handover)))
		return "a handover in the void";
	view->handover = (const void *)handover;
	return NULL;
}

static void read_entries(struct view *view)
{
	struct firmware_map raw = {
		.data = view->run->map,
		.bytes = view->run->map_bytes,
		.stride = view->pc->memory.stride,
	};

	view->entry_count = firmware_map_count(&raw);
	view->entries = calloc(view->entry_count + 1,
			       sizeof(view->entries[0]));
	for (size_t i = 0; i < view->entry_count; i++)
		view->entries[i] = firmware_map_entry(&raw, i);
}

static const char *wrong_jump(const struct fake_pc *pc,
			      const struct fake_run *run)
{
	static const char *(*const steps[])(const struct view *view) = {
		wrong_silence, wrong_local_interrupts, wrong_handlers,
		wrong_switch_page, wrong_parameters, wrong_handover,
		wrong_raw_map, wrong_regions, wrong_loans, wrong_ledger,
		wrong_kernel, wrong_log, wrong_evidence,
	};
	struct view view = { .pc = pc, .run = run };
	const char *wrong = find_handover(&view);

	if (wrong != NULL)
		return wrong;
	read_entries(&view);
	for (size_t i = 0; i < ARRAY_LENGTH(steps) && wrong == NULL; i++)
		wrong = steps[i](&view);
	if (wrong == NULL)
		wrong = wrong_tables(&view);
	if (wrong == NULL)
		wrong = wrong_owners(&view);
	free(view.entries);
	return wrong;
}

const char *verdict(const struct fake_pc *pc, const struct fake_run *run)
{
	if (run->blame[0] != '\0')
		return run->blame;
	switch (run->ending) {
	case ENDED_RETURNED:
		return wrong_return(pc, run);
	case ENDED_JUMPED:
		return wrong_jump(pc, run);
	case ENDED_RESET:
		return wrong_reset(pc, run);
	case ENDED_CRASHED:
		return run->crash;
	default:
		return "no end that a boot may have";
	}
}

const struct handover *handover_of(const struct fake_run *run)
{
	static const struct handover nothing;
	struct view view = { .run = run };

	if (run->ending != ENDED_JUMPED || find_handover(&view) != NULL)
		return &nothing;
	return view.handover;
}

static bool pc_ends_in(const struct fake_pc *pc, unsigned wanted,
		       const char *name)
{
	const struct fake_run *run = fake_boot(pc);
	const char *wrong = verdict(pc, run);

	if (wrong == NULL && (wanted & 1u << run->ending) == 0)
		wrong = "another end was wanted";
	if (wrong != NULL)
		printf("# %s: %s: %s\n# %.1000s\n", name,
		       endings[run->ending], wrong, run->serial);
	return wrong == NULL;
}

bool pc_ends(const struct fake_pc *pc, enum fake_ending wanted,
	     const char *name)
{
	return pc_ends_in(pc, 1u << wanted, name);
}

bool pc_ends_well(const struct fake_pc *pc, const char *name)
{
	return pc_ends_in(pc, UINT32_MAX, name);
}

bool serial_says(const char *text)
{
	return strstr(fake_run->serial, text) != NULL;
}

bool console_says(const char *text)
{
	return strstr(fake_run->console, text) != NULL;
}
