/* SPDX-License-Identifier: MIT */
/* corners.c - the rare flags, errors and effects of the calls about memory; run on Linux it says the same. */
#include "faults.h"

#include <sys/uio.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif
#define DONTUNMAP 4
#define NR_PROCESS_MADVISE 440
enum { FREE = 8, REMOVE, WIPEONFORK = 18, COLD = 20, PAGEOUT, POPULATE_READ, POPULATE_WRITE, DONTNEED_LOCKED };

static char *map(size_t pages, int prot, int flags)
{
	return mmap(NULL, pages * PAGE, prot, flags, -1, 0);
}

static int present(char *p)
{
	unsigned char byte = 9;

	mincore(p, PAGE, &byte);
	return byte & 1;
}

static int memory_file(size_t pages)
{
	int fd = (int)syscall(SYS_memfd_create, "corners", 0);

	if (ftruncate(fd, (off_t)(pages * PAGE)))
		tap_diag("no memfd");
	return fd;
}

static void test_mmap(void)
{
	int fd = memory_file(4), directory = open("/", O_RDONLY), ends[2], write_only;
	char *p;

	fails(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0), EOPNOTSUPP, "MAP_SYNC wants persistent memory");
	fails(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x400000, fd, 0), EOPNOTSUPP, "an unknown flag is refused where asked");
	p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_SYNC, fd, 0);
	tap_ok(p != MAP_FAILED, "and ignored elsewhere");
	munmap(p, PAGE);
	fails(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL, "anonymous memory is not validated");
	fails(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_GROWSDOWN, fd, 0), EINVAL, "no file grows down");
	fails(map(1, RW, SHARED | MAP_GROWSDOWN), EINVAL, "nor what is shared");
	fails(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0), ENODEV, "a directory");
	tap_is(pipe(ends), 0, "a pipe");
	fails(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV, "cannot be mapped");
	fails(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[1], 0), EACCES, "one that cannot be read even less");
	fails(syscall(SYS_mmap, NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0x7ffffffffffff000), EOVERFLOW, "beyond the largest file");
	write_only = open("/dev/zero", O_WRONLY);
	fails(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, write_only, 0), EACCES, "what cannot be read");
	fails(map(512, RW, ANON | MAP_HUGETLB | (17 << 26)), EINVAL, "huge pages of no known size");
	fails(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_HUGETLB, fd, 0), EINVAL, "of a file that has none");
	p = map(4, RW, ANON | MAP_32BIT);
	tap_ok(p != MAP_FAILED && (uintptr_t)p + 4 * PAGE <= 1UL << 31, "MAP_32BIT stays below 2 GiB");
	munmap(p, 4 * PAGE);
	p = map(4, RW, ANON | MAP_POPULATE);
	tap_ok(present(p) && present(p + 3 * PAGE), "MAP_POPULATE");
	munmap(p, 4 * PAGE);
	p = map(4, RW, ANON | MAP_POPULATE | MAP_NONBLOCK);
	tap_ok(!present(p) && !present(p + 3 * PAGE), "MAP_NONBLOCK takes it back");
	munmap(p, 4 * PAGE);
	close(fd);
	close(directory);
	close(ends[0]);
	close(ends[1]);
	close(write_only);
}

