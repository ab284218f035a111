/* SPDX-License-Identifier: MIT */
/* on_quire.c - the operations on Quire's hosted machine. */
#include "diff.h"

#include <string.h>

#include "base/math.h"

#include "tests/unit/vm/vm_machine.h"

#define MAX_DEPTH 8

static struct test_file files[NR_FILES];
static struct mm_struct *mm;

static unsigned char byte0(u64 i) { return diff_file_byte(0, i); }
static unsigned char byte1(u64 i) { return diff_file_byte(1, i); }
static unsigned char byte2(u64 i) { return diff_file_byte(2, i); }

static void make_files(void)
{
	static unsigned char (*const bytes[NR_FILES])(u64) = { byte0, byte1, byte2 };
	static const char *const names[NR_FILES] = {
		"/memfd:diff0 (deleted)", "/memfd:diff1 (deleted)", "/memfd:diff2 (deleted)",
	};

	for (int f = 0; f < NR_FILES; f++) {
		test_file_init(&files[f], names[f], diff_file_bytes(f));
		files[f].mapping.flags = 1ul << AS_SWAPBACKED;
		test_file_fill_quietly(&files[f], bytes[f]);
	}
}

static size_t copy_byte_in(void *cookie, void *kaddr, size_t bytes, size_t done)
{
	*(unsigned char *)kaddr = *(unsigned char *)cookie;
	return 1;
}

static size_t copy_byte_out(void *cookie, void *kaddr, size_t bytes, size_t done)
{
	*(unsigned char *)cookie = *(unsigned char *)kaddr;
	return 1;
}

static long quire_truncate(struct test_file *file, u64 bytes)
{
	u64 old = file->bytes;

	file->bytes = bytes;
	if (bytes < old)
		truncate_inode_pages_range(&file->mapping, bytes, ~0ull);
	return 0;
}

static long quire_pwrite(struct test_file *file, u64 offset, unsigned char value)
{
	long done = page_cache_write(&file->mapping, offset, 1, copy_byte_in, &value);

	if (done == 1 && file->bytes < offset + 1)
		file->bytes = offset + 1;
	return done;
}

static long quire_touch(unsigned long addr, bool write, unsigned char value)
{
	int got = write ? poke(addr, value) : peek(addr);

	if (got >= 0)
		return got;
	if (vm_machine.last[0].what & VM_FAULT_OOM)
		return -ENOMEM;
	if (vm_machine.last[0].what & VM_FAULT_SIGSEGV)
		return -1000L * 11 - vm_machine.last[0].si_code;
	return -1000L * 7 - vm_machine.last[0].si_code;
}

/* The program's memory outside of the arena, for answers of mincore. */
#define SCRATCH 0x10000000ul

static long quire_mincore(const struct op *op, struct result *result)
{
	static const unsigned char zeros[ARENA_PAGES];
	long ret;

	sim_store(SCRATCH, zeros, sizeof(zeros));
	ret = do_mincore(mm, op->addr, op->len, (unsigned char *)SCRATCH);
	sim_load(SCRATCH, result->mincore, ARENA_PAGES);
	return ret;
}

static void take_window(unsigned char *resident, unsigned long base, unsigned long pages)
{
	for (struct vm_area_struct *vma = find_vma(mm, base); vma && vma->vm_start < base + pages * PG; vma = vma->vm_next) {
		unsigned long start = max(vma->vm_start, base), end = min(vma->vm_end, base + pages * PG);

		do_mincore(mm, start, end - start, (unsigned char *)SCRATCH);
		sim_load(SCRATCH, resident + ((start - base) >> PAGE_SHIFT), (end - start) >> PAGE_SHIFT);
	}
}

static void take_resident(struct result *result)
{
	memset(result->resident, 2, sizeof(result->resident));
	take_window(result->resident, ARENA_BASE, ARENA_PAGES);
	take_window(result->resident + ARENA_PAGES, HEAP_BASE, HEAP_PAGES);
}

static bool in_windows(unsigned long addr)
{
	return (addr >= ARENA_BASE && addr < ARENA_END) || (addr >= HEAP_BASE && addr < HEAP_END);
}

