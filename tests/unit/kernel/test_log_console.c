// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The log, its consoles and the serial port, with a UART that takes time for
 * each byte. Time is virtual: it passes with port accesses and locks. Another
 * CPU calls this one every IPI_EVERY_NS; the call is answered as soon as
 * interrupts are on.
 */
#include "check.h"

/* Instead of include/arch/instructions.h. */
#define ARCH_INSTRUCTIONS_H
#include <stdint.h>

static uint8_t in8(uint16_t port);
static void out8(uint16_t port, uint8_t value);

#include <kernel/log/log.c>
#include <kernel/log/log_console.c>
#include <kernel/log/serial.c>

#define PORT		0x3f8
#define ACCESS_NS	1000UL
#define LOCK_NS		100UL
#define IPI_EVERY_NS	70001UL

static uint64_t now_ns, next_ipi_ns, longest_wait_ns, ipis;
static bool interrupts_enabled;
static enum cpu_context context;

static struct {
	uint64_t byte_ns, done_ns;
	unsigned fifo;
	bool dead;
	unsigned overruns;
	char text[64 * 1024];
	size_t bytes;
} uart;

static char shown[64 * 1024];		/* on the second console             */
static size_t shown_bytes;
static unsigned raised, raised_cpu;
static unsigned cpu;			/* the running CPU                   */
static unsigned lines_to_add;		/* by another, during a chunk        */

static void answer_ipis(void)
{
	for (; interrupts_enabled && next_ipi_ns <= now_ns; ipis++) {
		uint64_t wait = now_ns - next_ipi_ns;

		longest_wait_ns = wait > longest_wait_ns ? wait :
							   longest_wait_ns;
		next_ipi_ns += IPI_EVERY_NS;
		if (next_ipi_ns < now_ns)
			next_ipi_ns = now_ns + IPI_EVERY_NS;
	}
}

static void pass(uint64_t ns)
{
	now_ns += ns;
	answer_ipis();
}

/* Another CPU logs a line while this one writes. */
static void add_line(void)
{
	if (lines_to_add == 0)
		return;
	lines_to_add--;
	cpu = 4;
	log_line(LOG_INFO, "line=%u of another", lines_to_add);
	cpu = 3;
}

static uint8_t in8(uint16_t port)
{
	uint64_t left;

	pass(ACCESS_NS);
	left = uart.done_ns > now_ns ? uart.done_ns - now_ns : 0;
	if (port == PORT + UART_FIFO)
		return uart.fifo > 1 ? 0xc1 : 0x01;
	if (port == PORT + UART_STATUS && !uart.dead)
		return (left <= uart.byte_ns ? UART_CAN_SEND : 0) |
		       (left == 0 ? UART_ALL_SENT : 0);
	return port == PORT + UART_SCRATCH ? 0x5a : 0;
}

static void out8(uint16_t port, uint8_t value)
{
	uint64_t left;

	pass(ACCESS_NS);
	if (port != PORT + UART_DATA || uart.byte_ns == 0)
		return;
	left = uart.done_ns > now_ns ? uart.done_ns - now_ns : 0;
	/* One more is in the shift register. */
	if (left > uart.byte_ns * (uart.fifo + 1))
		uart.overruns++;
	uart.done_ns = now_ns + left + uart.byte_ns;
	uart.text[uart.bytes++] = (char)value;
	if (value == '[')
		add_line();
}

uint64_t interrupts_off(void)
{
	bool were = interrupts_enabled;

	interrupts_enabled = false;
	return were;
}

void interrupts_restore(uint64_t flags)
{
	interrupts_enabled = flags;
	answer_ipis();
}

bool interrupts_are_on(void)
{
	return interrupts_enabled;
}

void lock_acquire(struct lock *lock) UNCHECKED
{
	CHECK(!interrupts_enabled);
	lock->serving.plain++;
	pass(LOCK_NS);
}

void lock_release(struct lock *lock) UNCHECKED
{
	CHECK(lock->serving.plain == 1 || lock->broken.plain);
	lock->serving.plain--;
	pass(LOCK_NS);
}

void lock_break(struct lock *lock)
{
	lock->broken.plain = 1;
}

void crash_log_keep(const char *text, size_t bytes)
{
	(void)text;
	pass(bytes);
}

void crash_log_break_lock(void)
{
}

uint64_t clock_microseconds(void)
{
	return now_ns / 1000;
}

unsigned cpu_local_id(void)
{
	return cpu;
}

enum cpu_context cpu_local_context(void)
{
	return context;
}

