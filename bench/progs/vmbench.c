/* SPDX-License-Identifier: MIT */
/*
 * vmbench.c - the cost of each memory operation as a program sees it, in ticks of the TSC.
 *
 * Made for QEMU with -icount shift=0, where a tick is one guest instruction and every run gives
 * the same figures; bench/bench starts it so. Prints "row figure", where the figure is per page,
 * call, pair or fault as bench/README.md says. Each row is measured three times and the least
 * counts: the others contain more of the timer interrupts.
 * As the first program it prints reset_to_init only, and powers off.
 *
 * usage: vmbench [ROW]
 */
#include "vmbench.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NR_PAGES 1024UL

static char *volatile area;
static char *self;

/* --- Calls --- */

static double null_syscall(void)
{
	uint64_t begin = ticks();

	for (int i = 0; i < 1000; i++)
		bare_syscall(SYS_getppid);
	return since(begin) / 1000;
}

static double user_memset4k(void)
{
	static char page[PAGE] __attribute__((aligned(4096)));
	uint64_t begin;

	clear_page(page);
	begin = ticks();
	for (int i = 0; i < 1000; i++)
		clear_page(page);
	return since(begin) / 1000;
}

/* --- Anonymous faults --- */

static double anon_read_fault(void)
{
	char *at = map(NR_PAGES * PAGE);
	double per_page = read_pages(at, NR_PAGES, PAGE);

	munmap(at, NR_PAGES * PAGE);
	return per_page;
}

static double anon_write_fault(void)
{
	char *at = map(NR_PAGES * PAGE);
	double per_page = write_pages(at, NR_PAGES, PAGE);

	munmap(at, NR_PAGES * PAGE);
	return per_page;
}

static double anon_write_after_read(void)
{
	char *at = map(NR_PAGES * PAGE);
	double per_page;

	read_pages(at, NR_PAGES, PAGE);
	per_page = write_pages(at, NR_PAGES, PAGE);
	munmap(at, NR_PAGES * PAGE);
	return per_page;
}

static double anon_write_refault(void)
{
	char *at = map(NR_PAGES * PAGE);
	double per_page;

	write_pages(at, NR_PAGES, PAGE);
	madvise(at, NR_PAGES * PAGE, MADV_DONTNEED);
	per_page = write_pages(at, NR_PAGES, PAGE);
	munmap(at, NR_PAGES * PAGE);
	return per_page;
}

static double anon_write_sparse2M(void)
{
	char *at = map(256 * 2 * MIB);
	double per_page = write_pages(at, 256, 2 * MIB);

	munmap(at, 256 * 2 * MIB);
	return per_page;
}

static double anon_populate8M(void)
{
	uint64_t begin = ticks();
	char *at = mmap(NULL, 8 * MIB, RW, ANON | MAP_POPULATE, -1, 0);
	double per_page = since(begin) / (8 * MIB / PAGE);

	munmap(at, 8 * MIB);
	return per_page;
}

static double anon_touch64M(void)
{
	char *at = map(64 * MIB);
	double per_page = write_pages(at, 64 * MIB / PAGE, PAGE);

	munmap(at, 64 * MIB);
	return per_page;
}

static double munmap64M(void)
{
	char *at = map(64 * MIB);
	uint64_t begin;

	write_pages(at, 64 * MIB / PAGE, PAGE);
	begin = ticks();
	munmap(at, 64 * MIB);
	return since(begin) / (64 * MIB / PAGE);
}

static __attribute__((noinline)) char deeper(int left)
{
	volatile char frame[PAGE];

	frame[0] = (char)left;
	return left ? (char)(deeper(left - 1) + frame[0]) : 0;
}

/* Each run in a child, whose stack is as short as at first. */
static double stack_grow_in_child(void)
{
	uint64_t begin = ticks();

	deeper(256);
	return since(begin) / 256;
}

