/* SPDX-License-Identifier: MIT */
/*
 * failnth.c - system calls whose first, second, ... allocation fails, until they come through: ENOMEM or what their manual says,
 * no panic, and afterwards the system has what it had before.
 *
 * /proc/self/fail-nth makes them fail; where it is missing (release builds), there is nothing to test. On Linux it wants
 * CONFIG_FAULT_INJECTION.
 */
#include "common.h"

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <poll.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

/* More than any call here allocates. */
#define MOST_ALLOCATIONS 600

static int fail_nth = -1;
static char self_path[200];
static char buffer[1 << 16];

/* ---- the switch ---- */

static void arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fail_nth, text, (size_t)len, 0) != len)
		_exit(99);
}

/* True when the allocation came and failed. */
static int disarm(void)
{
	char text[16] = "";
	ssize_t len = pread(fail_nth, text, sizeof(text) - 1, 0);

	arm(0);
	return len > 0 && atoi(text) == 0;
}

/* A child has a file, and an order, of its own. */
static void open_own(void)
{
	if (fail_nth >= 0)
		close(fail_nth);
	fail_nth = open("/proc/self/fail-nth", O_RDWR);
}

/* ---- what the system has ---- */

static int meminfo = -1, slabinfo = -1; /* stay open: their own entries are no figure then */

struct figures {
	long long committed, pagetables, stacks, shmem, anon, vmalloc;
	long objects;           /* active, of all caches */
	char text[1 << 14];     /* /proc/slabinfo */
};

static void read_again(int fd, char *text, size_t size)
{
	ssize_t got, len = 0;

	lseek(fd, 0, SEEK_SET);
	while ((got = read(fd, text + len, size - 1 - (size_t)len)) > 0)
		len += got;
	text[len] = 0;
}

static long long meminfo_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? atoll(at + strlen(name)) : -1;
}

static long objects_of(const char *text)
{
	long sum = 0;

	for (const char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
		long active;

		if (line[1] != '#' && sscanf(line + 1, "%*s %ld", &active) == 1)
			sum += active;
	}
	return sum;
}

static void take(struct figures *f)
{
	read_again(meminfo, f->text, sizeof(f->text));
	f->committed = meminfo_of(f->text, "Committed_AS:");
	f->pagetables = meminfo_of(f->text, "PageTables:");
	f->stacks = meminfo_of(f->text, "KernelStack:");
	f->shmem = meminfo_of(f->text, "Shmem:");
	f->anon = meminfo_of(f->text, "AnonPages:");
	f->vmalloc = meminfo_of(f->text, "VmallocUsed:");
	read_again(slabinfo, f->text, sizeof(f->text));
	f->objects = objects_of(f->text);
}

static int same(const struct figures *a, const struct figures *b)
{
	return a->committed == b->committed && a->pagetables == b->pagetables && a->stacks == b->stacks &&
	       a->shmem == b->shmem && a->anon == b->anon && a->vmalloc == b->vmalloc && a->objects == b->objects;
}

static void tell(const struct figures *a, const struct figures *b)
{
	const char *old = a->text, *new = b->text;

	tap_diag("Committed_AS %lld %lld PageTables %lld %lld KernelStack %lld %lld Shmem %lld %lld AnonPages %lld %lld "
		 "VmallocUsed %lld %lld objects %ld %ld", a->committed, b->committed, a->pagetables, b->pagetables, a->stacks,
		 b->stacks, a->shmem, b->shmem, a->anon, b->anon, a->vmalloc, b->vmalloc, a->objects, b->objects);
	while ((old = strchr(old, '\n')) && (new = strchr(new, '\n')) && *++old && *++new) {
		int n = (int)strcspn(old, "\n"), m = (int)strcspn(new, "\n");

		if (n != m || memcmp(old, new, (size_t)n))
			tap_diag("%.40s | %.40s", old, new);
	}
}

/* ---- the calls ---- */

#define FILE_NAME "/tmp/failnth.file"
#define MAPPED (8 * PAGE)

static char *area;

static void map_area(void)
{
	area = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(area, 1, MAPPED);
}

static void unmap_area(long result)
{
	(void)result;
	munmap(area, MAPPED);
}

