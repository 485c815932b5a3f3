// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boot/options.h>

#include <base/bits.h>

#include "check.h"
#include "options_recorder.h"

CASE(options_have_the_documented_defaults)
{
	start();
	CHECK(options.serial && options.serial_port == 0x3f8);
	CHECK(options.serial_baud == 115200);
	CHECK(options.mem_limit == 0 && options.max_cpus == 0);
	CHECK(!options.quiet && options.log_level == 6);
	CHECK(options.panic == PANIC_WAIT);
	CHECK(options.on_idle == IDLE_MONITOR);
	CHECK(options.run[0] == '\0');
}

CASE(options_console_picks_a_port_and_a_speed)
{
	static const struct {
		const char *text;
		uint32_t port, baud;
	} good[] = {
		{ "console=ttyS0", 0x3f8, 115200 },
		{ "console=ttyS1", 0x2f8, 115200 },
		{ "console=ttyS2,9600", 0x3e8, 9600 },
		{ "console=ttyS3,57600n8", 0x2e8, 57600 },
		{ "console=ttyS0,115200n8", 0x3f8, 115200 },
		{ "console=\"ttyS0,2\"", 0x3f8, 2 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		start();
		lay(LAYER_WORDS, good[i].text);
		CHECK(options.serial && recorder.lines == 0);
		CHECK(options.serial_port == good[i].port);
		CHECK(options.serial_baud == good[i].baud);
	}
	start();
	lay(LAYER_WORDS, "console=ttyS1,9600 console=none");
	CHECK(!options.serial && recorder.lines == 0);
	lay(LAYER_WORDS, "console=ttyS0");
	CHECK(options.serial && options.serial_baud == 115200);
}

CASE(options_mem_counts_as_linux_does)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "mem=67108864", 64 * MIB },
		{ "mem=64M", 64 * MIB },
		{ "mem=65536k", 64 * MIB },
		{ "mem=65536K", 64 * MIB },
		{ "mem=3g", 3 * GIB },
		{ "mem=600G", 600 * GIB },
		{ "mem=2T", 2 * TIB },
		{ "mem=2t", 2 * TIB },
		{ "mem=0x8000000", 128 * MIB },
		{ "mem=0X80M", 128 * MIB },
		{ "mem=18446744073709551615", UINT64_MAX },
		{ "mem=16777215T", 16777215 * TIB },
		{ "mem=\"64M\"", 64 * MIB },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		start();
		lay(LAYER_WORDS, good[i].text);
		CHECK(options.mem_limit == good[i].bytes);
		CHECK(recorder.lines == 0);
	}
}

static bool bad_is(uint32_t index, uint64_t start, uint64_t end)
{
	return index < options.bad_count && options.bad[index].start == start &&
	       options.bad[index].end == end;
}

