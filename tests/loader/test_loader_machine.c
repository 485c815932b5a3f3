// SPDX-License-Identifier: MIT OR Apache-2.0
/* Processors, serial ports, screens and tables: plain, odd and absent. */
#include "verdict.h"

#include <base/bits.h>

static struct fake_pc pc;

#define SET_OPTIONS(text)						\
	do {								\
		pc.load_options = L"" text;				\
		pc.load_option_bytes = sizeof(L"" text);		\
	} while (0)

/* --- serial port ----------------------------------------------------------*/

CASE(loader_needs_no_serial_port)
{
	fake_pc_plain(&pc);
	pc.serial = SERIAL_ABSENT;
	CHECK_BOOTS(&pc, "no serial port");
	CHECK(fake_run->serial_bytes == 0);
	CHECK(handover_of(fake_run)->log_bytes > 0);
	pc.embedded[0] = 0;
	CHECK_REFUSES(&pc, "no serial port, no kernel");
	CHECK(console_says("kernel refused"));
}

CASE(loader_waits_once_for_a_stuck_serial_port)
{
	static const unsigned bytes[] = { 0, 1, 2, 40, 150 };

	for (size_t i = 0; i < ARRAY_LENGTH(bytes); i++) {
		fake_pc_plain(&pc);
		pc.serial = SERIAL_STUCK;
		pc.serial_patience = bytes[i];
		CHECK_BOOTS(&pc, "stuck serial port");
		CHECK(fake_run->serial_bytes == bytes[i]);
		CHECK(fake_run->status_reads <= bytes[i] + 10000);
	}
}

CASE(loader_speaks_where_it_is_told)
{
	fake_pc_plain(&pc);
	pc.serial_port = 0x2f8;
	SET_OPTIONS("console=ttyS1,9600");
	CHECK_BOOTS(&pc, "ttyS1");
	CHECK(serial_says("I loader: hello"));
	SET_OPTIONS("console=none");
	CHECK_BOOTS(&pc, "console=none");
	CHECK(fake_run->serial_bytes == 0);
}

/* A console that allocates a page for each line. */
CASE(loader_refuses_on_a_console_that_allocates)
{
	fake_pc_plain(&pc);
	pc.console = CONSOLE_ALLOCATES;
	CHECK_BOOTS(&pc, "a console that allocates");
	pc.embedded[0] = 0;
	CHECK_REFUSES(&pc, "a console that allocates, no kernel");
	pc.console = CONSOLE_ABSENT;
	CHECK_REFUSES(&pc, "no console, no kernel");
	CHECK(fake_run->console_bytes == 0);
	CHECK(serial_says("E image: kernel refused"));
}

/* --- processor ------------------------------------------------------------*/

#define PLAIN_FEATURES							\
	(CPU_NX | CPU_PAGE_1G | CPU_PGE | CPU_PAT | CPU_MTRR | CPU_SMEP | \
	 CPU_SMAP | CPU_UMIP | CPU_PCID | CPU_LA57 | CPU_X2APIC |	\
	 CPU_MCE | CPU_HYPERVISOR | CPU_PKU)

static void without_leaf_7(struct fake_processor *cpu)
{
	cpu->max_leaf = 6;
}

static void without_extended(struct fake_processor *cpu)
{
	cpu->max_extended_leaf = 0;
}

static void with_few_extended(struct fake_processor *cpu)
{
	cpu->max_extended_leaf = 0x80000001;
}

static void without_nx(struct fake_processor *cpu)
{
	cpu->edx_80000001 &= ~(1u << 20);
}

static void without_1g(struct fake_processor *cpu)
{
	cpu->edx_80000001 &= ~(1u << 26);
}

static void without_mtrr(struct fake_processor *cpu)
{
	cpu->edx_1 &= ~(1u << 12);
	cpu->msr_count = 2;	/* APIC base and EFER */
	fake_msr_set(cpu, 0x277, 0x0007040600070406);
}

