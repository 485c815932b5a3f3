/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_floor.S - two functions that say ST_OK, in as few instructions as
 * there can be. In assembly, so that no compiler sees that they do no more.
 */

	.text
	.globl bench_take_nothing
	.type bench_take_nothing, @function
bench_take_nothing:
	xor %eax, %eax
	ret
	.size bench_take_nothing, . - bench_take_nothing

	.globl bench_give_nothing
	.type bench_give_nothing, @function
bench_give_nothing:
	xor %eax, %eax
	ret
	.size bench_give_nothing, . - bench_give_nothing

	.section .note.GNU-stack, "", @progbits
