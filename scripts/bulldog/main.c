// SPDX-License-Identifier: MIT OR Apache-2.0
/* The host tool: what the loader and the kernel decide, asked beforehand. */
#include "tool.h"

#include <base/assert.h>
#include <base/bits.h>
#include <base/version.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command {
	const char *name;
	int (*run)(const char *path);
	/* In its place, for those that take more than one file. */
	int (*run_on_all)(char *const *paths, size_t count);
	const char *help;
} commands[] = {
	{ "regions", command_regions, NULL,
	  "what becomes of each page of a memory map" },
	{ "elf", command_elf, NULL,
	  "whether the loader would accept a kernel, and if not, why" },
	{ "numa", NULL, command_numa,
	  "nodes, by an ACPI SRAT, an SLIT, a map, or some of these" },
	{ "madt", command_madt, NULL,
	  "the processors in an ACPI MADT" },
};

void assert_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "bulldog: %s:%d: ASSERT %s\n", file, line, text);
	abort();
}

void tool_complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("bulldog: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

static void put_stdout(struct sink *sink, const char *text, size_t bytes)
{
	(void)sink;
	/* A failed write stays in the stream's error flag until the end. */
	(void)!fwrite(text, 1, bytes, stdout);
}

struct sink *tool_stdout(void)
{
	static struct sink sink = { put_stdout };

	return &sink;
}

static void print_usage(FILE *to)
{
	fputs("usage: bulldog COMMAND FILE        (- is standard input)\n\n",
	      to);
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
		fprintf(to, "  bulldog %-8s FILE%-3s  %s\n", commands[i].name,
			commands[i].run == NULL ? "..." : "",
			commands[i].help);
	fputs("  bulldog --help, --version\n\n"
	      "Records go to stdout, complaints to stderr; the exit code is "
	      "the status\nof the @end record. A map may be four EFI columns "
	      "(type, start, pages,\nattributes), three e820 columns, rows of "
	      "the UEFI Shell's memmap (with -b\nor -sfo), a log of Linux or "
	      "Xen, GRUB's lsefimmap, FreeBSD's maps, or\n"
	      "/sys/firmware/memmap by grep.\n", to);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* All that was printed must have been written. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	tool_complain("standard output: write failed");
	return 1;
}

static int refuse(const char *before, const char *word, const char *after)
{
	tool_complain("%s%s%s", before, word, after);
	print_usage(stderr);
	return EXIT_USAGE;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_command(const struct command *command, char *const *files,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (files[i][0] == '-' && files[i][1] != '\0')
			return refuse("no option `", files[i], "`");
	if (command->run != NULL && count != 1)
		return refuse("", command->name, " takes one file");
	if (count == 0)
		return refuse("", command->name, " takes one file or more");
	return command->run != NULL ? command->run(files[0]) :
				      command->run_on_all(files, count);
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2 || is_help(argv[1]) || strcmp(argv[1], "help") == 0 ||
	    (argc > 2 && is_help(argv[2]) && find_command(argv[1]) != NULL)) {
		print_usage(stdout);
		return finish(0);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("bulldog " BULLDOG_VERSION);
		return finish(0);
	}
	command = find_command(argv[1]);
	if (command == NULL)
		return refuse(argv[1][0] == '-' ? "no option `" :
						  "no command `",
			      argv[1], "`");
	return finish(run_command(command, argv + 2, (size_t)argc - 2));
}