static void without_pat(struct fake_processor *cpu)
{
	cpu->edx_1 &= ~(1u << 16);
}

static void without_pge(struct fake_processor *cpu)
{
	cpu->edx_1 &= ~(1u << 13 | 1u << 7);
}

static void with_cet(struct fake_processor *cpu)
{
	cpu->ecx_7 |= 1 << 7;
}

static void bare_metal(struct fake_processor *cpu)
{
	cpu->ecx_1 &= ~(1u << 31);
}

static const struct {
	const char *name;
	void (*change)(struct fake_processor *cpu);
	uint32_t features, physical_bits;
} processors[] = {
	{ "no leaf 7", without_leaf_7, PLAIN_FEATURES &
	  ~(CPU_SMEP | CPU_SMAP | CPU_UMIP | CPU_LA57 | CPU_PKU), 40 },
	{ "no extended leaves", without_extended,
	  PLAIN_FEATURES & ~(CPU_NX | CPU_PAGE_1G), 36 },
	{ "no leaf 80000008", with_few_extended, PLAIN_FEATURES, 36 },
	{ "no NX", without_nx, PLAIN_FEATURES & ~CPU_NX, 40 },
	{ "no 1 GiB pages", without_1g, PLAIN_FEATURES & ~CPU_PAGE_1G, 40 },
	{ "no MTRRs", without_mtrr, PLAIN_FEATURES & ~CPU_MTRR, 40 },
	{ "no PAT", without_pat, PLAIN_FEATURES & ~CPU_PAT, 40 },
	{ "no PGE and no MCE", without_pge,
	  PLAIN_FEATURES & ~(CPU_PGE | CPU_MCE), 40 },
	{ "CET", with_cet, PLAIN_FEATURES | CPU_CET, 40 },
	{ "no hypervisor", bare_metal, PLAIN_FEATURES & ~CPU_HYPERVISOR, 40 },
};

CASE(loader_knows_the_processor)
{
	for (size_t i = 0; i < ARRAY_LENGTH(processors); i++) {
		const struct handover_cpu *cpu;

		fake_pc_plain(&pc);
		processors[i].change(&pc.processor);
		CHECK_BOOTS(&pc, processors[i].name);
		cpu = &handover_of(fake_run)->cpu;
		CHECK(cpu->features == processors[i].features);
		CHECK(cpu->physical_bits == processors[i].physical_bits);
		CHECK(cpu->cr3 == 0x8001000 && cpu->efer == 0xd00);
		CHECK(cpu->pat == (cpu->features & CPU_PAT ?
				   0x0007040600070406 : 0));
	}
}

CASE(loader_takes_any_number_of_address_bits)
{
	for (uint32_t bits = 36; bits <= 52; bits++) {
		fake_pc_plain(&pc);
		pc.processor.physical_bits = bits;
		CHECK_BOOTS(&pc, "physical bits");
		CHECK(handover_of(fake_run)->cpu.physical_bits == bits);
		CHECK(handover_of(fake_run)->usable_limit ==
		      min_u64(1UL << bits, USABLE_LIMIT));
	}
}

CASE(loader_believes_no_impossible_address_bits)
{
	static const uint32_t bits[] = { 0, 1, 12, 53, 63, 64, 255 };

	for (size_t i = 0; i < ARRAY_LENGTH(bits); i++) {
		fake_pc_plain(&pc);
		pc.processor.physical_bits = bits[i];
		CHECK_BOOTS(&pc, "impossible physical bits");
	}
}

CASE(loader_touches_fw_cfg_only_under_a_hypervisor)
{
	fake_pc_plain(&pc);
	bare_metal(&pc.processor);
	CHECK_BOOTS(&pc, "no hypervisor");
	CHECK(fake_run->fw_cfg_accesses == 0);
	CHECK((handover_of(fake_run)->flags & HANDOVER_UNDER_QEMU) == 0);
	fake_pc_plain(&pc);
	pc.has_fw_cfg = false;
	CHECK_BOOTS(&pc, "another hypervisor");
	CHECK((handover_of(fake_run)->flags & HANDOVER_UNDER_QEMU) == 0);
}