/* A mapping that grows down, with room below it. */
static void test_grows_down(void)
{
	char *room = map(1024, PROT_NONE, ANON), *p, *file;
	int fd = memory_file(1);

	munmap(room, 1024 * PAGE);
	p = mmap(room + 1020 * PAGE, 4 * PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	tap_ok(p == room + 1020 * PAGE, "a mapping that grows down");
	tap_is(touch(p - 1, 1), 0, "grows when it is touched below");
	tap_is(touch(p - 100 * PAGE, 1), 0, "also far below");
	tap_is(mprotect(p + PAGE, PAGE, PROT_READ | PROT_GROWSDOWN), 0, "rights from a page down");
	tap_is(touch(p - PAGE, 1), SIGSEGV, "reach to its lower end");
	tap_is(fault_told.si_code, SEGV_ACCERR, "as rights do");
	tap_is(touch(p + 2 * PAGE, 1), 0, "and not above");
	fails(mprotect(p, PAGE, RW | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL, "both ways");
	fails(mprotect(p, PAGE, RW | PROT_GROWSUP), EINVAL, "it does not grow up");
	munmap(room + 600 * PAGE, 424 * PAGE);
	file = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	fails(mprotect(file, PAGE, RW | PROT_GROWSDOWN), EINVAL, "a file does not grow down");
	munmap(file, PAGE);
	fails(mprotect(file, PAGE, RW | PROT_GROWSDOWN), ENOMEM, "nor what is not there");
	close(fd);
}

static void test_mremap(void)
{
	char *p = map(8, RW, ANON), *q, *shared = map(4, RW, SHARED);

	mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ);
	fails(mremap(p, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE), EFAULT, "two mappings do not grow as one");
	fails(mremap(p + 1, PAGE, PAGE, 0), EINVAL, "not aligned");
	fails(mremap(p, PAGE, PAGE, 8), EINVAL, "no such flag");
	fails(mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 6 * PAGE), EINVAL, "fixed wants to move");
	fails(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | DONTUNMAP), EINVAL, "what stays keeps its length");
	fails(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), EINVAL, "over itself");
	fails(mremap(p, 0, PAGE, MREMAP_MAYMOVE), EINVAL, "private memory is not shown twice");
	tap_ok(mremap(p, 8 * PAGE, 2 * PAGE, 0) == p && touch(p + 2 * PAGE, 0) == SIGSEGV, "but both shrink as one");
	shared[0] = 's';
	q = mremap(shared, 0, 4 * PAGE, MREMAP_MAYMOVE);
	tap_ok(q != MAP_FAILED && q != shared && q[0] == 's', "shared memory is");
	q[1] = 't';
	tap_is(shared[1], 't', "as the same");
	munmap(q, 4 * PAGE);
	p[0] = 'x';
	q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | DONTUNMAP);
	tap_ok(q != MAP_FAILED && q[0] == 'x' && p[0] == 0, "DONTUNMAP leaves an empty place");
	munmap(q, 2 * PAGE);
	munmap(p, 2 * PAGE);
	munmap(shared, 4 * PAGE);
}

static void test_msync(void)
{
	int fd = memory_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	fails(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL, "both ways");
	fails(msync(p, PAGE, 8), EINVAL, "no such flag");
	fails(msync(p + 1, PAGE, MS_SYNC), EINVAL, "not aligned");
	fails(msync(p, 0UL - PAGE, MS_SYNC), ENOMEM, "round the end");
	tap_is(msync(p, 0, MS_SYNC), 0, "nothing");
	tap_is(msync(p, PAGE, 0), 0, "no way at all");
	tap_is(msync(p, 4 * PAGE, MS_INVALIDATE), 0, "invalidate");
	mlock(p + PAGE, PAGE);
	fails(msync(p, 4 * PAGE, MS_INVALIDATE), EBUSY, "not what is locked");
	tap_is(msync(p, PAGE, MS_INVALIDATE | MS_SYNC), 0, "but what is not");
	munmap(p + 2 * PAGE, PAGE);
	fails(msync(p, 4 * PAGE, MS_SYNC), ENOMEM, "a hole");
	fails(msync(p, 4 * PAGE, MS_ASYNC), ENOMEM, "either way");
	munmap(p, 4 * PAGE);
	close(fd);
}