CASE(options_memmap_takes_memory_out_of_use)
{
	static const struct {
		const char *text;
		uint64_t start, end;
	} good[] = {
		{ "memmap=4096$4096", 0x1000, 0x2000 },
		{ "memmap=4K$0x1000", 0x1000, 0x2000 },
		{ "memmap=0x1000$0X1000", 0x1000, 0x2000 },
		{ "memmap=1$0x1fff", 0x1000, 0x2000 },
		{ "memmap=2$0x1fff", 0x1000, 0x3000 },
		{ "memmap=\"64k$16M\"", 0x1000000, 0x1010000 },
		{ "memmap=1G$3g", 3 * GIB, 4 * GIB },
		{ "memmap=1t$1T", TIB, 2 * TIB },
		{ "memmap=4095T$1T", TIB, PHYSICAL_LIMIT },
		{ "memmap=1$0", 0, 0x1000 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		start();
		lay(LAYER_WORDS, good[i].text);
		CHECK(options.bad_count == 1 && recorder.lines == 0);
		CHECK(bad_is(0, good[i].start, good[i].end));
	}
}

CASE(options_memmap_adds_up_over_words_and_layers)
{
	start();
	lay(LAYER_FILE, "memmap=4K$16M,8K$32M # two\nmemmap=4K$0x100000");
	lay(LAYER_WORDS, "mem=1G memmap=4K$64M");
	CHECK(recorder.lines == 0 && options.bad_count == 4);
	CHECK(bad_is(0, 16 * MIB, 16 * MIB + 0x1000));
	CHECK(bad_is(1, 32 * MIB, 32 * MIB + 0x2000));
	CHECK(bad_is(2, MIB, MIB + 0x1000));
	CHECK(bad_is(3, 64 * MIB, 64 * MIB + 0x1000));
	/* Repeated ranges, and ranges inside others, need no room. */
	lay(LAYER_WORDS, "memmap=4K$64M,1$0x2000fff");
	CHECK(recorder.lines == 0 && options.bad_count == 4);
	/* A range that begins in a known one and ends later is new. */
	lay(LAYER_WORDS, "memmap=8K$64M memmap=8K$0xfff000");
	CHECK(recorder.lines == 0 && options.bad_count == 6);
}

CASE(options_memmap_ignores_a_part_that_makes_no_sense)
{
	static const struct {
		const char *part, *why;
	} bad[] = {
		{ "4K@16M", "asks for a form of memmap= that is not there, "
			    "only SIZE$START is: that part is ignored" },
		{ "4K#16M", "asks for a form of memmap= that is not there, "
			    "only SIZE$START is: that part is ignored" },
		{ "4G!4G", "asks for a form of memmap= that is not there, "
			   "only SIZE$START is: that part is ignored" },
		{ "exactmap", "is not SIZE$START such as 64K$0x1000000: that "
			      "part is ignored" },
		{ "4K", "is not SIZE$START such as 64K$0x1000000: that part "
			"is ignored" },
		{ "$4K", "is not SIZE$START such as 64K$0x1000000: that part "
			 "is ignored" },
		{ "4K$", "is not SIZE$START such as 64K$0x1000000: that part "
			 "is ignored" },
		{ "4K$1$2", "is not SIZE$START such as 64K$0x1000000: that "
			    "part is ignored" },
		{ "", "is not SIZE$START such as 64K$0x1000000: that part is "
		      "ignored" },
		{ "0$16M", "names no memory: that part is ignored" },
		{ "4096T$1", "reaches beyond all addresses: that part is "
			     "ignored" },
		{ "0xffffffffffffffff$4K", "reaches beyond all addresses: "
					   "that part is ignored" },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		char text[64], want[256];

		sprintf(text, "memmap=4K$1M,%s,4K$2M", bad[i].part);
		sprintf(want, "%s %s\n", text, bad[i].why);
		start();
		lay(LAYER_WORDS, text);
		lay(LAYER_WORDS, text);
		CHECK(complained(want));
		CHECK(options.bad_count == 2);
		CHECK(bad_is(0, MIB, MIB + 0x1000));
		CHECK(bad_is(1, 2 * MIB, 2 * MIB + 0x1000));
	}
	start();
	lay(LAYER_WORDS, "memmap memmap=");
	CHECK(options.bad_count == 0 && recorder.lines == 2);
}

CASE(options_memmap_has_room_for_32_ranges_and_says_so)
{
	char text[16 * (BAD_RANGES + 1)] = "memmap=";

	for (unsigned i = 0; i < BAD_RANGES; i++)
		sprintf(text + strlen(text), "%s4K$%uM", i > 0 ? "," : "",
			1 + i);
	start();
	lay(LAYER_WORDS, text);
	CHECK(options.bad_count == BAD_RANGES && recorder.lines == 0);
	lay(LAYER_WORDS, "memmap=1$32M");
	CHECK(recorder.lines == 0);
	lay(LAYER_WORDS, "memmap=4K$33M");
	CHECK(complained("memmap=4K$33M is more than the 32 ranges that there "
			 "is room for: that memory is used\n"));
	CHECK(options.bad_count == BAD_RANGES);
	CHECK(bad_is(BAD_RANGES - 1, 32 * MIB, 32 * MIB + 0x1000));
}

CASE(options_mem_below_the_minimum_explains_it)
{
	start();
	lay(LAYER_WORDS, "mem=1 mem=67108863");
	CHECK(options.mem_limit == 0);
	CHECK(complained("mem=1 is below the 64 MiB that Bulldog needs\n"
			 "mem=67108863 is below the 64 MiB that Bulldog "
			 "needs\n"));
	start();
	lay(LAYER_WORDS, "mem=1G mem=63M");
	CHECK(options.mem_limit == GIB && recorder.lines == 1);
}

CASE(options_mem_does_not_wrap)
{
	start();
	lay(LAYER_WORDS, "mem=18446744073709551616 mem=16777280T");
	CHECK(options.mem_limit == 0);
	CHECK(complained("mem=18446744073709551616 is not a size such as "
			 "512M\n"
			 "mem=16777280T is not a size such as 512M\n"));
}

CASE(options_cpus_can_be_limited)
{
	start();
	lay(LAYER_WORDS, "maxcpus=3");
	CHECK(options.max_cpus == 3);
	lay(LAYER_WORDS, "nosmp");
	CHECK(options.max_cpus == 1);
	lay(LAYER_WORDS, "maxcpus=7 maxcpus=0");
	CHECK(options.max_cpus == 1);
	CHECK(recorder.lines == 0);
}

CASE(options_quiet_and_loglevel_follow_the_last_one)
{
	start();
	lay(LAYER_WORDS, "quiet");
	CHECK(options.quiet && options.log_level == 4);
	lay(LAYER_WORDS, "loglevel=7");
	CHECK(!options.quiet && options.log_level == 7);
	lay(LAYER_WORDS, "loglevel=0");
	CHECK(options.log_level == 0);
	lay(LAYER_WORDS, "loglevel=3 quiet");
	CHECK(options.quiet && options.log_level == 4);
	CHECK(recorder.lines == 0);
}

CASE(options_panic_waits_reboots_or_exits)
{
	start();
	lay(LAYER_WORDS, "panic=10");
	CHECK(options.panic == PANIC_REBOOT && options.panic_seconds == 10);
	lay(LAYER_WORDS, "panic=-1");
	CHECK(options.panic == PANIC_REBOOT && options.panic_seconds == 0);
	lay(LAYER_WORDS, "panic=0");
	CHECK(options.panic == PANIC_WAIT);
	lay(LAYER_WORDS, "panic=exit");
	CHECK(options.panic == PANIC_EXIT);
	CHECK(recorder.lines == 0);
}

CASE(options_on_idle_knows_four_ends)
{
	start();
	lay(LAYER_WORDS, "on-idle=poweroff");
	CHECK(options.on_idle == IDLE_POWEROFF);
	lay(LAYER_WORDS, "on-idle=reboot");
	CHECK(options.on_idle == IDLE_REBOOT);
	lay(LAYER_WORDS, "on-idle=exit");
	CHECK(options.on_idle == IDLE_EXIT);
	lay(LAYER_WORDS, "on-idle=monitor");
	CHECK(options.on_idle == IDLE_MONITOR);
	CHECK(recorder.lines == 0);
}

CASE(options_run_keeps_its_spaces)
{
	start();
	lay(LAYER_WORDS, "quiet run=\"memmap -m;  ledger\" nosmp");
	CHECK(strcmp(options.run, "memmap -m;  ledger") == 0);
	CHECK(options.quiet && options.max_cpus == 1);
	lay(LAYER_WORDS, "run=help");
	CHECK(strcmp(options.run, "help") == 0);
	lay(LAYER_WORDS, "run=a=b#c");
	CHECK(strcmp(options.run, "a=b#c") == 0);
	lay(LAYER_WORDS, "run=");
	CHECK(strcmp(options.run, "") == 0);
	lay(LAYER_WORDS, "run=x run=\"\"");
	CHECK(strcmp(options.run, "") == 0);
	CHECK(recorder.lines == 0);
}

/* Lays run= with a value of `bytes` bytes, quoted. */
static void lay_long_run(size_t bytes)
{
	char *text = malloc(bytes + 6);

	memcpy(text, "run=\"", 5);
	memset(text + 5, 'x', bytes);
	text[bytes + 5] = '"';
	lay_bytes(LAYER_WORDS, text, bytes + 6);
	free(text);
}

CASE(options_run_is_taken_whole_or_not_at_all)
{
	start();
	lay_long_run(1023);
	CHECK(recorder.lines == 0 && strlen(options.run) == 1023);
	lay(LAYER_WORDS, "run=kept");
	lay_long_run(1024);
	lay_long_run(5000);
	CHECK(strcmp(options.run, "kept") == 0);
	CHECK(recorder.lines == 2);
	CHECK(strstr(recorder.text, "xxx is longer than the 1023") != NULL);
}

CASE(options_bad_values_are_named_and_change_nothing)
{
	static const char *const bad[] = {
		"console", "console=", "console=tty0", "console=ttyS",
		"console=ttyS4", "console=ttyS00", "console=ttyS0,",
		"console=ttyS0,0", "console=ttyS0,9601", "console=ttyS0,1",
		"console=ttyS0,115200e7", "console=ttyS0,n8",
		"console=ttyS0,230400", "console=nones", "console=ttys0",
		"mem", "mem=", "mem=M", "mem=64X", "mem=64MM", "mem=-64M",
		"mem=18446744073709551616", "mem=16777216T", "mem=0x",
		"mem=64 M", "mem=6_4M",
		"maxcpus=", "maxcpus=x", "maxcpus=-1", "maxcpus=2147483648",
		"nosmp=1", "quiet=", "quiet=yes", "loglevel=8", "loglevel",
		"loglevel=", "loglevel=debug", "loglevel=-1",
		"panic", "panic=", "panic=-", "panic=--1", "panic=Exit",
		"panic=2147483648", "panic=1s",
		"run", "on-idle", "on-idle=", "on-idle=halt",
		"on-idle=exitt", "on-idle=exi",
		"run=\"open", "run=a\"b\"", "run=\"a\"b", "run=\"a\"\"b\"",
		"\"run=a\"", "run\"=a\"", "run=\"", "run=\"\"\"",
		"=", "=5", "\"", "\"\"",
		"run=\x01", "run=\"\x7f\"", "run=\"caf\xc3\xa9\"", "\x80",
		"run=\"tab\tinside\"",
	};
	struct options before;

	options_defaults(&before);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		start();
		lay(LAYER_WORDS, bad[i]);
		CHECK(recorder.lines == (strcmp(bad[i], "mem=64 M") == 0 ?
					 2 : 1));
		CHECK(options_say_the_same(&options, &before));
	}
}

