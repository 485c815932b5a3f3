/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The kernel's first instruction. The entry contract (docs/boot.md): long
 * mode on the tables of the handover, the boot stack, interrupts off, rdi =
 * the handover's virtual address, a return address of 0 on the stack.
 */
	.section .text.entry, "ax", @progbits
	.globl kernel_entry
	.type kernel_entry, @function
kernel_entry:
	rdtsc
	shl	$32, %rdx
	lea	(%rax, %rdx), %rsi
	jmp	kernel_main
	.size kernel_entry, . - kernel_entry

	.section .note.GNU-stack, "", @progbits
