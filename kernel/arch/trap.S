/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One stub a vector, all of one size, so that trap.c computes where each
 * begins. Vectors for which the processor pushes no error code push a zero,
 * hence one frame for all.
 */
#include "trap.h"

/* struct trap_frame */
#define FRAME_RIP	(18 * 8)

	.section .text
	.globl trap_stubs
	.type trap_stubs, @function
	.balign TRAP_STUB_BYTES
trap_stubs:
	.set	number, 0
	.rept	TRAP_VECTORS
	.balign	TRAP_STUB_BYTES
	/* DF, TS NP SS GP PF, AC, CP, VC, SX (Intel SDM vol. 3A 6.15). */
	.if (number == 8) || (number >= 10 && number <= 14) || \
	    (number == 17) || (number == 21) || (number == 29) || \
	    (number == 30)
	.else
	push	$0
	.endif
	push	$number
	jmp	trap_common
	.set	number, number + 1
	.endr
	.size trap_stubs, . - trap_stubs

	.type trap_common, @function
trap_common:
	push	%rax
	/* Read first: the next page fault overwrites it. */
	mov	%cr2, %rax
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	cmpb	$0, trap_smap(%rip)
	je	1f
	clac
1:	mov	%rsp, %rdi
	/* A stack frame as if the interrupted code had called: rip, rbp. */
	push	FRAME_RIP(%rdi)
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	trap_dispatch
	.globl trap_return
trap_return:
	lea	16(%rbp), %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	add	$8, %rsp	/* cr2 */
	pop	%rax
	add	$16, %rsp	/* vector, error */
	iretq
	.size trap_common, . - trap_common

	.globl trap_run_on_stack
	.type trap_run_on_stack, @function
trap_run_on_stack:
	mov	%rdi, %rsp
	mov	%rdx, %rdi
	xor	%ebp, %ebp
	push	%rbp		/* a return address of 0 ends a backtrace */
	jmp	*%rsi
	.size trap_run_on_stack, . - trap_run_on_stack

	.section .note.GNU-stack, "", @progbits
