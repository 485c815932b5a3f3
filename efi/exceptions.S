/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The entry stubs of the exception handlers, one for each vector; without an
 * error code they push a zero.
 */
	.section .text
	.altmacro
	.macro stub vector
	.balign 16
	.if (\vector == 8) || (\vector >= 10 && \vector <= 14) || \
	    (\vector == 17) || (\vector == 21) || (\vector == 29) || \
	    (\vector == 30)
	.else
	push	$0
	.endif
	push	$\vector
	jmp	exception_common
	.endm

	.globl exception_stubs
	.balign 16
exception_stubs:
	.set	number, 0
	.rept	32
	stub	%number
	.set	number, number + 1
	.endr

exception_common:
	mov	(%rsp), %rdi		/* vector     */
	mov	8(%rsp), %rsi		/* error code */
	mov	16(%rsp), %rdx		/* rip        */
	mov	%cr2, %rcx
	and	$-16, %rsp
	call	exception_report

	.section .note.GNU-stack, "", @progbits
