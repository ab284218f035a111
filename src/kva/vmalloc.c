/* SPDX-License-Identifier: MIT */
/* vmalloc.c - memory that is contiguous in kernel addresses only: pages, a range, and the mapping of one in the other. */
#include "arch/irq.h"
#include "base/math.h"
#include "base/string.h"
#include "kva/kva.h"
#include "phys/zone.h"
#include "pgtable/walk.h"
#include "quire/stats.h"
#include "sync/report.h"

/* Pages taken from the allocator and mapped at a time; the array lies on the stack. */
#define VMALLOC_CHUNK 32

/* Handlers must not wait for a lock that they interrupted, and a purge interrupts other CPUs, which wants IRQs on. */
static bool must_defer(void)
{
	return (this_ctx()->flags & QUIRE_CTX_IRQ) || !irqs_enabled();
}

bool is_vmalloc_addr(const void *addr)
{
	return (vaddr_t)addr >= VMALLOC_START && (vaddr_t)addr < VMALLOC_END;
}

struct page *vmalloc_to_page(const void *addr)
{
	pte_t *pte = pgtable_find_pte(&this_kva()->tables, (vaddr_t)addr);

	return pte && pte_present(pte_read(pte)) && !pte_special(pte_read(pte)) ? pte_page(pte_read(pte)) : NULL;
}

void kva_count(const void *addr, unsigned long nr_pages, enum node_stat_item item, long each)
{
	int nid = only_node();
	unsigned long i;

	/* Where there is one node, the pages need not be looked up. */
	if (likely(nid != NUMA_NO_NODE)) {
		mod_node_page_state((unsigned int)nid, item, (long)nr_pages * each);
		return;
	}
	for (i = 0; i < nr_pages; i++)
		mod_node_page_state(page_to_nid(vmalloc_to_page(addr + i * PAGE_SIZE)), item, each);
}

/* How many of `nr` pages were taken and mapped. */
static unsigned long fill_area(vaddr_t addr, unsigned long nr, gfp_t gfp, enum page_owner owner)
{
	struct page *pages[VMALLOC_CHUNK];
	unsigned long done, got, i;

	for (done = 0; done < nr; done += got) {
		unsigned long part = min(nr - done, (unsigned long)VMALLOC_CHUNK);

		memset(pages, 0, sizeof(pages));
		got = alloc_pages_bulk(gfp, part, pages);
		for (i = 0; i < got; i++)
			page_set_owner(pages[i], owner);
		if (got && kva_map_pages(addr + done * PAGE_SIZE, pages, got, PAGE_KERNEL)) {
			for (i = 0; i < got; i++)
				__free_page(pages[i]);
			return done;
		}
		if (got < part)
			return done + got;
	}
	return done;
}

void *vmalloc_caller(size_t bytes, gfp_t gfp, unsigned int kind, void *caller)
{
	unsigned long nr = PAGE_ALIGN(bytes) >> PAGE_SHIFT, got;
	struct vmap_area *area;

	if (!bytes || !nr)
		return NULL;
	vfree_deferred();
	area_purge_if_due();
	area = area_alloc(nr << PAGE_SHIFT, kind, caller);
	if (!area)
		return NULL;
	got = fill_area(area_addr(area), nr, gfp | __GFP_HIGHMEM, kind == VM_KSTACK ? PAGE_OWNER_STACK : PAGE_OWNER_VMALLOC);
	if (got < nr) {
		kva_unmap(area_addr(area), got, true);
		area_free(area, got != 0);
		if (!(gfp & __GFP_NOWARN))
			quire_log(QUIRE_LOG_WARNING, "vmalloc error: size %lu, failed to allocate pages", (unsigned long)bytes);
		return NULL;
	}
	kva_count((void *)area_addr(area), nr, NR_VMALLOC_PAGES, 1);
	area_publish(area);
	return (void *)area_addr(area);
}

void *vmalloc(size_t bytes)
{
	return vmalloc_caller(bytes, GFP_KERNEL, VM_ALLOC, __builtin_return_address(0));
}

void *vzalloc(size_t bytes)
{
	return vmalloc_caller(bytes, GFP_KERNEL | __GFP_ZERO, VM_ALLOC, __builtin_return_address(0));
}

void *__vmalloc(size_t bytes, gfp_t gfp)
{
	return vmalloc_caller(bytes, gfp, VM_ALLOC, __builtin_return_address(0));
}

static void vfree_now(const void *addr)
{
	struct vmap_area *area = area_take((vaddr_t)addr);
	unsigned long nr;

	if (WARN_ON(!area || !(area->kind & (VM_ALLOC | VM_KSTACK))))
		return;
	nr = area_bytes(area) >> PAGE_SHIFT;
	kva_count(addr, nr, NR_VMALLOC_PAGES, -1);
	kva_unmap(area_addr(area), nr, true);
	area_free(area, true);
}

/* The memory itself holds the link until somebody who may take the locks comes by. */
static void vfree_defer(const void *addr)
{
	struct kva_state *kva = this_kva();
	void **link = (void **)addr;

	*link = READ_ONCE(kva->deferred);
	/* Release: pairs with the exchange in vfree_deferred. */
	while (!try_cmpxchg(&kva->deferred, link, (void *)addr))
		;
}

void vfree_deferred(void)
{
	struct kva_state *kva = this_kva();
	void *addr, *next;

	if (likely(!READ_ONCE(kva->deferred)))
		return;
	for (addr = xchg(&kva->deferred, NULL); addr; addr = next) {
		next = *(void **)addr;
		vfree_now(addr);
	}
}

void vfree(const void *addr)
{
	if (!addr)
		return;
	if (unlikely(must_defer())) {
		vfree_defer(addr);
		return;
	}
	vfree_now(addr);
	vfree_deferred();
	area_purge_if_due();
}
