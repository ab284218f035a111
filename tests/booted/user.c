/* SPDX-License-Identifier: MIT */
/* user.c - a program's view of memory for tests of address spaces: the CPU's own, from a kernel thread. */
#include "../unit/vm/vm_machine.h"

#include "kernel/arch/current.h"
#include "kernel/sched/sched.h"
#include "quire/uaccess.h"

void vm_cpu_start(void)
{
}

/* The thread is a program as far as memory goes, as after exec and, with no mm, after its end. */
void vm_cpu_switch(struct mm_struct *prev, struct mm_struct *next)
{
	struct task *p = current;
	struct mm_struct *borrowed = p->thread.mm ? NULL : p->active_mm;

	irq_disable();
	spin_lock(&p->lock);
	p->thread.mm = p->active_mm = next;
	switch_mm(prev, next);
	if (!next)
		pgtable_switch_kernel();
	spin_unlock(&p->lock);
	irq_enable();
	if (borrowed)
		mmdrop(borrowed);
}

/*
 * The trap handler keeps no record of why it refused, but the same fault once more tells. If it does not fail now, because
 * others have given the right back meanwhile, the access is made again: false.
 */
static bool refused(vaddr_t addr, unsigned int access)
{
	unsigned int cpu = this_cpu();
	struct fault_result result;

	vm_machine.last_addr[cpu] = addr;
	if (!vm_machine.running[cpu])
		return true;
	result = handle_user_fault(vm_machine.running[cpu], addr, access);
	if (!(result.what & VM_FAULT_ERROR))
		return false;
	vm_machine.last[this_cpu()] = result;
	return true;
}

int vm_cpu_store(vaddr_t addr, unsigned char value)
{
	while (copy_to_user((void *)addr, &value, 1))
		if (refused(addr, FAULT_FLAG_WRITE))
			return -EFAULT;
	return 0;
}

int vm_cpu_load(vaddr_t addr, unsigned char *value)
{
	while (copy_from_user(value, (const void *)addr, 1))
		if (refused(addr, 0))
			return -EFAULT;
	return 0;
}
