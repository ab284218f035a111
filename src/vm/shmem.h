/* SPDX-License-Identifier: MIT */
/*
 * shmem.h - objects of Quire's own behind MAP_SHARED | MAP_ANONYMOUS: RAM that several address spaces show.
 *
 * [S1] A charged object has its whole size in Committed_AS from creation until it is freed.
 *
 * Lock: the mapping's. Sleeps: freeing the last reference. Allocates: create.
 */
#ifndef VM_SHMEM_H
#define VM_SHMEM_H

#include "arch/page.h"
#include "quire/mapping.h"

struct shmem_object {
	struct address_space mapping;
	atomic_int refs;          /* (a) */
	bool charged;             /* (c) */
	u64 bytes;                /* (c) */
	u64 inode;                /* (c) number for /proc/PID/maps */
};

/* One reference. ERR_PTR(-ENOMEM). charge: count the size against the commit limit now. */
struct shmem_object *shmem_object_create(u64 bytes, bool charge);
void shmem_object_put(struct shmem_object *object);
/* The object behind a mapping, or NULL for a file of the host. */
struct shmem_object *shmem_object_of(struct address_space *mapping);

#endif
