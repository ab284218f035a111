/* SPDX-License-Identifier: MIT */
/* userfault.c - a program that resolves its own faults: missing pages, writes, pages of an object. */
#include "faults.h"
#include "uffd.h"

#include <sys/uio.h>

static void test_creation(void)
{
	struct api api = { 0xab, 0, 0 };
	struct range range = { PAGE * 1000, PAGE };
	struct pollfd p;
	struct msg msg;
	int fd, device;

	fails(new_fd(2), EINVAL, "an unknown flag");
	fd = new_fd(O_NONBLOCK);
	tap_ok(fd >= 0, "a descriptor");
	p = (struct pollfd){ fd, POLLIN, 0 };
	tap_ok(poll(&p, 1, 0) == 1 && p.revents == POLLERR, "not ready before the handshake");
	fails(read(fd, &msg, sizeof(msg)), EINVAL, "nor to be read");
	fails(ioctl(fd, WAKE, &range), EINVAL, "nor asked");
	fails(ioctl(fd, API, &api), EINVAL, "another interface");
	tap_ok(!api.api && !api.features, "which tells nothing");
	api = (struct api){ 0xaa, 1ull << 63, 0 };
	fails(ioctl(fd, API, &api), EINVAL, "an unknown feature");
	api = (struct api){ 0xaa, 0, 0 };
	tap_is(ioctl(fd, API, &api), 0, "the handshake");
	tap_ok(api.features & F_SIGBUS && api.ioctls == (1ull << 0x3f | 3), "tells what there is");
	fails(ioctl(fd, API, &api), EINVAL, "once");
	fails(read(fd, &msg, sizeof(msg)), EAGAIN, "nothing to read");
	fails(read(fd, &msg, 8), EINVAL, "a short buffer");
	fails(ioctl(fd, _IO(0xaa, 99), 0), EINVAL, "an unknown request");
	fails(ioctl(fd, WAKE, (void *)8), EFAULT, "a bad pointer");
	close(fd);
	device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	if (device >= 0) {
		fd = ioctl(device, NEW, O_CLOEXEC | O_NONBLOCK);
		api = (struct api){ 0xaa, 0, 0 };
		tap_ok(fd >= 0 && !ioctl(fd, API, &api), "from the device");
		fails(ioctl(device, NEW, 2), EINVAL, "with known flags");
		close(fd);
		close(device);
	}
}

static void unprivileged(void *unused)
{
	if (setgid(2000) || setuid(2000))
		_exit(1);
	if (new_fd(0) != -1 || errno != EPERM)
		_exit(2);
	if (new_fd(USER_ONLY) < 0)
		_exit(3);
	(void)unused;
}

static void test_registration(void)
{
	int fd = enabled_fd(0), other = enabled_fd(0);
	char *p = map(4);
	struct reg reg = { { U(p), 4 * PAGE }, MISSING | WP, 0 };
	struct range range = { U(p), 4 * PAGE };

	fails(watch(fd, p, PAGE, 0), EINVAL, "no mode");
	fails(watch(fd, p, PAGE, 16), EINVAL, "an unknown mode");
	fails(watch(fd, p + 1, PAGE, MISSING), EINVAL, "not aligned");
	fails(watch(fd, p, 0, MISSING), EINVAL, "nothing");
	fails(watch(fd, (void *)0, PAGE, MISSING), EINVAL, "below mmap_min_addr");
	fails(watch(fd, p, PAGE, MINOR), EINVAL, "anonymous memory has no minor faults");
	tap_is(ioctl(fd, REGISTER, &reg), 0, "registered");
	tap_ok((reg.ioctls & 0x5c) == 0x5c && !(reg.ioctls & 1 << 7), "with what can be asked");
	tap_is(ioctl(fd, REGISTER, &reg), 0, "again");
	fails(watch(other, p, PAGE, MISSING), EBUSY, "somebody else watches it");
	tap_is(ioctl(fd, UNREGISTER, &range), 0, "and no more");
	tap_is(watch(other, p, PAGE, MISSING), 0, "then others may");
	close(other);
	tap_is(watch(fd, p, PAGE, MISSING), 0, "also when they are gone");
	p[PAGE] = 1;
	tap_is(munmap(p, 4 * PAGE), 0, "watched memory can go");
	fails(ioctl(fd, UNREGISTER, &range), EINVAL, "then it is no range");
	tap_is(in_child(unprivileged, NULL), 0, "without rights for the kernel's faults");
	close(fd);
}

