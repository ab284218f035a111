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

static void make_files(void)
{
	static unsigned char (*const bytes[NR_FILES])(u64) = { byte0, byte1 };

	for (int f = 0; f < NR_FILES; f++) {
		test_file_init(&files[f], "/memfd:diff (deleted)", diff_file_bytes(f));
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

static long quire_touch(const struct op *op)
{
	int got = op->kind == OP_WRITE ? poke(op->addr, op->value) : peek(op->addr);

	if (got >= 0)
		return got;
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

static void take_resident(struct result *result)
{
	memset(result->resident, 2, sizeof(result->resident));
	for (struct vm_area_struct *vma = find_vma(mm, ARENA_BASE); vma && vma->vm_start < ARENA_END; vma = vma->vm_next) {
		unsigned char *to = result->resident + ((vma->vm_start - ARENA_BASE) >> PAGE_SHIFT);
		unsigned long end = min(vma->vm_end, ARENA_END);

		do_mincore(mm, vma->vm_start, end - vma->vm_start, (unsigned char *)SCRATCH);
		sim_load(SCRATCH, to, (end - vma->vm_start) >> PAGE_SHIFT);
	}
}

static long do_op(const struct op *op, struct result *result)
{
	struct mmap_file handle;
	unsigned char byte = 0;

	switch (op->kind) {
	case OP_MMAP:
		if (op->file >= 0)
			handle = test_file_handle(&files[op->file], true);
		return (long)do_mmap(mm, op->addr, op->len, op->prot, op->flags, op->file < 0 ? NULL : &handle, op->offset);
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
		return quire_touch(op);
	case OP_TRUNCATE:
		return quire_truncate(&files[op->file], op->len);
	case OP_PWRITE:
		return quire_pwrite(&files[op->file], op->offset, op->value);
	case OP_PREAD:
		return page_cache_read(&files[op->file].mapping, op->offset, 1, copy_byte_out, &byte) + byte * 2L;
	default:
		return 0;
	}
}

void diff_quire_begin(void)
{
	struct mm_struct *first = vm_machine_start(64 << 20, 1);

	vm_run_on(NULL);
	mmput(first);
}

void diff_quire_end(void)
{
	vm_machine_end(NULL);
}

void diff_on_quire(const struct op *ops, unsigned int nr, struct result *results)
{
	struct mm_struct *parents[MAX_DEPTH];
	unsigned int depth = 0;

	make_files();
	mm = mm_alloc();
	arch_pick_mmap_layout(mm, 8 << 20, false);
	vm_run_on(mm);
	do_mmap(mm, SCRATCH, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	for (unsigned int i = 0; i < nr; i++) {
		struct mm_struct *child;

		results[i].ret = do_op(&ops[i], &results[i]);
		maps_normalise(maps_text(mm), results[i].maps, sizeof(results[i].maps));
		take_resident(&results[i]);
		if (ops[i].kind == OP_FORK) {
			if (dup_mm(mm, &child) != 0)
				break;
			parents[depth++] = mm;
			mm = child;
			vm_run_on(mm);
		} else if (ops[i].kind == OP_EXIT) {
			child = mm;
			mm = parents[--depth];
			vm_run_on(mm);
			mmput(child);
		}
		if (vm_check() != 0) {
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
