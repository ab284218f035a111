/* SPDX-License-Identifier: MIT */
/* selftest.c - breaks the kernel in known ways, so that its last words can be tested. */
#include "boot/selftest.h"

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/string.h"
#include "boot/boot_info.h"
#include "boot/linker.h"
#include "lib/printk.h"
#include "quire/config.h"

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
	__asm__ volatile("movq $0x1000, %%rsp\n\tint3" ::: "memory");
	__builtin_unreachable();
}

static void test_wild_pointer(void)
{
	*(volatile int *)0xffffb00000000000ul = 1;
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
};

void selftest_run(void)
{
	char name[32];
	size_t i;

	if (!QUIRE_DEBUG || !boot_option("quire.selftest", name, sizeof(name)))
		return;
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (!strcmp(name, tests[i].name))
			tests[i].run();
	pr_err("selftest: %s did not end the kernel", name);
}
