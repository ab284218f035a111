/* SPDX-License-Identifier: MIT */
/* userwrites.c - watched writes to what is not there, to shared memory and without asking; pages shown and moved by a monitor. */
#include "faults.h"
#include "uffd.h"

static char *map_shared(size_t pages, int *memfd, int flags)
{
	*memfd = (int)syscall(SYS_memfd_create, "wp", 0);
	if (ftruncate(*memfd, (long)(pages * PAGE)))
		tap_diag("no room");
	return mmap(NULL, pages * PAGE, RW, flags, *memfd, 0);
}

/* A write that must be told as one to protected memory, and then is allowed. */
static int told_write(int fd, char *at)
{
	struct touch t = { .address = at, .write = 'w' };
	struct msg msg = { 0 };
	pthread_t thread;
	int told;

	pthread_create(&thread, NULL, touches, &t);
	told = next_msg(fd, &msg) && msg.event == E_FAULT && msg.flags == (FLAG_WRITE | FLAG_WP) && msg.address == U(at);
	if (!told)
		tap_diag("event %x, flags %llx", msg.event, (unsigned long long)msg.flags);
	protect(fd, at, PAGE, 0);
	ioctl(fd, WAKE, &(struct range){ U(at), PAGE });
	pthread_join(thread, NULL);
	return told && t.seen == 'w';
}

static void *writes(void *argument)
{
	*(volatile char *)argument = 'f';
	return NULL;
}

/* The same write is not told. */
static int free_write(int fd, char *at)
{
	struct msg msg;
	pthread_t thread;
	int told;

	pthread_create(&thread, NULL, writes, at);
	sleep_ms(10);
	told = read(fd, &msg, sizeof(msg)) > 0;
	if (told) {
		protect(fd, at, PAGE, 0);
		ioctl(fd, WAKE, &(struct range){ U(at), PAGE });
	}
	pthread_join(thread, NULL);
	return !told;
}

static void test_unpopulated(void)
{
	int fd = enabled_fd(0);
	char *p = map(4);

	watch(fd, p, 4 * PAGE, WP);
	tap_is(protect(fd, p, 4 * PAGE, 1), 0, "without the feature");
	tap_ok(free_write(fd, p), "what is not there is not protected");
	close(fd);
	fd = enabled_fd(F_WP_UNPOPULATED);
	watch(fd, p, 4 * PAGE, WP);
	tap_is(protect(fd, p, 4 * PAGE, 1), 0, "with it");
	tap_is(p[PAGE], 0, "reading is free");
	tap_ok(told_write(fd, p + PAGE), "a write after reading is told");
	tap_ok(told_write(fd, p + 2 * PAGE), "and one at first touch");
	tap_ok(free_write(fd, p + PAGE), "once allowed it is free");
	madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED);
	tap_ok(free_write(fd, p + 3 * PAGE), "what is thrown away is forgotten");
	protect(fd, p, PAGE, 1);
	madvise(p, PAGE, MADV_DONTNEED);
	tap_ok(free_write(fd, p), "a page, too");
	protect(fd, p + 2 * PAGE, PAGE, 1);
	madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED);
	protect(fd, p + 2 * PAGE, PAGE, 1);
	ioctl(fd, UNREGISTER, &(struct range){ U(p), 4 * PAGE });
	p[2 * PAGE] = 1;
	watch(fd, p, 4 * PAGE, WP);
	tap_ok(free_write(fd, p + 2 * PAGE), "nothing is left when it is not watched any more");
	close(fd);
	munmap(p, 4 * PAGE);
}

