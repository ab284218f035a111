/* SPDX-License-Identifier: MIT */
/* vm_check_test.c - the checker of address spaces: each thing that it holds against another is broken once, and is seen. */
#include "vm_machine.h"

#include "pgtable/table.h"
#include "pgtable/walk.h"
#include "quire/stats.h"
#include "vm/fault_int.h"

/* `break_it` makes things wrong and `mend_it` right again; the checker must see the one and not the other. */
#define seen(check, break_it, mend_it, ...)                             \
	do {                                                            \
		break_it;                                               \
		tap_ok((check) > 0, __VA_ARGS__);                       \
		mend_it;                                                \
		tap_is((check), 0, "and when it is mended, all is well"); \
	} while (0)

static void break_vmas(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vm_area_struct *next = vma->vm_next;
	u64 family = vma->anon_id;

	seen(mm_check(mm), mm->total_vm++, mm->total_vm--, "[MM1] total_vm");
	seen(mm_check(mm), mm->data_vm++, mm->data_vm--, "[MM1] data_vm");
	seen(mm_check(mm), mm->exec_vm++, mm->exec_vm--, "[MM1] exec_vm");
	seen(mm_check(mm), mm->stack_vm++, mm->stack_vm--, "[MM1] stack_vm");
	seen(mm_check(mm), vma_tree_erase(&mm->tree, next), (void)vma_tree_insert(&mm->tree, next), "[V1] a VMA that the tree has lost");
	seen(mm_check(mm), mm->locked_vm++, mm->locked_vm--, "[MM1] locked_vm");
	seen(mm_check(mm), mm->map_count++, mm->map_count--, "[MM2] map_count");
	seen(mm_check(mm), vma->vm_end += PG, vma->vm_end -= PG, "[V1] a VMA's end");
	seen(mm_check(mm), next->vm_prev = NULL, next->vm_prev = vma, "[V1] a link back");
	seen(mm_check(mm), vma->rmap.pgoff++, vma->rmap.pgoff--, "[V3] the reverse map's place");
	seen(mm_check(mm), vma->anon_id = 0, vma->anon_id = family, "[V4] a family without number");
}

static void break_entries(struct mm_struct *mm, struct vm_area_struct *vma)
{
	pte_t *pte = pgtable_find_pte(&mm->pgt, vma->vm_start), old = pte_read(pte);
	struct page *page = pte_page(old);
	unsigned long flags = vma->vm_flags;

	seen(mm_check(mm), set_pte(pte + 100, old), pte_clear(pte + 100), "an entry where no VMA is");
	seen(mm_check(mm), vma->vm_flags &= ~VM_WRITE, vma->vm_flags = flags, "an entry that may write, a VMA that may not");
	seen(mm_check(mm), add_mm_counter(mm, MM_ANONPAGES, 1), add_mm_counter(mm, MM_ANONPAGES, -1), "RSS");
	seen(mm_check(mm), mm->pgt.pgtables_bytes += PAGE_SIZE, mm->pgt.pgtables_bytes -= PAGE_SIZE, "[PG2] the tables' bytes");
	seen(mm_check(mm), page->index_lo++, page->index_lo--, "a page's index");
	seen(mm_check(mm), pte_clear(pte), set_pte(pte, old), "an entry that was lost");
}

static void break_sums(struct mm_struct *mm, struct vm_area_struct *vma)
{
	pte_t *pte = pgtable_find_pte(&mm->pgt, vma->vm_start), first = pte_read(pte), second = pte_read(pte + 1);
	struct page *page = pte_page(first), *other = pte_page(second);

	seen(vm_check_sums(), atomic_fetch_add(&page->_mapcount, 1), atomic_fetch_sub(&page->_mapcount, 1), "a _mapcount");
	seen(vm_check_sums(), (atomic_fetch_add(&page->_mapcount, 1), atomic_fetch_sub(&other->_mapcount, 1)),
	     (atomic_fetch_sub(&page->_mapcount, 1), atomic_fetch_add(&other->_mapcount, 1)),
	     "two _mapcounts that are as wrong as each other");
	seen(vm_check_sums(), mod_node_page_state(0, NR_ANON_MAPPED, 1), mod_node_page_state(0, NR_ANON_MAPPED, -1), "AnonPages");
	seen(vm_check_sums(), mod_node_page_state(0, NR_FILE_MAPPED, 1), mod_node_page_state(0, NR_FILE_MAPPED, -1), "Mapped");
	seen(vm_check_sums(), mod_node_page_state(0, NR_MLOCK, 1), mod_node_page_state(0, NR_MLOCK, -1), "Mlocked");
	seen(vm_check_sums(), mod_node_page_state(0, NR_PAGETABLE, 1), mod_node_page_state(0, NR_PAGETABLE, -1), "PageTables");
	seen(vm_check_sums(), vm_unacct_memory(1), atomic_long_add(1, &this_vm()->committed), "[MM4] Committed_AS");
}

int main(void)
{
	struct vm_area_struct *vma;
	struct mm_struct *mm;
	unsigned long a;

	tap_plan(0);
	mm = vm_machine_start(32 << 20, 1);
	map_anon(mm, 4, PROT_READ, 0);
	a = map_anon(mm, 8, PROT_READ | PROT_WRITE, 0);
	for (int i = 0; i < 8; i++)
		poke(a + i * PG, 1);
	vma = vma_lookup(mm, a);
	break_vmas(mm, vma);
	break_entries(mm, vma);
	break_sums(mm, vma);
	vm_machine_end(mm);
	return tap_done();
}
