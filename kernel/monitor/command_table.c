// SPDX-License-Identifier: MIT OR Apache-2.0
/* pt, layout: the page tables and the virtual address map. */
#include "command.h"

#include <base/string.h>
#include <boot/layout.h>

#include <kernel/boot/boot_memory.h>
#include <kernel/debug/audit.h>
#include <kernel/lib/number.h>

static const char *rights_text(unsigned rights, char text[6])
{
	text[0] = 'r';
	text[1] = rights & TABLE_WRITE ? 'w' : '-';
	text[2] = rights & TABLE_EXECUTE ? 'x' : '-';
	text[3] = rights & TABLE_GLOBAL ? 'g' : '-';
	text[4] = rights & TABLE_USER ? 'u' : '-';
	text[5] = '\0';
	return text;
}

static const char *cache_text(enum table_cache cache)
{
	static const char *const names[] = { "wb", "wt", "uc-", "uc", "wc" };

	return cache <= CACHE_WRITE_COMBINING ? names[cache] : "?";
}

static void print_leaf(const struct command_call *call,
		       const struct table_leaf *leaf)
{
	const char *format = call->records ?
		"@leaf virt=0x%lx phys=0x%lx bytes=%lu rights=%s cache=%s\n" :
		"0x%016lx -> 0x%012lx  %10lu  %s %s\n";
	char rights[6];

	sink_print(call->out, format, leaf->virt.raw, leaf->phys.raw,
		   leaf->bytes, rights_text(leaf->rights, rights),
		   cache_text(leaf->cache));
}

/*
 * Adjacent leaves with the same properties are one line; the last run is
 * printed when the next one begins.
 */
struct dump {
	const struct command_call *call;
	struct table_leaf run;		/* bytes 0 = none yet                */
};

static bool dump_leaf(void *context, const struct table_leaf *leaf)
{
	struct dump *dump = context;
	struct table_leaf *run = &dump->run;

	if (run->bytes != 0 && leaf->virt.raw == run->virt.raw + run->bytes &&
	    leaf->phys.raw == run->phys.raw + run->bytes &&
	    leaf->rights == run->rights && leaf->cache == run->cache) {
		run->bytes += leaf->bytes;
		return true;
	}
	if (run->bytes != 0)
		print_leaf(dump->call, run);
	*run = *leaf;
	return true;
}

static bool print_each(void *context, const struct table_leaf *leaf)
{
	print_leaf(context, leaf);
	return true;
}

/* Records have every leaf; the printed lines have runs of leaves. */
static enum status dump_table(const struct command_call *call)
{
	struct dump dump = { .call = call };

	if (call->records) {
		table_visit(&boot_memory.table, print_each, (void *)call);
		return ST_OK;
	}
	table_visit(&boot_memory.table, dump_leaf, &dump);
	if (dump.run.bytes != 0)
		print_leaf(call, &dump.run);
	return ST_OK;
}

static enum status find_leaf(const struct command_call *call)
{
	struct table_leaf leaf;
	vaddr_t virt;
	enum status status;

	if (number_from_hex(call->words[2], &virt.raw) != ST_OK)
		return command_refuse(call, "no hexadecimal number",
				      call->words[2]);
	status = table_query(&boot_memory.table, virt, &leaf);
	if (status == ST_OK)
		print_leaf(call, &leaf);
	return status;
}

static enum status audit(const struct command_call *call)
{
	unsigned findings = audit_tables(AUDIT_RUNNING);

	sink_print(call->out, "%spages=%lu findings=%u\n",
		   call->records ? "@audit " : "",
		   boot_memory.table.table_pages, findings);
	return findings == 0 ? ST_OK : ST_CORRUPT;
}

enum status command_pt(const struct command_call *call)
{
	const char *what = call->count > 1 ? call->words[1] : "";

	if (strcmp(what, "find") == 0)
		return call->count == 3 ? find_leaf(call) :
					  command_refuse_at(call, 2);
	if (strcmp(what, "dump") == 0)
		return call->count == 2 ? dump_table(call) :
					  command_refuse_at(call, 2);
	if (strcmp(what, "audit") == 0)
		return call->count == 2 ? audit(call) :
					  command_refuse_at(call, 2);
	return command_refuse_at(call, 1);
}

struct area {
	const char *name;
	uint64_t start, end;
	const char *use;
};

static const struct area areas[] = {
#define ROW(name, start, end, use) { #name, start, end, use },
	LAYOUT_AREAS(ROW)
#undef ROW
};

enum status command_layout(const struct command_call *call)
{
	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
		const struct area *area = &areas[i];

		if (!call->records) {
			sink_print(call->out, "0x%016lx..0x%016lx  %-10s  %s\n",
				   area->start, area->end, area->name,
				   area->use);
			continue;
		}
		sink_print(call->out,
			   "@area name=%s start=0x%lx end=0x%lx use=",
			   area->name, area->start, area->end);
		sink_print_value(call->out, area->use, strlen(area->use));
		sink_print(call->out, "\n");
	}
	return ST_OK;
}
