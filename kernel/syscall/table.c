/* SPDX-License-Identifier: MIT */
/*
 * table.c - which handler answers which number.
 *
 * A call of the list that no file of the kernel defines, and every number that is not in the list, is
 * answered by sys_unknown(): the list may name more than there is.
 */
#include "arch/current.h"
#include "arch/syscall_list.h"
#include "base/math.h"
#include "lib/printk.h"
#include "sched/task.h"
#include "syscall/syscall.h"

/* Bit n: number n has been asked for by somebody and logged. */
static u64 logged[SYSCALL_TABLE_SIZE / 64];

long sys_unknown(void);
/* Logs each number once; all that lie beyond the table count as one. */
long sys_unknown(void)
{
	unsigned long nr = current_pt_regs()->orig_ax, slot = min(nr, SYSCALL_TABLE_SIZE - 1ul);
	u64 bit = 1ULL << (slot % 64);

	if (!(__atomic_fetch_or(&logged[slot / 64], bit, __ATOMIC_RELAXED) & bit))
		pr_info("%s[%d]: system call %ld is not there", current->comm, current->pid, (long)nr);
	return -ENOSYS;
}

#define DECLARE(nr, name) long sys_##name(void) __attribute__((weak, alias("sys_unknown")));
SYSCALLS(DECLARE)

#define ENTRY(nr, name) [nr] = (syscall_fn)(void *)sys_##name,
#pragma GCC diagnostic ignored "-Woverride-init"
const syscall_fn syscall_table[SYSCALL_TABLE_SIZE] = {
	[0 ... SYSCALL_TABLE_SIZE - 1] = (syscall_fn)(void *)sys_unknown,
	SYSCALLS(ENTRY)
};