static unsigned long call_mmap(const struct op *op)
{
	struct mmap_file handle;

	if (op->file >= 0)
		handle = test_file_handle(&files[op->file], true);
	return do_mmap(mm, op->addr, op->len, op->prot, op->flags, op->file < 0 ? NULL : &handle, op->offset);
}

static long mmap_any(const struct op *op)
{
	unsigned long got = call_mmap(op);

	if (IS_ERR_VALUE(got) || in_windows(got))
		return (long)got;
	do_munmap(mm, got, op->len);
	if (got & ~PAGE_MASK)
		return -2;
	return (op->flags & MAP_32BIT) && (got + op->len - 1) >> 31 ? -3 : ELSEWHERE;
}

static long mremap_any(const struct op *op)
{
	unsigned long got = do_mremap(mm, op->addr, op->len, op->new_len, op->flags, 0), back;

	if (IS_ERR_VALUE(got) || in_windows(got))
		return (long)got;
	back = do_mremap(mm, got, op->new_len, op->new_len, MREMAP_MAYMOVE | MREMAP_FIXED, op->new_addr);
	if (IS_ERR_VALUE(back))
		do_munmap(mm, got, op->new_len);
	return (long)back + ELSEWHERE;
}

static long remap_file(const struct op *op)
{
	struct mmap_file handle = test_file_handle(&files[op->file], true);
	uint64_t hash = DIFF_HASH_BEGIN;
	long ret = (long)do_mmap(mm, SIDE_BASE, SIDE_PAGES * PG, PROT_READ | PROT_WRITE, op->flags | MAP_FIXED, &handle, 0);

	for (unsigned int k = 0; k < REMAP_STEPS && ret == (long)SIDE_BASE; k++) {
		unsigned int to, from, pages;

		diff_remap_step(op, k, &to, &from, &pages);
		ret = do_remap_file_pages(mm, SIDE_BASE + to * PG, pages * PG, op->prot, from, 0);
		hash = diff_hash(hash, &ret, sizeof(ret));
		ret = quire_touch(SIDE_BASE + to * PG + k + 1, true, (unsigned char)(op->value + k));
		hash = diff_hash(hash, &ret, sizeof(ret));
		ret = (long)SIDE_BASE;
	}
	for (unsigned int i = 0; i < SIDE_PAGES * 8; i++) {
		long got = quire_touch(SIDE_BASE + i / 8 * PG + i % 8, false, 0);

		hash = diff_hash(hash, &got, sizeof(got));
	}
	do_munmap(mm, SIDE_BASE, SIDE_PAGES * PG);
	return (long)(hash >> 1);
}

static long sum(void)
{
	uint64_t hash = DIFF_HASH_BEGIN;

	for (unsigned int page = 0; page < ALL_PAGES; page++) {
		long got = quire_touch(page < ARENA_PAGES ? ARENA_BASE + page * PG : HEAP_BASE + (page - ARENA_PAGES) * PG,
				       false, 0);

		hash = diff_hash(hash, &got, sizeof(got));
	}
	return (long)(hash >> 1);
}

static long do_wide_op(const struct op *op)
{
	switch (op->kind) {
	case OP_BRK:
		return (long)do_brk(mm, op->addr);
	case OP_MLOCK2:
		return op->flags > 1 ? -EINVAL : do_mlock(mm, op->addr, op->len, (unsigned int)op->flags);
	case OP_SUM:
		return sum();
	case OP_REMAP_FILE:
		return remap_file(op);
	case OP_MMAP_ANY:
		return mmap_any(op);
	case OP_MREMAP_ANY:
		return mremap_any(op);
	default:
		return 0;
	}
}