static void test_missing(void)
{
	int fd = enabled_fd(F_THREAD_ID | F_EXACT);
	char *p = map(4), *source = map(2);
	struct touch t = { .address = p + PAGE + 17 };
	struct copy copy = { U(p + PAGE), U(source), PAGE, 0, 0 };
	struct fill zero = { { U(p), PAGE }, 0, 0 };
	struct msg msg = { 0 };
	pthread_t thread;

	memset(source, 's', 2 * PAGE);
	tap_is(watch(fd, p, 4 * PAGE, MISSING), 0, "watched");
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg), "a fault is told");
	tap_is(msg.event, 0x12, "as a fault");
	tap_is(msg.address, U(t.address), "of the very byte");
	tap_is(msg.flags, 0, "for reading");
	tap_is(msg.ptid, t.tid, "by that thread");
	tap_is(ioctl(fd, COPY, &copy), 0, "the page is brought");
	pthread_join(thread, NULL);
	tap_ok(copy.done == (int64_t)PAGE && t.seen == 's', "and seen");
	fails(ioctl(fd, COPY, &copy), EEXIST, "a page is brought once");
	tap_is(copy.done, -EEXIST, "the request says so too");
	t = (struct touch){ .address = p, .write = 'w' };
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg) && msg.flags == FLAG_WRITE && msg.address == U(p), "a write is told as one");
	tap_is(ioctl(fd, ZEROPAGE, &zero), 0, "a page of zeros");
	pthread_join(thread, NULL);
	tap_ok(p[0] == 'w' && p[1] == 0, "is written");
	copy = (struct copy){ U(p), U(source), 2 * PAGE, 0, 0 };
	fails(ioctl(fd, COPY, &copy), EEXIST, "the first page decides");
	copy = (struct copy){ U(p + 2 * PAGE), U(source), 2 * PAGE, DONTWAKE, 0 };
	tap_is(ioctl(fd, COPY, &copy), 0, "two at once, before anybody asks");
	tap_ok(p[2 * PAGE] == 's' && p[4 * PAGE - 1] == 's', "are there");
	madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED);
	copy = (struct copy){ U(p + 3 * PAGE), 8, PAGE, 0, 0 };
	fails(ioctl(fd, COPY, &copy), EFAULT, "from nowhere");
	copy = (struct copy){ U(source), U(p), PAGE, 0, 0 };
	fails(ioctl(fd, COPY, &copy), ENOENT, "to what is not watched");
	copy = (struct copy){ U(p + 3 * PAGE), U(source), PAGE, 2, 0 };
	fails(ioctl(fd, COPY, &copy), EINVAL, "write-protected only where writes are watched");
	madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED);
	copy = (struct copy){ U(p + 3 * PAGE), U(source), PAGE, 0, 0 };
	tap_is(ioctl(fd, COPY, &copy), 0, "the last");
	copy = (struct copy){ U(p + 2 * PAGE), U(source), 2 * PAGE, 0, 0 };
	fails(ioctl(fd, COPY, &copy), EAGAIN, "one of two");
	tap_is(copy.done, PAGE, "was done");
	munmap(p, 4 * PAGE);
	close(fd);
}

static void test_wake_and_close(void)
{
	int fd = enabled_fd(0);
	char *p = map(2);
	struct touch t = { .address = p };
	struct fill zero = { { U(p), PAGE }, DONTWAKE, 0 };
	struct range range = { U(p), PAGE };
	struct msg msg = { 0 };
	pthread_t thread;

	watch(fd, p, 2 * PAGE, MISSING);
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg), "a fault");
	t.seen = 'x';
	tap_is(ioctl(fd, ZEROPAGE, &zero), 0, "a page without waking");
	sleep_ms(50);
	tap_is(t.seen, 'x', "the thread still sleeps");
	tap_is(ioctl(fd, WAKE, &range), 0, "woken");
	pthread_join(thread, NULL);
	tap_is(t.seen, 0, "goes on");
	t = (struct touch){ .address = p + PAGE };
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg), "another fault");
	close(fd);
	pthread_join(thread, NULL);
	tap_is(t.seen, 0, "when nobody watches any more, it is an ordinary one");
	munmap(p, 2 * PAGE);
}

static void test_kernel_faults(void)
{
	int fd = enabled_fd(0), pipes[2];
	char *p = map(2), *source = map(1), byte = 0;
	struct copy copy = { U(p), U(source), PAGE, 0, 0 };
	struct msg msg = { 0 };
	pid_t child;
	int status;

	source[0] = 'k';
	watch(fd, p, 2 * PAGE, MISSING);
	if (pipe(pipes))
		tap_diag("no pipe");
	fcntl(fd, F_SETFD, 0);
	child = fork();
	if (!child) {
		/* The parent's memory, by its monitor's leave: here the parent. */
		struct iovec mine = { &byte, 1 }, theirs = { p, 1 };

		_exit(process_vm_readv(getppid(), &mine, 1, &theirs, 1, 0) == 1 && byte == 'k' ? 0 : 1);
	}
	tap_ok(next_msg(fd, &msg) && msg.address == U(p), "the kernel's touch is told");
	tap_is(ioctl(fd, COPY, &copy), 0, "and served");
	waitpid(child, &status, 0);
	tap_is(status, 0, "the reader has got the byte");
	close(fd);
	fd = new_fd(USER_ONLY | O_NONBLOCK);
	tap_is(ioctl(fd, API, &(struct api){ 0xaa, 0, 0 }), 0, "one for user faults only");
	watch(fd, p, 2 * PAGE, MISSING);
	fails(write(pipes[1], p + PAGE, 1), EFAULT, "the kernel does not wait for it");
	close(fd);
	munmap(p, 2 * PAGE);
}

