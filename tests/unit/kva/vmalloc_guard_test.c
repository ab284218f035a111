/* SPDX-License-Identifier: MIT */
/* vmalloc_guard_test.c - who touches what lies beside a kernel range, or one that was freed, does not come far. */
#include <signal.h>

#include "../pgtable/tables_machine.h"
#include "quire/vmalloc.h"

/* Sanitizers turn a bad access into an exit of their own; a plain end is wanted here. */
static void on_segv(int signal)
{
	abort();
}

static void touch_guard(void *addr)
{
	signal(SIGSEGV, on_segv);
	*(volatile char *)((char *)addr - 1) = 1;
	exit(0);
}

static void touch_freed(void *addr)
{
	signal(SIGSEGV, on_segv);
	vfree(addr);
	*(volatile char *)addr = 1;
	exit(0);
}

int main(void)
{
	struct hosted_machine *machine;
	char *victim;

	tap_plan(0);
	machine = tables_machine(48 << 20, 1);
	victim = vmalloc(PAGE_SIZE);
	tap_dies(touch_guard, victim, "", "the guard page is not there");
	tap_dies(touch_freed, victim, "", "nor is what was freed");
	vfree(victim);
	tap_machine_tables_end(machine);
	return tap_done();
}
