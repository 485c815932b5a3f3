// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * No table says reliably whether there is a controller: a third of the laptops
 * with a PS/2 keyboard leave the FADT's bit for it clear, so the ports are
 * probed. Without a controller they read FF, 00 or random values, for ever; in
 * some machines the firmware emulates one in SMM for a USB keyboard, slowly
 * and in part. So:
 *
 *   - every wait is bounded by the clock, and by a count in case the clock
 *     stands still;
 *   - only necessary facts are checked: the status is plausible, and the
 *     command for the configuration byte is answered, twice the same;
 *   - the controller's self-test is not run. The firmware has run it, it
 *     resets the configuration of some chips and it fails on some laptops
 *     whose keyboard works;
 *   - the keyboard is not reset, which takes up to a second, but told to take
 *     its defaults and to send keys. A late answer is then read as a key, and
 *     is no valid one.
 *
 * The order: both devices off, so that no byte comes between a command and its
 * answer; the buffer emptied; the configuration; the keyboard on. The mouse
 * stays off. If it sends nevertheless, its bytes are marked in the status and
 * are dropped.
 * Source: IBM PS/2 keyboard and auxiliary device controller reference.
 */
#include "i8042.h"

#include <stdbool.h>

#define STATUS_FULL		0x01	/* a byte can be read                */
#define STATUS_BUSY		0x02	/* it has not taken the last byte    */
#define STATUS_MOUSE		0x20	/* the byte is from the mouse        */
#define STATUS_ABSENT		0xff

#define COMMAND_READ_CONFIG	0x20
#define COMMAND_WRITE_CONFIG	0x60
#define COMMAND_MOUSE_OFF	0xa7
#define COMMAND_KEYBOARD_OFF	0xad
#define COMMAND_KEYBOARD_ON	0xae

#define CONFIG_KEYBOARD_IRQ	0x01
#define CONFIG_MOUSE_IRQ	0x02
#define CONFIG_KEYBOARD_OFF	0x10
#define CONFIG_MOUSE_OFF	0x20
#define CONFIG_TRANSLATE	0x40	/* the keyboard's set 2 into set 1   */
#define CONFIG_ABSENT		0xff

#define KEYBOARD_DEFAULTS	0xf6
#define KEYBOARD_SEND_KEYS	0xf4
#define ANSWER_YES		0xfa
#define ANSWER_AGAIN		0xfe

#define CONTROLLER_US		250000
#define KEYBOARD_US		300000
/* A port read takes a microsecond, or none at all on a fast emulator. */
#define POLLS_MAX		1000000
#define FLUSH_MAX		256
#define BUFFERED_MAX		64	/* bytes that a keyboard may hold    */
#define CONFIG_READS_MAX	10
#define ASK_MAX			3
#define MOUSE_BYTES_MAX		16

struct wait {
	uint64_t end_us;
	unsigned polls;
};

static struct wait wait_for_us(struct i8042_ports *ports, uint64_t us)
{
	return (struct wait){ ports->now_us(ports) + us, POLLS_MAX };
}

static bool wait_goes_on(struct i8042_ports *ports, struct wait *wait)
{
	return --wait->polls > 0 && ports->now_us(ports) < wait->end_us;
}

static bool send(struct i8042_ports *ports, uint16_t port, uint8_t value)
{
	struct wait wait = wait_for_us(ports, CONTROLLER_US);

	do {
		if ((ports->read(ports, I8042_STATUS) & STATUS_BUSY) == 0) {
			ports->write(ports, port, value);
			return true;
		}
	} while (wait_goes_on(ports, &wait));
	return false;
}

/* The next byte that is not from the mouse; -1 when `wait` is over. */
static int receive(struct i8042_ports *ports, struct wait *wait)
{
	while (wait_goes_on(ports, wait)) {
		uint8_t status = ports->read(ports, I8042_STATUS);
		uint8_t byte;

		if ((status & STATUS_FULL) == 0)
			continue;
		byte = ports->read(ports, I8042_DATA);
		if ((status & STATUS_MOUSE) == 0)
			return byte;
	}
	return -1;
}

