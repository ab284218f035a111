/* SPDX-License-Identifier: MIT */
/* generate.c - a seed's sequence of operations: short ranges in a small arena, so that they meet each other often. */
#define _GNU_SOURCE
#include "diff.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tap.h"

/* Younger than some C libraries' headers. */
enum { POPULATE_READ = 22, POPULATE_WRITE = 23, DONTNEED_LOCKED = 24 };

static struct tap_random rng;
static enum diff_scope scope;

static unsigned long below(unsigned long n)
{
	return (unsigned long)tap_random_below(&rng, n);
}

static bool one_in(unsigned long n)
{
	return below(n) == 0;
}

static unsigned long some_addr(void)
{
	bool heap = scope >= SCOPE_WIDE && one_in(10);
	unsigned long addr = heap ? HEAP_BASE + below(HEAP_PAGES) * 4096 : ARENA_BASE + below(ARENA_PAGES) * 4096;

	return one_in(60) ? addr + 1 + below(4095) : addr;
}

/* From addr to its window's end. */
static unsigned long most_len(unsigned long addr)
{
	return (addr >= HEAP_BASE ? HEAP_END : ARENA_END) - (addr & ~4095ul);
}

static unsigned long some_len(unsigned long addr)
{
	unsigned long len = (1 + below(one_in(4) ? 20 : 5)) * 4096, most = most_len(addr);

	if (one_in(40))
		return 0;
	if (len > most)
		len = most;
	return one_in(8) ? len - below(4096) : len;
}

static unsigned long some_prot(void)
{
	static const unsigned long prots[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_READ, PROT_NONE,
		PROT_READ | PROT_EXEC, PROT_WRITE, PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC,
	};

	if (scope >= SCOPE_WIDE && one_in(16))
		return (one_in(2) ? PROT_GROWSDOWN : PROT_GROWSUP) | (one_in(3) ? PROT_READ : PROT_READ | PROT_WRITE);
	return one_in(80) ? 0x40 : prots[below(sizeof(prots) / sizeof(prots[0]))];
}

static int some_file(void)
{
	return (int)below(scope >= SCOPE_KERNEL ? NR_FILES : 2);
}

/* Flags that only the wide sequences have. */
static void more_mmap_flags(struct op *op)
{
	static const unsigned long flags[] = {
		MAP_LOCKED, MAP_STACK, MAP_NONBLOCK | MAP_POPULATE, MAP_DENYWRITE, MAP_EXECUTABLE, 0x80000 /* MAP_SYNC */,
		MAP_GROWSDOWN, MAP_32BIT,
	};

	if (one_in(3))
		op->flags |= flags[below(sizeof(flags) / sizeof(flags[0]))];
	if (one_in(12) && (op->flags & MAP_TYPE) == MAP_SHARED)
		op->flags |= MAP_SHARED_VALIDATE;
	if (one_in(90))
		op->flags |= 0x200000;
	if (one_in(90) && op->file >= 0)
		op->offset = ~0ul & ~4095ul;
}

static void some_mmap(struct op *op)
{
	op->prot = some_prot() & 7;
	op->flags = one_in(3) ? MAP_SHARED : MAP_PRIVATE;
	op->file = one_in(3) ? some_file() : -1;
	if (op->file < 0)
		op->flags |= MAP_ANONYMOUS;
	else
		op->offset = below(FILE_PAGES + 2) * 4096 + (one_in(50) ? 100 : 0);
	op->flags |= one_in(6) ? MAP_FIXED_NOREPLACE : MAP_FIXED;
	if (one_in(8))
		op->flags |= MAP_NORESERVE;
	if (one_in(8))
		op->flags |= MAP_POPULATE;
	if (one_in(60))
		op->flags &= ~(unsigned long)MAP_TYPE;
	if (one_in(30) && op->file < 0)
		op->flags |= MAP_GROWSDOWN;
	if (scope >= SCOPE_WIDE)
		more_mmap_flags(op);
}