static void test_shared(int flags, const char *kind)
{
	int fd = enabled_fd(0), memfd;
	char *p = map_shared(4, &memfd, flags), *other = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, memfd, 0);

	tap_diag("%s mapping of an object", kind);
	memset(other, 'o', 2 * PAGE);
	if (flags == MAP_SHARED)
		p[0] = 'p';
	tap_is(watch(fd, p, 4 * PAGE, WP), 0, "writes are watched");
	tap_is(protect(fd, p, 4 * PAGE, 1), 0, "protected, there or not");
	other[1] = 'q';
	tap_ok(p[1] == 'q' && p[PAGE] == 'o', "reading is free, and writing elsewhere");
	tap_ok(told_write(fd, p), "a write to what was there");
	tap_ok(told_write(fd, p + PAGE), "to what was read");
	tap_ok(told_write(fd, p + 2 * PAGE), "to a hole");
	protect(fd, p, 4 * PAGE, 1);
	madvise(p, 2 * PAGE, MADV_DONTNEED);
	tap_ok(told_write(fd, p), "what is unmapped stays protected");
	tap_is(fallocate(memfd, 3, 0, 4 * (long)PAGE), 0, "a hole is punched");
	if (flags == MAP_SHARED)
		tap_ok(told_write(fd, p + PAGE) && p[PAGE + 1] == 0, "the hole stays protected");
	tap_ok(told_write(fd, p + 3 * PAGE), "and what never was");
	tap_ok(free_write(fd, p + 3 * PAGE), "until it is allowed");
	munmap(p, 4 * PAGE);
	munmap(other, 4 * PAGE);
	close(memfd);
	close(fd);
}

static unsigned long long pagemap_of(void *at)
{
	unsigned long long word = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pread(fd, &word, 8, (long)(U(at) / PAGE * 8)) != 8)
		tap_diag("no pagemap");
	close(fd);
	return word;
}

/* Bit 57: writes are watched. */
static int watched(void *at)
{
	return (int)(pagemap_of(at) >> 57 & 1);
}

static void test_async(void)
{
	int fd = enabled_fd(F_WP_ASYNC), memfd;
	char *p = map(3), *shared = map_shared(2, &memfd, MAP_SHARED);
	struct msg msg;

	p[0] = 1;
	tap_is(watch(fd, p, 3 * PAGE, WP), 0, "watched without asking");
	tap_is(protect(fd, p, 3 * PAGE, 1), 0, "protected");
	tap_ok(watched(p) && watched(p + PAGE), "as pagemap says");
	p[0] = 2;
	p[PAGE] = 2;
	tap_ok(p[0] == 2 && p[PAGE] == 2, "writes do not wait");
	tap_ok(!watched(p) && !watched(p + PAGE) && watched(p + 2 * PAGE), "and leave a trace");
	fails(read(fd, &msg, sizeof(msg)), EAGAIN, "nothing is told");
	shared[0] = 1;
	watch(fd, shared, 2 * PAGE, WP);
	protect(fd, shared, 2 * PAGE, 1);
	shared[PAGE] = 3;
	tap_ok(watched(shared) && !watched(shared + PAGE), "the same of shared memory");
	close(fd);
	close(memfd);
	tap_ok(!watched(p + 2 * PAGE) && !watched(shared), "forgotten with the monitor");
	munmap(p, 3 * PAGE);
	munmap(shared, 2 * PAGE);
}

