/* SPDX-License-Identifier: MIT */
/* kva_init.c - this room's state, its end, and the check of [K1] to [K3]. */
#include "arch/mmu.h"
#include "base/math.h"
#include "kva/kva.h"
#include "pgtable/gather.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "sync/report.h"

/* A purge interrupts every CPU: once per 32 MiB of addresses, as elsewhere, or an eighth where there are few. */
#define LAZY_MAX_BYTES (32ul << 20)

int kva_init(void)
{
	struct kva_state *kva = kzalloc(sizeof(*kva), GFP_KERNEL);

	if (!kva)
		return -ENOMEM;
	kva->cpu = alloc_pages_exact(percpu_bytes(struct kva_cpu, this_quire()->nr_cpus), GFP_KERNEL | __GFP_ZERO);
	kva->area_cache = kmem_cache_create("vmap_area", sizeof(struct vmap_area), _Alignof(struct vmap_area), 0, NULL);
	if (!kva->cpu || !kva->area_cache || pgtable_room_init())
		return -ENOMEM;
	pgtable_adopt(&kva->tables, phys_to_virt(arch_kernel_root()));
	spin_lock_init(&kva->lock, LOCK_VMAP);
	mutex_init(&kva->purge_lock, LOCK_KVA_MUTEX);
	kva->areas = RB_ROOT;
	INIT_LIST_HEAD(&kva->lazy);
	kva->lazy_max = min(LAZY_MAX_BYTES, (unsigned long)(VMALLOC_END - VMALLOC_START) / 8);
	this_quire()->kva = kva;
	return 0;
}

void kva_shutdown(void)
{
	struct kva_state *kva = this_kva();
	struct mmu_gather tlb;

	if (!kva)
		return;
	stack_cache_drain();
	area_purge();
	if (kva->nr_areas)
		quire_log(QUIRE_LOG_WARNING, "kva: %lu areas are still in use", kva->nr_areas);
	tlb_gather_mmu(&tlb, &kva->tables, GATHER_FULLMM);
	pgtable_free_tables(&tlb, VMALLOC_START, VMALLOC_END, 0, 0);
	tlb_finish_mmu(&tlb);
	pgtable_room_exit();
	kmem_cache_destroy(kva->area_cache);
	free_pages_exact(kva->cpu, percpu_bytes(struct kva_cpu, this_quire()->nr_cpus));
	kfree(kva);
	this_quire()->kva = NULL;
}

static unsigned int broken(const struct vmap_area *area, const char *what)
{
	quire_log(QUIRE_LOG_ERR, "kva: area %lx-%lx: %s", area->start, area->end, what);
	return 1;
}

static unsigned int check_mapping(const struct vmap_area *area)
{
	struct pgtable *tables = &this_kva()->tables;
	pte_t *pte = pgtable_find_pte(tables, area->start);
	vaddr_t addr;

	if (pte && !pte_none(pte_read(pte)))
		return broken(area, "[K1] the guard page is mapped");
	for (addr = area_addr(area); addr < area->end; addr += PAGE_SIZE) {
		pte = pgtable_find_pte(tables, addr);
		if ((pte && pte_present(pte_read(pte))) != (area->state == AREA_LIVE))
			return broken(area, "[K2] a page is mapped that must not be, or the reverse");
	}
	return 0;
}

static unsigned long max_gap_below(const struct rb_node *node)
{
	return node ? rb_entry(node, struct vmap_area, node)->max_gap : 0;
}

unsigned int kva_check(void)
{
	struct kva_state *kva = this_kva();
	vaddr_t end = VMALLOC_START;
	unsigned long nr = 0;
	unsigned int bad = 0;
	struct rb_node *node;

	spin_lock(&kva->lock);
	rb_for_each(node, &kva->areas) {
		struct vmap_area *area = rb_entry(node, struct vmap_area, node);

		nr++;
		if (area->start < end || area->end > VMALLOC_END || area->end <= area->start + PAGE_SIZE)
			bad += broken(area, "[K1] it overlaps or has no pages");
		if (area->gap != area->start - end ||
		    area->max_gap != max(area->gap, max(max_gap_below(node->rb_left), max_gap_below(node->rb_right))))
			bad += broken(area, "[K3] the gaps are wrong");
		if (area->state != AREA_CHANGING)
			bad += check_mapping(area);
		end = area->end;
	}
	if (nr != kva->nr_areas) {
		quire_log(QUIRE_LOG_ERR, "kva: %lu areas, counted %lu", nr, kva->nr_areas);
		bad++;
	}
	spin_unlock(&kva->lock);
	return bad;
}
