/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Switches from four levels of page tables to five. Paging and long mode must
 * be off for that (Intel SDM vol. 3A 4.1.2), so the code is copied to a page
 * below 4 GiB, which the root in %rcx maps as the old one does. Interrupts are
 * off. The stack is not used while paging is off: it may be anywhere.
 */
#define CR0_PG		0x80000000
#define CR4_LA57	0x1000

	.section .text
	.balign 16
	.globl mode_start, mode_end
mode_start:
	push	%rbx
	push	%rbp
	lea	mode_start(%rip), %rbx
	mov	%rsp, mode_stack - mode_start(%rbx)
	sgdt	mode_old_gdt - mode_start(%rbx)
	mov	%cs, mode_old_cs - mode_start(%rbx)
	mov	%ss, mode_old_ss - mode_start(%rbx)
	mov	%ds, mode_old_ds - mode_start(%rbx)
	lea	mode_gdt - mode_start(%rbx), %rax
	mov	%rax, mode_gdt_pointer + 2 - mode_start(%rbx)
	lgdt	mode_gdt_pointer - mode_start(%rbx)
	lea	mode_compat - mode_start(%rbx), %rax
	push	$8
	push	%rax
	lretq

	.code32
mode_compat:
	mov	$24, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	mov	%cr4, %eax
	or	$CR4_LA57, %eax
	mov	%eax, %cr4
	mov	%ecx, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	lea	mode_long - mode_start(%ebx), %eax
	mov	%eax, mode_far - mode_start(%ebx)
	ljmpl	*mode_far - mode_start(%ebx)

	.code64
mode_long:
	lgdt	mode_old_gdt - mode_start(%rbx)
	mov	mode_old_ss - mode_start(%rbx), %ss
	mov	mode_old_ds - mode_start(%rbx), %ds
	mov	mode_stack - mode_start(%rbx), %rsp
	movzwl	mode_old_cs - mode_start(%rbx), %eax
	push	%rax
	lea	1f(%rip), %rax
	push	%rax
	lretq
1:	pop	%rbp
	pop	%rbx
	ret

	.balign 8
mode_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* 8: 32-bit code  */
	.quad	0x00af9b000000ffff	/* 16: 64-bit code */
	.quad	0x00cf93000000ffff	/* 24: data        */
mode_far:
	.long	0
	.word	16
	.word	0
mode_stack:
	.quad	0
mode_gdt_pointer:
	.word	4 * 8 - 1
	.quad	0
	.balign 8
mode_old_gdt:
	.skip	16
mode_old_cs:
	.quad	0
mode_old_ss:
	.quad	0
mode_old_ds:
	.quad	0
mode_end:

	.globl clock_handler
	.balign 16
/* Counts; tells both interrupt controllers that it has come. */
clock_handler:
	push	%rax
	push	%rcx
	incq	clock_ticks(%rip)
	mov	$0x20, %al
	out	%al, $0xa0
	out	%al, $0x20
	mov	clock_apic(%rip), %rcx
	movl	$0, 0xb0(%rcx)
	pop	%rcx
	pop	%rax
	iretq

	.section .note.GNU-stack, "", @progbits
