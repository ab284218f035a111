/* SPDX-License-Identifier: MIT */
/*
 * boot_levels.S - whether the command line says no5lvl, asked in 32-bit mode before paging is on.
 *
 * The words are those of cmdline.c: blanks end them unless they are quoted, and what follows "--" is init's. The text is
 * read where the loader left it; boot_info.c reads it again once C runs.
 */
#define MULTIBOOT2_MAGIC	0x36d76289
#define MB2_TAGS		8	/* the first tag's offset in the information */
#define MB2_END			0
#define MB2_CMDLINE		1
#define MB2_TAG_SIZE		4
#define MB2_TAG_DATA		8
#define PVH_CMDLINE		24	/* offset in struct hvm_start_info */

	.section .head.text, "ax"
	.code32

/* ebp: the loader's magic, edi: its information. Returns 1 in eax when the word is there, else 0. Changes ebx, ecx, edx, esi. */
	.globl	find_no5lvl
find_no5lvl:
	call	cmdline_of
	testl	%esi, %esi
	jz	no
	xorl	%edx, %edx			/* inside quotes */
between:
	lodsb
	call	is_end
	jc	between
	jz	no
	decl	%esi
	cmpw	$0x2d2d, (%esi)			/* "--" */
	jne	1f
	movb	2(%esi), %al
	call	is_end
	jc	no
	jz	no
1:	cmpl	$0x6c356f6e, (%esi)		/* "no5l" */
	jne	inside
	cmpw	$0x6c76, 4(%esi)		/* "vl" */
	jne	inside
	movb	6(%esi), %al
	call	is_end
	jc	yes
	jz	yes
inside:
	lodsb
	cmpb	$'"', %al
	jne	2f
	notl	%edx
2:	testb	%al, %al
	jz	no
	testl	%edx, %edx
	jnz	inside
	call	is_end
	jc	between
	jmp	inside
yes:
	movl	$1, %eax
	ret
no:
	xorl	%eax, %eax
	ret

/* Carry: al is a blank. Zero: al ends the text. Neither: it is part of a word. */
is_end:
	cmpb	$' ', %al
	je	3f
	cmpb	$'\t', %al
	je	3f
	cmpb	$'\n', %al
	je	3f
	testb	%al, %al			/* clears carry */
	ret
3:	stc
	ret

/* The text's address in esi, or 0. Changes eax, ebx. */
cmdline_of:
	xorl	%esi, %esi
	cmpl	$MULTIBOOT2_MAGIC, %ebp
	je	multiboot2
	movl	PVH_CMDLINE(%edi), %esi
	ret
multiboot2:
	leal	MB2_TAGS(%edi), %ebx
4:	cmpl	$MB2_END, (%ebx)
	je	5f
	cmpl	$MB2_CMDLINE, (%ebx)
	je	6f
	movl	MB2_TAG_SIZE(%ebx), %eax
	addl	$7, %eax
	andl	$~7, %eax			/* each begins at a multiple of 8 */
	addl	%eax, %ebx
	jmp	4b
6:	leal	MB2_TAG_DATA(%ebx), %esi
5:	ret

	.section .note.GNU-stack, "", @progbits