/* TOP_MEM2 on AMD, when SYSCFG enables it. */
CASE(loader_reads_the_registers_of_amd)
{
	fake_pc_plain(&pc);
	pc.processor.vendor = 0x68747541;
	CHECK_BOOTS(&pc, "AMD under a hypervisor: no SYSCFG");
	bare_metal(&pc.processor);
	fake_msr_set(&pc.processor, 0xc0010010, 0);
	CHECK_BOOTS(&pc, "AMD without TOP_MEM2");
	fake_msr_set(&pc.processor, 0xc0010010, 3 << 21);
	fake_msr_set(&pc.processor, 0xc001001d, 0x180000000);
	CHECK_BOOTS(&pc, "AMD with TOP_MEM2");
}

/* Memory of two types where a large page would be. */
CASE(loader_maps_no_large_page_over_two_types)
{
	fake_pc_plain(&pc);
	fake_msr_set(&pc.processor, 0x202, 0x9100000);
	fake_msr_set(&pc.processor, 0x203, 0xfffff00800);
	CHECK_BOOTS(&pc, "an uncached MiB");
	fake_msr_set(&pc.processor, 0x2ff, 0xc00);
	CHECK_BOOTS(&pc, "uncached by default");
	fake_msr_set(&pc.processor, 0x2ff, 0);
	CHECK_BOOTS(&pc, "MTRRs off");
	fake_msr_set(&pc.processor, 0x2ff, 0xc06);
	fake_msr_set(&pc.processor, 0xfe, 0);
	CHECK_BOOTS(&pc, "MTRRs without ranges");
}

CASE(loader_finds_how_fast_the_clock_counts)
{
	fake_pc_plain(&pc);
	CHECK_BOOTS(&pc, "by the PIT");
	pc.has_pit = false;
	CHECK_BOOTS(&pc, "no PIT");
	CHECK(handover_of(fake_run)->tsc_ticks_per_us == 1000);
	pc.processor.max_leaf = 0x15;
	CHECK_BOOTS(&pc, "leaf 0x15 without numbers");
	CHECK(handover_of(fake_run)->tsc_ticks_per_us == 1000);
	pc.processor.clock[0] = 2;
	pc.processor.clock[1] = 250;
	pc.processor.clock[2] = 24000000;
	CHECK_BOOTS(&pc, "leaf 0x15");
	CHECK(handover_of(fake_run)->tsc_ticks_per_us == 3000);
}

CASE(loader_masks_local_interrupts_of_every_apic)
{
	for (uint32_t lvts = 4; lvts <= FAKE_LVTS; lvts++) {
		fake_pc_plain(&pc);
		pc.processor.lvts = lvts;
		CHECK_BOOTS(&pc, "xAPIC");
		fake_msr_set(&pc.processor, 0x1b, LAPIC_BASE | 3 << 10);
		CHECK_BOOTS(&pc, "x2APIC");
	}
	fake_msr_set(&pc.processor, 0x1b, LAPIC_BASE);
	CHECK_BOOTS(&pc, "APIC switched off");
	pc.processor.edx_1 &= ~(1u << 9);
	CHECK_BOOTS(&pc, "no APIC");
}

/* Any state that firmware may leave; the switch page sets all known bits. */
CASE(loader_takes_any_entry_state)
{
	fake_pc_plain(&pc);
	pc.processor.cr4 = 0x668 | 1 << 12 | 1 << 17 | 3 << 20 | 1 << 23;
	pc.processor.cr0 = 0x80000011;
	CHECK_BOOTS(&pc, "LA57, PCID, SMEP, SMAP, CET on");
	CHECK(handover_of(fake_run)->cpu.cr4 == pc.processor.cr4);
}

