/* SPDX-License-Identifier: MIT */
/* procmem.c - clear_refs, pagemap and mem in /proc/PID: what they say and do, and to whom. */
#include "common.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

#define PRESENT (1ULL << 63)
#define OF_FILE (1ULL << 61)
#define EXCLUSIVE (1ULL << 56)
#define FRAME ((1ULL << 55) - 1)

static char *map(size_t pages, int flags)
{
	return mmap(NULL, pages * PAGE, RW, flags, -1, 0);
}

static int clear_refs(const char *text)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);
	ssize_t done = write(fd, text, strlen(text));

	close(fd);
	return (int)done;
}

/* A figure of the address's part of smaps; -1 when there is none. */
static long smaps(const void *address, const char *name)
{
	char line[512];
	unsigned long start = 0, end = 0;
	long value = -1;
	FILE *file = fopen("/proc/self/smaps", "r");

	while (file && value < 0 && fgets(line, sizeof(line), file)) {
		sscanf(line, "%lx-%lx ", &start, &end);
		if (start <= (unsigned long)address && (unsigned long)address < end && !strncmp(line, name, strlen(name)))
			value = atol(line + strlen(name));
	}
	if (file)
		fclose(file);
	return value;
}

static void test_clear_refs(void)
{
	char *p = map(16, ANON), *shared = map(16, MAP_SHARED | MAP_ANONYMOUS), *big;

	memset(p, 1, 16 * PAGE);
	memset(shared, 1, 16 * PAGE);
	tap_is(smaps(p, "Referenced:"), 64, "what was touched is referenced");
	tap_is(clear_refs("2"), 1, "anonymous pages start anew");
	tap_is(smaps(p, "Referenced:"), 0, "as unused");
	tap_is(smaps(shared, "Referenced:"), 64, "not others");
	tap_is(clear_refs("3\n"), 2, "mapped objects");
	tap_is(smaps(shared, "Referenced:"), 0, "do as well");
	tap_is(smaps(shared, "Rss:"), 64, "and stay");
	memset(p, 2, 4 * PAGE);
	(void)*(volatile char *)shared;
	tap_is(smaps(p, "Referenced:"), 16, "what is used again counts");
	tap_is(smaps(shared, "Referenced:"), 4, "in each");
	tap_is(clear_refs("1"), 1, "all");
	tap_ok(!smaps(p, "Referenced:") && !smaps(shared, "Referenced:"), "at once");
	tap_is(p[0] + shared[0], 3, "nothing is lost");
	big = map(5000, ANON);
	memset(big, 1, 5000 * PAGE);
	munmap(big, 5000 * PAGE);
	tap_ok(figure("/proc/self/status", "VmHWM") > 16000, "the largest size");
	tap_is(clear_refs("5"), 1, "is forgotten");
	tap_ok(figure("/proc/self/status", "VmHWM") < 16000, "when asked to");
	tap_is(clear_refs("4"), 1, "soft dirty bits");
	fails(clear_refs("0"), EINVAL, "nothing of the kind");
	fails(clear_refs("6"), EINVAL, "nor this");
	fails(clear_refs("x"), EINVAL, "no number");
	munmap(p, 16 * PAGE);
	munmap(shared, 16 * PAGE);
}

static uint64_t entry(int fd, const void *address)
{
	uint64_t value = 0;

	return pread(fd, &value, 8, (off_t)((uintptr_t)address / PAGE * 8)) == 8 ? value : 1;
}

static void see_frames(void *p)
{
	int fd;

	if (setgid(1000) || setuid(1000))
		_exit(100);
	prctl(PR_SET_DUMPABLE, 1);
	fd = open("/proc/self/pagemap", O_RDONLY);
	*(char *)p = 2;
	_exit(fd < 0 ? 1 : entry(fd, p) & FRAME ? 2 : !(entry(fd, p) & PRESENT));
}

/* What /proc/kpagecount or kpageflags says of the frame in a pagemap entry. */
static uint64_t frame_word(const char *path, uint64_t in)
{
	int fd = open(path, O_RDONLY);
	uint64_t word = 0;

	if (pread(fd, &word, sizeof(word), (off_t)((in & FRAME) * sizeof(word))) != sizeof(word))
		word = ~0ull;
	close(fd);
	return word;
}

