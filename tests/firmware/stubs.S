/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One stub for each boot service and each function of the console. They count
 * the calls and change no register of an argument: %rax, %r10 and %r11 are
 * free at a call in Microsoft's convention.
 */
#define SERVICES	44
#define CONSOLE_CALLS	9

	.section .text
	.altmacro
	.macro stub number, next
	.balign 16
	mov	$\number, %eax
	jmp	\next
	.endm

	.globl watch_stubs, watch_console_stubs, watch_gone
	.balign 16
watch_stubs:
	.set	number, 0
	.rept	SERVICES
	stub	%number, through
	.set	number, number + 1
	.endr

	.balign 16
watch_console_stubs:
	.set	number, 0
	.rept	CONSOLE_CALLS
	stub	%number, through_console
	.set	number, number + 1
	.endr

through:
	lea	watch_calls(%rip), %r10
	incq	(%r10, %rax, 8)
	cmpl	$0, watch_refused(%rip)
	je	1f
	lea	watch_late_calls(%rip), %r10
	incq	(%r10, %rax, 8)
1:	cmp	watch_fail_service(%rip), %eax
	jne	2f
	decq	watch_fail_in(%rip)
	jz	3f
	jns	2f
	cmpl	$0, watch_fail_for_good(%rip)
	je	2f
3:	mov	watch_fail_status(%rip), %rax
	ret
2:	lea	watch_targets(%rip), %r10
	jmp	*(%r10, %rax, 8)

	/* The console finds itself by its address: pass its own. */
through_console:
	cmpl	$0, watch_refused(%rip)
	je	1f
	incq	watch_late_words(%rip)
1:	mov	watch_console(%rip), %rcx
	jmp	*(%rcx, %rax, 8)

	/* Where every stub leads once there are no boot services. */
watch_gone:
	mov	%eax, %ecx
	sub	$0x28, %rsp
	call	watch_called_too_late

	.section .note.GNU-stack, "", @progbits
