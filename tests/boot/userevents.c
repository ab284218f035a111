/* SPDX-License-Identifier: MIT */
/* userevents.c - a monitor is told of forks, moves, lost contents and unmapping, before whoever does it goes on. */
#include "uffd.h"

#include <sched.h>
#include <sys/resource.h>

/* What a second thread does while the first is the monitor. */
struct act {
	enum { FORK, FORK_WRITE, FORK_SHARING, REMAP_MOVE, REMAP_SHRINK, REMAP_FIXED, ADVISE, UNMAP, OVERMAP } what;
	char *p, *place;
	size_t len;
	int advice;
	volatile int over;
	long result;
};

static long act_now(const struct act *a)
{
	pid_t child;
	int status;

	switch (a->what) {
	case FORK:
	case FORK_WRITE:
	case FORK_SHARING:
		/* A child with descriptors of its own would keep the monitor's open. */
		child = a->what == FORK_SHARING ? (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0) : fork();
		if (!child) {
			if (a->what == FORK_WRITE)
				*(volatile char *)a->p = 'c';
			_exit(*(volatile char *)a->p);
		}
		return waitpid(child, &status, 0) == child ? status : -1;
	case REMAP_MOVE:
		return (long)mremap(a->p, a->len, 2 * a->len, MREMAP_MAYMOVE);
	case REMAP_SHRINK:
		return (long)mremap(a->p, a->len, a->len - PAGE, 0);
	case REMAP_FIXED:
		return (long)mremap(a->p, a->len, a->len, MREMAP_MAYMOVE | MREMAP_FIXED, a->place);
	case ADVISE:
		return madvise(a->p, a->len, a->advice);
	case UNMAP:
		return munmap(a->p, a->len);
	default:
		return (long)mmap(a->p, a->len, RW, ANON | MAP_FIXED, -1, 0);
	}
}

static void *acts(void *argument)
{
	struct act *a = argument;

	a->result = act_now(a);
	a->over = 1;
	return NULL;
}

static pthread_t start(struct act *a)
{
	pthread_t thread;

	pthread_create(&thread, NULL, acts, a);
	return thread;
}

static void is_range(const struct msg *msg, int event, const void *start, size_t len, const char *what)
{
	tap_ok(msg->event == event && msg->start == U(start) && msg->end == U(start) + len, "%s", what);
	if (msg->event != event || msg->start != U(start) || msg->end != U(start) + len)
		tap_diag("event %x, %llx - %llx of %p", msg->event, (unsigned long long)msg->start,
			 (unsigned long long)msg->end, start);
}

static void test_fork(void)
{
	int fd = enabled_fd(F_FORK);
	char *p = map(3), *source = map(1);
	struct act a = { .what = FORK, .p = p + PAGE };
	struct copy copy = { U(p + PAGE), U(source), PAGE, 0, 0 };
	struct msg msg = { 0 }, fault = { 0 };
	pthread_t thread;

	memset(source, 7, PAGE);
	p[0] = 1;
	watch(fd, p, 3 * PAGE, MISSING | WP);
	protect(fd, p, PAGE, 1);
	thread = start(&a);
	tap_ok(wait_msg(fd), "a fork is told");
	sleep_ms(20);
	tap_ok(!a.over, "and waits");
	fails(ioctl(fd, COPY, &copy), EAGAIN, "no page is brought meanwhile");
	fails(protect(fd, p, PAGE, 1), EAGAIN, "nor anything protected");
	tap_ok(next_msg(fd, &msg) && msg.event == E_FORK, "read");
	tap_ok(fcntl((int)msg.ufd, F_GETFD) == FD_CLOEXEC && (fcntl((int)msg.ufd, F_GETFL) & O_NONBLOCK),
	       "a descriptor for the child, like the parent's");
	tap_ok(next_msg((int)msg.ufd, &fault) && fault.event == E_FAULT && fault.address == U(p + PAGE), "the child's fault");
	tap_is(ioctl((int)msg.ufd, COPY, &copy), 0, "is served there");
	pthread_join(thread, NULL);
	tap_is(a.result, 7 << 8, "by the page that was brought");
	tap_is(ioctl(fd, COPY, &copy), 0, "which the parent does not have");
	tap_is(ioctl((int)msg.ufd, COPY, &copy), -1, "a dead child has no memory");
	tap_is(errno, ESRCH, "says the error");
	close((int)msg.ufd);

	a = (struct act){ .what = FORK_WRITE, .p = p };
	thread = start(&a);
	tap_ok(next_msg(fd, &msg) && msg.event == E_FORK, "another fork");
	tap_ok(next_msg((int)msg.ufd, &fault) && fault.flags == (FLAG_WRITE | FLAG_WP), "a child's writes are watched as well");
	tap_is(protect((int)msg.ufd, p, PAGE, 0), 0, "and allowed there");
	pthread_join(thread, NULL);
	tap_ok(a.result == 'c' << 8 && p[0] == 1, "for the child alone");
	close((int)msg.ufd);

	a = (struct act){ .what = FORK_SHARING, .p = p + 2 * PAGE };
	thread = start(&a);
	tap_ok(wait_msg(fd), "a third");
	close(fd);
	pthread_join(thread, NULL);
	tap_is(a.result, 0, "without a monitor nobody is watched");
	munmap(p, 3 * PAGE);
	munmap(source, PAGE);
}

