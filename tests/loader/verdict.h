/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * verdict.h - checks how a run of the loader ended.
 *
 * There are three accepted ends:
 *   returned  an error status; every page and file given back, interrupts
 *             as they were, one line on the console and the serial port;
 *   jumped    everything that the entry contract promises holds, looked at
 *             from outside: the fake knows what it allocated and what it said;
 *   reset     only after ExitBootServices was called, with one line.
 */
#ifndef TESTS_LOADER_VERDICT_H
#define TESTS_LOADER_VERDICT_H

#include <boot/handover.h>
#include <boot/options.h>
#include <mm/region.h>

#include <efi/switch.h>

#include "check.h"
#include "fake_firmware.h"

/* The inputs of the checks after a jump. */
struct view {
	const struct fake_pc *pc;
	const struct fake_run *run;
	const struct switch_parameters *parameters;
	const struct handover *handover;
	struct map_entry *entries;	/* of the accepted map               */
	size_t entry_count;
	struct options options;		/* from the text of the handover     */
	uint64_t table_pages;		/* as counted by wrong_tables        */
};

/* NULL, or one clause with the reason why the run is not accepted. */
const char *verdict(const struct fake_pc *pc, const struct fake_run *run);

/* The parts of a jump's verdict, each in a file of its own. */
const char *wrong_machine(const struct view *view);
const char *wrong_contents(struct view *view);	/* of the handover           */
/* The tables under the handover's root against P1..P5 and the map. */
const char *wrong_tables(struct view *view);

/* The finding of the first step that has one, or NULL. */
const char *first_wrong(const char *(*const *steps)(const struct view *view),
			size_t count, const struct view *view);

/* Boots; false, after a message, unless it ends in `wanted` and is accepted. */
bool pc_ends(const struct fake_pc *pc, enum fake_ending wanted,
	     const char *name);
/* The same for any accepted end. */
bool pc_ends_well(const struct fake_pc *pc, const char *name);

/* The handover of the last run, which jumped. */
const struct handover *handover_of(const struct fake_run *run);
/* True when the last run's serial text, or its console's, contains this. */
bool serial_says(const char *text);
bool console_says(const char *text);

#define CHECK_BOOTS(pc, name) CHECK(pc_ends(pc, ENDED_JUMPED, name))
#define CHECK_REFUSES(pc, name) CHECK(pc_ends(pc, ENDED_RETURNED, name))
#define CHECK_RESETS(pc, name) CHECK(pc_ends(pc, ENDED_RESET, name))

#endif
