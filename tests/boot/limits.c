/* SPDX-License-Identifier: MIT */
/* limits.c - what a process may have of memory: RLIMIT_AS, DATA, STACK and MEMLOCK in every call, and what getrusage counts. */
#include "common.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#define LOCK_ON_FAULT 1

static char *map(size_t pages, int prot, int flags)
{
	return mmap(NULL, pages * PAGE, prot, ANON | flags, -1, 0);
}

static long status(const char *name)
{
	return (long)figure("/proc/self/status", name);
}

static void limit(int which, unsigned long bytes)
{
	struct rlimit now;

	getrlimit(which, &now);
	now.rlim_cur = bytes;
	setrlimit(which, &now);
}

/* 'f' in the address's VmFlags? */
static int has_flag(const void *address, const char *flag)
{
	char line[512];
	unsigned long start = 0, end = 0;
	int found = -1;
	FILE *file = fopen("/proc/self/smaps", "r");

	while (file && found < 0 && fgets(line, sizeof(line), file)) {
		sscanf(line, "%lx-%lx ", &start, &end);
		if (start <= (unsigned long)address && (unsigned long)address < end && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, flag) != NULL;
	}
	if (file)
		fclose(file);
	return found;
}

static int present(char *address)
{
	unsigned char byte = 9;

	mincore(address, PAGE, &byte);
	return byte & 1;
}

/* Everything here is done by a child without capabilities. */
static void test_no_locking(void)
{
	char *p = map(2, RW, 0);

	limit(RLIMIT_MEMLOCK, 0);
	fails(mlock(p, PAGE), EPERM, "no locked memory at all: mlock");
	fails(mlockall(MCL_CURRENT), EPERM, "mlockall");
	/* The C library would turn the error into another. */
	fails(syscall(SYS_mmap, NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0L), EPERM, "MAP_LOCKED");
	tap_is(munlock(p, PAGE), 0, "munlock is free");
	tap_is(munlockall(), 0, "munlockall, too");
	munmap(p, 2 * PAGE);
}

static void test_some_locking(void)
{
	char *p = map(16, RW, 0), *q;
	char *heap = (char *)syscall(SYS_brk, 0);

	limit(RLIMIT_MEMLOCK, 8 * PAGE);
	fails(mlock(p, 9 * PAGE), ENOMEM, "more than RLIMIT_MEMLOCK");
	tap_is(mlock(p, 8 * PAGE), 0, "all of it");
	tap_is(status("VmLck"), 32, "is counted");
	tap_is(mlock(p, 8 * PAGE), 0, "once more the same counts once");
	fails(mlock(p + PAGE, 8 * PAGE), ENOMEM, "a page more does not");
	fails(mlock(p + 8 * PAGE, 1), ENOMEM, "nor one elsewhere");
	fails(map(1, RW, MAP_LOCKED), EAGAIN, "nor a new mapping");
	fails(mremap(p, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE), EAGAIN, "nor a longer one");
	tap_is(mprotect(p, 8 * PAGE, PROT_READ), 0, "rights do not matter");
	tap_is(munlock(p + 4 * PAGE, PAGE), 0, "a page less");
	tap_is(status("VmLck"), 28, "is counted");
	q = map(1, RW, MAP_LOCKED);
	tap_ok(q != MAP_FAILED && present(q), "makes room for a mapping, which is there at once");
	munmap(q, PAGE);
	fails(mlockall(MCL_CURRENT), ENOMEM, "all is too much");
	tap_is(mlockall(MCL_FUTURE), 0, "what comes is not counted yet");
	fails(map(8, RW, 0), EAGAIN, "but when it comes");
	tap_ok((char *)syscall(SYS_brk, heap + 8 * PAGE) == heap, "as more heap it is refused, too");
	tap_is(munlockall(), 0, "nothing locked");
	tap_is(status("VmLck"), 0, "at all");
	munmap(p, 16 * PAGE);
}

