/* SPDX-License-Identifier: MIT */
/* signal_queue.c - signals that wait: put away with their siginfo, thrown away, taken. */
#include "proc/cred.h"
#include "proc/sigqueue.h"
#include "quire/slab.h"

/* Caused by the current instruction: delivered before all others. */
#define SIG_SYNCHRONOUS (sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGILL) | sigmask(SIGTRAP) | \
			 sigmask(SIGFPE) | sigmask(SIGSYS))

static struct kmem_cache *sigqueue_cache;

void signal_init(void)
{
	sigqueue_cache = KMEM_CACHE(sigqueue, SLAB_PANIC);
}

struct sigqueue *sigqueue_alloc(struct task *t, bool must)
{
	struct user_struct *user = t->cred->user;
	struct sigqueue *q;

	if ((u64)atomic_inc_return(&user->sigpending) >
		    t->signal->rlim[RLIMIT_SIGPENDING].rlim_cur &&
	    !must) {
		atomic_dec(&user->sigpending);
		return NULL;
	}
	q = kmem_cache_alloc(sigqueue_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!q) {
		atomic_dec(&user->sigpending);
		return NULL;
	}
	INIT_LIST_HEAD(&q->list);
	refcount_inc(&user->refs);
	q->user = user;
	q->preallocated = false;
	return q;
}

void sigqueue_free(struct sigqueue *q)
{
	atomic_dec(&q->user->sigpending);
	user_put(q->user);
	kmem_cache_free(sigqueue_cache, q);
}

void flush_sigqueue(struct sigpending *pending)
{
	struct sigqueue *q;

	pending->signal = 0;
	while (!list_empty(&pending->list)) {
		q = list_first_entry(&pending->list, struct sigqueue, list);
		list_del_init(&q->list);
		if (!q->preallocated)
			sigqueue_free(q);
	}
}

void flush_signal_mask(struct sigpending *pending, u64 mask)
{
	struct sigqueue *q, *next;

	if (!(pending->signal & mask))
		return;
	pending->signal &= ~mask;
	list_for_each_entry_safe(q, next, &pending->list, list) {
		if (!(sigmask(q->info.si_signo) & mask))
			continue;
		list_del_init(&q->list);
		if (!q->preallocated)
			sigqueue_free(q);
	}
}

void flush_pending_signal(struct sigpending *pending, int sig)
{
	flush_signal_mask(pending, sigmask(sig));
}

/* ---- taking ---- */

static int next_signal(u64 pending)
{
	if (!pending)
		return 0;
	if (pending & SIG_SYNCHRONOUS)
		pending &= SIG_SYNCHRONOUS;
	return __builtin_ctzll(pending) + 1;
}

static void collect(int sig, struct sigpending *pending, struct kernel_siginfo *info)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;

	list_for_each_entry(q, &pending->list, list) {
		if (q->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = q;
	}
	if (!more)
		pending->signal &= ~sigmask(sig);
	if (!first) {
		*info = (struct kernel_siginfo){ .si_signo = sig, .si_code = SI_USER };
		return;
	}
	*info = first->info;
	list_del_init(&first->list);
	if (!first->preallocated)
		sigqueue_free(first);
}

int dequeue_signal(u64 mask, struct kernel_siginfo *info)
{
	struct sigpending *pending = &current->pending;
	int sig = next_signal(pending->signal & ~mask);

	if (!sig) {
		pending = &current->signal->shared_pending;
		sig = next_signal(pending->signal & ~mask);
	}
	if (sig) {
		collect(sig, pending, info);
		if (info->si_code == SI_TIMER)
			posix_timer_delivered(info);
	}
	recalc_sigpending();
	return sig;
}

void recalc_sigpending(void)
{
	struct task *t = current;

	if (((t->pending.signal | t->signal->shared_pending.signal) & ~t->blocked) || t->jobctl ||
	    t->signal->flags & (SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED))
		set_thread_flag(&t->thread, TIF_SIGPENDING);
	else
		clear_thread_flag(&t->thread, TIF_SIGPENDING);
}

void task_signal_sets(struct task *p, u64 *pending, u64 *shared, u64 *blocked, u64 *ignored,
		      u64 *caught)
{
	unsigned long flags, handler;
	struct sighand *sighand = lock_task_sighand(p, &flags);
	int i;

	*pending = *shared = *blocked = *ignored = *caught = 0;
	if (!sighand)
		return;
	*pending = p->pending.signal;
	*shared = p->signal->shared_pending.signal;
	*blocked = p->blocked;
	for (i = 1; i <= NSIG; i++) {
		handler = sighand->action[i - 1].handler;
		if (handler == SIG_IGN)
			*ignored |= sigmask(i);
		else if (handler != SIG_DFL)
			*caught |= sigmask(i);
	}
	unlock_task_sighand(sighand, flags);
}

void flush_signal_handlers(struct sighand *sighand, bool force_default)
{
	int i;

	for (i = 0; i < NSIG; i++) {
		struct k_sigaction *ka = &sighand->action[i];

		if (force_default || ka->handler != SIG_IGN)
			ka->handler = SIG_DFL;
		ka->flags = 0;
		ka->restorer = 0;
		ka->mask = 0;
	}
}
