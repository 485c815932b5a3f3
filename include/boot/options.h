/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * options.h - `key=value` words, in layers, the later one winning per key.
 *
 * Grammar (FORMATS, "Options"): words separated by white space; `key` or
 * `key=value`; double quotes around a value with spaces; `#` to the end of
 * the line is a comment in a file only.
 */
#ifndef BOOT_OPTIONS_H
#define BOOT_OPTIONS_H

#include <base/address.h>
#include <base/status.h>

#define OPTIONS_BYTES 4096	/* all layers together, with the last NUL    */

enum idle_action { IDLE_MONITOR, IDLE_POWEROFF, IDLE_REBOOT, IDLE_EXIT };

/* What `panic=` says: wait for ever, for some seconds, or leave QEMU. */
enum panic_action { PANIC_WAIT, PANIC_REBOOT, PANIC_EXIT };

struct options {
	bool serial;			/* console=ttyS0 or console=none     */
	uint32_t serial_port;		/* 0x3f8 for ttyS0                   */
	uint32_t serial_baud;
	uint64_t mem_limit;		/* bytes, 0 = none                   */
	uint32_t max_cpus;		/* 0 = all                           */
	bool quiet;
	uint32_t log_level;		/* 0 nothing ... 7 debug, as Linux   */
	enum panic_action panic;
	uint32_t panic_seconds;
	enum idle_action on_idle;
	char run[1024];			/* commands, ';' between             */
};

enum option_layer_kind { LAYER_WORDS, LAYER_FILE };

/* One complaint about one word; `word` is not NUL-terminated. */
struct options_complaint {
	void (*report)(struct options_complaint *complaint, const char *word,
		       size_t bytes, const char *why);
};

void options_defaults(struct options *options);

/*
 * Lays text[0..bytes) over what is there. A word that is unknown or whose
 * value makes no sense is reported once and changes nothing.
 */
void options_apply(struct options *options, enum option_layer_kind kind,
		   const char *text, size_t bytes,
		   struct options_complaint *complaint);

#endif
