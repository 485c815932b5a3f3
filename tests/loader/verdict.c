// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Each step checks one thing about a finished run, from the records of the
 * fake and the memory that the loader wrote, not from the loader itself. They
 * are in an order in which each reads only memory that the steps before it
 * have made safe to read.
 */
#include "verdict.h"

#include <boot/layout.h>

#include <stdlib.h>
#include <string.h>

#define LINES_OF_ONE_REFUSAL	1

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
	if (run->alloc_count > run->failed[SERVICE_FREE_PAGES])
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
	if (pc->screen.kind == SCREEN_PLAIN &&
	    pc->screen.base == SCREEN_BASE && run->faults == 0 &&
	    count_of(fake_screen_text(), "] E ") != 1)
		return "not one line on the screen";
	return NULL;
}

/* --- all together ---------------------------------------------------------*/

static const char *find_handover(struct view *view)
{
	uint64_t page = view->run->jump;
	uint64_t handover;

	if (fake_alloc_at(page) == NULL)
		return "a jump into the void";
	view->parameters = (const void *)(page + SWITCH_PARAMETERS);
	handover = view->parameters->handover - DIRECT_MAP_OFFSET;
	if (handover >= 4 * GIB ||
	    !fake_pages_are_allocated((const void *)handover,
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

static void hear_nothing(struct options_complaint *complaint, const char *word,
			 size_t bytes, const char *why)
{
	(void)complaint;
	(void)word;
	(void)bytes;
	(void)why;
}

static void read_options(struct view *view)
{
	const struct handover *handover = view->handover;
	struct options_complaint silence = { .report = hear_nothing };
	struct option_layer words = {
		.kind = LAYER_WORDS,
		.text = (const char *)handover->options.raw,
		.bytes = handover->options_bytes,
	};

	options_defaults(&view->options);
	if (fake_pages_are_allocated(words.text, words.bytes))
		options_apply(&view->options, &words, &silence);
}

const char *first_wrong(const char *(*const *steps)(const struct view *view),
			size_t count, const struct view *view)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < count && wrong == NULL; i++)
		wrong = steps[i](view);
	return wrong;
}

static const char *wrong_jump(const struct fake_pc *pc,
			      const struct fake_run *run)
{
	struct view view = { .pc = pc, .run = run };
	const char *wrong = find_handover(&view);

	if (wrong != NULL)
		return wrong;
	read_entries(&view);
	read_options(&view);
	wrong = wrong_machine(&view);
	if (wrong == NULL)
		wrong = wrong_contents(&view);
	free(view.entries);
	return wrong;
}

const char *verdict(const struct fake_pc *pc, const struct fake_run *run)
{
	if (run->violation[0] != '\0')
		return run->violation;
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
