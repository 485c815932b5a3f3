/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Switches from the firmware's page tables to the kernel's. Called with
 * interrupts off and the root table (below 4 GiB) in rdi; never returns. It
 * reads only its own page. Registers keep their lower halves in the 32-bit
 * code below, so edi can hold the root.
 *
 * With five-level paging on, a four-level root cannot simply be loaded: the
 * processor must leave long mode and switch paging off, change CR4, and switch
 * both on again (Intel SDM vol. 3A 4.1.2). That needs 32-bit code.
 */
#include "switch.h"

#define PARAM(offset) switch_start + SWITCH_PARAMETERS + (offset)
#define MSR_EFER	0xc0000080
#define MSR_S_CET	0x6a2
#define EFER_NXE	0x800

	.section .text
	.balign 16
	.globl switch_start, switch_end, switch_gdt, switch_compat, switch_long
	.code64
switch_start:
	cli
	cld
	lea	switch_start(%rip), %rbx

	/* Clears all bits that the old tables do not need. */
	mov	%cr4, %rax
	and	$(CR4_LA57 | CR4_PAE | CR4_MCE | CR4_DE | CR4_OSFXSR), %eax
	mov	%rax, %cr4
	testl	$SWITCH_CLEAR_CET, PARAM(SWITCH_FLAGS)(%rip)
	jz	1f
	mov	$MSR_S_CET, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
1:	testl	$SWITCH_SET_NXE, PARAM(SWITCH_FLAGS)(%rip)
	jz	2f
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_NXE, %eax
	wrmsr
	/* Late: exceptions before it need the selectors of the loader's IDT. */
2:	lgdt	PARAM(SWITCH_GDT_POINTER)(%rip)
	mov	%cr4, %rax
	test	$CR4_LA57, %eax
	jz	switch_long
	ljmpl	*PARAM(SWITCH_FAR_32)(%rip)

	.code32
switch_compat:
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	mov	%cr4, %eax
	and	$~CR4_LA57, %eax
	mov	%eax, %cr4
	mov	%edi, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	ljmpl	*(SWITCH_PARAMETERS + SWITCH_FAR_64)(%ebx)

	.code64
switch_long:
	mov	%edi, %edi
	mov	%rdi, %cr3
	mov	$CR0_KNOWN, %eax
	mov	%rax, %cr0
	mov	PARAM(SWITCH_CR4)(%rip), %rax
	mov	%rax, %cr4
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	lldt	%ax
	mov	PARAM(SWITCH_HANDOVER)(%rip), %rdi
	mov	PARAM(SWITCH_STACK)(%rip), %rsp
	mov	PARAM(SWITCH_ENTRY)(%rip), %rax
	xor	%ebp, %ebp
	push	%rbp		/* a return address of 0 ends a backtrace */
	jmp	*%rax

	/* Marked accessed: loading one must not write to this page. */
	.balign 8
switch_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00cf93000000ffff	/* data        */
	.quad	0x00cf9b000000ffff	/* 32-bit code */
switch_end:

	.section .note.GNU-stack, "", @progbits
