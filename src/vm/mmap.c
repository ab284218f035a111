/* SPDX-License-Identifier: MIT */
/* mmap.c - make a mapping: check the request, find its place, merge it or give it a VMA. */
#include "base/assert.h"
#include "base/math.h"
#include "quire/errno.h"
#include "quire/port.h"
#include "vm/mm_int.h"
#include "vm/shmem.h"
#include "vm/userfault.h"
#include "vm/vma_merge.h"

/* A request on its way: what was asked, and what it has come to. */
struct mmap_request {
	struct mm_struct *mm;
	unsigned long addr, len, flags, vm_flags;
	pgoff_t pgoff;
	const struct mmap_file *file;
	struct address_space *mapping;   /* of the file, or of new shared anonymous memory */
	void *handle;                    /* the file, or the shared memory object */
	long charged;                    /* pages added to Committed_AS */
	struct list_head *notes;         /* monitors who are to be told of what is replaced; NULL: nobody */
};

/* Flags that MAP_SHARED lets pass; MAP_SHARED_VALIDATE refuses all others, younger ones such as MAP_FIXED_NOREPLACE too.
 * MAP_SYNC needs a file that can do it. */
#define LEGACY_MAP_MASK (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | \
			 MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | \
			 MAP_HUGETLB | MAP_32BIT | MAP_ABOVE4G | MAP_HUGE_2MB | MAP_HUGE_1GB)
/* Files end here at the latest: offsets are signed. */
#define MAX_LFS_PAGES ((u64)INT64_MAX >> PAGE_SHIFT)

static unsigned long flags_of(unsigned long prot, unsigned long flags)
{
	/* VM_READ, VM_WRITE, VM_EXEC have the values of PROT_*. */
	unsigned long vm_flags = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);

	if (flags & MAP_GROWSDOWN)
		vm_flags |= VM_GROWSDOWN;
	if (flags & MAP_LOCKED)
		vm_flags |= VM_LOCKED;
	if (flags & MAP_STACK)
		vm_flags |= VM_NOHUGEPAGE;
	if (flags & MAP_SYNC)
		vm_flags |= VM_SYNC;
	return vm_flags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
}

/* Last of the file's checks. What is shared without writing stays so. */
static int check_seals(struct mmap_request *req)
{
	if (!req->file->write_sealed || !(req->vm_flags & VM_SHARED))
		return 0;
	if (req->vm_flags & VM_WRITE)
		return -EPERM;
	req->vm_flags &= ~VM_MAYWRITE;
	return 0;
}

static int check_file(struct mmap_request *req, unsigned long prot)
{
	const struct mmap_file *file = req->file;
	unsigned long flags = req->flags;

	if ((u64)req->pgoff + (req->len >> PAGE_SHIFT) > MAX_LFS_PAGES)
		return -EOVERFLOW;
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		flags &= LEGACY_MAP_MASK;
		fallthrough;
	case MAP_SHARED_VALIDATE:
		if (flags & ~(unsigned long)(LEGACY_MAP_MASK | MAP_SHARED_VALIDATE))
			return -EOPNOTSUPP;
		if ((prot & PROT_WRITE) && !file->may_write)
			return -EACCES;
		req->vm_flags |= VM_SHARED | VM_MAYSHARE;
		if (!file->may_write)
			req->vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
		fallthrough;
	case MAP_PRIVATE:
		if (!file->may_read)
			return -EACCES;
		if (!file->may_exec) {
			if (req->vm_flags & VM_EXEC)
				return -EPERM;
			req->vm_flags &= ~VM_MAYEXEC;
		}
		if (req->vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		return check_seals(req);
	default:
		return -EINVAL;
	}
}

