/* SPDX-License-Identifier: MIT */
/*
 * advice.c - advice that shows: freed when memory is short, named, locked by two. Linux counts the first and the last in
 * batches of some pages, so that its figures may lag, and knows names only where CONFIG_ANON_VMA_NAME is set.
 */
#include "common.h"

#include <sys/prctl.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#define SET_VMA 0x53564d41

static char *map(size_t pages, int flags)
{
	return mmap(NULL, pages * PAGE, RW, flags, -1, 0);
}

/* A figure of the address's part of smaps; -1 when there is none. */
static long smaps(const void *address, const char *name)
{
	char line[512];
	unsigned long start = 0, end = 0;
	long value = -1;
	size_t length = strlen(name);
	FILE *file = fopen("/proc/self/smaps", "r");

	while (file && value < 0 && fgets(line, sizeof(line), file)) {
		sscanf(line, "%lx-%lx ", &start, &end);
		if (start <= (unsigned long)address && (unsigned long)address < end && !strncmp(line, name, length))
			value = atol(line + length);
	}
	if (file)
		fclose(file);
	return value;
}

static void test_free(void)
{
	char *p = map(8, ANON), *shared = map(1, SHARED);

	memset(p, 'f', 8 * PAGE);
	tap_is(smaps(p, "LazyFree:"), 0, "nothing is free yet");
	tap_is(madvise(p, 4 * PAGE, MADV_FREE), 0, "four pages may go");
	tap_is(smaps(p, "LazyFree:"), 16, "and are counted");
	tap_is(smaps(p, "Rss:"), 32, "but are there");
	tap_is(p[PAGE], 'f', "with their contents, as memory is not short");
	p[0] = 'w';
	tap_is(smaps(p, "LazyFree:"), 12, "one that is written stays");
	tap_is(p[0], 'w', "as written");
	tap_is(madvise(p, 4 * PAGE, MADV_FREE), 0, "once more");
	tap_is(smaps(p, "LazyFree:"), 16, "it may go, too");
	madvise(p, 4 * PAGE, MADV_DONTNEED);
	tap_is(smaps(p, "LazyFree:"), 0, "gone");
	fails(madvise(shared, PAGE, MADV_FREE), EINVAL, "shared memory is not freed so");
	mlock(p + 4 * PAGE, PAGE);
	fails(madvise(p + 4 * PAGE, PAGE, MADV_FREE), EINVAL, "nor locked memory");
	munmap(p, 8 * PAGE);
	munmap(shared, PAGE);
}

static void forked(void *argument)
{
	char *p = argument;

	_exit(p[0] == 'p' && p[PAGE] == 'p' ? 0 : 1);
}

static void test_free_and_fork(void)
{
	char *p = map(2, ANON);

	memset(p, 'p', 2 * PAGE);
	madvise(p, PAGE, MADV_FREE);
	tap_is(in_child(forked, p), 0, "a child has the contents");
	p[0] = 'q';
	tap_is(p[0], 'q', "and writing goes on");
	munmap(p, 2 * PAGE);
}

/* The name in maps of the line that starts at the address. */
static const char *name_of(const void *address)
{
	static char name[256];
	char line[512], start[32];
	FILE *maps = fopen("/proc/self/maps", "r");

	strcpy(name, "no line starts there");
	snprintf(start, sizeof(start), "%lx-", (unsigned long)address);
	while (maps && fgets(line, sizeof(line), maps)) {
		if (strncmp(line, start, strlen(start)))
			continue;
		name[0] = 0;
		sscanf(line, "%*s %*s %*s %*s %*s %255[^\n]", name);
	}
	if (maps)
		fclose(maps);
	return name;
}

static int set_name(void *start, size_t len, const char *name)
{
	return prctl(SET_VMA, 0, start, len, name);
}

