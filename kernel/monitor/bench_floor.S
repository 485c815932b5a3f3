/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_floor.S - two functions that only return ST_OK, in as few instructions
 * as possible. In assembly, so that the compiler cannot remove their calls.
 *
 * bench_read_tsc is called where a measurement begins and where it ends, and
 * nowhere else: tests/bench/bench_kernel_frames.py finds these by its address.
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

	.globl bench_read_tsc
	.type bench_read_tsc, @function
bench_read_tsc:
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	ret
	.size bench_read_tsc, . - bench_read_tsc

	.section .note.GNU-stack, "", @progbits
