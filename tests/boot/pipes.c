/* SPDX-License-Identifier: MIT */
/* pipes.c - pipes, local sockets, event counters, and waiting for them. */
#include "common.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>

static void test_pipe(void)
{
	int fds[2], available;
	char buffer[32];

	tap_is(pipe(fds), 0, "a pipe");
	tap_is(write(fds[1], "hello", 5), 5, "takes bytes");
	tap_is(ioctl(fds[0], FIONREAD, &available), 0, "FIONREAD");
	tap_is(available, 5, "tells how many");
	tap_is(read(fds[0], buffer, sizeof(buffer)), 5, "and gives them");
	fails(lseek(fds[0], 0, SEEK_SET), ESPIPE, "it has no positions");
	fails(read(fds[1], buffer, 1), EBADF, "and two different ends");
	close(fds[1]);
	tap_is(read(fds[0], buffer, 1), 0, "without a writer it is at its end");
	close(fds[0]);
}

static void write_to_nobody(void *argument)
{
	int fds[2];

	if (pipe(fds))
		_exit(1);
	close(fds[0]);
	if (argument)
		signal(SIGPIPE, SIG_IGN);
	_exit(write(fds[1], "x", 1) == -1 && errno == EPIPE ? 7 : 2);
}

static void test_nonblock(void)
{
	static char block[PAGE];
	int fds[2];
	long total = 0;

	tap_is(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0, "a pipe that does not block");
	fails(read(fds[0], block, 1), EAGAIN, "is empty");
	while (write(fds[1], block, sizeof(block)) == (ssize_t)sizeof(block))
		total += PAGE;
	tap_is(total, 65536, "it holds 64 KiB");
	tap_is(errno, EAGAIN, "and then is full");
	fails(pipe2(fds, 0x10000000), EINVAL, "no such flag");
	close(fds[0]);
	close(fds[1]);
}

static void test_through(void)
{
	static char block[10000];
	int fds[2];
	long total = 0, wrong = 0;
	ssize_t got;
	pid_t child;

	if (pipe(fds))
		return;
	child = fork();
	if (!child) {
		close(fds[0]);
		for (long i = 0; i < 100; i++) {
			memset(block, (int)i, sizeof(block));
			if (write(fds[1], block, sizeof(block)) != sizeof(block))
				_exit(1);
		}
		_exit(0);
	}
	close(fds[1]);
	while ((got = read(fds[0], block, 777)) > 0)
		for (ssize_t i = 0; i < got; i++, total++)
			wrong += block[i] != (char)(total / 10000);
	waitpid(child, NULL, 0);
	tap_is(total, 1000000, "a million bytes go through a pipe");
	tap_is(wrong, 0, "in order");
	close(fds[0]);
}

/*
 * Each side closes its end when the other one does, on two CPUs where there are two: whoever comes first wakes
 * the other side of a pipe that the second one frees. The byte in shared memory makes them start together.
 */
#define CLOSE_ROUNDS 3000u

static void close_in_step(void *argument)
{
	unsigned int (*step)[2] = argument;
	int fds[CLOSE_ROUNDS / 10][2];
	pid_t child;

	for (unsigned int i = 0; i < ARRAY_SIZE(fds); i++)
		if (pipe(fds[i]))
			_exit(1);
	child = fork();
	if (child < 0)
		_exit(2);
	for (unsigned int i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i][child != 0]);
	for (unsigned int i = 0; i < ARRAY_SIZE(fds); i++) {
		__atomic_store_n(&(*step)[child != 0], i + 1, __ATOMIC_SEQ_CST);
		for (unsigned int spins = 0; spins < 20000; spins++)
			if (__atomic_load_n(&(*step)[child == 0], __ATOMIC_SEQ_CST) > i)
				break;
		close(fds[i][child == 0]);
	}
	if (child)
		_exit(waitpid(child, NULL, 0) == child ? 0 : 3);
}

static void test_both_close(void)
{
	unsigned int (*step)[2] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	for (int round = 0; round < 10 && !status; round++) {
		memset(step, 0, sizeof(*step));
		status = in_child(close_in_step, step);
	}
	tap_is(status, 0, "%u pipes whose ends close at the same time", CLOSE_ROUNDS);
	munmap(step, PAGE);
}

static void test_poll(void)
{
	struct pollfd set[2];
	struct timeval now = { 0, 0 };
	long long begin;
	fd_set readable;
	int fds[2];

	if (pipe(fds))
		return;
	set[0] = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	set[1] = (struct pollfd){ .fd = fds[1], .events = POLLOUT };
	tap_is(poll(set, 2, 1000), 1, "poll finds one ready");
	tap_ok(!set[0].revents && set[1].revents == POLLOUT, "the one to write to");
	begin = now_ms();
	tap_is(poll(set, 1, 60), 0, "poll gives up in time");
	tap_ok(now_ms() - begin >= 60, "not too early");
	if (!fork()) {
		sleep_ms(50);
		_exit(write(fds[1], "x", 1) != 1);
	}
	tap_is(poll(set, 1, 10000), 1, "poll waits for a byte");
	tap_is(set[0].revents, POLLIN, "which can be read");
	wait(NULL);
	FD_ZERO(&readable);
	FD_SET(fds[0], &readable);
	tap_is(select(fds[0] + 1, &readable, NULL, NULL, &now), 1, "select sees it, too");
	close(fds[1]);
	tap_is(poll(set, 1, 0), 1, "when the writer goes");
	tap_ok(set[0].revents & POLLHUP, "there is a hang-up");
	set[0].fd = 999;
	tap_is(poll(set, 1, 0), 1, "a descriptor that is none");
	tap_is(set[0].revents, POLLNVAL, "is told as such");
	close(fds[0]);
}

