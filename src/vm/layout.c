/* SPDX-License-Identifier: MIT */
/* layout.c - where an address space keeps its mmap area and its stack; mappings of the kernel's own pages. */
#include "base/math.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "vm/mm_int.h"

/* The mmap area leaves at least this much for the stack, whatever its limit says, and at most five sixths of everything. */
#define STACK_GAP_MIN (128ul << 20)
/* Pages that random placement moves the mmap base and the stack by: 28 and 22 bits of pages, as Linux's defaults. */
#define MMAP_RANDOM_BITS 28
#define STACK_RANDOM_BITS 22

static unsigned long random_pages(unsigned int bits)
{
	const struct quire_port *port = this_quire()->port;
	unsigned long value = 0;

	if (port->random)
		port->random(&value, sizeof(value));
	/* Half of what a 32-bit address space has would be gone with as many bits there. */
	if (sizeof(long) == 4)
		bits = 8;
	return (value & ((1ul << bits) - 1)) << PAGE_SHIFT;
}

void arch_pick_mmap_layout(struct mm_struct *mm, unsigned long stack_limit, bool randomize)
{
	unsigned long gap, pad = STACK_GUARD_GAP, shift = 0;

	if (this_vm()->legacy_va_layout) {
		arch_pick_bottomup_layout(mm, randomize);
		return;
	}
	randomize = randomize && this_vm()->randomize_va_space != 0;
	if (randomize) {
		shift = random_pages(MMAP_RANDOM_BITS);
		pad += (1ul << STACK_RANDOM_BITS) << PAGE_SHIFT;
		if (sizeof(long) == 4)
			pad = STACK_GUARD_GAP + (1ul << (8 + PAGE_SHIFT));
	}
	gap = stack_limit + pad < stack_limit ? stack_limit : stack_limit + pad;
	gap = clamp(gap, STACK_GAP_MIN, DEFAULT_MAP_WINDOW / 6 * 5);
	mm->layout.mmap_base = PAGE_ALIGN(DEFAULT_MAP_WINDOW - gap - shift);
	mm->layout.bottom_up = false;
}

void arch_pick_bottomup_layout(struct mm_struct *mm, bool randomize)
{
	unsigned long shift = randomize && this_vm()->randomize_va_space ? random_pages(MMAP_RANDOM_BITS) : 0;

	mm->layout.mmap_base = MMAP_BOTTOM + shift;
	mm->layout.bottom_up = true;
}

int setup_stack_vma(struct mm_struct *mm, vaddr_t top, size_t bytes, unsigned long flags)
{
	struct vm_area_struct *vma;
	unsigned long pages;
	int err;

	bytes = PAGE_ALIGN(bytes);
	pages = bytes >> PAGE_SHIFT;
	if ((top & ~PAGE_MASK) || top > TASK_SIZE || bytes > top || !bytes)
		return -EINVAL;
	mmap_write_lock(mm);
	err = find_vma_intersection(mm, top - bytes, top) ? -EEXIST : vm_charge(mm, (long)pages);
	if (err)
		goto unlock;
	err = -ENOMEM;
	vma = vma_alloc(mm);
	if (!vma)
		goto uncharge;
	vma->vm_start = top - bytes;
	vma->vm_end = top;
	vma->vm_pgoff = vma->vm_start >> PAGE_SHIFT;
	vma_init_flags(vma, VM_READ | VM_WRITE | (flags & VM_EXEC) | VM_GROWSDOWN | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC |
				    VM_ACCOUNT | mm->def_flags);
	err = insert_vm_struct(mm, vma);
	if (err) {
		vma_free(vma);
		goto uncharge;
	}
	vm_stat_account(mm, vma->vm_flags, (long)pages);
	mmap_write_unlock(mm);
	return 0;
uncharge:
	vm_unacct_memory((long)pages);
unlock:
	mmap_write_unlock(mm);
	return err;
}

static struct special_mapping *special_alloc(unsigned int nr, struct page **pages, const char *name)
{
	struct special_mapping *special = kmalloc(sizeof(*special) + nr * sizeof(*pages), GFP_KERNEL);

	if (!special)
		return NULL;
	atomic_init(&special->users, 1);
	special->name = name;
	special->nr = nr;
	for (unsigned int i = 0; i < nr; i++) {
		special->pages[i] = pages[i];
		get_page(pages[i]);
	}
	return special;
}

int install_special_mapping(struct mm_struct *mm, vaddr_t addr, size_t bytes, unsigned long flags, struct page **pages,
			    const char *name)
{
	unsigned int nr = (unsigned int)(bytes >> PAGE_SHIFT);
	struct vm_area_struct *vma;
	int err = -ENOMEM;

	if ((addr & ~PAGE_MASK) || (bytes & ~PAGE_MASK) || !nr || addr > TASK_SIZE - bytes)
		return -EINVAL;
	mmap_write_lock(mm);
	vma = vma_alloc(mm);
	if (!vma)
		goto unlock;
	vma->special = special_alloc(nr, pages, name);
	if (!vma->special)
		goto free;
	vma->vm_start = addr;
	vma->vm_end = addr + bytes;
	vma_init_flags(vma, flags | mm->def_flags | VM_DONTEXPAND);
	err = find_vma_intersection(mm, addr, addr + bytes) ? -EEXIST : insert_vm_struct(mm, vma);
	if (!err) {
		vm_stat_account(mm, vma->vm_flags, (long)nr);
		mmap_write_unlock(mm);
		return 0;
	}
free:
	vma_free(vma);
unlock:
	mmap_write_unlock(mm);
	return err;
}
