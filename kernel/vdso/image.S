/* SPDX-License-Identifier: MIT */
/* image.S - the linked vdso, to be copied to a page of its own. */
	.section .rodata, "a"
	.balign	16
	.globl	vdso_image_start
	.globl	vdso_image_end
vdso_image_start:
	.incbin	VDSO_FILE
vdso_image_end:

	.section .note.GNU-stack, "", @progbits
