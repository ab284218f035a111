/* SPDX-License-Identifier: MIT */
/*
 * diff.h - the same calls on this system's Linux and on Quire: what each answers, and what each is left with.
 *
 *	seed --> operations --> on Quire (simulated MMU)  --> results --+
 *	                   `--> on Linux (a forked child) --> results --+--> must agree
 *
 * All addresses lie in one arena that both sides have to themselves, so that they can be compared as they are. After each
 * operation the arena's part of /proc/PID/maps is taken down in a form without names and inodes.
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

#define NR_FILES 2
#define FILE_PAGES 12

#define MAX_OPS 400
#define MAPS_TEXT 4000

enum op_kind {
	OP_MMAP, OP_MUNMAP, OP_MPROTECT, OP_MREMAP, OP_MADVISE, OP_MLOCK, OP_MUNLOCK, OP_MSYNC, OP_MINCORE,
	OP_READ, OP_WRITE, OP_FORK, OP_EXIT, OP_TRUNCATE, OP_PWRITE, OP_PREAD, NR_OPS,
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
	unsigned char resident[ARENA_PAGES]; /* what mincore says of each page afterwards; 2: nothing is mapped there */
	char maps[MAPS_TEXT];
};

/* ops[] filled; how many. */
unsigned int diff_generate(uint64_t seed, unsigned int nr, struct op *ops);
const char *op_text(const struct op *op, char *buf, size_t size);

/* Memory that child processes share. */
void *diff_shared(size_t bytes);
/* The machine for diff_on_quire, and its end. */
void diff_quire_begin(void);
void diff_quire_end(void);
/* Runs all operations. */
void diff_on_quire(const struct op *ops, unsigned int nr, struct result *results);
/* The same in a child process. False when this system does not let the arena be used. */
bool diff_on_linux(const struct op *ops, unsigned int nr, struct result *results);

/* One line of /proc/PID/maps, or all of a text: the arena's VMAs as "start-end perms offset kind", start in pages. */
void maps_normalise(const char *text, char *out, size_t size);

/* Byte i of file f at the beginning. */
static inline unsigned char diff_file_byte(int file, unsigned long i)
{
	return (unsigned char)(file * 100 + i / 4096 + 1);
}
static inline unsigned long diff_file_bytes(int file)
{
	return FILE_PAGES * 4096ul - (file ? 1000 : 0);
}

#endif
