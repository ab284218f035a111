/* SPDX-License-Identifier: MIT */
/* futex.c - wait, wake, requeue, and what happens to the locks of a task that dies. */
#include "proc/futex.h"

#include "base/string.h"
#include "proc/signal.h"
#include "proc/timespec.h"
#include "quire/mm.h"
#include "quire/uaccess.h"
#include "sched/wait.h"
#include "sync/ctx.h"
#include "syscall/syscall.h"

enum futex_op {
	FUTEX_WAIT, FUTEX_WAKE, FUTEX_FD, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP,
	FUTEX_LOCK_PI,
	FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET,
};
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_CMD_MASK ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)
#define BITSET_ALL 0xffffffffu

#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu
/* A longer list is a broken one. */
#define ROBUST_LIST_LIMIT 2048

#define HASH_BITS 7

struct bucket {
	spinlock_t lock;
	struct list_head waiters;
};

struct waiter {
	struct list_head link;		/* bucket's lock */
	struct bucket *bucket;		/* where it is queued; changes under both locks */
	struct futex_key key;
	struct task *task;
	u32 bitset;
	bool woken;
};

static struct bucket buckets[1 << HASH_BITS];

static struct bucket *bucket_of(const struct futex_key *key)
{
	u64 h = (key->object ^ key->offset * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	return &buckets[h >> (64 - HASH_BITS)];
}

void futex_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(buckets); i++) {
		spin_lock_init(&buckets[i].lock, LOCK_HOST_SPIN2);
		INIT_LIST_HEAD(&buckets[i].waiters);
	}
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset && a->shared == b->shared;
}

static int get_key(u32 *uaddr, unsigned int flags, struct futex_key *key)
{
	if ((unsigned long)uaddr % sizeof(u32))
		return -EINVAL;
	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	return futex_get_key(task_mm(current), (vaddr_t)uaddr, !(flags & FUTEX_PRIVATE_FLAG), key);
}

/*
 * The waiter lives on the stack of its task, which passes through the bucket's lock before it returns:
 * so the waiter is there as long as the lock is held.
 */
static void wake_waiter(struct waiter *w)
{
	list_del_init(&w->link);
	WRITE_ONCE(w->woken, true);
	try_to_wake_up(w->task, TASK_NORMAL);
}

static int wake_key(const struct futex_key *key, int nr, u32 bitset)
{
	struct bucket *b = bucket_of(key);
	struct waiter *w, *next;
	int woken = 0;

	smp_mb();
	if (list_empty(&b->waiters))
		return 0;
	spin_lock_irq(&b->lock);
	list_for_each_entry_safe(w, next, &b->waiters, link) {
		if (!same_key(&w->key, key) || !(w->bitset & bitset))
			continue;
		wake_waiter(w);
		if (++woken >= nr)
			break;
	}
	spin_unlock_irq(&b->lock);
	return woken;
}

static int do_wake(u32 *uaddr, unsigned int flags, int nr, u32 bitset)
{
	struct futex_key key;
	int error;

	if (!bitset)
		return -EINVAL;
	error = get_key(uaddr, flags, &key);
	return error ? error : wake_key(&key, nr, bitset);
}

int futex_wake_user(u32 *uaddr, int nr)
{
	return do_wake(uaddr, 0, nr, BITSET_ALL);
}

/* Takes the waiter off its queue. True when nobody had woken it. */
static bool unqueue(struct waiter *w)
{
	struct bucket *b;
	bool queued;

	for (;;) {
		b = READ_ONCE(w->bucket);
		spin_lock_irq(&b->lock);
		if (b == w->bucket)
			break;
		spin_unlock_irq(&b->lock);	/* it was requeued meanwhile */
	}
	queued = !w->woken;
	if (queued)
		list_del_init(&w->link);
	spin_unlock_irq(&b->lock);
	return queued;
}

/* Queues the waiter, then looks whether the word still has the value [X1]. 0, -EWOULDBLOCK,
 * -EFAULT. */
static int wait_setup(struct waiter *w, u32 *uaddr, unsigned int flags, u32 val)
{
	struct bucket *b;
	u32 now = 0;
	int error;

	for (;;) {
		error = get_key(uaddr, flags, &w->key);
		if (error)
			return error;
		w->bucket = b = bucket_of(&w->key);
		spin_lock_irq(&b->lock);
		list_add_tail(&w->link, &b->waiters);
		/* A barrier too: pairs with the one in wake_key(). */
		set_current_state(TASK_INTERRUPTIBLE);
		error = get_user_nofault(&now, uaddr);
		if (!error && now == val)
			break;
		list_del_init(&w->link);
		__set_current_state(TASK_RUNNING);
		spin_unlock_irq(&b->lock);
		if (!error)
			return -EWOULDBLOCK;
		if (get_user(now, uaddr))
			return -EFAULT;
	}
	spin_unlock_irq(&b->lock);
	return 0;
}

