/* SPDX-License-Identifier: MIT */
/* shm.c - the table of segments, their life, and what the library asks of the objects behind VMAs. */
#include "ipc/shm.h"

#include "base/format.h"
#include "base/math.h"
#include "base/string.h"
#include "fs/vfs.h"
#include "proc/pid.h"
#include "quire/errno.h"
#include "quire/slab.h"

#define PAGE_BYTES 4096ull
/* Ids are given out round and round among at least so many slots, so that a stale one is noticed. */
#define SHM_MIN_CYCLE 64
#define SHM_FIRST_SLOTS 64

/* Linux's: as much as fits into a word with room for rounding. */
u64 shm_max_bytes = ~0ull - (1ull << 24), shm_all_pages = ~0ull - (1ull << 24);
int shm_mni = 4096;

spinlock_t shm_lock = SPIN_LOCK_INIT(LOCK_HOST_SPIN);
unsigned long shm_tot;
int shm_used;

static struct shm_segment **slots; /* (shm_lock) */
static int nr_slots, last_slot = -1, sequence; /* (shm_lock) */

static u64 now_seconds(void)
{
	return current_time_ns() / 1000000000u;
}

/* ---- the table ---- */

struct shm_segment *shm_slot(int slot)
{
	return slot >= 0 && slot < nr_slots ? slots[slot] : NULL;
}

struct shm_segment *shm_find(int id)
{
	struct shm_segment *seg = shm_slot(id & (SHM_SLOTS_MAX - 1));

	return seg && seg->id == id ? seg : NULL;
}

struct shm_segment *shm_find_key(int key)
{
	for (int i = 0; i < nr_slots; i++)
		if (slots[i] && slots[i]->key == key)
			return slots[i];
	return NULL;
}

int shm_max_slot(void)
{
	int i = nr_slots - 1;

	while (i >= 0 && !slots[i])
		i--;
	return i;
}

