/* SPDX-License-Identifier: MIT */
/* vmap.c - ranges for pages that somebody else owns, and for the registers of devices. */
#include "kva/kva.h"
#include "phys/bootmap.h"
#include "sync/report.h"

void *vmap(struct page **pages, unsigned int nr, enum vmap_kind kind, u64 prot)
{
	struct vmap_area *area;

	if (!nr)
		return NULL;
	area_purge_if_due();
	area = area_alloc((size_t)nr << PAGE_SHIFT, kind, __builtin_return_address(0));
	if (!area)
		return NULL;
	if (kva_map_pages(area_addr(area), pages, nr, prot)) {
		area_free(area, true);
		return NULL;
	}
	area_publish(area);
	return (void *)area_addr(area);
}

static void unmap_area(const void *addr)
{
	struct vmap_area *area = area_take((vaddr_t)addr & PAGE_MASK);

	if (WARN_ON(!area || (area->kind & (VM_ALLOC | VM_KSTACK))))
		return;
	kva_unmap(area_addr(area), area_bytes(area) >> PAGE_SHIFT, false);
	area_free(area, true);
	area_purge_if_due();
}

void vunmap(const void *addr)
{
	if (addr)
		unmap_area(addr);
}

static bool is_ram(paddr_t start, paddr_t end)
{
	const struct bootmap *map = boot_map();

	for (unsigned int i = 0; i < map->nr; i++) {
		const struct quire_map_entry *entry = &map->entry[i];

		if (entry->type == QUIRE_RANGE_RAM && entry->start < end && entry->start + entry->size > start)
			return true;
	}
	return false;
}

static void *ioremap_prot(paddr_t phys, size_t bytes, pgprot_t prot, void *caller)
{
	unsigned long offset = phys & ~PAGE_MASK;
	size_t len = PAGE_ALIGN(bytes + offset);
	struct vmap_area *area;

	if (!bytes || len < bytes || phys + bytes - 1 < phys)
		return NULL;
	if (is_ram(phys, phys + bytes)) {
		quire_log(QUIRE_LOG_WARNING, "ioremap on RAM at 0x%016llx - 0x%016llx", (unsigned long long)phys,
			  (unsigned long long)(phys + bytes - 1));
		return NULL;
	}
	area = area_alloc(len, VM_IOREMAP, caller);
	if (!area)
		return NULL;
	area->phys = phys - offset;
	if (kva_map_phys(area_addr(area), phys - offset, len >> PAGE_SHIFT, prot)) {
		area_free(area, true);
		return NULL;
	}
	area_publish(area);
	return (char *)area_addr(area) + offset;
}

void *ioremap(paddr_t phys, size_t bytes)
{
	return ioremap_prot(phys, bytes, PAGE_KERNEL_NOCACHE, __builtin_return_address(0));
}

void *ioremap_cache(paddr_t phys, size_t bytes)
{
	return ioremap_prot(phys, bytes, PAGE_KERNEL, __builtin_return_address(0));
}

void iounmap(const void *addr)
{
	if (addr)
		unmap_area(addr);
}
