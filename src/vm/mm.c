/* SPDX-License-Identifier: MIT */
/* mm.c - the life of an address space. */
#include "base/assert.h"
#include "base/math.h"
#include "object/zap.h"
#include "pgtable/tlb.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "vm/mm_int.h"

struct mm_struct *mm_alloc(void)
{
	struct vm_state *vm = this_vm();
	struct mm_struct *mm = kmem_cache_zalloc(vm->mm_cache, GFP_KERNEL);

	if (!mm)
		return NULL;
	if (pgtable_init(&mm->pgt) != 0) {
		kmem_cache_free(vm->mm_cache, mm);
		return NULL;
	}
	mm->pgt.nr_rss = vm->nr_rss;
	mm->pgt.rss = (struct pgtable_rss *)((char *)mm + MM_RSS_OFFSET);
	vma_tree_init(&mm->tree);
	mm->lock_seq = 1;
	mm->pkey_map = arch_has_pkeys();
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	init_rwsem(&mm->mmap_lock, LOCK_MMAP);
	mutex_init(&mm->anon_mutex, LOCK_VMA);
	mm->layout.mmap_base = DEFAULT_MAP_WINDOW;
	mm->oom_score_adj = OOM_SCORE_ADJ_MIN;
	spin_lock(&vm->mm_list_lock);
	list_add_tail(&mm->mm_list, &vm->mm_list);
	spin_unlock(&vm->mm_list_lock);
	return mm;
}

unsigned int mm_traits(const struct mm_struct *mm)
{
	return (unsigned int)atomic_read(&mm->traits);
}

void mm_set_traits(struct mm_struct *mm, unsigned int mask, unsigned int traits)
{
	int old = atomic_read(&mm->traits);

	while (!atomic_try_cmpxchg(&mm->traits, &old, (int)(((unsigned int)old & ~mask) | (traits & mask))))
		;
}

unsigned int mm_inherited_traits(const struct mm_struct *mm)
{
	unsigned int traits = mm_traits(mm);

	return traits & MM_DENY_NOT_INHERITED ? traits & ~(unsigned int)(MM_DENY_EXEC_GAIN | MM_DENY_NOT_INHERITED) : traits;
}

struct mm_struct *mmget(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_users);
	return mm;
}

bool mmget_not_zero(struct mm_struct *mm)
{
	return atomic_inc_not_zero(&mm->mm_users);
}

void mmgrab(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_count);
}

void mmdrop(struct mm_struct *mm)
{
	if (!atomic_dec_and_test(&mm->mm_count))
		return;
	pgtable_destroy(&mm->pgt);
	kmem_cache_free(this_vm()->mm_cache, mm);
}

/* All VMAs, without taking them out of the tree one by one. */
static void free_vmas(struct mm_struct *mm)
{
	struct vm_area_struct *vma = mm->mmap, *next;
	long accounted = 0;

	for (; vma; vma = next) {
		next = vma->vm_next;
		if (vma->vm_flags & VM_ACCOUNT)
			accounted += (long)vma_pages(vma);
		vma_unlink_rmap(vma);
		vma_free(vma);
	}
	mm->mmap = NULL;
	mm->last = NULL;
	mm->map_count = 0;
	vma_tree_destroy(&mm->tree);
	vm_unacct_memory(accounted);
}

/* Unmaps run after run of adjacent VMAs: only where something can be is looked for it. */
static void zap_all(struct mm_struct *mm, struct mmu_gather *tlb)
{
	struct vm_area_struct *vma = mm->mmap;

	while (vma) {
		struct zap_range run = { .start = vma->vm_start };

		do {
			run.end = vma->vm_end;
			vma = vma->vm_next;
		} while (vma && vma->vm_start == run.end);
		zap_page_range(tlb, &run);
	}
}

/*
 * Frees the tables of groups of VMAs that are less than a leaf table's span apart. What lies below a group is gone already, so
 * that the floor is always 0 and a shared upper table goes with the last group in it.
 */
static void free_tables(struct mm_struct *mm, struct mmu_gather *tlb)
{
	struct vm_area_struct *vma = mm->mmap;

	while (vma) {
		unsigned long start = vma->vm_start, end;

		do {
			end = vma->vm_end;
			vma = vma->vm_next;
		} while (vma && vma->vm_start - end < pt_size(1));
		pgtable_free_tables(tlb, start, end, 0, vma ? vma->vm_start : 0);
	}
}

static void exit_mmap(struct mm_struct *mm)
{
	struct mmu_gather tlb;

	/* Nobody runs on it, but a reverse walk or somebody who reads a list of all may still look in. */
	mmap_write_lock(mm);
	if (mm->mmap) {
		if (mm->locked_vm)
			mlock_pages(mm, 0, TASK_SIZE, false);
		tlb_gather_mmu(&tlb, &mm->pgt, GATHER_FULLMM);
		zap_all(mm, &tlb);
		free_tables(mm, &tlb);
		free_vmas(mm);
		tlb_finish_mmu(&tlb);
	}
	mm->total_vm = 0;
	mmap_write_unlock(mm);
}

void mmput(struct mm_struct *mm)
{
	struct vm_state *vm = this_vm();

	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	spin_lock(&vm->mm_list_lock);
	list_del(&mm->mm_list);
	spin_unlock(&vm->mm_list_lock);
	exit_mmap(mm);
	mm_set_exe(mm, NULL, NULL);
	mmdrop(mm);
}

void mm_set_oom_score_adj(struct mm_struct *mm, int adj)
{
	WRITE_ONCE(mm->oom_score_adj, (short)adj);
}

void switch_mm(struct mm_struct *prev, struct mm_struct *next)
{
	if (next)
		pgtable_switch(&next->pgt);
	else
		pgtable_enter_lazy();
}

struct mm_layout *mm_layout(struct mm_struct *mm)
{
	return &mm->layout;
}

void mm_usage(struct mm_struct *mm, struct mm_usage *usage)
{
	update_hiwater_rss(mm);
	*usage = (struct mm_usage){
		.total_vm = READ_ONCE(mm->total_vm),
		.hiwater_vm = max(READ_ONCE(mm->hiwater_vm), READ_ONCE(mm->total_vm)),
		.locked_vm = READ_ONCE(mm->locked_vm),
		.pinned_vm = READ_ONCE(mm->pinned_vm),
		.data_vm = READ_ONCE(mm->data_vm),
		.exec_vm = READ_ONCE(mm->exec_vm),
		.stack_vm = READ_ONCE(mm->stack_vm),
		.hiwater_rss = READ_ONCE(mm->hiwater_rss),
		.pgtables_bytes = READ_ONCE(mm->pgt.pgtables_bytes),
		.map_count = READ_ONCE(mm->map_count),
	};
	for (unsigned int i = 0; i < NR_MM_COUNTERS; i++)
		usage->rss[i] = get_mm_counter(mm, (enum mm_counter)i);
}
