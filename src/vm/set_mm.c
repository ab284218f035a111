/* SPDX-License-Identifier: MIT */
/* set_mm.c - a program says anew where its parts lie, what its auxiliary vector is and which file it runs (PR_SET_MM). */
#include "base/string.h"
#include "quire/errno.h"
#include "quire/port.h"
#include "vm/mm_int.h"

/* The eleven addresses are the first members, in the order of Linux's struct prctl_mm_map. */
#define NR_PLACES 11
static_assert(offsetof(struct mm_layout, env_end) == (NR_PLACES - 1) * sizeof(long), "addresses are an array of longs");

static bool place_possible(unsigned long addr)
{
	return addr >= this_vm()->mmap_min_addr && addr < TASK_SIZE;
}

/* Every address lies where programs may have memory, ends follow starts, and heap and data stay within RLIMIT_DATA. */
int do_check_mm_layout(const struct mm_layout *l)
{
	unsigned long limit = host_rlimit(QUIRE_RLIMIT_DATA);
	const unsigned long *place = &l->start_code;

	for (unsigned int i = 0; i < NR_PLACES; i++)
		if (!place_possible(place[i]))
			return -EINVAL;
	if (l->start_code >= l->end_code || l->start_data > l->end_data || l->start_brk > l->brk ||
	    l->arg_start > l->arg_end || l->env_start > l->env_end)
		return -EINVAL;
	/* No limit is the largest number, which no sum exceeds. */
	return (l->brk - l->start_brk) + (l->end_data - l->start_data) > limit ? -EINVAL : 0;
}

/* Text, data and heap may be anywhere; what is read from them must be mapped. */
static bool needs_mapping(enum mm_place place)
{
	return place == MM_START_STACK || place >= MM_ARG_START;
}

int do_set_mm_place(struct mm_struct *mm, enum mm_place place, unsigned long addr)
{
	struct mm_layout fresh;
	int err;

	if (!place_possible(addr))
		return -EINVAL;
	mmap_write_lock(mm);
	fresh = mm->layout;
	(&fresh.start_code)[place] = addr;
	err = do_check_mm_layout(&fresh);
	if (!err && needs_mapping(place) && !find_vma(mm, addr))
		err = -EFAULT;
	if (!err)
		mm->layout = fresh;
	mmap_write_unlock(mm);
	return err;
}

int do_set_mm_layout(struct mm_struct *mm, const struct mm_layout *wanted, const unsigned long *auxv)
{
	struct mm_layout fresh = *wanted;
	int err;

	mmap_write_lock(mm);
	fresh.mmap_base = mm->layout.mmap_base;
	fresh.bottom_up = mm->layout.bottom_up;
	err = do_check_mm_layout(&fresh);
	if (!err) {
		mm->layout = fresh;
		if (auxv)
			memcpy(mm->saved_auxv, auxv, sizeof(mm->saved_auxv));
	}
	mmap_write_unlock(mm);
	return err;
}

unsigned long *mm_saved_auxv(struct mm_struct *mm)
{
	return mm->saved_auxv;
}

/* The file is mapped somewhere still. */
static bool is_mapped(struct mm_struct *mm, const struct address_space *mapping)
{
	for (const struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next)
		if (vma->vm_mapping == mapping)
			return true;
	return false;
}

void mm_set_exe(struct mm_struct *mm, struct address_space *mapping, void *file)
{
	struct address_space *old_mapping = mm->exe_mapping;
	void *old_file = mm->exe_file;

	if (mapping && mapping->ops->get_file)
		mapping->ops->get_file(file);
	if (mapping && mapping->ops->deny_write)
		mapping->ops->deny_write(file);
	mm->exe_mapping = mapping;
	mm->exe_file = file;
	if (old_mapping && old_mapping->ops->allow_write)
		old_mapping->ops->allow_write(old_file);
	if (old_mapping && old_mapping->ops->put_file)
		old_mapping->ops->put_file(old_file);
}

int mm_replace_exe(struct mm_struct *mm, struct address_space *mapping, void *file)
{
	int err = 0;

	mmap_write_lock(mm);
	if (mm->exe_mapping && is_mapped(mm, mm->exe_mapping))
		err = -EBUSY;
	else
		mm_set_exe(mm, mapping, file);
	mmap_write_unlock(mm);
	return err;
}

void *mm_get_exe(struct mm_struct *mm)
{
	void *file;

	mmap_read_lock(mm);
	file = mm->exe_file;
	if (file && mm->exe_mapping->ops->get_file)
		mm->exe_mapping->ops->get_file(file);
	mmap_read_unlock(mm);
	return file;
}