static int wait_once(u32 *uaddr, unsigned int flags, u32 val, u64 deadline, u32 bitset)
{
	struct waiter w = { .task = current, .bitset = bitset };
	bool in_time = true;
	int error = wait_setup(&w, uaddr, flags, val);

	if (error)
		return error;
	while (!READ_ONCE(w.woken) && in_time && !signal_pending(current)) {
		in_time = schedule_until(deadline);
		if (!READ_ONCE(w.woken) && in_time && !signal_pending(current))
			set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	if (!unqueue(&w))
		return 0;
	return signal_pending(current) ? -ERESTARTSYS : in_time ? 0 : -ETIMEDOUT;
}

static long futex_restart(struct restart_block *block);

static long do_wait(u32 *uaddr, unsigned int flags, u32 val, u64 deadline, u32 bitset)
{
	struct restart_block *restart = &current->restart_block;
	long result;

	if (!bitset)
		return -EINVAL;
	result = wait_once(uaddr, flags, val, deadline, bitset);
	if (result != -ERESTARTSYS || deadline == MAX_SCHEDULE_TIMEOUT)
		return result;
	/* The deadline stands, so the call is not simply made again with its relative time. */
	restart->fn = futex_restart;
	restart->futex.uaddr = uaddr;
	restart->futex.val = val;
	restart->futex.flags = flags;
	restart->futex.bitset = bitset;
	restart->futex.time = deadline;
	return -ERESTART_RESTARTBLOCK;
}

static long futex_restart(struct restart_block *block)
{
	return do_wait(block->futex.uaddr, block->futex.flags, block->futex.val, block->futex.time,
		       block->futex.bitset);
}

/* Two buckets in the order of their addresses; one when they are the same. */
static void lock_two(struct bucket *a, struct bucket *b)
{
	if (a > b) {
		struct bucket *t = a;

		a = b;
		b = t;
	}
	spin_lock_irq(&a->lock);
	if (a != b)
		spin_lock_nested(&b->lock);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	if (a != b)
		spin_unlock(&b->lock);
	spin_unlock_irq(&a->lock);
}

struct requeue {
	struct futex_key from, to;
	struct bucket *from_bucket, *to_bucket;
	int nr_wake, nr_requeue;
};

static int requeue_locked(struct requeue *rq)
{
	struct waiter *w, *next;
	int done = 0;

	list_for_each_entry_safe(w, next, &rq->from_bucket->waiters, link) {
		if (!same_key(&w->key, &rq->from))
			continue;
		if (done < rq->nr_wake) {
			wake_waiter(w);
		} else if (done - rq->nr_wake < rq->nr_requeue) {
			list_move_tail(&w->link, &rq->to_bucket->waiters);
			w->key = rq->to;
			WRITE_ONCE(w->bucket, rq->to_bucket);
		} else {
			break;
		}
		done++;
	}
	return done;
}

static long do_requeue(u32 *uaddr, u32 *uaddr2, unsigned int flags, int nr_wake, int nr_requeue,
		       const u32 *expected)
{
	struct requeue rq = { .nr_wake = nr_wake, .nr_requeue = nr_requeue };
	u32 now = 0;
	int result;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
again:
	result = get_key(uaddr, flags, &rq.from);
	if (!result)
		result = get_key(uaddr2, flags, &rq.to);
	if (result)
		return result;
	rq.from_bucket = bucket_of(&rq.from);
	rq.to_bucket = bucket_of(&rq.to);
	lock_two(rq.from_bucket, rq.to_bucket);
	if (expected && get_user_nofault(&now, uaddr)) {
		unlock_two(rq.from_bucket, rq.to_bucket);
		if (get_user(now, uaddr))
			return -EFAULT;
		goto again;
	}
	result = expected && now != *expected ? -EAGAIN : requeue_locked(&rq);
	unlock_two(rq.from_bucket, rq.to_bucket);
	return result;
}

static int wake_locked(struct bucket *b, const struct futex_key *key, int nr)
{
	struct waiter *w, *next;
	int woken = 0;

	list_for_each_entry_safe(w, next, &b->waiters, link) {
		if (woken >= nr)
			break;
		if (same_key(&w->key, key)) {
			wake_waiter(w);
			woken++;
		}
	}
	return woken;
}

/* FUTEX_WAKE_OP's comparison of the old value. -ENOSYS: no such comparison. */
static int compare(unsigned int cmp, u32 old, int arg)
{
	switch (cmp) {
	case 0:
		return (int)old == arg;
	case 1:
		return (int)old != arg;
	case 2:
		return (int)old < arg;
	case 3:
		return (int)old <= arg;
	case 4:
		return (int)old > arg;
	case 5:
		return (int)old >= arg;
	}
	return -ENOSYS;
}

static int sign_extend12(u32 x)
{
	return (int)(x << 20) >> 20;
}

static long do_wake_op(u32 *uaddr, u32 *uaddr2, unsigned int flags, int nr, int nr2, u32 code)
{
	unsigned int op = code >> 28 & 7, cmp = code >> 24 & 15;
	int oparg = sign_extend12(code >> 12 & 0xfff), cmparg = sign_extend12(code & 0xfff), result,
	    holds;
	struct futex_key key, key2;
	struct bucket *b, *b2;
	u32 old = 0;

	if (op > 4 || cmp > 5)
		return -ENOSYS;
	if (code >> 31)
		oparg = 1 << (oparg & 31);
again:
	result = get_key(uaddr, flags, &key);
	if (!result)
		result = get_key(uaddr2, flags, &key2);
	if (result)
		return result;
	b = bucket_of(&key);
	b2 = bucket_of(&key2);
	lock_two(b, b2);
	if (futex_atomic_op_user((int)op, uaddr2, (u32)oparg, &old)) {
		unlock_two(b, b2);
		if (fault_in_writeable(uaddr2))
			return -EFAULT;
		goto again;
	}
	holds = compare(cmp, old, cmparg);
	result = wake_locked(b, &key, nr);
	if (holds > 0)
		result += wake_locked(b2, &key2, nr2);
	unlock_two(b, b2);
	return result;
}

/* Absolute deadline on ktime_get_ns()'s clock. 0, -EFAULT, -EINVAL. */
static int read_timeout(int cmd, int op, const struct timespec64 *utime, u64 *deadline)
{
	struct timespec64 ts;
	u64 ns;

	*deadline = MAX_SCHEDULE_TIMEOUT;
	if (!utime || (cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET))
		return 0;
	if (copy_from_user(&ts, utime, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	ns = timespec_to_ns(&ts);
	if (cmd == FUTEX_WAIT)
		*deadline = deadline_after(ns);
	else
		*deadline = op & FUTEX_CLOCK_REALTIME ? deadline_of_real(ns) : ns;
	return 0;
}

SYSCALL_DEFINE6(futex, u32 *, uaddr, int, op, u32, val, const struct timespec64 *, utime, u32 *,
		uaddr2, u32, val3)
{
	int cmd = op & FUTEX_CMD_MASK, nr2 = (int)(unsigned long)utime;
	unsigned int flags = (unsigned int)op & FUTEX_PRIVATE_FLAG;
	u64 deadline;
	int error;

	if (op & FUTEX_CLOCK_REALTIME && cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	error = read_timeout(cmd, op, utime, &deadline);
	if (error)
		return error;
	switch (cmd) {
	case FUTEX_WAIT:
		val3 = BITSET_ALL;
		fallthrough;
	case FUTEX_WAIT_BITSET:
		return do_wait(uaddr, flags, val, deadline, val3);
	case FUTEX_WAKE:
		val3 = BITSET_ALL;
		fallthrough;
	case FUTEX_WAKE_BITSET:
		return do_wake(uaddr, flags, (int)val, val3);
	case FUTEX_REQUEUE:
		return do_requeue(uaddr, uaddr2, flags, (int)val, nr2, NULL);
	case FUTEX_CMP_REQUEUE:
		return do_requeue(uaddr, uaddr2, flags, (int)val, nr2, &val3);
	case FUTEX_WAKE_OP:
		return do_wake_op(uaddr, uaddr2, flags, (int)val, nr2, val3);
	}
	return -ENOSYS;
}

/* ---- robust lists ---- */

/* The owner is gone: the next one to lock learns it. */
static void orphan(u32 *uaddr)
{
	u32 now, old = 0, tid = (u32)current->pid;

	if ((unsigned long)uaddr % sizeof(u32) || get_user(now, uaddr))
		return;
	while ((now & FUTEX_TID_MASK) == tid) {
		if (futex_cmpxchg_user(&old, uaddr, now,
				       (now & FUTEX_WAITERS) | FUTEX_OWNER_DIED)) {
			if (fault_in_writeable(uaddr))
				return;
			continue;
		}
		if (old == now) {
			if (now & FUTEX_WAITERS)
				futex_wake_user(uaddr, 1);
			return;
		}
		now = old;
	}
}

static u32 *futex_of(struct robust_list *entry, long offset)
{
	return (u32 *)(((unsigned long)entry & ~1ul) + (unsigned long)offset);
}

void futex_exit(struct task *p)
{
	struct robust_list_head *uhead = p->robust_list, head;
	struct robust_list *entry, *next;
	int limit = ROBUST_LIST_LIMIT;

	p->robust_list = NULL;
	if (!uhead || copy_from_user(&head, uhead, sizeof(head)))
		return;
	for (entry = head.list.next; entry != &uhead->list && limit--; entry = next) {
		if (get_user(next, &((struct robust_list *)((unsigned long)entry & ~1ul))->next))
			return;
		if (entry != head.list_op_pending)
			orphan(futex_of(entry, head.futex_offset));
		cond_resched();
	}
	if (head.list_op_pending)
		orphan(futex_of(head.list_op_pending, head.futex_offset));
}

SYSCALL_DEFINE2(set_robust_list, struct robust_list_head *, head, size_t, len)
{
	if (len != sizeof(*head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

SYSCALL_DEFINE3(get_robust_list, pid_t, pid, struct robust_list_head **, uhead, size_t *, ulen)
{
	struct task *p = pid ? find_get_task(pid) : get_task(current);
	struct robust_list_head *head;

	if (!p)
		return -ESRCH;
	head = p->robust_list;
	put_task(p);
	if (put_user(sizeof(*head), ulen) || put_user(head, uhead))
		return -EFAULT;
	return 0;
}
