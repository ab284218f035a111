/* SPDX-License-Identifier: MIT */
/* pins.c - what a driver has pinned of a program's memory stays the program's own; and a debugger's write gives no rights. */
#include "faults.h"

#include <sys/ioctl.h>
#include <sys/mount.h>

#define START _IOW('g', 7, struct pin_test)
#define STOP _IO('g', 8)
#define READ _IOW('g', 9, uint64_t)
#define USE_WRITE 1

struct pin_test {
	uint64_t addr, size;
	uint32_t flags;
};

#define RW (PROT_READ | PROT_WRITE)
#define PAGES 4

static int driver;

static char *map(void)
{
	return mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int pin(void *address, size_t pages, unsigned int flags)
{
	struct pin_test test = { (uintptr_t)address, pages * PAGE, flags };

	return ioctl(driver, START, &test);
}

/* The first byte of a page as the driver sees it. */
static int seen(int number)
{
	static char copy[PAGES * PAGE];
	uint64_t to = (uintptr_t)copy;

	return ioctl(driver, READ, &to) ? -1 : copy[(size_t)number * PAGE];
}

static void sees_ones(void *p)
{
	char *page = p;

	for (int i = 0; i < PAGES; i++)
		if (page[(size_t)i * PAGE] != 1)
			_exit(1);
	memset(p, 9, PAGES * PAGE);
	_exit(page[0] == 9 ? 0 : 2);
}

/* A child writes while the parent does: neither the driver nor the parent notices. */
static void test_fork(unsigned int flags)
{
	char *p = map();
	int status;
	pid_t child;

	memset(p, 1, PAGES * PAGE);
	tap_is(pin(p, PAGES, flags), 0, "pinned");
	tap_is(figure("/proc/self/status", "VmPin"), PAGES * 4, "VmPin counts it");
	child = fork();
	if (!child) {
		sleep_ms(100);
		sees_ones(p);
	}
	for (int i = 0; i < PAGES; i++)
		p[(size_t)i * PAGE] = 5;
	tap_is(seen(0), 5, "the driver sees what the parent writes after a fork");
	waitpid(child, &status, 0);
	tap_is(status, 0, "the child has what was before");
	tap_is(seen(PAGES - 1), 5, "the driver nothing of the child");
	p[0] = 6;
	tap_is(seen(0), 6, "and still what the parent writes");
	mprotect(p, PAGE, PROT_READ);
	mprotect(p, PAGE, RW);
	p[0] = 7;
	tap_is(seen(0), 7, "also after other rights");
	tap_is(ioctl(driver, STOP), 0, "unpinned");
	tap_is(figure("/proc/self/status", "VmPin"), 0, "and counted no more");
	munmap(p, PAGES * PAGE);
}

/* Shared with a child already: pinning for reading makes them one's own. */
static void test_after_fork(void)
{
	char *p = map();
	int ends[2];
	char byte;
	pid_t child;

	memset(p, 1, PAGES * PAGE);
	if (pipe(ends))
		tap_diag("no pipe");
	child = fork();
	if (!child) {
		close(ends[1]);
		sees_ones(read(ends[0], &byte, 1) ? NULL : p);
	}
	tap_is(pin(p, PAGES, 0), 0, "pinned for reading while a child shares them");
	p[PAGE] = 3;
	tap_is(seen(1), 3, "the driver sees the parent's writes");
	close(ends[1]);
	close(ends[0]);
	waitpid(child, &(int){ 0 }, 0);
	tap_is(seen(1), 3, "and not the child's");
	ioctl(driver, STOP);
	munmap(p, PAGES * PAGE);
}

static void test_refused(void)
{
	char *p = map();

	fails(pin(p + 1, 1, 0), EINVAL, "not aligned");
	fails(pin(p, 0, 0), EINVAL, "nothing");
	fails(pin(p, 1, 4), EINVAL, "no such flag");
	fails(ioctl(driver, READ, &(uint64_t){ 0 }), EINVAL, "nothing is pinned");
	mprotect(p, PAGE, PROT_READ);
	fails(pin(p, 1, USE_WRITE), EFAULT, "what cannot be written");
	munmap(p + PAGE, PAGE);
	fails(pin(p, 2, 0), EFAULT, "a hole");
	tap_is(figure("/proc/self/status", "VmPin"), 0, "leaves nothing behind");
	tap_is(pin(p, 1, 0), 0, "one page");
	fails(pin(p, 1, 0), EINVAL, "but no second time");
	munmap(p, PAGES * PAGE);
	tap_is(seen(0), 0, "a pin outlives the mapping");
	close(driver);
}

static void test_debugger(void)
{
	int mem = open("/proc/self/mem", O_RDWR);
	char *p = map(), byte = 0;

	memset(p, 1, PAGES * PAGE);
	mprotect(p, PAGE, PROT_READ);
	mprotect(p + PAGE, PAGE, PROT_NONE);
	tap_is(pwrite(mem, "x", 1, (off_t)(uintptr_t)p), 1, "read-only memory is written through mem");
	tap_is(p[0], 'x', "which shows");
	tap_is(touch(p, 1), SIGSEGV, "and gives the program no right");
	tap_is(pread(mem, &byte, 1, (off_t)(uintptr_t)p + (off_t)PAGE), 1, "memory that nobody may touch is read");
	tap_is(byte, 1, "as it is");
	tap_is(pwrite(mem, "y", 1, (off_t)(uintptr_t)p + (off_t)PAGE), 1, "and written");
	tap_is(touch(p + PAGE, 1), SIGSEGV, "and stays untouchable");
	mprotect(p + PAGE, PAGE, PROT_READ);
	tap_is(p[PAGE], 'y', "until it may be read");
	munmap(p, PAGES * PAGE);
	close(mem);
}

int main(void)
{
	catch_faults();
	tap_plan(0);
	test_debugger();
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	driver = open("/sys/kernel/debug/gup_test", O_RDWR);
	if (driver < 0) {
		tap_diag("no gup_test in debugfs: pins are left out");
		return tap_done();
	}
	test_fork(USE_WRITE);
	test_fork(0);
	test_after_fork();
	test_refused();
	return tap_done();
}
