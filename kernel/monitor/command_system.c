// SPDX-License-Identifier: MIT OR Apache-2.0
/* bootinfo, log, reboot, poweroff: the boot, its log, and its end. */
#include "command.h"

#include <base/crc32.h>

#include <kernel/arch/clock.h>
#include <kernel/boot/boot_info.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/log/log.h>
#include <kernel/memory/page_counts.h>
#include <kernel/platform/power.h>

static const char *const stage_names[STAGE_COUNT] = {
	[STAGE_EFI_MAIN] = "efi_main",
	[STAGE_MAP_FINAL] = "map_final",
	[STAGE_EXIT_DONE] = "exit_done",
	[STAGE_KERNEL_ENTRY] = "kernel_entry",
	[STAGE_READY] = "ready",
};

static bool hash_leaf(void *context, const struct table_leaf *leaf)
{
	const uint64_t words[] = { leaf->virt.raw, leaf->phys.raw, leaf->bytes,
				   leaf->rights, leaf->cache };
	uint32_t *hash = context;

	*hash = crc32(*hash, words, sizeof(words));
	return true;
}

static bool hash_run(void *context, struct frame_run run)
{
	uint32_t *hash = context;

	*hash = crc32(*hash, &run, sizeof(run));
	return true;
}

static void print_records(const struct command_call *call)
{
	const struct handover *from = boot_info.handover;
	uint32_t layout = 0, free_list = 0;

	for (unsigned i = 0; i < STAGE_COUNT; i++)
		sink_print(call->out, "@stage name=%s tsc=%lu\n",
			   stage_names[i], boot_info.stage_tsc[i]);
	sink_print(call->out, "@firmware_call name=GetMemoryMap "
			      "tsc_ticks=%lu\n", from->get_map_ticks);
	sink_print(call->out, "@firmware_call name=ExitBootServices "
			      "tsc_ticks=%lu\n", from->exit_ticks);
	sink_print(call->out, "@boot exit_tries=%u entries=%lu stride=%u "
			      "secure_boot=%u override=%u\n",
		   from->exit_tries, (uint64_t)boot_memory.map.entry_count,
		   from->raw_map_stride,
		   (from->flags & HANDOVER_SECURE_BOOT) != 0,
		   (from->flags & HANDOVER_KERNEL_OVERRIDE) != 0);
	table_visit(&boot_memory.table, hash_leaf, &layout);
	memory_visit_free(hash_run, &free_list);
	sink_print(call->out, "@hash layout=0x%08x free_list=0x%08x\n", layout,
		   free_list);
}

enum status command_bootinfo(const struct command_call *call)
{
	const struct handover *from = boot_info.handover;
	uint64_t per_us = clock_ticks_per_us();

	if (call->records) {
		print_records(call);
		return ST_OK;
	}
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		sink_print(call->out, "%-12s %10lu us after efi_main\n",
			   stage_names[i],
			   (boot_info.stage_tsc[i] - boot_info.stage_tsc[0]) /
				   per_us);
	sink_print(call->out, "GetMemoryMap took %lu us, ExitBootServices "
			      "%lu us, at try %u\n",
		   from->get_map_ticks / per_us, from->exit_ticks / per_us,
		   from->exit_tries);
	sink_print(call->out, "the map has %lu entries of %u bytes\n",
		   (uint64_t)boot_memory.map.entry_count, from->raw_map_stride);
	sink_print(call->out, "secure boot %s, kernel from %s\n",
		   from->flags & HANDOVER_SECURE_BOOT ? "on" : "off",
		   from->flags & HANDOVER_KERNEL_OVERRIDE ? "KERNEL.ELF" :
							    "BOOTX64.EFI");
	return ST_OK;
}

enum status command_log(const struct command_call *call)
{
	log_replay(call->out);
	return ST_OK;
}

enum status command_reboot(const struct command_call *call)
{
	(void)call;
	log_line(LOG_INFO, "power: reboot");
	power_reboot();
}

enum status command_poweroff(const struct command_call *call)
{
	(void)call;
	log_line(LOG_INFO, "power: off");
	power_off();
	return ST_DEVICE;
}
