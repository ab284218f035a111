/* SPDX-License-Identifier: MIT */
/* paging.c - the kernel image's page tables and their rights. */
#include "arch/paging.h"

#include <stddef.h>

#include "arch/io.h"
#include "arch/smp.h"
#include "boot/linker.h"

#define PTE_P		(1ULL << 0)
#define PTE_W		(1ULL << 1)
#define PTE_PWT		(1ULL << 3)
#define PTE_PCD		(1ULL << 4)
#define PTE_PS		(1ULL << 7)
#define PTE_G		(1ULL << 8)
#define PTE_NX		(1ULL << 63)

#define ENTRIES		512
#define PAGE_BYTES	4096
#define LARGE_BYTES	(2ULL << 20)
#define IMAGE_TABLES	3	/* kernel.ld keeps the image within 6 MiB */
#define DIRECT_MAP_SLOT	273

typedef uint64_t table_t[ENTRIES] __attribute__((aligned(PAGE_BYTES)));

static table_t kernel_p5 __attribute__((section(".bss.pages")));	/* the root, where there are five levels */
static table_t kernel_pml4 __attribute__((section(".bss.pages")));
static table_t image_pdpt __attribute__((section(".bss.pages")));
static table_t image_pd __attribute__((section(".bss.pages")));
static table_t image_pt[IMAGE_TABLES] __attribute__((section(".bss.pages")));

extern uint64_t boot_pml4[];
extern char boot_stack_guard[];
extern uint32_t boot_efer;

/* What the paging bits of a PTE may contain on this CPU: PTE_NX or 0. */
static uint64_t nx;

uint64_t kernel_root_phys(void)
{
	return read_cr4() & CR4_LA57 ? __pa_symbol(kernel_p5) : __pa_symbol(kernel_pml4);
}

static uint64_t *image_pte(const char *at)
{
	unsigned long pfn = __pa_symbol(at) / PAGE_BYTES - ENTRIES;

	return &image_pt[pfn / ENTRIES][pfn % ENTRIES];
}

static void __init map_image(const char *start, const char *end, uint64_t rights)
{
	for (; start < end; start += PAGE_BYTES)
		*image_pte(start) = __pa_symbol(start) | PTE_P | PTE_G | rights;
}

void __init paging_init(void)
{
	unsigned int i;

	nx = boot_efer & 0x800 ? PTE_NX : 0;
	map_image(__inittext_start, __inittext_end, 0);
	map_image(__initdata_start, __initdata_end, PTE_W | nx);
	map_image(__text_start, __text_end, 0);
	map_image(__rodata_start, __rodata_end, nx);
	map_image(__data_start, __bss_end, PTE_W | nx);
	*image_pte(boot_stack_guard) = 0;
	for (i = 0; i < IMAGE_TABLES; i++)
		image_pd[1 + i] = __pa_symbol(image_pt[i]) | PTE_P | PTE_W;
	image_pdpt[510] = __pa_symbol(image_pd) | PTE_P | PTE_W;
	kernel_pml4[DIRECT_MAP_SLOT] = boot_pml4[DIRECT_MAP_SLOT];
	kernel_pml4[511] = __pa_symbol(image_pdpt) | PTE_P | PTE_W;
	kernel_p5[511] = __pa_symbol(kernel_pml4) | PTE_P | PTE_W;
	paging_init_cpu();
}

/* User pages become untouchable for kernel mode but through the copy functions: SMAP. */
void paging_init_cpu(void)
{
	struct cpuid features = { 0 };
	unsigned long cr4;

	write_cr3(kernel_root_phys());
	cr4 = read_cr4();
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

/* The library adds to the root that is in force. */
void __init paging_memory_ready(void)
{
}

volatile void *mmio_map(uint64_t phys)
{
	uint64_t entry = (phys & ~(LARGE_BYTES - 1)) | PTE_P | PTE_W | PTE_PS | PTE_PCD | PTE_PWT |
			 PTE_G | nx;
	unsigned int slot;

	for (slot = ENTRIES - 1; slot > IMAGE_TABLES; slot--) {
		if (!image_pd[slot])
			image_pd[slot] = entry;
		/* accessed and dirty are the CPU's to set */
		if ((image_pd[slot] & ~0x60ULL) == entry)
			return (char *)IMAGE_BASE_VIRT + slot * LARGE_BYTES +
			       (phys & (LARGE_BYTES - 1));
	}
	return NULL;
}

void __init paging_share_with_trampoline(void)
{
	unsigned int i;

	for (i = ENTRIES / 2; i < ENTRIES; i++)
		boot_pml4[i] = kernel_pml4[i];
}

static void flush_all(void *unused)
{
	unsigned long cr4 = read_cr4();

	write_cr4(cr4 & ~(1UL << 7));	/* without PGE, global entries go too */
	write_cr4(cr4);
}

void paging_free_init(void)
{
	const char *at;

	for (at = __init_begin; at < __init_end; at += PAGE_BYTES)
		*image_pte(at) = 0;
	smp_call_function_many(&cpu_online_mask, flush_all, NULL);
}