CASE(loader_reports_a_fault_after_the_exit)
{
	fake_pc_plain(&pc);
	pc.fault_port = 0xa1;
	CHECK_RESETS(&pc, "a page fault");
	CHECK(serial_says("loader: fault vector=14 error=0x2 rip=0x1234567 "
			  "cr2=0xfeed000"));
	pc.memory.warm = true;
	pc.fault_port = 0;
	CHECK_BOOTS(&pc, "after the fault");
	CHECK(serial_says("last fault what=\""));
	CHECK(serial_says("loader: fault vector=14"));
}

CASE(loader_ends_when_the_report_faults)
{
	fake_pc_plain(&pc);
	pc.fault_port = 0xa1;
	pc.faults_again = true;
	fake_boot(&pc);
	CHECK(fake_run->ending == ENDED_RESET && fake_run->faults == 2);
	CHECK(fake_run->violation[0] == '\0');
	pc.reset_returns = RESET_NOTHING_HELPS;
	fake_boot(&pc);
	CHECK(fake_run->ending == ENDED_HALTED);
}

CASE(loader_makes_the_switch_page_executable)
{
	fake_pc_plain(&pc);
	pc.has_attribute_protocol = true;
	CHECK_BOOTS(&pc, "memory attributes");
	CHECK(fake_run->calls[SERVICE_SET_ATTRIBUTES] == 1);
	CHECK(fake_alloc_at(fake_run->jump)->executable);
	CHECK(fake_alloc_at(fake_run->jump)->read_only);
}

/* --- screen ---------------------------------------------------------------*/

struct screen_case {
	const char *name;
	struct fake_screen screen;
	bool found;
	uint32_t height, pitch_bytes, red_mask;
};

#define RGB PixelRedGreenBlueReserved8BitPerColor
#define BGR PixelBlueGreenRedReserved8BitPerColor
#define BYTES(width, height) (4UL * (width) * (height))
#define SCREEN_AT(at, size, width, height, line, format, ...)		\
	{ .kind = SCREEN_PLAIN, .base = (at), .bytes = (size),		\
	  .info = { .HorizontalResolution = (width),			\
		    .VerticalResolution = (height),			\
		    .PixelsPerScanLine = (line),			\
		    .PixelFormat = (format),				\
		    .PixelInformation = { __VA_ARGS__ } } }
#define SCREEN(...)	SCREEN_AT(0xc0000000, __VA_ARGS__)
#define PLAIN_AT(at)	SCREEN_AT(at, BYTES(640, 480), 640, 480, 640, BGR)
#define FOUND(height, pitch, red)	true, (height), (pitch), (red)
#define NOT_FOUND	false, 0, 0, 0

