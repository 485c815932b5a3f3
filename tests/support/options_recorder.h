/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * options_recorder.h - options under test, and what was said about them.
 *
 * For tests/unit/boot/test_options.c and test_options_layers.c.
 */
#ifndef TESTS_OPTIONS_NOTEBOOK_H
#define TESTS_OPTIONS_NOTEBOOK_H

#include <boot/options.h>

#include "check.h"

/* Every complaint as one line, "word why". */
struct notebook {
	struct options_complaint base;
	unsigned lines;
	size_t used;
	char text[64 * 1024];
};

static inline void note(struct options_complaint *complaint, const char *word,
			size_t bytes, const char *why)
{
	struct notebook *notebook = (struct notebook *)complaint;

	CHECK(bytes <= OPTIONS_NAMED_BYTES && why != NULL);
	CHECK(notebook->used + bytes + strlen(why) + 2 <
	      sizeof(notebook->text));
	memcpy(notebook->text + notebook->used, word, bytes);
	notebook->used += bytes;
	notebook->used += (size_t)sprintf(notebook->text + notebook->used,
					  " %s\n", why);
	notebook->lines++;
}

static struct options options;
static struct notebook notebook;

static inline void start(void)
{
	memset(&notebook, 0, sizeof(notebook));
	notebook.base.report = note;
	options_defaults(&options);
}

/* From a block of exactly the right size, so that a read too far is seen. */
static inline void lay_bytes(enum option_layer_kind kind, const char *text,
			     size_t bytes)
{
	char *copy = malloc(bytes);
	struct option_layer layer = { kind, copy, bytes };

	if (bytes > 0)
		memcpy(copy, text, bytes);
	options_apply(&options, &layer, &notebook.base);
	free(copy);
}

static inline void lay(enum option_layer_kind kind, const char *text)
{
	lay_bytes(kind, text, strlen(text));
}

static inline bool complained(const char *text)
{
	if (strcmp(notebook.text, text) == 0)
		return true;
	printf("# complaints were:\n%s", notebook.text);
	return false;
}

/* All that was asked for; not what has been complained about. */
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
