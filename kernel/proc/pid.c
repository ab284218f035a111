/* SPDX-License-Identifier: MIT */
/* pid.c - giving out process numbers, and finding tasks by them. */
#include "proc/pid.h"

#include "base/bitmap.h"
#include "base/string.h"
#include "lib/printk.h"
#include "proc/signal.h"
#include "quire/slab.h"
#include "quire/stats.h"

#define PID_HASH_BITS 9
/* Numbers below this are not given out again, so that the first daemons keep a range to
 * themselves. */
#define RESERVED_PIDS 300

DEFINE_SPINLOCK(tasklist_lock, LOCK_HOST_SPIN);
struct task *init_task_ptr;
unsigned int threads_max;
int pid_max = PID_MAX_DEFAULT;
pid_t last_pid;

static struct hlist_head pid_hash[1 << PID_HASH_BITS];
static DECLARE_BITMAP(pid_map, PID_MAX_DEFAULT);
static struct kmem_cache *pid_cache;
static unsigned int nr_process, nr_thread;

static struct hlist_head *bucket(int nr)
{
	return &pid_hash[(unsigned int)nr & ((1u << PID_HASH_BITS) - 1)];
}

/* tasklist_lock held. The next free number after the last one, or -1. */
static int next_free(void)
{
	unsigned int first = (unsigned int)last_pid + 1, nr, pass;

	for (pass = 0; pass < 2; pass++) {
		if (first >= (unsigned int)pid_max)
			first = RESERVED_PIDS;
		for (nr = first; nr < (unsigned int)pid_max; nr++)
			if (!test_bit(nr, pid_map))
				return (int)nr;
		first = RESERVED_PIDS;
	}
	return -1;
}

struct pid *alloc_pid(void)
{
	struct pid *pid = kmem_cache_alloc(pid_cache, GFP_KERNEL);
	unsigned long flags;
	int i, nr;

	if (!pid)
		return ERR_PTR(-ENOMEM);
	refcount_set(&pid->refs, 1);
	for (i = 0; i < PIDTYPE_MAX; i++)
		INIT_HLIST_HEAD(&pid->tasks[i]);
	waitq_init(&pid->wait_pidfd);
	spin_lock_irqsave(&tasklist_lock, flags);
	nr = next_free();
	if (nr > 0) {
		__set_bit((unsigned int)nr, pid_map);
		last_pid = nr;
		pid->nr = nr;
		hlist_add_head(&pid->hash, bucket(nr));
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	if (nr > 0)
		return pid;
	kmem_cache_free(pid_cache, pid);
	return ERR_PTR(-EAGAIN);
}

/* tasklist_lock held: the number is free once nobody goes by it. */
static void unhash_unused(struct pid *pid)
{
	int i;

	for (i = 0; i < PIDTYPE_MAX; i++)
		if (!hlist_empty(&pid->tasks[i]))
			return;
	if (hlist_unhashed(&pid->hash))
		return;
	hlist_del_init(&pid->hash);
	__clear_bit((unsigned int)pid->nr, pid_map);
}

void put_pid(struct pid *pid)
{
	unsigned long flags;

	if (!pid || !refcount_dec_and_test(&pid->refs))
		return;
	if (!hlist_unhashed(&pid->hash)) {	/* a fork that failed */
		spin_lock_irqsave(&tasklist_lock, flags);
		unhash_unused(pid);
		spin_unlock_irqrestore(&tasklist_lock, flags);
	}
	kmem_cache_free(pid_cache, pid);
}

struct pid *find_pid_locked(pid_t nr)
{
	struct pid *pid;

	hlist_for_each_entry(pid, bucket(nr), hash)
		if (pid->nr == nr)
			return pid;
	return NULL;
}

struct task *pid_task_locked(struct pid *pid, enum pid_type type)
{
	if (!pid || hlist_empty(&pid->tasks[type]))
		return NULL;
	return hlist_entry(pid->tasks[type].first, struct task, pid_links[type]);
}

struct pid *find_get_pid(pid_t nr)
{
	unsigned long flags;
	struct pid *pid;

