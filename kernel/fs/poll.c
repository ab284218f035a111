/* SPDX-License-Identifier: MIT */
/* poll.c - poll(2), select(2) and their newer forms: waiting until one of many files is ready. */
#include "fs/poll.h"
#include "base/math.h"
#include "base/string.h"
#include "fs/fdtable.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/page.h"
#include "quire/slab.h"
#include "syscall/syscall.h"

/* ---- the table of wait queues ---- */

struct poll_entry {
	struct waitq_entry wait;
	struct waitq *wq;
	struct poll_wqueues *table;
	struct file *file;		/* kept open while its queue is in the list */
};

#define POLL_INLINE 8
struct poll_page {
	struct poll_page *next;
	unsigned int nr;
	struct poll_entry entries[];
};
#define POLL_PER_PAGE ((4096 - sizeof(struct poll_page)) / sizeof(struct poll_entry))

struct poll_wqueues {
	struct poll_table pt;
	struct task *task;
	struct file *file;		/* whose poll method is being called */
	int triggered;			/* a queue has woken us since the last look */
	int error;
	unsigned int nr_inline;
	struct poll_page *pages;
	struct poll_entry inline_entries[POLL_INLINE];
};

static bool poll_wake(struct waitq_entry *entry, unsigned int states, unsigned long key)
{
	struct poll_wqueues *t = container_of(entry, struct poll_entry, wait)->table;

	if (key && t->pt.key && !(key & t->pt.key))
		return false;
	WRITE_ONCE(t->triggered, 1);
	return try_to_wake_up(t->task, states);
}

static struct poll_entry *new_entry(struct poll_wqueues *t)
{
	struct poll_page *page = t->pages;

	if (t->nr_inline < POLL_INLINE)
		return &t->inline_entries[t->nr_inline++];
	if (!page || page->nr == POLL_PER_PAGE) {
		page = (struct poll_page *)__get_free_pages(GFP_KERNEL, 0);
		if (!page)
			return NULL;
		page->next = t->pages;
		page->nr = 0;
		t->pages = page;
	}
	return &page->entries[page->nr++];
}

static void poll_queue(struct waitq *wq, struct poll_table *pt)
{
	struct poll_wqueues *t = container_of(pt, struct poll_wqueues, pt);
	struct poll_entry *e = new_entry(t);

	if (!e) {
		t->error = -ENOMEM;
		return;
	}
	e->table = t;
	e->wq = wq;
	e->file = get_file(t->file);
	waitq_entry_init_func(&e->wait, poll_wake);
	waitq_add(wq, &e->wait);
}

static void poll_init(struct poll_wqueues *t)
{
	t->pt.queue = poll_queue;
	t->pt.key = 0;
	t->task = current;
	t->triggered = 0;
	t->error = 0;
	t->nr_inline = 0;
	t->pages = NULL;
}

static void free_entries(struct poll_entry *entries, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		waitq_remove(entries[i].wq, &entries[i].wait);
		fput(entries[i].file);
	}
}

static void poll_done(struct poll_wqueues *t)
{
	struct poll_page *page, *next;

	free_entries(t->inline_entries, t->nr_inline);
	for (page = t->pages; page; page = next) {
		next = page->next;
		free_entries(page->entries, page->nr);
		free_page((unsigned long)page);
	}
}

/* Sleeps until a queue has told of something. False at the deadline. */
static bool poll_sleep(struct poll_wqueues *t, u64 deadline)
{
	bool in_time = true;

	set_current_state(TASK_INTERRUPTIBLE);
	if (!READ_ONCE(t->triggered))
		in_time = schedule_until(deadline);
	__set_current_state(TASK_RUNNING);
	/* Before the next look at the files: what comes true from here on triggers again. */
	smp_store_mb(&t->triggered, 0);
	return in_time;
}

/* ---- the common loop ---- */

struct poll_set {
	/* One look at all files; how many are ready, or -errno. */
	int (*look)(struct poll_set *set, struct poll_wqueues *t);
};

static unsigned int poll_file(struct poll_wqueues *t, struct file *file, unsigned int wanted)
{
	t->file = file;
	t->pt.key = wanted | EPOLLERR | EPOLLHUP;
	return vfs_poll(file, &t->pt) & t->pt.key;
}

/* deadline 0: look once. */
static int poll_loop(struct poll_set *set, u64 deadline)
{
	struct poll_wqueues t;
	int ready;

	poll_init(&t);
	if (!deadline)
		t.pt.queue = NULL;
	for (;;) {
		ready = set->look(set, &t);
		t.pt.queue = NULL; /* once is enough */
		t.pt.key = 0;
		if (ready || !deadline)
			break;
		ready = t.error;
		if (ready)
			break;
		if (signal_pending(current)) {
			ready = -EINTR;
			break;
		}
		if (!poll_sleep(&t, deadline))
			deadline = 0;
	}
	poll_done(&t);
	return ready;
}

/* ---- poll ---- */

