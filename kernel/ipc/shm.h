/* SPDX-License-Identifier: MIT */
/*
 * shm.h - segments of System V shared memory, and who shows them.
 *
 *	table --> shm_segment { perm, ram } <-- shm_attach <-- VMA, VMA ...     one shmat and its parts and copies
 *
 * [SH1] nattch is the number of VMAs that show the segment, and of calls of shmat that are under way.
 * [SH2] A segment with SHM_DEST is found by its id only, and goes with its last attachment.
 * [SH3] shm_tot is the number of pages of all segments in the table.
 *
 * Lock: shm_lock (LOCK_HOST_SPIN), so that munmap can take it under the mmap lock. Sleeps: freeing a segment.
 */
#ifndef KERNEL_IPC_SHM_H
#define KERNEL_IPC_SHM_H

#include "proc/cred.h"
#include "quire/mm.h"
#include "sync/spinlock.h"

#define IPC_PRIVATE 0
#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define SHM_HUGETLB 04000
#define SHM_NORESERVE 010000
/* In a segment's mode. */
#define SHM_DEST 01000
#define SHM_LOCKED 02000

/* An id is a sequence number above as many bits as the highest slot needs. */
#define SHM_ID_BITS 15
#define SHM_SLOTS_MAX (1 << SHM_ID_BITS)
#define SHM_SEQ_MAX (0x7fffffff >> SHM_ID_BITS)

struct shm_segment {
	struct ram_object ram;
	int key, id;                  /* key: (shm_lock) */
	int name_key;                 /* (c) the key that it was made with: its name in maps */
	unsigned int mode;            /* (shm_lock) permissions, SHM_DEST, SHM_LOCKED */
	uid_t uid, cuid;              /* uid, gid: (shm_lock) */
	gid_t gid, cgid;
	u64 atime, dtime, ctime;      /* (shm_lock) seconds since 1970 */
	pid_t cpid, lpid;             /* lpid: (shm_lock) */
	unsigned long nattch;         /* (shm_lock) [SH1] */
	struct user_struct *locker;   /* (shm_lock) whose limit SHM_LOCK counts against */
};

/* The handle of the VMAs that one shmat made. */
struct shm_attach {
	struct shm_segment *seg;
	unsigned long users;          /* (shm_lock) VMAs, and the call itself */
};

/* Limits of /proc/sys/kernel. */
extern u64 shm_max_bytes, shm_all_pages;
extern int shm_mni;

extern spinlock_t shm_lock;
/* (shm_lock) */
extern unsigned long shm_tot;
extern int shm_used;

extern const struct address_space_operations shm_mapping_ops;

/* By id, by key, by slot: NULL when there is none. shm_lock held. */
struct shm_segment *shm_find(int id);
struct shm_segment *shm_find_key(int key);
struct shm_segment *shm_slot(int slot);
/* Highest slot in use, or -1. shm_lock held. */
int shm_max_slot(void);

/* A segment that nobody knows yet: charged, owned by the caller. ERR_PTR(-ENOMEM). May sleep. */
struct shm_segment *shm_segment_create(int key, u64 bytes, unsigned int flags);
void shm_segment_free(struct shm_segment *seg);
/* Room in the table for one more; called before shm_insert without shm_lock. 0 or -ENOMEM. May sleep. */
int shm_table_reserve(void);
/* Gives it a slot: the id, -ENOSPC, or -EAGAIN when the reserved room is taken. shm_lock held. */
int shm_insert(struct shm_segment *seg);
/* Out of the table, or marked to go with its last attachment. True: the caller frees it. shm_lock held. */
bool shm_remove(struct shm_segment *seg);

/* An attachment loses a user; the last one frees it, and with SHM_DEST the segment. May sleep. */
void shm_attach_drop(struct shm_attach *attach);

/* May the caller do what the bits of `flags` (three times rwx) ask for? */
bool shm_permits(const struct shm_segment *seg, unsigned int flags);
/* No longer counted against its locker's limit. shm_lock held. */
void shm_unlock_pages(struct shm_segment *seg);

void shm_proc_init(void);

#endif
