/* SPDX-License-Identifier: MIT */
/* vm_machine.c - address spaces on a hosted machine, and a program's view of them. */
#include "vm_machine.h"

#include <stdio.h>
#include <string.h>

struct vm_machine vm_machine;

/* The trap handler of the simulated CPUs. */
static int on_fault(vaddr_t addr, unsigned int access)
{
	unsigned int cpu = this_cpu();
	struct fault_result result;

	if (!vm_machine.running[cpu])
		return -EFAULT;
	result = handle_user_fault(vm_machine.running[cpu], addr, access);
	if (!(result.what & VM_FAULT_ERROR))
		return 0;
	vm_machine.last[cpu] = result;
	vm_machine.last_addr[cpu] = addr;
	return -EFAULT;
}

struct mm_struct *vm_machine_start(uint64_t mem_bytes, unsigned int cpus)
{
	struct mm_struct *mm;

	vm_machine.machine = tap_machine(mem_bytes, cpus, 1);
	this_quire()->arch->fault = on_fault;
	this_vm()->randomize_va_space = 0;
	mm = mm_alloc();
	arch_pick_mmap_layout(mm, 8 << 20, false);
	vm_run_on(mm);
	return mm;
}

void vm_run_on(struct mm_struct *mm)
{
	struct mm_struct *prev = vm_machine.running[this_cpu()];
	unsigned long irq = irq_save();

	vm_machine.running[this_cpu()] = mm;
	switch_mm(prev, mm);
	irq_restore(irq);
}

void vm_machine_end(struct mm_struct *mm)
{
	if (mm) {
		tap_is(vm_check(), 0, "every address space is in order");
		vm_run_on(NULL);
		mmput(mm);
	}
	pgtable_switch_kernel();
	rcu_barrier();
	tap_is(object_check(), 0, "reclaim lists are in order");
	tap_is(global_node_page_state(NR_ANON_MAPPED), 0, "no anonymous page is mapped");
	tap_is(global_node_page_state(NR_FILE_MAPPED), 0, "no file page is mapped");
	tap_is(global_node_page_state(NR_PAGETABLE), 0, "no page table is left");
	tap_is(global_node_page_state(NR_MLOCK), 0, "no page is locked");
	tap_is(vm_committed_pages(), 0, "nothing is promised");
	tap_machine_end(vm_machine.machine);
}

int poke(vaddr_t addr, unsigned char value)
{
	return sim_store(addr, &value, 1);
}

int peek(vaddr_t addr)
{
	unsigned char value;
	int err = sim_load(addr, &value, 1);

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
