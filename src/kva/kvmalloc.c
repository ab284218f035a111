/* SPDX-License-Identifier: MIT */
/* kvmalloc.c - small here, large there. */
#include "base/math.h"
#include "kva/kva.h"
#include "quire/slab.h"

static void *kvmalloc_caller(size_t bytes, gfp_t gfp, void *caller)
{
	gfp_t light = gfp;
	void *ptr;

	/* A run of pages is welcome, but not worth a hard search: vmalloc needs none. */
	if (bytes > PAGE_SIZE)
		light |= __GFP_NOWARN | __GFP_NORETRY;
	ptr = kmalloc(bytes, light);
	if (likely(ptr) || bytes <= PAGE_SIZE || !(gfp & __GFP_DIRECT_RECLAIM))
		return ptr;
	return vmalloc_caller(bytes, gfp, VM_ALLOC, caller);
}

void *kvmalloc(size_t bytes, gfp_t gfp)
{
	return kvmalloc_caller(bytes, gfp, __builtin_return_address(0));
}

void *kvzalloc(size_t bytes, gfp_t gfp)
{
	return kvmalloc_caller(bytes, gfp | __GFP_ZERO, __builtin_return_address(0));
}

void *kvcalloc(size_t n, size_t bytes, gfp_t gfp)
{
	size_t all;

	if (__builtin_mul_overflow(n, bytes, &all))
		return NULL;
	return kvmalloc_caller(all, gfp | __GFP_ZERO, __builtin_return_address(0));
}

void kvfree(const void *addr)
{
	if (is_vmalloc_addr(addr))
		vfree(addr);
	else
		kfree(addr);
}
