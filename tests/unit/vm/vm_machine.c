/* SPDX-License-Identifier: MIT */
/* vm_machine.c - address spaces on a machine, and a program's view of them. */
#include "vm_machine.h"

#include <stdio.h>
#include <string.h>

struct vm_machine vm_machine;

static struct vm_figures vm_figures(void)
{
	return (struct vm_figures){
		.anon = global_node_page_state(NR_ANON_MAPPED),
		.file = global_node_page_state(NR_FILE_MAPPED),
		.tables = global_node_page_state(NR_PAGETABLE),
		.locked = global_node_page_state(NR_MLOCK),
		.committed = vm_committed_pages(),
	};
}

struct mm_struct *vm_machine_start_on(struct hosted_machine *machine)
{
	struct mm_struct *mm;

	vm_machine.machine = machine;
	vm_machine.start = vm_figures();
	vm_cpu_start();
	this_vm()->randomize_va_space = 0;
	mm = mm_alloc();
	arch_pick_mmap_layout(mm, 8 << 20, false);
	vm_run_on(mm);
	return mm;
}

struct mm_struct *vm_machine_start(uint64_t mem_bytes, unsigned int cpus)
{
	return vm_machine_start_on(tap_machine(mem_bytes, cpus, 1));
}

void vm_run_on(struct mm_struct *mm)
{
	struct mm_struct *prev = vm_machine.running[this_cpu()];

	vm_machine.running[this_cpu()] = mm;
	vm_cpu_switch(prev, mm);
}

void vm_machine_end(struct mm_struct *mm)
{
	struct vm_figures end;

	if (mm) {
		tap_is(vm_check(), 0, "every address space is in order");
		tap_is(vm_check_sums(), 0, "and agree with the frames");
		vm_run_on(NULL);
		mmput(mm);
	}
	pgtable_switch_kernel();
	rcu_barrier();
	tap_is(object_check(), 0, "reclaim lists are in order");
	end = vm_figures();
	tap_is(end.anon, vm_machine.start.anon, "no anonymous page is mapped");
	tap_is(end.file, vm_machine.start.file, "no file page is mapped");
	tap_is(end.tables, vm_machine.start.tables, "no page table is left");
	tap_is(end.locked, vm_machine.start.locked, "no page is locked");
	tap_is(end.committed, vm_machine.start.committed, "nothing is promised");
	tap_machine_end(vm_machine.machine);
}

int poke(vaddr_t addr, unsigned char value)
{
	return vm_cpu_store(addr, value);
}

int peek(vaddr_t addr)
{
	unsigned char value;
	int err = vm_cpu_load(addr, &value);

	return err ? err : value;
}

int segv_code(vaddr_t addr, int write)
{
	int err = write ? poke(addr, 1) : peek(addr);

	if (err >= 0)
		return 0;
	return vm_machine.last[this_cpu()].what & VM_FAULT_SIGSEGV ? vm_machine.last[this_cpu()].si_code : -1;
}

static u64 file_size(struct address_space *mapping)
{
	return ((struct test_file *)mapping->host)->bytes;
}

static void file_get(void *file)
{
	((struct test_file *)file)->refs++;
}

static void file_put(void *file)
{
	((struct test_file *)file)->refs--;
}

static void file_deny_write(void *file)
{
	((struct test_file *)file)->runners++;
}

static void file_allow_write(void *file)
{
	((struct test_file *)file)->runners--;
}

static int file_path(void *file, char *buf, size_t size)
{
	return snprintf(buf, size, "%s", ((struct test_file *)file)->name);
}

static void file_id(void *file, u32 *major, u32 *minor, u64 *inode)
{
	*major = 8;
	*minor = 1;
	*inode = 4711;
}

static const struct address_space_operations file_ops = {
	.size = file_size,
	.get_file = file_get,
	.put_file = file_put,
	.deny_write = file_deny_write,
	.allow_write = file_allow_write,
	.file_path = file_path,
	.file_id = file_id,
};

void test_file_init(struct test_file *file, const char *name, u64 bytes)
{
	memset(file, 0, sizeof(*file));
	file->name = name;
	file->bytes = bytes;
	address_space_init(&file->mapping, &file_ops, file, GFP_HIGHUSER_MOVABLE, 0);
}

void test_file_gone(struct test_file *file)
{
	tap_is(file->runners, 0, "%s: nobody runs the file any more", file->name);
	tap_is(file->refs, 0, "%s: nobody refers to the file any more", file->name);
	address_space_destroy(&file->mapping);
	tap_is(file->mapping.nrpages, 0, "%s: no page is cached any more", file->name);
}

struct fill_cookie {
	unsigned char (*fill)(u64 i);
};

static size_t fill_copy(void *cookie, void *kaddr, size_t bytes, size_t done)
{
	for (size_t i = 0; i < bytes; i++)
		((unsigned char *)kaddr)[i] = ((struct fill_cookie *)cookie)->fill(done + i);
	return bytes;
}

bool test_file_fill_quietly(struct test_file *file, unsigned char (*fill)(u64 i))
{
	struct fill_cookie cookie = { fill };

	return page_cache_write(&file->mapping, 0, file->bytes, fill_copy, &cookie) == (long)file->bytes;
}

void test_file_fill(struct test_file *file, unsigned char (*fill)(u64 i))
{
	tap_ok(test_file_fill_quietly(file, fill), "%s is filled", file->name);
}

struct mmap_file test_file_handle(struct test_file *file, bool may_write)
{
	return (struct mmap_file){ .mapping = &file->mapping, .file = file, .may_read = true, .may_write = may_write,
				   .may_exec = true };
}

static char text[1 << 16];
static size_t text_len;

static int text_write(struct text_sink *sink, const char *from, size_t len)
{
	if (text_len + len >= sizeof(text))
		return -ENOSPC;
	memcpy(text + text_len, from, len);
	text_len += len;
	text[text_len] = 0;
	return 0;
}

const char *maps_text(struct mm_struct *mm)
{
	struct text_sink sink = { .write = text_write };

	text_len = 0;
	text[0] = 0;
	mm_show_maps(mm, &sink);
	return text;
}
