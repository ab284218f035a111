/* SPDX-License-Identifier: MIT */
/*
 * elf_format.h - which programs run: class, machine, and what differs in the format of 32 bits.
 *
 * Lock: none, formats only.
 */
#ifndef KERNEL_ARCH_ELF_FORMAT_H
#define KERNEL_ARCH_ELF_FORMAT_H

#include <stdint.h>
#include "vdso/i386/places.h"

#define ELF_CLASS	1
#define ELF_MACHINE	3
#define ELF_PLATFORM	"i686"
#define ELF_VSYSCALL	VDSO_VSYSCALL
/* Where position-independent programs start, as on Linux. */
#define PIE_BASE	0x00400000ul
#define PIE_RANDOM_PAGES (1ul << 8)
/* Pages over which the place of the stack varies: 8 MiB. */
#define STACK_RANDOM_PAGES (1ul << 11)

struct elf_phdr {
	uint32_t p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_flags, p_align;
};

#endif