static long do_op(const struct op *op, struct result *result)
{
	unsigned char byte = 0;

	switch (op->kind) {
	case OP_MMAP:
		return (long)call_mmap(op);
	case OP_MUNMAP:
		return do_munmap(mm, op->addr, op->len);
	case OP_MPROTECT:
		return do_mprotect(mm, op->addr, op->len, op->prot);
	case OP_MREMAP:
		return (long)do_mremap(mm, op->addr, op->len, op->new_len, op->flags, op->new_addr);
	case OP_MADVISE:
		return do_madvise(mm, op->addr, op->len, op->advice);
	case OP_MLOCK:
		return do_mlock(mm, op->addr, op->len, 0);
	case OP_MUNLOCK:
		return do_munlock(mm, op->addr, op->len);
	case OP_MSYNC:
		return do_msync(mm, op->addr, op->len, (int)op->flags);
	case OP_MINCORE:
		return quire_mincore(op, result);
	case OP_READ:
	case OP_WRITE:
		return quire_touch(op->addr, op->kind == OP_WRITE, op->value);
	case OP_TRUNCATE:
		return quire_truncate(&files[op->file], op->len);
	case OP_PWRITE:
		return quire_pwrite(&files[op->file], op->offset, op->value);
	case OP_PREAD:
		return page_cache_read(&files[op->file].mapping, op->offset, 1, copy_byte_out, &byte) + byte * 2L;
	default:
		return do_wide_op(op);
	}
}

/* ---- with allocations that fail ---- */

/* More than any one operation allocates. */
#define MOST_ALLOCATIONS 2000u

static struct diff_failing *failing;

/* Several calls in one, whose errors do not come out one by one, memory of the test's own among them; or a move of several mappings, of which the first may have
 * gone when the second finds no memory. */
static bool is_composite(const struct op *op)
{
	const struct vm_area_struct *vma;

	if (op->kind != OP_MREMAP)
		return op->kind == OP_SUM || op->kind == OP_REMAP_FILE || op->kind == OP_MREMAP_ANY ||
		       op->kind == OP_MINCORE;
	vma = vma_lookup(mm, op->addr);
	return vma && vma->vm_end < op->addr + op->len;
}

static void wrong(const struct op *op, unsigned int nth, const char *what, long got)
{
	char text[400];

	failing->wrong++;
	tap_diag("%s (%ld), allocation %u failing: %s", what, got, nth, op_text(op, text, sizeof(text)));
}

/* What this call answers when it is out of memory. */
static bool says_no_memory(const struct op *op, long ret)
{
	if (op->kind == OP_BRK)
		return (unsigned long)ret != op->addr;
	if (op->kind == OP_MLOCK || op->kind == OP_MLOCK2)
		return ret == -ENOMEM || ret == -EAGAIN;
	/* A stack that cannot grow for want of memory is no stack there: SIGSEGV, as on Linux. */
	if ((op->kind == OP_READ || op->kind == OP_WRITE) && ret == -1000L * 11 - FAULT_SEGV_MAPERR)
		return true;
	return ret == -ENOMEM;
}

/*
 * Calls about several VMAs, or that replace some: those before the one that found no memory have changed, as on Linux. A touch below
 * a stack finds it grown when there is no page for it.
 */
static bool may_be_partial(const struct op *op)
{
	switch (op->kind) {
	case OP_MREMAP:
		return op->flags & MREMAP_FIXED;
	case OP_READ:
	case OP_WRITE:
	case OP_MMAP:
	case OP_MPROTECT:
	case OP_MADVISE:
	case OP_MLOCK:
	case OP_MLOCK2:
	case OP_MUNLOCK:
		return true;
	default:
		return false;
	}
}

/* What maps shows, without cuts that are left where a VMA was split and what followed found no memory. */
static void maps_uncut(char *maps)
{
	maps_normalise(maps_text(mm), HEAP_BASE, maps, MAPS_TEXT);
	maps_without_cuts(maps);
}

/* Calls that make pages be there early, where memory allows, and succeed without. */
static bool may_do_without(const struct op *op)
{
	switch (op->kind) {
	case OP_MMAP:
	case OP_MMAP_ANY:
	case OP_MREMAP:
	case OP_MPROTECT:
	case OP_MLOCK:
	case OP_MLOCK2:
	case OP_BRK:
		return true;
	default:
		return false;
	}
}

