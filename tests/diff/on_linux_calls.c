/* SPDX-License-Identifier: MIT */
/* on_linux_calls.c - the operations that need a kernel around the library: files, segments, limits, advice by pidfd, keys. */
#define _GNU_SOURCE
#include "on_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#endif

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

/* Younger than some C libraries' headers. */
enum { NR_PIDFD_OPEN = 434, NR_PROCESS_MADVISE = 440, NR_MSEAL = 462 };

unsigned int diff_features;

static int segments[NR_SEGMENTS] = { -1, -1, -1 };
/* The key that OP_PKEY_MPROTECT calls its own. */
static int own_key = -1;

unsigned int diff_features_here(void)
{
	unsigned int features = 0;
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int key = (int)syscall(SYS_pkey_alloc, 0ul, 0ul);

	if (key > 0) {
		syscall(SYS_pkey_free, key);
		features |= FEATURE_KEYS;
	}
	if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, page, 4096ul, "diff") == 0)
		features |= FEATURE_NAMES;
	munmap(page, 4096);
	return features | watch_features_here();
}

/* ---- System V ---- */

/* Whole pages, and a size that ends within one. */
static size_t segment_bytes(int i)
{
	return i == 1 ? 5000 : (size_t)(3 + 2 * i) * 4096;
}

void remove_segments(void)
{
	for (int i = 0; i < NR_SEGMENTS; i++) {
		if (segments[i] >= 0)
			shmctl(segments[i], IPC_RMID, NULL);
		segments[i] = -1;
	}
}

bool make_segments(void)
{
	for (int k = 0; k < NR_SEGMENTS; k++) {
		segments[k] = shmget(IPC_PRIVATE, segment_bytes(k), IPC_CREAT | 0600);
		if (segments[k] < 0) {
			remove_segments();
			return false;
		}
	}
	return true;
}

static long segment_control(const struct op *op)
{
	struct shmid_ds ds;
	long ret;

	memset(&ds, 0, sizeof(ds));
	ret = result_of(shmctl(segments[op->file], (int)op->flags, &ds));
	if (op->flags != IPC_STAT || ret < 0)
		return ret;
	return (long)ds.shm_nattch * 65536 + (ds.shm_perm.mode & 07777) + (ds.shm_segsz == segment_bytes(op->file) ? 0 : 32768);
}

/* ---- limits ---- */

/* More than a sequence can have, and less than any system's hard limit. */
#define ENOUGH_TO_LOCK (1ul << 22)

static long set_limit(int which, unsigned long bytes)
{
	/* prlimit64's, whatever the C library makes of it. */
	struct { uint64_t soft, hard; } now;
	long ret = result_of(syscall(SYS_prlimit64, 0, which, NULL, &now));

	now.soft = bytes < now.hard ? bytes : now.hard;
	return ret ? ret : result_of(syscall(SYS_prlimit64, 0, which, &now, NULL));
}

void be_limited(void)
{
	/* Who may lock without limit would never meet it: CAP_IPC_LOCK goes. */
	struct { unsigned int version; int pid; } head = { 0x20080522, 0 };
	struct { unsigned int effective, permitted, inheritable; } caps[2];
	volatile char stack[1 << 18];

	/* The stack has its size before it may grow no more. */
	for (size_t at = 0; at < sizeof(stack); at += 4096)
		stack[at] = 0;
	if (syscall(SYS_capget, &head, caps) != 0)
		_exit(2);
	caps[0].effective &= ~(1u << 14);
	if (syscall(SYS_capset, &head, caps) != 0 || set_limit(RLIMIT_MEMLOCK, ENOUGH_TO_LOCK) != 0)
		_exit(2);
}

/* A figure of /proc/self/status, in bytes. */
static unsigned long status_bytes(const char *name)
{
	static char text[4096];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);
	const char *at;

	close(fd);
	text[len > 0 ? len : 0] = 0;
	at = strstr(text, name);
	return at ? strtoul(at + strlen(name), NULL, 10) * 1024 : 0;
}

/* So many pages more than there are now; the rest of the program differs from system to system. */
static long limit(const struct op *op)
{
	static const struct { int which; const char *name; } limits[] = {
		{ RLIMIT_AS, "VmSize:" }, { RLIMIT_DATA, "VmData:" }, { RLIMIT_MEMLOCK, "VmLck:" }, { RLIMIT_STACK, NULL },
	};
	const char *name = limits[op->file].name;
	unsigned long bytes = op->offset * 4096 + (name && op->flags ? status_bytes(name) : 0);

	return set_limit(limits[op->file].which, op->flags ? bytes : ENOUGH_TO_LOCK << (op->file == 2 ? 0 : 20));
}

