/* SPDX-License-Identifier: MIT */
/*
 * trap_entry.S - exceptions and interrupts: save, call C, leave.
 *
 * Every path builds one struct pt_regs. Interrupts are off on entry (all are interrupt gates) and
 * off again on the way out. Page faults have a path of their own, because they are what programs
 * cause most.
 */
#include "arch/entry_regs.inc"
#include "arch/offsets.h"

	.section .entry.text, "ax"

/*
 * C code wants DF clear. CLAC where the CPU has SMAP (patched in at boot): the user's AC flag must
 * not open user memory.
 */
.macro ENTER_KERNEL
	cld
771:	.byte	0x0f, 0x1f, 0x00		/* a 3-byte NOP */
	.pushsection quire_smap_sites, "a"
	.long	771b - .
	.long	0xca010f			/* CLAC */
	.popsection
.endm

.macro POP_REGS
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
.endm

/* do_page_fault(regs, address, error) */
	.globl	asm_page_fault
asm_page_fault:
	ENTER_KERNEL
	pushq	%rdi
	PUSH_REGS_FROM_SI
	movq	%rsp, %rdi
	movq	PT_ORIG_AX(%rsp), %rdx
	movq	$-1, PT_ORIG_AX(%rsp)		/* no system call to restart */
	movq	%cr2, %rsi
	testb	$3, PT_CS(%rsp)
	jz	1f
	swapgs
	sti
	call	do_user_fault
	jmp	return_to_user
1:	call	do_kernel_fault
	POP_REGS
	addq	$8, %rsp
	iretq

/* edi: vector; its error code and rdi are on the stack. do_trap(regs, vector, error) */
trap_common:
	ENTER_KERNEL
	PUSH_REGS_FROM_SI
	movl	%edi, %esi
	movq	%rsp, %rdi
	movq	PT_ORIG_AX(%rsp), %rdx
	movq	$-1, PT_ORIG_AX(%rsp)
	testb	$3, PT_CS(%rsp)
	jz	1f
	swapgs
	call	do_trap
	jmp	return_to_user
1:	call	do_trap
	jmp	return_to_kernel

/* orig_ax: ~vector. do_irq(regs) */
irq_common:
	ENTER_KERNEL
	pushq	%rdi
	PUSH_REGS_FROM_SI
	movq	%rsp, %rdi
	testb	$3, PT_CS(%rsp)
	jz	1f
	swapgs
	call	do_irq
	jmp	return_to_user
1:	call	do_irq
	jmp	return_to_kernel

/* rsp: struct pt_regs of user mode. */
	.globl	return_to_user
return_to_user:
	cli
	movq	%gs:PERCPU_CURRENT, %rax
	cmpl	$0, THREAD_FLAGS(%rax)
	jne	return_work
return_by_iret:
	swapgs
return_to_kernel:
	POP_REGS
	addq	$8, %rsp			/* orig_ax */
	iretq

/* Signals, rescheduling: comes back with interrupts off and nothing left to do. */
	.globl	return_work
return_work:
	movq	%rsp, %rdi
	call	exit_to_user_work
	jmp	return_by_iret

/* A stack of its own (IST) and any GS: NMI and double fault. */
.macro PARANOID name, vector, error
	.globl	\name
\name:
	.if	!\error
	pushq	$0
	.endif
	pushq	%rdi
	PUSH_REGS_FROM_SI
	cld
	movl	$0xc0000101, %ecx		/* the kernel's GS base is negative */
	rdmsr
	xorl	%ebx, %ebx
	testl	%edx, %edx
	js	1f
	swapgs
	incl	%ebx				/* swap back on the way out */
1:	movq	%rsp, %rdi
	movl	$\vector, %esi
	movq	PT_ORIG_AX(%rsp), %rdx
	movq	$-1, PT_ORIG_AX(%rsp)
	call	do_paranoid_trap
	testl	%ebx, %ebx
	jz	return_to_kernel
	jmp	return_by_iret
.endm

	PARANOID asm_nmi, 2, 0
	PARANOID asm_double_fault, 8, 1

/* Bit n: exception n pushes an error code. */
#define ERROR_CODES	((1 << 8) | (0x1f << 10) | (1 << 17) | (1 << 21) | (1 << 29) | (1 << 30))

/* trap_stubs[vector], 16 bytes each, for 0..31. */
	.balign	16
	.globl	trap_stubs
trap_stubs:
	.set	vector, 0
	.rept	32
	.balign	16
	.if	!((ERROR_CODES >> vector) & 1)
	pushq	$0
	.endif
	pushq	%rdi
	movl	$vector, %edi
	jmp	trap_common
	.set	vector, vector + 1
	.endr

/* irq_stubs[vector - 32], 16 bytes each. */
	.balign	16
	.globl	irq_stubs
irq_stubs:
	.set	vector, 32
	.rept	256 - 32
	.balign	16
	pushq	$~vector
	jmp	irq_common
	.set	vector, vector + 1
	.endr

	.section .note.GNU-stack, "", @progbits