static void test_continue(void)
{
	int fd = enabled_fd(F_POISON), memfd;
	char *p = map_shared(4, &memfd, MAP_SHARED), *other = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, memfd, 0), *mine, *source = map(1);
	struct fill fill = { { U(p), PAGE }, FILL_WP, 0 };
	struct copy copy = { U(p + 2 * PAGE), U(source), PAGE, FILL_WP, 0 };
	struct touch t;
	struct msg msg = { 0 };
	pthread_t thread;

	memset(other, 'c', 2 * PAGE);
	watch(fd, p, 4 * PAGE, MINOR | MISSING);
	fails(ioctl(fd, CONTINUE, &fill), EINVAL, "protected only where writes are watched");
	watch(fd, p, 4 * PAGE, MINOR | MISSING | WP);
	fill.mode = 4;
	fails(ioctl(fd, CONTINUE, &fill), EINVAL, "an unknown mode");
	fill.mode = FILL_WP;
	tap_is(ioctl(fd, CONTINUE, &fill), 0, "the object's page, protected");
	tap_is(p[0], 'c', "is read");
	tap_ok(told_write(fd, p) && other[0] == 'w', "and its write told");
	tap_is(ioctl(fd, COPY, &copy), 0, "a new page, protected");
	tap_ok(told_write(fd, p + 2 * PAGE) && other[2 * PAGE] == 'w', "as well");
	protect(fd, p + PAGE, PAGE, 1);
	t = (struct touch){ .address = p + PAGE };
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg) && msg.flags == FLAG_MINOR, "what is only marked is a minor fault");
	fill = (struct fill){ { U(p + PAGE), PAGE }, 0, 0 };
	tap_is(ioctl(fd, CONTINUE, &fill), 0, "that a page may answer");
	pthread_join(thread, NULL);
	tap_ok(free_write(fd, p + PAGE), "without protection");
	tap_is(ftruncate(memfd, 3 * (long)PAGE), 0, "cut off");
	copy = (struct copy){ U(p + 3 * PAGE), U(source), PAGE, 0, 0 };
	fails(ioctl(fd, COPY, &copy), EFAULT, "nothing goes behind the end");

	mine = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, memfd, 0);
	watch(fd, mine, 2 * PAGE, MINOR);
	fill = (struct fill){ { U(mine), PAGE }, 0, 0 };
	tap_is(ioctl(fd, CONTINUE, &fill), 0, "a private mapping goes on");
	mine[0] = 'x';
	tap_ok(mine[0] == 'x' && other[0] == 'w', "with a copy of its own");
	munmap(mine, 2 * PAGE);
	munmap(p, 4 * PAGE);
	munmap(other, 4 * PAGE);
	munmap(source, PAGE);
	close(memfd);
	close(fd);
}

static void test_poison(void)
{
	int fd = enabled_fd(F_POISON), memfd;
	char *p = map_shared(2, &memfd, MAP_SHARED), *other = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, memfd, 0);
	struct fill fill = { { U(p), PAGE }, 0, 0 };

	catch_faults();
	other[0] = 'o';
	watch(fd, p, 2 * PAGE, MISSING);
	tap_is(ioctl(fd, POISON, &fill), 0, "a page of an object is declared lost");
	tap_is(touch(p, 0), SIGBUS, "here");
	tap_is(touch(other, 0), 0, "not elsewhere");
	tap_is(fallocate(memfd, 3, 0, (long)PAGE), 0, "a hole in the object");
	tap_is(touch(p, 0), SIGBUS, "does not bring it back");
	tap_is(madvise(p, PAGE, MADV_DONTNEED), 0, "throwing it away does");
	other[0] = 'n';
	tap_ok(!touch(p, 0) && p[0] == 'n', "so that it shows the object again");
	signal(SIGBUS, SIG_DFL);
	munmap(p, 2 * PAGE);
	munmap(other, 2 * PAGE);
	close(memfd);
	close(fd);
}

static int mappings_of(char *start, size_t len)
{
	unsigned long from, to;
	char line[512];
	int nr = 0;
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from < U(start) + len && to > U(start))
			nr++;
	if (maps)
		fclose(maps);
	return nr;
}

static void test_merging(void)
{
	int fd = enabled_fd(0), other = enabled_fd(0);
	/* A frame that nothing merges with. */
	char *frame = mmap(NULL, 6 * PAGE, PROT_NONE, ANON, -1, 0), *p = frame + PAGE;

	mprotect(p, 4 * PAGE, RW);
	watch(fd, p, PAGE, MISSING);
	watch(fd, p + 2 * PAGE, 2 * PAGE, MISSING);
	tap_is(mappings_of(p, 4 * PAGE), 3, "watched and not");
	watch(fd, p + PAGE, PAGE, MISSING);
	tap_is(mappings_of(p, 4 * PAGE), 1, "neighbours of one monitor are one");
	watch(fd, p + PAGE, PAGE, MISSING | WP);
	tap_is(mappings_of(p, 4 * PAGE), 3, "not with other modes");
	watch(fd, p + PAGE, PAGE, MISSING);
	tap_is(mappings_of(p, 4 * PAGE), 3, "who asks for less gets no less");
	watch(fd, p, 4 * PAGE, MISSING | WP);
	tap_is(mappings_of(p, 4 * PAGE), 1, "all with the same are one again");
	ioctl(fd, UNREGISTER, &(struct range){ U(p), 2 * PAGE });
	tap_is(mappings_of(p, 4 * PAGE), 2, "half not watched");
	watch(other, p, 2 * PAGE, MISSING);
	tap_is(mappings_of(p, 4 * PAGE), 2, "another monitor's stay apart");
	mprotect(p + 2 * PAGE, PAGE, PROT_READ);
	mprotect(p + 2 * PAGE, PAGE, RW);
	tap_is(mappings_of(p, 4 * PAGE), 2, "rights do not part them for good");
	close(other);
	close(fd);
	munmap(frame, 6 * PAGE);
}