struct pollfd_set {
	struct poll_set set;
	struct pollfd *fds;
	unsigned int nr;
};

static unsigned int look_pollfd(struct pollfd *p, struct poll_wqueues *t)
{
	unsigned int events;
	struct fd f;

	if (p->fd < 0)
		return 0;
	f = fdget((unsigned int)p->fd);
	if (!fd_file(f))
		return EPOLLNVAL;
	events = poll_file(t, fd_file(f), (u16)p->events);
	fdput(f);
	return events;
}

static int look_pollfds(struct poll_set *set, struct poll_wqueues *t)
{
	struct pollfd_set *s = container_of(set, struct pollfd_set, set);
	int ready = 0;

	for (unsigned int i = 0; i < s->nr; i++) {
		unsigned int events = look_pollfd(&s->fds[i], t);

		s->fds[i].revents = (s16)events;
		if (events) {
			ready++;
			t->pt.queue = NULL; /* there will be no sleep */
		}
	}
	return ready;
}

#define POLL_STACK_FDS 30

long do_poll(struct pollfd *user, unsigned int nr, u64 deadline)
{
	struct pollfd stack[POLL_STACK_FDS], *fds = stack;
	struct pollfd_set s = { .set.look = look_pollfds, .nr = nr };
	long ready;

	if (nr > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (nr > POLL_STACK_FDS)
		fds = kmalloc_array(nr, sizeof(*fds), GFP_KERNEL);
	if (!fds)
		return -ENOMEM;
	s.fds = fds;
	ready = copy_from_user(fds, user, nr * sizeof(*fds)) ? -EFAULT : poll_loop(&s.set, deadline);
	for (unsigned int i = 0; ready >= 0 && i < nr; i++)
		if (put_user(fds[i].revents, &user[i].revents))
			ready = -EFAULT;
	if (fds != stack)
		kfree(fds);
	return ready;
}

static u64 deadline_after(u64 ns)
{
	u64 now = ktime_get_ns();

	return ns > MAX_SCHEDULE_TIMEOUT - now ? MAX_SCHEDULE_TIMEOUT : now + ns;
}

static long restart_poll(struct restart_block *block)
{
	u64 deadline = block->poll.has_timeout ? block->poll.end_ns : MAX_SCHEDULE_TIMEOUT;
	long ready = do_poll(block->poll.ufds, block->poll.nfds, deadline);

	return ready == -EINTR ? -ERESTART_RESTARTBLOCK : ready;
}

SYSCALL_DEFINE3(poll, struct pollfd *, fds, unsigned int, nr, int, timeout_ms)
{
	u64 deadline = timeout_ms < 0 ? MAX_SCHEDULE_TIMEOUT :
		       timeout_ms == 0 ? 0 : deadline_after((u64)timeout_ms * NSEC_PER_MSEC);
	struct restart_block *block = &current->restart_block;
	long ready = do_poll(fds, nr, deadline);

	if (ready != -EINTR)
		return ready;
	block->fn = restart_poll;
	block->poll.ufds = fds;
	block->poll.nfds = nr;
	block->poll.has_timeout = timeout_ms >= 0;
	block->poll.end_ns = deadline;
	return -ERESTART_RESTARTBLOCK;
}

/* NULL: for ever. 0 or -errno. */
static int get_timeout(const struct timespec64 *user, u64 *deadline)
{
	struct timespec64 ts;

	*deadline = MAX_SCHEDULE_TIMEOUT;
	if (!user)
		return 0;
	if (copy_from_user(&ts, user, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if (!ts.tv_sec && !ts.tv_nsec)
		*deadline = 0;
	else if ((u64)ts.tv_sec < MAX_SCHEDULE_TIMEOUT / NSEC_PER_SEC / 2)
		*deadline = deadline_after((u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec);
	return 0;
}

/* Tells the caller how much of the time is left; a bad address is not an error here. */
static void put_time_left(struct timespec64 *user, u64 deadline, u64 unit)
{
	u64 now = ktime_get_ns(), left = deadline > now ? deadline - now : 0;
	struct timespec64 ts;

	if (!user || deadline == MAX_SCHEDULE_TIMEOUT)
		return;
	if (!deadline)
		left = 0;
	ts = (struct timespec64){ (s64)(left / NSEC_PER_SEC), (s64)(left % NSEC_PER_SEC / unit) };
	if (copy_to_user(user, &ts, sizeof(ts)))
		return;
}

static long finish_masked(long ret)
{
	restore_saved_sigmask_unless(ret == -EINTR || ret == -ERESTARTNOHAND);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

SYSCALL_DEFINE5(ppoll, struct pollfd *, fds, unsigned int, nr, struct timespec64 *, timeout, const u64 *, mask,
		size_t, mask_size)
{
	u64 deadline;
	long ret = get_timeout(timeout, &deadline);

	if (!ret && mask)
		ret = set_user_sigmask(mask, mask_size);
	if (ret)
		return ret;
	ret = finish_masked(do_poll(fds, nr, deadline));
	put_time_left(timeout, deadline, 1);
	return ret;
}

/* ---- select ---- */

#define FD_WORD_BITS 64u
enum { SET_IN, SET_OUT, SET_EX, NR_SETS };

static const unsigned int set_events[NR_SETS] = {
	EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR, EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR, EPOLLPRI,
};

struct select_set {
	struct poll_set set;
	unsigned int nr, words;
	unsigned long *asked[NR_SETS], *ready[NR_SETS];
};

static int look_select_fd(struct select_set *s, struct poll_wqueues *t, unsigned int fd)
{
	unsigned int wanted = 0, events;
	int ready = 0;
	struct fd f;

	for (int i = 0; i < NR_SETS; i++)
		if (test_bit(fd, s->asked[i]))
			wanted |= set_events[i];
	if (!wanted)
		return 0;
	f = fdget(fd);
	if (!fd_file(f))
		return -EBADF;
	events = poll_file(t, fd_file(f), wanted);
	fdput(f);
	for (int i = 0; i < NR_SETS; i++)
		if (test_bit(fd, s->asked[i]) && (events & set_events[i])) {
			__set_bit(fd, s->ready[i]);
			ready++;
		}
	return ready;
}

static int look_select(struct poll_set *set, struct poll_wqueues *t)
{
	struct select_set *s = container_of(set, struct select_set, set);
	int total = 0;

	for (unsigned int fd = 0; fd < s->nr; fd++) {
		int ready = look_select_fd(s, t, fd);

		if (ready < 0)
			return ready;
		total += ready;
	}
	return total;
}

static long do_select(int nr, unsigned long *user[NR_SETS], u64 deadline)
{
	unsigned long stack[NR_SETS * 2 * 4], *bits = stack;
	struct select_set s = { .set.look = look_select };
	unsigned int words;
	long ret = 0;

	if (nr < 0)
		return -EINVAL;
	s.nr = min((unsigned int)nr, current->files->fdt->max_fds);
	words = (s.nr + FD_WORD_BITS - 1) / FD_WORD_BITS;
	if (words > 4)
		bits = kmalloc_array(words * NR_SETS * 2, sizeof(long), GFP_KERNEL);
	if (!bits)
		return -ENOMEM;
	memset(bits, 0, words * NR_SETS * 2 * sizeof(long));
	for (int i = 0; i < NR_SETS; i++) {
		s.asked[i] = bits + (unsigned int)i * words;
		s.ready[i] = bits + (unsigned int)(NR_SETS + i) * words;
		if (user[i] && copy_from_user(s.asked[i], user[i], words * sizeof(long)))
			ret = -EFAULT;
	}
	if (!ret)
		ret = poll_loop(&s.set, deadline);
	for (int i = 0; ret >= 0 && i < NR_SETS; i++)
		if (user[i] && copy_to_user(user[i], s.ready[i], words * sizeof(long)))
			ret = -EFAULT;
	if (bits != stack)
		kfree(bits);
	return ret;
}

/* struct timeval to nanoseconds; seconds and microseconds may both be large. */
static int get_timeval(const struct timespec64 *user, u64 *deadline)
{
	struct timespec64 tv;

	*deadline = MAX_SCHEDULE_TIMEOUT;
	if (!user)
		return 0;
	if (copy_from_user(&tv, user, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_sec < 0 || tv.tv_nsec < 0)
		return -EINVAL;
	if (!tv.tv_sec && !tv.tv_nsec)
		*deadline = 0;
	else if ((u64)tv.tv_sec < MAX_SCHEDULE_TIMEOUT / NSEC_PER_SEC / 2)
		*deadline = deadline_after((u64)tv.tv_sec * NSEC_PER_SEC + (u64)tv.tv_nsec * 1000);
	return 0;
}

SYSCALL_DEFINE5(select, int, nr, unsigned long *, in, unsigned long *, out, unsigned long *, ex, struct timespec64 *, tv)
{
	unsigned long *sets[NR_SETS] = { in, out, ex };
	u64 deadline;
	long ret = get_timeval(tv, &deadline);

	if (ret)
		return ret;
	ret = do_select(nr, sets, deadline);
	put_time_left(tv, deadline, 1000);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

SYSCALL_DEFINE6(pselect6, int, nr, unsigned long *, in, unsigned long *, out, unsigned long *, ex,
		struct timespec64 *, timeout, const unsigned long *, mask_arg)
{
	unsigned long *sets[NR_SETS] = { in, out, ex };
	unsigned long mask[2] = { 0, 0 };
	u64 deadline;
	long ret = get_timeout(timeout, &deadline);

	if (!ret && mask_arg && copy_from_user(mask, mask_arg, sizeof(mask)))
		ret = -EFAULT;
	if (!ret && mask[0])
		ret = set_user_sigmask((const u64 *)mask[0], mask[1]);
	if (ret)
		return ret;
	ret = finish_masked(do_select(nr, sets, deadline));
	put_time_left(timeout, deadline, 1);
	return ret;
}
