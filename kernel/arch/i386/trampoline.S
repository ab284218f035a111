/* SPDX-License-Identifier: MIT */
/*
 * trampoline.S - the first instructions of the other CPUs: real mode to protected mode with paging.
 *
 * smp.c copies trampoline_start .. trampoline_end to SMP_TRAMPOLINE_PHYS and fills the last fields
 * for one CPU at a time. The kernel's root still maps that page at its physical address.
 */
#include "arch/offsets.h"
#include "arch/segment.inc"

#define TRAMPOLINE_PHYS	0x8000
#define AT(label)	(TRAMPOLINE_PHYS + (label) - trampoline_start)
#define PHYS(symbol)	((symbol) - PAGE_OFFSET_TEXT)

	.section .init.rodata, "a"
	.globl	trampoline_start, trampoline_end
	.globl	trampoline_efer, trampoline_stack, trampoline_percpu
	.balign	16
	.code16
trampoline_start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	AT(gdt_pointer)
	movl	$0x11, %eax			/* PE, ET */
	movl	%eax, %cr0
	ljmpl	$KERNEL_CS, $AT(start32)

	.code32
start32:
	movw	$KERNEL_DS, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	PHYS(boot_cr4), %eax
	movl	%eax, %cr4
	movl	$PHYS(kernel_root), %eax
	movl	%eax, %cr3
	movl	AT(trampoline_efer), %eax
	testl	%eax, %eax
	jz	1f
	xorl	%edx, %edx
	movl	$0xc0000080, %ecx		/* EFER */
	wrmsr
1:	movl	$0x80010033, %eax		/* PG, WP, NE, ET, MP, PE */
	movl	%eax, %cr0
	movl	AT(trampoline_percpu), %eax
	SET_BASE AT(gdt)+PERCPU_DS
	movl	$PERCPU_DS, %eax
	movl	%eax, %fs
	xorl	%eax, %eax
	movl	%eax, %gs
	movl	AT(trampoline_stack), %esp
	xorl	%ebp, %ebp
	movl	$secondary_main, %eax
	call	*%eax
	ud2

	.balign	8
gdt:
	.fill	KERNEL_CS / 8, 8, 0
	.quad	0x00cf9b000000ffff		/* KERNEL_CS */
	.quad	0x00cf93000000ffff		/* KERNEL_DS */
	.fill	PERCPU_DS / 8 - KERNEL_DS / 8 - 1, 8, 0
	.quad	0x00cf93000000ffff		/* PERCPU_DS, whose base is filled in */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	AT(gdt)
	.balign	8
trampoline_efer:
	.quad	0
trampoline_stack:
	.quad	0
trampoline_percpu:
	.quad	0
trampoline_end:

	.section .note.GNU-stack, "", @progbits