static int move(int fd, char *dst, char *src, size_t len, uint64_t mode, int64_t *done)
{
	struct copy request = { U(dst), U(src), len, mode, 0 };
	int result = ioctl(fd, MOVE, &request);

	*done = request.done;
	return result;
}

static void test_move(void)
{
	int fd = enabled_fd(0), memfd;
	char *p = map(4), *src = map(4), *readonly = map(1), *shared = map_shared(1, &memfd, MAP_SHARED);
	struct touch t = { .address = p };
	struct msg msg;
	pthread_t thread;
	unsigned long long frame;
	int64_t done;
	pid_t child;

	memset(src, 'm', 2 * PAGE);
	frame = pagemap_of(src) & ((1ull << 55) - 1);
	watch(fd, p, 4 * PAGE, MISSING);
	pthread_create(&thread, NULL, touches, &t);
	tap_ok(next_msg(fd, &msg), "a fault");
	tap_is(move(fd, p, src, PAGE, 0, &done), 0, "a page moves there");
	pthread_join(thread, NULL);
	tap_ok(done == (int64_t)PAGE && t.seen == 'm', "and is seen");
	tap_is((long)(pagemap_of(p) & ((1ull << 55) - 1)), (long)frame, "itself");
	tap_is(src[0], 0, "what it left is empty");
	p[0] = 'n';
	tap_is(p[0], 'n', "it can be written");
	fails(move(fd, p, src + PAGE, PAGE, 0, &done), EEXIST, "not where one is");
	fails(move(fd, p + PAGE, src + 3 * PAGE, PAGE, 0, &done), ENOENT, "a hole");
	tap_is(done, -ENOENT, "as the request says");
	tap_is(move(fd, p + PAGE, src + 3 * PAGE, PAGE, 2, &done), 0, "unless holes are allowed");
	fails(move(fd, p + PAGE, src + PAGE, 3 * PAGE, 0, &done), EAGAIN, "the second of three");
	tap_ok(done == (int64_t)PAGE && p[PAGE] == 'm', "after the first");
	tap_ok(src[0] == 0 && !move(fd, p + 2 * PAGE, src, PAGE, 0, &done) && p[2 * PAGE] == 0, "the page of zeros");
	src[0] = 'b';
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	fails(move(fd, p + 3 * PAGE, src, PAGE, 0, &done), EBUSY, "a shared page");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	src[0] = 'c';
	tap_is(move(fd, p + 3 * PAGE, src, PAGE, 0, &done), 0, "one's own again");
	fails(move(fd, src, p, PAGE, 0, &done), EINVAL, "to what is not watched");
	fails(move(fd, p, src, PAGE, 4, &done), EINVAL, "an unknown mode");
	fails(move(fd, p, shared, PAGE, 0, &done), EINVAL, "from shared memory");
	mprotect(readonly, PAGE, PROT_READ);
	fails(move(fd, p, readonly, PAGE, 0, &done), EINVAL, "from other rights");
	fails(move(fd, p, src, 8 * PAGE, 0, &done), EINVAL, "more than there is");
	fails(move(fd, p, (char *)(PAGE * 1000), PAGE, 0, &done), ENOENT, "from nowhere");
	close(fd);
	close(memfd);
	munmap(p, 4 * PAGE);
	munmap(src, 4 * PAGE);
	munmap(shared, PAGE);
	munmap(readonly, PAGE);
}

int main(void)
{
	tap_plan(0);
	test_unpopulated();
	test_shared(MAP_SHARED, "a shared");
	test_shared(MAP_PRIVATE, "a private");
	test_async();
	test_continue();
	test_poison();
	test_merging();
	test_move();
	return tap_done();
}
