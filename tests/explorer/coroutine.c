// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A switch saves what a call preserves on the stack it leaves and finds the
 * same on the stack it enters. A new stack is laid out as if it had been
 * left by a switch just before the thunk.
 */
#include "coroutine.h"

#include <base/assert.h>

#include <sanitizer/asan_interface.h>
#include <stdint.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define LEAVE_STACK(save, bottom, bytes)				\
	__sanitizer_start_switch_fiber(save, bottom, bytes)
#define ENTER_STACK(saved, bottom, bytes)				\
	__sanitizer_finish_switch_fiber(saved, bottom, bytes)

/*
 * detect_stack_use_after_return, the default from gcc 13 and clang 15 on,
 * maps megabytes of frames for each stack that is entered for the first
 * time. An abandoned stack never returns them, and an exploration abandons
 * more stacks than there is room for. ASAN_OPTIONS still overrides this.
 */
const char *__asan_default_options(void)
{
	return "detect_stack_use_after_return=0";
}
#else
#define LEAVE_STACK(save, bottom, bytes)
#define ENTER_STACK(saved, bottom, bytes)
#endif

#define SAVED_REGISTERS 6
#define RBX_SLOT 4			/* above the saved stack pointer     */

void coroutine_switch(void **save, void *enter);
void coroutine_thunk(void);
_Noreturn void coroutine_enter(struct coroutine *coroutine);

__asm__(".pushsection .text.coroutine, \"ax\", @progbits\n"
	".type coroutine_switch, @function\n"
	"coroutine_switch:\n"
	"	pushq	%rbp\n"
	"	pushq	%rbx\n"
	"	pushq	%r12\n"
	"	pushq	%r13\n"
	"	pushq	%r14\n"
	"	pushq	%r15\n"
	"	movq	%rsp, (%rdi)\n"
	"	movq	%rsi, %rsp\n"
	"	popq	%r15\n"
	"	popq	%r14\n"
	"	popq	%r13\n"
	"	popq	%r12\n"
	"	popq	%rbx\n"
	"	popq	%rbp\n"
	"	ret\n"
	".type coroutine_thunk, @function\n"
	"coroutine_thunk:\n"
	"	movq	%rbx, %rdi\n"
	"	call	coroutine_enter\n"
	"	ud2\n"
	".popsection\n");

_Noreturn void coroutine_enter(struct coroutine *coroutine)
{
	ENTER_STACK(NULL, &coroutine->caller_stack,
		    &coroutine->caller_stack_bytes);
	coroutine->run(coroutine->argument);
	ASSERT(!"a coroutine returned");
	__builtin_unreachable();
}

void coroutine_start(struct coroutine *coroutine, void (*run)(void *argument),
		     void *argument)
{
	void **top = (void **)(coroutine->stack + COROUTINE_STACK_BYTES);

	/* The abandoned call left its red zones behind. */
	ASAN_UNPOISON_MEMORY_REGION(coroutine->stack, COROUTINE_STACK_BYTES);
	coroutine->run = run;
	coroutine->argument = argument;
	coroutine->fake_stack = NULL;
	/* At the thunk the stack is aligned to 16, as before a call. */
	top -= 2;
	*--top = (void *)(uintptr_t)coroutine_thunk;
	top -= SAVED_REGISTERS;
	top[RBX_SLOT] = coroutine;
	coroutine->stack_pointer = top;
}

void coroutine_resume(struct coroutine *coroutine)
{
	LEAVE_STACK(&coroutine->caller_fake_stack, coroutine->stack,
		    COROUTINE_STACK_BYTES);
	coroutine_switch(&coroutine->caller_stack_pointer,
			 coroutine->stack_pointer);
	ENTER_STACK(coroutine->caller_fake_stack, NULL, NULL);
}

void coroutine_yield(struct coroutine *coroutine)
{
	LEAVE_STACK(&coroutine->fake_stack, coroutine->caller_stack,
		    coroutine->caller_stack_bytes);
	coroutine_switch(&coroutine->stack_pointer,
			 coroutine->caller_stack_pointer);
	ENTER_STACK(coroutine->fake_stack, &coroutine->caller_stack,
		    &coroutine->caller_stack_bytes);
}
