/* SPDX-License-Identifier: MIT */
/*
 * boot_entry.S - from the loader's protected mode to kernel_main() in the upper GiB.
 *
 * PVH and multiboot2 enter alike: paging off, flat segments, ebx = physical address of their
 * information. eax tells them apart. What the page tables look like is the business of
 * boot_tables_2level.S or boot_tables_pae.S; both map low memory at PAGE_OFFSET with large pages,
 * and the first 3 GiB at 0: this code runs there, and the firmware's tables lie there.
 */
#include "arch/offsets.h"
#include "arch/segment.inc"

#define PHYS(symbol)	((symbol) - PAGE_OFFSET_TEXT)

#define MULTIBOOT2_HEADER_MAGIC	0xe85250d6
#define CR0_BOOT	0x80010033	/* PG, WP, NE, ET, MP, PE */

	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	PHYS(_start_pvh)

	.section .head.text, "ax"
	.balign	8
multiboot2_header:
	.long	MULTIBOOT2_HEADER_MAGIC
	.long	0
	.long	multiboot2_header_end - multiboot2_header
	.long	-(MULTIBOOT2_HEADER_MAGIC + (multiboot2_header_end - multiboot2_header))
	.word	3, 0				/* entry address */
	.long	12
	.long	PHYS(_start)
	.balign	8
	.word	6, 0				/* modules on page borders */
	.long	8
	.word	0, 0
	.long	8
multiboot2_header_end:

	.globl	_start_pvh
_start_pvh:
	xorl	%eax, %eax
	.globl	_start
_start:
	cli
	cld
	movl	$PHYS(boot_stack_top), %esp
	movl	%eax, %ebp
	pushl	%ebx

	movl	$1, %eax
	cpuid
	andl	$BOOT_FEATURES, %edx
	cmpl	$BOOT_FEATURES, %edx
	jne	old_cpu
	call	boot_make_tables
	popl	%edi

	/* the same steps as in trampoline.S */
	movl	PHYS(boot_cr4), %eax
	movl	%eax, %cr4
	movl	$PHYS(kernel_root), %eax
	movl	%eax, %cr3
	movl	PHYS(boot_efer), %eax
	testl	%eax, %eax
	jz	1f
	xorl	%edx, %edx
	movl	$0xc0000080, %ecx		/* EFER */
	wrmsr
1:	movl	$CR0_BOOT, %eax
	movl	%eax, %cr0
	movl	$2f, %eax
	jmp	*%eax
2:	movl	$boot_stack_top, %esp
	movl	$boot_percpu, %eax
	SET_BASE boot_gdt+PERCPU_DS
	lgdt	boot_gdt_pointer
	ljmp	$KERNEL_CS, $3f
3:	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$PERCPU_DS, %eax
	movl	%eax, %fs
	xorl	%eax, %eax
	movl	%eax, %gs
	pushl	$0				/* information, of 64 bits */
	pushl	%edi
	pushl	%ebp				/* magic */
	xorl	%ebp, %ebp
	call	kernel_main
4:	hlt
	jmp	4b

old_cpu:
	movl	$PHYS(boot_old_cpu_text), %esi
5:	lodsb
	movw	$0x3f8, %dx
	outb	%al, %dx
	testb	%al, %al
	jnz	5b
6:	hlt
	jmp	6b

	.section .init.data, "aw"
	.balign	8
	.globl	boot_gdt
boot_gdt:
	.fill	KERNEL_CS / 8, 8, 0
	.quad	0x00cf9b000000ffff		/* KERNEL_CS */
	.quad	0x00cf93000000ffff		/* KERNEL_DS */
	.fill	PERCPU_DS / 8 - KERNEL_DS / 8 - 1, 8, 0
	.quad	0x00cf93000000ffff		/* PERCPU_DS, whose base is filled in */
boot_gdt_end:
	.word	0
boot_gdt_pointer:
	.word	boot_gdt_end - boot_gdt - 1
	.long	boot_gdt

	/* the stack of the boot thread, which becomes the idle task of CPU 0 */
	.section .bss.pages, "aw", @nobits
	.balign	4096
	.globl	boot_stack_guard
boot_stack_guard:				/* paging.c leaves it unmapped */
	.skip	4096
	.skip	16384
	.globl	boot_stack_top
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
