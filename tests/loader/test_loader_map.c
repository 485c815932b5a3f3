// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Maps of all kinds: any stride and order, entries that overlap or are
 * impossible, hundreds of them, more at every call. The loader's result for
 * each is compared with mm/region over the same bytes;
 * tests/unit/mm/test_region.c tests the rules themselves.
 */
#include "verdict.h"

#include <base/bits.h>

#define RANDOM_MACHINES	250

static struct fake_pc pc;

static void lie(uint64_t start, uint64_t pages, uint32_t type,
		uint64_t attributes)
{
	fake_row_add(pc.memory.lies, &pc.memory.lie_count, (struct fake_row){
		.start = start, .pages = pages, .type = type,
		.attributes = attributes });
}

static void set_mem(const CHAR16 *text, size_t bytes)
{
	pc.load_options = text;
	pc.load_option_bytes = (uint32_t)bytes;
}

#define SET_OPTIONS(text) set_mem(L"" text, sizeof(L"" text))

CASE(loader_reads_maps_of_any_stride)
{
	static const UINTN strides[] = { 40, 41, 44, 48, 52, 56, 64, 88, 128 };

	for (size_t i = 0; i < ARRAY_LENGTH(strides); i++) {
		fake_pc_plain(&pc);
		pc.memory.stride = strides[i];
		CHECK_BOOTS(&pc, "stride");
	}
}

CASE(loader_refuses_an_impossible_stride)
{
	static const UINTN strides[] = { 0, 1, 39, 4097, 16384 };

	for (size_t i = 0; i < ARRAY_LENGTH(strides); i++) {
		fake_pc_plain(&pc);
		pc.memory.stride = strides[i];
		CHECK_REFUSES(&pc, "impossible stride");
	}
}

CASE(loader_reads_maps_in_any_order)
{
	fake_pc_plain(&pc);
	pc.memory.order = ORDER_REVERSED;
	CHECK_BOOTS(&pc, "reversed");
	pc.memory.order = ORDER_SHUFFLED;
	CHECK_BOOTS(&pc, "shuffled");
	pc.memory.refusals = 3;
	pc.memory.refusal_rows = 5;
	CHECK_BOOTS(&pc, "shuffled anew at every try");
}

CASE(loader_reads_a_map_of_600_entries)
{
	static const uint32_t types[] = { 0, 3, 4, 9, 10, 6, 2 };

	fake_pc_plain(&pc);
	for (unsigned i = 0; i < 290; i++)
		fake_row_carve(pc.memory.rows, &pc.memory.row_count,
			       (struct fake_row){
			.start = GROWTH_END - (2 * i + 2) * 16 * PAGE_SIZE,
			.pages = 1 + i % 9,
			.type = types[i % ARRAY_LENGTH(types)],
			.attributes = 0xf });
	CHECK(pc.memory.row_count > 590);
	pc.memory.stride = 64;
	CHECK_BOOTS(&pc, "600 entries");
	pc.memory.order = ORDER_SHUFFLED;
	pc.processor.edx_80000001 &= ~(1u << 26);
	CHECK_BOOTS(&pc, "600 entries, shuffled, no 1 GiB pages");
}

CASE(loader_lets_the_strictest_entry_win)
{
	fake_pc_plain(&pc);
	lie(GROWTH_START + 0x5000, 3, 0, 0);
	lie(GROWTH_START + 0x6000, 1, 0, 0);
	lie(GROWTH_START + 0x5000, 3, 0, 0);
	lie(0x200000, 16, 10, 0xf);
	lie(0x300000, 16, 6, 0xf | 1UL << 63);
	lie(0x400000, 1, 15, 0xf);
	lie(0x500000, 1, 14, 0xf);
	lie(0x600000, 1, 7, 0x4000f);
	lie(0x700000, 1, 7, 0);
	CHECK_BOOTS(&pc, "nested and overlapping");
}

CASE(loader_is_not_led_astray_by_odd_entries)
{
	fake_pc_plain(&pc);
	lie(0, 1, 6, 0xf | 1UL << 63);
	lie(1UL << 40, 0x4000, 0, 0);
	lie(1UL << 50, 0x1000, 0, 0);
	lie(1UL << 41, 0x1000, 7, 0xf);
	lie(0x8000000000000000, 1, 7, 0xf);
	lie(0xfffffffffffff000, 2, 7, 0xf);
	lie(0x180000000, UINT64_MAX, 11, 0);
	lie(0x30000000, 0, 0, 0);
	lie(0x30001234, 1, 0, 0);
	lie(0x31000000, 1, 0x70000000, 0xf);
	lie(0x32000000, 1, 0x80000000, 0xf);
	lie(0x33000000, 1, 0xffffffff, UINT64_MAX);
	lie(0x34000000, 1, 7, 0xf | 1UL << 59);
	CHECK_BOOTS(&pc, "odd entries");
	pc.memory.order = ORDER_REVERSED;
	CHECK_BOOTS(&pc, "odd entries, reversed");
}

