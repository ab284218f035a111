/* SPDX-License-Identifier: MIT */
/*
 * elf.h - the parts of ELF that a loader reads, and the auxiliary vector.
 *
 * Lock: none, formats only.
 */
#ifndef KERNEL_PROC_ELF_H
#define KERNEL_PROC_ELF_H

#include "arch/elf_format.h"
#include "quire/types.h"

/* Words that are as wide as the program's. */
struct elf_ehdr {
	unsigned char e_ident[16];
	u16 e_type, e_machine;
	u32 e_version;
	unsigned long e_entry, e_phoff, e_shoff;
	u32 e_flags;
	u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

#define ELFDATA2LSB 1
#define ET_EXEC 2
#define ET_DYN 3

#define PT_LOAD 1
#define PT_INTERP 3
#define PT_PHDR 6
#define PT_GNU_STACK 0x6474e551u

#define PF_X 1u
#define PF_W 2u
#define PF_R 4u

enum auxv_type {
	AT_NULL = 0, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9, AT_UID = 11, AT_EUID = 12, AT_GID = 13, AT_EGID = 14, AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17, AT_SECURE = 23, AT_RANDOM = 25, AT_HWCAP2 = 26,
	AT_RSEQ_FEATURE_SIZE = 27, AT_RSEQ_ALIGN = 28, AT_EXECFN = 31,
	AT_SYSINFO = 32, AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
};

#endif
