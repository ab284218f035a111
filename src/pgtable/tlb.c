/* SPDX-License-Identifier: MIT */
/* tlb.c - the shootdown, and a CPU's change from one tree to another. */
#include "pgtable/tlb.h"

#include "arch/irq.h"
#include "quire/port.h"
#include "quire/stats.h"
#include "sync/lockrank.h"
#include "sync/percpu.h"

struct flush {
	struct pgtable *pgt;
	vaddr_t start, end;
	u64 gen;
	unsigned int flags;
};

static void flush_addresses(vaddr_t start, vaddr_t end, unsigned int flags)
{
	/* The way to a table that is freed may be one that only a reload forgets. */
	bool all = ARCH_ROOT_IS_COPIED && (flags & TLB_FREED_TABLES);

	if (all || (end - start) >> PAGE_SHIFT > TLB_SINGLE_PAGE_CEILING) {
		count_vm_event(NR_TLB_LOCAL_FLUSH_ALL);
		arch_tlb_flush_user();
		return;
	}
	count_vm_events(NR_TLB_LOCAL_FLUSH_ONE, (long)((end - start) >> PAGE_SHIFT));
	for (; start < end; start += PAGE_SIZE)
		arch_tlb_flush_page(start);
}

static void cpu_mask_set(struct pgtable *pgt, unsigned int cpu)
{
	/* Full order: the bit is seen before this CPU reads any entry; pairs with smp_mb in flush_tlb_range_flags. */
	(void)__atomic_fetch_or(&pgt->cpus[cpu / BITS_PER_LONG], 1ul << cpu % BITS_PER_LONG, __ATOMIC_SEQ_CST);
}

static void cpu_mask_clear(struct pgtable *pgt, unsigned int cpu)
{
	(void)__atomic_fetch_and(&pgt->cpus[cpu / BITS_PER_LONG], ~(1ul << cpu % BITS_PER_LONG), __ATOMIC_SEQ_CST);
}

/*
 * Other CPUs look at it without a lock. Release, and acquire where they look: who sees that this CPU is lazy, or out of
 * the mask, does not interrupt it, and frees pages that this CPU has written to before.
 */
static void set_lazy(struct tlb_cpu *tlb, bool lazy)
{
	__atomic_store_n(&tlb->lazy, lazy, __ATOMIC_RELEASE);
}

/* IRQs are off. */
static void leave_loaded(struct tlb_cpu *tlb)
{
	struct pgtable *prev = tlb->loaded;

	if (!prev)
		return;
	tlb->loaded = NULL;
	set_lazy(tlb, false);
	arch_load_root(this_quire()->arch->kernel_root);
	cpu_mask_clear(prev, this_cpu());
}

void pgtable_switch_kernel(void)
{
	unsigned long flags = irq_save();

	leave_loaded(this_tlb());
	irq_restore(flags);
}

/* IRQs are off, on each CPU that is asked. */
static void flush_remote(void *arg)
{
	const struct flush *flush = arg;
	struct tlb_cpu *tlb = this_tlb();
	u64 now;

	count_vm_event(NR_TLB_REMOTE_FLUSH_RECEIVED);
	if (tlb->loaded != flush->pgt)
		return;
	if (tlb->lazy && (flush->flags & TLB_FREED_TABLES)) {
		leave_loaded(tlb);
		return;
	}
	if (flush->gen <= tlb->gen)
		return;
	if (flush->gen == tlb->gen + 1) {
		flush_addresses(flush->start, flush->end, flush->flags);
		tlb->gen = flush->gen;
		return;
	}
	/* Some were missed while lazy, or come in another order. Read before the flush, which so covers at least that. */
	now = __atomic_load_n(&flush->pgt->tlb_gen, __ATOMIC_SEQ_CST);
	arch_tlb_flush_user();
	tlb->gen = now;
}

/* Nobody but this CPU can have translations. */
static void flush_local(struct pgtable *pgt, vaddr_t start, vaddr_t end, unsigned int flags)
{
	struct tlb_cpu *tlb = this_tlb();

	if (tlb->loaded != pgt)
		return;
	if (tlb->lazy && (flags & TLB_FREED_TABLES))
		pgtable_switch_kernel();
	else
		flush_addresses(start, end, flags);
}

static bool used_elsewhere(const struct pgtable *pgt, unsigned int cpu)
{
	for (unsigned int i = 0; i < BITS_TO_LONGS(QUIRE_MAX_CPUS); i++) {
		unsigned long own = i == cpu / BITS_PER_LONG ? 1ul << cpu % BITS_PER_LONG : 0;

		if (__atomic_load_n(&pgt->cpus[i], __ATOMIC_ACQUIRE) & ~own)
			return true;
	}
	return false;
}

