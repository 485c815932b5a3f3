/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * options.h - `key=value` words, in layers; for each key the last one counts.
 *
 * Grammar: words separated by white space; `key` or `key=value`; double quotes
 * around a value with spaces, on one line, with no way to write a quote
 * inside; `#` to the end of the line is a comment in a file only. An unknown
 * or wrong word is reported once and changes nothing. Only the ranges of
 * memmap= add up, over words and layers; a wrong one is ignored, the others
 * count. docs/options.md lists the keys.
 */
#ifndef BOOT_OPTIONS_H
#define BOOT_OPTIONS_H

#include <base/address.h>
#include <base/status.h>
#include <boot/bad.h>

#define OPTIONS_BYTES 4096	/* all layers together, with the last NUL    */
#define OPTIONS_MEM_MINIMUM (64 * MIB)
#define OPTIONS_COMPLAINTS 64	/* words that are reported                   */
#define OPTIONS_NAMED_BYTES 96	/* of one word in a complaint, at most       */

enum idle_action { IDLE_MONITOR, IDLE_POWEROFF, IDLE_REBOOT, IDLE_EXIT };

/* The values of `panic=`: wait for ever, for some seconds, or leave QEMU. */
enum panic_action { PANIC_WAIT, PANIC_REBOOT, PANIC_EXIT };

struct options {
	bool serial;			/* console=ttyS0 or console=none     */
	uint32_t serial_port;		/* 0x3f8 for ttyS0                   */
	uint32_t serial_baud;		/* divides 115200                    */
	uint64_t mem_limit;		/* bytes, 0 = none                   */
	struct range bad[BAD_RANGES];	/* memmap=SIZE$START         */
	uint32_t bad_count;
	uint32_t max_cpus;		/* 0 = all                           */
	bool quiet;			/* after the last loglevel=          */
	uint32_t log_level;		/* 0 nothing ... 7 debug, as Linux   */
	enum panic_action panic;
	uint32_t panic_seconds;		/* before PANIC_REBOOT               */
	enum idle_action on_idle;
	char run[1024];			/* commands, ';' between             */

	/* CRC-32 of the reported words, so that none is reported twice. */
	uint32_t reported[OPTIONS_COMPLAINTS];
	uint32_t reported_count;
};

enum option_layer_kind { LAYER_WORDS, LAYER_FILE };

/* Text as the user wrote it; not NUL-terminated. */
struct option_layer {
	enum option_layer_kind kind;
	const char *text;
	size_t bytes;
};

/* All layers so far, in one text with a NUL at its end. */
struct option_text {
	char *text;
	size_t capacity;		/* with the NUL                      */
	size_t used;			/* without it                        */
};

/*
 * One complaint about one word. `word` is not NUL-terminated, has at most
 * OPTIONS_NAMED_BYTES (a longer word is cut) and fits between double quotes:
 * printable, with \xHH for quotes, backslashes and other bytes. `why`
 * completes the sentence: "mem=1" "is below the 64 MiB that Bulldog needs".
 */
struct options_complaint {
	void (*report)(struct options_complaint *complaint, const char *word,
		       size_t bytes, const char *why);
};

void options_defaults(struct options *options);

/*
 * Applies `layer` over the layers before. A word with an unknown key or a bad
 * value is reported once and changes nothing: an unknown key once, whatever
 * its values, a bad value once per value, over all layers.
 */
void options_apply(struct options *options, const struct option_layer *layer,
		   struct options_complaint *complaint);

/*
 * Appends `layer` to `to`, in the form of LAYER_WORDS: without comments, one
 * space between words, a line per layer (and a line break after an open quote,
 * so that the quote ends there). Applying the text is then the same as
 * applying each layer in turn. Words stay as they are, bad ones too:
 * options_apply reports them.
 * Fails: ST_FULL when it does not fit, ST_CORRUPT when it has a NUL and so is
 *        not text; `to` is unchanged then.
 */
enum status options_append_layer(struct option_text *to,
				 const struct option_layer *layer);

/*
 * UEFI load options as words: `text` is any bytes at any alignment. Reads up
 * to the first NUL, skips a first word that ends in .EFI, writes the rest with
 * a NUL and returns its length. Returns 0 and an empty text when it is not
 * printable UCS-2 or does not fit.
 */
size_t options_from_ucs2(char *to, size_t capacity, const void *text,
			 size_t bytes);

/* False for a text that options_from_ucs2 refuses; a name alone is accepted. */
bool options_ucs2_fits(const void *text, size_t bytes, size_t capacity);

#endif