/* The map calls pages that were just allocated the firmware's. */
static void check_claim(uint64_t start, uint64_t pages, uint64_t attributes)
{
	fake_pc_plain(&pc);
	lie(start, pages, 7, attributes);
	CHECK_REFUSES(&pc, "claimed before the exit");
	CHECK(console_says("E exit: the map claims our pages back"));
	CHECK(serial_says("W exit: claimed start=0x"));
	pc.memory.lies_from = 3;
	CHECK_RESETS(&pc, "claimed at the exit");
	CHECK(serial_says("E exit: the map claims our pages back"));
}

CASE(loader_stops_when_the_map_claims_its_pages)
{
	check_claim(BACKED_MAIN, (BACKED_MAIN_END - BACKED_MAIN) / PAGE_SIZE,
		    0);
	/* A page of the image; the last of the handover. */
	check_claim(BACKED_HIGH_END - 2 * SIZE_2M, 1, 0xf | 1UL << 63);
	check_claim(BACKED_MAIN_END - PAGE_SIZE, 1, 0x4000f);
}

CASE(loader_boots_although_the_map_grows)
{
	static const unsigned rows[] = { 1, 8, 31, 33, 64, 65, 100 };
	static const uint32_t types[] = { EfiBootServicesData,
					  EfiReservedMemoryType };

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		for (unsigned from = 1; from <= 5; from++) {
			fake_pc_plain(&pc);
			pc.memory.grow_from = from;
			pc.memory.grow_rows = rows[i];
			pc.memory.grow_type = types[i % 2];
			pc.memory.refusals = from % 3;
			CHECK(pc_ends_well(&pc, "growth"));
			/* Within the spare room it must boot. */
			if (rows[i] < 16)
				CHECK(fake_run->ending == ENDED_JUMPED);
		}
	}
}

/*
 * A growth beyond the spare room: new buffers, and a new pool for the tables.
 */
CASE(loader_makes_room_for_a_leap)
{
	for (unsigned call = 2; call <= 4; call++) {
		fake_pc_plain(&pc);
		pc.memory.refusals = 1;
		pc.memory.refusal_rows = call == 4 ? 200 : 0;
		pc.memory.grow_type = EfiReservedMemoryType;
		if (call < 4) {
			/* Too small, once: as if it had just grown. */
			pc.failures[0] = (struct fake_failure){
				SERVICE_GET_MAP, call, 1,
				EFI_BUFFER_TOO_SMALL };
		}
		CHECK_BOOTS(&pc, "one leap");
	}
	CHECK(handover_of(fake_run)->raw_map_bytes > 400 * 48);
}

/* The advice depends on the cause. */
CASE(loader_says_why_there_is_no_map)
{
	fake_pc_plain(&pc);
	pc.failures[0] = (struct fake_failure){ SERVICE_GET_MAP, 1, UINT32_MAX,
						EFI_DEVICE_ERROR };
	CHECK_REFUSES(&pc, "no map at all");
	CHECK(console_says("exit: the firmware gives no map try="));
	pc.failures[0].first = 2;
	CHECK_REFUSES(&pc, "a size and no map");
	CHECK(console_says("exit: the firmware gives no map try="));
	pc.failures[0] = (struct fake_failure){ SERVICE_ALLOCATE_PAGES, 5,
						UINT32_MAX,
						EFI_OUT_OF_RESOURCES };
	CHECK_REFUSES(&pc, "no memory");
	CHECK(console_says("exit: no room for map and tables try="));
	fake_pc_plain(&pc);
	pc.memory.grow_from = 1;
	pc.memory.grow_rows = 40;	/* each makes two of one */
	CHECK_REFUSES(&pc, "growth without end");
	CHECK(console_says("exit: the map never stops growing try="));
	pc.memory.grow_from = 3;
	CHECK_REFUSES(&pc, "growth from the exit on");
	CHECK(console_says("exit: the map never stops growing try="));
	fake_pc_plain(&pc);
	pc.memory.stride = 39;
	CHECK_REFUSES(&pc, "an impossible stride");
	CHECK(console_says("exit: a map that cannot be read try="));
}

