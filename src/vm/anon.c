/* SPDX-License-Identifier: MIT */
/* anon.c - which anonymous family a VMA's pages belong to. */
#include "base/assert.h"
#include "quire/errno.h"
#include "vm/mm_int.h"
#include "vm/vma_merge.h"

/* May `vma` share the family of its neighbour, because they could become one VMA after an mprotect? */
static bool family_can_serve(const struct vm_area_struct *low, const struct vm_area_struct *high,
			     const struct vm_area_struct *owner)
{
	if (!owner->anon_vma || owner->anon_forked)
		return false;
	return low->vm_end == high->vm_start && low->vm_mapping == high->vm_mapping && low->vm_file == high->vm_file &&
	       !((low->vm_flags ^ high->vm_flags) & ~VM_ACCESS_FLAGS) &&
	       high->vm_pgoff == low->vm_pgoff + vma_pages(low);
}

static const struct vm_area_struct *family_of_neighbour(const struct vm_area_struct *vma)
{
	if (vma->vm_next && family_can_serve(vma, vma->vm_next, vma->vm_next))
		return vma->vm_next;
	if (vma->vm_prev && family_can_serve(vma->vm_prev, vma, vma->vm_prev))
		return vma->vm_prev;
	return NULL;
}

int anon_vma_prepare_slow(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	const struct vm_area_struct *neighbour;
	struct anon_vma *family, *fresh = NULL;

	might_sleep();
	neighbour = family_of_neighbour(vma);
	if (!neighbour) {
		fresh = anon_vma_alloc();
		if (!fresh)
			return -ENOMEM;
	}
	family = neighbour ? neighbour->anon_vma : fresh;
	/* Two faults in one VMA may both get here: the first one in wins. */
	mutex_lock(&mm->anon_mutex);
	if (!vma->anon_vma) {
		vma->anon_id = neighbour ? neighbour->anon_id : (u64)atomic64_add_return(1, &this_vm()->next_anon_id);
		rmap_link_anon(&vma->rmap, family);
		/* Release: pairs with the acquire in anon_vma_prepare. */
		smp_store_release(&vma->anon_vma, family);
	}
	mutex_unlock(&mm->anon_mutex);
	if (fresh)
		anon_vma_put(fresh);
	return 0;
}
