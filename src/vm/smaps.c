/* SPDX-License-Identifier: MIT */
/* smaps.c - what each VMA's pages cost: the texts of smaps and smaps_rollup, and pagemap's entries. */
#include "base/format.h"
#include "base/math.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "vm/fault_int.h"
#include "vm/maps.h"
#include "vm/mm_int.h"

/* Bits of a byte that shares of a page are counted in: a page mapped by a thousand still counts. */
#define PSS_SHIFT 12
/* One VMA's text: the line of maps and some forty figures. */
#define SMAPS_BUFFER_BYTES 8192u

/* Bytes; pss in 1 / 2^PSS_SHIFT of one. */
struct mem_size_stats {
	u64 resident, shared_clean, shared_dirty, private_clean, private_dirty, referenced, anonymous, lazyfree, swap;
	u64 pss, pss_anon, pss_file, pss_shmem, pss_dirty, pss_locked;
	bool vma_locked; /* that of the entries which are looked at */
};

/* An entry that maps the page, or waits for it to have moved: then the page is counted as if nobody shared it. */
static void account_page(struct mem_size_stats *mss, const struct page *page, pte_t pte)
{
	bool moving = !pte_present(pte), dirty = (!moving && pte_dirty(pte)) || PageDirty(page);
	int mapcount = moving ? 1 : page_mapcount(page);
	u64 pss = (u64)PAGE_SIZE << PSS_SHIFT;

	mss->resident += PAGE_SIZE;
	if (PageAnon(page))
		mss->anonymous += PAGE_SIZE;
	if (PageAnon(page) && !PageSwapBacked(page) && !dirty)
		mss->lazyfree += PAGE_SIZE;
	if ((!moving && pte_young(pte)) || PageReferenced(page))
		mss->referenced += PAGE_SIZE;
	if (mapcount >= 2) {
		pss = div_u64(pss, (u32)mapcount);
		*(dirty ? &mss->shared_dirty : &mss->shared_clean) += PAGE_SIZE;
	} else {
		*(dirty ? &mss->private_dirty : &mss->private_clean) += PAGE_SIZE;
	}
	mss->pss += pss;
	*(PageAnon(page) ? &mss->pss_anon : PageSwapBacked(page) ? &mss->pss_shmem : &mss->pss_file) += pss;
	if (dirty)
		mss->pss_dirty += pss;
	if (mss->vma_locked)
		mss->pss_locked += pss;
}

static void account_entry(void *arg, pte_t entry)
{
	struct mem_size_stats *mss = arg;

	if (pte_present(entry) && !pte_special(entry))
		account_page(mss, pte_page(entry), entry);
	else if (is_swap_pte(entry))
		mss->swap += PAGE_SIZE;
	else if (is_migration_pte(entry))
		account_page(mss, pfn_to_page(softpte_pfn(entry)), entry);
}

static void gather_vma(struct mem_size_stats *mss, const struct vm_area_struct *vma, vaddr_t start)
{
	mss->vma_locked = (vma->vm_flags & VM_LOCKED) != 0;
	pgtable_look_entries(&vma->vm_mm->pgt, start, vma->vm_end, account_entry, mss);
}

/* A text that grows in a buffer. */
struct text {
	char *buf;
	size_t len, size;
};

static void put_kb(struct text *t, const char *name, u64 bytes)
{
	t->len += (size_t)quire_scnprintf(t->buf + t->len, t->size - t->len, "%-16s%8llu kB\n", name,
					  (unsigned long long)(bytes >> 10));
}

static void put_stats(struct text *t, const struct mem_size_stats *mss, bool rollup)
{
	put_kb(t, "Rss:", mss->resident);
	put_kb(t, "Pss:", mss->pss >> PSS_SHIFT);
	put_kb(t, "Pss_Dirty:", mss->pss_dirty >> PSS_SHIFT);
	if (rollup) {
		put_kb(t, "Pss_Anon:", mss->pss_anon >> PSS_SHIFT);
		put_kb(t, "Pss_File:", mss->pss_file >> PSS_SHIFT);
		put_kb(t, "Pss_Shmem:", mss->pss_shmem >> PSS_SHIFT);
	}
	put_kb(t, "Shared_Clean:", mss->shared_clean);
	put_kb(t, "Shared_Dirty:", mss->shared_dirty);
	put_kb(t, "Private_Clean:", mss->private_clean);
	put_kb(t, "Private_Dirty:", mss->private_dirty);
	put_kb(t, "Referenced:", mss->referenced);
	put_kb(t, "Anonymous:", mss->anonymous);
	put_kb(t, "KSM:", 0);
	put_kb(t, "LazyFree:", mss->lazyfree);
	put_kb(t, "AnonHugePages:", 0);
	put_kb(t, "ShmemPmdMapped:", 0);
	put_kb(t, "FilePmdMapped:", 0);
	put_kb(t, "Shared_Hugetlb:", 0);
	/* One character longer than its column, as everywhere. */
	t->len += (size_t)quire_scnprintf(t->buf + t->len, t->size - t->len, "Private_Hugetlb: %7d kB\n", 0);
	put_kb(t, "Swap:", mss->swap);
	put_kb(t, "SwapPss:", mss->swap);
	put_kb(t, "Locked:", mss->pss_locked >> PSS_SHIFT);
}

