/* SPDX-License-Identifier: MIT */
/*
 * cred.h - who a task acts as: user and group ids, capabilities.
 *
 * [C1] A struct cred that a task points to never changes: a change makes a copy and swaps it in.
 * Lock: none to read one's own; task->lock to read another's. Sleeps: prepare_creds.
 */
#ifndef KERNEL_PROC_CRED_H
#define KERNEL_PROC_CRED_H

#include "base/refcount.h"
#include "quire/types.h"
#include "sched/task.h"

typedef u32 uid_t;
typedef u32 gid_t;

enum capability {
	CAP_CHOWN = 0, CAP_DAC_OVERRIDE = 1, CAP_DAC_READ_SEARCH = 2, CAP_FOWNER = 3,
	CAP_FSETID = 4,
	CAP_KILL = 5, CAP_SETGID = 6, CAP_SETUID = 7, CAP_SETPCAP = 8, CAP_LINUX_IMMUTABLE = 9,
	CAP_IPC_LOCK = 14, CAP_IPC_OWNER = 15, CAP_SYS_MODULE = 16, CAP_SYS_RAWIO = 17,
	CAP_SYS_CHROOT = 18,
	CAP_SYS_PTRACE = 19, CAP_SYS_PACCT = 20, CAP_SYS_ADMIN = 21, CAP_SYS_BOOT = 22,
	CAP_SYS_NICE = 23,
	CAP_SYS_RESOURCE = 24, CAP_SYS_TIME = 25, CAP_SYS_TTY_CONFIG = 26, CAP_MKNOD = 27,
	CAP_LEASE = 28,
	CAP_SETFCAP = 31, CAP_SYSLOG = 34, CAP_CHECKPOINT_RESTORE = 40,
	CAP_LAST_CAP = 40,
};
#define CAP_FULL_SET ((1ULL << (CAP_LAST_CAP + 1)) - 1)

#define NGROUPS_MAX 65536
struct group_info {
	refcount_t refs;
	int ngroups;
	gid_t gid[];	/* rising */
};

/* What one user has in use, for RLIMIT_NPROC, RLIMIT_SIGPENDING and RLIMIT_MEMLOCK. */
struct user_struct {
	refcount_t refs;
	uid_t uid;
	atomic_t processes;
	atomic_t sigpending;
	atomic_long_t locked_shm;	/* pages of System V segments that it has locked */
	struct hlist_node hash;
};

struct cred {
	refcount_t refs;
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	unsigned int securebits;
	struct user_struct *user;	/* of uid */
	struct group_info *group_info;	/* NULL: none */
};

#define current_cred() (current->cred)
#define current_uid() (current_cred()->uid)
#define current_euid() (current_cred()->euid)
#define current_gid() (current_cred()->gid)
#define current_egid() (current_cred()->egid)
#define current_fsuid() (current_cred()->fsuid)
#define current_fsgid() (current_cred()->fsgid)

static inline const struct cred *get_cred(const struct cred *cred)
{
	refcount_inc((refcount_t *)&cred->refs);
	return cred;
}
void put_cred(const struct cred *cred);
/* Another task's, with a reference. */
const struct cred *get_task_cred(struct task *p);

/* A copy of the current task's to be changed, then committed or aborted. NULL: no memory. */
struct cred *prepare_creds(void);
void commit_creds(struct cred *cred);
void abort_creds(struct cred *cred);

bool cred_capable(const struct cred *cred, int cap);
static inline bool capable(int cap)
{
	return cred_capable(current_cred(), cap);
}
/* One of the current task's groups (fsgid for files, egid for processes, and the supplementary
 * ones). */
bool in_group_p(gid_t gid);
bool in_egroup_p(gid_t gid);

struct user_struct *user_get(uid_t uid);
void user_put(struct user_struct *user);

/* exec of a file with set-user-id bits: fills in what changes. 0 or -ENOMEM; *secure: AT_SECURE. */
struct cred *exec_creds(uid_t file_uid, gid_t file_gid, unsigned int mode, bool *secure);

void cred_init(void);

#endif
