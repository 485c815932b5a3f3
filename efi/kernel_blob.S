/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The kernel image, in a section of its own, covered by the signature. */
	.section .kernel, "a", @progbits
	.globl embedded_kernel_start, embedded_kernel_end
	.balign 4096
embedded_kernel_start:
	.incbin KERNEL_FILE
embedded_kernel_end:
	.byte	0

	.section .sbat, "a", @progbits
	.ascii "sbat,1,SBAT Version,sbat,1,"
	.ascii "https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	.ascii "bulldog,1,Bulldog,bulldog,1,https://bulldog.invalid/\n"

	.section .note.GNU-stack, "", @progbits
