/* SPDX-License-Identifier: MIT */
/*
 * syscall_entry.S - the SYSCALL instruction's way in and the short way out.
 *
 * The short way leaves by SYSRET with what is still in the callee-saved registers: it is taken
 * only when no thread flag is set, and whoever changes pt_regs as a whole sets TIF_FULL_RETURN.
 * So rip and rsp are the ones that user mode came with, and rip is canonical: the last page below
 * TASK_SIZE can never be mapped.
 */
#include "arch/entry_regs.inc"
#include "arch/offsets.h"

	.section .entry.text, "ax"
	.balign	16
	.globl	asm_syscall
asm_syscall:
	swapgs
	movq	%rsp, %gs:PERCPU_USER_SP
	movq	%gs:PERCPU_RSP0, %rsp
	pushq	$USER_DS
	pushq	%gs:PERCPU_USER_SP
	pushq	%r11				/* flags */
	pushq	$USER_CS
	pushq	%rcx				/* rip */
	pushq	%rax				/* orig_ax */
	pushq	%rdi
	PUSH_REGS_FROM_SI
	sti
	movq	%r10, %rcx			/* the fourth argument, where C expects it */
	cmpq	$SYSCALL_TABLE_SIZE, %rax
	jae	no_such_call
	call	*syscall_table(, %rax, 8)
call_done:
	movq	%rax, PT_AX(%rsp)
	cli
	movq	%gs:PERCPU_CURRENT, %rdx
	cmpl	$0, THREAD_FLAGS(%rdx)
	jne	return_work
	addq	$6 * 8, %rsp			/* C has preserved rbx, rbp, r12 to r15 */
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	addq	$8, %rsp
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	movq	PT_SP - PT_ORIG_AX(%rsp), %rsp
	swapgs
	sysretq

no_such_call:
	call	sys_unknown
	jmp	call_done

	.section .note.GNU-stack, "", @progbits
