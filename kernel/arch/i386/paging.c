/* SPDX-License-Identifier: MIT */
/* paging.c - what the kernel itself puts into its page tables: device windows, and what must not be there. */
#include "arch/paging.h"

#include <stddef.h>

#include "arch/io.h"
#include "arch/mmu.h"
#include "arch/pte.h"
#include "arch/smp.h"
#include "arch/tlb.h"
#include "base/string.h"
#include "boot/linker.h"

#define NR_WINDOWS	64
#define WINDOWS_START	(FIXADDR_TOP - NR_WINDOWS * PAGE_SIZE)

extern pte_t kernel_root[], window_table[];	/* boot_tables_*.S */
extern char boot_stack_guard[];
extern uint32_t boot_efer;

static uint64_t windows[NR_WINDOWS];	/* physical pages; 0: free */
static bool memory_ready;		/* the library's tables have replaced those of boot */

uint64_t kernel_root_phys(void)
{
	return __pa_symbol(kernel_root);
}

/* What is too large, or out of reach, stays: whoever wants it says what is wrong. */
void __init early_bring_low(uint64_t *start, uint64_t *end)
{
	uint64_t size = *end - *start, to = (EARLY_LOW_END - size) & ~(uint64_t)(PAGE_SIZE - 1);

	if (*end <= EARLY_LOW_END || *end > EARLY_PHYS_END || size > EARLY_LOW_END / 2)
		return;
	memmove(early_phys(to), (const void *)(uintptr_t)*start, size);
	*start = to;
	*end = to + size;
}

void __init paging_init(void)
{
	paging_init_cpu();
}

/* User pages become untouchable for kernel mode but through the copy functions: SMAP. */
void paging_init_cpu(void)
{
	struct cpuid features = { 0 };
	unsigned long cr4 = read_cr4();

	if (cpuid(0, 0).a >= 7)
		features = cpuid(7, 0);
	if (features.b & 1u << 7)
		cr4 |= CR4_SMEP;
	if (features.b & 1u << 20)
		cr4 |= CR4_SMAP;
	if (features.c & 1u << 2)
		cr4 |= CR4_UMIP;
	write_cr4(cr4);
}

static vaddr_t window_address(unsigned int i)
{
	return WINDOWS_START + i * PAGE_SIZE;
}

static void map_window(unsigned int i)
{
	pte_t *pte = memory_ready ? arch_kernel_pte(window_address(i)) : &window_table[pt_index(window_address(i), 0)];
	pgprot_t prot = PAGE_KERNEL_NOCACHE & ~(boot_efer & 0x800 ? 0 : X86_PTE_NX);

	set_pte(pte, pfn_pte((pfn_t)(windows[i] >> PAGE_SHIFT), prot));
	arch_tlb_flush_page(window_address(i));
}

volatile void *mmio_map(uint64_t phys)
{
	uint64_t page = phys & ~(uint64_t)(PAGE_SIZE - 1);
	unsigned int i;

	for (i = 0; i < NR_WINDOWS && windows[i] != page; i++) {
		if (windows[i])
			continue;
		windows[i] = page;
		map_window(i);
		break;
	}
	return i < NR_WINDOWS ? (char *)window_address(i) + (phys & (PAGE_SIZE - 1)) : NULL;
}

/* The library has built the upper GiB anew; nothing has used a window meanwhile. */
void __init paging_memory_ready(void)
{
	pte_t *guard = arch_kernel_pte((vaddr_t)boot_stack_guard);
	unsigned int i;

	memory_ready = true;
	for (i = 0; i < NR_WINDOWS && windows[i]; i++)
		map_window(i);
	if (guard)
		pte_clear(guard);
	arch_tlb_flush_all();
}

/* They start on the kernel's root. */
void __init paging_share_with_trampoline(void)
{
}

/* A root that is read only when it is loaded is loaded again. */
static void flush_all(void *unused)
{
	arch_tlb_flush_user();
	arch_tlb_flush_all();
}

void paging_free_init(void)
{
	unsigned int i;

	for (i = 0; i < PTRS_PER_USER_ROOT; i++)
		pte_clear(&kernel_root[i]);
	arch_seal_init();
	smp_call_function_many(&cpu_online_mask, flush_all, NULL);
}
