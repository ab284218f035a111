/* SPDX-License-Identifier: MIT */
/* on_linux.c - the operations as system calls of a child process: on Linux, and in the booted kernel. */
#define _GNU_SOURCE
#include "on_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING 2
#endif

static sigjmp_buf touched;
static volatile long touch_failed;
int files[NR_FILES];
bool forked;
static unsigned int at, nr_ops;
static const struct op *all_ops;
struct result *linux_results;
/* Where the heap's window is in this process. */
static unsigned long heap;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	/* A lost page: BUS_MCEERR_AR, or BUS_ADRERR on a Linux that was built without MEMORY_FAILURE. */
	touch_failed = -1000L * sig - (sig == SIGBUS && info->si_code == 4 ? 2 : info->si_code);
	siglongjmp(touched, 1);
}

unsigned long real(unsigned long addr)
{
	return addr >= HEAP_BASE && addr <= HEAP_END ? addr - HEAP_BASE + heap : addr;
}

long named(long addr)
{
	unsigned long a = (unsigned long)addr;

	return (long)(a >= heap && a <= heap + (HEAP_END - HEAP_BASE) ? a - heap + HEAP_BASE : a);
}

static bool in_windows(long addr)
{
	unsigned long a = (unsigned long)named(addr);

	return (a >= ARENA_BASE && a < ARENA_END) || (a >= HEAP_BASE && a < HEAP_END);
}

/*
 * Where the CPU has protection keys, memory that may only be executed cannot be read: a difference of CPUs, not of kernels, if
 * only one side has them. With every key open there is none.
 */
static void open_keys(void)
{
	unsigned int a = 7, b, c = 0, d;

	if (diff_features & FEATURE_KEYS)
		return;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (c >> 4 & 1)
		__asm__ volatile("wrpkru" :: "a"(0), "c"(0), "d"(0) : "memory");
}

/* In a function of its own, which keeps nothing over the jump. */
__attribute__((noinline)) static bool jumped_back(volatile unsigned char *p, bool write, unsigned char *byte)
{
	if (sigsetjmp(touched, 1))
		return true;
	if (write)
		*p = *byte;
	else
		*byte = *p;
	return false;
}

long touch(unsigned long addr, bool write, unsigned char value)
{
	if (!jumped_back((volatile unsigned char *)real(addr), write, &value))
		return write ? 0 : value;
	/* A handler starts with few keys, and was left by a jump. */
	open_keys();
	return touch_failed;
}

long result_of(long ret)
{
	return ret == -1 ? -errno : ret;
}

static long call_mmap(const struct op *op, unsigned long addr)
{
	return result_of((long)syscall(SYS_mmap, addr, op->len, op->prot, op->flags, op->file < 0 ? -1 : files[op->file],
				       op->offset));
}

static long mmap_any(const struct op *op)
{
	long got = call_mmap(op, real(op->addr));
	unsigned long last;

	if ((got < 0 && got > -4096) || in_windows(got))
		return named(got);
	last = (unsigned long)got + op->len - 1;
	munmap((void *)got, op->len);
	if (got & 4095)
		return -2;
	return (op->flags & MAP_32BIT) && last >> 31 ? -3 : ELSEWHERE;
}

/* What has moved out of the windows is brought back. */
static long mremap_any(const struct op *op)
{
	long got = result_of((long)syscall(SYS_mremap, real(op->addr), op->len, op->new_len, op->flags, 0)), back;

	if ((got < 0 && got > -4096) || in_windows(got))
		return named(got);
	back = result_of((long)syscall(SYS_mremap, got, op->new_len, op->new_len, MREMAP_MAYMOVE | MREMAP_FIXED,
				       real(op->new_addr)));
	if (back < 0 && back > -4096)
		munmap((void *)got, op->new_len);
	return named(back) + ELSEWHERE;
}

