/* SPDX-License-Identifier: MIT */
/* cred.c - credentials: copies, changes, and what each user has in use. */
#include "proc/cred.h"

#include "base/string.h"
#include "lib/printk.h"
#include "proc/securebits.h"
#include "quire/mm.h"
#include "quire/slab.h"

#define USER_HASH 32

static struct kmem_cache *cred_cache;
static struct hlist_head users[USER_HASH];
static DEFINE_SPINLOCK(users_lock, LOCK_LEAF);

static struct user_struct root_user = { REFCOUNT_INIT(1), .uid = 0 };
static struct cred init_cred = {
	.refs = REFCOUNT_INIT(1),
	.cap_permitted = CAP_FULL_SET, .cap_effective = CAP_FULL_SET, .cap_bset = CAP_FULL_SET,
	.user = &root_user,
};

struct user_struct *user_get(uid_t uid)
{
	struct user_struct *user, *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	unsigned long flags;

	spin_lock_irqsave(&users_lock, flags);
	hlist_for_each_entry(user, &users[uid % USER_HASH], hash)
		if (user->uid == uid)
			break;
	if (user) {
		refcount_inc(&user->refs);
	} else if (fresh) {
		user = fresh;
		fresh = NULL;
		refcount_set(&user->refs, 1);
		user->uid = uid;
		hlist_add_head(&user->hash, &users[uid % USER_HASH]);
	}
	spin_unlock_irqrestore(&users_lock, flags);
	kfree(fresh);
	return user;
}

void user_put(struct user_struct *user)
{
	unsigned long flags;
	bool last;

	if (!user || atomic_add_unless(&user->refs.refs, -1, 1))
		return;
	spin_lock_irqsave(&users_lock, flags);
	last = refcount_dec_and_test(&user->refs);
	if (last)
		hlist_del_init(&user->hash);
	spin_unlock_irqrestore(&users_lock, flags);
	if (last)
		kfree(user);
}

static void put_groups(struct group_info *groups)
{
	if (groups && refcount_dec_and_test(&groups->refs))
		kfree(groups);
}

void put_cred(const struct cred *c)
{
	struct cred *cred = (struct cred *)c;

	if (!refcount_dec_and_test(&cred->refs))
		return;
	put_groups(cred->group_info);
	user_put(cred->user);
	kmem_cache_free(cred_cache, cred);
}

const struct cred *get_task_cred(struct task *p)
{
	const struct cred *cred;
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	cred = get_cred(p->cred);
	spin_unlock_irqrestore(&p->lock, flags);
	return cred;
}

struct cred *prepare_creds(void)
{
	struct cred *cred = kmem_cache_alloc(cred_cache, GFP_KERNEL);

	if (!cred)
		return NULL;
	*cred = *current_cred();
	refcount_set(&cred->refs, 1);
	refcount_inc(&cred->user->refs);
	if (cred->group_info)
		refcount_inc(&cred->group_info->refs);
	return cred;
}

void abort_creds(struct cred *cred)
{
	put_cred(cred);
}

void commit_creds(struct cred *cred)
{
	struct task *p = current;
	const struct cred *old = p->cred;
	unsigned long flags;

	if (old->user != cred->user) {
		atomic_inc(&cred->user->processes);
		atomic_dec(&old->user->processes);
	}
	if (old->euid != cred->euid || old->egid != cred->egid || old->fsuid != cred->fsuid ||
	    old->fsgid != cred->fsgid || (cred->cap_permitted & ~old->cap_permitted)) {
		if (task_mm(p))
			mm_set_traits(task_mm(p), MM_HIDDEN, MM_HIDDEN);
		p->pdeath_signal = 0;
	}
	spin_lock_irqsave(&p->lock, flags);
	p->cred = cred;
	spin_unlock_irqrestore(&p->lock, flags);
	put_cred(old);
}

bool cred_capable(const struct cred *cred, int cap)
{
	return cred->cap_effective >> cap & 1;
}

static bool in_groups(const struct group_info *groups, gid_t gid)
{
	int low = 0, high = groups ? groups->ngroups : 0;

	while (low < high) {
		int mid = (low + high) / 2;

		if (groups->gid[mid] == gid)
			return true;
		if (groups->gid[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool in_group_p(gid_t gid)
{
	return current_cred()->fsgid == gid || in_groups(current_cred()->group_info, gid);
}

bool in_egroup_p(gid_t gid)
{
	return current_cred()->egid == gid || in_groups(current_cred()->group_info, gid);
}

#define S_ISUID 04000u
#define S_ISGID 02000u
#define S_IXGRP 00010u

struct cred *exec_creds(uid_t file_uid, gid_t file_gid, unsigned int mode, bool *secure)
{
	struct cred *cred = prepare_creds();
	uid_t old_uid;
	bool root;

	*secure = false;
	if (!cred)
		return NULL;
	old_uid = cred->uid;
	if (!current->no_new_privs) {
		if (mode & S_ISUID)
			cred->euid = file_uid;
		if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			cred->egid = file_gid;
	}
	root = !(cred->securebits & SECBIT_NOROOT) && (cred->euid == 0 || old_uid == 0);
	if (cred->euid != old_uid || cred->egid != cred->gid)
		*secure = true;
	if (*secure)
		cred->cap_ambient = 0;
	cred->suid = cred->fsuid = cred->euid;
	cred->sgid = cred->fsgid = cred->egid;
	if (root) {
		cred->cap_permitted = cred->cap_inheritable | cred->cap_bset;
		cred->cap_effective = cred->euid == 0 ? cred->cap_permitted : 0;
	} else {
		cred->cap_permitted = cred->cap_ambient;
		cred->cap_effective = cred->cap_ambient;
	}
	cred->securebits &= ~SECBIT_KEEP_CAPS;
	return cred;
}

void cred_init(void)
{
	cred_cache = KMEM_CACHE(cred, SLAB_HWCACHE_ALIGN | SLAB_PANIC);
	hlist_add_head(&root_user.hash, &users[0]);
	refcount_inc(&root_user.refs);
	atomic_set(&root_user.processes, 1);
	current->cred = &init_cred;
}