static long map_anonymous(void) { return (long)mmap(NULL, MAPPED, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static long map_shared(void) { return (long)mmap(NULL, MAPPED, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0); }
static long map_populated(void)
{
	return (long)mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
}
static void unmap(long at) { munmap((void *)at, MAPPED); }
static long unmap_middle(void) { return munmap(area + PAGE, PAGE); }
static long protect_middle(void) { return mprotect(area + PAGE, PAGE, PROT_READ); }
static long advise_middle(void) { return madvise(area + PAGE, PAGE, MADV_DONTFORK); }
static long lock_middle(void) { return mlock(area + PAGE, PAGE); }
static long name_middle(void) { return prctl(0x53564d41, 0, area + PAGE, PAGE, "failing"); }
static long drop_pages(void) { return madvise(area, MAPPED, MADV_DONTNEED); }
static long populate(void)
{
	madvise(area, MAPPED, MADV_DONTNEED);
	return madvise(area, MAPPED, 23);
}
static long grow_map(void)
{
	char *to = mremap(area, 4 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);

	if (to != MAP_FAILED)
		munmap(to, 16 * PAGE);
	return to == MAP_FAILED ? -1 : 0;
}
static long grow_heap(void)
{
	long now = syscall(SYS_brk, 0);

	errno = ENOMEM;
	return syscall(SYS_brk, now + 64 * (long)PAGE) == now ? -1 : now;
}
static void shrink_heap(long before) { syscall(SYS_brk, before); }
static long core(void)
{
	return mincore(area, MAPPED, (unsigned char *)buffer);
}
static struct iovec mine[300], theirs[300];
static void map_for_other(void)
{
	map_area();
	for (int i = 0; i < 300; i++) {
		mine[i] = (struct iovec){ buffer + i, 1 };
		theirs[i] = (struct iovec){ area + i, 1 };
	}
}
static long read_other(void) { return process_vm_readv(getpid(), mine, 300, theirs, 300, 0); }

static long open_new(void) { return open(FILE_NAME, O_RDWR | O_CREAT, 0600); }
static void close_new(long fd)
{
	close((int)fd);
	unlink(FILE_NAME);
}
static void close_it(long fd) { close((int)fd); }
static long open_proc(void)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer));

	if (fd >= 0 && got < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}
static long list_proc(void)
{
	int fd = open("/proc", O_RDONLY | O_DIRECTORY), error;
	long got = fd < 0 ? -1 : syscall(SYS_getdents64, fd, buffer, sizeof(buffer));

	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return got < 0 ? -1 : 0;
}
static int pair[2];
static void close_pair(long result)
{
	(void)result;
	close(pair[0]);
	close(pair[1]);
}
static long make_pipe(void) { return pipe(pair); }
static long make_sockets(void) { return socketpair(AF_UNIX, SOCK_STREAM, 0, pair); }
static long fill_pipe(void)
{
	long got = pipe(pair);

	if (got)
		return got;
	got = write(pair[1], buffer, 32768);
	if (got > 0)
		return 0;
	got = errno;
	close_pair(0);
	errno = (int)got;
	return -1;
}
static long send_some(void)
{
	long got = socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);

	if (got)
		return got;
	got = write(pair[1], buffer, 4000);
	if (got > 0)
		return 0;
	got = errno;
	close_pair(0);
	errno = (int)got;
	return -1;
}
static long make_eventfd(void) { return eventfd(0, 0); }
static long make_timerfd(void) { return timerfd_create(CLOCK_MONOTONIC, 0); }
static long make_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	return signalfd(-1, &set, 0);
}
static long make_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0), error;

	if (fd >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, 0, &event) && errno != EPERM) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}
static struct pollfd fds[500];
static long poll_many(void)
{
	return poll(fds, 500, 1);
}
static void need_pipe(void)
{
	if (pipe(pair))
		_exit(98);
	for (int i = 0; i < 500; i++)
		fds[i] = (struct pollfd){ .fd = pair[i % 2], .events = POLLPRI };
}
static long select_many(void)
{
	fd_set set;
	struct timeval wait = { 0, 1000 };

	FD_ZERO(&set);
	FD_SET(pair[0], &set);
	return select(1000, &set, NULL, NULL, &wait);
}
static long high_dup(void) { return dup2(0, 900); }
static long make_memfd(void)
{
	int fd = memfd_create("failing", 0), error;

	if (fd < 0 || (!ftruncate(fd, 1 << 20) && pwrite(fd, buffer, 20000, 5000) > 0 && !fallocate(fd, 3, 0, 12000)))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}
