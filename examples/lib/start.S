/* SPDX-License-Identifier: MIT */
/*
 * start.S - the shortest way from a PVH loader to C: paging on, 64 bits, a stack.
 *
 * The library asks two things of an x86-64 host before quire_init_frames(): the first 4 GiB appear in
 * the direct map (0xffff888000000000 on), and the image is linked and mapped at IMAGE_BASE plus where
 * it lies. A third mapping, at 0, is for the instructions below.
 */
#define IMAGE_BASE	0xffffffff80000000
#define PHYS(symbol)	((symbol) - IMAGE_BASE)
#define MSR_EFER	0xc0000080
#define EFER_LME	0x100
#define EFER_NXE	0x800
#define CR0_BOOT	0x80010033	/* PG, WP, NE, ET, MP, PE */
#define CR4_BOOT	0x6a0		/* OSXMMEXCPT, OSFXSR, PGE, PAE */
#define PTE_TABLE	0x3		/* present, writable */
#define PTE_2M		0x83		/* present, writable, 2 MiB */
#define DIRECT_MAP_SLOT	273
#define MAPPED_GIB	4

	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 8, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	PHYS(_start)

	.text
	.code32
	.globl	_start
_start:					/* ebx: struct hvm_start_info; flat segments, no paging */
	cli
	cld
	movl	$PHYS(stack_top), %esp
	movl	%ebx, %edi
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
	movl	$PHYS(boot_pdpt_image) + PTE_TABLE, PHYS(boot_pml4) + 511 * 8
	movl	$PHYS(boot_pdpt) + PTE_TABLE, PHYS(boot_pml4)
	movl	$PHYS(boot_pdpt) + PTE_TABLE, PHYS(boot_pml4) + DIRECT_MAP_SLOT * 8
	movl	$CR4_BOOT, %eax
	movl	%eax, %cr4
	movl	$PHYS(boot_pml4), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	movl	$EFER_LME | EFER_NXE, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_BOOT, %eax
	movl	%eax, %cr0
	lgdt	PHYS(gdt_pointer)
	ljmp	$8, $PHYS(start_low64)

	.code64
start_low64:
	movq	$start_high64, %rax
	jmp	*%rax
start_high64:
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%edi, %edi		/* zero-extended: the first argument */
	movq	$stack_top, %rsp
	xorl	%ebp, %ebp
	call	example_start
3:	hlt
	jmp	3b

	.section .rodata
	.balign	8
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
gdt_pointer:
	.word	15
	.long	PHYS(gdt)

	.bss
	.balign	4096
boot_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pdpt_image:
	.skip	4096
boot_pd:
	.skip	4096 * MAPPED_GIB
	.skip	16384
stack_top:

	.section .note.GNU-stack, "", @progbits