/* Not every descriptor number is free when a fork is read. */
static void test_fork_without_fds(void)
{
	int fd = enabled_fd(F_FORK);
	char *p = map(1);
	struct act a = { .what = FORK, .p = p };
	struct fill zero = { { U(p), PAGE }, 0, 0 };
	struct msg msg = { 0 }, fault;
	pthread_t thread;
	struct rlimit all, few;

	watch(fd, p, PAGE, MISSING);
	thread = start(&a);
	tap_ok(wait_msg(fd), "a fork");
	getrlimit(RLIMIT_NOFILE, &all);
	few = (struct rlimit){ 3, all.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	fails(read(fd, &msg, sizeof(msg)), EMFILE, "cannot be read without a free number");
	setrlimit(RLIMIT_NOFILE, &all);
	tap_ok(!a.over && next_msg(fd, &msg) && msg.event == E_FORK, "but later");
	tap_ok(next_msg((int)msg.ufd, &fault) && !ioctl((int)msg.ufd, ZEROPAGE, &zero), "and served");
	pthread_join(thread, NULL);
	tap_is(a.result, 0, "the child ends");
	close((int)msg.ufd);
	close(fd);
	munmap(p, PAGE);
}

static void no_right(void *unused)
{
	struct api api = { 0xaa, F_FORK, 0 };
	int fd;

	if (setgid(2000) || setuid(2000))
		_exit(1);
	fd = new_fd(USER_ONLY);
	if (ioctl(fd, API, &api) != -1 || errno != EPERM || api.features)
		_exit(2);
	(void)unused;
}

static void killed_in_fork(void *argument)
{
	int fd = enabled_fd(F_FORK);
	char *p = map(1);

	watch(fd, p, PAGE, MISSING);
	alarm(1);
	/* The library's fork would block the signal. */
	syscall(SYS_fork);
	(void)argument;
}

static void test_remap(void)
{
	int fd = enabled_fd(F_REMAP | F_UNMAP);
	char *p = map(4), *other = map(2), *place;
	struct act a = { .what = REMAP_MOVE, .p = p, .len = 2 * PAGE };
	struct fill zero;
	struct touch t;
	struct msg msg = { 0 };
	pthread_t thread;

	memset(p, 'r', PAGE);
	watch(fd, p, 4 * PAGE, MISSING | WP);
	protect(fd, p, PAGE, 1);
	thread = start(&a);
	tap_ok(next_msg(fd, &msg) && msg.event == E_REMAP, "a move is told");
	tap_ok(msg.from == U(p) && msg.len == 2 * PAGE, "from where, and how much");
	place = (char *)(uintptr_t)msg.to;
	tap_ok(next_msg(fd, &msg), "then");
	is_range(&msg, E_UNMAP, p, 2 * PAGE, "the end of the old place");
	pthread_join(thread, NULL);
	tap_is(a.result, (long)place, "the new place is as told");
	t = (struct touch){ .address = place, .write = 'w' };
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg) && msg.flags == (FLAG_WRITE | FLAG_WP), "writes are watched there");
	protect(fd, place, PAGE, 0);
	pthread_join(thread, NULL);
	t = (struct touch){ .address = place + 3 * PAGE };
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg) && msg.event == E_FAULT && msg.address == U(place + 3 * PAGE), "and missing pages, also new ones");
	zero = (struct fill){ { U(place + 3 * PAGE), PAGE }, 0, 0 };
	ioctl(fd, ZEROPAGE, &zero);
	pthread_join(thread, NULL);

	a = (struct act){ .what = REMAP_FIXED, .p = other, .place = p + 2 * PAGE, .len = 2 * PAGE };
	thread = start(&a);
	tap_ok(next_msg(fd, &msg), "what makes room");
	is_range(&msg, E_UNMAP, p + 2 * PAGE, 2 * PAGE, "is unmapped");
	pthread_join(thread, NULL);
	a = (struct act){ .what = REMAP_SHRINK, .p = place, .len = 4 * PAGE };
	thread = start(&a);
	tap_ok(next_msg(fd, &msg), "what is cut off");
	is_range(&msg, E_UNMAP, place + 3 * PAGE, PAGE, "too");
	pthread_join(thread, NULL);
	tap_is(a.result, (long)place, "and stays where it was");
	fails(read(fd, &msg, sizeof(msg)), EAGAIN, "nothing else is told");
	close(fd);
	munmap(place, 3 * PAGE);
	munmap(p + 2 * PAGE, 2 * PAGE);
}

