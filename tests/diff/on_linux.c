/* SPDX-License-Identifier: MIT */
/* on_linux.c - the operations as system calls of a child process. */
#define _GNU_SOURCE
#include "diff.h"

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

static sigjmp_buf touched;
static volatile long touch_failed;
static int files[NR_FILES];
static unsigned int at, nr_ops;
static const struct op *all_ops;
static struct result *all_results;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	touch_failed = -1000L * sig - info->si_code;
	siglongjmp(touched, 1);
}

static long touch(unsigned long addr, bool write, unsigned char value)
{
	volatile unsigned char *p = (volatile unsigned char *)addr;

	if (sigsetjmp(touched, 1))
		return touch_failed;
	if (!write)
		return *p;
	*p = value;
	return 0;
}

static long result_of(long ret)
{
	return ret == -1 ? -errno : ret;
}

static long do_op(const struct op *op, struct result *result)
{
	void *addr = (void *)op->addr;
	unsigned char byte = op->value;

	switch (op->kind) {
	case OP_MMAP:
		return result_of((long)syscall(SYS_mmap, op->addr, op->len, op->prot, op->flags,
					       op->file < 0 ? -1 : files[op->file], op->offset));
	case OP_MUNMAP:
		return result_of(munmap(addr, op->len));
	case OP_MPROTECT:
		return result_of(mprotect(addr, op->len, (int)op->prot));
	case OP_MREMAP:
		return result_of((long)syscall(SYS_mremap, op->addr, op->len, op->new_len, op->flags, op->new_addr));
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
		return result_of(mincore(addr, op->len, result->mincore));
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
		return 0;
	}
}

static void take_maps(struct result *result)
{
	static char text[1 << 16];
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t len = 0;
	ssize_t got;

	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	text[len] = 0;
	maps_normalise(text, result->maps, sizeof(result->maps));
	for (unsigned int page = 0; page < ARENA_PAGES; page++)
		if (mincore((void *)(ARENA_BASE + page * 4096ul), 4096, &result->resident[page]) != 0)
			result->resident[page] = 2;
}

/* Up to the end, or to the exit that belongs to the fork which began this process. */
static void run(bool child)
{
	while (at < nr_ops) {
		const struct op *op = &all_ops[at];
		struct result *result = &all_results[at];
		int status;
		pid_t pid;

		at++;
		if (op->kind == OP_FORK) {
			take_maps(result);
			pid = fork();
			if (!pid) {
				run(true);
				_exit(0);
			}
			if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
				_exit(3);
			/* What the child did has been done: go on behind its exit. */
			for (int depth = 1; depth && at < nr_ops; at++)
				depth += all_ops[at].kind == OP_FORK ? 1 : all_ops[at].kind == OP_EXIT ? -1 : 0;
			continue;
		}
		result->ret = do_op(op, result);
		take_maps(result);
		if (op->kind == OP_EXIT && child)
			return;
	}
}

static void make_files(void)
{
	static unsigned char bytes[FILE_PAGES * 4096];

	for (int f = 0; f < NR_FILES; f++) {
		files[f] = memfd_create("diff", 0);
		for (unsigned long i = 0; i < diff_file_bytes(f); i++)
			bytes[i] = diff_file_byte(f, i);
		if (files[f] < 0 || pwrite(files[f], bytes, diff_file_bytes(f), 0) != (ssize_t)diff_file_bytes(f))
			_exit(2);
	}
}

static void child_main(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	void *arena = mmap((void *)(ARENA_BASE - (1 << 20)), (ARENA_PAGES * 4096) + (2 << 20), PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (arena != (void *)(ARENA_BASE - (1 << 20)))
		_exit(2);
	munmap(arena, (ARENA_PAGES * 4096) + (2 << 20));
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	make_files();
	run(false);
	_exit(0);
}

void *diff_shared(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

bool diff_on_linux(const struct op *ops, unsigned int nr, struct result *results)
{
	pid_t pid;
	int status;

	all_ops = ops;
	all_results = results;
	nr_ops = nr;
	at = 0;
	fflush(stdout);
	pid = fork();
	if (!pid)
		child_main();
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* "start-end perms offset dev inode name" */
static void normalise_line(const char *line, char **out, const char *end)
{
	unsigned long start, stop, offset, inode;
	char perms[8], name[64] = "";
	unsigned int major, minor;

	if (sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %63s", &start, &stop, perms, &offset, &major, &minor, &inode, name) < 7)
		return;
	if (stop <= ARENA_BASE || start >= ARENA_END)
		return;
	*out += snprintf(*out, (size_t)(end - *out), "%ld-%ld %s %lx %s\n", (long)(start - ARENA_BASE) / 4096,
			 (long)(stop - ARENA_BASE) / 4096, perms, offset / 4096,
			 strstr(name, "memfd") ? "file" : strstr(name, "zero") ? "shm" : "anon");
}

void maps_normalise(const char *text, char *out, size_t size)
{
	char *end = out + size;

	*out = 0;
	while (*text && out < end - 1) {
		normalise_line(text, &out, end);
		text = strchr(text, '\n');
		if (!text)
			return;
		text++;
	}
}