static int memfd;
static void need_memfd(void)
{
	memfd = memfd_create("failing", 0);
	if (pwrite(memfd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		_exit(98);
}
static void close_memfd(long at)
{
	munmap((void *)at, MAPPED);
	close(memfd);
}
static long map_file(void)
{
	return (long)mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, memfd, 0);
}
static long remap_pages(void)
{
	char *at = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	long error = 0;

	if (at == MAP_FAILED)
		return -1;
	if (syscall(SYS_remap_file_pages, at, PAGE, 0, 3, 0))
		error = errno;
	munmap(at, MAPPED);
	errno = (int)error;
	return error ? -1 : 0;
}
static long make_dir(void) { return mkdir("/tmp/failnth.dir", 0700); }
static void remove_dir(long result)
{
	(void)result;
	rmdir("/tmp/failnth.dir");
}
static long make_link(void) { return symlink("/a/path/that/leads/nowhere", "/tmp/failnth.link"); }
static void remove_link(long result)
{
	(void)result;
	unlink("/tmp/failnth.link");
}
static long lock_file(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 5 };

	return fcntl(memfd, F_SETLK, &lock);
}
static long flock_file(void) { return flock(memfd, LOCK_EX); }
static long make_timer(void)
{
	int id = -1;
	struct sigevent event = { .sigev_notify = SIGEV_NONE };

	return syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id) ? -1 : id;
}
static void delete_timer(long id) { syscall(SYS_timer_delete, (int)id); }
static long queue_signal(void)
{
	union sigval value = { .sival_int = 3 };

	return sigqueue(getpid(), SIGURG, value);
}
static long join_groups(void) { return syscall(SYS_setgroups, 300ul, (gid_t *)buffer); }
static void leave_groups(long result)
{
	(void)result;
	syscall(SYS_setgroups, 0ul, NULL);
}
static long open_terminal(void) { return open("/dev/ptmx", O_RDWR | O_NOCTTY); }
static long make_segment(void)
{
	int id = shmget(IPC_PRIVATE, MAPPED, IPC_CREAT | 0600), error;
	char *at = id < 0 ? (char *)-1 : shmat(id, NULL, 0);

	error = errno;
	if (at != (char *)-1)
		shmdt(at);
	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
	errno = error;
	return at == (char *)-1 ? -1 : 0;
}
static long watch(void)
{
	struct { uint64_t api, features, ioctls; } api = { .api = 0xaa };
	struct { uint64_t start, len, mode, ioctls; } range = { (uint64_t)(uintptr_t)area + PAGE, PAGE, 1, 0 };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC), error;

	if (fd < 0)
		return -1;
	if (!ioctl(fd, 0xc018aa3f, &api) && !ioctl(fd, 0xc020aa00, &range))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}
static long open_pidfd(void) { return syscall(434, getpid(), 0); }

/* ---- processes ---- */

static long fork_once(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	return child;
}
static void reap(long child) { waitpid((pid_t)child, NULL, 0); }
static long vfork_once(void)
{
	/* CLONE_VM | CLONE_VFORK in a process of its own would share this stack: fork's flags without it. */
	long child = syscall(SYS_clone, 0x00004000 | SIGCHLD, 0, 0, 0, 0);

	if (!child)
		_exit(0);
	return child;
}
static void *idle(void *argument) { return argument; }
static pthread_t thread;
static long make_thread(void)
{
	errno = pthread_create(&thread, NULL, idle, NULL);
	return errno ? -1 : 0;
}
static void join_thread(long result)
{
	(void)result;
	pthread_join(thread, NULL);
}

/* The status of a child whose order has been carried out (0: the call succeeded all the same, 2: ENOMEM), or has not: 3. */
static void seal_failing(void *nth)
{
	long result;
	int error;

	map_area();
	open_own();
	arm(*(unsigned int *)nth);
	result = syscall(462, area + PAGE, PAGE, 0);
	error = errno;
	if (!disarm())
		_exit(result ? 1 : 3);
	_exit(!result ? 0 : error == ENOMEM ? 2 : 1);
}

/* The new program finds its order on descriptor 9. */
static void exec_failing(void *nth)
{
	char *const args[] = { self_path, (char *)"after-exec", NULL };

	open_own();
	dup2(fail_nth, 9);
	arm(*(unsigned int *)nth);
	execv(self_path, args);
	_exit(errno == ENOMEM ? 2 : 1);
}

/* name; what is there before; the call; how it is undone when it succeeded; another error that its manual names; what is
 * undone in any case */
