// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Only fields that the processor declares valid are used. The machine goes on
 * after an uncorrected error only when the content of one frame is lost and
 * nothing else: the processor's state is intact, no earlier error was
 * overwritten, no running code waits for the data, and the address is a
 * physical one, exact to a page. In every other case the machine stops: to go
 * on with wrong data is worse.
 */
#include "machine_check_decode.h"

#include <base/bits.h>
#include <base/text.h>

#define MISC_SHIFT_MASK	0x3fUL	/* the lowest valid bit of the address   */
#define MISC_MODE(misc)	((misc) >> 6 & 7)
#define MODE_PHYSICAL	2

#define FILTERED	(1UL << 12)	/* of a code: how it was counted */

static struct mc_reading stop(struct mc_reading reading, const char *why)
{
	reading.action = MC_STOP;
	reading.why = why;
	return reading;
}

static bool promises_recovery(const struct mc_machine *machine)
{
	return machine->capability & MC_CAP_RECOVERY;
}

/* True when the bank has a physical address. */
static bool is_physical(const struct mc_bank *bank,
			const struct mc_machine *machine)
{
	if ((bank->status & MC_STATUS_HAS_ADDRESS) == 0 ||
	    machine->own_addresses || machine->physical_bits == 0)
		return false;
	return !promises_recovery(machine) ||
	       (bank->status & MC_STATUS_HAS_MISC) == 0 ||
	       MISC_MODE(bank->misc) == MODE_PHYSICAL;
}

static bool is_wider_than_a_page(const struct mc_bank *bank,
				 const struct mc_machine *machine)
{
	return promises_recovery(machine) &&
	       (bank->status & MC_STATUS_HAS_MISC) &&
	       (bank->misc & MISC_SHIFT_MASK) > PAGE_SHIFT;
}

struct mc_reading mc_read(const struct mc_bank *bank,
			  const struct mc_machine *machine)
{
	struct mc_reading reading = { .action = MC_NOTHING };
	uint64_t status = bank->status;
	bool deferred = machine->amd && (status & MC_STATUS_DEFERRED);

	if ((status & MC_STATUS_VALID) == 0)
		return reading;
	if (is_physical(bank, machine)) {
		reading.has_phys = true;
		reading.phys.raw = bank->address &
				   ((1UL << machine->physical_bits) - 1);
	}
	if ((status & MC_STATUS_UNCORRECTED) == 0 && !deferred)
		return reading;
	if (status & MC_STATUS_CORRUPT)
		return stop(reading, "the processor's state is corrupt");
	/* This error did not raise the machine check, and names no frame. */
	if ((status & MC_STATUS_ENABLED) == 0 && !reading.has_phys)
		return reading;
	if (status & MC_STATUS_OVERFLOW)
		return stop(reading, "an earlier error is lost");
	if (!promises_recovery(machine) && !machine->amd)
		return stop(reading, "the processor cannot contain errors");
	if (status & MC_STATUS_NEEDED)
		return stop(reading, "the running code needs what is lost");
	if (!reading.has_phys)
		return stop(reading, "unknown address");
	if (is_wider_than_a_page(bank, machine))
		return stop(reading, "more than a page is lost");
	reading.action = MC_RETIRE;
	return reading;
}

/* --- words -----------------------------------------------------------------*/

static const char *const accesses[16] = {
	"access", "read", "write", "data read", "data write",
	"instruction fetch", "prefetch", "eviction", "snoop", "access",
	"access", "access", "access", "access", "access", "access",
};

static const char *const contents[4] = {
	"instruction", "data", "general", "unnamed",
};

static const char *const levels[4] = {
	"level 0", "level 1", "level 2", "some level",
};

static const char *const parts[4] = {
	"from here", "answered here", "seen by a third", "from anywhere",
};

static const char *const targets[4] = {
	"memory", "a reserved target", "I/O", "another target",
};

static const char *const memory_accesses[8] = {
	"access", "read", "write", "address or command", "scrub", "access",
	"access", "access",
};

static const struct {
	uint16_t code;
	const char *words;
} simple[] = {
	{ 0x0000, "no error code" },
	{ 0x0001, "unclassified error" },
	{ 0x0002, "parity error in the microcode" },
	{ 0x0003, "error signal from another processor" },
	{ 0x0004, "two processors disagree" },
	{ 0x0005, "internal parity error" },
	{ 0x0006, "management mode ran code outside its memory" },
	{ 0x0400, "internal timer" },
	{ 0x0e0b, "I/O error" },
};

static void describe_memory(uint64_t code, const char *which, char *text,
			    size_t bytes)
{
	const char *access = memory_accesses[code >> 4 & 7];

	if ((code & 15) == 15)
		text_print(text, bytes, "%s %s error", which, access);
	else
		text_print(text, bytes, "%s %s error, channel %lu", which,
			   access, code & 15);
}

const char *mc_describe(uint64_t status, char *text, size_t bytes)
{
	uint64_t code = status & 0xffff & ~FILTERED;
	const char *level = levels[code & 3];
	const char *content = contents[code >> 2 & 3];
	const char *access = accesses[code >> 4 & 15];

	for (size_t i = 0; i < ARRAY_LENGTH(simple); i++)
		if (simple[i].code == code)
			return simple[i].words;
	if ((code & 0xfc00) == 0x0400)
		text_print(text, bytes, "internal error");
	else if ((code & 0xfffc) == 0x000c)
		text_print(text, bytes, "cache error, %s", level);
	else if ((code & 0xfff0) == 0x0010)
		text_print(text, bytes, "%s TLB error, %s", content, level);
	else if ((code & 0xff80) == 0x0080)
		describe_memory(code, "memory", text, bytes);
	else if ((code & 0xff80) == 0x0280)
		describe_memory(code, "far memory", text, bytes);
	else if ((code & 0xff00) == 0x0100)
		text_print(text, bytes, "%s error in %s cache, %s", access,
			   content, level);
	else if ((code & 0xf800) == 0x0800)
		text_print(text, bytes, "bus error on %s of %s, %s%s", access,
			   targets[code >> 2 & 3], parts[code >> 9 & 3],
			   code & 0x100 ? ", timed out" : "");
	else
		text_print(text, bytes, "error code 0x%lx", code);
	return text;
}

/* Source: SDM vol. 3B, IA32_MCi_CTL MSRs. */
unsigned mc_first_control(bool intel, unsigned family, unsigned model)
{
	return intel && family == 6 && model < 0x1a;
}
