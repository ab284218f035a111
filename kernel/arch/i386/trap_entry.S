/* SPDX-License-Identifier: MIT */
/*
 * trap_entry.S - the ways into the kernel and out of it: system calls, exceptions, interrupts.
 *
 * Every path builds one struct pt_regs. Interrupts are off on entry (all are interrupt gates) and
 * off again on the way out. Nothing is known of the segment registers on entry, not even that the
 * CPU was in user mode (an NMI may come on the last instruction before IRET): all are saved and set.
 */
#include "arch/offsets.h"

	.section .entry.text, "ax"

/* The instruction at the label goes on at the other one when it faults. */
.macro FIXUP from, to
	.pushsection quire_ex_table, "a"
	.balign	4
	.long	\from - ., \to - .
	.popsection
.endm

/*
 * Behind orig_ax and gs. C code wants DF clear. CLAC where the CPU has SMAP (patched in at boot): the
 * user's AC flag must not open user memory.
 */
.macro SAVE_FROM_FS
	cld
771:	.byte	0x0f, 0x1f, 0x00		/* a 3-byte NOP */
	.pushsection quire_smap_sites, "a"
	.long	771b - .
	.long	0xca010f			/* CLAC */
	.popsection
	pushl	%fs
	pushl	%es
	pushl	%ds
	pushl	%eax
	pushl	%ebp
	pushl	%edi
	pushl	%esi
	pushl	%edx
	pushl	%ecx
	pushl	%ebx
	movl	$USER_DS, %ecx
	movl	%ecx, %ds
	movl	%ecx, %es
	movl	$PERCPU_DS, %ecx
	movl	%ecx, %fs
.endm

.macro POP_REGS
	popl	%ebx
	popl	%ecx
	popl	%edx
	popl	%esi
	popl	%edi
	popl	%ebp
	popl	%eax
.endm

/* INT 0x80: the number in eax, arguments in ebx, ecx, edx, esi, edi, ebp. */
	.globl	asm_int80
asm_int80:
	pushl	%eax
	pushl	%gs
	SAVE_FROM_FS
	sti
	cmpl	$SYSCALL_TABLE_SIZE, %eax
	jae	no_such_call
	movl	PT_CX(%esp), %ecx		/* it was used for selectors */
	pushl	%ebp				/* copies: what C is called with, it may change */
	pushl	%edi
	pushl	%esi
	pushl	%edx
	pushl	%ecx
	pushl	%ebx
	call	*syscall_table(, %eax, 4)
	addl	$6 * 4, %esp
call_done:
	movl	%eax, PT_AX(%esp)

/* esp: struct pt_regs of user mode. */
	.globl	return_to_user
return_to_user:
	cli
	movl	%fs:PERCPU_CURRENT, %eax
	cmpl	$0, THREAD_FLAGS(%eax)
	jne	return_work
restore_user:
	POP_REGS
1:	popl	%ds
2:	popl	%es
3:	popl	%fs
4:	popl	%gs
	addl	$4, %esp			/* orig_ax */
5:	iretl

/* Selectors are the program's to choose: one that cannot be loaded becomes the empty one. */
11:	movl	$0, (%esp)
	jmp	1b
12:	movl	$0, (%esp)
	jmp	2b
13:	movl	$0, (%esp)
	jmp	3b
14:	movl	$0, (%esp)
	jmp	4b
	FIXUP	1b, 11b
	FIXUP	2b, 12b
	FIXUP	3b, 13b
	FIXUP	4b, 14b

/* cs or ss: the frame of IRET becomes one of user mode again, and the program ends. */
15:	pushl	$-1
	pushl	%gs
	SAVE_FROM_FS
	pushl	%esp
	call	return_fault
	addl	$4, %esp
	jmp	return_to_user
	FIXUP	5b, 15b

no_such_call:
	call	sys_unknown
	jmp	call_done

/* Signals, rescheduling: comes back with interrupts off and nothing left to do. */
return_work:
	pushl	%esp
	call	exit_to_user_work
	addl	$4, %esp
	jmp	restore_user

/* gs is the program's all the time: the kernel does not use it. */
return_to_kernel:
	POP_REGS
	popl	%ds
	popl	%es
	popl	%fs
	addl	$8, %esp			/* gs, orig_ax */
	iretl

/* do_user_fault(regs, address, error), do_kernel_fault likewise */
	.globl	asm_page_fault
asm_page_fault:
	pushl	%gs
	SAVE_FROM_FS
	movl	%esp, %eax
	movl	%cr2, %edx
	movl	PT_ORIG_AX(%esp), %ecx
	movl	$-1, PT_ORIG_AX(%esp)		/* no system call to restart */
	testb	$3, PT_CS(%esp)
	pushl	%ecx
	pushl	%edx
	pushl	%eax
	jz	1f
	sti
	call	do_user_fault
	addl	$12, %esp
	jmp	return_to_user
1:	call	do_kernel_fault
	addl	$12, %esp
	jmp	return_to_kernel

/* The vector stands where gs belongs, the error code where orig_ax does. do_trap(regs, vector, error) */
trap_common:
	SAVE_FROM_FS
	movl	%esp, %eax
	movl	PT_GS(%esp), %edx
	movl	%gs, %ecx
	movl	%ecx, PT_GS(%esp)
	movl	PT_ORIG_AX(%esp), %ecx
	movl	$-1, PT_ORIG_AX(%esp)
	pushl	%ecx
	pushl	%edx
	pushl	%eax
	call	do_trap
	addl	$12, %esp
	testb	$3, PT_CS(%esp)
	jnz	return_to_user
	jmp	return_to_kernel

/* do_paranoid_trap(regs, vector, error): on the stack of whoever was interrupted. */
	.globl	asm_nmi
asm_nmi:
	pushl	$-1
	pushl	%gs
	SAVE_FROM_FS
	movl	%esp, %eax
	pushl	$0
	pushl	$2
	pushl	%eax
	call	do_paranoid_trap
	addl	$12, %esp
	testb	$3, PT_CS(%esp)
	jnz	restore_user
	jmp	return_to_kernel

/* orig_ax: ~vector. do_irq(regs) */
irq_common:
	pushl	%gs
	SAVE_FROM_FS
	pushl	%esp
	call	do_irq
	addl	$4, %esp
	testb	$3, PT_CS(%esp)
	jnz	return_to_user
	jmp	return_to_kernel

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
	pushl	$0
	.endif
	pushl	$vector
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
	pushl	$~vector
	jmp	irq_common
	.set	vector, vector + 1
	.endr

	.section .note.GNU-stack, "", @progbits
