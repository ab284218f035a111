/* SPDX-License-Identifier: MIT */
/*
 * vma_merge.h - may two ranges be one VMA? The decision, apart from its application.
 *
 *	prev   range   next          prev   range   next          what becomes of them
 *	[AAAA][      ][BBBB]   ->    [AAAAAAAAAAAAAAAAAA]         MERGE_BOTH   prev swallows range and next
 *	[AAAA][      ][xxxx]   ->    [AAAAAAAAAA][xxxxxx]         MERGE_LEFT   prev grows over the range
 *	[xxxx][      ][BBBB]   ->    [xxxx][BBBBBBBBBBBB]         MERGE_RIGHT  next grows down over the range
 *
 * The range may be free (a new mapping), a whole VMA, or the head or tail of one whose attributes change; the remaining part
 * of that VMA then shrinks. These are Linux's cases; which neighbours fit also follows Linux, because programs see the
 * result in /proc/PID/maps.
 *
 * Lock: none (values only). Sleeps: never. Allocates: never.
 */
#ifndef VM_VMA_MERGE_H
#define VM_VMA_MERGE_H

#include "vm/vma.h"

/* What decides about merging, of a VMA or of a range that is to become one. */
struct vma_attrs {
	unsigned long start, end, flags;
	pgoff_t pgoff;
	const struct address_space *mapping;
	const void *file;
	const struct special_mapping *special;
	const struct anon_name *name;
	const struct userfault *userfault;
	u64 anon_id;
	bool anon_forked;
};

enum vma_merge_kind { MERGE_NONE, MERGE_LEFT, MERGE_RIGHT, MERGE_BOTH };

void vma_attrs_of(const struct vm_area_struct *vma, struct vma_attrs *attrs);
/* prev and next may be NULL. */
enum vma_merge_kind vma_merge_decide(const struct vma_attrs *prev, const struct vma_attrs *range,
				     const struct vma_attrs *next);

/* A new mapping takes the free range between two VMAs: merged into a neighbour (returned), or NULL when it needs a VMA of its
 * own. Sleeps (locks of the reverse maps). Cannot fail. mmap lock held to write. */
struct vm_area_struct *vma_merge_new(struct mm_struct *mm, const struct vma_attrs *range, struct vm_area_struct *prev,
				     struct vm_area_struct *next);
/* The same for a range that takes over pages of `source`, a VMA of the mm, and so its family. */
struct vm_area_struct *vma_merge_copy(struct mm_struct *mm, const struct vma_attrs *range,
				      const struct vm_area_struct *source, struct vm_area_struct *prev,
				      struct vm_area_struct *next);
/* The VMA, which has no family, joins that of `from` (if it has one); or leaves its own, no page of it being mapped there. */
void vma_share_family(struct vm_area_struct *vma, const struct vm_area_struct *from);
void vma_drop_family(struct vm_area_struct *vma);
/*
 * Gives [start, end) of `vma`, which covers it, other flags or another name, splitting and merging as needed. Returns the
 * VMA that covers exactly or more than the range now, or ERR_PTR(-ENOMEM) (maybe with a split done, which nobody can see but in
 * maps). The flags of the returned VMA are the new ones only if it was merged into such; otherwise the caller sets them.
 */
struct vm_area_struct *vma_modify(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start, unsigned long end,
				  unsigned long new_flags, struct anon_name *new_name);
/* The same for a range that another userfault watches from now on, or (NULL) none. The caller watches the returned VMA. */
struct vm_area_struct *vma_modify_watch(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start,
					unsigned long end, unsigned long new_flags, const struct userfault *userfault);

#endif