static void test_signals(void)
{
	int fd = enabled_fd(F_SIGBUS);
	char *p = map(2);
	struct fill poison = { { U(p), PAGE }, 0, 0 };

	catch_faults();
	watch(fd, p, 2 * PAGE, MISSING);
	tap_is(touch(p, 0), SIGBUS, "with the feature, missing pages are signals");
	tap_ok(fault_told.si_code == 2 && fault_told.si_addr == p, "of a bad address");
	if (ioctl(fd, POISON, &poison) && errno == EINVAL) {
		tap_ok(0, "pages can be declared lost");
	} else {
		tap_is(poison.done, PAGE, "a page is declared lost");
		tap_is(touch(p + 5, 0), SIGBUS, "its use is a signal");
		/* 2 on a Linux that was built without MEMORY_FAILURE. */
		tap_is(fault_told.si_code, 4, "that says so");
		fails(ioctl(fd, POISON, &poison), EEXIST, "once");
	}
	madvise(p, PAGE, MADV_DONTNEED);
	close(fd);
	tap_is(touch(p, 0), 0, "thrown away it is an ordinary page");
	munmap(p, 2 * PAGE);
	signal(SIGBUS, SIG_DFL);
}

static void child_writes(void *p)
{
	((char *)p)[0] = 'c';
}

static void test_write_protection(void)
{
	int fd = enabled_fd(0);
	char *p = map(2);
	struct touch t = { .address = p, .write = 'b' };
	struct msg msg = { 0 };
	pthread_t thread;

	memset(p, 'a', 2 * PAGE);
	fails(protect(fd, p, 2 * PAGE, 1), ENOENT, "only where it is registered");
	tap_is(watch(fd, p, 2 * PAGE, WP), 0, "writes are watched");
	fails(protect(fd, p, 2 * PAGE, 3), EINVAL, "protecting wakes nobody");
	tap_is(protect(fd, p, 2 * PAGE, 1), 0, "protected");
	tap_is(p[0], 'a', "reading is free");
	tap_is(mprotect(p, 2 * PAGE, PROT_READ), 0, "mprotect");
	tap_is(mprotect(p, 2 * PAGE, RW), 0, "and back does not lose it");
	tap_is(in_child(child_writes, p), 0, "a child is not watched");
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg) && msg.flags == (FLAG_WRITE | FLAG_WP) && msg.address == U(p), "a write is told");
	sleep_ms(20);
	tap_is(p[0], 'a', "and not done");
	tap_is(protect(fd, p, PAGE, 0), 0, "allowed");
	pthread_join(thread, NULL);
	tap_is(p[0], 'b', "it is done");
	p[1] = 'b';
	tap_is(ioctl(fd, UNREGISTER, &(struct range){ U(p), 2 * PAGE }), 0, "not watched any more");
	p[PAGE] = 'b';
	tap_is(p[PAGE], 'b', "the other page is free too");
	munmap(p, 2 * PAGE);
	close(fd);
}

