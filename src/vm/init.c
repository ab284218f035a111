/* SPDX-License-Identifier: MIT */
/* init.c - this room's state. */
#include "base/math.h"
#include "object/object.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "vm/mm_int.h"
#include "vm/vm.h"

/* Bytes around a file fault that are mapped along with it, if cached: Linux's default. */
#define DEFAULT_FAULT_AROUND (64ul << 10)

int vm_init(void)
{
	struct vm_state *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	if (!vm)
		return -ENOMEM;
	this_quire()->vm = vm;
	spin_lock_init(&vm->mm_list_lock, LOCK_MM_LIST);
	INIT_LIST_HEAD(&vm->mm_list);
	vm->nr_rss = min((unsigned int)roundup_pow_of_two(this_quire()->nr_cpus), (unsigned int)PGTABLE_MAX_RSS);
	vm->mm_cache = kmem_cache_create("mm_struct", MM_RSS_OFFSET + vm->nr_rss * sizeof(struct pgtable_rss), 0,
					 SLAB_HWCACHE_ALIGN, NULL);
	vm->vma_cache = kmem_cache_create("vm_area_struct", sizeof(struct vm_area_struct), 0, SLAB_HWCACHE_ALIGN, NULL);
	vm->leaf_cache = kmem_cache_create("vma_tree_leaf", sizeof(struct vma_leaf), 0, SLAB_HWCACHE_ALIGN, NULL);
	vm->inner_cache = kmem_cache_create("vma_tree_inner", sizeof(struct vma_inner), 0, SLAB_HWCACHE_ALIGN, NULL);
	vm->zero_page = this_object()->zeros;
	if (!vm->mm_cache || !vm->vma_cache || !vm->leaf_cache || !vm->inner_cache)
		return -ENOMEM;
	vm->max_map_count = DEFAULT_MAX_MAP_COUNT;
	vm->mmap_min_addr = DEFAULT_MMAP_MIN_ADDR;
	vm->randomize_va_space = 2;
	vm->page_cluster = 3;
	vm->fault_around_bytes = DEFAULT_FAULT_AROUND;
	overcommit_init();
	return 0;
}

static void cache_gone(struct kmem_cache *cache)
{
	if (cache)
		kmem_cache_destroy(cache);
}

void vm_exit(void)
{
	struct vm_state *vm = this_vm();

	if (!vm)
		return;
	cache_gone(vm->inner_cache);
	cache_gone(vm->leaf_cache);
	cache_gone(vm->vma_cache);
	cache_gone(vm->mm_cache);
	kfree(vm);
	this_quire()->vm = NULL;
}
