/* SPDX-License-Identifier: MIT */
/*
 * stack.c - kernel stacks with a guard page below, and a few of them kept ready by each CPU, mapped as they are: making a
 * mapping costs thousands of instructions, and fork wants a stack each time.
 */
#include "kva/kva.h"
#include "quire/stats.h"

static __noinline void *stack_alloc_slow(struct kva_state *kva, size_t bytes)
{
	void *stack = vmalloc_caller(bytes, GFP_KERNEL, VM_KSTACK, __builtin_return_address(0));

	if (!stack)
		return NULL;
	if (!kva->stack_bytes)
		kva->stack_bytes = bytes;
	else if (kva->stack_bytes != bytes)
		WRITE_ONCE(kva->odd_stacks, true);
	mod_node_page_state(NR_KERNEL_STACK_KB, (long)(bytes >> 10));
	return stack;
}

void *kernel_stack_alloc(size_t bytes)
{
	struct kva_state *kva = this_kva();
	struct kva_cpu *cpu = this_cpu_ptr(kva->cpu);
	void *stack = NULL;

	if (likely(bytes == kva->stack_bytes && cpu->nr_stacks) && percpu_enter(&cpu->guard)) {
		if (likely(cpu->nr_stacks))
			stack = cpu->stacks[--cpu->nr_stacks];
		percpu_leave(&cpu->guard);
	}
	if (unlikely(!stack))
		return stack_alloc_slow(kva, bytes);
	mod_node_page_state(NR_KERNEL_STACK_KB, (long)(bytes >> 10));
	return stack;
}

static __noinline void stack_free_slow(struct kva_state *kva, void *stack)
{
	size_t bytes = kva->odd_stacks ? vmalloc_bytes(stack) : kva->stack_bytes;

	mod_node_page_state(NR_KERNEL_STACK_KB, -(long)(bytes >> 10));
	vfree(stack);
}

/* While all stacks have one size, none needs to be looked up. */
void kernel_stack_free(void *stack)
{
	struct kva_state *kva = this_kva();
	struct kva_cpu *cpu = this_cpu_ptr(kva->cpu);
	bool kept = false;

	if (likely(!kva->odd_stacks && cpu->nr_stacks < STACK_CACHE_SLOTS) && percpu_enter(&cpu->guard)) {
		if (likely(cpu->nr_stacks < STACK_CACHE_SLOTS)) {
			cpu->stacks[cpu->nr_stacks++] = stack;
			kept = true;
		}
		percpu_leave(&cpu->guard);
	}
	if (likely(kept))
		mod_node_page_state(NR_KERNEL_STACK_KB, -(long)(kva->stack_bytes >> 10));
	else
		stack_free_slow(kva, stack);
}

void stack_cache_drain(void)
{
	struct kva_state *kva = this_kva();
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		while (kva->cpu[cpu].nr_stacks)
			vfree(kva->cpu[cpu].stacks[--kva->cpu[cpu].nr_stacks]);
}
