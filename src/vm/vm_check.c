/* SPDX-License-Identifier: MIT */
/*
 * vm_check.c - the invariants of address spaces, as code: VMA tree against list, sums, page tables and counters; and of all of
 * them together against the frames.
 */
#include "kva/kva.h"
#include "object/rmap.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "phys/frames.h"
#include "phys/phys_state.h"
#include "quire/stats.h"
#include "sync/report.h"
#include "vm/fault_int.h"
#include "vm/mm_int.h"

/* What all address spaces come to. */
struct vm_sums {
	unsigned long tables;      /* roots and tables below them */
	unsigned long accounted;   /* pages of VM_ACCOUNT VMAs */
	unsigned long entries;     /* present entries that count as mappings of a page */
	u64 mixed;                 /* over the entries: a number that their frames give */
};

static unsigned int broken(const struct mm_struct *mm, const char *what, unsigned long got, unsigned long wanted)
{
	quire_log(QUIRE_LOG_ERR, "mm %p: %s is %#lx, should be %#lx", (const void *)mm, what, got, wanted);
	return 1;
}

/* [V1], [V3], [V4] of one VMA. */
static unsigned int check_vma(const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	unsigned int bad = 0;

	if (vma->vm_start >= vma->vm_end || ((vma->vm_start | vma->vm_end) & ~PAGE_MASK))
		bad += broken(mm, "the range of a VMA", vma->vm_start, vma->vm_end);
	if (vma->vm_mm != mm)
		bad += broken(mm, "the mm of a VMA", (unsigned long)vma->vm_mm, (unsigned long)mm);
	if (vma->vm_next && vma->vm_next->vm_prev != vma)
		bad += broken(mm, "a back link", (unsigned long)vma->vm_next->vm_prev, (unsigned long)vma);
	if (vma->vm_prev && vma->vm_prev->vm_end > vma->vm_start)
		bad += broken(mm, "an order", vma->vm_prev->vm_end, vma->vm_start);
	if (vma->rmap.start != vma->vm_start)
		bad += broken(mm, "[V3] start", vma->rmap.start, vma->vm_start);
	if (vma->rmap.pgoff != vma->vm_pgoff)
		bad += broken(mm, "[V3] pgoff", vma->rmap.pgoff, vma->vm_pgoff);
	if (vma->rmap.nr != vma_pages(vma))
		bad += broken(mm, "[V3] pages", vma->rmap.nr, vma_pages(vma));
	if (rmap_area_prot(&vma->rmap) != vma->vm_page_prot)
		bad += broken(mm, "[V3] rights", (unsigned long)rmap_area_prot(&vma->rmap), (unsigned long)vma->vm_page_prot);
	if ((vma->anon_vma != NULL) != (vma->anon_id != 0))
		bad += broken(mm, "[V4] family", (unsigned long)vma->anon_id, (unsigned long)vma->anon_vma);
	return bad;
}

/* [MM1], [MM2]: the sums over all VMAs. */
static unsigned int check_sums(struct mm_struct *mm)
{
	unsigned long total = 0, data = 0, exec = 0, stack = 0, locked = 0;
	unsigned int count = 0, bad = 0;
	long in_tree = vma_tree_check(&mm->tree);

	for (const struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next) {
		unsigned long pages = vma_pages(vma);

		bad += check_vma(mm, vma);
		count++;
		total += pages;
		locked += vma->vm_flags & VM_LOCKED ? pages : 0;
		if (is_exec_mapping(vma->vm_flags))
			exec += pages;
		else if (is_stack_mapping(vma->vm_flags))
			stack += pages;
		else if (is_data_mapping(vma->vm_flags))
			data += pages;
		if (vma_lookup(mm, vma->vm_start) != vma || vma_lookup(mm, vma->vm_end - 1) != vma)
			bad += broken(mm, "a VMA found in the tree", 0, vma->vm_start);
	}
	bad += total != mm->total_vm ? broken(mm, "total_vm", mm->total_vm, total) : 0;
	bad += data != mm->data_vm ? broken(mm, "data_vm", mm->data_vm, data) : 0;
	bad += exec != mm->exec_vm ? broken(mm, "exec_vm", mm->exec_vm, exec) : 0;
	bad += stack != mm->stack_vm ? broken(mm, "stack_vm", mm->stack_vm, stack) : 0;
	bad += locked != mm->locked_vm ? broken(mm, "locked_vm", mm->locked_vm, locked) : 0;
	bad += count != mm->map_count ? broken(mm, "map_count", mm->map_count, count) : 0;
	bad += (long)count != in_tree ? broken(mm, "VMAs in the tree", (unsigned long)in_tree, count) : 0;
	return bad;
}

