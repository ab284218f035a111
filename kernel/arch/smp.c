/* SPDX-License-Identifier: MIT */
/* smp.c - starting the other CPUs, and calling functions on them. */
#include "arch/smp.h"

#include "arch/acpi.h"
#include "arch/clock.h"
#include "arch/cpu_setup.h"
#include "arch/fpu.h"
#include "arch/interrupt.h"
#include "arch/lapic.h"
#include "arch/paging.h"
#include "arch/percpu.h"
#include "base/compiler.h"
#include "base/string.h"
#include "boot/boot_info.h"
#include "boot/linker.h"
#include "lib/printk.h"
#include "quire/gfp.h"
#include "quire/page.h"

unsigned int nr_cpu_ids = 1;
unsigned int nr_online_cpus = 1;
struct quire_cpumask cpu_online_mask = { { 1 } };

/* A caller's request. One for each CPU: a caller waits until it is done with. */
struct call {
	void (*fn)(void *arg);
	void *arg;
	unsigned int pending;	/* (a) CPUs that have not finished */
};

static struct call calls[QUIRE_MAX_CPUS];
/* [cpu]: bit n is set while CPU n's request waits for that CPU. (a) */
static uint64_t call_queue[QUIRE_MAX_CPUS];

_Static_assert(QUIRE_MAX_CPUS <= 64, "callers of a CPU are bits of one word");

void __init smp_count_cpus(void)
{
	long limit = boot_option_number("maxcpus", QUIRE_MAX_CPUS);

	nr_cpu_ids = acpi.nr_cpus;
	if (boot_option_present("nosmp") || limit < 1)
		limit = 1;
	if (nr_cpu_ids > (unsigned long)limit)
		nr_cpu_ids = limit;
	percpu_of(0)->apic_id = acpi.apic_ids[0];
	pr_info("smpboot: Allowing %u CPUs, %u present", nr_cpu_ids, acpi.nr_cpus);
}

/* Serves what waits for this CPU. Interrupts off. */
void smp_call_interrupt(void)
{
	uint64_t waiting = __atomic_exchange_n(&call_queue[this_percpu.cpu], 0, __ATOMIC_ACQUIRE);

	while (waiting) {
		struct call *call = &calls[__builtin_ctzll(waiting)];

		waiting &= waiting - 1;
		call->fn(call->arg);
		/* pairs with the caller's acquire: what fn did is seen */
		__atomic_fetch_sub(&call->pending, 1, __ATOMIC_RELEASE);
	}
}

static void call_others(uint64_t others, void (*fn)(void *arg), void *arg)
{
	unsigned int self = this_percpu.cpu, nr = 0;
	struct call *call = &calls[self];
	uint64_t left;

	call->fn = fn;
	call->arg = arg;
	for (left = others; left; left &= left - 1)
		nr++;
	__atomic_store_n(&call->pending, nr, __ATOMIC_RELAXED);
	for (left = others; left; left &= left - 1) {
		unsigned int cpu = __builtin_ctzll(left);

		/* release: the request is complete; a queue that was not empty has been rung for */
		if (!__atomic_fetch_or(&call_queue[cpu], 1ULL << self, __ATOMIC_ACQ_REL))
			lapic_send(percpu_of(cpu)->apic_id, VECTOR_CALL);
	}
}

void smp_call_function_many(const struct quire_cpumask *mask, void (*fn)(void *arg), void *arg)
{
	unsigned int self = this_percpu.cpu;
	uint64_t want = mask->bits[0] & cpu_online_mask.bits[0];
	uint64_t others = want & ~(1ULL << self);

	if (others)
		call_others(others, fn, arg);
	if (want & 1ULL << self) {
		unsigned long flags;

		__asm__ volatile("pushf; pop %0; cli" : "=r"(flags) :: "memory");
		fn(arg);
		__asm__ volatile("push %0; popf" :: "r"(flags) : "memory", "cc");
	}
	while (others && __atomic_load_n(&calls[self].pending, __ATOMIC_ACQUIRE))
		__asm__ volatile("pause");
}

void smp_call_function_single(unsigned int cpu, void (*fn)(void *arg), void *arg)
{
	struct quire_cpumask mask = { { 0 } };

	cpumask_set(&mask, cpu);
	smp_call_function_many(&mask, fn, arg);
}

