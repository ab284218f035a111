/* SPDX-License-Identifier: MIT */
/* shmem.c - objects that are nothing but RAM, and among them shared anonymous memory. */
#include "vm/shmem.h"

#include "base/format.h"
#include "object/pagecache.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "vm/vm.h"

u64 ram_object_size(struct address_space *mapping)
{
	return ((struct ram_object *)mapping->host)->bytes;
}

/* Objects that were not charged as a whole are charged page by page. */
int ram_object_account(struct address_space *mapping, long nr)
{
	const struct ram_object *ram = mapping->host;

	return ram->charged ? 0 : mm_commit_pages(nr);
}

int ram_object_init(struct ram_object *ram, const struct address_space_operations *ops, u64 bytes, enum ram_reserve reserve)
{
	int err;

	ram->bytes = bytes;
	ram->charged = reserve == RAM_RESERVE || this_vm()->overcommit_mode == OVERCOMMIT_NEVER;
	if (ram->charged) {
		err = vm_charge(NULL, (long)bytes_to_pages(bytes));
		if (err)
			return err;
	}
	address_space_init(&ram->mapping, ops, ram, GFP_HIGHUSER_MOVABLE, 1ul << AS_SWAPBACKED);
	return 0;
}

void ram_object_destroy(struct ram_object *ram)
{
	address_space_destroy(&ram->mapping);
	if (ram->charged)
		vm_unacct_memory((long)bytes_to_pages(ram->bytes));
}

/* ---- shared anonymous memory ---- */

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

static const struct address_space_operations shmem_ops = {
	.size = ram_object_size,
	.account_pages = ram_object_account,
	.get_file = shmem_get,
	.put_file = shmem_put,
	.file_path = shmem_path,
	.file_id = shmem_id,
};

bool is_anon_shmem(const struct address_space *mapping)
{
	return mapping->ops == &shmem_ops;
}

struct shmem_object *shmem_object_create(u64 bytes, enum ram_reserve reserve)
{
	struct shmem_object *object = kzalloc(sizeof(*object), GFP_KERNEL);
	int err;

	if (!object)
		return ERR_PTR(-ENOMEM);
	err = ram_object_init(&object->ram, &shmem_ops, bytes, reserve);
	if (err) {
		kfree(object);
		return ERR_PTR(err);
	}
	atomic_init(&object->refs, 1);
	object->inode = (u64)atomic64_add_return(1, &this_vm()->next_inode);
	return object;
}

void shmem_object_put(struct shmem_object *object)
{
	if (atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1)
		return;
	ram_object_destroy(&object->ram);
	kfree(object);
}