static const struct step {
	const char *name;
	void (*before)(void);
	long (*call)(void);
	void (*undo)(long result);
	int error;
	void (*after)(long result);
	/* Instead of all that: in a process of its own, with a pointer to the allocation's number. */
	void (*in_child)(void *nth);
} steps[] = {
	{ "mmap", NULL, map_anonymous, unmap, 0, NULL, NULL },
	{ "mmap shared", NULL, map_shared, unmap, 0, NULL, NULL },
	{ "mmap populated", NULL, map_populated, unmap, 0, NULL, NULL },
	{ "munmap of a middle", map_area, unmap_middle, NULL, 0, unmap_area, NULL },
	{ "mprotect of a middle", map_area, protect_middle, NULL, 0, unmap_area, NULL },
	{ "madvise of a middle", map_area, advise_middle, NULL, 0, unmap_area, NULL },
	{ "mlock of a middle", map_area, lock_middle, NULL, EAGAIN, unmap_area, NULL },
	{ "a name for a middle", map_area, name_middle, NULL, 0, unmap_area, NULL },
	{ "MADV_DONTNEED", map_area, drop_pages, NULL, 0, unmap_area, NULL },
	{ "MADV_POPULATE_WRITE", map_area, populate, NULL, 0, unmap_area, NULL },
	{ "mremap", map_area, grow_map, NULL, 0, unmap_area, NULL },
	{ "brk", NULL, grow_heap, shrink_heap, 0, NULL, NULL },
	{ "mincore", map_area, core, NULL, 0, unmap_area, NULL },
	{ "process_vm_readv", map_for_other, read_other, NULL, 0, unmap_area, NULL },
	{ "open of a new file", NULL, open_new, close_new, 0, close_new, NULL },
	{ "open and read of maps", NULL, open_proc, close_it, 0, NULL, NULL },
	{ "getdents of /proc", NULL, list_proc, NULL, 0, NULL, NULL },
	{ "pipe", NULL, make_pipe, close_pair, 0, NULL, NULL },
	{ "write to a pipe", NULL, fill_pipe, close_pair, 0, NULL, NULL },
	{ "socketpair", NULL, make_sockets, close_pair, 0, NULL, NULL },
	{ "write to a socket", NULL, send_some, close_pair, ENOBUFS, NULL, NULL },
	{ "eventfd", NULL, make_eventfd, close_it, 0, NULL, NULL },
	{ "timerfd", NULL, make_timerfd, close_it, 0, NULL, NULL },
	{ "signalfd", NULL, make_signalfd, close_it, 0, NULL, NULL },
	{ "epoll", NULL, make_epoll, close_it, 0, NULL, NULL },
	{ "poll", need_pipe, poll_many, NULL, 0, close_pair, NULL },
	{ "select", need_pipe, select_many, NULL, 0, close_pair, NULL },
	{ "dup2", NULL, high_dup, close_it, EMFILE, NULL, NULL },
	{ "memfd_create, ftruncate, write, punch", NULL, make_memfd, close_it, 0, NULL, NULL },
	{ "mmap of a file", need_memfd, map_file, NULL, 0, close_memfd, NULL },
	{ "remap_file_pages", need_memfd, remap_pages, NULL, 0, close_memfd, NULL },
	{ "mkdir", NULL, make_dir, remove_dir, 0, NULL, NULL },
	{ "symlink", NULL, make_link, remove_link, 0, NULL, NULL },
	{ "fcntl lock", need_memfd, lock_file, NULL, ENOLCK, close_memfd, NULL },
	{ "flock", need_memfd, flock_file, NULL, ENOLCK, close_memfd, NULL },
	{ "timer_create", NULL, make_timer, delete_timer, EAGAIN, NULL, NULL },
	{ "sigqueue", NULL, queue_signal, NULL, EAGAIN, NULL, NULL },
	{ "setgroups", NULL, join_groups, leave_groups, 0, NULL, NULL },
	{ "open of a terminal", NULL, open_terminal, close_it, 0, NULL, NULL },
	{ "shmget, shmat", NULL, make_segment, NULL, 0, NULL, NULL },
	{ "userfaultfd", map_area, watch, close_it, 0, unmap_area, NULL },
	{ "pidfd_open", NULL, open_pidfd, close_it, 0, NULL, NULL },
	{ "fork", NULL, fork_once, reap, EAGAIN, NULL, NULL },
	{ "clone", NULL, vfork_once, reap, EAGAIN, NULL, NULL },
	{ "pthread_create", NULL, make_thread, join_thread, EAGAIN, NULL, NULL },
	{ .name = "mseal of a middle", .in_child = seal_failing },
	{ .name = "execve", .in_child = exec_failing },
};

