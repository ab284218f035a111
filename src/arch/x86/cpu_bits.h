/* SPDX-License-Identifier: MIT */
/* cpu_bits.h - what this CPU can do with page tables, and what its host has switched on. Boot CPU. Locks, sleep: none. */
#ifndef ARCH_X86_CPU_BITS_H
#define ARCH_X86_CPU_BITS_H

#include "quire/types.h"

#define CPUID_EXTENDED 0x80000001u
#define CPUID_NX (1u << 20)
#define CPUID_PAGES_1G (1u << 26)
#define MSR_EFER 0xc0000080u
#define EFER_NXE (1u << 11)
#define CR4_PAGES_4M (1ul << 4)
#define CR4_FIVE_LEVELS (1ul << 12)
#define CR4_PROTECTION_KEYS (1ul << 22)

/* EDX of a leaf; 0 when the CPU has no such leaf. */
static inline u32 cpuid_edx(u32 leaf)
{
	u32 a = leaf & 0x80000000u, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (a < leaf)
		return 0;
	a = leaf;
	c = 0;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

static inline unsigned long read_cr4(void)
{
	unsigned long cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	return cr4;
}

static inline bool cpu_has_1g_pages(void)
{
	return cpuid_edx(CPUID_EXTENDED) & CPUID_PAGES_1G;
}

static inline bool cpu_uses_nx(void)
{
	u32 lo, hi;

	if (!(cpuid_edx(CPUID_EXTENDED) & CPUID_NX))
		return false;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(MSR_EFER));
	return lo & EFER_NXE;
}

static inline bool cpu_uses_pkeys(void)
{
	return read_cr4() & CR4_PROTECTION_KEYS;
}

static inline bool cpu_uses_five_levels(void)
{
	return read_cr4() & CR4_FIVE_LEVELS;
}

/* 4 MiB pages of two levels; PAE has its 2 MiB pages always. */
static inline bool cpu_uses_4m_pages(void)
{
	return read_cr4() & CR4_PAGES_4M;
}

#endif
