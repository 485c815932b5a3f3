/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * coroutine.h - a call on a stack of its own, which can stop in its middle.
 *
 * x86-64 only. A call abandoned in its middle is started anew, never freed.
 */
#ifndef TESTS_COROUTINE_H
#define TESTS_COROUTINE_H

#include <stddef.h>

#define COROUTINE_STACK_BYTES 0x40000

struct coroutine {
	void *stack_pointer;		/* while it does not run             */
	void *caller_stack_pointer;	/* while it runs                     */
	void (*run)(void *argument);	/* must not return                   */
	void *argument;
	/* The arguments for AddressSanitizer at a switch. */
	void *fake_stack, *caller_fake_stack;
	const void *caller_stack;
	size_t caller_stack_bytes;
	_Alignas(16) unsigned char stack[COROUTINE_STACK_BYTES];
};

/* Prepares a call of run(argument), which the first resume enters. */
void coroutine_start(struct coroutine *coroutine, void (*run)(void *argument),
		     void *argument);

/* Goes on with it until it yields. */
void coroutine_resume(struct coroutine *coroutine);

/* Inside the coroutine: back to who resumed it. */
void coroutine_yield(struct coroutine *coroutine);

#endif