/* The kernel chooses the place, or takes the hint. */
static void some_mmap_any(struct op *op)
{
	some_mmap(op);
	op->flags &= ~(unsigned long)(MAP_FIXED | MAP_FIXED_NOREPLACE);
	if (one_in(3))
		op->addr = 0;
	if (one_in(40))
		op->len = 1ul << 47;
}

static void some_mremap(struct op *op)
{
	op->new_len = one_in(2) ? op->len : some_len(op->addr);
	op->flags = 0;
	if (one_in(2)) {
		op->flags = MREMAP_MAYMOVE | MREMAP_FIXED;
		op->new_addr = some_addr();
		if (one_in(5))
			op->flags |= MREMAP_DONTUNMAP;
		if (most_len(op->new_addr) < op->new_len)
			op->new_len = 4096;
	} else if (op->new_len > most_len(op->addr)) {
		op->new_len = op->len;
	}
	if (scope >= SCOPE_WIDE && one_in(12)) {
		op->len = 0;
		if (!op->new_len)
			op->new_len = 4096;
	}
	if (one_in(60))
		op->flags |= 16;
	if (one_in(40))
		op->flags &= ~(unsigned long)MREMAP_MAYMOVE;
}

/* May move to where the kernel likes; if it does, new_addr is where it is brought back to. */
static void some_mremap_any(struct op *op)
{
	some_mremap(op);
	op->new_addr = some_addr() & ~4095ul;
	op->flags = MREMAP_MAYMOVE | (one_in(5) ? MREMAP_DONTUNMAP : 0);
	if (most_len(op->new_addr) < op->new_len)
		op->new_len = 4096;
}

static int some_advice(void)
{
	static const int more[] = {
		MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_WILLNEED, MADV_FREE,
		DONTNEED_LOCKED, MADV_REMOVE, 26, 99, -1,
	};
	static const int advice[] = {
		0, 1, 2, 3, MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, 5, 8, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
		MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, POPULATE_READ, POPULATE_WRITE,
		24,
	};

	if (scope >= SCOPE_WIDE && one_in(3))
		return more[below(sizeof(more) / sizeof(more[0]))];
	return advice[below(sizeof(advice) / sizeof(advice[0]))];
}

