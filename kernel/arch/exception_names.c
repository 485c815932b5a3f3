// SPDX-License-Identifier: MIT OR Apache-2.0
/* Source: Intel SDM vol. 3A chapter 6 and 4.7; AMD APM vol. 2 chapter 8. */
#include "exception_names.h"

#include <base/bits.h>
#include <base/text.h>

/* Bits of an error code that names a selector (Intel SDM vol. 3A 6.13). */
#define SELECTOR_EXTERNAL	1
#define SELECTOR_IN_IDT		2
#define SELECTOR_IN_LDT		4

enum error_kind {
	ERROR_NONE,
	ERROR_ZERO,
	ERROR_SELECTOR,
	ERROR_PAGE,
	ERROR_CONTROL,
	ERROR_NUMBER,
};

struct exception {
	const char *name;
	const char *words;
	enum error_kind error;
};

static const struct exception exceptions[] = {
	[0] = { "#DE", "division by zero, or a quotient too large",
		ERROR_NONE },
	[1] = { "#DB", "debug trap", ERROR_NONE },
	[2] = { "NMI", "non-maskable interrupt, by the hardware or "
		       "another CPU", ERROR_NONE },
	[3] = { "#BP", "breakpoint instruction", ERROR_NONE },
	[4] = { "#OF", "overflow trap", ERROR_NONE },
	[5] = { "#BR", "bound range exceeded", ERROR_NONE },
	[6] = { "#UD", "an instruction that does not exist", ERROR_NONE },
	[7] = { "#NM", "floating point while it is switched off", ERROR_NONE },
	[8] = { "#DF", "double fault: an exception could not be delivered",
		ERROR_ZERO },
	[10] = { "#TS", "invalid task state", ERROR_SELECTOR },
	[11] = { "#NP", "a segment that is not present", ERROR_SELECTOR },
	[12] = { "#SS", "stack segment fault", ERROR_SELECTOR },
	[13] = { "#GP", "general protection: something that is not allowed",
		 ERROR_SELECTOR },
	[14] = { "#PF", "page fault", ERROR_PAGE },
	[16] = { "#MF", "x87 floating-point error", ERROR_NONE },
	[17] = { "#AC", "unaligned access", ERROR_ZERO },
	[18] = { "#MC", "machine check: the hardware reports an error",
		 ERROR_NONE },
	[19] = { "#XM", "SIMD floating-point error", ERROR_NONE },
	[20] = { "#VE", "virtualization exception", ERROR_NONE },
	[21] = { "#CP", "control protection: a return or jump to where none "
			"may go", ERROR_CONTROL },
	[28] = { "#HV", "hypervisor injection", ERROR_NONE },
	[29] = { "#VC", "the hypervisor must emulate this", ERROR_NUMBER },
	[30] = { "#SX", "security exception", ERROR_NUMBER },
};

static const struct exception unknown = {
	"reserved", "a vector that has no meaning yet", ERROR_NONE
};

static const struct exception *find_exception(uint64_t vector)
{
	if (vector >= ARRAY_LENGTH(exceptions) ||
	    exceptions[vector].name == NULL)
		return &unknown;
	return &exceptions[vector];
}

const char *exception_name(uint64_t vector)
{
	return find_exception(vector)->name;
}

const char *exception_words(uint64_t vector)
{
	return find_exception(vector)->words;
}

const char *fault_verb(uint64_t error)
{
	if (error & FAULT_FETCH)
		return "fetched an instruction from";
	return error & FAULT_WRITE ? "wrote to" : "read";
}

static void page_words(uint64_t error, char *text, size_t bytes)
{
	const char *access = error & FAULT_FETCH ? "instruction fetch from" :
			     error & FAULT_WRITE ? "write to" : "read of";
	const char *page = error & FAULT_PRESENT ? "a present" : "an absent";
	const char *who = error & FAULT_USER ? "user" : "kernel";

	text_print(text, bytes, "%s %s page from %s%s%s%s%s", access, page, who,
		   error & FAULT_RESERVED ? ", reserved bit set" : "",
		   error & FAULT_KEY ? ", protection key" : "",
		   error & FAULT_SHADOW_STACK ? ", shadow stack" : "",
		   error & FAULT_SGX ? ", SGX" : "");
}

static void selector_words(uint64_t error, char *text, size_t bytes)
{
	const char *table = error & SELECTOR_IN_LDT ? "LDT" : "GDT";
	const char *during = error & SELECTOR_EXTERNAL ?
				     ", while delivering an event" : "";

	if (error & SELECTOR_IN_IDT)
		text_print(text, bytes, "gate of vector %lu%s",
			   error >> 3 & 0x1fff, during);
	else if (error >> 3 == 0)
		text_print(text, bytes, "no selector%s", during);
	else
		text_print(text, bytes, "selector 0x%lx in the %s%s",
			   error & 0xfff8, table, during);
}

static void control_words(uint64_t error, char *text, size_t bytes)
{
	static const char *const causes[] = {
		[1] = "near return", [2] = "far return or iret",
		[3] = "missing endbranch", [4] = "rstorssp",
		[5] = "setssbsy",
	};
	uint64_t code = error & 0x7fff;

	if (code > 0 && code < ARRAY_LENGTH(causes))
		text_print(text, bytes, "%s", causes[code]);
	else
		text_print(text, bytes, "unknown cause %lu", code);
}

void exception_error_words(uint64_t vector, uint64_t error, char *text,
			   size_t bytes)
{
	switch (find_exception(vector)->error) {
	case ERROR_NONE:
		text_print(text, bytes, "this vector has no error code");
		return;
	case ERROR_ZERO:
		text_print(text, bytes, "always zero");
		return;
	case ERROR_SELECTOR:
		selector_words(error, text, bytes);
		return;
	case ERROR_PAGE:
		page_words(error, text, bytes);
		return;
	case ERROR_CONTROL:
		control_words(error, text, bytes);
		return;
	case ERROR_NUMBER:
		text_print(text, bytes, "code %lu", error);
		return;
	}
}
