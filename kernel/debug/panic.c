// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A report must end even when the kernel is so broken that the report itself
 * faults. So there are three attempts, each simpler than the last: a whole
 * report; one line about both faults; only the stop.
 */
#include "panic.h"

#include <base/assert.h>
#include <base/text.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/cpu_local.h>
#include <kernel/arch/halt.h>
#include <kernel/boot/boot_info.h>
#include <kernel/console/screen.h>
#include <kernel/log/crash_log.h>
#include <kernel/log/log.h>
#include <kernel/log/serial.h>
#include <kernel/platform/power.h>
#include <kernel/sync/ipi.h>

#include "backtrace.h"

#define TEXT_BYTES 256

#define NO_OWNER 0

static struct {
	atomic_u32 owner;	/* [A] the CPU that reports, plus 1          */
	unsigned attempts;	/* of the owner                              */
	struct panic_cause first;
	char cause[TEXT_BYTES];
	uint64_t report;		/* where it starts in the log */
} stopping;

/* Only the first CPU that panics reports; it may panic again meanwhile. */
static void become_owner(void)
{
	uint32_t none = NO_OWNER;

	/* Relaxed: the exchange publishes only the owner. */
	if (!atomic_compare_exchange_relaxed(&stopping.owner, &none,
					     cpu_local_id() + 1) &&
	    !panic_is_ours())
		power_halt();
}

static _Noreturn void stop_now(void)
{
	switch (boot_info.options.panic) {
	case PANIC_EXIT:
		power_exit(EXIT_PANIC);
	case PANIC_REBOOT:
		clock_wait_us(boot_info.options.panic_seconds * 1000000UL);
		power_reset();
	case PANIC_WAIT:
		break;
	}
	power_halt();
}

/*
 * Makes the report reach the console at any loglevel=, also before the options
 * were read.
 */
static void be_heard(void)
{
	if (boot_info.options.serial_port == 0)
		options_defaults(&boot_info.options);
	if (!serial_is_open())
		serial_start(&boot_info.options);
	/* The console may be in the middle of a line. */
	serial_write("\n", 1);
	log_set_level(LOG_ERROR);
}

void panic_begin(const struct panic_cause *cause)
{
	unsigned attempt;

	__asm__ volatile("cli" : : : "memory");
	become_owner();
	attempt = ++stopping.attempts;
	if (attempt == 1) {
		stopping.first = *cause;
		ipi_stop_others();
		log_break_locks();
		stopping.report = log_position();
		be_heard();
		return;
	}
	if (attempt == 2)
		log_line(LOG_ERROR,
			 "panic: again cause=%s rip=0x%lx cr2=0x%lx "
			 "first_cause=%s first_rip=0x%lx first_cr2=0x%lx",
			 cause->name, cause->rip, cause->cr2,
			 stopping.first.name, stopping.first.rip,
			 stopping.first.cr2);
	if (attempt <= 3)
		stop_now();
	power_halt();
}

bool panic_is_under_way(void)
{
	return atomic_load_relaxed(&stopping.owner) != NO_OWNER;
}

bool panic_is_ours(void)
{
	return atomic_load_relaxed(&stopping.owner) == cpu_local_id() + 1;
}

static void print_report(struct sink *to)
{
	log_replay_from(to, stopping.report);
}

static void show_page(void)
{
	char todo[TEXT_BYTES];

	if (boot_info.options.panic == PANIC_REBOOT)
		text_print(todo, sizeof(todo), "Photograph this page. The "
			   "machine restarts in %u seconds.",
			   boot_info.options.panic_seconds);
	else
		text_print(todo, sizeof(todo), "Photograph this page, then "
			   "reset the machine.");
	screen_panic_page(&(struct screen_panic){
		.cause = stopping.cause,
		.todo = todo,
		.report = print_report,
	});
}

void panic_note_cause(const char *text)
{
	text_print(stopping.cause, sizeof(stopping.cause), "%s", text);
	stopping.report = log_position();
	crash_log_set_fault(text);
}

void panic_stop(void)
{
	switch (boot_info.options.panic) {
	case PANIC_EXIT:
		log_line(LOG_ERROR, "panic: exit todo=\"read the first line "
				    "with an E above\" cpu=%u",
			 cpu_local_id());
		break;
	case PANIC_REBOOT:
		log_line(LOG_ERROR, "panic: reboot seconds=%u todo=\"note or "
				    "photograph the lines above\" cpu=%u",
			 boot_info.options.panic_seconds, cpu_local_id());
		break;
	case PANIC_WAIT:
		log_line(LOG_ERROR, "panic: halt todo=\"note or photograph "
				    "the lines above, then reset the "
				    "machine\" cpu=%u", cpu_local_id());
		break;
	}
	show_page();
	stop_now();
}

void panic(const char *format, ...)
{
	uint64_t frame = (uint64_t)__builtin_frame_address(0);
	struct backtrace trace = backtrace_of_function(backtrace_read_stack,
						       frame);
	char text[TEXT_BYTES];
	va_list arguments;

	panic_begin(&(struct panic_cause){
		.name = "panic",
		.rip = (uint64_t)__builtin_return_address(0),
	});
	va_start(arguments, format);
	text_vprint(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_line(LOG_ERROR, "%s", text);
	panic_note_cause(text);
	backtrace_print(&trace);
	panic_stop();
}

void assert_failed(const char *file, int line, const char *text)
{
	panic("kernel: assertion failed at=%s:%d text=\"%s\"", file, line,
	      text);
}