/* Weights of the kinds; fork and its end are added by the caller. */
static const unsigned char weight[NR_SCOPES][NR_OPS] = {
	[SCOPE_NARROW] = {
		[OP_MMAP] = 20, [OP_MUNMAP] = 8, [OP_MPROTECT] = 14, [OP_MREMAP] = 10, [OP_MADVISE] = 12, [OP_MLOCK] = 3,
		[OP_MUNLOCK] = 3, [OP_MSYNC] = 2, [OP_MINCORE] = 3, [OP_READ] = 18, [OP_WRITE] = 24, [OP_FORK] = 3,
		[OP_TRUNCATE] = 3, [OP_PWRITE] = 3, [OP_PREAD] = 3,
	},
	[SCOPE_WIDE] = {
		[OP_MMAP] = 20, [OP_MUNMAP] = 7, [OP_MPROTECT] = 14, [OP_MREMAP] = 10, [OP_MADVISE] = 14, [OP_MLOCK] = 2,
		[OP_MUNLOCK] = 3, [OP_MSYNC] = 2, [OP_MINCORE] = 2, [OP_READ] = 16, [OP_WRITE] = 20, [OP_FORK] = 3,
		[OP_TRUNCATE] = 2, [OP_PWRITE] = 2, [OP_PREAD] = 2, [OP_BRK] = 5, [OP_MLOCK2] = 2, [OP_SUM] = 1,
		[OP_REMAP_FILE] = 1, [OP_MMAP_ANY] = 4, [OP_MREMAP_ANY] = 4,
	},
	[SCOPE_KERNEL] = {
		[OP_MMAP] = 20, [OP_MUNMAP] = 7, [OP_MPROTECT] = 12, [OP_MREMAP] = 9, [OP_MADVISE] = 12, [OP_MLOCK] = 2,
		[OP_MUNLOCK] = 3, [OP_MSYNC] = 2, [OP_MINCORE] = 2, [OP_READ] = 16, [OP_WRITE] = 20, [OP_FORK] = 3,
		[OP_TRUNCATE] = 2, [OP_PWRITE] = 2, [OP_PREAD] = 2, [OP_BRK] = 4, [OP_MLOCK2] = 2, [OP_SUM] = 1,
		[OP_REMAP_FILE] = 1, [OP_MMAP_ANY] = 4, [OP_MREMAP_ANY] = 4, [OP_MLOCKALL] = 1, [OP_MUNLOCKALL] = 2,
		[OP_SEAL] = 1, [OP_PUNCH] = 2, [OP_VM_READ] = 4, [OP_VM_WRITE] = 4, [OP_MEMBARRIER] = 1,
	},
	[SCOPE_LIMITS] = {
		[OP_MMAP] = 20, [OP_MUNMAP] = 7, [OP_MPROTECT] = 10, [OP_MREMAP] = 9, [OP_MADVISE] = 10, [OP_MLOCK] = 3,
		[OP_MUNLOCK] = 3, [OP_MSYNC] = 1, [OP_MINCORE] = 1, [OP_READ] = 16, [OP_WRITE] = 20, [OP_FORK] = 4,
		[OP_TRUNCATE] = 1, [OP_PWRITE] = 1, [OP_PREAD] = 1, [OP_BRK] = 4, [OP_MLOCK2] = 2, [OP_SUM] = 1,
		[OP_REMAP_FILE] = 1, [OP_MMAP_ANY] = 3, [OP_MREMAP_ANY] = 3, [OP_MLOCKALL] = 1, [OP_MUNLOCKALL] = 2,
		[OP_SEAL] = 1, [OP_PUNCH] = 1, [OP_VM_READ] = 3, [OP_VM_WRITE] = 3, [OP_MEMBARRIER] = 1, [OP_SHMAT] = 10,
		[OP_SHMDT] = 6, [OP_SHMCTL] = 4, [OP_MSEAL] = 1, [OP_PROCESS_MADVISE] = 6, [OP_PKEY_MPROTECT] = 6,
		[OP_PKEY_RIGHTS] = 1, [OP_NAME] = 5, [OP_PRLIMIT] = 5,
	},
	[SCOPE_WATCHED] = {
		[OP_MMAP] = 22, [OP_MUNMAP] = 5, [OP_MPROTECT] = 9, [OP_MREMAP] = 8, [OP_MADVISE] = 14, [OP_MLOCK] = 1,
		[OP_MUNLOCK] = 2, [OP_MSYNC] = 1, [OP_MINCORE] = 1, [OP_READ] = 18, [OP_WRITE] = 20, [OP_FORK] = 4,
		[OP_TRUNCATE] = 2, [OP_PWRITE] = 2, [OP_PREAD] = 2, [OP_BRK] = 2, [OP_MLOCK2] = 1, [OP_SUM] = 2,
		[OP_REMAP_FILE] = 1, [OP_MMAP_ANY] = 2, [OP_MREMAP_ANY] = 2, [OP_PUNCH] = 2, [OP_VM_READ] = 4, [OP_VM_WRITE] = 4,
		[OP_MSEAL] = 1, [OP_PROCESS_MADVISE] = 4, [OP_NAME] = 2, [OP_WATCH] = 16, [OP_UNWATCH] = 4, [OP_WATCH_COPY] = 12,
		[OP_WATCH_ZERO] = 5, [OP_WATCH_CONTINUE] = 6, [OP_WATCH_POISON] = 2, [OP_WATCH_WRITES] = 10, [OP_WATCH_MOVE] = 5,
	},
};

static enum op_kind some_kind(void)
{
	unsigned long sum = 0, at;
	int kind = 0;

	for (int i = 0; i < NR_OPS; i++)
		sum += weight[scope][i];
	at = below(sum);
	while (kind < NR_OPS - 1 && at >= weight[scope][kind])
		at -= weight[scope][kind++];
	return (enum op_kind)kind;
}

