// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Controllers of all kinds. The fake has a queue for each device and answers
 * as in the reference, except for its faults.
 */
#include "check.h"

#include <base/bits.h>

#include <kernel/console/i8042.h>

#define QUEUE_BYTES	64
#define SECOND_US	1000000
#define NEVER		(1000 * (uint64_t)SECOND_US)

#define FULL		0x01
#define BUSY		0x02
#define SELF_TESTED	0x04
#define MOUSE		0x20

#define IRQS		0x03
#define KEYBOARD_OFF	0x10
#define MOUSE_OFF	0x20
#define TRANSLATE	0x40

struct queue {
	uint8_t bytes[QUEUE_BYTES];
	unsigned come, taken;
};

struct fake {
	struct i8042_ports ports;
	uint64_t now_us, port_us;	/* each access takes port_us         */
	unsigned accesses;

	uint8_t config;
	uint8_t expecting;		/* the command whose data byte comes */
	struct queue own;		/* answers of the controller         */
	struct queue keyboard;
	uint64_t keyboard_at_us;	/* its answers are there from then   */
	bool sends_keys;		/* the keyboard is switched on       */

	/* faults */
	int constant;			/* every port reads this; -1: none   */
	bool clock_stands;
	bool no_controller_answers;
	bool busy_for_ever;
	bool no_keyboard;
	bool mouse_floods;		/* in any state                      */
	bool config_wavers;		/* reads another value each time     */
	bool keys_for_ever;		/* so does the keyboard              */
	unsigned refusals;		/* times that it answers FE          */
	uint64_t answers_after_us;
};

static void push(struct queue *queue, uint8_t byte)
{
	queue->bytes[queue->come++ % QUEUE_BYTES] = byte;
}

static bool has_byte(const struct queue *queue)
{
	return queue->come != queue->taken;
}

static uint8_t pull(struct queue *queue)
{
	return queue->bytes[queue->taken++ % QUEUE_BYTES];
}

static bool keyboard_has_byte(const struct fake *fake)
{
	if ((fake->config & KEYBOARD_OFF) != 0)
		return false;
	return fake->keys_for_ever || (has_byte(&fake->keyboard) &&
				       fake->now_us >= fake->keyboard_at_us);
}

static uint8_t read_status(const struct fake *fake)
{
	uint8_t busy = fake->busy_for_ever ? BUSY : 0;

	bool ours = has_byte(&fake->own) || keyboard_has_byte(fake);

	/* In a flood, two bytes of three are from the mouse, or all. */
	if (fake->mouse_floods && (!ours || fake->accesses % 6 < 4))
		return SELF_TESTED | busy | FULL | MOUSE;
	return SELF_TESTED | busy | (ours ? FULL : 0);
}

static uint8_t read_data(struct fake *fake, uint8_t status)
{
	if ((status & MOUSE) != 0)
		return 0x08;
	if (has_byte(&fake->own))
		return pull(&fake->own);
	if (fake->keys_for_ever)
		return 0x1e;
	return has_byte(&fake->keyboard) ? pull(&fake->keyboard) : 0;
}

static uint8_t fake_read(struct i8042_ports *ports, uint16_t port)
{
	struct fake *fake = (struct fake *)ports;
	/* Status and data of one access pair must agree. */
	uint8_t status = read_status(fake);

	fake->now_us += fake->port_us;
	if (fake->constant >= 0) {
		fake->accesses++;
		return (uint8_t)fake->constant;
	}
	if (port == I8042_STATUS) {
		fake->accesses += (status & FULL) == 0;
		return status;
	}
	CHECK(port == I8042_DATA);
	fake->accesses++;
	return read_data(fake, status);
}

static void keyboard_hears(struct fake *fake, uint8_t byte)
{
	if (fake->no_keyboard)
		return;
	fake->keyboard_at_us = fake->now_us + fake->answers_after_us;
	if (fake->refusals > 0) {
		fake->refusals--;
		push(&fake->keyboard, 0xfe);
		return;
	}
	if (byte == 0xf6 || byte == 0xf5)
		fake->sends_keys = false;
	if (byte == 0xf4)
		fake->sends_keys = true;
	push(&fake->keyboard, 0xfa);
}

