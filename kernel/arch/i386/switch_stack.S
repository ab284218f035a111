/* SPDX-License-Identifier: MIT */
/*
 * switch_stack.S - from one kernel stack to another, and where new stacks begin.
 */
#include "arch/offsets.h"

	.text
/*
 * struct thread_struct *switch_stack(struct thread_struct *prev, struct thread_struct *next)
 * Returns on the stack of next, with prev: also what the starts below find in eax.
 */
	.globl	switch_stack
	.type	switch_stack, @function
switch_stack:
	movl	4(%esp), %eax
	movl	8(%esp), %edx
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	%esp, THREAD_SP(%eax)
	movl	THREAD_SP(%edx), %esp
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret

/* A kernel thread: ebx(esi) on an empty stack. */
	.globl	start_kernel_thread
	.type	start_kernel_thread, @function
start_kernel_thread:
	pushl	%eax
	call	schedule_tail
	addl	$4, %esp
	sti
	pushl	%esi
	call	*%ebx
	ud2

/* A new user task: its registers stand at esp. */
	.globl	start_user_thread
	.type	start_user_thread, @function
start_user_thread:
	pushl	%eax
	call	schedule_tail
	addl	$4, %esp
	jmp	return_to_user

/* thread_enter_user(): drops the kernel stack down to the registers of user mode. */
	.globl	enter_user
	.type	enter_user, @function
enter_user:
	movl	4(%esp), %esp
	xorl	%ebp, %ebp
	jmp	return_to_user

	.section .note.GNU-stack, "", @progbits
