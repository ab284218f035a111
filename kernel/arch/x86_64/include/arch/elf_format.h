/* SPDX-License-Identifier: MIT */
/*
 * elf_format.h - which programs run: class, machine, and what differs in the format of 64 bits.
 *
 * Lock: none, formats only.
 */
#ifndef KERNEL_ARCH_ELF_FORMAT_H
#define KERNEL_ARCH_ELF_FORMAT_H

#include <stdint.h>

#define ELF_CLASS	2
#define ELF_MACHINE	62
#define ELF_PLATFORM	"x86_64"
#define ELF_VSYSCALL	0	/* in [vdso]: programs have an instruction for it */
/* Where position-independent programs start: two thirds up, away from the mmap area's top. */
#define PIE_BASE	0x555555554000ul
#define PIE_RANDOM_PAGES (1ul << 28)
/* Pages over which the place of the stack varies: 16 GiB. */
#define STACK_RANDOM_PAGES (1ul << 22)

struct elf_phdr {
	uint32_t p_type, p_flags;
	uint64_t p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};

#endif
