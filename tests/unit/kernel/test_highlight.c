// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/console/highlight.h>

#include "check.h"

/* The letter of a colour in the picture of a line. */
static char letter(enum colour colour)
{
	static const char letters[] = {
		[COLOUR_TEXT] = 't', [COLOUR_DIM] = '.', [COLOUR_ROOM] = 'r',
		[COLOUR_WARNING] = 'W', [COLOUR_ERROR] = 'E',
		[COLOUR_PROMPT] = 'p', [COLOUR_TYPED] = 'T',
	};

	return (size_t)colour < sizeof(letters) ? letters[colour] : '?';
}

/* True when `text` in chunks of `chunk` bytes has the colours of `want`. */
static bool colours_of(const char *text, size_t chunk, const char *want)
{
	struct highlight highlight = { .part = 0 };
	size_t length = strlen(text);
	char have[256] = "";

	for (size_t i = 0; i < length; i++) {
		size_t known = chunk - i % chunk;

		if (known > length - i)
			known = length - i;
		have[i] = letter(highlight_next(&highlight, text + i, known));
		/* Spaces and line ends have no letter. */
		if (text[i] == ' ' || text[i] == '\n')
			have[i] = text[i];
	}
	if (strcmp(have, want) == 0)
		return true;
	printf("# text `%s`\n# have `%s`\n# want `%s`\n", text, have, want);
	return false;
}

static bool colours(const char *text, const char *want)
{
	return colours_of(text, 256, want);
}

CASE(highlight_log_lines_by_level)
{
	CHECK(colours("[12.0345] I room: event key=1",
		   "......... . rrrrr ttttt ttttt"));
	CHECK(colours("[ 2.0345] W room: event key=1",
		   ". ....... W WWWWW WWWWW WWWWW"));
	CHECK(colours("[ 2.0345] E room: event key=1",
		   ". ....... E EEEEE EEEEE EEEEE"));
	CHECK(colours("[ 2.0345] D room: event key=1",
		   ". ....... . ..... ..... ....."));
}

CASE(highlight_starts_again_with_each_line)
{
	CHECK(colours("[1] E a\nb\n[2] I a: b", "... E E\nt\n... . rr t"));
	CHECK(colours("[1] I a\nb: c", "... . r\ntt t"));
	CHECK(colours("[1\n2] x", "tt\ntt t"));
}

CASE(highlight_leaves_plain_what_is_no_log_line)
{
	CHECK(colours("a [1] E b", "t ttt t t"));
	CHECK(colours("[x1] E b", "tttt t t"));
	CHECK(colours("[1]E a", "tttt t"));
	CHECK(colours("[1] X a", "ttt t t"));
	CHECK(colours("[1] Ea b", "ttt tt t"));
	CHECK(colours("[0x1000..0x2000) free", "tttttttttttttttt tttt"));
	CHECK(colours("@record key=1", "ttttttt ttttt"));
}

CASE(highlight_prompt_and_what_is_typed)
{
	CHECK(colours("bulldog> memmap\nx", "pppppppp TTTTTT\nt"));
	CHECK(colours("bulldog>x", "ttttttttt"));
	CHECK(colours(" bulldog> x", " tttttttt t"));
}

CASE(highlight_takes_text_in_chunks)
{
	const char *text = "[1] I a: b\n[2] E c: d\nbulldog ";

	CHECK(colours_of(text, 11, "... . rr t\n... E EE E\nttttttt "));
	/* A start of a line in several chunks is not recognised. */
	CHECK(colours_of(text, 5, "ttt t tt t\nttt t tt t\nttttttt "));
	CHECK(colours_of("[1] E a\n", 6, "... E E\n"));
	CHECK(colours_of("[1] E a\n", 5, "ttt t t\n"));
	CHECK(colours_of("[1] E a\n", 1, "ttt t t\n"));
	CHECK(colours_of("bulldog> x", 9, "pppppppp T"));
	CHECK(colours_of("bulldog> x", 8, "tttttttt t"));
}
