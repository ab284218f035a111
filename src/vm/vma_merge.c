/* SPDX-License-Identifier: MIT */
/* vma_merge.c - decide and carry out the joining of neighbouring VMAs. */
#include "vm/vma_merge.h"

#include "base/assert.h"
#include "base/string.h"
#include "quire/errno.h"
#include "vm/mm_int.h"

void vma_attrs_of(const struct vm_area_struct *vma, struct vma_attrs *attrs)
{
	attrs->start = vma->vm_start;
	attrs->end = vma->vm_end;
	attrs->flags = vma->vm_flags;
	attrs->pgoff = vma->vm_pgoff;
	attrs->mapping = vma->vm_mapping;
	attrs->file = vma->vm_file;
	attrs->special = vma->special;
	attrs->name = vma->anon_name;
	attrs->userfault = vma->userfault;
	attrs->anon_id = vma->anon_id;
	attrs->anon_forked = vma->anon_forked;
}

/* Pages of the neighbour and of the range may have one family. */
static bool anon_fits(const struct vma_attrs *neighbour, const struct vma_attrs *range)
{
	if (neighbour->anon_id == range->anon_id)
		return true;
	if (neighbour->anon_id && range->anon_id)
		return false;
	return !(neighbour->anon_id ? neighbour->anon_forked : range->anon_forked);
}

static bool kind_fits(const struct vma_attrs *a, const struct vma_attrs *b)
{
	return a->flags == b->flags && a->mapping == b->mapping && a->file == b->file && !a->special && !b->special &&
	       !(a->flags & VM_SPECIAL) && a->userfault == b->userfault && (a->name == b->name || anon_name_same(a->name, b->name));
}

static bool follows(const struct vma_attrs *low, const struct vma_attrs *high)
{
	return low->end == high->start && low->pgoff + ((low->end - low->start) >> PAGE_SHIFT) == high->pgoff;
}

enum vma_merge_kind vma_merge_decide(const struct vma_attrs *prev, const struct vma_attrs *range,
				     const struct vma_attrs *next)
{
	bool left = prev && follows(prev, range) && kind_fits(prev, range) && anon_fits(prev, range);
	bool right = next && follows(range, next) && kind_fits(range, next) && anon_fits(next, range);

	if (left && right && prev->anon_id && next->anon_id && prev->anon_id != next->anon_id)
		right = false;
	if (left)
		return right ? MERGE_BOTH : MERGE_LEFT;
	return right ? MERGE_RIGHT : MERGE_NONE;
}

/* The VMA that stays takes over the family of one that goes. */
static void adopt_family(struct vm_area_struct *keep, const struct vm_area_struct *from)
{
	if (keep->anon_vma || !from->anon_vma)
		return;
	keep->anon_id = from->anon_id;
	keep->anon_forked = from->anon_forked;
	rmap_link_anon(&keep->rmap, from->anon_vma);
	/* Release: pairs with the load by faults under the VMA's lock, as when the first fault sets it. */
	smp_store_release(&keep->anon_vma, from->anon_vma);
}

/* `keep` grows over what `other` covered (NULL: over nothing yet). */
static void adopt_writes(struct vm_area_struct *keep, const struct vm_area_struct *other)
{
	keep->counts_writes = keep->counts_writes && other && other->counts_writes;
}

/* `vma` is swallowed by a neighbour whose range will cover it. */
static void swallow(struct mm_struct *mm, struct vm_area_struct *vma)
{
	vma_start_write(vma);
	vma_remove(mm, vma);
	vma_free(vma);
}

void vma_share_family(struct vm_area_struct *vma, const struct vm_area_struct *from)
{
	adopt_family(vma, from);
}

void vma_drop_family(struct vm_area_struct *vma)
{
	vma_start_write(vma);
	rmap_unlink_anon(&vma->rmap, vma->anon_vma);
	vma->anon_vma = NULL;
	vma->anon_id = 0;
	vma->anon_forked = false;
}

struct vm_area_struct *vma_merge_new(struct mm_struct *mm, const struct vma_attrs *range, struct vm_area_struct *prev,
				     struct vm_area_struct *next)
{
	return vma_merge_copy(mm, range, NULL, prev, next);
}

struct vm_area_struct *vma_merge_copy(struct mm_struct *mm, const struct vma_attrs *range,
				      const struct vm_area_struct *source, struct vm_area_struct *prev,
				      struct vm_area_struct *next)
{
	struct vma_attrs a, b;
	enum vma_merge_kind kind;

	if (prev && prev->vm_end == range->start)
		vma_attrs_of(prev, &a);
	else
		prev = NULL;
	if (next && next->vm_start == range->end)
		vma_attrs_of(next, &b);
	else
		next = NULL;
	if (!prev && !next)
		return NULL;
	kind = vma_merge_decide(prev ? &a : NULL, range, next ? &b : NULL);
	if (kind == MERGE_BOTH && unlikely(vma_is_counted(next)))
		kind = MERGE_LEFT;
	switch (kind) {
	case MERGE_BOTH:
		vma_start_write(prev);
		adopt_writes(prev, source);
		adopt_writes(prev, next);
		if (source)
			adopt_family(prev, source);
		adopt_family(prev, next);
		swallow(mm, next);
		vma_adjust_range(prev, prev->vm_start, b.end, prev->vm_pgoff);
		return prev;
	case MERGE_LEFT:
		vma_start_write(prev);
		adopt_writes(prev, source);
		if (source)
			adopt_family(prev, source);
		vma_adjust_range(prev, prev->vm_start, range->end, prev->vm_pgoff);
		return prev;
	case MERGE_RIGHT:
		vma_start_write(next);
		adopt_writes(next, source);
		if (source)
			adopt_family(next, source);
		vma_adjust_range(next, range->start, next->vm_end, range->pgoff);
		return next;
	default:
		return NULL;
	}
}

