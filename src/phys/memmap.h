/* SPDX-License-Identifier: MIT */
/*
 * memmap.h - from a frame to its struct page and back: one subtraction, because the array of struct pages is
 * virtually contiguous (SPARSEMEM with a virtual memmap).
 *
 *	pfn     0        present section          hole            present section
 *	memmap  [........################........................################......]   virtual addresses
 *	                 backed by pages          nothing          backed by pages
 *
 * Memory is described in sections of 128 MiB. A section with RAM has its part of the array backed by frames of its own
 * node; a section without costs nothing but virtual addresses.
 *
 * [F1] page_to_pfn(pfn_to_page(pfn)) == pfn for every pfn below max_pfn.
 * [F2] pfn_valid(pfn) tells whether pfn_to_page(pfn) may be read.
 *
 * Locks: none, constant after boot. Sleeps: never. Cost: O(1). Allocates: never after boot.
 */
#ifndef PHYS_MEMMAP_H
#define PHYS_MEMMAP_H

#include "arch/page.h"
#include "base/compiler.h"
#include "quire/page.h"
#include "sync/ctx.h"

/* log2 bytes of a section: 128 MiB, so that its memmap (1 MiB) is a few large pages at most. */
#define SECTION_SIZE_BITS 27
#define PFN_SECTION_SHIFT (SECTION_SIZE_BITS - PAGE_SHIFT)
#define PAGES_PER_SECTION (1ul << PFN_SECTION_SHIFT)

/* A word that another CPU may be changing, read or written whole: a hint, ordered with nothing. */
#define hint_read(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define hint_write(word, value) __atomic_store_n(&(word), value, __ATOMIC_RELAXED)

#define PFN_DOWN(paddr) ((pfn_t)((paddr) >> PAGE_SHIFT))
#define PFN_UP(paddr) ((pfn_t)(((paddr) + PAGE_SIZE - 1) >> PAGE_SHIFT))
#define PFN_PHYS(pfn) ((paddr_t)(pfn) << PAGE_SHIFT)

static __always_inline struct page *memmap_base(void)
{
	return (struct page *)arch_memmap_base();
}

static __always_inline struct page *pfn_to_page(pfn_t pfn)
{
	return memmap_base() + pfn;
}

static __always_inline pfn_t page_to_pfn(const struct page *page)
{
	return (pfn_t)(page - memmap_base());
}

static inline paddr_t page_to_phys(const struct page *page)
{
	return PFN_PHYS(page_to_pfn(page));
}

static inline struct page *phys_to_page(paddr_t paddr)
{
	return pfn_to_page(PFN_DOWN(paddr));
}

/* The direct map's address of a low-memory page. */
static inline void *page_address(const struct page *page)
{
	return phys_to_virt(page_to_phys(page));
}

static inline struct page *virt_to_page(const void *virt)
{
	return phys_to_page(virt_to_phys(virt));
}

/* The head of a compound page, or the page itself. */
static inline struct page *compound_head(struct page *page)
{
	return unlikely(PageTail(page)) ? pfn_to_page(page->compound_head) : page;
}

/* True when a struct page exists for the frame (which may still be a hole of its block: PAGE_OWNER_NONE). The struct pages
 * of a block are written when the first of its frames is handed out: before, ask frame_owner (phys/frames.h). */
bool pfn_valid(pfn_t pfn);

/* True for a frame of RAM: one that has a page block. (The others of pfn_valid are devices'.) */
bool ram_pfn_valid(pfn_t pfn);

/* Gives memmap and page blocks to every section that holds RAM. 0 or -ENOMEM. Context: boot. */
int sparse_init(void);
/* Writes the struct pages of [start, end), which lie in `zone` of `nid`: reserved for `owner`, with one reference. */
void memmap_init_reserved(pfn_t start, pfn_t end, int nid, unsigned int zone, enum page_owner owner);
/* The same for a device's frames. */
void memmap_init_device(pfn_t start, pfn_t end, int nid);
/* The same as free frames, and as frames that do not exist. */
void memmap_init_free(pfn_t start, pfn_t end, int nid, unsigned int zone);
void memmap_init_hole(pfn_t start, pfn_t end);

#endif