static void flush_many(struct flush *flush)
{
	const struct tlb_cpu *tlb = this_quire()->arch->tlb;
	struct quire_cpumask mask = { { 0 } };
	unsigned int cpu;

	flush->gen = __atomic_add_fetch(&flush->pgt->tlb_gen, 1, __ATOMIC_SEQ_CST);
	for_each_possible_cpu(cpu) {
		if (!(__atomic_load_n(&flush->pgt->cpus[cpu / BITS_PER_LONG], __ATOMIC_ACQUIRE) >> cpu % BITS_PER_LONG & 1))
			continue;
		/* Pairs with the fence in pgtable_switch: it sees the new generation, or we see that it is not lazy. */
		if (!(flush->flags & TLB_FREED_TABLES) && __atomic_load_n(&tlb[cpu].lazy, __ATOMIC_ACQUIRE))
			continue;
		mask.bits[cpu / 64] |= 1ull << cpu % 64;
	}
	count_vm_event(NR_TLB_REMOTE_FLUSH);
	this_quire()->port->call_cpus(&mask, flush_remote, flush);
}

void flush_tlb_range_flags(struct pgtable *pgt, vaddr_t start, vaddr_t end, unsigned int flags)
{
	might_shootdown();
	/* The changed entries are out before the mask is read: a CPU that comes in later reads them as they are now. */
	smp_mb();
	if (likely(!used_elsewhere(pgt, this_cpu()))) {
		flush_local(pgt, start, end, flags);
	} else {
		struct flush flush = { .pgt = pgt, .start = start, .end = end, .flags = flags };

		flush_many(&flush);
	}
}

void flush_tlb_page(struct pgtable *pgt, vaddr_t addr)
{
	flush_tlb_range_flags(pgt, addr & PAGE_MASK, (addr & PAGE_MASK) + PAGE_SIZE, 0);
}

static void call_all_cpus(void (*fn)(void *arg), void *arg)
{
	struct quire_cpumask mask = { { 0 } };
	unsigned int cpu;

	if (this_quire()->nr_cpus == 1) {
		fn(arg);
		return;
	}
	might_shootdown();
	for_each_possible_cpu(cpu)
		mask.bits[cpu / 64] |= 1ull << cpu % 64;
	count_vm_event(NR_TLB_REMOTE_FLUSH);
	this_quire()->port->call_cpus(&mask, fn, arg);
}

static void flush_kernel_here(void *arg)
{
	const struct flush *flush = arg;
	vaddr_t addr;

	if ((flush->end - flush->start) >> PAGE_SHIFT > TLB_SINGLE_PAGE_CEILING) {
		count_vm_event(NR_TLB_LOCAL_FLUSH_ALL);
		arch_tlb_flush_all();
		return;
	}
	for (addr = flush->start; addr < flush->end; addr += PAGE_SIZE)
		arch_tlb_flush_page(addr);
}

void flush_tlb_kernel_range(vaddr_t start, vaddr_t end)
{
	struct flush flush = { .start = start, .end = end };

	call_all_cpus(flush_kernel_here, &flush);
}

static void flush_all_here(void *unused)
{
	count_vm_event(NR_TLB_LOCAL_FLUSH_ALL);
	arch_tlb_flush_all();
}

void flush_tlb_all(void)
{
	call_all_cpus(flush_all_here, NULL);
}

static void leave_lazy(struct tlb_cpu *tlb)
{
	u64 gen;

	set_lazy(tlb, false);
	/* Pairs with the read of `lazy` in flush_many. */
	smp_mb();
	gen = __atomic_load_n(&tlb->loaded->tlb_gen, __ATOMIC_RELAXED);
	if (gen != tlb->gen) {
		tlb->gen = gen;
		arch_tlb_flush_user();
	}
}

void pgtable_switch(struct pgtable *next)
{
	struct tlb_cpu *tlb = this_tlb();
	struct pgtable *prev = tlb->loaded;

	if (prev == next) {
		if (tlb->lazy)
			leave_lazy(tlb);
		return;
	}
	cpu_mask_set(next, this_cpu());
	tlb->gen = __atomic_load_n(&next->tlb_gen, __ATOMIC_RELAXED);
	tlb->loaded = next;
	set_lazy(tlb, false);
	arch_load_root(virt_to_phys(next->root));
	if (prev)
		cpu_mask_clear(prev, this_cpu());
}

void pgtable_enter_lazy(void)
{
	struct tlb_cpu *tlb = this_tlb();

	if (tlb->loaded)
		set_lazy(tlb, true);
}