static long remap_file(const struct op *op)
{
	uint64_t hash = DIFF_HASH_BEGIN;
	long ret = result_of((long)syscall(SYS_mmap, SIDE_BASE, SIDE_PAGES * 4096ul, PROT_READ | PROT_WRITE,
					   op->flags | MAP_FIXED, (long)files[op->file], 0L));

	for (unsigned int k = 0; k < REMAP_STEPS && ret == (long)SIDE_BASE; k++) {
		unsigned int to, from, pages;

		diff_remap_step(op, k, &to, &from, &pages);
		ret = result_of(syscall(SYS_remap_file_pages, SIDE_BASE + to * 4096ul, pages * 4096ul, op->prot, from, 0));
		hash = diff_hash(hash, &ret, sizeof(ret));
		ret = touch(SIDE_BASE + to * 4096ul + k + 1, true, (unsigned char)(op->value + k));
		hash = diff_hash(hash, &ret, sizeof(ret));
		ret = (long)SIDE_BASE;
	}
	for (unsigned int i = 0; i < SIDE_PAGES * 8; i++) {
		long got = touch(SIDE_BASE + i / 8 * 4096ul + i % 8, false, 0);

		hash = diff_hash(hash, &got, sizeof(got));
	}
	munmap((void *)SIDE_BASE, SIDE_PAGES * 4096ul);
	return (long)(hash >> 1);
}

static long sum(void)
{
	uint64_t hash = DIFF_HASH_BEGIN;

	for (unsigned int page = 0; page < ALL_PAGES; page++) {
		unsigned long addr = page < ARENA_PAGES ? ARENA_BASE + page * 4096ul :
							  HEAP_BASE + (page - ARENA_PAGES) * 4096ul;
		long got = touch(addr, false, 0);

		hash = diff_hash(hash, &got, sizeof(got));
	}
	return (long)(hash >> 1);
}

static long do_wide_op(const struct op *op)
{
	switch (op->kind) {
	case OP_BRK:
		return named(syscall(SYS_brk, real(op->addr)));
	case OP_MLOCK2:
		return result_of(syscall(SYS_mlock2, real(op->addr), op->len, op->flags));
	case OP_SUM:
		return sum();
	case OP_REMAP_FILE:
		return remap_file(op);
	case OP_MMAP_ANY:
		return mmap_any(op);
	case OP_MREMAP_ANY:
		return mremap_any(op);
	default:
		return do_kernel_op(op);
	}
}

static long do_op(const struct op *op, struct result *result)
{
	void *addr = (void *)real(op->addr);
	unsigned char byte = op->value;

	switch (op->kind) {
	case OP_MMAP:
		return named(call_mmap(op, real(op->addr)));
	case OP_MUNMAP:
		return result_of(munmap(addr, op->len));
	case OP_MPROTECT:
		return result_of(mprotect(addr, op->len, (int)op->prot));
	case OP_MREMAP:
		return named(result_of((long)syscall(SYS_mremap, addr, op->len, op->new_len, op->flags,
						     real(op->new_addr))));
	case OP_MADVISE:
		return result_of(madvise(addr, op->len, op->advice));
	case OP_MLOCK:
		/* Not libc's: the sanitizers make that one do nothing. */
		return result_of(syscall(SYS_mlock, addr, op->len));
	case OP_MUNLOCK:
		return result_of(syscall(SYS_munlock, addr, op->len));
	case OP_MSYNC:
		return result_of(msync(addr, op->len, (int)op->flags));
	case OP_MINCORE:
		return result_of(syscall(SYS_mincore, addr, op->len, result->mincore));
	case OP_READ:
	case OP_WRITE:
		return touch(op->addr, op->kind == OP_WRITE, op->value);
	case OP_TRUNCATE:
		return result_of(ftruncate(files[op->file], (off_t)op->len));
	case OP_PWRITE:
		return result_of(pwrite(files[op->file], &byte, 1, (off_t)op->offset));
	case OP_PREAD:
		byte = 0;
		return result_of(pread(files[op->file], &byte, 1, (off_t)op->offset)) + byte * 2L;
	default:
		return do_wide_op(op);
	}
}

static void take_maps_text(char *maps)
{
	static char text[1 << 16];
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t len = 0;
	ssize_t got;

	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	text[len] = 0;
	maps_normalise(text, heap, maps, MAPS_TEXT);
}

void take_maps_uncut(char *maps)
{
	take_maps_text(maps);
	maps_without_cuts(maps);
}

static void take_maps(struct result *result)
{
	take_maps_text(result->maps);
	for (unsigned int page = 0; page < ALL_PAGES; page++) {
		unsigned long addr = page < ARENA_PAGES ? ARENA_BASE + page * 4096ul : heap + (page - ARENA_PAGES) * 4096ul;

		if (syscall(SYS_mincore, addr, 4096ul, &result->resident[page]) != 0)
			result->resident[page] = 2;
	}
}