static const struct screen_case screens[] = {
	{ "plain", PLAIN_AT(0xc0000000), FOUND(480, 2560, 0xff0000) },
	{ "above 4 GiB", PLAIN_AT(0x400000000), FOUND(480, 2560, 0xff0000) },
	{ "above 512 GiB", PLAIN_AT(0xfc10000000),
	  FOUND(480, 2560, 0xff0000) },
	{ "at address 0", PLAIN_AT(0), NOT_FOUND },
	{ "the other order", SCREEN(BYTES(640, 480), 640, 480, 640, RGB),
	  FOUND(480, 2560, 0x0000ff) },
	{ "a longer line", SCREEN(BYTES(1024, 480), 1000, 480, 1024, BGR),
	  FOUND(480, 4096, 0xff0000) },
	{ "a shorter line", SCREEN(BYTES(1000, 480), 1000, 480, 999, BGR),
	  NOT_FOUND },
	{ "a size too small",
	  SCREEN(BYTES(640, 100) + 2559, 640, 480, 640, BGR),
	  FOUND(100, 2560, 0xff0000) },
	{ "less than a line", SCREEN(2559, 640, 480, 640, BGR), NOT_FOUND },
	{ "masks", SCREEN(BYTES(640, 480), 640, 480, 640, PixelBitMask,
			  0x3ff00000, 0xffc00, 0x3ff, 0xc0000000),
	  FOUND(480, 2560, 0x3ff00000) },
	{ "16 bits a pixel",
	  SCREEN(BYTES(640, 480), 640, 480, 640, PixelBitMask, 0xf800, 0x7e0,
		 0x1f, 0), NOT_FOUND },
	{ "only Blt", SCREEN(BYTES(640, 480), 640, 480, 640, PixelBltOnly),
	  NOT_FOUND },
	{ "a format to come",
	  SCREEN(BYTES(640, 480), 640, 480, 640, PixelFormatMax), NOT_FOUND },
	{ "no width", SCREEN(BYTES(640, 480), 0, 480, 640, BGR), NOT_FOUND },
	{ "no height", SCREEN(BYTES(640, 480), 640, 0, 640, BGR), NOT_FOUND },
	{ "no line", SCREEN(BYTES(640, 480), 0, 480, 0, BGR), NOT_FOUND },
	{ "an endless line", SCREEN(UINT64_MAX, 640, 480, 0x40000001, BGR),
	  NOT_FOUND },
	{ "no protocol", { .kind = SCREEN_ABSENT }, NOT_FOUND },
	{ "no mode", { .kind = SCREEN_NO_MODE }, NOT_FOUND },
	{ "no info", { .kind = SCREEN_NO_INFO, .base = 0xc0000000,
		       .bytes = BYTES(640, 480) }, NOT_FOUND },
};

CASE(loader_finds_every_kind_of_screen)
{
	static const struct handover_framebuffer none;

	for (size_t i = 0; i < ARRAY_LENGTH(screens); i++) {
		const struct screen_case *screen = &screens[i];
		const struct handover_framebuffer *found;

		fake_pc_plain(&pc);
		pc.screen = screen->screen;
		CHECK_BOOTS(&pc, screen->name);
		found = &handover_of(fake_run)->framebuffer;
		if (!screen->found) {
			CHECK(memcmp(found, &none, sizeof(none)) == 0);
			continue;
		}
		CHECK(found->base.raw == screen->screen.base);
		CHECK(found->bytes == screen->screen.bytes);
		CHECK(found->width == screen->screen.info.HorizontalResolution);
		CHECK(found->height == screen->height);
		CHECK(found->pitch_bytes == screen->pitch_bytes);
		CHECK(found->red_mask == screen->red_mask);
	}
}

/* After the exit there is only the framebuffer, however small. */
CASE(loader_writes_its_last_words_on_the_screen)
{
	fake_pc_plain(&pc);
	pc.memory.refusals = 99;
	CHECK_RESETS(&pc, "a wide screen");
	CHECK(strstr(fake_screen_text(), "E exit: firmware keeps the machine "
					 "status=0x8000000000000002 tries=8"));
	for (unsigned width = 0; width <= 64; width += 8) {
		pc.screen.info.HorizontalResolution = width;
		pc.screen.info.VerticalResolution = 17 + width;
		fake_boot(&pc);
		CHECK(fake_run->ending == ENDED_RESET);
		CHECK(fake_run->violation[0] == '\0');
	}
	pc.screen.kind = SCREEN_ABSENT;
	CHECK_RESETS(&pc, "no screen");
}

/* Until the exit the user sees the firmware's console. */
CASE(loader_reports_a_broken_promise_where_it_is_seen)
{
	static const char words[] = "E loader: assertion failed at=here.c:7 "
				    "text=\"a promise\"";

	for (unsigned call = 1; call <= 3; call++) {
		bool console = call < 3;	/* the third is the exit's */

		fake_pc_plain(&pc);
		pc.assertion.service = SERVICE_GET_MAP;
		pc.assertion.first = call;
		fake_boot(&pc);
		CHECK(fake_run->ending == ENDED_RESET);
		CHECK(fake_run->violation[0] == '\0');
		CHECK(serial_says(words) && serial_says("action=reset"));
		CHECK(console_says(words) == console);
		CHECK((strstr(fake_screen_text(), words) != NULL) == !console);
	}
	pc.assertion.first = 1;
	pc.console = CONSOLE_ABSENT;
	fake_boot(&pc);
	CHECK(strstr(fake_screen_text(), words) != NULL);
}