/* A monitor's requests come in rows, and mostly where something has just been mapped, so that they meet something. */
static struct {
	unsigned long mapped, mapped_len, watched;
	int by;                    /* the watched range's monitor */
	unsigned long row;         /* so many operations more are about the watched range */
} lately;

/* Requests of a monitor. */
static void some_watch_op(struct op *op)
{
	/* MISSING, WP, MINOR */
	static const unsigned char modes[] = { 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 0, 8 };

	op->file = op->kind == OP_WATCH || one_in(8) ? one_in(4) : lately.by;
	if (op->kind == OP_WATCH) {
		op->flags = modes[below(sizeof(modes))];
		op->len = (op->len + 4095) & ~4095ul;
		return;
	}
	if (op->kind == OP_UNWATCH || op->kind == OP_WATCH_WRITES) {
		op->flags = one_in(8) ? below(5) : below(2);
		return;
	}
	op->len = (1 + below(one_in(3) ? WATCH_PAGES : 1)) * 4096 + (one_in(40) ? 100 : 0);
	op->flags = one_in(12) ? below(5) : one_in(3) ? below(3) : 0;
	if (op->kind == OP_WATCH_MOVE)
		op->new_addr = some_addr() & ~4095ul;
}

/* Segments of System V, and limits. */
static void some_segment_op(struct op *op)
{
	/* IPC_RMID, IPC_STAT, SHM_LOCK, SHM_UNLOCK, SHM_STAT */
	static const unsigned char commands[] = { 2, 2, 2, 2, 2, 2, 2, 2, 11, 12, 0, 2 };

	switch (op->kind) {
	case OP_SHMAT:
		op->file = (int)below(NR_SEGMENTS);
		/* SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC */
		op->flags = (one_in(4) ? 010000ul : 0) | (one_in(2) ? 020000ul : 0) | (one_in(2) ? 040000ul : 0) |
			    (one_in(6) ? 0100000ul : 0);
		break;
	case OP_SHMCTL:
		op->file = (int)below(NR_SEGMENTS);
		op->flags = commands[below(sizeof(commands))];
		break;
	case OP_PRLIMIT:
		op->file = (int)below(4);
		op->flags = !one_in(3);
		op->offset = below(one_in(2) ? 8 : 40);
		break;
	default:
		/* Others leave the stream of numbers as it is. */
		if (scope == SCOPE_WATCHED)
			some_watch_op(op);
		break;
	}
}

/* What neither "kernel" nor those before it have. */
static void some_limits_op(struct op *op)
{
	static const int advice[] = { MADV_COLD, MADV_WILLNEED, MADV_COLD, MADV_DONTNEED, MADV_FREE, 99, MADV_DONTFORK };
	static const int keys[] = { -1, -1, KEY_OWN, KEY_OWN, 15, 16, -2, 1000 };

	switch (op->kind) {
	case OP_MSEAL:
		op->flags = one_in(10);
		break;
	case OP_PROCESS_MADVISE:
		op->advice = advice[below(sizeof(advice) / sizeof(advice[0]))];
		op->flags = one_in(20);
		op->prot = one_in(3);
		op->new_addr = some_addr();
		break;
	case OP_PKEY_MPROTECT:
		op->prot = some_prot();
		op->file = keys[below(sizeof(keys) / sizeof(keys[0]))];
		break;
	case OP_PKEY_RIGHTS:
		op->flags = below(4);
		break;
	case OP_NAME:
		op->flags = one_in(10) ? 3 : below(3);
		break;
	default:
		some_segment_op(op);
		break;
	}
}

