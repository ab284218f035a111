/* SPDX-License-Identifier: MIT */
/* seal.c - what mseal forbids, and what process_madvise may say. */
#include "common.h"

#include <sys/uio.h>

#define SYS_mseal_nr 462
#define SYS_process_madvise_nr 440
#define SYS_pidfd_open_nr 434
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#define ADVICE_COLD 20
#define ADVICE_PAGEOUT 21
#define ADVICE_DONTNEED_LOCKED 24

static long seal(void *address, size_t length, unsigned long flags)
{
	return syscall(SYS_mseal_nr, address, length, flags);
}

static char *map(int prot)
{
	return mmap(NULL, 4 * PAGE, prot, ANON, -1, 0);
}

static int has_flag(const void *address, const char *flag)
{
	char line[512];
	unsigned long start = 0, end = 0;
	int found = -1;
	FILE *smaps = fopen("/proc/self/smaps", "r");

	while (smaps && found < 0 && fgets(line, sizeof(line), smaps)) {
		sscanf(line, "%lx-%lx ", &start, &end);
		if (!strncmp(line, "VmFlags:", 8) && start <= (unsigned long)address && (unsigned long)address < end)
			found = strstr(line, flag) != NULL;
	}
	if (smaps)
		fclose(smaps);
	return found;
}

static void test_arguments(void)
{
	char *p = map(RW);

	fails(seal(p, PAGE, 1), EINVAL, "no flags exist");
	fails(seal(p + 1, PAGE, 0), EINVAL, "whole pages");
	fails(seal(p, -PAGE, 0), EINVAL, "beyond the end");
	fails(seal(p, ~0ul, 0), EINVAL, "a length that rounds to nothing");
	tap_is(seal(p, 0, 0), 0, "nothing is sealed easily");
	munmap(p + PAGE, PAGE);
	fails(seal(p, 4 * PAGE, 0), ENOMEM, "not over a hole");
	tap_is(has_flag(p, " sl"), 0, "and then nothing is sealed");
	tap_is(munmap(p, 4 * PAGE), 0, "so it can go");
}

static void test_sealed(void)
{
	char *p = map(RW), *other = map(RW);

	tap_is(seal(p + PAGE, 2 * PAGE, 0), 0, "the middle is sealed");
	tap_is(seal(p + PAGE, 2 * PAGE, 0), 0, "twice");
	tap_is(has_flag(p + PAGE, " sl"), 1, "smaps shows it");
	tap_is(has_flag(p, " sl"), 0, "for the middle only");
	p[PAGE] = 1;
	p[0] = 2;
	fails(munmap(p, 4 * PAGE), EPERM, "not unmapped");
	tap_is(p[0], 2, "not even the part before it");
	fails(munmap(p + 2 * PAGE, PAGE), EPERM, "nor in part");
	fails(mprotect(p + PAGE, PAGE, PROT_READ), EPERM, "no other rights");
	fails(mprotect(p + PAGE, PAGE, RW), EPERM, "nor the same");
	tap_is(mprotect(p, PAGE, PROT_READ), 0, "the rest is free");
	fails(mprotect(p, 2 * PAGE, RW), EPERM, "up to the seal");
	p[0] = 3;
	tap_is(p[0], 3, "what lay before it was changed");
	fails((long)mremap(p + PAGE, 2 * PAGE, PAGE, 0), EPERM, "not shrunk");
	fails((long)mremap(p + PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE), EPERM, "not moved");
	fails((long)mremap(p + PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other), EPERM, "nor to a place");
	fails((long)mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), EPERM, "nor moved over");
	fails((long)mmap(p, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0), EPERM, "nor mapped over");
	tap_is(p[PAGE], 1, "it is as it was");
	tap_is(madvise(p + PAGE, PAGE, MADV_DONTNEED), 0, "what can be written may be thrown away");
	tap_is(p[PAGE], 0, "and is");
	tap_is(mlock(p + PAGE, PAGE), 0, "locking is no change");
	tap_is(munlock(p + PAGE, PAGE), 0, "nor unlocking");
	munmap(other, 4 * PAGE);
}

static void test_read_only(void)
{
	char *p = map(RW);

	p[0] = 7;
	mprotect(p, 4 * PAGE, PROT_READ);
	tap_is(seal(p, 4 * PAGE, 0), 0, "read-only memory is sealed");
	fails(madvise(p, PAGE, MADV_DONTNEED), EPERM, "and its contents with it");
	fails(madvise(p, PAGE, ADVICE_DONTNEED_LOCKED), EPERM, "in all ways");
	fails(madvise(p, PAGE, MADV_FREE), EPERM, "to throw it away");
	fails(madvise(p, PAGE, MADV_DONTFORK), EPERM, "or keep it from children");
	fails(madvise(p, PAGE, MADV_WIPEONFORK), EPERM, "or empty it for them");
	tap_is(madvise(p, PAGE, MADV_RANDOM), 0, "other advice is welcome");
	tap_is(p[0], 7, "it is as it was");
}