CASE(options_unknown_words_are_named_once_over_all_layers)
{
	start();
	lay(LAYER_WORDS, "root=/dev/sda quiet splash root=/dev/sdb splash=1");
	CHECK(options.quiet);
	lay(LAYER_FILE, "splash\nroot\n");
	CHECK(complained("root=/dev/sda is unknown\n"
			 "splash is unknown\n"));
	/* Reported words are remembered in the options, not globally. */
	start();
	lay(LAYER_WORDS, "splash");
	CHECK(complained("splash is unknown\n"));
}

CASE(options_a_bad_value_is_named_once)
{
	start();
	lay(LAYER_WORDS, "loglevel=9 loglevel=9 loglevel=10");
	lay(LAYER_WORDS, "loglevel=9 run=\"x");
	lay(LAYER_WORDS, "run=\"x");
	CHECK(complained("loglevel=9 is not a level from 0 to 7\n"
			 "loglevel=10 is not a level from 0 to 7\n"
			 "run=\\x22x has a quote that is not closed\n"));
}

CASE(options_complaints_have_an_end)
{
	start();
	for (unsigned i = 0; i < 1000; i++) {
		char word[32];

		sprintf(word, "strange%u", i);
		lay(LAYER_WORDS, word);
	}
	CHECK(recorder.lines == OPTIONS_COMPLAINTS);
	CHECK(strstr(recorder.text, "strange62 is unknown\n") !=
	      NULL);
	CHECK(strstr(recorder.text, "strange63 is wrong, and further wrong "
				    "words are not named\n") != NULL);
	lay(LAYER_WORDS, "quiet");
	CHECK(options.quiet);
}