int shm_table_reserve(void)
{
	struct shm_segment **fresh, **old = NULL;
	int want = READ_ONCE(nr_slots);

	if (want && READ_ONCE(shm_used) < want)
		return 0;
	if (want >= SHM_SLOTS_MAX)
		return 0;
	want = want ? want * 2 : SHM_FIRST_SLOTS;
	fresh = kcalloc((size_t)want, sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return -ENOMEM;
	spin_lock(&shm_lock);
	if (want > nr_slots) {
		if (nr_slots)
			memcpy(fresh, slots, (size_t)nr_slots * sizeof(*fresh));
		old = slots;
		slots = fresh;
		nr_slots = want;
	} else {
		old = fresh;
	}
	spin_unlock(&shm_lock);
	kfree(old);
	return 0;
}

/* The next free slot in turn; the turn is over at the end of the cycle. */
static int next_slot(void)
{
	int cycle = min(max(shm_used * 3 / 2, SHM_MIN_CYCLE), min(nr_slots, shm_mni));

	for (int i = 0; i < nr_slots; i++) {
		int slot = last_slot + 1 + i;

		slot = slot < cycle ? slot : (slot - cycle) % nr_slots;
		if (!slots[slot])
			return slot;
	}
	return -1;
}

int shm_insert(struct shm_segment *seg)
{
	int slot;

	if (shm_used >= shm_mni)
		return -ENOSPC;
	slot = next_slot();
	if (slot < 0)
		return nr_slots < SHM_SLOTS_MAX ? -EAGAIN : -ENOSPC;
	if (slot <= last_slot)
		sequence = sequence < SHM_SEQ_MAX ? sequence + 1 : 0;
	last_slot = slot;
	seg->id = sequence << SHM_ID_BITS | slot;
	slots[slot] = seg;
	shm_used++;
	shm_tot += (unsigned long)((seg->ram.bytes + PAGE_BYTES - 1) / PAGE_BYTES);
	return seg->id;
}

static void take_out(struct shm_segment *seg)
{
	slots[seg->id & (SHM_SLOTS_MAX - 1)] = NULL;
	shm_used--;
	shm_tot -= (unsigned long)((seg->ram.bytes + PAGE_BYTES - 1) / PAGE_BYTES);
	shm_unlock_pages(seg);
}

bool shm_remove(struct shm_segment *seg)
{
	seg->mode |= SHM_DEST;
	seg->key = IPC_PRIVATE;
	if (seg->nattch)
		return false;
	take_out(seg);
	return true;
}

/* ---- segments ---- */

struct shm_segment *shm_segment_create(int key, u64 bytes, unsigned int flags)
{
	struct shm_segment *seg = kzalloc(sizeof(*seg), GFP_KERNEL);
	int err;

	if (!seg)
		return ERR_PTR(-ENOMEM);
	err = ram_object_init(&seg->ram, &shm_mapping_ops, bytes, flags & SHM_NORESERVE ? RAM_NORESERVE : RAM_RESERVE);
	if (err) {
		kfree(seg);
		return ERR_PTR(err);
	}
	seg->key = seg->name_key = key;
	seg->mode = flags & 0777;
	seg->uid = seg->cuid = current_euid();
	seg->gid = seg->cgid = current_egid();
	seg->cpid = current->tgid;
	seg->ctime = now_seconds();
	return seg;
}

void shm_segment_free(struct shm_segment *seg)
{
	ram_object_destroy(&seg->ram);
	kfree(seg);
}

bool shm_permits(const struct shm_segment *seg, unsigned int flags)
{
	unsigned int wanted = flags >> 6 | flags >> 3 | flags, granted = seg->mode;

	if (current_euid() == seg->cuid || current_euid() == seg->uid)
		granted >>= 6;
	else if (in_group_p(seg->cgid) || in_group_p(seg->gid))
		granted >>= 3;
	return !(wanted & ~granted & 7) || capable(CAP_IPC_OWNER);
}

void shm_unlock_pages(struct shm_segment *seg)
{
	if (!seg->locker)
		return;
	atomic_long_sub((long)((seg->ram.bytes + PAGE_BYTES - 1) / PAGE_BYTES), &seg->locker->locked_shm);
	user_put(seg->locker);
	seg->locker = NULL;
}

/* ---- the objects behind VMAs ---- */

static void shm_attach_get(void *file)
{
	struct shm_attach *attach = file;

	spin_lock(&shm_lock);
	attach->users++;
	attach->seg->nattch++;
	attach->seg->atime = now_seconds();
	attach->seg->lpid = current->tgid;
	spin_unlock(&shm_lock);
}

void shm_attach_drop(struct shm_attach *attach)
{
	struct shm_segment *seg = attach->seg;
	bool gone = false, last;

	spin_lock(&shm_lock);
	last = !--attach->users;
	seg->nattch--;
	if (!seg->nattch && (seg->mode & SHM_DEST)) {
		take_out(seg);
		gone = true;
	}
	spin_unlock(&shm_lock);
	if (last)
		kfree(attach);
	if (gone)
		shm_segment_free(seg);
}

static void shm_attach_put(void *file)
{
	struct shm_attach *attach = file;

	spin_lock(&shm_lock);
	attach->seg->dtime = now_seconds();
	attach->seg->lpid = current->tgid;
	spin_unlock(&shm_lock);
	shm_attach_drop(attach);
}

static int shm_file_path(void *file, char *buf, size_t size)
{
	const struct shm_attach *attach = file;

	return quire_scnprintf(buf, size, "/SYSV%08x (deleted)", (unsigned int)attach->seg->name_key);
}

static void shm_file_id(void *file, u32 *major, u32 *minor, u64 *inode)
{
	const struct shm_attach *attach = file;

	*major = 0;
	*minor = 1;
	*inode = (u64)attach->seg->id;
}

const struct address_space_operations shm_mapping_ops = {
	.size = ram_object_size,
	.account_pages = ram_object_account,
	.get_file = shm_attach_get,
	.put_file = shm_attach_put,
	.file_path = shm_file_path,
	.file_id = shm_file_id,
	.counts_vmas = true,
};
