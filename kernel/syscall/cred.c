/* SPDX-License-Identifier: MIT */
/* cred.c - user and group ids, supplementary groups, capabilities. */
#include "proc/cred.h"

#include "base/string.h"
#include "proc/pid.h"
#include "proc/securebits.h"
#include "proc/signal.h"
#include "quire/slab.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#define UNCHANGED ((u32)-1)
#define FS_CAPS (1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_DAC_READ_SEARCH | \
		 1ULL << CAP_FOWNER | 1ULL << CAP_FSETID | 1ULL << CAP_LINUX_IMMUTABLE | 1ULL << 27)

SYSCALL_DEFINE0(getuid)
{
	return current_uid();
}

SYSCALL_DEFINE0(geteuid)
{
	return current_euid();
}

SYSCALL_DEFINE0(getgid)
{
	return current_gid();
}

SYSCALL_DEFINE0(getegid)
{
	return current_egid();
}

/* ---- the four ids of users and of groups, which follow the same rules ---- */

enum id_kind { USER_IDS, GROUP_IDS };

struct ids {
	u32 real, effective, saved, fs;
};

static struct ids ids_of(const struct cred *c, enum id_kind kind)
{
	return kind == USER_IDS ? (struct ids){ c->uid, c->euid, c->suid, c->fsuid }
				: (struct ids){ c->gid, c->egid, c->sgid, c->fsgid };
}

static bool may_set_any(enum id_kind kind)
{
	return capable(kind == USER_IDS ? CAP_SETUID : CAP_SETGID);
}

