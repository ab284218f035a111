/* SPDX-License-Identifier: MIT */
/* shm_calls.c - shmget, shmat, shmdt, shmctl. */
#include "base/math.h"
#include "fs/vfs.h"
#include "ipc/shm.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#define PAGE_BYTES 4096ull

/* ---- shmget ---- */

static int new_segment(int key, u64 bytes, int flags)
{
	struct shm_segment *seg;
	u64 pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	int id;

	if (bytes < 1 || bytes > READ_ONCE(shm_max_bytes))
		return -EINVAL;
	if (pages * PAGE_BYTES < bytes)
		return -ENOSPC;
	if (flags & SHM_HUGETLB)
		return -ENOMEM; /* there is no pool of huge pages */
	seg = shm_segment_create(key, bytes, (unsigned int)flags);
	if (IS_ERR(seg))
		return (int)PTR_ERR(seg);
	do {
		id = shm_table_reserve();
		if (id)
			break;
		spin_lock(&shm_lock);
		if (shm_tot + pages < shm_tot || shm_tot + pages > shm_all_pages)
			id = -ENOSPC;
		else if (key != IPC_PRIVATE && shm_find_key(key))
			id = -EEXIST;
		else
			id = shm_insert(seg);
		spin_unlock(&shm_lock);
	} while (id == -EAGAIN);
	if (id < 0)
		shm_segment_free(seg);
	return id;
}

static int found_segment(const struct shm_segment *seg, u64 bytes, int flags)
{
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	if (seg->ram.bytes < bytes)
		return -EINVAL;
	return shm_permits(seg, (unsigned int)flags) ? seg->id : -EACCES;
}

SYSCALL_DEFINE3(shmget, int, key, size_t, bytes, int, flags)
{
	const struct shm_segment *seg;
	int id;

	if (key == IPC_PRIVATE)
		return new_segment(key, bytes, flags);
	do {
		spin_lock(&shm_lock);
		seg = shm_find_key(key);
		id = seg ? found_segment(seg, bytes, flags) : -ENOENT;
		spin_unlock(&shm_lock);
		if (seg || !(flags & IPC_CREAT))
			return id;
		id = new_segment(key, bytes, flags);
		/* Somebody made it meanwhile: then it is found. */
	} while (id == -EEXIST);
	return id;
}

/* ---- shmat, shmdt ---- */

#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000

/* Where and how to map. 0 or -EINVAL. */
static int place(unsigned long *addr, int flags, unsigned long *map_flags)
{
	*map_flags = MAP_SHARED;
	if (!*addr)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (*addr % PAGE_BYTES) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr -= *addr % PAGE_BYTES;
		if (!*addr && (flags & SHM_REMAP))
			return -EINVAL;
	}
	*map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

/* Counts the call itself, so that the segment stays while it is being mapped. */
static int hold(int id, unsigned int access, struct shm_attach *attach)
{
	struct shm_segment *seg;
	int err = 0;

	spin_lock(&shm_lock);
	seg = shm_find(id);
	if (!seg)
		err = -EINVAL;
	else if (!shm_permits(seg, access))
		err = -EACCES;
	if (!err) {
		attach->seg = seg;
		attach->users = 1;
		seg->nattch++;
	}
	spin_unlock(&shm_lock);
	return err;
}

SYSCALL_DEFINE3(shmat, int, id, unsigned long, addr, int, flags)
{
	unsigned long prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
	unsigned int access = 0444 | (flags & SHM_RDONLY ? 0 : 0222) | (flags & SHM_EXEC ? 0111 : 0);
	struct mmap_file backing = { .may_read = true, .may_write = !(flags & SHM_RDONLY), .may_exec = true };
	struct shm_attach *attach;
	unsigned long map_flags, bytes;
	long result;

	if (id < 0 || place(&addr, flags, &map_flags))
		return -EINVAL;
	attach = kzalloc(sizeof(*attach), GFP_KERNEL);
	if (!attach)
		return -ENOMEM;
	result = hold(id, access, attach);
	if (result) {
		kfree(attach);
		return result;
	}
	bytes = (unsigned long)attach->seg->ram.bytes;
	backing.mapping = &attach->seg->ram.mapping;
	backing.file = attach;
	if (addr && !(flags & SHM_REMAP) && addr + bytes < addr)
		result = -EINVAL;
	else
		result = (long)do_mmap(task_mm(current), addr, bytes, prot, map_flags, &backing, 0);
	shm_attach_drop(attach);
	return result == -EEXIST ? -EINVAL : result;
}

SYSCALL_DEFINE1(shmdt, unsigned long, addr)
{
	return do_shmdt(task_mm(current), addr, &shm_mapping_ops);
}

/* ---- shmctl ---- */

enum shm_command {
	IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO,
	SHM_LOCK = 11, SHM_UNLOCK, SHM_STAT, SHM_INFO, SHM_STAT_ANY
};

struct ipc64_perm {
	int key;
	u32 uid, gid, cuid, cgid;
	u32 mode;
	u16 seq, pad;
	u64 unused[2];
};

struct shmid64_ds {
	struct ipc64_perm perm;
	u64 segsz;
	s64 atime, dtime, ctime;
	int cpid, lpid;
	u64 nattch, unused[2];
};

struct shminfo64 {
	u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};

