// SPDX-License-Identifier: MIT OR Apache-2.0
#include "machine_check.h"

#include <stdbool.h>

#include <arch/instructions.h>
#include <base/bits.h>

#include "log.h"

#define MSR_MCG_CAP	0x179
#define MSR_MCG_STATUS	0x17a
#define MSR_MCG_CTL	0x17b
#define MSR_BANKS	0x400		/* four registers each               */
#define BANKS_MAX	32

#define CAP_COUNT	0xffUL
#define CAP_HAS_CTL	(1UL << 8)

#define MCG_RESTART	1		/* rip is where it could go on       */
#define MCG_EXACT	2		/* rip is what caused it             */

#define BANK_VALID	(1UL << 63)
#define BANK_OVERFLOW	(1UL << 62)
#define BANK_UNCORRECTED (1UL << 61)
#define BANK_HAS_MISC	(1UL << 59)
#define BANK_HAS_ADDRESS (1UL << 58)
#define BANK_CORRUPT	(1UL << 57)

enum bank_register { BANK_CTL, BANK_STATUS, BANK_ADDRESS, BANK_MISC };

static uint32_t bank_msr(uint64_t bank, enum bank_register what)
{
	return (uint32_t)(MSR_BANKS + 4 * bank + what);
}

/* MCE (bit 7) and MCA (bit 14): without both there are no registers. */
static bool have_banks(void)
{
	uint32_t wanted = 1 << 7 | 1 << 14;

	return (read_cpuid(1, 0).edx & wanted) == wanted;
}

static uint64_t count_banks(void)
{
	return min_u64(read_msr(MSR_MCG_CAP) & CAP_COUNT, BANKS_MAX);
}

/* A register that its status does not vouch for must not be read. */
static uint64_t read_if(uint64_t status, uint64_t bit, uint32_t msr)
{
	return status & bit ? read_msr(msr) : 0;
}

static void print_bank(enum log_level level, uint64_t bank, uint64_t status)
{
	log_line(level, "trap: machine_check_bank bank=%lu status=0x%lx "
			"address=0x%lx misc=0x%lx means=\"%s%s%s\"",
		 bank, status,
		 read_if(status, BANK_HAS_ADDRESS,
			 bank_msr(bank, BANK_ADDRESS)),
		 read_if(status, BANK_HAS_MISC, bank_msr(bank, BANK_MISC)),
		 status & BANK_UNCORRECTED ? "uncorrected" : "corrected",
		 status & BANK_CORRUPT ? ", processor state corrupt" : "",
		 status & BANK_OVERFLOW ? ", an earlier one is lost" : "");
}

static unsigned print_banks(enum log_level level)
{
	uint64_t count = count_banks();
	unsigned found = 0;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t status = read_msr(bank_msr(i, BANK_STATUS));

		if ((status & BANK_VALID) == 0)
			continue;
		print_bank(level, i, status);
		found++;
	}
	return found;
}

void machine_check_start(void)
{
	uint64_t count;

	if (!have_banks())
		return;
	if (print_banks(LOG_WARNING) != 0)
		log_line(LOG_WARNING, "trap: machine_check_old "
				      "why=\"left from before this boot\"");
	if (read_msr(MSR_MCG_CAP) & CAP_HAS_CTL)
		write_msr(MSR_MCG_CTL, UINT64_MAX);
	count = count_banks();
	for (uint64_t i = 0; i < count; i++) {
		write_msr(bank_msr(i, BANK_CTL), UINT64_MAX);
		write_msr(bank_msr(i, BANK_STATUS), 0);
	}
}

void machine_check_report(void)
{
	uint64_t status;

	if (!have_banks()) {
		log_line(LOG_ERROR, "trap: machine_check banks=0");
		return;
	}
	status = read_msr(MSR_MCG_STATUS);
	log_line(LOG_ERROR, "trap: machine_check banks=%lu status=0x%lx "
			    "means=\"%s, %s\"",
		 count_banks(), status,
		 status & MCG_EXACT ? "rip caused it" : "rip did not cause it",
		 status & MCG_RESTART ? "could go on there" :
					"cannot go on there");
	if (print_banks(LOG_ERROR) == 0)
		log_line(LOG_ERROR, "trap: machine_check_empty "
				    "why=\"no bank holds an error: raised by "
				    "software\"");
}