	spin_lock_irqsave(&tasklist_lock, flags);
	pid = find_pid_locked(nr);
	/* A fork under way has hashed it, but nothing goes by it yet. */
	if (pid && !refcount_inc_not_zero(&pid->refs))
		pid = NULL;
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return pid;
}

static struct task *find_get(pid_t nr, enum pid_type type)
{
	unsigned long flags;
	struct task *p;

	spin_lock_irqsave(&tasklist_lock, flags);
	p = pid_task_locked(find_pid_locked(nr), type);
	if (p)
		get_task(p);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return p;
}

struct task *find_get_task(pid_t nr)
{
	return find_get(nr, PIDTYPE_PID);
}

struct task *find_get_process(pid_t nr)
{
	return find_get(nr, PIDTYPE_TGID);
}

struct task *next_process(pid_t nr)
{
	struct task *p = NULL;
	unsigned long flags;

	spin_lock_irqsave(&tasklist_lock, flags);
	if (nr < 1)
		nr = 1;
	for (; nr < pid_max && !p; nr++) {
		if (!test_bit((unsigned int)nr, pid_map))
			continue;
		p = pid_task_locked(find_pid_locked(nr), PIDTYPE_TGID);
	}
	if (p)
		get_task(p);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return p;
}

struct task *next_thread(struct task *leader, pid_t tid)
{
	struct task *p, *best = NULL;
	unsigned long flags;

	spin_lock_irqsave(&tasklist_lock, flags);
	for_each_thread(leader->signal, p)
		if (p->pid >= tid && (!best || p->pid < best->pid))
			best = p;
	if (best)
		get_task(best);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return best;
}

static struct pid **pid_slot(struct task *p, enum pid_type type)
{
	return type == PIDTYPE_PID ? &p->thread_pid : &p->signal->pids[type];
}

void attach_pid(struct task *p, enum pid_type type, struct pid *pid)
{
	*pid_slot(p, type) = get_pid(pid);
	hlist_add_head(&p->pid_links[type], &pid->tasks[type]);
	if (type == PIDTYPE_PID)
		nr_thread++;
	if (type == PIDTYPE_TGID)
		nr_process++;
}

/* The reference goes too: whoever reads the slot holds tasklist_lock. */
void detach_pid(struct task *p, enum pid_type type)
{
	struct pid **slot = pid_slot(p, type), *pid = *slot;

	if (!pid)
		return;
	hlist_del_init(&p->pid_links[type]);
	*slot = NULL;
	if (type == PIDTYPE_PID)
		nr_thread--;
	if (type == PIDTYPE_TGID)
		nr_process--;
	unhash_unused(pid);
	put_pid(pid);
}

struct pid *task_pgrp(const struct task *p)
{
	return p->signal->pids[PIDTYPE_PGID];
}

struct pid *task_session(const struct task *p)
{
	return p->signal->pids[PIDTYPE_SID];
}

static pid_t locked_nr(struct task *p, enum pid_type type)
{
	unsigned long flags;
	pid_t nr;

	spin_lock_irqsave(&tasklist_lock, flags);
	nr = pid_nr(p->signal->pids[type]);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return nr;
}

pid_t task_pgrp_nr(struct task *p)
{
	return locked_nr(p, PIDTYPE_PGID);
}

pid_t task_session_nr(struct task *p)
{
	return locked_nr(p, PIDTYPE_SID);
}

pid_t task_ppid_nr(struct task *p)
{
	unsigned long flags;
	pid_t nr;

	spin_lock_irqsave(&tasklist_lock, flags);
	nr = p->real_parent ? p->real_parent->tgid : 0;
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return nr;
}

unsigned int nr_threads_now(void)
{
	return READ_ONCE(nr_thread);
}

unsigned int nr_processes(void)
{
	return READ_ONCE(nr_process);
}

/* Of memory, tasks may take an eighth: stack, task and tables come to about eight pages each. */
#define PAGES_PER_THREAD 64

void pid_init(void)
{
	struct quire_sysinfo info;

	pid_cache = KMEM_CACHE(pid, SLAB_HWCACHE_ALIGN | SLAB_PANIC);
	quire_sysinfo(&info);
	threads_max = (unsigned int)(info.totalram / PAGES_PER_THREAD);
	if (threads_max < 20)
		threads_max = 20;
	__set_bit(0, pid_map);
}