void pending_raise(unsigned on, enum pending_kind kind)
{
	CHECK(kind == PENDING_CONSOLE);
	raised_cpu = on;
	raised++;
}

void pending_poll(void)
{
	pass(LOCK_NS);
}

void pending_set_handler(enum pending_kind kind, void (*handler)(void))
{
	CHECK(kind == PENDING_CONSOLE && handler == log_console_flush);
}

static void show_on_second(struct sink *sink, const char *text, size_t bytes)
{
	(void)sink;
	memcpy(shown + shown_bytes, text, bytes);
	shown_bytes += bytes;
	add_line();
}

static struct sink second = { .put = show_on_second };

static void start(uint32_t baud, unsigned fifo)
{
	struct options options = {
		.serial = true, .serial_port = PORT, .serial_baud = baud,
	};

	memset(&uart, 0, sizeof(uart));
	uart.fifo = fifo;
	interrupts_enabled = true;
	next_ipi_ns = UINT64_MAX;
	fifo_bytes = 1;
	stuck = false;
	CHECK(serial_start(&options));
	uart.byte_ns = 10000000000UL / baud;
	console_lock = (struct lock){ .rank = RANK_CONSOLE };
	log_lock = (struct lock){ .rank = RANK_LOG };
	consoles.queued = consoles.left_out = 0;
	consoles.share = 0;
	consoles.owned = consoles.defers = consoles.broken = false;
	consoles.count = 1;
	consoles.list[0].shown = 0;
	context = CPU_TASK;
	cpu = 3;
	lines_to_add = 0;
	ipis = longest_wait_ns = shown_bytes = 0;
	raised = 0;
	next_ipi_ns = now_ns + IPI_EVERY_NS;
}

static bool uart_has(const char *text)
{
	uart.text[uart.bytes] = '\0';
	return strstr(uart.text, text) != NULL;
}

/* --- the promise ----------------------------------------------------------*/

static void print_512(unsigned fifo)
{
	static char long_text[LINE_BYTES];
	uint64_t before;

	start(9600, fifo);
	memset(long_text, 'x', sizeof(long_text) - 1);
	before = now_ns;
	log_line(LOG_INFO, "%s", long_text);
	/* As long as the line takes, at least 500 ms, and all of it. */
	CHECK(now_ns - before > 490000000UL && uart.bytes == 512);
	CHECK(uart.overruns == 0);
	CHECK(ipis > 7000 && longest_wait_ns < 100000);
}

CASE(log_of_512_bytes_at_9600_baud_answers_within_100_microseconds)
{
	print_512(16);
}

CASE(log_does_so_without_a_fifo_too)
{
	print_512(1);
	CHECK(fifo_bytes == 1);
}

CASE(log_fills_the_fifo_and_not_more)
{
	start(115200, 16);
	CHECK(fifo_bytes == 16);
	log_console_write("0123456789abcdef0123456789abcdef\n", 33);
	CHECK(uart.overruns == 0 && uart.bytes == 34);
	CHECK(uart_has("0123456789abcdef0123456789abcdef\r\n"));
}

CASE(log_gives_up_a_uart_that_sends_nothing)
{
	start(9600, 16);
	uart.dead = true;
	log_line(LOG_INFO, "a");
	log_line(LOG_INFO, "b");
	CHECK(uart.bytes == 0 && stuck);
	CHECK(longest_wait_ns < 100000);
	uart.dead = false;
	log_line(LOG_INFO, "c");
	CHECK(uart_has("I c\r\n"));
}

/* --- another CPU is the owner ---------------------------------------------*/

CASE(log_leaves_its_text_to_the_owner_without_a_wait)
{
	uint64_t before;

	start(9600, 16);
	consoles.owned = true;
	before = now_ns;
	log_line(LOG_INFO, "left");
	CHECK(now_ns - before < 10000 && uart.bytes == 0);
	/* The owner writes again. */
	write_turn();
	CHECK(uart_has("I left\r\n") && !consoles.owned);
}

CASE(log_hands_on_what_others_add_while_it_writes)
{
	start(115200, 16);
	log_add_console(&second);
	lines_to_add = 1000;
	log_line(LOG_INFO, "mine");
	/* One line came during its first chunk on each console. */
	CHECK(lines_to_add == 998 && !consoles.owned);
	CHECK(raised == 1 && raised_cpu == 4);
	CHECK(uart_has("I mine\r\n") && uart.text[uart.bytes - 1] == '\n');
	lines_to_add = 0;
	cpu = 4;
	log_console_flush();
	CHECK(uart_has("line=999 of another\r\n") &&
	      uart_has("line=998 of another\r\n") && raised == 1);
}