static void controller_hears(struct fake *fake, uint8_t command)
{
	if (fake->no_controller_answers)
		return;
	switch (command) {
	case 0x20:
		fake->config ^= fake->config_wavers ? SELF_TESTED : 0;
		push(&fake->own, fake->config);
		break;
	case 0x60:
		fake->expecting = command;
		break;
	case 0xa7:
		fake->config |= MOUSE_OFF;
		break;
	case 0xad:
		fake->config |= KEYBOARD_OFF;
		break;
	case 0xae:
		fake->config &= ~KEYBOARD_OFF;
		break;
	default:
		printf("# command %#x\n", command);
		CHECK(false);
	}
}

static void fake_write(struct i8042_ports *ports, uint16_t port, uint8_t value)
{
	struct fake *fake = (struct fake *)ports;

	fake->now_us += fake->port_us;
	fake->accesses++;
	CHECK(!fake->busy_for_ever);
	if (port == I8042_COMMAND) {
		controller_hears(fake, value);
	} else if (fake->expecting == 0x60) {
		fake->expecting = 0;
		fake->config = value;
	} else {
		keyboard_hears(fake, value);
	}
}

static uint64_t fake_now_us(struct i8042_ports *ports)
{
	struct fake *fake = (struct fake *)ports;

	return fake->clock_stands ? 0 : fake->now_us;
}

/*
 * A controller without faults, as firmware leaves it: interrupts on, keys
 * translated.
 */
static struct fake healthy(void)
{
	return (struct fake){
		.ports = { fake_read, fake_write, fake_now_us },
		.port_us = 1,
		.config = IRQS | SELF_TESTED | TRANSLATE,
		.constant = -1,
		.sends_keys = true,
	};
}

static enum i8042_found start(struct fake *fake)
{
	enum i8042_found found = i8042_start(&fake->ports);

	CHECK(fake->now_us < 5 * SECOND_US);
	return found;
}

/* The bytes that a keyboard sends for a key come out of i8042_poll. */
static bool hears_keys(struct fake *fake)
{
	unsigned polls = 0;
	int byte;

	if ((fake->config & KEYBOARD_OFF) != 0 || !fake->sends_keys)
		return false;
	fake->keyboard_at_us = 0;
	push(&fake->keyboard, 0x1e);
	/* Answers that came late may be among the keys. */
	do {
		byte = i8042_poll(&fake->ports);
	} while ((byte < 0 || byte == 0xfa) && polls++ < QUEUE_BYTES);
	return byte == 0x1e;
}

CASE(i8042_makes_a_healthy_keyboard_ready)
{
	struct fake fake = healthy();

	CHECK(start(&fake) == I8042_KEYBOARD);
	CHECK(fake.config == (SELF_TESTED | TRANSLATE | MOUSE_OFF));
	CHECK(hears_keys(&fake));
	CHECK(i8042_poll(&fake.ports) == -1);
	CHECK(fake.now_us < 2000);
}

CASE(i8042_turns_on_what_a_firmware_left_off)
{
	struct fake fake = healthy();

	fake.config = KEYBOARD_OFF | IRQS;
	fake.sends_keys = false;
	CHECK(start(&fake) == I8042_KEYBOARD);
	CHECK(fake.config == (TRANSLATE | MOUSE_OFF));
	CHECK(hears_keys(&fake));
}

CASE(i8042_throws_away_what_was_typed_before)
{
	struct fake fake = healthy();

	for (unsigned i = 0; i < 16; i++)
		push(&fake.own, 0x1e);
	CHECK(start(&fake) == I8042_KEYBOARD);
	CHECK(fake.config == (SELF_TESTED | TRANSLATE | MOUSE_OFF));
	CHECK(i8042_poll(&fake.ports) == -1);
}

