/* SPDX-License-Identifier: MIT */
/* place.c - where a mapping goes, and whether the limits allow it. */
#include "base/math.h"
#include "quire/errno.h"
#include "quire/port.h"
#include "vm/mm_int.h"

/* MAP_32BIT: the second gigabyte, which 32-bit displacements reach from anywhere in the first two. */
#define MAP_32BIT_START 0x40000000ul
#define MAP_32BIT_END 0x80000000ul

unsigned long host_rlimit(enum quire_rlimit which)
{
	const struct quire_port *port = this_quire()->port;

	return port->rlimit ? port->rlimit(which) : ~0ul;
}

bool host_capable(enum quire_capability capability)
{
	const struct quire_port *port = this_quire()->port;

	return port->capable && port->capable(capability);
}

/* A soft limit of nothing, with which some tools start programs to watch their heap, stands for the hard one, as on Linux. */
static unsigned long data_limit(void)
{
	unsigned long limit = host_rlimit(QUIRE_RLIMIT_DATA);

	return unlikely(!limit) ? host_rlimit(QUIRE_RLIMIT_DATA_MAX) : limit;
}

bool may_expand_vm(struct mm_struct *mm, unsigned long flags, unsigned long pages)
{
	if (mm->total_vm + pages > host_rlimit(QUIRE_RLIMIT_AS) >> PAGE_SHIFT)
		return false;
	return !is_data_mapping(flags) || mm->data_vm + pages <= data_limit() >> PAGE_SHIFT;
}

bool can_do_mlock(void)
{
	return host_rlimit(QUIRE_RLIMIT_MEMLOCK) != 0 || host_capable(QUIRE_CAP_IPC_LOCK);
}

bool mlock_future_ok(struct mm_struct *mm, unsigned long flags, unsigned long bytes)
{
	unsigned long limit;

	if (!(flags & VM_LOCKED) || host_capable(QUIRE_CAP_IPC_LOCK))
		return true;
	limit = host_rlimit(QUIRE_RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	return mm->locked_vm + (bytes >> PAGE_SHIFT) <= limit;
}

/* The lowest page that a program may map without leave. */
static unsigned long min_addr(void)
{
	return PAGE_ALIGN(max(this_vm()->mmap_min_addr, PAGE_SIZE));
}

/* A hint is taken when nothing is there, and nothing's guard reaches there; a range across the window's end is no hint's. */
static bool hint_fits(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	struct vm_area_struct *vma;

	if (addr > TASK_SIZE - len || addr < this_vm()->mmap_min_addr)
		return false;
	if (addr <= DEFAULT_MAP_WINDOW && addr + len > DEFAULT_MAP_WINDOW)
		return false;
	vma = find_vma(mm, addr);
	return !vma || addr + len <= vm_start_gap(vma);
}

/* Programs keep marks in the upper bits of pointers: only a hint above the window asks for addresses there. */
static unsigned long search(struct mm_struct *mm, unsigned long hint, unsigned long len, unsigned long flags)
{
	unsigned long above = unlikely(hint > DEFAULT_MAP_WINDOW) ? TASK_SIZE - DEFAULT_MAP_WINDOW : 0;
	struct gap_request req = { .len = len, .low = min_addr() };
	unsigned long addr;

	if (flags & MAP_32BIT) {
		req.low = MAP_32BIT_START;
		req.high = MAP_32BIT_END;
		return vma_tree_gap_bottomup(&mm->tree, &req);
	}
	if (unlikely(mm->layout.bottom_up)) {
		req.low = mm->layout.mmap_base;
		req.high = DEFAULT_MAP_WINDOW + above;
		return vma_tree_gap_bottomup(&mm->tree, &req);
	}
	req.high = mm->layout.mmap_base + above;
	addr = vma_tree_gap_topdown(&mm->tree, &req);
	if (likely(!IS_ERR_VALUE(addr)))
		return addr;
	/* Nothing below the base: what is above it, from the bottom of the classic mmap area on. */
	req.low = MMAP_BOTTOM;
	req.high = DEFAULT_MAP_WINDOW + above;
	return vma_tree_gap_bottomup(&mm->tree, &req);
}

unsigned long get_unmapped_area(struct mm_struct *mm, unsigned long addr, unsigned long len, pgoff_t pgoff,
				unsigned long flags, unsigned long vm_flags)
{
	if (len > TASK_SIZE)
		return (unsigned long)-ENOMEM;
	if (flags & MAP_FIXED) {
		if (addr > TASK_SIZE - len)
			return (unsigned long)-ENOMEM;
		if (addr & ~PAGE_MASK)
			return (unsigned long)-EINVAL;
	} else {
		addr &= PAGE_MASK;
		if (!addr || ((flags & MAP_32BIT) && addr + len > MAP_32BIT_END) || !hint_fits(mm, addr, len))
			addr = search(mm, addr, len, flags);
		if (IS_ERR_VALUE(addr))
			return addr;
	}
	if (unlikely(addr < this_vm()->mmap_min_addr) && !host_capable(QUIRE_CAP_SYS_RAWIO))
		return (unsigned long)-EPERM;
	return addr;
}
