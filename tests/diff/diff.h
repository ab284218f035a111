/* SPDX-License-Identifier: MIT */
/*
 * diff.h - the same calls on Linux and on Quire: what each answers, and what each is left with.
 *
 *	                 .--> hosted Quire (simulated MMU) --> results --+
 *	seed --> operations                                              +-- must agree
 *	                 `--> Linux (a forked child) -------> results ---+
 *	                           |                                     |
 *	                           `--> trace, a file --> booted Quire --+   the same program, run there
 *
 * Addresses lie in two windows, so that both sides can be compared as they are: the arena, which both have to themselves, and
 * the heap, whose place differs and which therefore goes by another address here. After each operation the windows' part of
 * /proc/PID/maps is taken down, without inodes, and what mincore says of every page.
 *
 * A fork is an operation: the ones after it, up to its end, are the child's; then the parent goes on.
 */
#ifndef TESTS_DIFF_H
#define TESTS_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_BASE 0x200000000000ul
#define ARENA_PAGES 64
#define ARENA_END (ARENA_BASE + ARENA_PAGES * 4096ul)
/* The heap as operations name it. Running programs have it elsewhere. */
#define HEAP_BASE (ARENA_END + (1ul << 26))
#define HEAP_PAGES 16
#define HEAP_END (HEAP_BASE + HEAP_PAGES * 4096ul)
#define ALL_PAGES (ARENA_PAGES + HEAP_PAGES)
/* What one operation maps and unmaps again. */
#define SIDE_BASE (ARENA_BASE - (1ul << 19))
#define SIDE_PAGES 8

/* Files 0 and 1 are in every sequence; file 2 takes seals. */
#define NR_FILES 3
#define FILE_PAGES 12

/* Segments of System V that OP_SHMAT names. */
#define NR_SEGMENTS 3
#define MOST_SEGMENT_PAGES 7
/* The key of OP_PKEY_MPROTECT that has been allocated; others are numbers. */
#define KEY_OWN 100

/* The longest OP_WATCH_COPY. */
#define WATCH_PAGES 4

#define MAX_OPS 400
#define MAPS_TEXT 4000

enum op_kind {
	OP_MMAP, OP_MUNMAP, OP_MPROTECT, OP_MREMAP, OP_MADVISE, OP_MLOCK, OP_MUNLOCK, OP_MSYNC, OP_MINCORE,
	OP_READ, OP_WRITE, OP_FORK, OP_EXIT, OP_TRUNCATE, OP_PWRITE, OP_PREAD,
	/* wide */
	OP_BRK, OP_MLOCK2, OP_SUM, OP_REMAP_FILE, OP_MMAP_ANY, OP_MREMAP_ANY,
	/* kernel */
	OP_MLOCKALL, OP_MUNLOCKALL, OP_SEAL, OP_PUNCH, OP_VM_READ, OP_VM_WRITE, OP_MEMBARRIER,
	/* limits */
	OP_SHMAT, OP_SHMDT, OP_SHMCTL, OP_MSEAL, OP_PROCESS_MADVISE, OP_PKEY_MPROTECT, OP_PKEY_RIGHTS, OP_NAME, OP_PRLIMIT,
	/* watched: requests of a monitor; file says which one */
	OP_WATCH, OP_UNWATCH, OP_WATCH_COPY, OP_WATCH_ZERO, OP_WATCH_CONTINUE, OP_WATCH_POISON, OP_WATCH_WRITES, OP_WATCH_MOVE,
	NR_OPS,
};

/* What a sequence may hold. The first seeds knew the narrow one only. */
enum diff_scope {
	SCOPE_NARROW,              /* the mmap family in the arena */
	SCOPE_WIDE,                /* and every flag, the heap, places that the kernel chooses */
	SCOPE_KERNEL,              /* and calls that need a kernel around the library */
	SCOPE_LIMITS,              /* and limits, segments of System V, sealed memory, advice by pidfd, keys, names */
	SCOPE_WATCHED,             /* and memory that userfaultfd watches, without limits */
	NR_SCOPES,
};

struct op {
	enum op_kind kind;
	unsigned long addr, len, new_addr, new_len, flags, prot, offset;
	int file;                  /* -1: anonymous */
	int advice;
	unsigned char value;
};