/* The operation with its first, second, ... allocation failing, until it comes through. */
static long do_op_failing(const struct op *op, struct result *result, struct mm_struct **child)
{
	bool composite = is_composite(op), whole = !composite && !may_be_partial(op);
	static char before[MAPS_TEXT], after[MAPS_TEXT];
	struct quire_ctx *ctx = this_ctx();
	long ret = 0;

	if (whole)
		maps_uncut(before);
	for (unsigned int nth = 1; nth < MOST_ALLOCATIONS; nth++) {
		bool hit;

		ctx->fail_kinds = failing->kinds;
		ctx->fail_nth = composite ? 0 : nth;
		ret = op->kind == OP_FORK ? dup_mm(mm, child) : do_op(op, result);
		hit = !composite && !ctx->fail_nth;
		ctx->fail_nth = 0;
		if (!hit) {
			/* It fails all the same, perhaps behind a part whose pages were only to be there early. */
			failing->absorbed += nth > 1 && ret == -ENOMEM && may_do_without(op);
			return ret;
		}
		failing->hits++;
		if (vm_check() != 0)
			wrong(op, nth, "invariants are broken", ret);
		if (!says_no_memory(op, ret)) {
			/* Nobody noticed: pages that were only to be there early, for one. */
			if (!may_do_without(op))
				wrong(op, nth, "it did not notice", ret);
			failing->absorbed++;
			return ret;
		}
		if (whole)
			maps_uncut(after);
		if (whole && strcmp(before, after))
			wrong(op, nth, "it has changed the address space", ret);
	}
	wrong(op, MOST_ALLOCATIONS, "it never comes through", ret);
	return ret;
}

void diff_quire_begin(void)
{
	struct mm_struct *first = vm_machine_start(24 << 20, 1);

	vm_run_on(NULL);
	mmput(first);
}

void diff_quire_end(void)
{
	vm_machine_end(NULL);
}

/* One operation as it is asked for; a fork's child in *child. False when there is none. */
static bool step(const struct op *op, struct result *result, struct mm_struct **child)
{
	if (failing)
		result->ret = do_op_failing(op, result, child);
	else
		result->ret = op->kind == OP_FORK ? dup_mm(mm, child) : do_op(op, result);
	return op->kind != OP_FORK || result->ret == 0;
}

void diff_on_quire_failing(const struct op *ops, unsigned int nr, struct result *results, struct diff_failing *how)
{
	failing = how;
	diff_on_quire(ops, nr, results);
	failing = NULL;
}

void diff_on_quire(const struct op *ops, unsigned int nr, struct result *results)
{
	struct mm_struct *parents[MAX_DEPTH];
	unsigned int depth = 0;

	make_files();
	mm = mm_alloc();
	arch_pick_mmap_layout(mm, 8 << 20, false);
	mm->layout.start_brk = mm->layout.brk = HEAP_BASE - PG;
	do_brk(mm, HEAP_BASE);
	vm_run_on(mm);
	do_mmap(mm, SCRATCH, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	for (unsigned int i = 0; i < nr; i++) {
		struct mm_struct *child;

		if (!step(&ops[i], &results[i], &child))
			break;
		if (failing && failing->absorbed && failing->comparable > i)
			failing->comparable = i;
		maps_normalise(maps_text(mm), HEAP_BASE, results[i].maps, sizeof(results[i].maps));
		take_resident(&results[i]);
		if (ops[i].kind == OP_FORK) {
			parents[depth++] = mm;
			mm = child;
			vm_run_on(mm);
		} else if (ops[i].kind == OP_EXIT) {
			child = mm;
			mm = parents[--depth];
			vm_run_on(mm);
			mmput(child);
		}
		if (vm_check() != 0 || ((i % 8 == 0 || ops[i].kind == OP_EXIT) && vm_check_sums() != 0)) {
			results[i].ret = -99999;
			break;
		}
	}
	vm_run_on(NULL);
	while (depth) {
		mmput(mm);
		mm = parents[--depth];
	}
	mmput(mm);
	for (int f = 0; f < NR_FILES; f++)
		address_space_destroy(&files[f].mapping);
}