static int check_anonymous(struct mmap_request *req)
{
	switch (req->flags & MAP_TYPE) {
	case MAP_SHARED:
		if (req->vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		req->pgoff = 0;
		req->vm_flags |= VM_SHARED | VM_MAYSHARE;
		return 0;
	case MAP_PRIVATE:
		req->pgoff = req->addr >> PAGE_SHIFT;
		return 0;
	default:
		return -EINVAL;
	}
}

/* There is no pool of huge pages to take from, whose sizes are known all the same (0: the usual one); files have none either. */
static int check_huge(const struct mmap_request *req)
{
	unsigned long size = req->flags & MAP_HUGE_MASK;

	return req->file || (size && size != MAP_HUGE_2MB && size != MAP_HUGE_1GB) ? -EINVAL : -ENOMEM;
}

/* Everything that can be refused before anything is changed; settles the address. */
static int check_request(struct mmap_request *req, unsigned long prot)
{
	struct mm_struct *mm = req->mm;
	int err;

	if (!req->len)
		return -EINVAL;
	if (req->flags & MAP_FIXED_NOREPLACE)
		req->flags |= MAP_FIXED;
	if (!(req->flags & MAP_FIXED) && req->addr && req->addr < this_vm()->mmap_min_addr)
		req->addr = PAGE_ALIGN(this_vm()->mmap_min_addr);
	req->len = PAGE_ALIGN(req->len);
	if (!req->len)
		return -ENOMEM;
	if (req->pgoff + (req->len >> PAGE_SHIFT) < req->pgoff)
		return -EOVERFLOW;
	if (mm->map_count > this_vm()->max_map_count)
		return -ENOMEM;
	if (req->flags & MAP_HUGETLB)
		return check_huge(req);
	req->vm_flags = flags_of(prot, req->flags) | mm->def_flags;
	if (unlikely(prot == PROT_EXEC))
		req->vm_flags |= execute_only_pkey_flags(mm);
	req->addr = get_unmapped_area(mm, req->addr, req->len, req->pgoff, req->flags, req->vm_flags);
	if (IS_ERR_VALUE(req->addr))
		return (int)req->addr;
	if ((req->flags & MAP_FIXED_NOREPLACE) && find_vma_intersection(mm, req->addr, req->addr + req->len))
		return -EEXIST;
	if ((req->flags & MAP_LOCKED) && !can_do_mlock())
		return -EPERM;
	if (!mlock_future_ok(mm, req->vm_flags, req->len))
		return -EAGAIN;
	err = req->file ? check_file(req, prot) : check_anonymous(req);
	if (!err && unlikely(denies_exec_gain(mm, req->vm_flags, req->vm_flags)))
		err = -EACCES;
	return err;
}

/* Pages of [start, end) that are mapped already and will make room, all and those charged. 0, or -EPERM: sealed ones stay. */
static int count_replaced(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long *pages,
			  unsigned long *accounted)
{
	struct vm_area_struct *vma = find_vma_intersection(mm, start, end);

	for (; vma && vma->vm_start < end; vma = vma->vm_next) {
		unsigned long part = (min(end, vma->vm_end) - max(start, vma->vm_start)) >> PAGE_SHIFT;

		if (unlikely(vma->vm_flags & VM_SEALED))
			return -EPERM;
		*pages += part;
		if (vma->vm_flags & VM_ACCOUNT)
			*accounted += part;
	}
	return 0;
}

/* Limits and commitment for the request, with what it replaces set off. Then the replaced range goes. */
static int make_room(struct mmap_request *req)
{
	struct mm_struct *mm = req->mm;
	unsigned long end = req->addr + req->len, accounted = 0, replaced = 0;
	unsigned long pages = req->len >> PAGE_SHIFT;
	int err = 0;

	if (req->flags & MAP_FIXED)
		err = count_replaced(mm, req->addr, end, &replaced, &accounted);
	if (err)
		return err;
	if (!may_expand_vm(mm, req->vm_flags, pages - replaced))
		return -ENOMEM;
	if (accountable_mapping(req->vm_flags)) {
		/* What the old mapping was charged comes back when it goes, so it is borrowed for the check. */
		vm_unacct_memory((long)accounted);
		err = vm_charge(mm, (long)pages);
		atomic_long_add((long)accounted, &this_vm()->committed);
		if (err)
			return err;
		req->charged = (long)pages;
		req->vm_flags |= VM_ACCOUNT;
	}
	if (!replaced)
		return 0;
	err = munmap_locked(mm, req->addr, end, req->notes);
	if (err) {
		vm_unacct_memory(req->charged);
		req->charged = 0;
	}
	return err;
}

static void fill_attrs(const struct mmap_request *req, struct vma_attrs *attrs)
{
	*attrs = (struct vma_attrs){
		.start = req->addr,
		.end = req->addr + req->len,
		.flags = req->vm_flags,
		.pgoff = req->pgoff,
		.mapping = req->mapping,
		.file = req->handle,
	};
}

/* A VMA of its own for the request. */
static int new_vma(struct mmap_request *req)
{
	struct mm_struct *mm = req->mm;
	struct vm_area_struct *vma = vma_alloc(mm);
	int err;

	if (!vma)
		return -ENOMEM;
	vma->vm_start = req->addr;
	vma->vm_end = req->addr + req->len;
	vma->vm_pgoff = req->pgoff;
	vma_init_flags(vma, req->vm_flags);
	vma->vm_mapping = req->mapping;
	vma->vm_file = req->handle;
	if (vma->vm_mapping && vma->vm_mapping->ops->get_file)
		vma->vm_mapping->ops->get_file(vma->vm_file);
	err = insert_vm_struct(mm, vma);
	if (err)
		vma_free(vma);
	return err;
}

/* The checked request becomes a mapping. */
static int mmap_region(struct mmap_request *req)
{
	struct mm_struct *mm = req->mm;
	struct shmem_object *shared = NULL;
	struct vm_area_struct *prev, *next;
	struct vma_attrs attrs;
	int err = make_room(req);

	if (err)
		return err;
	if (req->file) {
		req->mapping = req->file->mapping;
		req->handle = req->file->file;
	} else if (req->vm_flags & VM_SHARED) {
		shared = shmem_object_create(req->len, req->vm_flags & VM_NORESERVE ? RAM_NORESERVE : RAM_RESERVE);
		if (IS_ERR(shared))
			return (int)PTR_ERR(shared);
		req->mapping = &shared->ram.mapping;
		req->handle = shared;
	}
	next = find_vma_prev(mm, req->addr, &prev);
	fill_attrs(req, &attrs);
	if (shared || !vma_merge_new(mm, &attrs, prev, next))
		err = new_vma(req);
	if (shared)
		shmem_object_put(shared);
	if (err) {
		vm_unacct_memory(req->charged);
		return err;
	}
	vm_stat_account(mm, req->vm_flags, (long)(req->len >> PAGE_SHIFT));
	if (req->vm_flags & VM_LOCKED)
		mm->locked_vm += req->len >> PAGE_SHIFT;
	return 0;
}

unsigned long do_mmap(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,
		      const struct mmap_file *file, u64 offset_bytes)
{
	LIST_HEAD(notes);
	struct mmap_request req = { .mm = mm, .addr = addr, .len = len, .flags = flags, .file = file, .notes = &notes };
	bool populate;
	int err;

	if (offset_bytes & ~PAGE_MASK)
		return (unsigned long)-EINVAL;
	req.pgoff = (pgoff_t)(offset_bytes >> PAGE_SHIFT);
	mmap_write_lock(mm);
	if (unlikely(mm->read_implies_exec) && (prot & PROT_READ) && (!file || file->may_exec))
		prot |= PROT_EXEC;
	err = check_request(&req, prot);
	if (!err) {
		if ((flags & MAP_NORESERVE) && this_vm()->overcommit_mode != OVERCOMMIT_NEVER)
			req.vm_flags |= VM_NORESERVE;
		err = mmap_region(&req);
	}
	update_hiwater_vm(mm);
	mmap_write_unlock(mm);
	userfault_notes_tell(&notes);
	if (err)
		return (unsigned long)(long)err;
	populate = (req.vm_flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED ||
		   (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	if (unlikely(populate))
		mm_populate(mm, req.addr, req.len);
	return req.addr;
}

int vm_brk_flags(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long vm_flags)
{
	struct mmap_request req = { .mm = mm, .addr = addr, .len = PAGE_ALIGN(len), .flags = MAP_FIXED | MAP_PRIVATE };
	int err;

	if (req.len < len)
		return -ENOMEM;
	if (!req.len)
		return 0;
	req.vm_flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | (vm_flags & VM_EXEC) | mm->def_flags;
	mmap_write_lock(mm);
	err = brk_region_locked(mm, addr, req.len, req.vm_flags);
	mmap_write_unlock(mm);
	if (!err && (req.vm_flags & VM_LOCKED))
		mm_populate(mm, addr, req.len);
	return err;
}

/* Grows the heap or bss over [addr, addr + len), replacing what is there. The caller has checked its own limits. */
int brk_region_locked(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long vm_flags)
{
	struct mmap_request req = {
		.mm = mm, .addr = addr, .len = len, .flags = MAP_FIXED | MAP_PRIVATE, .vm_flags = vm_flags,
		.pgoff = addr >> PAGE_SHIFT,
	};

	if (addr > TASK_SIZE - len)
		return -ENOMEM;
	if (!mlock_future_ok(mm, vm_flags, len))
		return -EAGAIN;
	if (mm->map_count > this_vm()->max_map_count)
		return -ENOMEM;
	return mmap_region(&req);
}
