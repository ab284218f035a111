/* SPDX-License-Identifier: MIT */
/* softdirty.c - which pages were written since clear_refs was told 4: bit 55 of pagemap. */
#include "common.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/uio.h>

#define PAGES 8
#define RW (PROT_READ | PROT_WRITE)
#define SOFT_DIRTY (1ull << 55)

/* Bit i: page i counts as written. */
static unsigned int written(const void *start)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entries[PAGES] = { 0 };
	unsigned int bits = 0;

	if (pread(fd, entries, sizeof(entries), (off_t)((uintptr_t)start / PAGE * 8)) != sizeof(entries))
		bits = ~0u;
	close(fd);
	for (int i = 0; i < PAGES; i++)
		bits |= entries[i] & SOFT_DIRTY ? 1u << i : 0;
	return bits;
}

static void forget(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);

	if (write(fd, "4", 1) != 1)
		tap_diag("clear_refs takes no 4");
	close(fd);
}

static char *map(int flags, int fd)
{
	char *p = mmap(NULL, PAGES * PAGE, RW, flags, fd, 0);

	/* Nothing of it merges with what is mapped next to it. */
	mprotect(p + (PAGES - 1) * PAGE, PAGE, PROT_READ);
	return p;
}

static bool kept_here(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	bool kept;

	p[0] = 1;
	kept = written(p) & 1;
	munmap(p, PAGES * PAGE);
	return kept;
}

static void test_anonymous(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1), byte;

	p[0] = p[PAGE] = p[2 * PAGE] = 1;
	tap_is(written(p), 0xff, "all of a new mapping counts as written, also what was never touched");
	forget();
	tap_is(written(p), 0, "and then nothing");
	byte = p[0];
	byte = (char)(byte + p[4 * PAGE]);
	tap_is(written(p), 0, "reading is no writing (%d)", byte);
	p[PAGE] = p[4 * PAGE] = p[5 * PAGE] = 2;
	tap_is(written(p), 1 << 1 | 1 << 4 | 1 << 5, "writing is: to a page that was there, that was read, and to a new one");
	tap_is(p[PAGE] + p[0], 3, "and is done");
	forget();
	p[PAGE] = 3;
	tap_is(written(p), 1 << 1, "anew");
	munmap(p, PAGES * PAGE);
}

/* What the kernel writes for a program is written. */
static void test_kernel_writes(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1), source[4] = "abc";
	struct iovec from = { source, 4 }, to = { p + 2 * PAGE, 4 };
	int fd = open("/dev/zero", O_RDONLY);

	memset(p, 1, 4 * PAGE);
	forget();
	tap_is(read(fd, p, 10), 10, "read into a page");
	tap_is(process_vm_writev(getpid(), &from, 1, &to, 1, 0), 4, "and a write as by a debugger");
	tap_is(written(p), 1 << 0 | 1 << 2, "are seen");
	close(fd);
	munmap(p, PAGES * PAGE);
}

static void test_protection(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memset(p, 1, 4 * PAGE);
	forget();
	mprotect(p, 4 * PAGE, PROT_READ);
	mprotect(p, 4 * PAGE, RW);
	tap_is(written(p) & 15, 0, "a change of rights and back writes nothing");
	p[3 * PAGE] = 2;
	tap_is(written(p) & 15, 1 << 3, "and hides nothing");
	munmap(p, PAGES * PAGE);
}

static void test_objects(void)
{
	int fd = memfd_create("soft", 0);
	char *shared, *private;

	if (ftruncate(fd, PAGES * PAGE))
		return;
	shared = map(MAP_SHARED, fd);
	private = map(MAP_PRIVATE, fd);
	memset(shared, 1, 6 * PAGE);
	private[0] = private[PAGE] = 2;
	forget();
	tap_is(written(shared) | written(private), 0, "of a file, too, nothing is");
	mprotect(shared, 4 * PAGE, PROT_READ);
	mprotect(shared, 4 * PAGE, RW);
	shared[2 * PAGE] = 3;
	private[PAGE] = 3;
	private[4 * PAGE] = 3;
	tap_is(written(shared), 1 << 2, "a shared page is written where it was written");
	tap_is(written(private), 1 << 1 | 1 << 4, "private ones, the copy that was there and a new one");
	munmap(shared, PAGES * PAGE);
	munmap(private, PAGES * PAGE);
	close(fd);
}

static void child_looks(void *argument)
{
	char *p = argument;
	unsigned int inherited = written(p);

	p[3 * PAGE] = 4;
	_exit(inherited == 1 << 1 && written(p) == (1 << 1 | 1 << 3) ? 0 : 1);
}

static void test_fork_and_move(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1), *place, *moved;

	memset(p, 1, 4 * PAGE);
	forget();
	p[PAGE] = 2;
	tap_is(in_child(child_looks, p), 0, "a child inherits what was written, and writes for itself");
	tap_is(written(p), 1 << 1, "its parent's pages stay as they were");
	p[2 * PAGE] = 2;
	tap_is(written(p), 1 << 1 | 1 << 2, "and are written after it");
	forget();
	place = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	moved = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	tap_ok(moved == place && moved[PAGE] == 2, "pages move");
	tap_is(written(moved) & 15, 15, "which counts as writing them");
	munmap(moved, PAGES * PAGE);
	munmap(p + 4 * PAGE, 4 * PAGE);
}

/* A writer beside: whatever it wrote after it was told to forget is seen. */
static struct {
	volatile char *memory;
	volatile long rounds;
	volatile int stop;
} beside;

static void *writes(void *unused)
{
	while (!beside.stop) {
		for (int i = 0; i < PAGES - 1; i++)
			beside.memory[i * PAGE]++;
		beside.rounds++;
	}
	return unused;
}

static void test_beside(void)
{
	pthread_t thread;
	int missed = 0;

	beside.memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pthread_create(&thread, NULL, writes, NULL);
	for (int i = 0; i < 50; i++) {
		long round;

		forget();
		round = beside.rounds;
		while (beside.rounds < round + 2)
			sched_yield();
		missed += (written((void *)beside.memory) & 0x7f) != 0x7f;
	}
	beside.stop = 1;
	pthread_join(thread, NULL);
	tap_is(missed, 0, "no write of another thread is missed");
}

int main(void)
{
	tap_plan(0);
	if (!kept_here())
		tap_skip_all("this kernel keeps no soft dirty bits");
	test_anonymous();
	test_kernel_writes();
	test_protection();
	test_objects();
	test_fork_and_move();
	test_beside();
	return tap_done();
}