void smp_send_reschedule(unsigned int cpu)
{
	lapic_send(percpu_of(cpu)->apic_id, VECTOR_RESCHED);
}

bool smp_stopping;

/* By NMI: a CPU that waits for a lock with interrupts off stops, too. */
void smp_send_stop(void)
{
	unsigned int cpu;

	if (__atomic_exchange_n(&smp_stopping, true, __ATOMIC_SEQ_CST))
		return;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (cpu != this_percpu.cpu && cpu_online(cpu))
			lapic_send_nmi(percpu_of(cpu)->apic_id);
}

extern char trampoline_start[], trampoline_end[];
extern uint64_t trampoline_efer, trampoline_stack, trampoline_percpu;
extern uint32_t boot_efer;

/* The trampoline's copy of a field. */
static void __init set_field(const uint64_t *field, uint64_t value)
{
	volatile uint64_t *copy = early_phys(SMP_TRAMPOLINE_PHYS +
					     ((const char *)field - trampoline_start));

	*copy = value;
}

/* Where another CPU arrives, on its idle task's stack. */
void __attribute__((noreturn)) secondary_main(void);
void __init secondary_main(void)
{
	unsigned int cpu = this_percpu.cpu;

	paging_init_cpu();
	cpu_setup();
	fpu_init_cpu();
	lapic_init_cpu();
	clock_init_cpu();
	__atomic_fetch_or(&cpu_online_mask.bits[0], 1ULL << cpu, __ATOMIC_SEQ_CST);
	/* pairs with the load in start_cpu(): from here on the starter may reuse the trampoline */
	__atomic_store_n(&this_percpu.self->online, 1, __ATOMIC_RELEASE);
	sched_start_idle();
}

static bool __init wait_online(const struct percpu *pc, unsigned long usec)
{
	uint64_t end = ktime_get_ns() + usec * NSEC_PER_USEC;

	do {
		if (__atomic_load_n(&pc->online, __ATOMIC_ACQUIRE))
			return true;
		__asm__ volatile("pause");
	} while (ktime_get_ns() < end);
	return false;
}

/* Memory for a CPU's record, for good. */
static struct percpu *__init new_record(unsigned int cpu)
{
	void *memory = alloc_pages_exact(percpu_record_size(), GFP_KERNEL | __GFP_ZERO);

	return memory ? percpu_record_init(memory, cpu, acpi.apic_ids[cpu]) : NULL;
}

/* Microseconds: hosts may be busy. A CPU that has not come by then is left alone for good. */
#define FIRST_PATIENCE	2000
#define LAST_PATIENCE	5000000

static bool __init start_cpu(unsigned int cpu)
{
	struct thread_struct *idle = sched_new_idle(cpu);
	struct percpu *pc = idle ? new_record(cpu) : NULL;

	if (!pc)
		return false;
	pc->current_task = (struct task *)idle;
	pc->idle = (struct task *)idle;
	pc->ctx = idle->ctx;
	percpu_stack(*pc) = idle->stack_top;
	set_field(&trampoline_stack, idle->stack_top);
	set_field(&trampoline_percpu, (uintptr_t)pc);
	lapic_send_init(pc->apic_id);
	udelay(10);
	lapic_send_startup(pc->apic_id, SMP_TRAMPOLINE_PHYS >> 12);
	if (wait_online(pc, FIRST_PATIENCE))
		return true;
	lapic_send_startup(pc->apic_id, SMP_TRAMPOLINE_PHYS >> 12);
	return wait_online(pc, LAST_PATIENCE);
}

void __init smp_boot_cpus(void)
{
	unsigned int cpu, nr_nodes = acpi.nr_nodes ? acpi.nr_nodes : 1;

	paging_share_with_trampoline();
	memcpy(early_phys(SMP_TRAMPOLINE_PHYS), trampoline_start, trampoline_end - trampoline_start);
	set_field(&trampoline_efer, boot_efer);
	for (cpu = 1; cpu < nr_cpu_ids; cpu++) {
		if (!start_cpu(cpu)) {
			pr_err("smpboot: CPU %u (APIC id %u) does not start", cpu, acpi.apic_ids[cpu]);
			break;
		}
		nr_online_cpus++;
	}
	pr_info("smp: Brought up %u node%s, %u CPU%s", nr_nodes, nr_nodes == 1 ? "" : "s",
		nr_online_cpus, nr_online_cpus == 1 ? "" : "s");
}