static void test_eventfd(void)
{
	uint64_t value = 5;
	int fd = eventfd(3, EFD_NONBLOCK);

	tap_is(write(fd, &value, 8), 8, "an event counter adds");
	tap_is(read(fd, &value, 8), 8, "and gives");
	tap_is(value, 8, "the sum");
	fails(read(fd, &value, 8), EAGAIN, "once");
	fails(read(fd, &value, 4), EINVAL, "in eight bytes");
	close(fd);
}

static void test_sockets(void)
{
	char buffer[8] = "";
	int fds[2];

	tap_is(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0, "a pair of sockets");
	tap_is(write(fds[0], "ping", 4), 4, "carries bytes one way");
	tap_is(read(fds[1], buffer, 8), 4, "where they arrive");
	tap_is(write(fds[1], "pong", 4), 4, "and the other");
	tap_is(read(fds[0], buffer, 8), 4, "where they arrive");
	tap_is_str(buffer, "pong", "unchanged");
	close(fds[0]);
	tap_is(read(fds[1], buffer, 8), 0, "until one side closes");
	close(fds[1]);
	fails(socketpair(AF_UNIX, 99, 0, fds), EINVAL, "no such kind");
}

#define ROUNDS 2000

/* A writer who opens, writes, closes, and waits to be sent into the next round. */
static void writer_rounds(const char *path, int go)
{
	char token;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = open(path, O_WRONLY);

		if (fd < 0 || write(fd, "x", 1) != 1)
			_exit(1);
		close(fd);
		if (read(go, &token, 1) != 1)
			_exit(2);
	}
	_exit(0);
}

/* Both sides of a FIFO meet in open(2), also when the first is gone before the second looks. */
static void test_fifo_meets(void)
{
	const char *path = "/tmp/meeting";
	int go[2], status, met = 0;
	char got[2];
	pid_t child;

	tap_is(mkfifo(path, 0600), 0, "a FIFO");
	if (pipe(go))
		return;
	child = fork();
	if (!child)
		writer_rounds(path, go[0]);
	alarm(60); /* a reader that waits for a writer who was there ends here, by a signal */
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open(path, O_RDONLY);

		if (fd >= 0 && read(fd, got, 2) == 1 && read(fd, got, 1) == 0)
			met++;
		close(fd);
		if (write(go[1], "g", 1) != 1)
			break;
	}
	alarm(0);
	tap_is(met, ROUNDS, "reader and writer meet in each of %d rounds", ROUNDS);
	waitpid(child, &status, 0);
	tap_is(status, 0, "the writer, too");
	close(go[0]);
	close(go[1]);
	unlink(path);
}

/* Who does not want to wait is told, and has not been there for the other side. */
static void test_fifo_nonblock(void)
{
	const char *path = "/tmp/now";
	struct pollfd watch = { .events = POLLIN };
	char byte;
	int fd;

	mkfifo(path, 0600);
	fails(open(path, O_WRONLY | O_NONBLOCK), ENXIO, "a FIFO that nobody reads");
	watch.fd = open(path, O_RDONLY | O_NONBLOCK);
	tap_ok(watch.fd >= 0, "a reader need not wait");
	tap_is(poll(&watch, 1, 0), 0, "there was no writer, so it has no end yet");
	tap_is(read(watch.fd, &byte, 1), 0, "but nothing to read");
	fd = open(path, O_WRONLY | O_NONBLOCK);
	tap_ok(fd >= 0, "now a writer comes");
	fails(read(watch.fd, &byte, 1), EAGAIN, "who has written nothing");
	close(fd);
	tap_is(poll(&watch, 1, 0), 1, "and goes");
	tap_is(watch.revents, POLLHUP, "which poll tells");
	fd = open(path, O_RDONLY | O_NONBLOCK);
	close(watch.fd);
	watch.fd = fd;
	tap_is(poll(&watch, 1, 0), 0, "a later reader knows nothing of it");
	close(fd);
	unlink(path);
}

int main(void)
{
	tap_plan(0);
	test_pipe();
	tap_is(in_child(write_to_nobody, NULL), 256 + SIGPIPE, "writing to nobody kills");
	tap_is(in_child(write_to_nobody, "ignore"), 7, "or fails with EPIPE");
	test_nonblock();
	test_through();
	test_both_close();
	test_fifo_meets();
	test_fifo_nonblock();
	test_poll();
	test_eventfd();
	test_sockets();
	return tap_done();
}