struct outcome {
	unsigned int hits, absorbed;
	int wrong;              /* an error that nobody documents */
	unsigned int wrong_at;
	int through;
};

static void run_step(const struct step *step, struct outcome *how)
{
	memset(how, 0, sizeof(*how));
	for (unsigned int nth = 1; nth < MOST_ALLOCATIONS && !how->through; nth++) {
		long result;
		int error, hit;

		if (step->before)
			step->before();
		arm(nth);
		errno = 0;
		result = step->call();
		error = errno;
		hit = disarm();
		how->hits += (unsigned int)hit;
		how->through = !hit;
		if (result != -1) {
			how->absorbed += (unsigned int)hit;
			if (step->undo)
				step->undo(result);
		} else if (!hit || (error != ENOMEM && error != step->error)) {
			how->wrong = error ? error : -1;
			how->wrong_at = nth;
		}
		if (step->after)
			step->after(result);
	}
}

static void run_in_child(const struct step *step, struct outcome *how)
{
	memset(how, 0, sizeof(*how));
	for (unsigned int nth = 1; nth < MOST_ALLOCATIONS && !how->through; nth++) {
		int status = in_child(step->in_child, &nth);

		how->through = status == 3;
		how->hits += status != 3;
		how->absorbed += status == 0;
		/* Out of memory behind execve's point of no return, the program is killed. */
		if (status != 0 && status != 2 && status != 3 && status != 256 + SIGKILL && status != 256 + SIGSEGV) {
			how->wrong = status ? status : -1;
			how->wrong_at = nth;
		}
	}
}

/* The figures come back, perhaps a little later: frames and objects of RCU wait for the CPUs. */
static int settled(const struct figures *before, struct figures *after)
{
	for (int i = 0; i < 40; i++) {
		take(after);
		if (same(before, after))
			return 1;
		sleep_ms(25);
	}
	return 0;
}

/* What a step loses, it loses each time; something else's beginning or end meets one. */
static void test_step(const struct step *step)
{
	void (*run)(const struct step *, struct outcome *) = step->in_child ? run_in_child : run_step;
	static struct figures before, after;
	struct outcome how;
	int kept = 0;

	/* Once for what is made at the first use and kept. */
	run(step, &how);
	for (int tries = 0; tries < 3 && !kept; tries++) {
		take(&before);
		run(step, &how);
		kept = settled(&before, &after);
	}
	tap_ok(how.through && !how.wrong, "%s: %u allocations failed, %u of them unnoticed", step->name, how.hits, how.absorbed);
	if (how.wrong)
		tap_diag("errno or status %d with allocation %u failing", how.wrong, how.wrong_at);
	if (!tap_ok(kept, "%s: nothing is lost", step->name))
		tell(&before, &after);
}

static int after_exec(void)
{
	char text[16] = "";
	ssize_t len = pread(9, text, sizeof(text) - 1, 0);

	return len > 0 && atoi(text) == 0 ? 0 : 3;
}

static void test_the_switch(void)
{
	char text[16] = "";

	arm(1000000);
	tap_ok(pread(fail_nth, text, sizeof(text), 0) > 0 && atoi(text) > 0, "an order stands until it is carried out");
	arm(0);
	fails(pwrite(fail_nth, "x", 1, 0), EINVAL, "orders are numbers");
	fails(pwrite(fail_nth, "-1", 2, 0), EINVAL, "of allocations to come");
	arm(1);
	fails(open(FILE_NAME, O_RDWR | O_CREAT, 0600), ENOMEM, "the next allocation fails");
	tap_is(disarm(), 1, "and says so");
}

int main(int argc, char **argv)
{
	cpu_set_t first;

	if (argc > 1 && !strcmp(argv[1], "after-exec"))
		return after_exec();
	tap_plan(0);
	open_own();
	meminfo = open("/proc/meminfo", O_RDONLY);
	slabinfo = open("/proc/slabinfo", O_RDONLY);
	/* One CPU: what each keeps ready (stacks, frames) would come and go with the CPUs that children happen to run on. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
	if (fail_nth < 0)
		tap_skip_all("no allocation can be made to fail here");
	snprintf(self_path, sizeof(self_path), "%s", argv[0]);
	memset(buffer, 1, sizeof(buffer));
	signal(SIGURG, SIG_IGN);
	test_the_switch();
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		test_step(&steps[i]);
	return tap_done();
}
