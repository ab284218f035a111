/* SPDX-License-Identifier: MIT */
/* memory.c - what programs may expect of mmap and its family. */
#include "faults.h"

#include <sys/resource.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static char *map(size_t length)
{
	return mmap(NULL, length, RW, ANON, -1, 0);
}

static int all_are(const char *bytes, size_t length, char value)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != value)
			return 0;
	return 1;
}

static void test_mmap(void)
{
	char *area = map(16 * PAGE);

	tap_ok(area != MAP_FAILED && !((uintptr_t)area & (PAGE - 1)), "mmap gives whole pages");
	tap_ok(all_are(area, 16 * PAGE, 0), "full of zeros");
	memset(area, 7, 16 * PAGE);
	tap_is(munmap(area + 4 * PAGE, 2 * PAGE), 0, "a hole can be cut");
	tap_is(touch(area + 4 * PAGE, 0), SIGSEGV, "nothing is left in it");
	tap_is(area[3 * PAGE] + area[6 * PAGE], 14, "its neighbours stay");
	tap_ok(mmap(area + 4 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == area + 4 * PAGE,
	       "MAP_FIXED fills it");
	tap_ok(all_are(area + 4 * PAGE, 2 * PAGE, 0), "with zeros");
	fails(mmap(area, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST,
	      "MAP_FIXED_NOREPLACE replaces nothing");
	tap_ok(mmap(area, PAGE, RW, ANON | MAP_FIXED, -1, 0) == area && area[0] == 0,
	       "MAP_FIXED does");
	tap_is(munmap(area, 16 * PAGE), 0, "one munmap takes many mappings");
	tap_is(munmap(area, 16 * PAGE), 0, "and none");
}

static void test_mmap_errors(void)
{
	fails(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL, "no length");
	fails(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL, "neither private nor shared");
	fails(mmap((void *)1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL, "an odd fixed address");
	fails(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF, "no file");
	fails(mmap(NULL, PAGE, RW, MAP_PRIVATE, 0, 17), EINVAL, "an odd offset");
	fails(mmap(NULL, 1UL << 60, RW, ANON, -1, 0), ENOMEM, "more than there are addresses");
	fails(mmap((void *)(1UL << 57), PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM,
	      "a place beyond the end");
	fails(munmap((void *)1, PAGE), EINVAL, "munmap of an odd address");
	fails(munmap((void *)PAGE, 0), EINVAL, "munmap of nothing");
	fails(munmap((void *)(1UL << 60), PAGE), EINVAL, "munmap beyond the end");
}

static void test_mprotect(void)
{
	char *area = map(3 * PAGE);

	area[PAGE] = 5;
	tap_is(mprotect(area + PAGE, PAGE, PROT_READ), 0, "a page becomes read-only");
	tap_is(touch(area + PAGE, 1), SIGSEGV, "a write to it faults");
	tap_is(touch(area, 1) + touch(area + 2 * PAGE, 1), 0, "one beside it does not");
	tap_is(mprotect(area + PAGE, PAGE, PROT_NONE), 0, "it becomes untouchable");
	tap_is(touch(area + PAGE, 0), SIGSEGV, "even a read faults");
	tap_is(mprotect(area, 3 * PAGE, RW), 0, "all can be written again");
	tap_is(area[PAGE], 5, "what was in it is still there");
	munmap(area + PAGE, PAGE);
	fails(mprotect(area, 3 * PAGE, PROT_READ), ENOMEM, "a hole is an error");
	tap_is(touch(area, 1), SIGSEGV, "after the pages before it have changed");
	fails(syscall(SYS_mprotect, area + 1, PAGE, RW), EINVAL, "an odd address is one as well");
	munmap(area, 3 * PAGE);
}

static void test_no_execute(void)
{
	char *area = map(PAGE);

	area[0] = (char)0xc3;
	tap_is(run_at(area), SIGSEGV, "data cannot be executed");
	mprotect(area, PAGE, PROT_READ | PROT_EXEC);
	tap_is(run_at(area), 0, "until PROT_EXEC says so");
	munmap(area, PAGE);
}

static void test_mremap(void)
{
	char *area = map(8 * PAGE), *moved, *fixed;

	memset(area, 3, 4 * PAGE);
	tap_is(munmap(area + 4 * PAGE, 4 * PAGE), 0, "room behind a mapping");
	moved = mremap(area, 4 * PAGE, 6 * PAGE, 0);
	tap_ok(moved == area, "lets it grow in place");
	tap_ok(all_are(area, 4 * PAGE, 3) && all_are(area + 4 * PAGE, 2 * PAGE, 0), "with zeros");
	tap_ok(mremap(area, 6 * PAGE, 2 * PAGE, 0) == area, "it shrinks");
	tap_is(touch(area + 2 * PAGE, 0), SIGSEGV, "and the rest is gone");
	moved = mremap(area, 2 * PAGE, 4096 * PAGE, MREMAP_MAYMOVE);
	tap_ok(moved != MAP_FAILED && all_are(moved, 2 * PAGE, 3), "it may move to grow");
	if (moved != area)
		tap_is(touch(area, 0), SIGSEGV, "the old place is empty then");
	fixed = map(4 * PAGE);
	tap_ok(mremap(moved, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, fixed) == fixed,
	       "it moves to a given place");
	tap_ok(all_are(fixed, 2 * PAGE, 3), "with what is in it");
	fails(mremap((void *)0x10000, PAGE, 2 * PAGE, 0), EFAULT, "nothing there to grow");
	fails(mremap(fixed, PAGE, 0, 0), EINVAL, "nothing cannot be the new size");
	munmap(fixed, 4 * PAGE);
	munmap(moved, 4096 * PAGE);
}

static void test_brk(void)
{
	char *begin = sbrk(0), *old;

	begin = (char *)syscall(SYS_brk, 0);
	old = begin;
	tap_ok((char *)syscall(SYS_brk, begin + 64 * PAGE) == begin + 64 * PAGE, "the heap grows");
	memset(begin, 9, 64 * PAGE);
	tap_ok((char *)syscall(SYS_brk, begin + PAGE) == begin + PAGE, "and shrinks");
	syscall(SYS_brk, begin + 2 * PAGE);
	tap_ok(!((uintptr_t)begin & (PAGE - 1)) ? all_are(begin + PAGE, PAGE, 0) : 1,
	       "what comes back is zero");
	tap_ok((char *)syscall(SYS_brk, -1L) == begin + 2 * PAGE, "an impossible end changes nothing");
	syscall(SYS_brk, old);
}

static void test_advice(void)
{
	unsigned char vec[4];
	char *area = map(4 * PAGE);

	memset(area, 1, 4 * PAGE);
	tap_is(madvise(area, 2 * PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
	tap_ok(all_are(area, 2 * PAGE, 0), "turns private pages to zeros");
	tap_ok(all_are(area + 2 * PAGE, 2 * PAGE, 1), "and only those");
	madvise(area + PAGE, PAGE, MADV_DONTNEED);
	tap_is(mincore(area, 4 * PAGE, vec), 0, "mincore");
	tap_ok((vec[0] & 1) && !(vec[1] & 1) && (vec[2] & 1), "tells which pages are there");
	fails(madvise(area, PAGE, 4711), EINVAL, "no such advice");
	munmap(area, 4 * PAGE);
	fails(madvise(area, PAGE, MADV_DONTNEED), ENOMEM, "nor about nothing");
	fails(mincore(area, PAGE, vec), ENOMEM, "mincore of nothing");
}

static void test_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *shared, *private, byte = 0;

	tap_is(ftruncate(fd, 3 * PAGE), 0, "a file of three pages in %s", path);
	tap_is(pwrite(fd, "hello", 5, PAGE), 5, "with something in it");
	shared = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	private = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
	tap_ok(!memcmp(shared + PAGE, "hello", 5), "is seen through a shared mapping");
	tap_ok(!memcmp(private + PAGE, "hello", 5), "and a private one");
	shared[PAGE] = 'j';
	tap_ok(pread(fd, &byte, 1, PAGE) == 1 && byte == 'j', "a store is seen by read");
	tap_is(private[PAGE], 'j', "and by the private mapping, as long as it is clean");
	private[PAGE + 1] = 'u';
	tap_is(shared[PAGE + 1], 'e', "what is stored there stays there");
	shared[PAGE + 2] = 'X';
	tap_is(private[PAGE + 2], 'l', "and cuts it off from the file");
	tap_is(pwrite(fd, "Q", 1, 0), 1, "write");
	tap_is(shared[0], 'Q', "is seen by a mapping");
	tap_is(msync(shared, 3 * PAGE, MS_SYNC), 0, "msync");
	tap_is(ftruncate(fd, PAGE), 0, "when the file shrinks");
	tap_is(touch(shared + PAGE, 0), SIGBUS, "its pages give SIGBUS");
	tap_is(touch(private + 2 * PAGE, 0), SIGBUS, "in a private mapping too");
	tap_is(touch(shared, 0), 0, "those before the end do not");
	close(fd);
	tap_is(shared[0], 'Q', "a mapping outlives the descriptor");
	unlink(path);
	tap_is(shared[0], 'Q', "and the name");
	munmap(shared, 3 * PAGE);
	munmap(private, 3 * PAGE);
}

/* A file of which nothing is cached still takes the private copies of its pages with it when it shrinks. */
static void test_private_copy_goes(void)
{
	int fd = open("/tmp/holes", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *copy;

	if (ftruncate(fd, 2 * PAGE))
		return;
	copy = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	copy[0] = copy[PAGE] = 'c';
	tap_is(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * PAGE), 0, "a hole in a file");
	tap_is(copy[PAGE], 'c', "leaves private copies");
	tap_is(ftruncate(fd, PAGE), 0, "its end");
	tap_is(touch(copy + PAGE, 0), SIGBUS, "takes those behind it");
	tap_is(copy[0], 'c', "and no others");
	close(fd);
	unlink("/tmp/holes");
	munmap(copy, 2 * PAGE);
}

static void test_file_errors(void)
{
	int fd = open("/bin/busybox", O_RDONLY);

	if (fd < 0)
		return;
	fails(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EACCES, "no shared writes to a read-only file");
	close(fd);
}

static char *family;

static void check_and_change(void *argument)
{
	(void)argument;
	if (!all_are(family, 64 * PAGE, 4))
		_exit(1);
	memset(family, 5, 64 * PAGE);
	_exit(all_are(family, 64 * PAGE, 5) ? 0 : 2);
}

static void test_fork(void)
{
	char *shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	family = map(64 * PAGE);
	memset(family, 4, 64 * PAGE);
	tap_is(in_child(check_and_change, NULL), 0, "a child has a copy and changes it");
	tap_ok(all_are(family, 64 * PAGE, 4), "its parent does not see that");
	child = fork();
	if (!child) {
		sleep_ms(100);
		shared[0] = 7;
		_exit(all_are(family, 64 * PAGE, 4) ? 0 : 1);
	}
	memset(family, 6, 64 * PAGE);
	waitpid(child, &(int){ 0 }, 0);
	tap_is(shared[0], 7, "shared memory is shared");
	tap_ok(all_are(family, 64 * PAGE, 6), "a parent may write first");
	munmap(family, 64 * PAGE);
	munmap(shared, PAGE);
}

static int depth(int left)
{
	volatile char here[PAGE];

	here[0] = (char)left;
	here[PAGE - 1] = 1;
	return left ? depth(left - 1) + here[PAGE - 1] : 0;
}

static void test_stack(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_STACK, &limit);
	tap_is(limit.rlim_cur, 8UL << 20, "the stack may grow to 8 MiB");
	tap_is(depth(1500), 1500, "and grows to 6 as it is used");
}

static void test_limit(void)
{
	struct rlimit old, tight;

	getrlimit(RLIMIT_AS, &old);
	tight = old;
	tight.rlim_cur = 64UL << 20;
	setrlimit(RLIMIT_AS, &tight);
	fails(mmap(NULL, 128UL << 20, RW, ANON, -1, 0), ENOMEM, "RLIMIT_AS holds");
	setrlimit(RLIMIT_AS, &old);
}

static void test_many_mappings(void)
{
	char *area = map(2000 * PAGE);
	int wrong = 0;

	for (int i = 0; i < 2000; i += 2)
		wrong += mprotect(area + i * PAGE, PAGE, PROT_READ) != 0;
	tap_is(wrong, 0, "a mapping splits into 2000");
	for (int i = 0; i < 2000; i++)
		wrong += touch(area + i * PAGE, 1) != (i % 2 ? 0 : SIGSEGV);
	tap_is(wrong, 0, "each with its own rights");
	tap_is(mprotect(area, 2000 * PAGE, RW), 0, "which merge again");
	memset(area, 1, 2000 * PAGE);
	tap_is(munmap(area, 2000 * PAGE), 0, "and go");
}

int main(void)
{
	tap_plan(0);
	catch_faults();
	test_mmap();
	test_mmap_errors();
	test_mprotect();
	test_no_execute();
	test_mremap();
	test_brk();
	test_advice();
	test_file("/tmp/memory-test");
	test_private_copy_goes();
	test_file("/dev/shm/memory-test");
	test_file_errors();
	test_fork();
	test_stack();
	test_limit();
	test_many_mappings();
	return tap_done();
}