static void test_advice(void)
{
	int fd = memory_file(4);
	char *p = map(4, RW, ANON), *shared = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0), *readable;

	memset(shared, 's', 4 * PAGE);
	tap_is(madvise(shared + PAGE, PAGE, REMOVE), 0, "a hole in an object");
	tap_ok(shared[PAGE] == 0 && shared[0] == 's' && shared[2 * PAGE] == 's', "is empty");
	fails(madvise(p, PAGE, REMOVE), EINVAL, "no object");
	readable = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("/proc/self/exe", O_RDONLY), 0);
	fails(madvise(readable, PAGE, REMOVE), EACCES, "not writable");
	munmap(readable, PAGE);
	readable = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	fails(madvise(readable, PAGE, REMOVE), EACCES, "private");
	munmap(readable, PAGE);
	mlock(shared, PAGE);
	fails(madvise(shared, PAGE, REMOVE), EINVAL, "locked");
	fails(madvise(shared, PAGE, MADV_DONTNEED), EINVAL, "locked memory is needed");
	tap_is(madvise(shared, PAGE, DONTNEED_LOCKED), 0, "unless said otherwise");
	fails(madvise(shared, PAGE, COLD), EINVAL, "nor is it cold");
	fails(madvise(shared, PAGE, PAGEOUT), EINVAL, "nor goes out");
	fails(madvise(shared, PAGE, WIPEONFORK), EINVAL, "shared memory is not wiped");
	tap_is(madvise(p, 4 * PAGE, POPULATE_READ), 0, "populated for reading");
	tap_ok(present(p) && present(p + 3 * PAGE), "is there");
	tap_is(madvise(p, 4 * PAGE, POPULATE_WRITE), 0, "and for writing");
	mprotect(p, PAGE, PROT_READ);
	fails(madvise(p, PAGE, POPULATE_WRITE), EINVAL, "what cannot be written");
	mprotect(p, PAGE, PROT_NONE);
	fails(madvise(p, PAGE, POPULATE_READ), EINVAL, "or read");
	munmap(p + 2 * PAGE, PAGE);
	fails(madvise(p + PAGE, 3 * PAGE, POPULATE_READ), ENOMEM, "a hole");
	fails(madvise(p + PAGE, 3 * PAGE, MADV_WILLNEED), ENOMEM, "told of for other advice");
	p[3 * PAGE] = 1;
	fails(madvise(p + PAGE, 3 * PAGE, MADV_DONTNEED), ENOMEM, "at the end");
	tap_is(p[3 * PAGE], 0, "of the work");
	if (ftruncate(fd, (off_t)PAGE))
		tap_diag("not truncated");
	fails(madvise(shared + 2 * PAGE, PAGE, POPULATE_READ), EFAULT, "behind the end of an object");
	fails(madvise(p + 1, PAGE, MADV_NORMAL), EINVAL, "not aligned");
	fails(madvise(p, 0UL - PAGE, MADV_NORMAL), EINVAL, "round the end");
	fails(madvise(p, PAGE, 5), EINVAL, "no such advice");
	tap_is(madvise(p, 0, MADV_DONTNEED), 0, "about nothing");
	fails(madvise(p, 0, 5), EINVAL, "but not of any kind");
	munmap(p, 4 * PAGE);
	munmap(shared, 4 * PAGE);
	close(fd);
}

/* Cached pages are the business of who owns or may write the file. */
static void spies(void *path)
{
	int fd = open(path, O_RDONLY);
	char *p;

	if (setgid(1000) || setuid(1000))
		_exit(100);
	p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	_exit(p == MAP_FAILED ? 1 : !present(p + 3 * PAGE));
}

