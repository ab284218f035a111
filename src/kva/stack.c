/* SPDX-License-Identifier: MIT */
/*
 * stack.c - kernel stacks with a guard page below, and a few of them kept ready by each CPU, mapped as they are: making a
 * mapping costs thousands of instructions, and fork wants a stack each time.
 */
#include "kva/kva.h"
#include "quire/stats.h"

static void count_stack(const void *stack, size_t bytes, long sign)
{
	kva_count(stack, bytes >> PAGE_SHIFT, NR_KERNEL_STACK_KB, sign * (long)(PAGE_SIZE >> 10));
}

static __noinline void *stack_alloc_slow(struct kva_state *kva, size_t bytes)
{
	void *stack = vmalloc_caller(bytes, GFP_KERNEL, VM_KSTACK, __builtin_return_address(0));

	if (!stack)
		return NULL;
	if (!kva->stack_bytes)
		kva->stack_bytes = bytes;
	else if (kva->stack_bytes != bytes)
		WRITE_ONCE(kva->odd_stacks, true);
	count_stack(stack, bytes, 1);
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
	count_stack(stack, bytes, 1);
	return stack;
}

static __noinline void stack_free_slow(struct kva_state *kva, void *stack)
{
	count_stack(stack, kva->odd_stacks ? vmalloc_bytes(stack) : kva->stack_bytes, -1);
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
			/* First: once it is kept, somebody else may have it. */
			count_stack(stack, kva->stack_bytes, -1);
			cpu->stacks[cpu->nr_stacks++] = stack;
			kept = true;
		}
		percpu_leave(&cpu->guard);
	}
	if (unlikely(!kept))
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
