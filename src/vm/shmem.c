/* SPDX-License-Identifier: MIT */
/* shmem.c - shared anonymous memory. */
#include "vm/shmem.h"

#include "base/format.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "vm/vm.h"

static u64 shmem_size(struct address_space *mapping)
{
	return ((struct shmem_object *)mapping->host)->bytes;
}

static void shmem_get(void *file)
{
	atomic_fetch_add_explicit(&((struct shmem_object *)file)->refs, 1, memory_order_relaxed);
}

static void shmem_put(void *file)
{
	shmem_object_put(file);
}

static int shmem_path(void *file, char *buf, size_t size)
{
	return quire_scnprintf(buf, size, "/dev/zero (deleted)");
}

static void shmem_id(void *file, u32 *major, u32 *minor, u64 *inode)
{
	*major = 0;
	*minor = 1;
	*inode = ((struct shmem_object *)file)->inode;
}

/* Objects that were not charged as a whole are charged page by page. */
static int shmem_account(struct address_space *mapping, long nr)
{
	const struct shmem_object *object = mapping->host;

	if (object->charged)
		return 0;
	if (nr < 0) {
		vm_unacct_memory(-nr);
		return 0;
	}
	return vm_charge(NULL, nr);
}

static const struct address_space_operations shmem_ops = {
	.size = shmem_size,
	.account_pages = shmem_account,
	.get_file = shmem_get,
	.put_file = shmem_put,
	.file_path = shmem_path,
	.file_id = shmem_id,
};

struct shmem_object *shmem_object_create(u64 bytes, bool charge)
{
	struct shmem_object *object = kzalloc(sizeof(*object), GFP_KERNEL);
	int err;

	if (!object)
		return ERR_PTR(-ENOMEM);
	if (charge) {
		err = vm_charge(NULL, (long)(bytes >> PAGE_SHIFT));
		if (err) {
			kfree(object);
			return ERR_PTR(err);
		}
	}
	atomic_init(&object->refs, 1);
	object->charged = charge;
	object->bytes = bytes;
	object->inode = (u64)atomic64_add_return(1, &this_vm()->next_inode);
	address_space_init(&object->mapping, &shmem_ops, object, GFP_HIGHUSER_MOVABLE, 1ul << AS_SWAPBACKED);
	return object;
}

void shmem_object_put(struct shmem_object *object)
{
	if (atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1)
		return;
	address_space_destroy(&object->mapping);
	if (object->charged)
		vm_unacct_memory((long)(object->bytes >> PAGE_SHIFT));
	kfree(object);
}

struct shmem_object *shmem_object_of(struct address_space *mapping)
{
	return mapping && mapping->ops == &shmem_ops ? mapping->host : NULL;
}