static void shares_frame(void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);

	_exit(frame_word("/proc/kpagecount", entry(fd, p)) == 2 ? 0 : 1);
}

/* Frames by their number: how often they are mapped, and what they are. */
static void test_frames(void)
{
	enum { KPF_UPTODATE = 3, KPF_MMAP = 11, KPF_ANON = 12, KPF_SWAPBACKED = 14, KPF_ZERO_PAGE = 24 };
	int fd = open("/proc/self/pagemap", O_RDONLY), file = (int)syscall(SYS_memfd_create, "m", 0);
	const uint64_t anon = 1 << KPF_UPTODATE | 1 << KPF_MMAP | 1 << KPF_ANON | 1 << KPF_SWAPBACKED;
	char *p = map(2, ANON), *a, *b;
	volatile char read_only;

	p[0] = 1;
	read_only = p[PAGE];
	(void)read_only;
	if (ftruncate(file, (off_t)PAGE))
		tap_diag("no file");
	a = mmap(NULL, PAGE, RW, MAP_SHARED, file, 0);
	b = mmap(NULL, PAGE, RW, MAP_SHARED, file, 0);
	a[0] = b[0] = 1;
	tap_is(frame_word("/proc/kpagecount", entry(fd, p)), 1, "kpagecount: a page of one's own");
	tap_is(frame_word("/proc/kpagecount", entry(fd, a)), 2, "and one mapped twice");
	tap_is(in_child(shares_frame, p), 0, "a child shares the former");
	tap_is(frame_word("/proc/kpagecount", entry(fd, p)), 1, "until it ends");
	tap_is(frame_word("/proc/kpageflags", entry(fd, p)) & anon, anon, "kpageflags: an anonymous page");
	tap_is(frame_word("/proc/kpageflags", entry(fd, a)) & anon, anon & ~(1ull << KPF_ANON), "a file's");
	tap_ok(frame_word("/proc/kpageflags", entry(fd, p + PAGE)) >> KPF_ZERO_PAGE & 1, "the page of zeros");
	munmap(p, 2 * PAGE);
	munmap(a, PAGE);
	munmap(b, PAGE);
	close(file);
	close(fd);
}

static void test_pagemap(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY), file = (int)syscall(SYS_memfd_create, "m", 0);
	char *p = map(4, ANON), *mapped, *twice;
	volatile char read_only;
	uint64_t two[2];

	p[0] = 1;
	read_only = p[PAGE];
	(void)read_only;
	tap_ok((entry(fd, p) & (PRESENT | EXCLUSIVE)) == (PRESENT | EXCLUSIVE), "a page of one's own is there, for one alone");
	tap_ok(!(entry(fd, p) & OF_FILE) && (entry(fd, p) & FRAME), "of no file, in some frame");
	tap_ok((entry(fd, p + PAGE) & PRESENT) && !(entry(fd, p + PAGE) & (EXCLUSIVE | OF_FILE)), "the zero page is everybody's");
	tap_is(entry(fd, p + 2 * PAGE) & (PRESENT | FRAME), 0, "what was never touched is not there");
	if (ftruncate(file, (off_t)PAGE))
		tap_diag("no file");
	mapped = mmap(NULL, PAGE, RW, MAP_SHARED, file, 0);
	mapped[0] = 1;
	tap_ok((entry(fd, mapped) & (PRESENT | OF_FILE | EXCLUSIVE)) == (PRESENT | OF_FILE | EXCLUSIVE), "a page of a file");
	twice = mmap(NULL, PAGE, RW, MAP_SHARED, file, 0);
	twice[0] = 2;
	tap_ok(!(entry(fd, mapped) & EXCLUSIVE), "mapped twice");
	tap_ok(((entry(fd, mapped) ^ entry(fd, twice)) & FRAME) == 0, "is one frame");
	fails(pread(fd, two, 7, 0), EINVAL, "no whole entry");
	fails(pread(fd, two, 8, 4), EINVAL, "half-way between two");
	tap_is(pread(fd, two, 16, (off_t)((uintptr_t)p / PAGE * 8)), 16, "two at once");
	tap_ok(two[0] == entry(fd, p) && two[1] == entry(fd, p + PAGE), "are the same");
	tap_is(pread(fd, two, 8, (off_t)(1UL << 56 >> 12 << 3)), 0, "nothing behind the last address");
	tap_is(in_child(see_frames, p), 0, "frames are shown to administrators only");
	munmap(p, 4 * PAGE);
	munmap(mapped, PAGE);
	munmap(twice, PAGE);
	close(file);
	close(fd);
}