struct result {
	long ret;                  /* the call's result, -errno for an error; a touch: the byte, or -1000 * signal - si_code */
	unsigned char mincore[ARENA_PAGES]; /* OP_MINCORE's answer */
	unsigned char resident[ALL_PAGES]; /* what mincore says of each page afterwards; 2: nothing is mapped there */
	char maps[MAPS_TEXT];
};

/* A call whose place the kernel chose answers that it is somewhere outside of the windows. */
#define ELSEWHERE 1

/* ops[] filled; how many. */
unsigned int diff_generate(uint64_t seed, enum diff_scope scope, unsigned int nr, struct op *ops);
const char *op_text(const struct op *op, char *buf, size_t size);
const char *diff_scope_name(enum diff_scope scope);
/* The scope of that name; NR_SCOPES when there is none. */
enum diff_scope diff_scope_named(const char *name);

/* What not every Linux has, as bits. Operations that need what the one that answered first had not do nothing. */
enum diff_feature { FEATURE_KEYS = 1, FEATURE_NAMES = 2, FEATURE_WATCHING = 4 };
extern unsigned int diff_features;
unsigned int diff_features_here(void);

/* Memory that child processes share. */
void *diff_shared(size_t bytes);
/* The machine for diff_on_quire, and its end. */
void diff_quire_begin(void);
void diff_quire_end(void);
/* Runs all operations. */
void diff_on_quire(const struct op *ops, unsigned int nr, struct result *results);
/* The same with every operation's first, second, ... allocation failing until it comes through (debug builds). */
struct diff_failing {
	unsigned int kinds;        /* enum quire_fail_kind */
	unsigned long hits;        /* allocations that failed */
	unsigned long absorbed;    /* of them: the call succeeded all the same */
	unsigned long wrong;
	unsigned int comparable;   /* steps before the first of these: what is in core may differ from there on */
};
void diff_on_quire_failing(const struct op *ops, unsigned int nr, struct result *results, struct diff_failing *how);
/* The same in a child process. False when this system does not let the arena be used. */
bool diff_on_linux(const struct op *ops, unsigned int nr, enum diff_scope scope, struct result *results);

/* The same with allocations failing, where diff_can_fail; `how` is memory that child processes share. */
bool diff_on_linux_failing(const struct op *ops, unsigned int nr, enum diff_scope scope, struct result *results,
			   struct diff_failing *how);
bool diff_can_fail(void);

/* A text of /proc/PID/maps: the windows' VMAs as "start-end perms offset kind", in pages; the heap really begins at `heap`. */
void maps_normalise(const char *text, unsigned long heap, char *out, size_t size);

static inline bool result_same(const struct op *op, const struct result *a, const struct result *b)
{
	return a->ret == b->ret && !__builtin_strcmp(a->maps, b->maps) &&
	       !__builtin_memcmp(a->resident, b->resident, sizeof(a->resident)) &&
	       (op->kind != OP_MINCORE || !__builtin_memcmp(a->mincore, b->mincore, sizeof(a->mincore)));
}

/* A maps text of maps_normalise without the cuts between neighbours that could be one: in place. */
void maps_without_cuts(char *maps);

/* FNV-1a over some bytes, going on from `hash`. */
#define DIFF_HASH_BEGIN 0xcbf29ce484222325ull
static inline uint64_t diff_hash(uint64_t hash, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3ull;
	return hash;
}

/* The k-th step of OP_REMAP_FILE: page `to` of the side window shows page `from` of the file. */
static inline void diff_remap_step(const struct op *op, unsigned int k, unsigned int *to, unsigned int *from,
				   unsigned int *pages)
{
	unsigned long bits = op->offset >> (8 * k);

	*to = bits & 7;
	*from = (bits >> 3) & 7;
	*pages = 1 + ((bits >> 6) & 1);
}
#define REMAP_STEPS 4

/* Byte i of file f at the beginning. */
static inline unsigned char diff_file_byte(int file, unsigned long i)
{
	return (unsigned char)(file * 100 + i / 4096 + 1);
}
static inline unsigned long diff_file_bytes(int file)
{
	return FILE_PAGES * 4096ul - (file == 1 ? 1000 : 0);
}

#endif
