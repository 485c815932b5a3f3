/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * options_recorder.h - options under test, and the complaints about them.
 *
 * For tests/unit/boot/test_options.c and test_options_layers.c.
 */
#ifndef TESTS_OPTIONS_RECORDER_H
#define TESTS_OPTIONS_RECORDER_H

#include <boot/options.h>

#include "check.h"

/* Every complaint as one line, "word why". */
struct recorder {
	struct options_complaint base;
	unsigned lines;
	size_t used;
	char text[64 * 1024];
};

static inline void note(struct options_complaint *complaint, const char *word,
			size_t bytes, const char *why)
{
	struct recorder *recorder = (struct recorder *)complaint;

	CHECK(bytes <= OPTIONS_NAMED_BYTES && why != NULL);
	CHECK(recorder->used + bytes + strlen(why) + 2 <
	      sizeof(recorder->text));
	memcpy(recorder->text + recorder->used, word, bytes);
	recorder->used += bytes;
	recorder->used += (size_t)sprintf(recorder->text + recorder->used,
					  " %s\n", why);
	recorder->lines++;
}

static struct options options;
static struct recorder recorder;

static inline void start(void)
{
	memset(&recorder, 0, sizeof(recorder));
	recorder.base.report = note;
	options_defaults(&options);
}

/* From a block of exactly the size, so that a read beyond it is reported. */
static inline void lay_bytes(enum option_layer_kind kind, const char *text,
			     size_t bytes)
{
	char *copy = malloc(bytes);
	struct option_layer layer = { kind, copy, bytes };

	if (bytes > 0)
		memcpy(copy, text, bytes);
	options_apply(&options, &layer, &recorder.base);
	free(copy);
}

static inline void lay(enum option_layer_kind kind, const char *text)
{
	lay_bytes(kind, text, strlen(text));
}

static inline bool complained(const char *text)
{
	if (strcmp(recorder.text, text) == 0)
		return true;
	printf("# complaints were:\n%s", recorder.text);
	return false;
}

/* Compares all options; not the reported words. */
static inline bool options_say_the_same(const struct options *a,
					const struct options *b)
{
	return a->serial == b->serial && a->serial_port == b->serial_port &&
	       a->serial_baud == b->serial_baud &&
	       a->mem_limit == b->mem_limit && a->max_cpus == b->max_cpus &&
	       a->bad_count == b->bad_count &&
	       memcmp(a->bad, b->bad, a->bad_count * sizeof(a->bad[0])) == 0 &&
	       a->quiet == b->quiet && a->log_level == b->log_level &&
	       a->panic == b->panic &&
	       a->panic_seconds == b->panic_seconds &&
	       a->on_idle == b->on_idle && strcmp(a->run, b->run) == 0;
}

#endif