static void test_locking_calls(void)
{
	char *p = map(8, RW, 0), *none = map(1, PROT_NONE, 0), *mapped;

	limit(RLIMIT_MEMLOCK, 64 * PAGE);
	fails(syscall(SYS_mlock2, p, PAGE, 2), EINVAL, "mlock2 has one flag");
	tap_is(syscall(SYS_mlock2, p, 4 * PAGE, LOCK_ON_FAULT), 0, "locked when touched");
	tap_ok(!present(p) && !present(p + 3 * PAGE), "nothing is there yet");
	tap_ok(has_flag(p, " lo") == 1 && has_flag(p, " lf") == 1, "both flags are shown");
	tap_is(status("VmLck"), 16, "and it counts");
	p[PAGE] = 1;
	tap_ok(!present(p) && present(p + PAGE), "a touched page comes alone");
	tap_is(mlock(p, 4 * PAGE), 0, "mlock makes it all");
	tap_ok(present(p) && present(p + 3 * PAGE) && has_flag(p, " lf") == 0, "there, and not on fault any more");
	tap_is(munlock(p + PAGE, 1), 0, "part of a page is all of it");
	tap_is(status("VmLck"), 12, "and counts so");
	munmap(p + 5 * PAGE, PAGE);
	fails(mlock(p + 4 * PAGE, 3 * PAGE), ENOMEM, "a hole");
	tap_is(has_flag(p + 4 * PAGE, " lo"), 1, "what lies before it is locked");
	fails(mlock(none, PAGE), ENOMEM, "what cannot be touched");
	tap_is(has_flag(none, " lo"), 1, "is locked all the same");
	fails(mlock(p, 0UL - 2 * PAGE), ENOMEM, "more than there is");
	tap_is(mlock(p + 5 * PAGE, 0), 0, "nothing");
	fails(mlockall(0), EINVAL, "mlockall of nothing");
	fails(mlockall(4), EINVAL, "on fault alone");
	fails(mlockall(8), EINVAL, "no such flag");
	munlockall();
	tap_is(mlockall(MCL_FUTURE | 4), 0, "what comes is locked when touched");
	mapped = map(2, RW, 0);
	tap_ok(has_flag(mapped, " lf") == 1 && !present(mapped), "a new mapping is");
	tap_is(mlockall(MCL_FUTURE), 0, "or at once");
	tap_is(has_flag(mapped, " lf"), 1, "which changes nothing that is there");
	munmap(mapped, 2 * PAGE);
	mapped = map(2, RW, 0);
	tap_ok(has_flag(mapped, " lf") == 0 && has_flag(mapped, " lo") == 1 && present(mapped), "but what comes");
	munlockall();
	tap_is(has_flag(mapped, " lo"), 0, "until munlockall");
	munmap(mapped, 2 * PAGE);
	mapped = map(1, RW, 0);
	tap_is(has_flag(mapped, " lo"), 0, "for what comes as well");
	munmap(mapped, PAGE);
	munmap(p, 8 * PAGE);
	munmap(none, PAGE);
}