static void test_names(void)
{
	char *p = map(4, ANON), *shared = map(1, SHARED), longest[81];
	int file = open("/proc/self/exe", O_RDONLY);
	char *text = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);

	tap_is(set_name(p, 2 * PAGE, "first half"), 0, "named");
	tap_is_str(name_of(p), "[anon:first half]", "maps shows it");
	tap_is_str(name_of(p + 2 * PAGE), "", "for that half");
	tap_is(set_name(p + 2 * PAGE, 2 * PAGE, "first half"), 0, "the same for the other");
	tap_is_str(name_of(p + 2 * PAGE), "no line starts there", "makes one of them");
	tap_is(set_name(p + PAGE, PAGE, "second"), 0, "another in the middle");
	tap_is_str(name_of(p + PAGE), "[anon:second]", "stands alone");
	tap_is(mprotect(p + PAGE, PAGE, PROT_READ), 0, "other rights");
	tap_is_str(name_of(p + PAGE), "[anon:second]", "keep it");
	mprotect(p + PAGE, PAGE, RW);
	tap_is(set_name(p, 4 * PAGE, NULL), 0, "the name is taken away");
	tap_is_str(name_of(p), "", "everywhere");
	tap_is_str(name_of(p + PAGE), "no line starts there", "and it is one again");
	tap_is(set_name(shared, PAGE, "common"), 0, "shared memory");
	tap_is_str(name_of(shared), "[anon_shmem:common]", "has names of its own");
	fails(set_name(text, PAGE, "file"), EBADF, "files have theirs");
	fails(set_name(p + 1, PAGE, "x"), EINVAL, "not aligned");
	fails(set_name(p, PAGE, "a]b"), EINVAL, "what maps could not show");
	fails(set_name(p, PAGE, "tab\t"), EINVAL, "not printable");
	fails(set_name(p, PAGE, (char *)8), EFAULT, "a bad pointer");
	fails(prctl(SET_VMA, 1, p, PAGE, "x"), EINVAL, "no other attribute");
	memset(longest, 'n', 80);
	longest[80] = 0;
	fails(set_name(p, PAGE, longest), EINVAL, "too long");
	longest[79] = 0;
	tap_is(set_name(p, PAGE, longest), 0, "just not too long");
	tap_is(set_name(p, 0, "x"), 0, "nothing");
	munmap(p + PAGE, PAGE);
	fails(set_name(p, 4 * PAGE, "around"), ENOMEM, "a hole is told");
	tap_is_str(name_of(p + 2 * PAGE), "[anon:around]", "after what lies around it has been named");
	munmap(p, 4 * PAGE);
	munmap(text, PAGE);
	close(file);
}

static void locks_nothing(void *p)
{
	_exit(munmap(p, 4 * PAGE));
}

static void test_locked_by_two(void)
{
	int fd = (int)syscall(SYS_memfd_create, "locked", 0);
	long before = figure("/proc/meminfo", "Mlocked");
	char *a, *b;

	if (ftruncate(fd, 4 * (long)PAGE))
		tap_diag("no room");
	a = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	b = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	memset(a, 1, 4 * PAGE);
	tap_ok(!mlock(a, 4 * PAGE) && !mlock(b, 4 * PAGE), "locked twice");
	tap_is(figure("/proc/meminfo", "Mlocked") - before, 16, "counts once");
	tap_is(munlock(a, 4 * PAGE), 0, "unlocked once");
	tap_is(figure("/proc/meminfo", "Mlocked") - before, 16, "is still locked");
	tap_is(in_child(locks_nothing, b), 0, "a child that has no lock goes");
	tap_is(figure("/proc/meminfo", "Mlocked") - before, 16, "and takes none along");
	tap_is(munmap(b, PAGE), 0, "unmapping a page");
	tap_is(figure("/proc/meminfo", "Mlocked") - before, 12, "unlocks it");
	tap_is(munlock(b + PAGE, 3 * PAGE), 0, "unlocked twice");
	tap_is(figure("/proc/meminfo", "Mlocked") - before, 0, "is unlocked");
	munmap(a, 4 * PAGE);
	munmap(b + PAGE, 3 * PAGE);
	close(fd);
}

int main(void)
{
	tap_plan(0);
	test_free();
	test_free_and_fork();
	test_names();
	test_locked_by_two();
	return tap_done();
}