static void test_remove(void)
{
	int fd = enabled_fd(F_REMOVE), memfd = (int)syscall(SYS_memfd_create, "ev", 0);
	char *p = map(2), *source = map(1), *shared;
	struct act a = { .what = ADVISE, .p = p, .len = PAGE, .advice = MADV_DONTNEED };
	struct copy copy = { U(p), U(source), PAGE, 0, 0 };
	struct msg msg = { 0 };
	pthread_t thread;

	memset(p, 'd', 2 * PAGE);
	memset(source, 's', PAGE);
	watch(fd, p, 2 * PAGE, MISSING);
	thread = start(&a);
	tap_ok(wait_msg(fd), "MADV_DONTNEED is told");
	tap_is(p[0], 'd', "before it is done");
	fails(ioctl(fd, COPY, &copy), EAGAIN, "no page is brought meanwhile");
	tap_is(copy.done, -EAGAIN, "as the request says");
	tap_ok(next_msg(fd, &msg), "read");
	is_range(&msg, E_REMOVE, p, PAGE, "the range");
	pthread_join(thread, NULL);
	tap_is(a.result, 0, "it is done");
	tap_ok(!ioctl(fd, COPY, &copy) && p[0] == 's', "and the page can be brought");
	a.advice = MADV_FREE;
	a.over = 0;
	thread = start(&a);
	tap_ok(next_msg(fd, &msg), "MADV_FREE");
	is_range(&msg, E_REMOVE, p, PAGE, "likewise");
	pthread_join(thread, NULL);
	tap_is(a.result, 0, "done");
	if (ftruncate(memfd, 2 * (long)PAGE))
		tap_diag("no room");
	shared = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, memfd, 0);
	memset(shared, 'm', 2 * PAGE);
	watch(fd, shared, 2 * PAGE, MISSING);
	a = (struct act){ .what = ADVISE, .p = shared + PAGE, .len = PAGE, .advice = MADV_REMOVE };
	thread = start(&a);
	tap_ok(next_msg(fd, &msg), "MADV_REMOVE");
	is_range(&msg, E_REMOVE, shared + PAGE, PAGE, "as well");
	pthread_join(thread, NULL);
	copy.dst = U(shared + PAGE);
	tap_ok(a.result == 0 && !ioctl(fd, COPY, &copy) && shared[PAGE] == 's', "leaves a hole to fill");
	tap_is(madvise(p, PAGE, MADV_COLD), 0, "other advice is not told");
	fails(read(fd, &msg, sizeof(msg)), EAGAIN, "nothing more");
	close(fd);
	close(memfd);
	munmap(shared, 2 * PAGE);
	munmap(p, 2 * PAGE);
	munmap(source, PAGE);
}

static void test_unmap(void)
{
	int fd = enabled_fd(F_UNMAP);
	char *p = map(6);
	struct act a = { .what = UNMAP, .p = p, .len = 3 * PAGE };
	struct fill zero = { { U(p + 4 * PAGE), PAGE }, 0, 0 };
	struct msg msg = { 0 };
	pthread_t thread;

	/* Two VMAs of the range: told once. */
	watch(fd, p + PAGE, PAGE, MISSING);
	watch(fd, p + 2 * PAGE, 4 * PAGE, MISSING | WP);
	thread = start(&a);
	tap_ok(wait_msg(fd), "munmap is told");
	fails(ioctl(fd, ZEROPAGE, &zero), EAGAIN, "no page is brought meanwhile");
	tap_ok(next_msg(fd, &msg), "read");
	is_range(&msg, E_UNMAP, p, 3 * PAGE, "the whole range");
	pthread_join(thread, NULL);
	tap_is(a.result, 0, "done");
	fails(read(fd, &msg, sizeof(msg)), EAGAIN, "told once");
	tap_is(ioctl(fd, ZEROPAGE, &zero), 0, "pages again");
	a = (struct act){ .what = OVERMAP, .p = p + 3 * PAGE, .len = 2 * PAGE };
	thread = start(&a);
	tap_ok(next_msg(fd, &msg), "what is mapped over");
	is_range(&msg, E_UNMAP, p + 3 * PAGE, 2 * PAGE, "is unmapped");
	pthread_join(thread, NULL);
	tap_is(p[3 * PAGE], 0, "and not watched");
	a = (struct act){ .what = UNMAP, .p = p + 5 * PAGE, .len = PAGE };
	thread = start(&a);
	tap_ok(wait_msg(fd), "the last");
	close(fd);
	pthread_join(thread, NULL);
	tap_is(a.result, 0, "ends with the monitor");
	munmap(p, 6 * PAGE);
}

int main(void)
{
	tap_plan(0);
	test_fork();
	test_fork_without_fds();
	tap_is(in_child(no_right, NULL), 0, "to be told of forks is for the privileged");
	tap_is(in_child(killed_in_fork, NULL), 256 + SIGALRM, "a fatal signal ends the wait");
	test_remap();
	test_remove();
	test_unmap();
	return tap_done();
}
