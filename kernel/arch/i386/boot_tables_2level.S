/* SPDX-License-Identifier: MIT */
/*
 * boot_tables_2level.S - the first page tables in the format of two levels: one table, 4 MiB an entry.
 *
 *	entry 0..767	the first 3 GiB at 0
 *	entry 768..991	low memory at PAGE_OFFSET
 *	entry 1023	the table of device windows (paging.c)
 */
#include "arch/offsets.h"

#define PHYS(symbol)	((symbol) - PAGE_OFFSET_TEXT)
#define PTE_TABLE	0x63		/* present, writable, accessed, dirty */
#define PTE_4M		0x1e3		/* the same, 4 MiB, global */
#define PTE_4M_USER_HALF 0xe3		/* not global: it goes with a new root */
#define LOW_ENTRIES	224		/* 896 MiB */

	.section .head.text, "ax"
	.globl	BOOT_FEATURES
	.set	BOOT_FEATURES, 1 << 3 | 1 << 13 | 1 << 24	/* PSE, PGE, FXSR */

	.globl	boot_make_tables
boot_make_tables:
	movl	$PHYS(kernel_root), %ecx
	movl	$PTE_4M_USER_HALF, %eax
1:	movl	%eax, (%ecx)
	addl	$4, %ecx
	addl	$0x400000, %eax
	cmpl	$PHYS(kernel_root) + 768 * 4, %ecx
	jb	1b
	movl	$PTE_4M, %eax
2:	movl	%eax, (%ecx)
	addl	$4, %ecx
	addl	$0x400000, %eax
	cmpl	$PHYS(kernel_root) + (768 + LOW_ENTRIES) * 4, %ecx
	jb	2b
	movl	$PHYS(window_table) + PTE_TABLE, PHYS(kernel_root) + 1023 * 4
	ret

	.section .init.data, "aw"
	.balign	4
	.globl	boot_efer, boot_cr4
boot_efer:
	.long	0
boot_cr4:
	.long	0x690			/* OSXMMEXCPT, OSFXSR, PGE, PSE */
	.globl	boot_old_cpu_text
boot_old_cpu_text:
	.asciz	"Quire needs a CPU with PSE, PGE and FXSR.\r\n"

	.section .bss.pages, "aw", @nobits
	.balign	4096
	.globl	kernel_root, window_table
kernel_root:
	.skip	4096
window_table:
	.skip	4096

	.section .note.GNU-stack, "", @progbits
