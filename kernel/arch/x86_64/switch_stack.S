/* SPDX-License-Identifier: MIT */
/*
 * switch_stack.S - from one kernel stack to another, and where new stacks begin.
 */
#include "arch/offsets.h"

	.text
/*
 * struct thread_struct *switch_stack(struct thread_struct *prev, struct thread_struct *next)
 * Returns on the stack of next, with prev: also what the starts below find in rax.
 */
	.globl	switch_stack
	.type	switch_stack, @function
switch_stack:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, THREAD_SP(%rdi)
	movq	THREAD_SP(%rsi), %rsp
	movq	%rdi, %rax
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

/* A kernel thread: r12(r13) on an empty stack. */
	.globl	start_kernel_thread
	.type	start_kernel_thread, @function
start_kernel_thread:
	movq	%rax, %rdi
	call	schedule_tail
	sti
	movq	%r13, %rdi
	call	*%r12
	ud2

/* A new user task: its registers stand at rsp. */
	.globl	start_user_thread
	.type	start_user_thread, @function
start_user_thread:
	movq	%rax, %rdi
	call	schedule_tail
	jmp	return_to_user

/* thread_enter_user(): drops the kernel stack down to the registers of user mode. */
	.globl	enter_user
	.type	enter_user, @function
enter_user:
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
	jmp	return_to_user

	.section .note.GNU-stack, "", @progbits