/* Ports that always read the same must not hang the call. */
CASE(i8042_finds_no_controller_whatever_ports_read)
{
	for (int constant = 0; constant <= 0xff; constant++) {
		struct fake fake = healthy();

		fake.constant = constant;
		CHECK(start(&fake) == I8042_NONE);
		fake.now_us = 0;
		for (unsigned i = 0; i < 10; i++)
			i8042_poll(&fake.ports);
		CHECK(fake.now_us < 1000);
	}
	{
		struct fake fake = healthy();

		fake.constant = 0xff;
		CHECK(start(&fake) == I8042_NONE);
		CHECK(fake.now_us == 1);
		CHECK(i8042_poll(&fake.ports) == -1);
	}
}

CASE(i8042_ends_without_a_clock)
{
	static const int constants[] = { 0x00, 0x02, 0x14 };

	for (unsigned i = 0; i < ARRAY_LENGTH(constants); i++) {
		struct fake fake = healthy();

		fake.constant = constants[i];
		fake.clock_stands = true;
		CHECK(start(&fake) == I8042_NONE);
	}
}

CASE(i8042_ends_with_slow_ports)
{
	struct fake fake = healthy();

	fake.port_us = 1000;	/* every access traps into the firmware */
	CHECK(start(&fake) == I8042_KEYBOARD);
	CHECK(hears_keys(&fake));
}

CASE(i8042_gives_up_a_controller_that_does_not_work)
{
	struct fake deaf = healthy(), busy = healthy(), wavers = healthy();

	deaf.no_controller_answers = true;
	CHECK(start(&deaf) == I8042_NONE);
	busy.busy_for_ever = true;
	CHECK(start(&busy) == I8042_NONE);
	wavers.config_wavers = true;
	CHECK(start(&wavers) == I8042_NONE);
}

CASE(i8042_waits_for_a_keyboard_that_is_plugged_in_later)
{
	struct fake fake = healthy();

	fake.no_keyboard = true;
	CHECK(start(&fake) == I8042_SILENT);
	CHECK(fake.now_us < SECOND_US);
	CHECK(hears_keys(&fake));
}

CASE(i8042_hears_a_keyboard_that_answers_late)
{
	struct fake fake = healthy();

	fake.answers_after_us = 200000;
	CHECK(start(&fake) == I8042_KEYBOARD);
	CHECK(hears_keys(&fake));

	fake = healthy();
	fake.answers_after_us = NEVER;
	CHECK(start(&fake) == I8042_SILENT);
	CHECK(hears_keys(&fake));
}

CASE(i8042_says_it_again_when_the_keyboard_did_not_understand)
{
	struct fake fake = healthy();

	fake.refusals = 2;
	CHECK(start(&fake) == I8042_KEYBOARD);
	CHECK(hears_keys(&fake));
	/* But not for ever. */
	fake = healthy();
	fake.refusals = 1000;
	CHECK(start(&fake) == I8042_SILENT);
}

CASE(i8042_looks_for_the_answer_behind_keys)
{
	struct fake fake = healthy();

	/* Typed while the controller was being set up. */
	push(&fake.keyboard, 0x1e);
	push(&fake.keyboard, 0x9e);
	CHECK(start(&fake) == I8042_KEYBOARD);
	CHECK(hears_keys(&fake));
	/* A key that is held for ever: the call must return, too. */
	fake = healthy();
	fake.keys_for_ever = true;
	CHECK(start(&fake) == I8042_SILENT);
	CHECK(i8042_poll(&fake.ports) == 0x1e);
}

CASE(i8042_keeps_the_keyboard_when_the_mouse_floods)
{
	struct fake fake = healthy();

	fake.mouse_floods = true;
	CHECK(start(&fake) == I8042_KEYBOARD);
	CHECK(hears_keys(&fake));
	/* One poll is short, however many bytes the mouse sends. */
	fake.constant = FULL | MOUSE;
	fake.accesses = 0;
	CHECK(i8042_poll(&fake.ports) == -1);
	CHECK(fake.accesses <= 64);
}
