/* SPDX-License-Identifier: MIT */
/*
 * vm_machine.h - a machine with one address space loaded on each CPU that asks for it, for the tests of this room.
 *
 *	struct mm_struct *mm = vm_machine_start(64 << 20, 1);
 *	vm_run_on(mm);                                the calling CPU's program
 *	poke(addr, value); peek(addr);                as the program would, through TLB, tables and faults
 *	vm_machine_end(mm);                           checks the mm, drops it, checks that all came back
 */
#ifndef TESTS_VM_MACHINE_H
#define TESTS_VM_MACHINE_H

#include <errno.h>
#undef errno
#include "tap_machine.h"
#include "tap.h"

#include "arch/tlb.h"
#include "arch/uaccess.h"
#include "object/object.h"
#include "pgtable/tlb.h"
#include "quire/fault.h"
#include "quire/mm.h"
#include "quire/stats.h"
#include "sync/rcu.h"
#include "vm/mm_int.h"

#define PG 4096ul

/* What address spaces take of the machine. */
struct vm_figures {
	unsigned long anon, file, tables, locked, committed;	/* pages */
};

/* Per CPU: what runs there, and how its last failed fault ended. */
struct vm_machine {
	struct hosted_machine *machine;
	struct mm_struct *running[QUIRE_MAX_CPUS];
	struct fault_result last[QUIRE_MAX_CPUS];
	vaddr_t last_addr[QUIRE_MAX_CPUS];
	struct vm_figures start;	/* before the first address space */
};

extern struct vm_machine vm_machine;

/* The world's own (tests/lib/user_sim.c, tests/booted/user.c). A failed access leaves why in `last`. */
void vm_cpu_start(void);
void vm_cpu_switch(struct mm_struct *prev, struct mm_struct *next);
int vm_cpu_store(vaddr_t addr, unsigned char value);
int vm_cpu_load(vaddr_t addr, unsigned char *value);

struct mm_struct *vm_machine_start(uint64_t mem_bytes, unsigned int cpus);
/* The same on a machine that the caller has made (tap_machine_config) and hands over. */
struct mm_struct *vm_machine_start_on(struct hosted_machine *machine);
void vm_machine_end(struct mm_struct *mm);
void vm_run_on(struct mm_struct *mm);

/* 0, or -EFAULT with vm_machine.last telling why. */
int poke(vaddr_t addr, unsigned char value);
int peek(vaddr_t addr);
/* 0 when the touch raises the signal with this si_code. */
int segv_code(vaddr_t addr, int write);

/* Anonymous memory anywhere. */
static inline unsigned long map_anon(struct mm_struct *mm, unsigned long pages, unsigned long prot, unsigned long flags)
{
	return do_mmap(mm, 0, pages * PG, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, NULL, 0);
}

/* A RAM object that a test maps as a file. */
struct test_file {
	struct address_space mapping;
	u64 bytes;
	int refs;
	int runners;	/* address spaces whose program it is */
	const char *name;
};
void test_file_init(struct test_file *file, const char *name, u64 bytes);
void test_file_gone(struct test_file *file);
/* Byte i of the file becomes fill(i). */
void test_file_fill(struct test_file *file, unsigned char (*fill)(u64 i));
bool test_file_fill_quietly(struct test_file *file, unsigned char (*fill)(u64 i));
struct mmap_file test_file_handle(struct test_file *file, bool may_write);

/* Text of /proc/PID/maps, in a static buffer. */
const char *maps_text(struct mm_struct *mm);

#endif