static void seals_heap(void *unused)
{
	long start = syscall(SYS_brk, 0), end = start + 3 * (long)PAGE;

	if (syscall(SYS_brk, end) != end)
		_exit(1);
	start = (start + (long)PAGE - 1) & -(long)PAGE;
	if (seal((char *)start, PAGE, 0))
		_exit(2);
	if (syscall(SYS_brk, start) != end || syscall(SYS_brk, 0) != end)
		_exit(3);
	(void)unused;
}

static void child_tries(void *p)
{
	_exit(munmap(p, PAGE) == -1 && errno == EPERM ? 0 : 1);
}

static void test_inheritance(void)
{
	char *p = map(RW);

	tap_is(in_child(seals_heap, NULL), 0, "a sealed heap does not shrink");
	seal(p, PAGE, 0);
	tap_is(in_child(child_tries, p), 0, "children inherit seals");
}

static long advise(int fd, struct iovec *vec, unsigned long nr, int advice, unsigned int flags)
{
	return syscall(SYS_process_madvise_nr, fd, vec, nr, advice, flags);
}

static void advises_others(void *argument)
{
	struct iovec vec = { argument, PAGE };
	int fd = (int)syscall(SYS_pidfd_open_nr, getppid(), 0), mine;

	if (advise(fd, &vec, 1, ADVICE_COLD, 0) != (long)PAGE)
		_exit(1);
	if (setgid(2000) || setuid(2000))
		_exit(2);
	if (advise(fd, &vec, 1, ADVICE_COLD, 0) != -1 || (errno != EACCES && errno != EPERM))
		_exit(3);
	mine = (int)syscall(SYS_pidfd_open_nr, getpid(), 0);
	if (advise(mine, &vec, 1, ADVICE_COLD, 0) != (long)PAGE)
		_exit(4);
}

static void test_process_madvise(void)
{
	int fd = (int)syscall(SYS_pidfd_open_nr, getpid(), 0), gone;
	char *p = map(RW);
	struct iovec vec[3] = { { p, PAGE }, { p + PAGE, 2 * PAGE }, { p + 3 * PAGE, PAGE } };
	pid_t child;

	p[0] = 9;
	tap_is(advise(fd, vec, 3, ADVICE_COLD, 0), 4 * PAGE, "cold in three parts");
	tap_is(advise(fd, vec, 3, ADVICE_PAGEOUT, 0), 4 * PAGE, "out in three parts");
	tap_is(advise(fd, vec, 3, MADV_WILLNEED, 0), 4 * PAGE, "needed in three parts");
	tap_is(p[0], 9, "no byte is lost");
	tap_is(advise(fd, vec, 0, ADVICE_COLD, 0), 0, "no parts");
	munmap(p + 3 * PAGE, PAGE);
	tap_is(advise(fd, vec, 3, ADVICE_COLD, 0), 3 * PAGE, "up to the hole");
	fails(advise(fd, vec + 2, 1, ADVICE_COLD, 0), ENOMEM, "nothing but the hole");
	fails(advise(fd, vec, 3, ADVICE_COLD, 1), EINVAL, "no flags exist");
	fails(advise(fd, vec, 1025, ADVICE_COLD, 0), EINVAL, "too many parts");
	fails(advise(fd, (void *)1, 1, ADVICE_COLD, 0), EFAULT, "a bad vector");
	fails(advise(999, vec, 1, ADVICE_COLD, 0), EBADF, "no such descriptor");
	fails(advise(0, vec, 1, ADVICE_COLD, 0), EBADF, "not a process");
	fails(advise(fd, vec, 1, 999, 0), EINVAL, "no such advice");
	tap_is(in_child(advises_others, p), 0, "advice for the parent, with and without rights");
	child = fork();
	if (!child)
		_exit(0);
	gone = (int)syscall(SYS_pidfd_open_nr, child, 0);
	waitpid(child, NULL, 0);
	fails(advise(gone, vec, 1, ADVICE_COLD, 0), ESRCH, "a process that is gone");
}

int main(void)
{
	tap_plan(0);
	test_arguments();
	test_sealed();
	test_read_only();
	test_inheritance();
	test_process_madvise();
	return tap_done();
}