/* Shown among the flags: all of the VMA counts as written. */
#define SHOWN_SOFT_DIRTY (1ull << 63)

static void put_flags(struct text *t, const struct vm_area_struct *vma)
{
	u64 flags = vma->vm_flags | (vma->counts_writes ? 0 : SHOWN_SOFT_DIRTY);
	static const struct {
		u64 flag;
		char name[3];
	} names[] = {
		{ VM_READ, "rd" }, { VM_WRITE, "wr" }, { VM_EXEC, "ex" }, { VM_SHARED, "sh" }, { VM_MAYREAD, "mr" },
		{ VM_MAYWRITE, "mw" }, { VM_MAYEXEC, "me" }, { VM_MAYSHARE, "ms" }, { VM_GROWSDOWN, "gd" },
		{ VM_UFFD_MISSING, "um" }, { VM_PFNMAP, "pf" }, { VM_UFFD_WP, "uw" }, { VM_LOCKED, "lo" }, { VM_IO, "io" }, { VM_SEQ_READ, "sr" }, { VM_RAND_READ, "rr" },
		{ VM_DONTCOPY, "dc" }, { VM_DONTEXPAND, "de" }, { VM_LOCKONFAULT, "lf" }, { VM_ACCOUNT, "ac" },
		{ VM_NORESERVE, "nr" }, { VM_HUGETLB, "ht" }, { VM_SYNC, "sf" }, { VM_WIPEONFORK, "wf" }, { VM_DONTDUMP, "dd" }, { SHOWN_SOFT_DIRTY, "sd" },
		{ VM_NONLINEAR, "nl" }, { VM_HUGEPAGE, "hg" }, { VM_NOHUGEPAGE, "nh" }, { VM_MERGEABLE, "mg" },
		{ VM_UFFD_MINOR, "ui" }, { VM_SEALED, "sl" },
	};

	t->len += (size_t)quire_scnprintf(t->buf + t->len, t->size - t->len, "VmFlags: ");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			t->len += (size_t)quire_scnprintf(t->buf + t->len, t->size - t->len, "%s ", names[i].name);
	t->len += (size_t)quire_scnprintf(t->buf + t->len, t->size - t->len, "\n");
}

static void put_vma(struct text *t, const struct vm_area_struct *vma, vaddr_t start)
{
	struct mem_size_stats mss = { 0 };

	gather_vma(&mss, vma, start);
	t->len = (size_t)vma_show_line(vma, start, t->buf, t->size);
	put_kb(t, "Size:", (u64)vma->vm_end - start);
	put_kb(t, "KernelPageSize:", PAGE_SIZE);
	put_kb(t, "MMUPageSize:", PAGE_SIZE);
	put_stats(t, &mss, false);
	t->len += (size_t)quire_scnprintf(t->buf + t->len, t->size - t->len, "%-16s%8d\n", "THPeligible:", 0);
	if (arch_has_pkeys())
		t->len += (size_t)quire_scnprintf(t->buf + t->len, t->size - t->len, "%-16s%8u\n", "ProtectionKey:",
						  vm_flags_pkey(vma->vm_flags));
	put_flags(t, vma);
}

/* One VMA at a time: the program runs on between them. */
int mm_show_smaps_part(struct mm_struct *mm, struct text_sink *sink, vaddr_t *next)
{
	struct text t = { .buf = kmalloc(SMAPS_BUFFER_BYTES, GFP_KERNEL), .size = SMAPS_BUFFER_BYTES };
	const struct vm_area_struct *vma;
	int err = 1;

	if (!t.buf)
		return -ENOMEM;
	mmap_read_lock(mm);
	vma = find_vma(mm, *next);
	if (vma) {
		put_vma(&t, vma, vma_shown_from(vma, *next));
		*next = vma->vm_end;
	}
	mmap_read_unlock(mm);
	if (vma)
		err = sink->write(sink, t.buf, t.len);
	kfree(t.buf);
	return err;
}

