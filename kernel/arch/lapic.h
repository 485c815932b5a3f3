/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lapic.h - the local APIC: a CPU's id, and messages from one CPU to another.
 *
 * Its registers lie in memory (xAPIC), mapped uncached at LAPIC_SLOT, or are
 * model-specific registers (x2APIC) where the firmware left that mode on; then
 * the memory must not be read.
 *
 * Source: Intel SDM vol. 3A chapter 11; AMD APM vol. 2 chapter 16.
 */
#ifndef KERNEL_ARCH_LAPIC_H
#define KERNEL_ARCH_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include <base/status.h>
#include <mm/table.h>

/* A message: the lower half of the interrupt command register. */
#define LAPIC_VECTOR(vector)	(0x4000u | (vector))
#define LAPIC_NMI		0x4400u
#define LAPIC_INIT		0x4500u
#define LAPIC_START(page)	(0x4600u | (page))

/*
 * Finds the local APIC of the boot CPU and maps it in `table`.
 * Fails: ST_UNSUPPORTED (there is none, or the firmware switched it off),
 *        or as table_map.
 */
enum status lapic_start(struct table *table);

/* True when lapic_start found an APIC and succeeded. */
bool lapic_is_there(void);
bool lapic_is_x2apic(void);

/*
 * On each CPU: accepts interrupts and masks all lines of the local vector
 * table except NMIs.
 */
void lapic_init_cpu(void);

/* The id of the CPU that calls. */
uint32_t lapic_id(void);

/* No message can be sent to a processor with a higher id. */
uint32_t lapic_highest_id(void);

/*
 * Sends `message` to the processor `apic`. Interrupts are off, or no handler
 * of this CPU sends.
 * Fails: ST_DEVICE when an earlier message is not delivered in time.
 */
enum status lapic_send(uint32_t apic, uint32_t message);

/*
 * Sends VECTOR_CALL, which ends a halt and makes the CPU read its mailbox.
 * From tasks and interrupt handlers.
 */
void lapic_interrupt(uint32_t apic);

/*
 * Halts the CPU that calls until an interrupt comes: its timer's after about
 * `us` microseconds, or an earlier one. Without a timer it only pauses. From
 * tasks, interrupts on.
 */
void lapic_nap(uint64_t us);

/*
 * Calls function(argument) once on the CPU that calls, in an interrupt handler,
 * after about `us` microseconds; an earlier alarm of this CPU is dropped. The
 * function may set the next alarm. A nap drops it, too.
 * Fails: ST_UNSUPPORTED: there is no timer, or it stands still.
 */
enum status lapic_alarm(uint64_t us, void (*function)(void *), void *argument);

/* Drops the alarm of the CPU that calls. From tasks. */
void lapic_alarm_stop(void);

/* Tells the APIC that the interrupt being handled is over. */
void lapic_end(void);

/* The same, if the APIC has `vector` in service: its sender is unknown. */
void lapic_end_unknown(unsigned vector);

#endif