CASE(log_drained_has_left_the_uart)
{
	start(9600, 16);
	log_line(LOG_INFO, "the last line");
	CHECK(uart.done_ns > now_ns);
	log_console_drain();
	CHECK(uart.done_ns <= now_ns && !consoles.owned && !stuck);
	CHECK(longest_wait_ns < 100000);
}

CASE(log_drained_has_the_text_of_a_handler)
{
	start(9600, 16);
	log_console_defer();
	context = CPU_INTERRUPT;
	log_line(LOG_INFO, "handler");
	context = CPU_TASK;
	CHECK(uart.bytes == 0);
	log_console_drain();
	CHECK(uart_has("I handler\r\n") && uart.done_ns <= now_ns);
}

CASE(log_drain_ends_at_a_dead_uart)
{
	start(9600, 16);
	log_line(LOG_INFO, "before");
	uart.dead = true;
	log_console_drain();
	CHECK(stuck && now_ns < 60000000000UL);
}

CASE(log_says_how_much_it_left_out)
{
	unsigned lines = 0;

	start(115200, 16);
	consoles.owned = true;
	while (consoles.left_out == 0) {
		log_line(LOG_INFO, "room: line=%u", lines);
		lines++;
	}
	log_line(LOG_INFO, "room: lost");
	write_turn();
	CHECK(uart_has("W log: left_out bytes=") && !uart_has("room: lost"));
	log_line(LOG_INFO, "room: after");
	CHECK(uart_has("room: after\r\n") && consoles.left_out == 0);
	CHECK(strstr(uart.text, "left_out") < strstr(uart.text, "after"));
	CHECK(uart.bytes > QUEUE_BYTES - 2 * LINE_BYTES);
}

CASE(log_writes_text_that_is_longer_than_its_ring)
{
	static char text[QUEUE_BYTES + 1000];

	start(115200, 16);
	memset(text, 'y', sizeof(text));
	log_console_write(text, sizeof(text));
	CHECK(uart.bytes == sizeof(text) && uart.overruns == 0);
}

/* --- where it must not be written -----------------------------------------*/

CASE(log_of_a_handler_waits_for_the_next_poll)
{
	start(9600, 16);
	log_console_defer();
	context = CPU_INTERRUPT;
	interrupts_enabled = false;
	log_line(LOG_INFO, "handler");
	CHECK(uart.bytes == 0 && raised == 1 && raised_cpu == 3);
	context = CPU_TASK;
	log_line(LOG_INFO, "interrupts off");
	CHECK(uart.bytes == 0 && raised == 2);
	interrupts_enabled = true;
	log_console_flush();
	CHECK(uart_has("I handler\r\n") && uart_has("I interrupts off\r\n"));
}

CASE(log_before_other_cpus_writes_with_interrupts_off)
{
	start(115200, 16);
	interrupts_enabled = false;
	log_line(LOG_INFO, "boot");
	CHECK(uart_has("I boot\r\n") && raised == 0);
}

CASE(log_claimed_by_a_caller_is_written_at_its_release)
{
	start(115200, 16);
	log_console_claim();
	log_line(LOG_INFO, "later");
	CHECK(uart.bytes == 0);
	log_console_release();
	CHECK(uart_has("I later\r\n") && !consoles.owned);
}

/* --- two consoles, and a panic --------------------------------------------*/

CASE(log_shows_a_console_what_comes_after_it_was_added)
{
	start(115200, 16);
	log_line(LOG_INFO, "first");
	log_add_console(&second);
	log_line(LOG_INFO, "second");
	CHECK(shown_bytes != 0 && memcmp(shown, "[", 1) == 0);
	shown[shown_bytes] = '\0';
	CHECK(strstr(shown, "second\n") != NULL);
	CHECK(strstr(shown, "first") == NULL && uart_has("first\r\n"));
}

CASE(log_of_a_panic_has_all_that_a_stopped_owner_left)
{
	start(115200, 16);
	log_add_console(&second);
	consoles.owned = true;
	log_line(LOG_INFO, "left by the others");
	/* The owner was stopped in the middle of a chunk. */
	interrupts_enabled = false;
	log_break_locks();
	CHECK(uart_has("left by the others\r\n"));
	CHECK(console_lock.broken.plain && log_lock.broken.plain);
	consoles.owned = true;
	context = CPU_NMI;
	log_line(LOG_ERROR, "the report");
	CHECK(uart_has("E the report\r\n"));
	shown[shown_bytes] = '\0';
	CHECK(strstr(shown, "the report\n") != NULL);
}