/* The next VMA's pages; its end. False: there is none. The program may change its VMAs before the one after it. */
static bool gather_next(struct mm_struct *mm, struct mem_size_stats *mss, vaddr_t *first, vaddr_t *next)
{
	const struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = find_vma(mm, *next);
	if (vma) {
		if (!*next)
			*first = vma->vm_start;
		gather_vma(mss, vma, vma_shown_from(vma, *next));
		*next = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return vma != NULL;
}

int mm_show_smaps_rollup(struct mm_struct *mm, struct text_sink *sink)
{
	struct text t = { .buf = kmalloc(SMAPS_BUFFER_BYTES, GFP_KERNEL), .size = SMAPS_BUFFER_BYTES };
	struct mem_size_stats mss = { 0 };
	vaddr_t first = 0, next = 0;
	int err;

	if (!t.buf)
		return -ENOMEM;
	while (gather_next(mm, &mss, &first, &next))
		;
	t.len = (size_t)quire_scnprintf(t.buf, t.size, "%08lx-%08lx ---p 00000000 00:00 0 ", first, next);
	t.len += (size_t)quire_scnprintf(t.buf + t.len, t.size - t.len, "%*s[rollup]\n",
					 max(MAPS_NAME_COLUMN + 1 - (int)t.len, 0), "");
	put_stats(&t, &mss, true);
	err = sink->write(sink, t.buf, t.len);
	kfree(t.buf);
	return err;
}

/* Bits of an entry of /proc/PID/pagemap; below them the frame number. */
#define PM_SOFT_DIRTY (1ull << 55)
#define PM_MMAP_EXCLUSIVE (1ull << 56)
#define PM_UFFD_WP (1ull << 57)
#define PM_FILE (1ull << 61)
#define PM_SWAP (1ull << 62)
#define PM_PRESENT (1ull << 63)

/* Where a swapped page's area is shown: types behind those of areas. */
#define PM_TYPE_HWPOISON 23u
#define PM_TYPE_MIGRATION_READ 24u
#define PM_TYPE_MIGRATION_WRITE 26u

/* A page that is being moved, or that failed. */
static u64 pagemap_frame(pte_t pte)
{
	enum soft_type type = softpte_type(pte);
	unsigned int shown = type == SOFT_HWPOISON ? PM_TYPE_HWPOISON :
			     type == SOFT_MIGRATION_READ ? PM_TYPE_MIGRATION_READ : PM_TYPE_MIGRATION_WRITE;
	const struct page *page = pfn_to_page(softpte_pfn(pte));

	return PM_SWAP | (softpte_uffd_wp(pte) ? PM_UFFD_WP : 0) | (pte_soft_flags(pte) & SOFT_WRITTEN ? PM_SOFT_DIRTY : 0) | shown | (u64)softpte_pfn(pte) << 5 |
	       (PageAnon(page) ? 0 : PM_FILE);
}

static u64 pagemap_soft(pte_t pte)
{
	/* A marker looks like a page that is elsewhere. */
	if (pte_marker_bits(pte))
		return PM_SWAP | (pte_marker_bits(pte) & PTE_MARKER_UFFD_WP ? PM_UFFD_WP : 0);
	if (is_pfn_soft_pte(pte))
		return pagemap_frame(pte);
	if (!is_swap_pte(pte))
		return 0;
	return PM_SWAP | (softpte_uffd_wp(pte) ? PM_UFFD_WP : 0) | (swp_area(pte_to_swp_entry(pte)) & 31) | swp_slot(pte_to_swp_entry(pte)) << 5;
}

static u64 pagemap_entry(pte_t pte)
{
	const struct page *page;
	u64 marks;

	if (!pte_present(pte))
		return pagemap_soft(pte);
	marks = (pte_uffd_wp(pte) ? PM_UFFD_WP : 0) | (pte_soft_dirty(pte) ? PM_SOFT_DIRTY : 0);
	if (pte_special(pte))
		return PM_PRESENT | marks | pte_pfn(pte);
	page = pte_page(pte);
	return PM_PRESENT | marks | pte_pfn(pte) | (PageAnon(page) ? 0 : PM_FILE) |
	       (page_mapcount(page) == 1 ? PM_MMAP_EXCLUSIVE : 0);
}

int mm_pagemap(struct mm_struct *mm, vaddr_t addr, unsigned long nr, u64 *entries)
{
	mmap_read_lock(mm);
	for (unsigned long i = 0; i < nr; i++, addr += PAGE_SIZE) {
		const struct vm_area_struct *vma = addr < TASK_SIZE ? vma_lookup(mm, addr) : NULL;
		const pte_t *pte = vma ? pgtable_find_pte(&mm->pgt, addr) : NULL;

		entries[i] = pte ? pagemap_entry(pte_read(pte)) : 0;
		/* All of an area that is newer than the last clear_refs counts as written. */
		if (vma && !vma->counts_writes)
			entries[i] |= PM_SOFT_DIRTY;
	}
	mmap_read_unlock(mm);
	return 0;
}
