/* SPDX-License-Identifier: MIT */
/* selftest.c - breaks the kernel in known ways, so that its last words can be tested. */
#include "boot/selftest.h"

#include <stddef.h>
#include <stdint.h>

#include "arch/interrupt.h"
#include "base/compiler.h"
#include "base/string.h"
#include "boot/boot_info.h"
#include "boot/linker.h"
#include "lib/printk.h"
#include "quire/config.h"
#include "quire/mm.h"

static void test_panic(void)
{
	panic("selftest: asked for");
}

/* The loop keeps the compiler from turning the recursion into one. */
static __noinline unsigned long deeper(unsigned long depth)
{
	volatile char frame[512];

	frame[depth % sizeof(frame)] = depth;
	if (depth == ~0ul)
		return frame[0];
	return deeper(depth + 1) + frame[depth % sizeof(frame)];
}

static void test_stack_overflow(void)
{
	pr_emerg("selftest: depth %lu reached", deeper(0));
}

/* With a stack pointer that leads nowhere, the exception's own frame cannot be pushed. */
static void test_double_fault(void)
{
	__asm__ volatile("mov $0x1000, %%" STACK_POINTER "\n\tint3" ::: "memory");
	__builtin_unreachable();
}

static void test_wild_pointer(void)
{
	*(volatile int *)(VMALLOC_START - PAGE_SIZE) = 1;
}

static void test_write_text(void)
{
	*(volatile char *)__text_start = 0;
}

static void test_exec_data(void)
{
	static char code[] = { (char)0xc3 };	/* RET */

	((void (*)(void))(uintptr_t)code)();
}

#define USER_PAGE 0x10000000ul
#define RET 0xc3

/*
 * Loads an address space with a page that a program may read, write and run. That the kernel may do none
 * of it, is SMAP's and SMEP's doing: its entry in the page table is there.
 */
static void load_user_page(void)
{
	struct mm_struct *mm = mm_alloc();
	const u8 code = RET;

	if (!mm || do_mmap(mm, USER_PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) != USER_PAGE ||
	    access_remote_vm(mm, USER_PAGE, (void *)(uintptr_t)&code, 1, FOLL_WRITE) != 1)
		panic("selftest: no memory");
	local_irq_disable();
	switch_mm(NULL, mm);
}

static void test_read_user(void)
{
	load_user_page();
	(void)*(volatile char *)USER_PAGE;
}

static void test_exec_user(void)
{
	load_user_page();
	((void (*)(void))USER_PAGE)();
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "panic", test_panic },
	{ "stack_overflow", test_stack_overflow },
	{ "double_fault", test_double_fault },
	{ "wild_pointer", test_wild_pointer },
	{ "write_text", test_write_text },
	{ "exec_data", test_exec_data },
	{ "read_user", test_read_user },
	{ "exec_user", test_exec_user },
	{ "unit_tests", selftest_unit_tests },
};

void selftest_run(void)
{
	char name[32];
	size_t i;

	if (!QUIRE_DEBUG || !boot_option("quire.selftest", name, sizeof(name)))
		return;
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (tests[i].run && !strcmp(name, tests[i].name))
			tests[i].run();
	pr_err("selftest: %s did not end the kernel", name);
}