static void test_objects(void)
{
	int fd = enabled_fd(0), memfd = (int)syscall(SYS_memfd_create, "uf", 0);
	char *p, *q, *source = map(1);
	struct copy copy;
	struct fill go_on;
	struct touch t;
	struct msg msg = { 0 };
	pthread_t thread;

	if (ftruncate(memfd, 4 * (long)PAGE))
		tap_diag("no room");
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, memfd, 0);
	q = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, memfd, 0);
	tap_is(watch(fd, p, 4 * PAGE, MISSING | MINOR), 0, "an object's missing and minor faults");
	memset(source, 'o', PAGE);
	t = (struct touch){ .address = p };
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg) && !msg.flags, "a hole is missing");
	copy = (struct copy){ U(p), U(source), PAGE, 0, 0 };
	tap_is(ioctl(fd, COPY, &copy), 0, "filled");
	pthread_join(thread, NULL);
	tap_ok(t.seen == 'o' && q[5] == 'o', "for all who show it");
	q[PAGE] = 'm';
	t = (struct touch){ .address = p + PAGE, .write = 'n' };
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg) && msg.flags == (FLAG_MINOR | FLAG_WRITE), "what is there is a minor fault");
	go_on = (struct fill){ { U(p + PAGE), PAGE }, 0, 0 };
	tap_is(ioctl(fd, CONTINUE, &go_on), 0, "go on");
	pthread_join(thread, NULL);
	tap_ok(go_on.done == (int64_t)PAGE && q[PAGE] == 'n', "with the page that is there");
	fails(ioctl(fd, CONTINUE, &go_on), EEXIST, "once");
	go_on = (struct fill){ { U(p + 2 * PAGE), PAGE }, 0, 0 };
	fails(ioctl(fd, CONTINUE, &go_on), EFAULT, "not with one that is missing");
	tap_is(ioctl(fd, ZEROPAGE, &go_on), 0, "which can be zeros");
	tap_ok(!p[2 * PAGE] && !q[2 * PAGE], "for all");
	q[3 * PAGE] = 'q';
	copy = (struct copy){ U(p + 3 * PAGE), U(source), PAGE, 0, 0 };
	fails(ioctl(fd, COPY, &copy), EEXIST, "what the object has is not replaced");
	munmap(p, 4 * PAGE);
	munmap(q, 4 * PAGE);
	close(memfd);
	close(fd);
}

/* Moved memory is not watched at its new place; what is left behind is. */
static void test_moves(void)
{
	int fd = enabled_fd(0);
	char *p = map(4), *moved;
	struct touch t;
	struct fill zero;
	struct msg msg = { 0 };
	pthread_t thread;

	memset(p, 1, 2 * PAGE);
	watch(fd, p, 4 * PAGE, MISSING);
	moved = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | 4);
	tap_ok(moved != MAP_FAILED && moved[0] == 1, "moved, and the old place kept");
	moved[3 * PAGE] = 2;
	tap_is(moved[3 * PAGE], 2, "the new place is not watched");
	t = (struct touch){ .address = p };
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg) && msg.address == U(p), "the old one is");
	zero = (struct fill){ { U(p), PAGE }, 0, 0 };
	tap_is(ioctl(fd, ZEROPAGE, &zero), 0, "served");
	pthread_join(thread, NULL);
	tap_is(t.seen, 0, "anew");
	munmap(p, 4 * PAGE);
	munmap(moved, 4 * PAGE);
	close(fd);
}

static void waits_for_ever(void *argument)
{
	(void)*(volatile char *)argument;
}

static void asks_for_itself(void *unused)
{
	int fd = enabled_fd(0);
	char *p = map(1);

	watch(fd, p, PAGE, MISSING);
	alarm(1);
	waits_for_ever(p);
	(void)unused;
}

/* Many threads on many pages, each page brought once. */
enum { THREADS = 4, PAGES = 64 };

static void *reads_all(void *argument)
{
	const char *p = argument;
	long wrong = 0;

	for (int i = 0; i < PAGES; i++)
		wrong += p[i * PAGE] != (char)(i + 1);
	return (void *)wrong;
}

static void *serves(void *argument)
{
	int fd = *(int *)argument;
	char *source = map(1);
	struct msg msg;

	while (next_msg(fd, &msg) && msg.event == 0x12) {
		char *base = *(char **)((int *)argument + 2);
		struct copy copy = { msg.address & -PAGE, U(source), PAGE, 0, 0 };

		memset(source, (int)((copy.dst - U(base)) / PAGE) + 1, PAGE);
		if (ioctl(fd, COPY, &copy) && errno == EEXIST)
			ioctl(fd, WAKE, &(struct range){ copy.dst, PAGE });
	}
	return NULL;
}

static void test_many(void)
{
	struct { int fd, pad; char *base; } monitor = { enabled_fd(0), 0, map(PAGES) };
	pthread_t server, threads[THREADS];
	long wrong = 0;
	void *result;

	watch(monitor.fd, monitor.base, PAGES * PAGE, MISSING);
	pthread_create(&server, NULL, serves, &monitor);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, reads_all, monitor.base);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		wrong += (long)result;
	}
	tap_is(wrong, 0, "every thread saw every page as it was brought");
	pthread_cancel(server);
	pthread_join(server, NULL);
	munmap(monitor.base, PAGES * PAGE);
	close(monitor.fd);
}

int main(void)
{
	tap_plan(0);
	test_creation();
	test_registration();
	test_missing();
	test_wake_and_close();
	test_kernel_faults();
	test_signals();
	test_write_protection();
	test_objects();
	test_moves();
	test_many();
	tap_is(in_child(asks_for_itself, NULL), 256 + SIGALRM, "a signal ends a thread that waits");
	return tap_done();
}