static const char *const secrets[] = { "mem", "pagemap", "clear_refs", "maps", "smaps", "smaps_rollup", "numa_maps", "environ", "auxv", "exe" };

/* The first secret of a process that is open to the caller; -1: none is. */
static int open_secret(pid_t process)
{
	char path[64], link[16];

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		int flags = strcmp(secrets[i], "clear_refs") ? O_RDONLY : O_WRONLY;

		snprintf(path, sizeof(path), "/proc/%d/%s", process, secrets[i]);
		errno = 0;
		if (!strcmp(secrets[i], "exe") ? readlink(path, link, sizeof(link)) >= 0 : open(path, flags) >= 0)
			return (int)i;
		if (errno != EACCES && errno != ENOENT)
			return (int)i + 100;
	}
	return -1;
}

static void foreign(void *unused)
{
	char byte;
	struct iovec piece = { &byte, 1 };

	(void)unused;
	if (setgid(1000) || setuid(1000))
		_exit(100);
	if (open_secret(1) >= 0)
		_exit(1 + open_secret(1));
	_exit(process_vm_readv(1, &piece, 1, &piece, 1, 0) != -1 || errno != EPERM ? 99 : 0);
}

/* A process of the same user that hides its memory. */
static void hidden(void *hides)
{
	char byte;
	struct iovec piece = { &byte, 1 };
	pid_t child;
	int secret, copied;

	if (setgid(1000) || setuid(1000))
		_exit(100);
	prctl(PR_SET_DUMPABLE, 1);
	child = fork();
	if (!child) {
		prctl(PR_SET_DUMPABLE, hides ? 0 : 1);
		sleep_ms(20000);
		_exit(0);
	}
	sleep_ms(100);
	secret = open_secret(child);
	copied = process_vm_readv(child, &piece, 1, &piece, 1, 0) == 1;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	_exit(hides ? secret != -1 || copied : secret != 0 || !copied);
}

static void test_mem(void)
{
	char path[32], *p = map(2, ANON), byte = 0;
	int mem = open("/proc/self/mem", O_RDWR), ends[2];
	pid_t child;

	p[0] = 'm';
	tap_is(pread(mem, &byte, 1, (off_t)(uintptr_t)p), 1, "memory is read");
	tap_is(byte, 'm', "as it is");
	munmap(p + PAGE, PAGE);
	fails(pread(mem, &byte, 1, (off_t)(uintptr_t)(p + PAGE)), EIO, "what is not there");
	fails(pread(mem, (char *)8, 1, (off_t)(uintptr_t)p), EFAULT, "to nowhere");
	tap_ok(lseek(mem, 0x1000, SEEK_SET) == 0x1000 && lseek(mem, 0x1000, SEEK_CUR) == 0x2000, "it can be sought in");
	fails(lseek(mem, 0, SEEK_END), EINVAL, "but has no end");
	close(mem);
	if (pipe(ends))
		tap_diag("no pipe");
	child = fork();
	if (!child)
		_exit(read(ends[0], &byte, 1) != 1);
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	mem = open(path, O_RDONLY);
	byte = 0;
	tap_ok(pread(mem, &byte, 1, (off_t)(uintptr_t)p) == 1 && byte == 'm', "a child's memory");
	tap_is(write(ends[1], "x", 1), 1, "it ends");
	waitpid(child, NULL, 0);
	tap_is(pread(mem, &byte, 1, (off_t)(uintptr_t)p), 0, "then there is none");
	close(mem);
	close(ends[0]);
	close(ends[1]);
	munmap(p, PAGE);
}

int main(void)
{
	tap_plan(0);
	test_clear_refs();
	test_pagemap();
	test_frames();
	test_mem();
	tap_is(in_child(foreign, NULL), 0, "nothing of others");
	tap_is(in_child(hidden, NULL), 0, "of one's own processes everything");
	tap_is(in_child(hidden, (void *)1), 0, "unless they hide");
	return tap_done();
}