/*
 * Empties the buffer. False when it never becomes empty: such ports are no
 * controller. Bytes of a mouse that keeps sending do not count.
 */
static bool flush(struct i8042_ports *ports)
{
	unsigned keyboard_bytes = 0;

	for (unsigned i = 0; i < FLUSH_MAX; i++) {
		uint8_t status = ports->read(ports, I8042_STATUS);

		if ((status & STATUS_FULL) == 0)
			return true;
		(void)ports->read(ports, I8042_DATA);
		keyboard_bytes += (status & STATUS_MOUSE) == 0;
	}
	return keyboard_bytes <= BUFFERED_MAX;
}

/* -1 when there is no answer, or never the same one twice. */
static int read_config(struct i8042_ports *ports)
{
	int before = -1;

	for (unsigned i = 0; i < CONFIG_READS_MAX; i++) {
		struct wait wait;
		int config;

		if (!send(ports, I8042_COMMAND, COMMAND_READ_CONFIG))
			return -1;
		wait = wait_for_us(ports, CONTROLLER_US);
		config = receive(ports, &wait);
		if (config < 0 || config == before)
			return config;
		before = config;
	}
	return -1;
}

static bool write_config(struct i8042_ports *ports, uint8_t config)
{
	return send(ports, I8042_COMMAND, COMMAND_WRITE_CONFIG) &&
	       send(ports, I8042_DATA, config);
}

/* Sends one command to the keyboard. False when it does not acknowledge. */
static bool ask_keyboard(struct i8042_ports *ports, uint8_t command)
{
	struct wait wait = wait_for_us(ports, KEYBOARD_US);

	for (unsigned i = 0; i < ASK_MAX; i++) {
		int answer;

		if (!send(ports, I8042_DATA, command))
			return false;
		/* Skip a key that was sent before the answer. */
		do {
			answer = receive(ports, &wait);
		} while (answer >= 0 && answer != ANSWER_YES &&
			 answer != ANSWER_AGAIN);
		if (answer != ANSWER_AGAIN)
			return answer == ANSWER_YES;
	}
	return false;
}

enum i8042_found i8042_start(struct i8042_ports *ports)
{
	bool defaults, sends;
	int config;

	if (ports->read(ports, I8042_STATUS) == STATUS_ABSENT)
		return I8042_NONE;
	if (!send(ports, I8042_COMMAND, COMMAND_KEYBOARD_OFF) ||
	    !send(ports, I8042_COMMAND, COMMAND_MOUSE_OFF) || !flush(ports))
		return I8042_NONE;
	config = read_config(ports);
	if (config < 0 || config == CONFIG_ABSENT)
		return I8042_NONE;
	config &= ~(CONFIG_KEYBOARD_IRQ | CONFIG_MOUSE_IRQ |
		    CONFIG_KEYBOARD_OFF);
	config |= CONFIG_TRANSLATE | CONFIG_MOUSE_OFF;
	if (!write_config(ports, (uint8_t)config) ||
	    !send(ports, I8042_COMMAND, COMMAND_KEYBOARD_ON))
		return I8042_NONE;
	defaults = ask_keyboard(ports, KEYBOARD_DEFAULTS);
	sends = ask_keyboard(ports, KEYBOARD_SEND_KEYS);
	return defaults || sends ? I8042_KEYBOARD : I8042_SILENT;
}

int i8042_poll(struct i8042_ports *ports)
{
	for (unsigned i = 0; i < MOUSE_BYTES_MAX; i++) {
		uint8_t status = ports->read(ports, I8042_STATUS);
		uint8_t byte;

		if (status == STATUS_ABSENT || (status & STATUS_FULL) == 0)
			return -1;
		byte = ports->read(ports, I8042_DATA);
		if ((status & STATUS_MOUSE) == 0)
			return byte;
	}
	return -1;
}