/* What the narrow sequences do not have. */
static void some_wide_op(struct op *op)
{
	static const unsigned long barriers[] = { 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 3, 1024 };

	switch (op->kind) {
	case OP_BRK:
		op->addr = one_in(10) ? 0 : HEAP_BASE + below(HEAP_PAGES * 4096);
		break;
	case OP_MLOCK2:
		op->flags = one_in(10) ? 2 : below(2);
		break;
	case OP_REMAP_FILE:
		op->file = (int)below(2);
		op->offset = below(1ul << 32);
		op->flags = one_in(4) ? MAP_PRIVATE : MAP_SHARED;
		op->prot = one_in(6) ? PROT_READ : 0;
		break;
	case OP_MMAP_ANY:
		some_mmap_any(op);
		break;
	case OP_MREMAP_ANY:
		some_mremap_any(op);
		break;
	case OP_MLOCKALL:
		op->flags = one_in(4) ? below(9) : 2 + 4 * below(2);
		/* What is locked at once of the program itself differs, and so does what a limit leaves. */
		if (scope >= SCOPE_LIMITS)
			op->flags &= ~1ul;
		break;
	case OP_SEAL:
		op->file = one_in(8) ? 0 : 2;
		op->flags = one_in(20) ? 0x40 : 1ul << (one_in(4) ? below(6) : 1 + below(4));
		break;
	case OP_PUNCH:
		op->file = some_file();
		op->offset = below(FILE_PAGES * 4096);
		op->flags = one_in(8) ? 2 : 3; /* KEEP_SIZE, PUNCH_HOLE */
		break;
	case OP_VM_READ:
	case OP_VM_WRITE:
		op->len = one_in(20) ? 0 : 1 + below(3 * 4096);
		op->addr += one_in(2) ? below(4096) : 0;
		op->flags = below(2);
		break;
	case OP_MEMBARRIER:
		op->flags = barriers[below(sizeof(barriers) / sizeof(barriers[0]))];
		op->prot = one_in(20);
		break;
	default:
		some_limits_op(op);
		break;
	}
}

/* Linux counts on what MREMAP_DONTUNMAP has unlocked, and its limit of locked memory is met early. */
static void spare_locked_count(struct op *op)
{
	if (scope >= SCOPE_LIMITS && (op->kind == OP_MREMAP || op->kind == OP_MREMAP_ANY))
		op->flags &= ~(unsigned long)MREMAP_DONTUNMAP;
}

static enum op_kind some_row_kind(void)
{
	static const unsigned char kinds[] = {
		OP_WATCH_COPY, OP_WATCH_COPY, OP_WATCH_ZERO, OP_WATCH_CONTINUE, OP_WATCH_CONTINUE, OP_WATCH_POISON, OP_WATCH_WRITES,
		OP_WATCH_WRITES, OP_WATCH_MOVE, OP_WATCH_MOVE, OP_READ, OP_WRITE, OP_WRITE, OP_MADVISE, OP_MPROTECT, OP_MREMAP,
	};

	return (enum op_kind)kinds[below(sizeof(kinds))];
}

static enum op_kind some_watched_kind(void)
{
	if (lately.row) {
		lately.row--;
		return some_row_kind();
	}
	return lately.mapped && one_in(3) ? OP_WATCH : some_kind();
}

/* A page of the watched range, or one of those behind it. */
static unsigned long watched_page(void)
{
	unsigned long page = (lately.watched & ~4095ul) + below(3) * 4096;

	return page < (page >= HEAP_BASE ? HEAP_END : ARENA_END) ? page : lately.watched & ~4095ul;
}

static void aim(struct op *op)
{
	if (op->kind == OP_WATCH && lately.mapped) {
		op->addr = lately.mapped & ~4095ul;
		op->len = lately.mapped_len;
		lately.mapped = 0;
	} else if (lately.row && lately.watched && !one_in(8)) {
		op->addr = watched_page();
	}
}

static void remember(const struct op *op)
{
	if (op->kind == OP_MMAP && !one_in(4)) {
		lately.mapped = op->addr;
		lately.mapped_len = op->len;
	} else if (op->kind == OP_WATCH) {
		lately.watched = op->addr;
		lately.by = op->file;
		lately.row = 2 + below(8);
	}
}