/* The neighbour on the left grows over [start, end) of vma, whose rest shrinks or is gone. */
static struct vm_area_struct *grow_left(struct mm_struct *mm, struct vm_area_struct *prev, struct vm_area_struct *vma,
					unsigned long end)
{
	adopt_writes(prev, vma);
	adopt_family(prev, vma);
	if (end == vma->vm_end)
		swallow(mm, vma);
	else
		vma_adjust_range(vma, end, vma->vm_end, linear_page_index(vma, end));
	vma_adjust_range(prev, prev->vm_start, end, prev->vm_pgoff);
	return prev;
}

static struct vm_area_struct *grow_right(struct mm_struct *mm, struct vm_area_struct *vma, struct vm_area_struct *next,
					 unsigned long start)
{
	pgoff_t pgoff = linear_page_index(vma, start);

	adopt_writes(next, vma);
	adopt_family(next, vma);
	if (start == vma->vm_start)
		swallow(mm, vma);
	else
		vma_adjust_range(vma, vma->vm_start, start, vma->vm_pgoff);
	vma_adjust_range(next, start, next->vm_end, pgoff);
	return next;
}

static struct vm_area_struct *merge_both(struct mm_struct *mm, struct vm_area_struct *prev, struct vm_area_struct *vma,
					 struct vm_area_struct *next)
{
	unsigned long end = next->vm_end;

	adopt_writes(prev, vma);
	adopt_writes(prev, next);
	adopt_family(prev, vma);
	adopt_family(prev, next);
	swallow(mm, vma);
	swallow(mm, next);
	vma_adjust_range(prev, prev->vm_start, end, prev->vm_pgoff);
	return prev;
}

/* The joining of [start, end) with its neighbours, if any; NULL: none. */
static struct vm_area_struct *merge_existing(struct mm_struct *mm, struct vm_area_struct *vma,
					     const struct vma_attrs *range)
{
	struct vm_area_struct *prev = range->start == vma->vm_start ? vma->vm_prev : NULL;
	struct vm_area_struct *next = range->end == vma->vm_end ? vma->vm_next : NULL;
	struct vma_attrs a, b;
	enum vma_merge_kind kind;

	if (unlikely(vma_is_counted(vma)) && range->start == vma->vm_start && range->end == vma->vm_end)
		return NULL;
	if (prev)
		vma_attrs_of(prev, &a);
	if (next)
		vma_attrs_of(next, &b);
	kind = vma_merge_decide(prev ? &a : NULL, range, next ? &b : NULL);
	if (kind == MERGE_NONE)
		return NULL;
	vma_start_write(vma);
	if (kind != MERGE_RIGHT)
		vma_start_write(prev);
	if (kind != MERGE_LEFT)
		vma_start_write(next);
	if (kind == MERGE_BOTH)
		return merge_both(mm, prev, vma, next);
	if (kind == MERGE_LEFT)
		return grow_left(mm, prev, vma, range->end);
	return grow_right(mm, vma, next, range->start);
}

/* [range->start, range->end) of the VMA as `range` says: merged, or a VMA of its own that has the old attributes yet. */
static struct vm_area_struct *modify(struct mm_struct *mm, struct vm_area_struct *vma, const struct vma_attrs *range)
{
	unsigned long start = range->start, end = range->end;
	struct vm_area_struct *merged;
	int err;

	merged = merge_existing(mm, vma, range);
	if (merged)
		return merged;
	if (vma->vm_start < start) {
		err = split_vma(mm, vma, start, true);
		if (err)
			return ERR_PTR(err);
	}
	if (vma->vm_end > end) {
		err = split_vma(mm, vma, end, false);
		if (err)
			return ERR_PTR(err);
	}
	return vma;
}

static void part_attrs(const struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long flags,
		       struct vma_attrs *range)
{
	vma_attrs_of(vma, range);
	range->start = start;
	range->end = end;
	range->pgoff = linear_page_index(vma, start);
	range->flags = flags;
}

struct vm_area_struct *vma_modify(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start, unsigned long end,
				  unsigned long new_flags, struct anon_name *new_name)
{
	struct vma_attrs range;

	part_attrs(vma, start, end, new_flags, &range);
	range.name = new_name;
	return modify(mm, vma, &range);
}

struct vm_area_struct *vma_modify_watch(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start,
					unsigned long end, unsigned long new_flags, const struct userfault *userfault)
{
	struct vma_attrs range;

	part_attrs(vma, start, end, new_flags, &range);
	range.userfault = userfault;
	return modify(mm, vma, &range);
}