CASE(options_complaints_name_only_the_start_of_a_long_word)
{
	char text[3000];

	memset(text, 'z', sizeof(text));
	start();
	lay_bytes(LAYER_WORDS, text, sizeof(text));
	CHECK(recorder.lines == 1);
	CHECK(recorder.used ==
	      OPTIONS_NAMED_BYTES + strlen(" is unknown\n"));
}

CASE(options_complaints_can_stand_in_a_record)
{
	char text[OPTIONS_NAMED_BYTES + 1];

	start();
	lay(LAYER_WORDS, "a\x1b[2J a\\b \"");
	CHECK(complained("a\\x1b[2J holds a byte that is not printable\n"
			 "a\\x5cb is unknown\n"
			 "\\x22 has a quote that is not closed\n"));
	/* An escape that does not fit is left out. */
	memset(text, 'z', sizeof(text));
	text[OPTIONS_NAMED_BYTES - 3] = '\x07';
	start();
	lay_bytes(LAYER_WORDS, text, sizeof(text));
	CHECK(strncmp(recorder.text + OPTIONS_NAMED_BYTES - 4, "z holds", 7)
	      == 0);
}

CASE(options_words_are_separated_by_any_white_space)
{
	start();
	lay(LAYER_WORDS, "  quiet\t\tnosmp\r\n\n  panic=3\tmem=1G   ");
	CHECK(options.quiet && options.max_cpus == 1);
	CHECK(options.panic_seconds == 3 && options.mem_limit == GIB);
	CHECK(recorder.lines == 0);
	lay(LAYER_WORDS, "");
	lay(LAYER_FILE, " \n");
	options_apply(&options, &(struct option_layer){ LAYER_FILE, NULL, 0 },
		      &recorder.base);
	CHECK(recorder.lines == 0);
}

