// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A TCG plugin of QEMU that counts executions of given instructions.
 *
 *	-plugin locked.so,list=FILE,out=FILE
 *
 * `list` has addresses, hexadecimal, one a line, in ascending order but for
 * the first: whenever the guest executes that one, `out` gets a line with the
 * number of executions of the others so far.
 *
 * Distributions ship QEMU without the header of its plugins. The declarations
 * here have been the same in each version of that interface; VERSION, given at
 * compile time, is one that this QEMU accepts.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define CB_NO_REGISTERS 0

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
typedef uint64_t plugin_id;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
		void (*call)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
		void (*call)(unsigned vcpu, void *context), int flags,
		void *context);

EXPORT int qemu_plugin_version = VERSION;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info,
			       int argc, char **argv);

#define ADDRESSES_MAX 4096

static uint64_t mark, addresses[ADDRESSES_MAX], executions;
static size_t count;
static FILE *out;

static void count_one(unsigned vcpu, void *context)
{
	(void)vcpu;
	(void)context;
	executions++;
}

static void write_count(unsigned vcpu, void *context)
{
	(void)vcpu;
	(void)context;
	fprintf(out, "%lu\n", (unsigned long)executions);
	fflush(out);
}

static int compare(const void *key, const void *entry)
{
	uint64_t a = *(const uint64_t *)key, b = *(const uint64_t *)entry;

	return (a > b) - (a < b);
}

static void look_at_block(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);

		if (address == mark)
			qemu_plugin_register_vcpu_insn_exec_cb(insn,
				write_count, CB_NO_REGISTERS, NULL);
		else if (bsearch(&address, addresses, count,
				 sizeof(*addresses), compare))
			qemu_plugin_register_vcpu_insn_exec_cb(insn,
				count_one, CB_NO_REGISTERS, NULL);
	}
}

static int read_list(const char *path)
{
	FILE *list = fopen(path, "r");
	uint64_t address;

	if (list == NULL || fscanf(list, "%lx", &mark) != 1)
		return -1;
	while (count < ADDRESSES_MAX && fscanf(list, "%lx", &address) == 1)
		addresses[count++] = address;
	return fclose(list);
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc,
			char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "list=", 5) == 0 &&
		    read_list(argv[i] + 5) != 0)
			return -1;
		if (strncmp(argv[i], "out=", 4) == 0)
			out = fopen(argv[i] + 4, "w");
	}
	if (out == NULL || count == 0)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, look_at_block);
	return 0;
}