/* Root that stops being root loses its capabilities, and gets them back when it returns. */
static void fix_capabilities(struct cred *fresh, const struct cred *old)
{
	bool had = !old->uid || !old->euid || !old->suid,
	     has = !fresh->uid || !fresh->euid || !fresh->suid;

	if (fresh->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (had && !has) {
		if (!(fresh->securebits & SECBIT_KEEP_CAPS))
			fresh->cap_permitted = fresh->cap_effective = 0;
		fresh->cap_ambient = 0;
	}
	if (!old->euid && fresh->euid)
		fresh->cap_effective = 0;
	else if (old->euid && !fresh->euid)
		fresh->cap_effective = fresh->cap_permitted;
}

static int commit_users(struct cred *fresh)
{
	struct user_struct *user;

	if (fresh->uid != current_uid()) {
		user = user_get(fresh->uid);
		if (!user) {
			abort_creds(fresh);
			return -EAGAIN;
		}
		user_put(fresh->user);
		fresh->user = user;
	}
	fix_capabilities(fresh, current_cred());
	commit_creds(fresh);
	return 0;
}

static int commit_ids(enum id_kind kind, const struct ids *ids)
{
	struct cred *c = prepare_creds();

	if (!c)
		return -ENOMEM;
	if (kind == USER_IDS) {
		c->uid = ids->real;
		c->euid = ids->effective;
		c->suid = ids->saved;
		c->fsuid = ids->fs;
		return commit_users(c);
	}
	c->gid = ids->real;
	c->egid = ids->effective;
	c->sgid = ids->saved;
	c->fsgid = ids->fs;
	commit_creds(c);
	return 0;
}

static bool is_own(const struct ids *own, u32 id, bool with_saved)
{
	return id == UNCHANGED || id == own->real || id == own->effective || (with_saved && id == own->saved);
}

static int set_id(enum id_kind kind, u32 id)
{
	struct ids ids = ids_of(current_cred(), kind);
	bool any = may_set_any(kind);

	if (id == UNCHANGED)
		return -EINVAL;
	if (!any && id != ids.real && id != ids.saved)
		return -EPERM;
	if (any)
		ids.real = ids.saved = id;
	ids.effective = ids.fs = id;
	return commit_ids(kind, &ids);
}

static int set_two_ids(enum id_kind kind, u32 real, u32 effective)
{
	const struct ids old = ids_of(current_cred(), kind);
	struct ids ids = old;

	if (!(is_own(&old, real, false) && is_own(&old, effective, true)) && !may_set_any(kind))
		return -EPERM;
	if (real != UNCHANGED)
		ids.real = real;
	if (effective != UNCHANGED)
		ids.effective = effective;
	if (real != UNCHANGED || (effective != UNCHANGED && effective != old.real))
		ids.saved = ids.effective;
	ids.fs = ids.effective;
	return commit_ids(kind, &ids);
}

static int set_three_ids(enum id_kind kind, u32 real, u32 effective, u32 saved)
{
	const struct ids old = ids_of(current_cred(), kind);
	struct ids ids = old;

	if (!(is_own(&old, real, true) && is_own(&old, effective, true) && is_own(&old, saved, true)) &&
	    !may_set_any(kind))
		return -EPERM;
	if (real != UNCHANGED)
		ids.real = real;
	if (effective != UNCHANGED)
		ids.effective = effective;
	if (saved != UNCHANGED)
		ids.saved = saved;
	ids.fs = ids.effective;
	return commit_ids(kind, &ids);
}

static int get_three_ids(enum id_kind kind, u32 *real, u32 *effective, u32 *saved)
{
	const struct ids ids = ids_of(current_cred(), kind);

	return put_user(ids.real, real) || put_user(ids.effective, effective) || put_user(ids.saved, saved)
		       ? -EFAULT
		       : 0;
}

/* The ids for files: the old one is the answer, also when nothing changed. */
static u32 set_fs_id(enum id_kind kind, u32 id)
{
	const struct ids ids = ids_of(current_cred(), kind);
	struct cred *c;

	if (id == UNCHANGED || id == ids.fs || !(is_own(&ids, id, true) || may_set_any(kind)))
		return ids.fs;
	c = prepare_creds();
	if (!c)
		return ids.fs;
	if (kind == GROUP_IDS) {
		c->fsgid = id;
	} else {
		c->fsuid = id;
		if (!(c->securebits & SECBIT_NO_SETUID_FIXUP) && !ids.fs)
			c->cap_effective &= ~FS_CAPS;
		else if (!(c->securebits & SECBIT_NO_SETUID_FIXUP) && !id)
			c->cap_effective |= c->cap_permitted & FS_CAPS;
	}
	commit_creds(c);
	return ids.fs;
}

SYSCALL_DEFINE1(setuid, uid_t, uid)
{
	return set_id(USER_IDS, uid);
}

SYSCALL_DEFINE2(setreuid, uid_t, ruid, uid_t, euid)
{
	return set_two_ids(USER_IDS, ruid, euid);
}

SYSCALL_DEFINE3(setresuid, uid_t, ruid, uid_t, euid, uid_t, suid)
{
	return set_three_ids(USER_IDS, ruid, euid, suid);
}

SYSCALL_DEFINE3(getresuid, uid_t *, ruid, uid_t *, euid, uid_t *, suid)
{
	return get_three_ids(USER_IDS, ruid, euid, suid);
}

SYSCALL_DEFINE1(setfsuid, uid_t, uid)
{
	return set_fs_id(USER_IDS, uid);
}

SYSCALL_DEFINE1(setgid, gid_t, gid)
{
	return set_id(GROUP_IDS, gid);
}

SYSCALL_DEFINE2(setregid, gid_t, rgid, gid_t, egid)
{
	return set_two_ids(GROUP_IDS, rgid, egid);
}

SYSCALL_DEFINE3(setresgid, gid_t, rgid, gid_t, egid, gid_t, sgid)
{
	return set_three_ids(GROUP_IDS, rgid, egid, sgid);
}

SYSCALL_DEFINE3(getresgid, gid_t *, rgid, gid_t *, egid, gid_t *, sgid)
{
	return get_three_ids(GROUP_IDS, rgid, egid, sgid);
}

SYSCALL_DEFINE1(setfsgid, gid_t, gid)
{
	return set_fs_id(GROUP_IDS, gid);
}

/* ---- groups ---- */

SYSCALL_DEFINE2(getgroups, int, size, gid_t *, list)
{
	const struct group_info *groups = current_cred()->group_info;
	int n = groups ? groups->ngroups : 0;

	if (size < 0)
		return -EINVAL;
	if (!size)
		return n;
	if (n > size)
		return -EINVAL;
	return n && copy_to_user(list, groups->gid, (size_t)n * sizeof(gid_t)) ? -EFAULT : n;
}

static void sort_gids(gid_t *gid, int n)
{
	int gap, i, j;
	gid_t x;

	for (gap = n / 2; gap; gap /= 2) {
		for (i = gap; i < n; i++) {
			x = gid[i];
			for (j = i; j >= gap && gid[j - gap] > x; j -= gap)
				gid[j] = gid[j - gap];
			gid[j] = x;
		}
	}
}

SYSCALL_DEFINE2(setgroups, int, size, const gid_t *, list)
{
	struct group_info *groups, *old;
	struct cred *c;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (size < 0 || size > NGROUPS_MAX)
		return -EINVAL;
	groups = kmalloc(sizeof(*groups) + (size_t)size * sizeof(gid_t), GFP_KERNEL);
	if (!groups)
		return -ENOMEM;
	refcount_set(&groups->refs, 1);
	groups->ngroups = size;
	if (copy_from_user(groups->gid, list, (size_t)size * sizeof(gid_t))) {
		kfree(groups);
		return -EFAULT;
	}
	c = prepare_creds();
	if (!c) {
		kfree(groups);
		return -ENOMEM;
	}
	sort_gids(groups->gid, size);
	old = c->group_info;
	c->group_info = groups;
	if (old && refcount_dec_and_test(&old->refs))
		kfree(old);
	commit_creds(c);
	return 0;
}

/* ---- capabilities ---- */

#define LINUX_CAPABILITY_VERSION_1 0x19980330u
#define LINUX_CAPABILITY_VERSION_2 0x20071026u
#define LINUX_CAPABILITY_VERSION_3 0x20080522u

struct cap_header {
	u32 version;
	int pid;
};

struct cap_data {
	u32 effective, permitted, inheritable;
};

/* Number of cap_data structs of the version, or -errno; an unknown one is answered with the
 * newest. */
static int cap_words(struct cap_header *uhdr, struct cap_header *hdr)
{
	if (copy_from_user(hdr, uhdr, sizeof(*hdr)))
		return -EFAULT;
	switch (hdr->version) {
	case LINUX_CAPABILITY_VERSION_1:
		return 1;
	case LINUX_CAPABILITY_VERSION_2:
	case LINUX_CAPABILITY_VERSION_3:
		return 2;
	}
	return put_user(LINUX_CAPABILITY_VERSION_3, &uhdr->version) ? -EFAULT : -EINVAL;
}

SYSCALL_DEFINE2(capget, struct cap_header *, uhdr, struct cap_data *, udata)
{
	struct cap_header hdr;
	struct cap_data data[2];
	const struct cred *c;
	struct task *p;
	int i, words = cap_words(uhdr, &hdr);

	if (words < 0)
		return words == -EINVAL && !udata ? 0 : words;
	if (hdr.pid < 0)
		return -EINVAL;
	p = hdr.pid ? find_get_task(hdr.pid) : get_task(current);
	if (!p)
		return -ESRCH;
	c = get_task_cred(p);
	put_task(p);
	for (i = 0; i < 2; i++) {
		data[i].effective = (u32)(c->cap_effective >> (32 * i));
		data[i].permitted = (u32)(c->cap_permitted >> (32 * i));
		data[i].inheritable = (u32)(c->cap_inheritable >> (32 * i));
	}
	put_cred(c);
	return udata && copy_to_user(udata, data, (size_t)words * sizeof(data[0])) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(capset, struct cap_header *, uhdr, const struct cap_data *, udata)
{
	struct cap_header hdr;
	struct cap_data data[2] = { { 0 } };
	const struct cred *old = current_cred();
	u64 effective, permitted, inheritable;
	struct cred *c;
	int words = cap_words(uhdr, &hdr);

	if (words < 0)
		return words;
	if (hdr.pid && hdr.pid != current->pid)
		return -EPERM;
	if (copy_from_user(data, udata, (size_t)words * sizeof(data[0])))
		return -EFAULT;
	effective = (data[0].effective | (u64)data[1].effective << 32) & CAP_FULL_SET;
	permitted = (data[0].permitted | (u64)data[1].permitted << 32) & CAP_FULL_SET;
	inheritable = (data[0].inheritable | (u64)data[1].inheritable << 32) & CAP_FULL_SET;
	if (permitted & ~old->cap_permitted || effective & ~permitted)
		return -EPERM;
	if (inheritable &
	    ~(old->cap_inheritable | (capable(CAP_SETPCAP) ? old->cap_bset : old->cap_permitted)))
		return -EPERM;
	c = prepare_creds();
	if (!c)
		return -ENOMEM;
	c->cap_effective = effective;
	c->cap_permitted = permitted;
	c->cap_inheritable = inheritable;
	c->cap_ambient &= permitted & inheritable;
	commit_creds(c);
	return 0;
}