/* ---- keys, advice ---- */

static long key_mprotect(const struct op *op)
{
	int key = op->file;

	if (key == KEY_OWN) {
		if (!(diff_features & FEATURE_KEYS))
			return 0;
		if (own_key < 0)
			own_key = (int)syscall(SYS_pkey_alloc, 0ul, 0ul);
		key = own_key;
	}
	return result_of(syscall(SYS_pkey_mprotect, real(op->addr), op->len, op->prot, key));
}

/* Rights of the own key for this thread. */
static long key_rights(const struct op *op)
{
	unsigned int pkru, high;

	if (own_key < 0)
		return 0;
	__asm__ volatile(".byte 0x0f,0x01,0xee" : "=a"(pkru), "=d"(high) : "c"(0));
	pkru = (pkru & ~(3u << (2 * own_key))) | (unsigned int)op->flags << (2 * own_key);
	__asm__ volatile(".byte 0x0f,0x01,0xef" : : "a"(pkru), "c"(0), "d"(0) : "memory");
	return 0;
}

static long name_range(const struct op *op)
{
	static const char *const names[] = { NULL, "diffa", "diffb", "a name that is \n none" };

	if (!(diff_features & FEATURE_NAMES))
		return 0;
	return result_of(prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, real(op->addr), op->len, names[op->flags]));
}

/* Two parts: the operation's range, and the page at new_addr. */
static long advise_by_pidfd(const struct op *op)
{
	int fd = (int)syscall(NR_PIDFD_OPEN, op->prot && forked ? getppid() : getpid(), 0);
	struct iovec parts[2] = { { (void *)real(op->addr), op->len }, { (void *)real(op->new_addr), 4096 } };
	long ret = result_of(syscall(NR_PROCESS_MADVISE, fd, parts, 2ul, op->advice, op->flags));

	close(fd);
	return ret;
}

/* ---- between processes ---- */

/* Between a buffer and this process, or the one that it was forked from. */
static long process_vm(const struct op *op)
{
	static unsigned char buffer[3 * 4096];
	bool write = op->kind == OP_VM_WRITE;
	struct iovec mine = { buffer, op->len }, theirs = { (void *)real(op->addr), op->len };
	long ret;

	memset(buffer, write ? op->value : 0, sizeof(buffer));
	ret = result_of(syscall(write ? SYS_process_vm_writev : SYS_process_vm_readv,
				op->flags && forked ? getppid() : getpid(), &mine, 1ul, &theirs, 1ul, 0ul));
	if (!write && ret > 0)
		ret += (long)(diff_hash(DIFF_HASH_BEGIN, buffer, sizeof(buffer)) >> 16) << 16;
	return ret;
}

static long do_limited_op(const struct op *op)
{
	switch (op->kind) {
	case OP_SHMAT:
		return named(result_of((long)shmat(segments[op->file], (void *)real(op->addr), (int)op->flags)));
	case OP_SHMDT:
		return result_of(shmdt((void *)real(op->addr)));
	case OP_SHMCTL:
		return segment_control(op);
	case OP_MSEAL:
		return result_of(syscall(NR_MSEAL, real(op->addr), op->len, op->flags));
	case OP_PROCESS_MADVISE:
		return advise_by_pidfd(op);
	case OP_PKEY_MPROTECT:
		return key_mprotect(op);
	case OP_PKEY_RIGHTS:
		return key_rights(op);
	case OP_NAME:
		return name_range(op);
	case OP_PRLIMIT:
		return limit(op);
	default:
		return do_watch_op(op);
	}
}

long do_kernel_op(const struct op *op)
{
	switch (op->kind) {
	case OP_MLOCKALL:
		return result_of(syscall(SYS_mlockall, op->flags));
	case OP_MUNLOCKALL:
		return result_of(syscall(SYS_munlockall));
	case OP_SEAL:
		return result_of(fcntl(files[op->file], F_ADD_SEALS, (int)op->flags)) * 64 + fcntl(files[op->file], 1034);
	case OP_PUNCH:
		return result_of(fallocate(files[op->file], (int)op->flags, (off_t)op->offset, (off_t)op->len));
	case OP_VM_READ:
	case OP_VM_WRITE:
		return process_vm(op);
	case OP_MEMBARRIER:
		if (!op->flags)
			return syscall(SYS_membarrier, 0, op->prot, 0) > 0;
		return result_of(syscall(SYS_membarrier, op->flags, op->prot, 0));
	default:
		return do_limited_op(op);
	}
}