static void some_op(struct op *op)
{
	enum op_kind kind = scope == SCOPE_WATCHED ? some_watched_kind() : some_kind();

	*op = (struct op){ .kind = kind, .file = -1, .value = (unsigned char)(1 + below(255)) };
	op->addr = some_addr();
	op->len = some_len(op->addr);
	if (scope == SCOPE_WATCHED)
		aim(op);
	switch (op->kind) {
	case OP_MMAP:
		some_mmap(op);
		break;
	case OP_MPROTECT:
		op->prot = some_prot();
		break;
	case OP_MREMAP:
		some_mremap(op);
		break;
	case OP_MADVISE:
		op->advice = some_advice();
		break;
	case OP_MSYNC:
		op->flags = below(8);
		break;
	case OP_TRUNCATE:
		op->file = some_file();
		op->len = below(FILE_PAGES + 2) * 4096 + (one_in(2) ? below(4096) : 0);
		break;
	case OP_PWRITE:
	case OP_PREAD:
		op->file = some_file();
		op->offset = below(FILE_PAGES * 4096);
		break;
	default:
		some_wide_op(op);
		break;
	}
	spare_locked_count(op);
	if (scope == SCOPE_WATCHED)
		remember(op);
}

unsigned int diff_generate(uint64_t seed, enum diff_scope of, unsigned int nr, struct op *ops)
{
	unsigned int forks = 0, i;

	/* The seed alone decides, so that a kept one stays what it was. */
	scope = of;
	memset(&lately, 0, sizeof(lately));
	rng.state = seed;
	rng.state = tap_random_next(&rng) ^ seed << 32;
	for (i = 0; i < nr; i++) {
		some_op(&ops[i]);
		if (ops[i].kind == OP_FORK && forks < 3)
			forks++;
		else if (ops[i].kind == OP_FORK || (forks && one_in(12)))
			ops[i].kind = forks ? OP_EXIT : OP_READ;
		if (ops[i].kind == OP_EXIT)
			forks--;
	}
	while (forks-- && i < MAX_OPS)
		ops[i++] = (struct op){ .kind = OP_EXIT };
	return i;
}

static const char *page_text(unsigned long addr, char *buf, size_t size)
{
	bool heap = addr >= HEAP_BASE;

	snprintf(buf, size, "%s%ld+%lu", heap ? "h" : "", (long)(addr - (heap ? HEAP_BASE : ARENA_BASE)) / 4096, addr & 4095);
	return buf;
}

const char *op_text(const struct op *op, char *buf, size_t size)
{
	static const char *const names[NR_OPS] = {
		"mmap", "munmap", "mprotect", "mremap", "madvise", "mlock", "munlock", "msync", "mincore", "read", "write",
		"fork", "exit", "ftruncate", "pwrite", "pread", "brk", "mlock2", "sum", "remap_file_pages", "mmap-anywhere",
		"mremap-anywhere", "mlockall", "munlockall", "seal", "fallocate", "process_vm_readv", "process_vm_writev",
		"membarrier", "shmat", "shmdt", "shmctl", "mseal", "process_madvise", "pkey_mprotect", "wrpkru", "PR_SET_VMA",
		"prlimit", "uffd-register", "uffd-unregister", "uffd-copy", "uffd-zeropage", "uffd-continue", "uffd-poison",
		"uffd-writeprotect", "uffd-move",
	};
	char from[40], to[40];

	snprintf(buf, size, "%s page %s len %ld+%lu prot %lx flags %lx file %d offset %lx to %s len %lx advice %d value %d",
		 names[op->kind], page_text(op->addr, from, sizeof(from)), (long)op->len / 4096, op->len & 4095, op->prot,
		 op->flags, op->file, op->offset, op->new_addr ? page_text(op->new_addr, to, sizeof(to)) : "-", op->new_len,
		 op->advice, op->value);
	return buf;
}

static const char *const scope_names[NR_SCOPES] = { "narrow", "wide", "kernel", "limits", "watched" };

const char *diff_scope_name(enum diff_scope of)
{
	return scope_names[of];
}

enum diff_scope diff_scope_named(const char *name)
{
	int i = 0;

	while (i < NR_SCOPES && strcmp(scope_names[i], name) != 0)
		i++;
	return (enum diff_scope)i;
}
