/* SPDX-License-Identifier: MIT */
/*
 * trampoline.S - the first instructions of the other CPUs: real mode to long mode.
 *
 * smp.c copies trampoline_start .. trampoline_end to SMP_TRAMPOLINE_PHYS and fills the last fields
 * for one CPU at a time. The boot page tables map that page at its physical address.
 */
#include "arch/offsets.h"

#define TRAMPOLINE_PHYS	0x8000
#define AT(label)	(TRAMPOLINE_PHYS + (label) - trampoline_start)
#define PHYS(symbol)	((symbol) - 0xffffffff80000000)

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
	ljmpl	$0x20, $AT(start32)

	.code32
start32:
	movw	$KERNEL_DS, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movl	PHYS(boot_cr4), %eax
	movl	%eax, %cr4
	movl	PHYS(boot_root), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx		/* EFER */
	movl	AT(trampoline_efer), %eax
	xorl	%edx, %edx
	wrmsr
	movl	$0x80010033, %eax		/* PG, WP, NE, ET, MP, PE */
	movl	%eax, %cr0
	ljmp	$KERNEL_CS, $AT(start64)

	.code64
start64:
	movq	AT(trampoline_stack), %rsp
	movl	AT(trampoline_percpu), %eax
	movl	AT(trampoline_percpu) + 4, %edx
	movl	$0xc0000101, %ecx		/* GS base */
	wrmsr
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%ebp, %ebp
	movq	$secondary_main, %rax
	call	*%rax
	ud2

	.balign	8
gdt:
	.quad	0, 0
	.quad	0x00af9b000000ffff		/* KERNEL_CS: 64-bit code */
	.quad	0x00cf93000000ffff		/* KERNEL_DS */
	.quad	0x00cf9b000000ffff		/* 32-bit code */
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