/* After a refused exit as well. */
CASE(loader_says_why_it_stops)
{
	fake_pc_plain(&pc);
	pc.memory.refusals = 99;
	CHECK_RESETS(&pc, "the exit");
	CHECK(serial_says("exit: firmware keeps the machine status="));
	pc.failures[0] = (struct fake_failure){ SERVICE_GET_MAP, 4, UINT32_MAX,
						EFI_DEVICE_ERROR };
	CHECK_RESETS(&pc, "no second map");
	CHECK(serial_says("exit: the firmware gives no map try="));
	pc.failures[0] = (struct fake_failure){ SERVICE_ALLOCATE_PAGES, 13,
						UINT32_MAX,
						EFI_OUT_OF_RESOURCES };
	pc.memory.refusal_rows = 100;
	CHECK_RESETS(&pc, "no memory for a second map");
	CHECK(serial_says("exit: no room for map and tables try="));
}

CASE(loader_obeys_mem)
{
	fake_pc_plain(&pc);
	SET_OPTIONS("mem=64M");
	CHECK_BOOTS(&pc, "mem=64M");
	CHECK(handover_of(fake_run)->usable_limit == 64 * MIB);
	for (size_t i = 0; i < fake_run->alloc_count; i++)
		CHECK(fake_run->allocs[i].start + fake_run->allocs[i].pages *
		      PAGE_SIZE <= 64 * MIB);
	SET_OPTIONS("mem=67108865");
	CHECK_BOOTS(&pc, "mem= in the middle of a page");
	SET_OPTIONS("mem=100000001");
	CHECK_BOOTS(&pc, "mem= a little more");
	SET_OPTIONS("mem=1M");
	CHECK_BOOTS(&pc, "mem= below the minimum is ignored");
	CHECK(handover_of(fake_run)->usable_limit == 1UL << 40);
	SET_OPTIONS("mem=5G");
	CHECK_BOOTS(&pc, "mem=5G");
	SET_OPTIONS("mem=64T");
	CHECK_BOOTS(&pc, "mem= more than there can be");
}

CASE(loader_refuses_when_mem_leaves_nothing)
{
	fake_pc_plain(&pc);
	fake_row_carve(pc.memory.rows, &pc.memory.row_count,
		       (struct fake_row){ .start = BACKED_MAIN,
			.pages = (64 * MIB - BACKED_MAIN) / PAGE_SIZE,
			.attributes = 0xf, .type = EfiBootServicesCode });
	SET_OPTIONS("mem=64M");
	CHECK_REFUSES(&pc, "nothing below mem=");
}

static bool stands_on_bad_memory(const struct handover *handover,
				 uint64_t start, uint64_t end)
{
	const struct owned_run *runs =
		(const void *)handover->owned.address.raw;

	for (uint32_t i = 0; i < handover->owned.count; i++)
		if (runs[i].first.raw * PAGE_SIZE < end &&
		    start < (runs[i].first.raw + runs[i].frames) * PAGE_SIZE)
			return true;
	return false;
}

CASE(loader_keeps_away_from_bad_memory)
{
	fake_pc_plain(&pc);
	SET_OPTIONS("memmap=1M$0x8f00000 memmap=12K$0x8e00000 "
		    "memmap=2M$0x141e00000");
	CHECK_BOOTS(&pc, "bad memory above");
	CHECK(!stands_on_bad_memory(handover_of(fake_run), 0x8f00000,
				    0x9000000));
	CHECK(!stands_on_bad_memory(handover_of(fake_run), 0x141e00000,
				    0x142000000));
	pc.memory.lowest_first = true;
	SET_OPTIONS("memmap=3M$0x1000000 memmap=4K$0x1400000");
	CHECK_BOOTS(&pc, "bad memory below");
	CHECK(!stands_on_bad_memory(handover_of(fake_run), 0x1000000,
				    0x1300000));
	CHECK(!stands_on_bad_memory(handover_of(fake_run), 0x1400000,
				    0x1401000));
	pc.memory.bears_large = true;
	SET_OPTIONS("memmap=3G$16M");
	CHECK_REFUSES(&pc, "all that is low is bad");
	CHECK(serial_says("W memory: no good place"));
}

/* --- random machines ------------------------------------------------------*/

static uint64_t prng;

static uint64_t draw(uint64_t sides)
{
	return check_random(&prng) % sides;
}