static double stack_grow(void)
{
	return in_child(stack_grow_in_child);
}

static double shmanon_write_fault(void)
{
	char *at = mmap(NULL, NR_PAGES * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double per_page = write_pages(at, NR_PAGES, PAGE);

	munmap(at, NR_PAGES * PAGE);
	return per_page;
}

/* --- Copy-on-write and processes --- */

static double write_area(void)
{
	return write_pages(area, NR_PAGES, PAGE);
}

static double cow_child_write(void)
{
	double per_page;

	area = map(NR_PAGES * PAGE);
	write_area();
	per_page = in_child(write_area);
	munmap(area, NR_PAGES * PAGE);
	return per_page;
}

/* After fork the parent writes, with the child still there or gone. */
static double parent_writes(int with_child)
{
	double per_page;
	pid_t child;

	area = map(NR_PAGES * PAGE);
	write_area();
	child = fork();
	if (!child) {
		if (with_child)
			pause();
		_exit(0);
	}
	if (!with_child)
		waitpid(child, NULL, 0);
	per_page = write_area();
	if (with_child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	munmap(area, NR_PAGES * PAGE);
	return per_page;
}

static double cow_parent_copy(void)
{
	return parent_writes(1);
}

static double cow_parent_reuse(void)
{
	return parent_writes(0);
}

static double fork_exit_wait(unsigned long mib)
{
	char *at = mib ? map(mib * MIB) : NULL;
	uint64_t begin;

	if (mib)
		write_pages(at, mib * MIB / PAGE, PAGE);
	begin = ticks();
	if (!fork())
		_exit(0);
	wait(NULL);
	begin = ticks() - begin;
	if (mib)
		munmap(at, mib * MIB);
	return (double)begin;
}

static double fork_exit_wait_0M(void)
{
	return fork_exit_wait(0);
}

static double fork_exit_wait_16M(void)
{
	return fork_exit_wait(16);
}

static double fork_exit_wait_128M(void)
{
	return fork_exit_wait(128);
}

static void run_nothing(void)
{
	char *const arguments[] = { self, (char *)"--exit", NULL }, *const nothing[] = { NULL };

	execve(self, arguments, nothing);
	_exit(1);
}

static double fork_exec_wait(void)
{
	uint64_t begin = ticks();

	if (!fork())
		run_nothing();
	wait(NULL);
	return since(begin);
}

static double vfork_exec_wait(void)
{
	uint64_t begin = ticks();

	if (!vfork())
		run_nothing();
	wait(NULL);
	return since(begin);
}

/* --- Address spaces --- */

static double mmap_munmap_1p(void)
{
	uint64_t begin = ticks();

	for (int i = 0; i < 200; i++)
		munmap(map(PAGE), PAGE);
	return since(begin) / 200;
}

static double mmap_touch_munmap_1p(void)
{
	uint64_t begin = ticks();

	for (int i = 0; i < 200; i++) {
		char *at = map(PAGE);

		*(volatile char *)at = 1;
		munmap(at, PAGE);
	}
	return since(begin) / 200;
}

static double flip(char *at, int store)
{
	uint64_t begin = ticks();

	for (int i = 0; i < 100; i++) {
		mprotect(at, PAGE, PROT_READ);
		mprotect(at, PAGE, RW);
		if (store)
			*(volatile char *)at = 1;
	}
	return since(begin) / (store ? 100 : 200);
}

static double mprotect_flip_1p(void)
{
	char *at = map(PAGE);
	double per_call;

	*at = 1;
	per_call = flip(at, 0);
	munmap(at, PAGE);
	return per_call;
}

static double mprotect_flip_store_1p(void)
{
	char *at = map(PAGE);
	double per_pair;

	*at = 1;
	per_pair = flip(at, 1);
	munmap(at, PAGE);
	return per_pair;
}

static double mprotect_split_merge(void)
{
	char *at = map(3 * PAGE);
	double per_call;

	write_pages(at, 3, PAGE);
	per_call = flip(at + PAGE, 0);
	munmap(at, 3 * PAGE);
	return per_call;
}

static double mprotect_8M(void)
{
	char *at = map(8 * MIB);
	uint64_t begin;

	write_pages(at, 8 * MIB / PAGE, PAGE);
	begin = ticks();
	mprotect(at, 8 * MIB, PROT_READ);
	begin = ticks() - begin;
	munmap(at, 8 * MIB);
	return (double)begin / (8 * MIB / PAGE);
}

static double mremap_grow_shrink(void)
{
	char *at = map(64 * PAGE);
	uint64_t begin;

	munmap(at + PAGE, 63 * PAGE);
	begin = ticks();
	for (int i = 0; i < 100; i++) {
		mremap(at, PAGE, 2 * PAGE, 0);
		mremap(at, 2 * PAGE, PAGE, 0);
	}
	begin = ticks() - begin;
	munmap(at, PAGE);
	return (double)begin / 100;
}

static double move(size_t size)
{
	char *at = map(size), *there = map(size);
	uint64_t begin;

	write_pages(at, size / PAGE, PAGE);
	munmap(there, size);
	begin = ticks();
	for (int i = 0; i < 20; i++) {
		char *back = at;

		mremap(at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, there);
		at = there;
		there = back;
	}
	begin = ticks() - begin;
	munmap(at, size);
	return (double)begin / 20;
}

static double mremap_move_1p(void)
{
	return move(PAGE);
}

static double mremap_move_4M(void)
{
	return move(4 * MIB) / (4 * MIB / PAGE);
}

static double brk_pair(int touch)
{
	char *top = (char *)bare_syscall1(SYS_brk, 0);
	uint64_t begin = ticks();

	for (int i = 0; i < 100; i++) {
		bare_syscall1(SYS_brk, (long)(top + PAGE));
		if (touch)
			*(volatile char *)(((uintptr_t)top + PAGE - 1) & ~(PAGE - 1)) = 1;
		bare_syscall1(SYS_brk, (long)top);
	}
	return since(begin) / 100;
}

static double brk_grow_shrink(void)
{
	return brk_pair(0);
}

static double brk_touch_shrink(void)
{
	return brk_pair(1);
}

static double madv_dontneed_retouch_1p(void)
{
	char *at = map(PAGE);
	uint64_t begin;

	*at = 1;
	begin = ticks();
	for (int i = 0; i < 100; i++) {
		madvise(at, PAGE, MADV_DONTNEED);
		*(volatile char *)at = 1;
	}
	begin = ticks() - begin;
	munmap(at, PAGE);
	return (double)begin / 100;
}

static double madv_dontneed_8M(void)
{
	char *at = map(8 * MIB);
	uint64_t begin;

	write_pages(at, 8 * MIB / PAGE, PAGE);
	begin = ticks();
	madvise(at, 8 * MIB, MADV_DONTNEED);
	begin = ticks() - begin;
	munmap(at, 8 * MIB);
	return (double)begin / (8 * MIB / PAGE);
}

static double mlock_munlock_1p(void)
{
	char *at = map(PAGE);
	uint64_t begin;

	*at = 1;
	begin = ticks();
	for (int i = 0; i < 100; i++) {
		if (mlock(at, PAGE))
			return ABSENT;
		munlock(at, PAGE);
	}
	begin = ticks() - begin;
	munmap(at, PAGE);
	return (double)begin / 100;
}

static double mlock_populate_8M(void)
{
	char *at = map(8 * MIB);
	uint64_t begin = ticks();

	if (mlock(at, 8 * MIB))
		return ABSENT;
	begin = ticks() - begin;
	munmap(at, 8 * MIB);
	return (double)begin / (8 * MIB / PAGE);
}

static double mincore_of(size_t size, int rounds)
{
	static unsigned char vec[8 * MIB / PAGE];
	char *at = map(size);
	uint64_t begin;

	write_pages(at, size / PAGE, PAGE);
	begin = ticks();
	for (int i = 0; i < rounds; i++)
		mincore(at, size, vec);
	begin = ticks() - begin;
	munmap(at, size);
	return (double)begin / rounds;
}

static double mincore_1p(void)
{
	return mincore_of(PAGE, 100);
}

static double mincore_8M(void)
{
	return mincore_of(8 * MIB, 1) / (8 * MIB / PAGE);
}

static void allow_page(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	mprotect((void *)((uintptr_t)info->si_addr & ~(PAGE - 1)), PAGE, RW);
}

static double segv_handler_mprotect(void)
{
	struct sigaction action = { .sa_sigaction = allow_page, .sa_flags = SA_SIGINFO }, old;
	char *at = map(100 * PAGE);
	double per_fault;

	write_pages(at, 100, PAGE);
	mprotect(at, 100 * PAGE, PROT_READ);
	sigaction(SIGSEGV, &action, &old);
	per_fault = write_pages(at, 100, PAGE);
	sigaction(SIGSEGV, &old, NULL);
	munmap(at, 100 * PAGE);
	return per_fault;
}

static const struct row rows[] = {
	ROW(null_syscall), ROW(user_memset4k), ROW(anon_read_fault), ROW(anon_write_fault),
	ROW(anon_write_after_read), ROW(anon_write_refault), ROW(anon_write_sparse2M),
	ROW(anon_populate8M), ROW(anon_touch64M), ROW(munmap64M), ROW(stack_grow),
	ROW(shmanon_write_fault), ROW(cow_child_write), ROW(cow_parent_copy), ROW(cow_parent_reuse),
	ROW(fork_exit_wait_0M), ROW(fork_exit_wait_16M), ROW(fork_exit_wait_128M),
	ROW(fork_exec_wait), ROW(vfork_exec_wait), ROW(mmap_munmap_1p), ROW(mmap_touch_munmap_1p),
	ROW(mprotect_flip_1p), ROW(mprotect_flip_store_1p), ROW(mprotect_split_merge),
	ROW(mprotect_8M), ROW(mremap_grow_shrink), ROW(mremap_move_1p), ROW(mremap_move_4M),
	ROW(brk_grow_shrink), ROW(brk_touch_shrink), ROW(madv_dontneed_retouch_1p),
	ROW(madv_dontneed_8M), ROW(mlock_munlock_1p), ROW(mlock_populate_8M), ROW(mincore_1p),
	ROW(mincore_8M), ROW(segv_handler_mprotect),
};

static void measure(const struct row *row)
{
	double least = ABSENT;

	for (int i = 0; i < 3; i++) {
		double figure = row->measure();

		if (figure != ABSENT && (least == ABSENT || figure < least))
			least = figure;
	}
	if (least != ABSENT)
		printf("%s %.1f\n", row->name, least);
	fflush(stdout);
}

static void measure_all(const struct row *list, size_t nr, const char *wanted)
{
	for (size_t i = 0; i < nr; i++)
		if (!wanted || !strcmp(list[i].name, wanted))
			measure(&list[i]);
}

/* As the first program: how long the machine has run. Does not return. */
static void tell_clock(void)
{
	printf("reset_to_init %llu\n", (unsigned long long)ticks());
	fflush(stdout);
	reboot(RB_POWER_OFF);
	_exit(1);
}

int main(int argc, char **argv)
{
	const char *wanted = argc > 1 ? argv[1] : NULL;

	if (wanted && !strcmp(wanted, "--exit"))
		return 0;
	if (getpid() == 1)
		tell_clock();
	self = argv[0];
	measure_all(rows, sizeof(rows) / sizeof(rows[0]), wanted);
	measure_all(file_rows, nr_file_rows, wanted);
	return 0;
}