/* Up to the end, or to the exit that belongs to the fork which began this process. */
static void run(void)
{
	while (at < nr_ops) {
		const struct op *op = &all_ops[at];
		struct result *result = &linux_results[at];
		int status;
		pid_t pid;

		at++;
		if (op->kind == OP_FORK) {
			take_maps(result);
			pid = fork();
			if (!pid) {
				forked = true;
				failing_begin();
				run();
				_exit(0);
			}
			if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
				_exit(3);
			/* What the child did has been done: go on behind its exit. */
			for (int depth = 1; depth && at < nr_ops; at++)
				depth += all_ops[at].kind == OP_FORK ? 1 : all_ops[at].kind == OP_EXIT ? -1 : 0;
			continue;
		}
		open_keys();
		result->ret = do_op_failing(op, result, do_op);
		take_maps(result);
		if (op->kind == OP_EXIT && forked)
			return;
	}
}

static void make_files(void)
{
	static unsigned char bytes[FILE_PAGES * 4096];

	for (int f = 0; f < NR_FILES; f++) {
		char name[] = { 'd', 'i', 'f', 'f', (char)('0' + f), 0 };

		files[f] = memfd_create(name, f == 2 ? MFD_ALLOW_SEALING : 0);
		for (unsigned long i = 0; i < diff_file_bytes(f); i++)
			bytes[i] = diff_file_byte(f, i);
		if (files[f] < 0 || pwrite(files[f], bytes, diff_file_bytes(f), 0) != (ssize_t)diff_file_bytes(f))
			_exit(2);
	}
}

static void child_main(enum diff_scope scope)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	void *arena = mmap((void *)(ARENA_BASE - (1 << 20)), (ARENA_PAGES * 4096) + (2 << 20), PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (arena != (void *)(ARENA_BASE - (1 << 20)))
		_exit(2);
	munmap(arena, (ARENA_PAGES * 4096) + (2 << 20));
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	if (scope >= SCOPE_LIMITS)
		be_limited();
	if (scope == SCOPE_WATCHED)
		open_watchers();
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	make_files();
	/* Its first page is the program's, so that it is no other heap's beginning. */
	heap = ((unsigned long)syscall(SYS_brk, 0) + 8191) & ~4095ul;
	if ((unsigned long)syscall(SYS_brk, heap) != heap)
		_exit(2);
	failing_begin();
	run();
	_exit(0);
}

void *diff_shared(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* Pages that MADV_FREE gave up and reclaim has taken since boot, from all programs. */
static unsigned long nr_lazyfreed(void)
{
	static char text[1 << 15];
	int fd = open("/proc/vmstat", O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);
	const char *at;

	close(fd);
	text[len > 0 ? len : 0] = 0;
	at = strstr(text, "pglazyfreed ");
	return at ? strtoul(at + strlen("pglazyfreed "), NULL, 10) : 0;
}

static bool run_in_child(enum diff_scope scope)
{
	pid_t pid;
	int status;

	if (scope >= SCOPE_LIMITS && !make_segments())
		return false;
	at = 0;
	fflush(stdout);
	pid = fork();
	if (!pid)
		child_main(scope);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		status = -1;
	remove_segments();
	return status == 0;
}

/* A host that reclaims in the background (DAMON, a limit of its own) takes what MADV_FREE gave up at any moment: what it answered
 * meanwhile says nothing, and it is asked again. */
#define MOST_RUNS 5

bool diff_on_linux(const struct op *ops, unsigned int nr, enum diff_scope scope, struct result *results)
{
	unsigned long lazyfreed = nr_lazyfreed(), before;
	unsigned int runs = 0;
	bool ran;

	all_ops = ops;
	linux_results = results;
	nr_ops = nr;
	do {
		before = lazyfreed;
		memset(results, 0, sizeof(*results) * nr);
		ran = run_in_child(scope);
		lazyfreed = nr_lazyfreed();
	} while (ran && lazyfreed != before && ++runs < MOST_RUNS);
	return ran;
}

bool diff_on_linux_failing(const struct op *ops, unsigned int nr, enum diff_scope scope, struct result *results,
			   struct diff_failing *how)
{
	bool ran;

	linux_failing = how;
	ran = diff_on_linux(ops, nr, scope, results);
	linux_failing = NULL;
	return ran;
}
