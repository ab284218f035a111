/* SPDX-License-Identifier: MIT */
/* pkey.c - which protection keys of an address space are given out, and the one of memory that may only be executed. */
#include "arch/pte.h"
#include "quire/errno.h"
#include "quire/port.h"
#include "vm/mm_int.h"

/* One for pkey_alloc or for the kernel. -ENOSPC. */
static int take_pkey(struct mm_struct *mm)
{
	unsigned int free = ~(unsigned int)mm->pkey_map & 0xffff;

	if (!free)
		return -ENOSPC;
	mm->pkey_map |= (u16)(free & -free);
	return __builtin_ctz(free);
}

bool pkey_is_allocated(const struct mm_struct *mm, int pkey)
{
	return pkey >= 0 && pkey <= 15 && (mm->pkey_map >> pkey & 1) && (!pkey || pkey != mm->execute_only_pkey);
}

int mm_pkey_alloc(struct mm_struct *mm)
{
	int pkey;

	if (!arch_has_pkeys())
		return -EINVAL;
	mmap_write_lock(mm);
	pkey = take_pkey(mm);
	mmap_write_unlock(mm);
	return pkey;
}

int mm_pkey_free(struct mm_struct *mm, int pkey)
{
	int err = -EINVAL;

	mmap_write_lock(mm);
	if (pkey_is_allocated(mm, pkey)) {
		mm->pkey_map &= (u16)~(1u << pkey);
		err = 0;
	}
	mmap_write_unlock(mm);
	return err;
}

unsigned long execute_only_pkey_flags(struct mm_struct *mm)
{
	const struct quire_port *port = this_quire()->port;
	int pkey;

	if (!arch_has_pkeys() || !port->deny_pkey)
		return 0;
	if (!mm->execute_only_pkey) {
		pkey = take_pkey(mm);
		if (pkey < 0)
			return 0;
		mm->execute_only_pkey = (u16)pkey;
	}
	port->deny_pkey(mm->execute_only_pkey);
	return (unsigned long)((u64)mm->execute_only_pkey << VM_PKEY_SHIFT);
}