static void test_address_space(void)
{
	unsigned long size = (unsigned long)status("VmSize") * 1024;
	char *p = map(4, RW, 0), *heap = (char *)syscall(SYS_brk, 0);

	limit(RLIMIT_AS, size + 20 * PAGE);
	fails(map(64, PROT_NONE, MAP_NORESERVE), ENOMEM, "RLIMIT_AS bounds what nobody can touch, too");
	fails(mremap(p, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE), ENOMEM, "and what grows");
	tap_ok((char *)syscall(SYS_brk, heap + 64 * PAGE) == heap, "and the heap");
	tap_ok(mmap(p, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p, "what replaces needs nothing");
	limit(RLIMIT_AS, RLIM_INFINITY);
	munmap(p, 4 * PAGE);
}

static void test_data(void)
{
	unsigned long data = (unsigned long)status("VmData") * 1024;
	char *p = map(32, PROT_READ, 0), *heap = (char *)syscall(SYS_brk, 0);

	limit(RLIMIT_DATA, data + 8 * PAGE);
	fails(map(16, RW, 0), ENOMEM, "RLIMIT_DATA bounds private memory that can be written");
	tap_ok(map(16, PROT_READ, 0) != MAP_FAILED, "not what can be read");
	tap_ok(mmap(NULL, 16 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "nor what is shared");
	fails(mprotect(p, 16 * PAGE, RW), ENOMEM, "nor may it become writable");
	tap_is(mprotect(p, 4 * PAGE, RW), 0, "but for a little");
	tap_ok((char *)syscall(SYS_brk, heap + 64 * PAGE) == heap, "the heap is bounded, too");
	limit(RLIMIT_DATA, RLIM_INFINITY);
	munmap(p, 32 * PAGE);
}

static int deep(int left)
{
	volatile char here[PAGE];

	here[0] = (char)left;
	return left ? deep(left - 1) + here[0] : 0;
}

static void overflow(void *pages)
{
	struct rlimit core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &core);
	_exit(deep((int)(intptr_t)pages) == -1);
}

static void test_stack(void)
{
	limit(RLIMIT_STACK, 256 * PAGE);
	tap_is(in_child(overflow, (void *)200), 0, "a stack grows up to RLIMIT_STACK");
	tap_is(in_child(overflow, (void *)300), 256 + SIGSEGV, "and no further");
	limit(RLIMIT_STACK, 8UL << 20);
}

static void touch(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

static void big_child(void *unused)
{
	(void)unused;
	touch(map(6000, RW, MAP_NORESERVE), 6000);
}

static void test_usage(void)
{
	struct rusage before, after, thread;
	char *p = map(4000, RW, 0);

	madvise(p, 4000 * PAGE, MADV_NOHUGEPAGE);
	getrusage(RUSAGE_SELF, &before);
	touch(p, 4000);
	getrusage(RUSAGE_SELF, &after);
	getrusage(RUSAGE_THREAD, &thread);
	tap_ok(after.ru_minflt - before.ru_minflt >= 4000 && after.ru_minflt - before.ru_minflt < 4200, "each touch is a minor fault");
	tap_ok(thread.ru_minflt >= 4000, "of this thread");
	tap_is(after.ru_majflt, before.ru_majflt, "none a major one");
	tap_ok(after.ru_maxrss >= 16000 && after.ru_maxrss >= before.ru_maxrss, "the largest size is known in KiB");
	tap_ok(labs(after.ru_maxrss - status("VmHWM")) <= 512, "as VmHWM");
	munmap(p, 4000 * PAGE);
	getrusage(RUSAGE_SELF, &before);
	tap_ok(before.ru_maxrss >= after.ru_maxrss, "and stays when memory goes");
	tap_ok(status("VmRSS") < 16000, "which it does");
	tap_is(in_child(big_child, NULL), 0, "a child that was larger");
	getrusage(RUSAGE_CHILDREN, &after);
	tap_ok(after.ru_maxrss >= 23000, "tells its size when it ends");
	tap_ok(after.ru_minflt >= 6000, "and its faults");
	getrusage(RUSAGE_SELF, &after);
	tap_ok(after.ru_maxrss < 23000, "not as its parent's");
	fails(getrusage(2, &after), EINVAL, "whose?");
	fails(getrusage(RUSAGE_SELF, (void *)8), EFAULT, "where to?");
}

static void test_prlimit(void)
{
	struct rlimit old, other = { 4096, 8192 };
	pid_t child = fork();

	if (!child) {
		sleep_ms(10000);
		_exit(0);
	}
	tap_is(prlimit(child, RLIMIT_AS, NULL, &old), 0, "a child's limit is read");
	tap_is(prlimit(child, RLIMIT_MEMLOCK, &other, NULL), 0, "and set");
	tap_ok(!prlimit(child, RLIMIT_MEMLOCK, NULL, &old) && old.rlim_cur == 4096 && old.rlim_max == 8192, "as it was given");
	getrlimit(RLIMIT_MEMLOCK, &old);
	tap_ok(old.rlim_max != 8192, "not the parent's");
	other.rlim_max = 16384;
	fails(prlimit(child, RLIMIT_MEMLOCK, &other, NULL), EPERM, "a hard limit is not raised");
	other.rlim_cur = 32768;
	fails(prlimit(child, RLIMIT_MEMLOCK, &other, NULL), EINVAL, "nor exceeded");
	fails(prlimit(child, 99, NULL, &old), EINVAL, "no such limit");
	fails(prlimit(child, RLIMIT_AS, (void *)8, NULL), EFAULT, "a bad pointer");
	fails(prlimit(1, RLIMIT_AS, NULL, &old), EPERM, "somebody else's process");
	fails(prlimit(999999, RLIMIT_AS, NULL, &old), ESRCH, "nobody's");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static int as_nobody(void (*test)(void))
{
	if (setgid(1000) || setuid(1000))
		return 0;
	/* Without it /proc/self is root's. */
	prctl(PR_SET_DUMPABLE, 1);
	test();
	return 1;
}

int main(void)
{
	static void (*const tests[])(void) = {
		test_no_locking, test_some_locking, test_locking_calls, test_address_space, test_data, test_stack, test_prlimit,
	};

	tap_plan(0);
	test_usage();
	tap_ok(as_nobody(tests[0]), "without rights");
	for (size_t i = 1; i < ARRAY_SIZE(tests); i++)
		tests[i]();
	return tap_done();
}
