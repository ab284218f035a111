/* SPDX-License-Identifier: MIT */
/*
 * boot_entry.S - from the loader's 32-bit protected mode to kernel_main() in the higher half.
 *
 * PVH and multiboot2 enter alike: paging off, flat segments, ebx = physical address of their
 * information. eax tells them apart. The boot page tables map the first 4 GiB three times:
 * at 0 (this code runs there), at the direct map, and (1 GiB of it) at the kernel image. A CPU that knows five levels
 * uses them unless the command line says no5lvl (boot_levels.S): this cannot be changed once paging is on.
 */
#include "arch/offsets.h"

#define IMAGE_BASE	0xffffffff80000000
#define PHYS(symbol)	((symbol) - IMAGE_BASE)

#define MULTIBOOT2_HEADER_MAGIC	0xe85250d6
#define MSR_EFER	0xc0000080
#define EFER_SCE	0x1
#define EFER_LME	0x100
#define EFER_NXE	0x800
#define CR0_BOOT	0x80010033	/* PG, WP, NE, ET, MP, PE */
#define CR4_BOOT	0x6a0		/* OSXMMEXCPT, OSFXSR, PGE, PAE */
#define CR4_LA57	0x1000
#define LA57_ECX	16		/* CPUID(7).ecx */
#define PTE_TABLE	0x3		/* present, writable */
#define PTE_2M		0x183		/* present, writable, 2 MiB, global */
#define DIRECT_MAP_SLOT	273		/* 0xffff888000000000 */
#define MAPPED_GIB	4

	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 8, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	PHYS(_start_pvh)

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

	.code32
	.globl	_start_pvh
_start_pvh:
	xorl	%eax, %eax
	.globl	_start
_start:
	cli
	cld
	movl	$PHYS(boot_stack_top), %esp
	movl	%eax, %ebp
	movl	%ebx, %edi

	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	no_long_mode
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	no_long_mode
	pushl	%edx				/* bit 20: NX */
	call	choose_levels
	popl	%ebx

	/* 2 MiB pages for the first 4 GiB */
	movl	$PHYS(boot_pd), %ecx
	movl	$PTE_2M, %eax
1:	movl	%eax, (%ecx)
	addl	$8, %ecx
	addl	$0x200000, %eax
	cmpl	$PHYS(boot_pd) + MAPPED_GIB * 4096, %ecx
	jb	1b
	movl	$PHYS(boot_pd) + PTE_TABLE, %eax
	movl	$PHYS(boot_pdpt), %ecx
2:	movl	%eax, (%ecx)
	addl	$4096, %eax
	addl	$8, %ecx
	cmpl	$PHYS(boot_pdpt) + MAPPED_GIB * 8, %ecx
	jb	2b
	movl	$PHYS(boot_pd) + PTE_TABLE, PHYS(boot_pdpt_image) + 510 * 8
	movl	$PHYS(boot_pdpt) + PTE_TABLE, PHYS(boot_pml4)
	movl	$PHYS(boot_pdpt) + PTE_TABLE, PHYS(boot_pml4) + DIRECT_MAP_SLOT * 8
	movl	$PHYS(boot_pdpt_image) + PTE_TABLE, PHYS(boot_pml4) + 511 * 8
	movl	$PHYS(boot_pml4) + PTE_TABLE, PHYS(boot_p5)
	movl	$PHYS(boot_pml4) + PTE_TABLE, PHYS(boot_p5) + 511 * 8

	/* the same steps as in trampoline.S */
	movl	PHYS(boot_cr4), %eax
	movl	%eax, %cr4
	movl	PHYS(boot_root), %eax
	movl	%eax, %cr3
	movl	$EFER_LME | EFER_SCE, %eax
	btl	$20, %ebx
	jnc	3f
	orl	$EFER_NXE, %eax
3:	movl	%eax, PHYS(boot_efer)
	xorl	%edx, %edx
	movl	$MSR_EFER, %ecx
	wrmsr
	movl	$CR0_BOOT, %eax
	movl	%eax, %cr0
	lgdt	PHYS(boot_gdt_pointer)
	ljmp	$KERNEL_CS, $PHYS(start_low64)

/* Makes five levels the choice if the CPU and the user let it. May change all but edi, ebp and esp. */
choose_levels:
	xorl	%eax, %eax
	cpuid
	cmpl	$7, %eax
	jb	4f
	movl	$7, %eax
	xorl	%ecx, %ecx
	cpuid
	btl	$LA57_ECX, %ecx
	jnc	4f
	call	find_no5lvl
	testl	%eax, %eax
	jnz	4f
	orl	$CR4_LA57, PHYS(boot_cr4)
	movl	$PHYS(boot_p5), PHYS(boot_root)
4:	ret

no_long_mode:
	movl	$PHYS(no_long_mode_text), %esi
4:	lodsb
	movw	$0x3f8, %dx
	outb	%al, %dx
	testb	%al, %al
	jnz	4b
5:	hlt
	jmp	5b

	.code64
start_low64:
	movq	$start_high64, %rax
	jmp	*%rax
start_high64:
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$boot_stack_top, %rsp
	movl	$0xc0000101, %ecx		/* GS base: the boot CPU's record */
	movq	$boot_percpu, %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	wrmsr
	movl	%edi, %esi			/* information, zero-extended */
	movl	%ebp, %edi			/* magic */
	xorl	%ebp, %ebp
	call	kernel_main
6:	hlt
	jmp	6b

no_long_mode_text:
	.asciz	"Quire needs a 64-bit CPU (long mode).\r\n"

	.section .init.data, "aw"
	.balign	8
	.globl	boot_gdt
boot_gdt:
	.quad	0, 0
	.quad	0x00af9b000000ffff		/* KERNEL_CS: 64-bit code */
	.quad	0x00cf93000000ffff		/* KERNEL_DS */
boot_gdt_end:
	.word	0, 0, 0
	.globl	boot_gdt_pointer
boot_gdt_pointer:
	.word	boot_gdt_end - boot_gdt - 1
	.long	PHYS(boot_gdt)
	.balign	4
	.globl	boot_efer
boot_efer:
	.long	0
	.globl	boot_cr4, boot_root
boot_cr4:
	.long	CR4_BOOT
boot_root:
	.long	PHYS(boot_pml4)

	.section .init.pages, "aw"
	.balign	4096
	.globl	boot_pml4
boot_pml4:
	.fill	4096, 1, 0
boot_p5:				/* the root, where there are five levels */
	.fill	4096, 1, 0
boot_pdpt:
	.fill	4096, 1, 0
boot_pdpt_image:
	.fill	4096, 1, 0
boot_pd:
	.fill	4096 * MAPPED_GIB, 1, 0

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
