// SPDX-License-Identifier: MIT OR Apache-2.0
/* Banks as processors fill them, and the action that each needs. */
#include <kernel/debug/machine_check_decode.h>

#include <base/bits.h>

#include "check.h"

/* A server of Intel with recovery, and machines without. */
static const struct mc_machine intel = { 0xf000c14 | MC_CAP_RECOVERY, 46,
					 false, false };
static const struct mc_machine old = { 0x806, 36, false, false };
static const struct mc_machine amd = { 0x106, 48, true, false };
static const struct mc_machine unknown = { 0, 0, false, false };
static const struct mc_machine scalable = { 0x117, 48, true, true };

static enum mc_action action(const struct mc_machine *machine,
			     uint64_t status, uint64_t address, uint64_t misc)
{
	struct mc_bank bank = { status, address, misc };
	struct mc_reading reading = mc_read(&bank, machine);

	CHECK((reading.action == MC_STOP) == (reading.why != NULL));
	return reading.action;
}

static bool stops(const struct mc_machine *machine, uint64_t status,
		  uint64_t misc, const char *why)
{
	struct mc_bank bank = { status, 0x1234000, misc };
	struct mc_reading reading = mc_read(&bank, machine);

	if (reading.action == MC_STOP && strcmp(reading.why, why) == 0)
		return true;
	printf("# action %d why %s\n", reading.action,
	       reading.why != NULL ? reading.why : "-");
	return false;
}

CASE(machine_check_ignores_what_is_not_valid_or_was_corrected)
{
	CHECK(action(&intel, 0, 0, 0) == MC_NOTHING);
	CHECK(action(&intel, 0x3d000000000000c1, 0x1000, 0x8c) == MC_NOTHING);
	/* Corrected: 12 of them counted, address and misc there. */
	CHECK(action(&intel, 0x8c00030000010091, 0x1000, 0x8c) == MC_NOTHING);
	CHECK(action(&old, 0x9400000000000151, 0x1000, 0) == MC_NOTHING);
	CHECK(action(&amd, 0x9c004001000800a1, 0x1000, 0) == MC_NOTHING);
	/* Not enabled: it raised nothing; but a lost frame is retired. */
	CHECK(action(&intel, 0xa000000000000000, 0, 0) == MC_NOTHING);
	CHECK(action(&intel, 0xa200000000000000, 0, 0) == MC_STOP);
	CHECK(action(&intel, 0xac00000000000091, 0x1000, 0x8c) == MC_RETIRE);
}

CASE(machine_check_retires_a_frame_when_all_is_said)
{
	/* Found by a scrub, and in an eviction: action optional. */
	CHECK(action(&intel, 0xbd000000000000c1, 0x1234000, 0x8c) ==
	      MC_RETIRE);
	CHECK(action(&intel, 0xbd0000000000017a, 0x1234000, 0x86) ==
	      MC_RETIRE);
	/* Uncorrected, no action required, not even signaled. */
	CHECK(action(&intel, 0xbc00000000000091, 0x1234000, 0x8c) ==
	      MC_RETIRE);
	CHECK(action(&amd, 0xb400000000000813, 0x1234000, 0) == MC_RETIRE);
	/* Deferred: lost, but no CPU has read it yet. */
	CHECK(action(&amd, 0x94001000000800a1, 0x1234000, 0) == MC_RETIRE);
	CHECK(action(&intel, 0x94001000000800a1, 0x1234000, 0) ==
	      MC_NOTHING);
}

CASE(machine_check_stops_at_every_doubt)
{
	CHECK(stops(&intel, 0xbf000000000000c1, 0x8c,
		    "the processor's state is corrupt"));
	CHECK(stops(&intel, 0xfd000000000000c1, 0x8c,
		    "an earlier error is lost"));
	/* A load, and a fetch, that cannot go on without the data. */
	CHECK(stops(&intel, 0xbd80000000100134, 0x8c,
		    "the running code needs what is lost"));
	CHECK(stops(&intel, 0xbd80000000100150, 0x8c,
		    "the running code needs what is lost"));
	CHECK(stops(&amd, 0xb480000000000813, 0,
		    "the running code needs what is lost"));
	CHECK(stops(&old, 0xb400000000000091, 0,
		    "the processor cannot contain errors"));
	CHECK(stops(&intel, 0xb9000000000000c1, 0x8c, "unknown address"));
	CHECK(stops(&scalable, 0xb400000000000813, 0, "unknown address"));
	/* An offset in a segment, a linear address, no kind of address. */
	CHECK(stops(&intel, 0xbd000000000000c1, 0x0c, "unknown address"));
	CHECK(stops(&intel, 0xbd000000000000c1, 0x4c, "unknown address"));
	CHECK(stops(&intel, 0xbd000000000000c1, 0x1cc, "unknown address"));
	CHECK(stops(&intel, 0xbd000000000000c1, 0x8d,
		    "more than a page is lost"));
}