/* Is this entry one that the VMA allows? */
static unsigned int check_entry(struct mm_struct *mm, const struct vm_area_struct *vma, vaddr_t addr, pte_t pte,
				unsigned long *rss)
{
	const struct page *page;
	unsigned int bad = 0;

	if (is_migration_pte(pte))
		rss[mm_counter_of(pfn_to_page(softpte_pfn(pte)))]++;
	if (!pte_present(pte))
		return 0;
	if (pte_write(pte) && !(vma->vm_flags & VM_WRITE))
		bad += broken(mm, "an entry's right to write at", addr, 0);
	if (pte_special(pte))
		return bad;
	page = pte_page(pte);
	if (page_mapcount(page) <= 0 || page_count(page) < page_mapcount(page))
		bad += broken(mm, "a mapped page's count", (unsigned long)page_count(page),
			      (unsigned long)page_mapcount(page));
	if (PageAnon(page) && page_mapping_raw(page) != ((unsigned long)vma->anon_vma | PAGE_MAPPING_ANON))
		bad += broken(mm, "a page's family", page_mapping_raw(page), (unsigned long)vma->anon_vma);
	if (PageAnon(page) && page_index(page) != linear_page_index(vma, addr))
		bad += broken(mm, "a page's index", page_index(page), linear_page_index(vma, addr));
	rss[mm_counter_of(page)]++;
	return bad;
}

/* Every entry lies in a VMA that allows it, and RSS is what is mapped. */
static unsigned int check_pages(struct mm_struct *mm)
{
	unsigned long rss[NR_MM_COUNTERS] = { 0 };
	struct pgtable_cursor c;
	unsigned int bad = 0;

	for_each_leaf_table(&c, &mm->pgt, 0, TASK_SIZE) {
		pte_t *pte = c.pte;

		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++) {
			const struct vm_area_struct *vma;

			if (pte_none(pte_read(pte)))
				continue;
			vma = vma_lookup(mm, addr);
			bad += vma ? check_entry(mm, vma, addr, pte_read(pte), rss)
				   : broken(mm, "an entry outside of all VMAs", addr, 0);
		}
	}
	for (unsigned int i = 0; i < NR_MM_COUNTERS; i++)
		if (i != MM_SWAPENTS && rss[i] != get_mm_counter(mm, (enum mm_counter)i))
			bad += broken(mm, "rss", get_mm_counter(mm, (enum mm_counter)i), rss[i]);
	return bad;
}

unsigned int mm_check(struct mm_struct *mm)
{
	return check_sums(mm) + check_pages(mm) + pgtable_check(&mm->pgt, NULL);
}

/* Calls fn on every mm, each kept alive meanwhile; the sum of the results. */
static unsigned int for_all_mms(unsigned int (*fn)(struct mm_struct *mm, struct vm_sums *sums), struct vm_sums *sums)
{
	struct vm_state *vm = this_vm();
	struct mm_struct *mm, *prev = NULL;
	unsigned int sum = 0;

	spin_lock(&vm->mm_list_lock);
	list_for_each_entry(mm, &vm->mm_list, mm_list) {
		if (!mmget_not_zero(mm))
			continue;
		spin_unlock(&vm->mm_list_lock);
		if (prev)
			mmput(prev);
		prev = mm;
		mmap_write_lock(mm);
		sum += fn(mm, sums);
		mmap_write_unlock(mm);
		spin_lock(&vm->mm_list_lock);
	}
	spin_unlock(&vm->mm_list_lock);
	if (prev)
		mmput(prev);
	return sum;
}

