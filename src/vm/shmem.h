/* SPDX-License-Identifier: MIT */
/*
 * shmem.h - objects of Quire's own behind MAP_SHARED | MAP_ANONYMOUS: RAM that several address spaces show.
 *
 * Lock: the mapping's. Sleeps: freeing the last reference. Allocates: create.
 */
#ifndef VM_SHMEM_H
#define VM_SHMEM_H

#include "arch/page.h"
#include "quire/mm.h"

struct shmem_object {
	struct ram_object ram;
	atomic_int refs;          /* (a) */
	u64 inode;                /* (c) number for /proc/PID/maps */
};

/* One reference. ERR_PTR(-ENOMEM). */
struct shmem_object *shmem_object_create(u64 bytes, enum ram_reserve reserve);
void shmem_object_put(struct shmem_object *object);
/* The mapping is that of shared anonymous memory. */
bool is_anon_shmem(const struct address_space *mapping);

#endif