CASE(machine_check_takes_the_address_as_far_as_it_counts)
{
	struct mc_bank bank = { 0xbd000000000000c1, 0xffff800012345678,
				0x86 };
	struct mc_reading reading = mc_read(&bank, &intel);

	CHECK(reading.has_phys && reading.phys.raw == 0x12345678);
	bank.address = (1UL << 46) - 1;
	CHECK(mc_read(&bank, &intel).phys.raw == (1UL << 46) - 1);
	bank.status &= ~MC_STATUS_HAS_ADDRESS;
	CHECK(!mc_read(&bank, &intel).has_phys);
	/* A corrected error and a fatal one have an address as well. */
	bank = (struct mc_bank){ 0x8c00004000010091, 0x5000, 0x8c };
	CHECK(mc_read(&bank, &intel).has_phys);
	bank.status = 0xbf00000000000091;
	CHECK(mc_read(&bank, &intel).has_phys &&
	      mc_read(&bank, &intel).phys.raw == 0x5000);
	CHECK(!mc_read(&bank, &scalable).has_phys);
	CHECK(!mc_read(&bank, &unknown).has_phys);
	CHECK(mc_read(&bank, &unknown).action == MC_STOP);
}

CASE(machine_check_puts_codes_into_words)
{
	static const struct {
		uint64_t status;
		const char *words;
	} codes[] = {
		{ 0x0000, "no error code" },
		{ 0x0005, "internal parity error" },
		{ 0x0400, "internal timer" },
		{ 0x0405, "internal error" },
		{ 0x0e0b, "I/O error" },
		{ 0x000e, "cache error, level 2" },
		{ 0x0014, "data TLB error, level 0" },
		{ 0x0091, "memory read error, channel 1" },
		{ 0x009f, "memory read error" },
		{ 0x00a0, "memory write error, channel 0" },
		{ 0x00b2, "memory address or command error, channel 2" },
		{ 0x00c1, "memory scrub error, channel 1" },
		{ 0x0291, "far memory read error, channel 1" },
		{ 0x0134, "data read error in data cache, level 0" },
		{ 0x0150, "instruction fetch error in instruction cache, "
			  "level 0" },
		{ 0x017a, "eviction error in general cache, level 2" },
		{ 0x0813, "bus error on read of memory, from here" },
		{ 0x0f0f, "bus error on access of another target, from "
			  "anywhere, timed out" },
		{ 0x2000, "error code 0x2000" },
		/* The filter bit, and model-specific bits. */
		{ 0xbd80ffff55551134, "data read error in data cache, "
				      "level 0" },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
		char text[MC_WORDS_BYTES];
		const char *words = mc_describe(codes[i].status, text,
						sizeof(text));

		if (strcmp(words, codes[i].words) != 0)
			printf("# 0x%lx: %s\n", (long)codes[i].status, words);
		CHECK(strcmp(words, codes[i].words) == 0);
	}
}

CASE(machine_check_words_fit_for_every_code)
{
	for (uint64_t code = 0; code < 0x10000; code++) {
		char text[MC_WORDS_BYTES];
		const char *words = mc_describe(code, text, sizeof(text));

		CHECK(strlen(words) > 0 && strlen(words) < sizeof(text) - 1);
	}
}

CASE(machine_check_leaves_bank_0_to_old_firmware)
{
	CHECK(mc_first_control(true, 6, 0x0f) == 1);
	CHECK(mc_first_control(true, 6, 0x17) == 1);
	CHECK(mc_first_control(true, 6, 0x1a) == 0);
	CHECK(mc_first_control(true, 6, 0xcf) == 0);
	CHECK(mc_first_control(true, 15, 0x03) == 0);
	CHECK(mc_first_control(false, 6, 0x06) == 0);
}
