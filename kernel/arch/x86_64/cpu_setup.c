/* SPDX-License-Identifier: MIT */
/* cpu_setup.c - per-CPU records, descriptor tables, and the SYSCALL registers. */
#include "arch/cpu_setup.h"

#include "arch/acpi.h"
#include "arch/io.h"
#include "arch/paging.h"
#include "arch/percpu.h"
#include "arch/traps.h"
#include "base/compiler.h"
#include "base/string.h"
#include "boot/linker.h"
#include "quire/config.h"
#include "quire/ctx.h"
#include "vdso/data.h"

#define IST_BYTES	4096

/* A CPU's record with what belongs to it and is as long-lived. */
struct cpu_record {
	struct percpu percpu;
	struct quire_ctx irq_ctx;
	char ist[2][IST_BYTES] __aligned(16);
};

extern struct cpu_record boot_percpu;	/* boot_entry.S loads its address into the GS base */
struct cpu_record boot_percpu;
/* The boot thread, until the scheduler makes it the idle task of CPU 0. */
static struct thread_struct boot_thread;
static struct quire_ctx boot_ctx;

static struct percpu *records[QUIRE_MAX_CPUS];

extern char boot_stack_top[];
extern char asm_syscall[], asm_nmi[], asm_double_fault[];

struct percpu *percpu_of(unsigned int cpu)
{
	return records[cpu];
}

size_t percpu_record_size(void)
{
	return sizeof(struct cpu_record);
}

struct percpu *percpu_record_init(void *memory, unsigned int cpu, unsigned int apic_id)
{
	struct cpu_record *record = memory;
	struct percpu *pc = &record->percpu;

	pc->self = pc;
	pc->cpu = cpu;
	pc->apic_id = apic_id;
	record->irq_ctx.flags = QUIRE_CTX_IRQ;
	pc->irq_ctx = &record->irq_ctx;
	pc->quire_slot = (void *)(uintptr_t)&quire_slot_none;
	pc->tables.tss.ist[IST_DOUBLE_FAULT - 1] = (uintptr_t)record->ist[1];
	pc->tables.tss.ist[IST_NMI - 1] = (uintptr_t)(record->ist[1] + IST_BYTES);
	pc->tables.tss.iomap_base = sizeof(struct tss);
	records[cpu] = pc;
	return pc;
}

void cpu_publish_place(void)
{
	struct percpu *pc = this_percpu.self;
	uint64_t limit = pc->cpu | (uint64_t)acpi.cpu_to_node[pc->cpu] << VDSO_CPU_BITS;

	/* Data that may be read with DPL 3, limit in bytes. */
	pc->tables.gdt[VDSO_CPU_SELECTOR / 8] = 0x0040f10000000000 | (limit & 0xffff) |
					 (limit >> 16 & 0xf) << 48;
}

/* Selectors as in offsets.h. */
static void fill_gdt(struct percpu *pc)
{
	uint64_t tss = (uintptr_t)&pc->tables.tss;

	pc->tables.gdt[KERNEL_CS / 8] = 0x00af9b000000ffff;
	pc->tables.gdt[KERNEL_DS / 8] = 0x00cf93000000ffff;
	pc->tables.gdt[USER32_CS / 8] = 0x00cffb000000ffff;
	pc->tables.gdt[USER_DS / 8] = 0x00cff3000000ffff;
	pc->tables.gdt[USER_CS / 8] = 0x00affb000000ffff;
	pc->tables.gdt[GDT_TSS / 8] = (sizeof(struct tss) - 1) | (tss & 0xffffff) << 16 | 0x89ULL << 40 |
			       (tss >> 24 & 0xff) << 56;
	pc->tables.gdt[GDT_TSS / 8 + 1] = tss >> 32;
}

static void load_gdt(struct percpu *pc)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed pointer = { sizeof(pc->tables.gdt) - 1, (uintptr_t)pc->tables.gdt };

	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "movl %2, %%eax\n\t"
			 "movl %%eax, %%ss\n\t"
			 "ltr %w3"
			 :: "m"(pointer), "i"(KERNEL_CS), "i"(KERNEL_DS), "r"(GDT_TSS)
			 : "rax", "memory");
}

void __init idt_init_mode(void)
{
	idt_set_gate(TRAP_NMI, asm_nmi, GATE_INTERRUPT | IST_NMI);
	idt_set_gate(TRAP_DF, asm_double_fault, GATE_INTERRUPT | IST_DOUBLE_FAULT);
}

static void setup_syscall(void)
{
	/* Cleared on entry: TF, IF, DF, IOPL, NT, AC and the arithmetic flags. */
	wrmsr(MSR_FMASK, 0x47fd5 | X86_EFLAGS_IF);
	wrmsr(MSR_STAR, (uint64_t)USER32_CS << 48 | (uint64_t)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (uintptr_t)asm_syscall);
}

void cpu_setup(void)
{
	struct percpu *pc = this_percpu.self;

	fill_gdt(pc);
	cpu_publish_place();
	load_gdt(pc);
	idt_load();
	setup_syscall();
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
}

void __init cpu_setup_boot(void)
{
	struct percpu *pc = percpu_record_init(&boot_percpu, 0, 0);

	boot_thread.stack_top = (uintptr_t)boot_stack_top;
	boot_thread.ctx = &boot_ctx;
	boot_thread.fpu_cpu = -1;
	pc->current_task = (struct task *)&boot_thread;
	pc->ctx = &boot_ctx;
	pc->online = 1;
	pc->tables.tss.rsp0 = boot_thread.stack_top;
	cpu_setup();
}