/* The firmware need not map the framebuffer that it reports. */
CASE(loader_ends_when_the_screen_cannot_be_reached)
{
	fake_pc_plain(&pc);
	pc.fault_port = 0xa1;
	pc.screen.base = 0x100100000000;
	fake_boot(&pc);
	CHECK(fake_run->ending == ENDED_RESET && fake_run->faults == 2);
	CHECK(serial_says("loader: fault vector=14 error=0x2"));
	/* During the exit the firmware's own handlers are still in use. */
	pc.fault_port = 0;
	pc.memory.refusals = 99;
	fake_boot(&pc);
	CHECK(fake_run->ending == ENDED_RESET && fake_run->faults == 2);
	CHECK(serial_says("firmware keeps the machine"));
}

/* --- tables ---------------------------------------------------------------*/

static void add_table(EFI_GUID guid, uint64_t at)
{
	pc.tables[pc.table_count++] = (struct fake_table){ guid, (void *)at };
}

#define ACPI_1(at) add_table((EFI_GUID)ACPI_TABLE_GUID, at)
#define ACPI_2(at) add_table((EFI_GUID)ACPI_20_TABLE_GUID, at)

static bool rsdp_is(uint64_t at, uint64_t version)
{
	const struct handover *handover = handover_of(fake_run);

	return handover->rsdp.raw == at && handover->rsdp_version == version;
}

static void no_tables(void)
{
	fake_pc_plain(&pc);
	pc.table_count = 0;
}

CASE(loader_finds_the_best_acpi_there_is)
{
	no_tables();
	CHECK_BOOTS(&pc, "no tables");
	CHECK(rsdp_is(0, 0));
	ACPI_1(0x9200100);
	CHECK_BOOTS(&pc, "ACPI 1.0");
	CHECK(rsdp_is(0x9200100, 1));
	ACPI_2(0x9200200);
	CHECK_BOOTS(&pc, "ACPI 2.0 behind 1.0");
	CHECK(rsdp_is(0x9200200, 2));
	no_tables();
	ACPI_2(0x9200200);
	ACPI_1(0x9200100);
	CHECK_BOOTS(&pc, "ACPI 2.0 before 1.0");
	CHECK(rsdp_is(0x9200200, 2));
	no_tables();
	ACPI_2(0);
	ACPI_1(0x9200100);
	CHECK_BOOTS(&pc, "ACPI 2.0 at address 0, 1.0 behind");
	CHECK(rsdp_is(0x9200100, 1));
	no_tables();
	ACPI_1(0);
	CHECK_BOOTS(&pc, "ACPI 1.0 at address 0");
	CHECK(rsdp_is(0, 0));
	no_tables();
	ACPI_2(0x9200200);
	ACPI_2(0);
	CHECK_BOOTS(&pc, "ACPI 2.0 and the same at address 0");
	CHECK(rsdp_is(0x9200200, 2));
}

CASE(loader_finds_smbios)
{
	no_tables();
	add_table((EFI_GUID)SMBIOS_TABLE_GUID, 0x9240000);
	add_table((EFI_GUID)SMBIOS3_TABLE_GUID, 0x9241000);
	add_table((EFI_GUID)MPS_TABLE_GUID, 0x9242000);
	CHECK_BOOTS(&pc, "SMBIOS of both kinds");
	CHECK(handover_of(fake_run)->smbios.raw == 0x9240000);
	CHECK(handover_of(fake_run)->smbios3.raw == 0x9241000);
	CHECK(rsdp_is(0, 0));
}
