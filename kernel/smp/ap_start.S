/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From the start message to ap_main. A CPU begins in real mode at the start of
 * the page that the message named; cs has its address. There are no stacks
 * yet: all CPUs may run here at once.
 *
 * Long mode begins when paging is switched on, and the page that runs then
 * must be mapped at its own address; the code from ap_enter on needs that no
 * more (Intel SDM vol. 3A 9.8.5). CR0 also switches the caches on.
 */
#include "ap_start.h"

#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>

#define MSR_APIC_BASE	0x1b
#define APIC_BASE_X2	0xc00
#define MSR_X2APIC_ID	0x802
#define MSR_EFER	0xc0000080
#define LAPIC_ID	0x20
/* PG, WP, NE, ET, MP, PE: docs/boot.md. */
#define CR0_ENTRY	0x80010033
#define CR0_PE		1

/* A parameter's offset: from ds in 16-bit code, from ebx in 32-bit code. */
#define PARAM(field) (AP_PARAMETERS + (field))

	.section .rodata.ap_start, "a", @progbits
	.globl ap_start, ap_start_32, ap_start_64, ap_start_end
	.balign 16
	.code16
ap_start:
	cli
	cld
	xor	%ebx, %ebx
	mov	%cs, %bx
	mov	%bx, %ds
	shl	$4, %ebx
	lgdtl	PARAM(AP_GDT_POINTER)
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	*PARAM(AP_FAR_32)

	.code32
ap_start_32:
	mov	$AP_SELECTOR_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	PARAM(AP_CR4)(%ebx), %eax
	mov	%eax, %cr4
	mov	PARAM(AP_ROOT)(%ebx), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	PARAM(AP_EFER)(%ebx), %eax
	wrmsr
	mov	$CR0_ENTRY, %eax
	mov	%eax, %cr0
	ljmpl	*PARAM(AP_FAR_64)(%ebx)

	.code64
ap_start_64:
	mov	PARAM(AP_ENTRY)(%rbx), %rax
	jmp	*%rax
ap_start_end:

	.section .text
	.globl ap_enter
	.type ap_enter, @function
ap_enter:
	/* The APIC id that the others use for this CPU; cpuid may differ. */
	cmpb	$0, lapic_x2(%rip)
	jne	1f
	movabs	$LAPIC_SLOT + LAPIC_ID, %rax
	mov	(%rax), %edi
	shr	$24, %edi
	jmp	2f
1:	mov	$MSR_APIC_BASE, %ecx
	rdmsr
	or	$APIC_BASE_X2, %eax
	wrmsr
	mov	$MSR_X2APIC_ID, %ecx
	rdmsr
	mov	%eax, %edi
2:	lea	cpu_areas(%rip), %rsi
	mov	$STACK_CPUS, %ecx
3:	mov	(%rsi), %rbx
	add	$8, %rsi
	test	%rbx, %rbx
	jz	4f
	cmp	%edi, CPU_APIC(%rbx)
	je	5f
4:	dec	%ecx
	jnz	3b
	jmp	6f
	/* The stack of a CPU that is too late has been freed. */
5:	mov	$START_WAITING, %eax
	mov	$START_ARRIVED, %edx
	lock cmpxchg %edx, CPU_START(%rbx)
	jne	6f
	mov	CPU_STACK(%rbx), %rsp
	mov	%rbx, %rdi
	xor	%ebp, %ebp
	push	%rbp		/* a return address of 0 ends a backtrace */
	jmp	ap_main
6:	cli
	hlt
	jmp	6b
	.size ap_enter, . - ap_enter

	.section .note.GNU-stack, "", @progbits
