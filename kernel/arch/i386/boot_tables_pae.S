/* SPDX-License-Identifier: MIT */
/*
 * boot_tables_pae.S - the first page tables in the format with PAE: four root entries, 2 MiB an entry below them.
 *
 *	root 0..2	the first 3 GiB at 0
 *	root 3		low memory at PAGE_OFFSET; its entry 511: the table of device windows (paging.c)
 */
#include "arch/offsets.h"

#define PHYS(symbol)	((symbol) - PAGE_OFFSET_TEXT)
#define PTE_ROOT	0x1		/* present: the others are reserved */
#define PTE_TABLE	0x63		/* present, writable, accessed, dirty */
#define PTE_2M		0x1e3		/* the same, 2 MiB, global */
#define PTE_2M_USER_HALF 0xe3		/* not global: it goes with a new root */
#define LOW_ENTRIES	448		/* 896 MiB */

	.section .head.text, "ax"
	.globl	BOOT_FEATURES
	.set	BOOT_FEATURES, 1 << 6 | 1 << 8 | 1 << 13 | 1 << 24	/* PAE, CX8, PGE, FXSR */

	.globl	boot_make_tables
boot_make_tables:
	movl	$PHYS(boot_pmd), %ecx
	movl	$PTE_2M_USER_HALF, %eax
1:	movl	%eax, (%ecx)
	addl	$8, %ecx
	addl	$0x200000, %eax
	cmpl	$PHYS(boot_pmd) + 3 * 4096, %ecx
	jb	1b
	movl	$PHYS(kernel_pmd), %ecx
	movl	$PTE_2M, %eax
2:	movl	%eax, (%ecx)
	addl	$8, %ecx
	addl	$0x200000, %eax
	cmpl	$PHYS(kernel_pmd) + LOW_ENTRIES * 8, %ecx
	jb	2b
	movl	$PHYS(window_table) + PTE_TABLE, PHYS(kernel_pmd) + 511 * 8
	movl	$PHYS(boot_pmd) + PTE_ROOT, PHYS(kernel_root)
	movl	$PHYS(boot_pmd) + 4096 + PTE_ROOT, PHYS(kernel_root) + 8
	movl	$PHYS(boot_pmd) + 8192 + PTE_ROOT, PHYS(kernel_root) + 16
	movl	$PHYS(kernel_pmd) + PTE_ROOT, PHYS(kernel_root) + 24

	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	3f
	movl	$0x80000001, %eax
	cpuid
	btl	$20, %edx
	jnc	3f
	movl	$0x800, PHYS(boot_efer)		/* NXE */
3:	ret

	.section .init.data, "aw"
	.balign	4
	.globl	boot_efer, boot_cr4
boot_efer:
	.long	0
boot_cr4:
	.long	0x6a0			/* OSXMMEXCPT, OSFXSR, PGE, PAE */
	.globl	boot_old_cpu_text
boot_old_cpu_text:
	.asciz	"Quire needs a CPU with PAE, CX8, PGE and FXSR; the kernel without PAE needs less.\r\n"

	.section .init.pages, "aw"
	.balign	4096
boot_pmd:
	.fill	3 * 4096, 1, 0

	.section .bss.pages, "aw", @nobits
	.balign	4096
	.globl	kernel_root, window_table
kernel_root:
	.skip	4096
kernel_pmd:
	.skip	4096
window_table:
	.skip	4096

	.section .note.GNU-stack, "", @progbits
