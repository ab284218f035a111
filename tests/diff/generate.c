/* SPDX-License-Identifier: MIT */
/* generate.c - a seed's sequence of operations: short ranges in a small arena, so that they meet each other often. */
#define _GNU_SOURCE
#include "diff.h"

#include <stdio.h>
#include <sys/mman.h>

#include "tap.h"

static struct tap_random rng;

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
	unsigned long addr = ARENA_BASE + below(ARENA_PAGES) * 4096;

	return one_in(60) ? addr + 1 + below(4095) : addr;
}

static unsigned long some_len(unsigned long addr)
{
	unsigned long len = (1 + below(one_in(4) ? 20 : 5)) * 4096, most = ARENA_END - (addr & ~4095ul);

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

	return one_in(80) ? 0x40 : prots[below(sizeof(prots) / sizeof(prots[0]))];
}

static void some_mmap(struct op *op)
{
	op->prot = some_prot() & 7;
	op->flags = one_in(3) ? MAP_SHARED : MAP_PRIVATE;
	op->file = one_in(3) ? (int)below(NR_FILES) : -1;
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
		if (ARENA_END - (op->new_addr & ~4095ul) < op->new_len)
			op->new_len = 4096;
	} else if (op->new_len > ARENA_END - (op->addr & ~4095ul)) {
		op->new_len = op->len;
	}
	if (one_in(60))
		op->flags |= 16;
	if (one_in(40))
		op->flags &= ~(unsigned long)MREMAP_MAYMOVE;
}

static int some_advice(void)
{
	static const int advice[] = {
		0, 1, 2, 3, MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, 5, 8, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
		MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
		24,
	};

	return advice[below(sizeof(advice) / sizeof(advice[0]))];
}

/* Weights of the kinds, in the order of enum op_kind; fork and its end are added by the caller. */
static enum op_kind some_kind(void)
{
	static const unsigned char weight[NR_OPS] = {
		[OP_MMAP] = 20, [OP_MUNMAP] = 8, [OP_MPROTECT] = 14, [OP_MREMAP] = 10, [OP_MADVISE] = 12, [OP_MLOCK] = 3,
		[OP_MUNLOCK] = 3, [OP_MSYNC] = 2, [OP_MINCORE] = 3, [OP_READ] = 18, [OP_WRITE] = 24, [OP_FORK] = 3,
		[OP_EXIT] = 0, [OP_TRUNCATE] = 3, [OP_PWRITE] = 3, [OP_PREAD] = 3,
	};
	unsigned long at = below(129);
	int kind = 0;

	while (kind < NR_OPS - 1 && at >= weight[kind])
		at -= weight[kind++];
	return (enum op_kind)kind;
}

static void some_op(struct op *op)
{
	*op = (struct op){ .kind = some_kind(), .file = -1, .value = (unsigned char)(1 + below(255)) };
	op->addr = some_addr();
	op->len = some_len(op->addr);
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
		op->file = (int)below(NR_FILES);
		op->len = below(FILE_PAGES + 2) * 4096 + (one_in(2) ? below(4096) : 0);
		break;
	case OP_PWRITE:
	case OP_PREAD:
		op->file = (int)below(NR_FILES);
		op->offset = below(FILE_PAGES * 4096);
		break;
	default:
		break;
	}
}

unsigned int diff_generate(uint64_t seed, unsigned int nr, struct op *ops)
{
	unsigned int forks = 0, i;

	/* The seed alone decides, so that a kept one stays what it was. */
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

const char *op_text(const struct op *op, char *buf, size_t size)
{
	static const char *const names[NR_OPS] = {
		"mmap", "munmap", "mprotect", "mremap", "madvise", "mlock", "munlock", "msync", "mincore", "read", "write",
		"fork", "exit", "ftruncate", "pwrite", "pread",
	};

	snprintf(buf, size, "%s page %ld+%lu len %ld+%lu prot %lx flags %lx file %d offset %lx to %ld len %lx advice %d value %d",
		 names[op->kind], (long)(op->addr - ARENA_BASE) / 4096, op->addr & 4095, (long)op->len / 4096, op->len & 4095,
		 op->prot, op->flags, op->file, op->offset, op->new_addr ? (long)(op->new_addr - ARENA_BASE) / 4096 : -1,
		 op->new_len, op->advice, op->value);
	return buf;
}