static unsigned int check_one(struct mm_struct *mm, struct vm_sums *sums)
{
	return mm_check(mm);
}

unsigned int vm_check(void)
{
	return for_all_mms(check_one, NULL);
}

/* ---- all together ---- */

/* A number for a frame: sums of it agree by chance as good as never, however the frames are mixed up. */
static u64 frame_mix(pfn_t pfn)
{
	u64 x = ((u64)pfn + 1) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
	return x ^ x >> 29;
}

static unsigned int add_up(struct mm_struct *mm, struct vm_sums *sums)
{
	struct pgtable_cursor c;

	sums->tables += 1 + mm->pgt.pgtables_bytes / PAGE_SIZE;
	for (const struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next)
		sums->accounted += vma->vm_flags & VM_ACCOUNT ? vma_pages(vma) : 0;
	for_each_leaf_table(&c, &mm->pgt, 0, TASK_SIZE) {
		pte_t *pte = c.pte;

		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++) {
			pte_t entry = pte_read(pte);

			if (!pte_present(entry) || pte_special(entry))
				continue;
			sums->entries++;
			sums->mixed += frame_mix(pte_pfn(entry));
		}
	}
	return 0;
}

/* The same sums from the frames' side, and the statistics that count frames. */
static unsigned int check_frames(const struct vm_sums *sums)
{
	unsigned long mappings = 0, anon = 0, file = 0, mlocked = 0;
	unsigned int bad = 0;
	u64 mixed = 0;

	for (pfn_t pfn = 0; pfn < this_phys()->max_pfn; pfn++) {
		enum page_owner owner = frame_owner(pfn);
		const struct page *page = pfn_to_page(pfn);
		unsigned long count;

		if (owner != PAGE_OWNER_ANON && owner != PAGE_OWNER_FILE)
			continue;
		count = (unsigned long)page_mapcount(page);
		mappings += count;
		mixed += count * frame_mix(pfn);
		mlocked += PageMlocked(page) ? 1 : 0;
		if (count && PageAnon(page))
			anon++;
		else if (count)
			file++;
	}
	if (mappings != sums->entries)
		bad += broken(NULL, "the sum of all _mapcount", mappings, sums->entries);
	else if (mixed != sums->mixed)
		bad += broken(NULL, "some frames' _mapcount, though not their sum,", (unsigned long)mixed,
			      (unsigned long)sums->mixed);
	if (anon != global_node_page_state(NR_ANON_MAPPED))
		bad += broken(NULL, "AnonPages", global_node_page_state(NR_ANON_MAPPED), anon);
	if (file != global_node_page_state(NR_FILE_MAPPED))
		bad += broken(NULL, "Mapped", global_node_page_state(NR_FILE_MAPPED), file);
	if (mlocked != global_node_page_state(NR_MLOCK))
		bad += broken(NULL, "Mlocked", global_node_page_state(NR_MLOCK), mlocked);
	return bad;
}

unsigned int vm_check_sums(void)
{
	/* The tables of kernel addresses count as well. */
	struct vm_sums sums = { .tables = this_kva()->tables.pgtables_bytes / PAGE_SIZE };
	unsigned int bad = 0;

	for_all_mms(add_up, &sums);
	bad += check_frames(&sums);
	if (sums.tables != global_node_page_state(NR_PAGETABLE))
		bad += broken(NULL, "PageTables", global_node_page_state(NR_PAGETABLE), sums.tables);
	/* [MM4]; the rest belongs to shared memory objects. */
	if (vm_committed_pages() < sums.accounted)
		bad += broken(NULL, "Committed_AS", vm_committed_pages(), sums.accounted);
	return bad;
}
