/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * machine_check_decode.h - decodes the registers of one error bank.
 *
 * Source: Intel SDM vol. 3B, "Machine-Check Architecture" and "Interpreting
 * Machine Check Error Codes"; AMD APM vol. 2 chapter 9.
 */
#ifndef KERNEL_DEBUG_MACHINE_CHECK_DECODE_H
#define KERNEL_DEBUG_MACHINE_CHECK_DECODE_H

#include <base/address.h>

#define MC_STATUS_VALID		(1UL << 63)
#define MC_STATUS_OVERFLOW	(1UL << 62)	/* an earlier one is lost    */
#define MC_STATUS_UNCORRECTED	(1UL << 61)
#define MC_STATUS_ENABLED	(1UL << 60)	/* it may raise #MC          */
#define MC_STATUS_HAS_MISC	(1UL << 59)
#define MC_STATUS_HAS_ADDRESS	(1UL << 58)
#define MC_STATUS_CORRUPT	(1UL << 57)	/* the processor's state     */
/* With MC_CAP_RECOVERY; AMD has the same meaning for the second. */
#define MC_STATUS_SIGNALED	(1UL << 56)
#define MC_STATUS_NEEDED	(1UL << 55)	/* the running code needs it */
#define MC_STATUS_DEFERRED	(1UL << 44)	/* AMD: lost, not yet needed */

#define MC_GLOBAL_RESTART	1UL		/* the code at rip can go on */
#define MC_GLOBAL_EXACT		2UL		/* rip caused the error      */

#define MC_CAP_COUNT		0xffUL
#define MC_CAP_HAS_CTL		(1UL << 8)
#define MC_CAP_RECOVERY		(1UL << 24)

/* Features of the processor's machine-check banks. */
struct mc_machine {
	uint64_t capability;		/* IA32_MCG_CAP                      */
	unsigned physical_bits;		/* 0: not known yet                  */
	bool amd;
	/* AMD's scalable banks: addresses of a memory controller.           */
	bool own_addresses;
};

/* A field is 0 unless the status has its bit. */
struct mc_bank {
	uint64_t status, address, misc;
};

enum mc_action {
	MC_NOTHING,		/* no error, or one that was corrected       */
	MC_RETIRE,		/* one frame has lost its content            */
	MC_STOP,
};

struct mc_reading {
	enum mc_action action;
	const char *why;	/* reason of MC_STOP, a clause               */
	bool has_phys;		/* `phys` is a physical address              */
	paddr_t phys;
};

struct mc_reading mc_read(const struct mc_bank *bank,
			  const struct mc_machine *machine);

/* The access and its target in words. Returns `text`. */
const char *mc_describe(uint64_t status, char *text, size_t bytes);
#define MC_WORDS_BYTES 96

/*
 * The first bank whose control register the kernel may write. On Intel's first
 * processors with this architecture, bank 0 belongs to the firmware.
 */
unsigned mc_first_control(bool intel, unsigned family, unsigned model);

#endif