static void test_mincore(void)
{
	static const char path[] = "/dev/shm/corners-file", other[] = "/corners-file";
	const char *used = path;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	unsigned char vec[2];
	char *p;

	if (fd < 0)
		fd = open(used = other, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (ftruncate(fd, 4 * (off_t)PAGE))
		tap_diag("no file");
	p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	tap_is(present(p + 3 * PAGE), 0, "the owner learns that nothing is cached");
	tap_is(in_child(spies, (void *)used), 0, "others are told that all is");
	fails(mincore(p + 1, PAGE, vec), EINVAL, "not aligned");
	fails(mincore(p, PAGE, (void *)8), EFAULT, "nowhere to tell");
	fails(mincore(p, 0UL - PAGE, vec), ENOMEM, "more than there is");
	tap_is(mincore(p, 0, vec), 0, "about nothing");
	munmap(p + PAGE, PAGE);
	fails(mincore(p, 2 * PAGE, vec), ENOMEM, "a hole");
	munmap(p, 4 * PAGE);
	close(fd);
	unlink(used);
}

static void test_process_vm(void)
{
	char *p = map(4, RW, ANON), here[64];
	struct iovec mine = { here, 8 }, theirs = { p, 8 }, many[2] = { { p, 4 }, { p + 2 * PAGE, 4 } };
	struct iovec across = { p + PAGE - 4, 8 }, two[2] = { { here, 3 }, { here + 8, 5 } };
	pid_t self = getpid();

	memcpy(p, "01234567", 8);
	memcpy(p + 2 * PAGE, "abcdefgh", 8);
	tap_is(process_vm_readv(self, &mine, 1, &theirs, 1, 0), 8, "read");
	tap_ok(!memcmp(here, "01234567", 8), "as it is");
	tap_is(process_vm_readv(self, two, 2, many, 2, 0), 8, "pieces of other lengths");
	tap_ok(!memcmp(here, "012", 3) && !memcmp(here + 8, "3abcd", 5), "go into each other");
	tap_is(process_vm_writev(self, &mine, 1, &across, 1, 0), 8, "written across pages");
	munmap(p + PAGE, PAGE);
	tap_is(process_vm_readv(self, &mine, 1, &across, 1, 0), 4, "up to what is not there");
	theirs.iov_base = p + PAGE;
	fails(process_vm_readv(self, &mine, 1, &theirs, 1, 0), EFAULT, "nothing is there");
	mine.iov_base = (void *)8;
	theirs.iov_base = p;
	fails(process_vm_readv(self, &mine, 1, &theirs, 1, 0), EFAULT, "nor here");
	mine.iov_base = here;
	mprotect(p, PAGE, PROT_READ);
	fails(process_vm_writev(self, &mine, 1, &theirs, 1, 0), EFAULT, "what cannot be written");
	mprotect(p, PAGE, PROT_NONE);
	fails(process_vm_readv(self, &mine, 1, &theirs, 1, 0), EFAULT, "or read");
	fails(process_vm_readv(self, &mine, 1, &theirs, 1, 1), EINVAL, "no flags");
	fails(process_vm_readv(self, &mine, 1, &theirs, 2000, 0), EINVAL, "too many pieces");
	fails(process_vm_readv(self, &mine, 1, (void *)8, 1, 0), EFAULT, "bad pieces");
	theirs.iov_len = ~0UL;
	fails(process_vm_readv(self, &theirs, 1, &mine, 1, 0), EINVAL, "too long a piece");
	theirs.iov_len = 8;
	tap_is(process_vm_readv(self, NULL, 0, &theirs, 1, 0), 0, "into nothing");
	tap_is(process_vm_readv(self, &mine, 1, NULL, 0, 0), 0, "from nothing");
	fails(process_vm_readv(999999, &mine, 1, &theirs, 1, 0), ESRCH, "from nobody");
	tap_is(process_vm_readv(999999, &mine, 1, NULL, 0, 0), 0, "nothing from nobody");
	tap_is(process_vm_readv(999999, NULL, 0, (void *)8, 1, 0), 0, "whatever it is");
	theirs.iov_base = p + 2 * PAGE;
	theirs.iov_len = PAGE;
	fails(syscall(NR_PROCESS_MADVISE, -1, &theirs, 1, MADV_DONTNEED, 0), EBADF, "advice to nobody");
	if (syscall(NR_PROCESS_MADVISE, -10000, &theirs, 1, MADV_WILLNEED, 0) == (long)PAGE)
		tap_is(syscall(NR_PROCESS_MADVISE, -10001, &theirs, 1, MADV_DONTNEED, 0), PAGE, "and to oneself");
	else
		fails(syscall(NR_PROCESS_MADVISE, -10001, &theirs, 1, MADV_DONTNEED, 0), EBADF, "which older systems know by descriptors only");
	munmap(p, 4 * PAGE);
}

static void test_remap_file_pages(void)
{
	int fd = memory_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	fails(syscall(SYS_remap_file_pages, p, PAGE, PROT_READ, 0, 0), EINVAL, "rights stay");
	fails(syscall(SYS_remap_file_pages, p, PAGE, 0, ~0ul, 0), EINVAL, "round the end of all files");
	fails(syscall(SYS_remap_file_pages, p, PAGE, 0, ~0ul >> 12, 0), EOVERFLOW, "beyond the largest file");
	tap_is(syscall(SYS_remap_file_pages, p, PAGE, 0, 20, 0), 0, "behind the end of this one");
	tap_is(touch(p, 0), SIGBUS, "nothing is");
	munmap(p, 4 * PAGE);
	close(fd);
}

static void test_signals(void)
{
	int fd = memory_file(2);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0), *r = map(1, PROT_READ, ANON);

	tap_is(touch(r + 5, 1), SIGSEGV, "a write where there is no right to");
	tap_ok(fault_told.si_code == SEGV_ACCERR && fault_told.si_addr == r + 5, "tells which address, and that it is mapped");
	munmap(r, PAGE);
	tap_is(touch(r + 7, 0), SIGSEGV, "a read where nothing is");
	tap_ok(fault_told.si_code == SEGV_MAPERR && fault_told.si_addr == r + 7, "tells so");
	if (ftruncate(fd, (off_t)PAGE))
		tap_diag("not truncated");
	tap_is(touch(p + PAGE + 9, 0), SIGBUS, "behind the end of a file");
	tap_ok(fault_told.si_code == BUS_ADRERR && fault_told.si_addr == p + PAGE + 9, "another signal");
	munmap(p, 2 * PAGE);
	close(fd);
}

int main(void)
{
	catch_faults();
	tap_plan(0);
	test_mmap();
	test_grows_down();
	test_mremap();
	test_msync();
	test_advice();
	test_mincore();
	test_process_vm();
	test_remap_file_pages();
	test_signals();
	return tap_done();
}
