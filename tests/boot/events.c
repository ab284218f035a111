/* SPDX-License-Identifier: MIT */
/* events.c - epoll, timers and signals as files, descriptors that travel, memory files, advisory locks. */
#include "common.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int set;
static struct epoll_event ready[8];

static int watch(int fd, uint32_t events, uint32_t number)
{
	struct epoll_event event = { .events = events, .data.u32 = number };

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/* How many are ready; the first one's number in ready[0]. */
static int wait_ready(int timeout_ms)
{
	return epoll_wait(set, ready, 8, timeout_ms);
}

static void test_epoll(void)
{
	int counter = eventfd(0, EFD_NONBLOCK), fds[2], pair[2];
	uint64_t value = 5;

	set = epoll_create1(EPOLL_CLOEXEC);
	tap_ok(set >= 0 && !pipe(fds) && !socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "a set, and files to watch");
	tap_is(watch(counter, EPOLLIN, 1), 0, "a counter is watched");
	fails(watch(counter, EPOLLIN, 1), EEXIST, "once");
	tap_is(watch(fds[0], EPOLLIN, 2), 0, "and a pipe");
	tap_is(watch(pair[0], EPOLLIN | EPOLLET, 3), 0, "and a socket, by edges");
	tap_is(wait_ready(0), 0, "nothing is ready");
	tap_is(wait_ready(20), 0, "nor later");
	tap_is(write(counter, &value, 8), 8, "the counter counts");
	tap_ok(wait_ready(-1) == 1 && ready[0].data.u32 == 1, "and is ready");
	tap_ok(wait_ready(-1) == 1 && ready[0].data.u32 == 1, "until it is read");
	tap_ok(write(fds[1], "x", 1) == 1 && write(pair[1], "abc", 3) == 3, "the others get bytes");
	tap_is(wait_ready(-1), 3, "all are ready");
	tap_is(wait_ready(-1), 2, "the edge was told once");
	tap_is(read(counter, &value, 8), 8, "the counter is read");
	tap_ok(wait_ready(-1) == 1 && ready[0].data.u32 == 2, "the pipe is left");
	close(fds[0]);
	tap_is(wait_ready(0), 0, "a closed file is watched no more");
	fails(epoll_ctl(set, EPOLL_CTL_DEL, pair[1], NULL), ENOENT, "one that was not watched");
	fails(watch(open("/etc/passwd", O_RDONLY), EPOLLIN, 9), EPERM, "a plain file is always ready");
	close(counter);
	close(fds[1]);
	close(pair[0]);
	close(pair[1]);
}

static void test_timer(void)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec setting = { { 0, 10000000 }, { 0, 10000000 } };
	uint64_t ticks = 0;

	tap_is(timerfd_settime(timer, 0, &setting, NULL), 0, "a timer every 10 ms");
	tap_ok(read(timer, &ticks, 8) == 8 && ticks >= 1, "is read when it has fired");
	tap_is(watch(timer, EPOLLIN, 4), 0, "it can be watched");
	tap_ok(wait_ready(1000) == 1 && ready[0].data.u32 == 4, "and fires again");
	tap_ok(timerfd_gettime(timer, &setting) == 0 && setting.it_interval.tv_nsec == 10000000, "it tells its interval");
	close(timer);
}

static void test_signal(void)
{
	struct signalfd_siginfo info;
	sigset_t mask;
	int fd;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fd = signalfd(-1, &mask, SFD_NONBLOCK);
	tap_is(watch(fd, EPOLLIN, 5), 0, "signals are watched");
	fails(read(fd, &info, sizeof(info)), EAGAIN, "none is pending");
	kill(getpid(), SIGUSR1);
	tap_ok(wait_ready(1000) == 1 && ready[0].data.u32 == 5, "one arrives");
	tap_is(read(fd, &info, sizeof(info)), sizeof(info), "and is read");
	tap_ok(info.ssi_signo == SIGUSR1 && info.ssi_pid == (uint32_t)getpid(), "with its number and its sender");
	close(fd);
}

