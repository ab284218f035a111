/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - the simulated CPUs' translation caches and roots, and what is remembered about them for each CPU.
 *
 * A TLB here keeps every entry until it is flushed or its place is needed, and is trusted even when the tables say something
 * else meanwhile: whoever forgets a flush reads and writes through stale entries, and a test sees it.
 *
 * Lock: none; each CPU acts on itself. Sleeps: never. Allocates: never.
 */
#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include "arch/page.h"
#include "arch/pte.h"
#include "base/compiler.h"
#include "sync/ctx.h"

struct pgtable;

/* Written by its own CPU with interrupts off. */
struct tlb_cpu {
	struct pgtable *loaded;  /* whose root is loaded, NULL: the kernel's own                    */
	u64 gen;                 /* loaded->tlb_gen up to which this CPU has flushed                */
	bool lazy;               /* runs a kernel thread on borrowed tables: no user address is used */
} __cacheline_aligned;

/* Entries of a CPU's TLB, direct-mapped by page number; a power of two. */
#define SIM_TLB_ENTRIES 128

struct sim_tlb_entry {
	vaddr_t page;            /* address | 1, or 0: empty */
	pte_t pte;               /* as it was when it was read; of the page's own frame for a part of a huge one */
};

struct sim_mmu {
	paddr_t root;
	struct sim_tlb_entry tlb[SIM_TLB_ENTRIES];
};

/* Kind of access; the bits of enum fault_flags with the same meaning. */
enum sim_access { SIM_ACCESS_READ = 0, SIM_ACCESS_WRITE = 0x01, SIM_ACCESS_USER = 0x40, SIM_ACCESS_EXEC = 0x100 };

struct arch_state {
	paddr_t kernel_root;     /* (c) */
	u64 direct_map_bytes[3]; /* (c) by level */
	struct tlb_cpu *tlb;     /* (c) by CPU */
	struct sim_mmu *mmu;     /* (c) by CPU */
	/* What the trap handler of a real machine does: 0, touch again; else give up. May sleep. NULL: always gives up. */
	int (*fault)(vaddr_t addr, unsigned int access);
};

static inline struct tlb_cpu *this_tlb(void)
{
	return &this_quire()->arch->tlb[this_cpu()];
}

/* Low, so that tests reach both ways of flushing. */
#define TLB_SINGLE_PAGE_CEILING 8

/* Makes the root of an empty tree; the kernel's entries are in another one. */
static inline void arch_root_init(pte_t *root)
{
	clear_page(root);
}

void arch_tlb_flush_page(vaddr_t addr);
void arch_tlb_flush_user(void);
void arch_tlb_flush_all(void);
void arch_load_root(paddr_t root);
paddr_t arch_read_root(void);

/*
 * User memory as a program sees it: through the calling CPU's TLB and tables, calling fault() for what they do not allow.
 * 0, or -EFAULT when a page could not be had (what comes before it has been copied). Context: as uaccess.
 */
int sim_load(vaddr_t addr, void *to, size_t bytes);
int sim_store(vaddr_t addr, const void *from, size_t bytes);
int sim_fetch(vaddr_t addr);
/*
 * One touch within a page: where the byte lies in the process, or NULL when TLB and tables do not allow it now (the entry is
 * dropped from the TLB, as CPUs do before they fault).
 */
void *sim_translate(vaddr_t addr, unsigned int access);
/* The same for kernel code that uses a user address, with faults: NULL: a page could not be had. */
void *sim_touch(vaddr_t addr, unsigned int access);
/* Who is asked when a touch fails. */
void sim_set_fault_handler(int (*fault)(vaddr_t addr, unsigned int access));

#endif