struct shm_info {
	int used_ids, pad;
	u64 shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

static long ipc_info(struct shminfo64 *to)
{
	struct shminfo64 info = {
		.shmmax = shm_max_bytes, .shmmin = 1, .shmmni = (u64)shm_mni, .shmseg = (u64)shm_mni, .shmall = shm_all_pages,
	};
	int highest;

	spin_lock(&shm_lock);
	highest = shm_max_slot();
	spin_unlock(&shm_lock);
	if (copy_to_user(to, &info, sizeof(info)))
		return -EFAULT;
	return max(highest, 0);
}

static long shm_info(struct shm_info *to)
{
	struct shm_info info = { 0 };
	int highest;

	spin_lock(&shm_lock);
	highest = shm_max_slot();
	info.used_ids = shm_used;
	info.shm_tot = shm_tot;
	for (int i = 0; i <= highest; i++)
		if (shm_slot(i))
			info.shm_rss += READ_ONCE(shm_slot(i)->ram.mapping.nrpages);
	spin_unlock(&shm_lock);
	if (copy_to_user(to, &info, sizeof(info)))
		return -EFAULT;
	return max(highest, 0);
}

static void fill_ds(struct shmid64_ds *ds, const struct shm_segment *seg)
{
	*ds = (struct shmid64_ds){
		.perm = { .key = seg->key, .uid = seg->uid, .gid = seg->gid, .cuid = seg->cuid, .cgid = seg->cgid,
			  .mode = seg->mode, .seq = (u16)(seg->id >> SHM_ID_BITS) },
		.segsz = seg->ram.bytes, .atime = (s64)seg->atime, .dtime = (s64)seg->dtime, .ctime = (s64)seg->ctime,
		.cpid = seg->cpid, .lpid = seg->lpid, .nattch = seg->nattch,
	};
}

static long shm_stat(int id, int cmd, struct shmid64_ds *to)
{
	const struct shm_segment *seg;
	struct shmid64_ds ds;
	long result = 0;

	spin_lock(&shm_lock);
	seg = cmd == IPC_STAT ? shm_find(id) : shm_slot(id);
	if (!seg) {
		result = -EINVAL;
	} else if (cmd != SHM_STAT_ANY && !shm_permits(seg, 0444)) {
		result = -EACCES;
	} else {
		fill_ds(&ds, seg);
		result = cmd == IPC_STAT ? 0 : seg->id;
	}
	spin_unlock(&shm_lock);
	if (result >= 0 && copy_to_user(to, &ds, sizeof(ds)))
		return -EFAULT;
	return result;
}

static bool owns(const struct shm_segment *seg)
{
	return current_euid() == seg->uid || current_euid() == seg->cuid;
}

/* IPC_SET and IPC_RMID. */
static long shm_change(int id, int cmd, const struct shmid64_ds *from)
{
	struct shm_segment *seg, *gone = NULL;
	struct shmid64_ds ds;
	long result = 0;

	if (cmd == IPC_SET && copy_from_user(&ds, from, sizeof(ds)))
		return -EFAULT;
	spin_lock(&shm_lock);
	seg = shm_find(id);
	if (!seg) {
		result = -EINVAL;
	} else if (!owns(seg) && !capable(CAP_SYS_ADMIN)) {
		result = -EPERM;
	} else if (cmd == IPC_RMID) {
		gone = shm_remove(seg) ? seg : NULL;
	} else if (ds.perm.uid == ~0u || ds.perm.gid == ~0u) {
		result = -EINVAL;
	} else {
		seg->uid = ds.perm.uid;
		seg->gid = ds.perm.gid;
		seg->mode = (seg->mode & ~0777u) | (ds.perm.mode & 0777);
		seg->ctime = current_time_ns() / 1000000000u;
	}
	spin_unlock(&shm_lock);
	if (gone)
		shm_segment_free(gone);
	return result;
}

/* Counts the segment's pages against the caller's user; false: beyond the limit. */
static bool charge_lock(struct shm_segment *seg)
{
	long pages = (long)((seg->ram.bytes + PAGE_BYTES - 1) / PAGE_BYTES);
	struct user_struct *user = current_cred()->user;

	if ((u64)atomic_long_add_return(pages, &user->locked_shm) > rlimit(RLIMIT_MEMLOCK) / PAGE_BYTES &&
	    !capable(CAP_IPC_LOCK)) {
		atomic_long_sub(pages, &user->locked_shm);
		return false;
	}
	refcount_inc(&user->refs);
	seg->locker = user;
	return true;
}

static long lock_pages(struct shm_segment *seg, int cmd)
{
	if (!capable(CAP_IPC_LOCK)) {
		if (!owns(seg))
			return -EPERM;
		if (cmd == SHM_LOCK && !rlimit(RLIMIT_MEMLOCK))
			return -EPERM;
	}
	if (cmd == SHM_LOCK && !(seg->mode & SHM_LOCKED)) {
		if (!charge_lock(seg))
			return -ENOMEM;
		seg->mode |= SHM_LOCKED;
		__atomic_fetch_or(&seg->ram.mapping.flags, 1ul << AS_UNEVICTABLE, __ATOMIC_RELAXED);
	} else if (cmd == SHM_UNLOCK && (seg->mode & SHM_LOCKED)) {
		shm_unlock_pages(seg);
		seg->mode &= ~(unsigned int)SHM_LOCKED;
		__atomic_fetch_and(&seg->ram.mapping.flags, ~(1ul << AS_UNEVICTABLE), __ATOMIC_RELAXED);
	}
	return 0;
}

static long shm_lock_call(int id, int cmd)
{
	struct shm_segment *seg;
	long result;

	spin_lock(&shm_lock);
	seg = shm_find(id);
	result = seg ? lock_pages(seg, cmd) : -EINVAL;
	spin_unlock(&shm_lock);
	return result;
}

SYSCALL_DEFINE3(shmctl, int, id, int, cmd, void *, buf)
{
	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		return ipc_info(buf);
	case SHM_INFO:
		return shm_info(buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return shm_stat(id, cmd, buf);
	case IPC_SET:
	case IPC_RMID:
		return shm_change(id, cmd, buf);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_lock_call(id, cmd);
	}
	return -EINVAL;
}