/* Adds an entry outside the memory that can be allocated. */
static void random_lie(void)
{
	static const uint64_t homes[] = {
		0, 0x100000, GROWTH_START + 0x8000000, 0x80000000,
		0xffff0000, 0x150000000, 1UL << 40, 1UL << 44, 1UL << 51,
		UINT64_MAX - 0xffff,
	};
	static const uint32_t types[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
					  11, 12, 13, 14, 15, 0x70000001 };
	static const uint64_t attributes[] = { 0xf, 0xf, 0xf, 0, 8, 0x4000f,
					       0x800000000000000f };
	uint64_t home = draw(ARRAY_LENGTH(homes));
	uint64_t pages = draw(4) == 0 ? draw(UINT64_MAX) : draw(256);
	uint32_t type = types[draw(ARRAY_LENGTH(types))];

	/* A long one must not reach a backed range: it could be mapped. */
	if (home < 5)
		pages %= 256;
	else if (home < 7 || type == EfiACPIReclaimMemory)
		pages %= 1 << 22;
	lie(homes[home] + draw(64) * PAGE_SIZE, pages, type,
	    attributes[draw(ARRAY_LENGTH(attributes))]);
}

static void random_memory(void)
{
	static const UINTN strides[] = { 40, 48, 56, 64, 96 };

	pc.memory.stride = strides[draw(ARRAY_LENGTH(strides))];
	pc.memory.order = (enum fake_order)draw(3);
	for (uint64_t i = draw(12); i > 0; i--)
		random_lie();
	for (uint64_t i = draw(6); i > 0; i--)
		fake_row_carve(pc.memory.rows, &pc.memory.row_count,
			       (struct fake_row){
			.start = BACKED_MAIN + (i * 20 + draw(10)) * MIB,
			.pages = 1 + draw(512), .attributes = 0xf,
			.type = (uint32_t)(3 + draw(2)) });
	if (draw(3) == 0)
		fake_row_carve(pc.memory.rows, &pc.memory.row_count,
			       (struct fake_row){
			.start = BACKED_HIGH, .type = EfiBootServicesData,
			.pages = (BACKED_HIGH_END - BACKED_HIGH) / PAGE_SIZE,
			.attributes = 0xf });
	pc.memory.refusals = (unsigned)(draw(2) * draw(10));
	pc.memory.refusal_rows = (unsigned)draw(40);
	pc.memory.grow_from = (unsigned)draw(6);
	pc.memory.grow_rows = (unsigned)(draw(2) * draw(90));
	pc.memory.grow_type = (uint32_t)(draw(2) * 4);
}

static void random_failures(void)
{
	static const EFI_STATUS statuses[] = {
		EFI_OUT_OF_RESOURCES, EFI_NOT_FOUND, EFI_DEVICE_ERROR,
		EFI_INVALID_PARAMETER, EFI_BUFFER_TOO_SMALL,
	};

	for (uint64_t i = draw(3); i > 0; i--)
		pc.failures[i - 1] = (struct fake_failure){
			.service = (enum fake_service)draw(SERVICE_COUNT),
			.first = 1 + (unsigned)draw(12),
			.calls = draw(2) ? 1 : UINT32_MAX,
			.status = statuses[draw(ARRAY_LENGTH(statuses))],
		};
}

static void random_machine(void)
{
	static const uint32_t bits[] = { 36, 39, 40, 46, 52 };

	pc.processor.physical_bits = bits[draw(ARRAY_LENGTH(bits))];
	pc.processor.edx_1 ^= (uint32_t)draw(2) << 13;
	pc.processor.edx_80000001 ^= (uint32_t)draw(2) << 26;
	pc.processor.ecx_1 ^= (uint32_t)draw(2) << 31;
	pc.console = (enum fake_console)draw(3);
	pc.serial = (enum fake_serial)draw(3);
	pc.serial_patience = (unsigned)draw(300);
	pc.has_attribute_protocol = draw(2);
	pc.secure_boot = (enum fake_variable)draw(3);
	pc.has_pit = draw(2);
	if (draw(4) == 0)
		SET_OPTIONS("BOOTX64.EFI mem=100M nosmp");
	if (draw(3) != 0)
		return;
	pc.kernel = (struct fake_file){
		.kind = FILE_PLAIN, .data = pc.embedded,
		.bytes = sizeof(pc.embedded) - draw(2) * draw(200) };
}

CASE(loader_survives_random_machines)
{
	prng = check_seed();
	for (unsigned i = 0; i < RANDOM_MACHINES; i++) {
		char name[64];
		unsigned long seed = prng;

		fake_pc_plain(&pc);
		random_memory();
		random_failures();
		random_machine();
		snprintf(name, sizeof(name), "random machine %u, seed %#lx",
			 i, seed);
		CHECK(pc_ends_well(&pc, name));
	}
}
