// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/arch/exception_names.c>

#include "check.h"

static bool says(uint64_t vector, uint64_t error, const char *want)
{
	char text[ERROR_WORDS_BYTES];

	exception_error_words(vector, error, text, sizeof(text));
	if (strcmp(text, want) != 0)
		printf("# %s, not %s\n", text, want);
	return strcmp(text, want) == 0;
}

CASE(exception_has_the_names_of_the_manual)
{
	static const char *const names[32] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
		"#DF", "reserved", "#TS", "#NP", "#SS", "#GP", "#PF",
		"reserved", "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
		"reserved", "reserved", "reserved", "reserved", "reserved",
		"reserved", "#HV", "#VC", "#SX", "reserved",
	};

	for (uint64_t i = 0; i < ARRAY_LENGTH(names); i++) {
		CHECK(strcmp(exception_name(i), names[i]) == 0);
		CHECK(exception_words(i)[0] != '\0');
	}
	CHECK(strcmp(exception_name(32), "reserved") == 0);
	CHECK(strcmp(exception_name(UINT64_MAX), "reserved") == 0);
}

CASE(exception_words_of_every_page_fault_bit)
{
	CHECK(says(14, 0x0, "read of an absent page from kernel"));
	CHECK(says(14, 0x1, "read of a present page from kernel"));
	CHECK(says(14, 0x2, "write to an absent page from kernel"));
	CHECK(says(14, 0x3, "write to a present page from kernel"));
	CHECK(says(14, 0x4, "read of an absent page from user"));
	CHECK(says(14, 0x7, "write to a present page from user"));
	CHECK(says(14, 0x10,
		   "instruction fetch from an absent page from kernel"));
	CHECK(says(14, 0x15,
		   "instruction fetch from a present page from user"));
	CHECK(says(14, 0x9, "read of a present page from kernel, "
			    "reserved bit set"));
	CHECK(says(14, 0x21, "read of a present page from kernel, "
			     "protection key"));
	CHECK(says(14, 0x43, "write to a present page from kernel, "
			     "shadow stack"));
	CHECK(says(14, 0x8005, "read of a present page from user, SGX"));
	CHECK(says(14, 0x6b, "write to a present page from kernel, "
			     "reserved bit set, protection key, "
			     "shadow stack"));
}

CASE(exception_words_of_a_selector)
{
	for (uint64_t vector = 10; vector <= 13; vector++) {
		CHECK(says(vector, 0, "no selector"));
		CHECK(says(vector, 0x18, "selector 0x18 in the GDT"));
		CHECK(says(vector, 0x1c, "selector 0x18 in the LDT"));
		CHECK(says(vector, 0x8b, "gate of vector 17, "
					 "while delivering an event"));
		CHECK(says(vector, 0x1, "no selector, "
					"while delivering an event"));
		CHECK(says(vector, 0xfffc, "selector 0xfff8 in the LDT"));
	}
}

CASE(exception_words_of_the_other_error_codes)
{
	CHECK(says(0, 0, "this vector has no error code"));
	CHECK(says(2, 0, "this vector has no error code"));
	CHECK(says(18, 0, "this vector has no error code"));
	CHECK(says(8, 0, "always zero"));
	CHECK(says(17, 0, "always zero"));
	CHECK(says(21, 1, "near return"));
	CHECK(says(21, 3, "missing endbranch"));
	CHECK(says(21, 0x8001, "near return"));
	CHECK(says(21, 0, "unknown cause 0"));
	CHECK(says(21, 6, "unknown cause 6"));
	CHECK(says(29, 0x72, "code 114"));
	CHECK(says(9, 0, "this vector has no error code"));
	CHECK(says(255, 0, "this vector has no error code"));
}

CASE(exception_words_stay_in_their_buffer)
{
	char text[8] = "1234567";

	exception_error_words(14, 0xffff, text, 4);
	CHECK(text[3] == '\0');
	CHECK(strcmp(text + 4, "567") == 0);
}

CASE(exception_verb_follows_the_access)
{
	CHECK(strcmp(fault_verb(FAULT_FETCH), "fetched an instruction from") ==
	      0);
	CHECK(strcmp(fault_verb(FAULT_WRITE | FAULT_PRESENT), "wrote to") == 0);
	CHECK(strcmp(fault_verb(FAULT_PRESENT), "read") == 0);
}