CASE(options_comments_are_for_files_only)
{
	start();
	lay(LAYER_FILE, "# mem=1G\nquiet# nosmp\r\nrun=\"a # b\" # panic=1\n"
			"#last caf\xc3\xa9");
	CHECK(options.quiet && options.max_cpus == 0);
	CHECK(options.mem_limit == 0 && options.panic == PANIC_WAIT);
	CHECK(strcmp(options.run, "a # b") == 0 && recorder.lines == 0);
	start();
	lay(LAYER_WORDS, "# nosmp");
	CHECK(options.max_cpus == 1);
	CHECK(complained("# is unknown\n"));
}

CASE(options_a_file_may_begin_with_a_byte_order_mark)
{
	start();
	lay(LAYER_FILE, "\xef\xbb\xbfquiet\n");
	CHECK(options.quiet && recorder.lines == 0);
	lay(LAYER_WORDS, "\xef\xbb\xbfnosmp");
	CHECK(options.max_cpus == 0 && recorder.lines == 1);
}

CASE(options_an_open_quote_ends_with_its_line)
{
	start();
	lay(LAYER_FILE, "run=\"memmap # nosmp\nquiet\r\nrun=\"x\r\nnosmp\n");
	CHECK(options.quiet && options.max_cpus == 1);
	CHECK(options.run[0] == '\0');
	CHECK(recorder.lines == 2);
}

CASE(options_later_layers_win_per_key)
{
	start();
	lay(LAYER_FILE, "mem=1G\nloglevel=3\nrun=\"from the file\"\n");
	lay(LAYER_WORDS, "mem=2G on-idle=exit");
	lay(LAYER_WORDS, "run=memmap mem=junk");
	CHECK(options.mem_limit == 2 * GIB && options.log_level == 3);
	CHECK(strcmp(options.run, "memmap") == 0);
	CHECK(options.on_idle == IDLE_EXIT);
	CHECK(complained("mem=junk is not a size such as 512M\n"));
}
