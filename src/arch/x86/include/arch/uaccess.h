/* SPDX-License-Identifier: MIT */
/*
 * uaccess.h - single values of user memory: one checked instruction each.
 *
 *	stac, or a NOP where the CPU has no SMAP        [quire_smap_sites: offset of the three bytes, what they become]
 *	the access                                      [quire_ex_table: offset of the instruction, of its fixup]
 *	clac, or a NOP
 *
 * The boot code turns the NOPs into instructions before anything runs in user mode. An address that may be the kernel's is
 * refused before it is touched (arch_user_range_ok, arch/user_word.h).
 *
 * Lock: none. Sleeps: in the fault handler, when the page is not there. Cost: five instructions. Allocates: never.
 */
#ifndef ARCH_UACCESS_H
#define ARCH_UACCESS_H

#include "arch/page.h"
#include "base/compiler.h"
#include "quire/errno.h"
#include "quire/types.h"

/* The bytes of the instructions, as numbers: 0f 01 cb and 0f 01 ca. */
#define UACCESS_SITE(bytes)							\
	"771:\t.byte 0x0f, 0x1f, 0x00\n"					\
	"\t.pushsection quire_smap_sites, \"a\"\n"				\
	"\t.balign 4\n"								\
	"\t.long 771b - ., " bytes "\n"						\
	"\t.popsection\n"
#define UACCESS_ALLOW UACCESS_SITE("0x00cb010f")
#define UACCESS_FORBID UACCESS_SITE("0x00ca010f")

/* The instruction at `from` continues at `to` when it faults for good. */
#define UACCESS_FIXUP(from, to)							\
	"\t.pushsection quire_ex_table, \"a\"\n"				\
	"\t.balign 4\n"								\
	"\t.long " from " - ., " to " - .\n"					\
	"\t.popsection\n"

/* [addr, addr + bytes) is a program's, or faults; bytes: 1 to 8. The ISA's, in arch/user_word.h. */
static __always_inline bool arch_user_range_ok(vaddr_t addr, unsigned int bytes);

static __always_inline void arch_user_forbid(void)
{
	__asm__ volatile(UACCESS_FORBID : : : "memory");
}

/* The empty statement behind an asm goto with outputs keeps older compilers from moving the use before it. */
#define ARCH_GET_USER(size, type, insn, reg, class)					\
static __always_inline int arch_get_user_##size(void *to, const void *from)		\
{											\
	type value;									\
											\
	if (!arch_user_range_ok((vaddr_t)from, size))					\
		goto fault;								\
	__asm__ volatile goto(UACCESS_ALLOW						\
			      "1:\t" insn " (%1), %" reg "0\n"				\
			      UACCESS_FORBID						\
			      UACCESS_FIXUP("1b", "%l2")				\
			      : class(value) : "r"(from) : "memory" : fault_allowed);	\
	__asm__ volatile("");								\
	*(type *)to = value;								\
	return 0;									\
fault_allowed:										\
	arch_user_forbid();								\
fault:											\
	*(type *)to = 0;								\
	return -EFAULT;									\
}

#define ARCH_PUT_USER(size, type, insn, reg, class)					\
static __always_inline int arch_put_user_##size(const void *from, void *to)		\
{											\
	type value = *(const type *)from;						\
											\
	if (!arch_user_range_ok((vaddr_t)to, size))					\
		return -EFAULT;								\
	__asm__ volatile goto(UACCESS_ALLOW						\
			      "1:\t" insn " %" reg "0, (%1)\n"				\
			      UACCESS_FORBID						\
			      UACCESS_FIXUP("1b", "%l2")				\
			      : : class(value), "r"(to) : "memory" : fault_allowed);	\
	return 0;									\
fault_allowed:										\
	arch_user_forbid();								\
	return -EFAULT;									\
}

ARCH_GET_USER(1, u8, "movb", "b", "=q")
ARCH_GET_USER(2, u16, "movw", "w", "=r")
ARCH_GET_USER(4, u32, "movl", "k", "=r")
ARCH_PUT_USER(1, u8, "movb", "b", "q")
ARCH_PUT_USER(2, u16, "movw", "w", "r")
ARCH_PUT_USER(4, u32, "movl", "k", "r")

#include "arch/user_word.h"

/* Brings the table of fixups into order, through the writable map of boot. Boot CPU, once. */
void arch_sort_exception_table(void);

#endif
