// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The machine at the jump: masked interrupts, the exception handlers, and the
 * content of the switch page.
 */
#include "verdict.h"

#include <base/bits.h>
#include <boot/layout.h>

#include <string.h>

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
	/* One is the volume itself, which is never closed. */
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

/* An NMI line may stay unmasked: an NMI button needs it. */
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
		if (target != (uint64_t)exception_stubs + 16 * i)
			return "a handler at the wrong place";
		if (gate[5] != 0x8e || gate[4] != 0)
			return "a gate of the wrong kind";
	}
	return NULL;
}

/* --- the switch page ------------------------------------------------------*/

static const char *wrong_switch_page(const struct view *view)
{
	const struct fake_alloc *alloc = fake_alloc_at(view->run->jump);
	size_t bytes = (size_t)(switch_end - switch_start);
	const struct fake_run *run = view->run;

	bool trimmed = run->failed[SERVICE_FREE_PAGES] == 0;

	if (alloc == NULL || alloc->type != EfiLoaderCode ||
	    (trimmed && (alloc->start != run->jump || alloc->pages != 1)))
		return "a jump to what is no switch page";
	if (run->jump >= 4 * GIB)
		return "a switch page above 4 GiB";
	if (memcmp((const void *)run->jump, switch_start, bytes) != 0 ||
	    bytes > SWITCH_PARAMETERS)
		return "other code in the switch page";
	if (view->pc->has_attribute_protocol &&
	    run->failed[SERVICE_SET_ATTRIBUTES] == 0 &&
	    run->failed[SERVICE_CLEAR_ATTRIBUTES] == 0 &&
	    run->failed[SERVICE_LOCATE_PROTOCOL] == 0 && !alloc->executable)
		return "a switch page that cannot be executed";
	if (alloc->executable && !alloc->read_only)
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

const char *wrong_machine(const struct view *view)
{
	static const char *(*const steps[])(const struct view *view) = {
		wrong_silence, wrong_local_interrupts, wrong_handlers,
		wrong_switch_page, wrong_parameters,
	};

	return first_wrong(steps, ARRAY_LENGTH(steps), view);
}