static void wake_parent(void *argument)
{
	sleep_ms(30);
	tap_ok(write(*(int *)argument, "z", 1) == 1, "(child)");
}

static void test_wake(void)
{
	int fds[2];
	pid_t child;

	tap_is(pipe(fds), 0, "a pipe to a child");
	watch(fds[0], EPOLLIN, 6);
	fflush(stdout);
	child = fork();
	if (!child) {
		freopen("/dev/null", "w", stdout);
		wake_parent(&fds[1]);
		_exit(0);
	}
	tap_ok(wait_ready(5000) == 1 && ready[0].data.u32 == 6, "which wakes who waits");
	waitpid(child, NULL, 0);
	close(fds[0]);
	close(fds[1]);
}

static void test_travel(void)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 'q';
	struct iovec vector = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int pair[2], counter = eventfd(0, 0), other;
	uint64_t value = 7;

	tap_is(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0, "a pair for packets");
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &counter, sizeof(int));
	tap_is(sendmsg(pair[0], &message, 0), 1, "a descriptor is sent");
	memset(control, 0, sizeof(control));
	byte = 0;
	message.msg_controllen = sizeof(control);
	tap_ok(recvmsg(pair[1], &message, 0) == 1 && byte == 'q', "and received");
	head = CMSG_FIRSTHDR(&message);
	tap_ok(head && head->cmsg_type == SCM_RIGHTS, "beside the byte");
	memcpy(&other, CMSG_DATA(head), sizeof(int));
	tap_ok(other != counter && write(other, &value, 8) == 8 && read(counter, &value, 8) == 8 && value == 7,
	       "it is the same file");
	close(other);
	close(counter);
	close(pair[0]);
	close(pair[1]);
}

static void test_memfd(void)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING);
	char text[64] = "", name[32], *map;

	tap_is(ftruncate(fd, 2 * PAGE), 0, "a file of memory");
	map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map[5000] = 'A';
	tap_ok(pread(fd, text, 1, 5000) == 1 && text[0] == 'A', "is mapped and read");
	fails(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "not sealed while it is mapped");
	tap_is(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0, "but against writing it any other way");
	fails(madvise(map + PAGE, PAGE, MADV_REMOVE), EPERM, "such as a hole");
	tap_is(map[5000], 'A', "which is not made");
	munmap(map, 2 * PAGE);
	tap_is(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK), 0, "but after");
	fails(write(fd, "x", 1), EPERM, "no writing");
	fails(ftruncate(fd, 0), EPERM, "no shrinking");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	tap_ok(readlink(name, text, sizeof(text) - 1) > 0, "it has a name");
	tap_is_str(text, "/memfd:test (deleted)", "of its own");
	close(fd);
}

static void try_locks(void *argument)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10 };
	int fd = open(argument, O_RDWR);

	if (flock(fd, LOCK_EX | LOCK_NB) != -1 || errno != EWOULDBLOCK)
		_exit(1);
	if (fcntl(fd, F_SETLK, &lock) != -1 || errno != EAGAIN)
		_exit(2);
	if (fcntl(fd, F_GETLK, &lock) || lock.l_pid != getppid() || lock.l_start != 0 || lock.l_len != 10)
		_exit(3);
	lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	if (fcntl(fd, F_SETLK, &lock))
		_exit(4);
}

static void test_locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
	char path[] = "/tmp/events-lock";
	int fd = open(path, O_CREAT | O_RDWR, 0600);

	tap_ok(flock(fd, LOCK_EX) == 0 && fcntl(fd, F_SETLK, &lock) == 0, "a file and a range of it are locked");
	tap_is(in_child(try_locks, path), 0, "against others, and nothing more is");
	close(fd);
	unlink(path);
}

int main(void)
{
	alarm(60);
	test_epoll();
	test_timer();
	test_signal();
	test_wake();
	test_travel();
	test_memfd();
	test_locks();
	return tap_done();
}
