/* SPDX-License-Identifier: MIT */
/* user_sim.c - a program's view of memory through the software MMU, for tests of address spaces. */
#include "../unit/vm/vm_machine.h"

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

void vm_cpu_start(void)
{
	this_quire()->arch->fault = on_fault;
}

void vm_cpu_switch(struct mm_struct *prev, struct mm_struct *next)
{
	unsigned long irq = irq_save();

	switch_mm(prev, next);
	irq_restore(irq);
}

int vm_cpu_store(vaddr_t addr, unsigned char value)
{
	return sim_store(addr, &value, 1);
}

int vm_cpu_load(vaddr_t addr, unsigned char *value)
{
	return sim_load(addr, value, 1);
}
