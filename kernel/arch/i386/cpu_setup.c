/* SPDX-License-Identifier: MIT */
/* cpu_setup.c - per-CPU records and descriptor tables. */
#include "arch/cpu_setup.h"

#include "arch/acpi.h"
#include "arch/io.h"
#include "arch/paging.h"
#include "arch/percpu.h"
#include "arch/traps.h"
#include "base/compiler.h"
#include "boot/linker.h"
#include "quire/config.h"
#include "quire/ctx.h"
#include "vdso/data.h"

#define FAULT_STACK_BYTES 4096

/* A CPU's record with what belongs to it and is as long-lived. */
struct cpu_record {
	struct percpu percpu;
	struct quire_ctx irq_ctx;
	char fault_stack[FAULT_STACK_BYTES] __aligned(16);
};

extern struct cpu_record boot_percpu;	/* boot_entry.S loads its address into the base of FS */
struct cpu_record boot_percpu;
/* The boot thread, until the scheduler makes it the idle task of CPU 0. */
static struct thread_struct boot_thread;
static struct quire_ctx boot_ctx;

static struct percpu *records[QUIRE_MAX_CPUS];

extern char boot_stack_top[];
extern char asm_int80[], asm_nmi[];

/* Type, DPL, present, and in the upper byte granularity and size. */
#define RIGHTS_CODE	0xc09bu
#define RIGHTS_DATA	0xc093u
#define RIGHTS_USER	0x0060u
#define RIGHTS_TSS	0x0089u
#define RIGHTS_PLACE	0x40f1u	/* read-only, in bytes, for programs */
#define ALL_PAGES	0xfffffu
#define GATE_TASK	0x8500u

struct percpu *percpu_of(unsigned int cpu)
{
	return records[cpu];
}

size_t percpu_record_size(void)
{
	return sizeof(struct cpu_record);
}

static void __attribute__((noreturn)) double_fault(void);

static void init_fault_tss(struct cpu_record *record)
{
	record->percpu.tables.fault_tss = (struct tss){
		.cr3 = (uint32_t)kernel_root_phys(), .ip = (uintptr_t)double_fault, .flags = 2,
		.sp = (uintptr_t)record->fault_stack + FAULT_STACK_BYTES, .cs = KERNEL_CS, .ss = KERNEL_DS,
		.ds = USER_DS, .es = USER_DS, .fs = PERCPU_DS, .iomap_base = sizeof(struct tss),
	};
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
	pc->tables.tss.ss0 = KERNEL_DS;
	pc->tables.tss.iomap_base = sizeof(struct tss);
	init_fault_tss(record);
	records[cpu] = pc;
	return pc;
}

void cpu_publish_place(void)
{
	struct percpu *pc = this_percpu.self;
	uint32_t limit = pc->cpu | (uint32_t)acpi.cpu_to_node[pc->cpu] << VDSO_CPU_BITS;

	pc->tables.gdt[GDT_PLACE / 8] = descriptor(0, limit, RIGHTS_PLACE);
}

/* Selectors as in offsets.h. */
static void fill_gdt(struct percpu *pc)
{
	uint64_t *gdt = pc->tables.gdt;

	gdt[KERNEL_CS / 8] = descriptor(0, ALL_PAGES, RIGHTS_CODE);
	gdt[KERNEL_DS / 8] = descriptor(0, ALL_PAGES, RIGHTS_DATA);
	gdt[USER_CS / 8] = descriptor(0, ALL_PAGES, RIGHTS_CODE | RIGHTS_USER);
	gdt[USER_DS / 8] = descriptor(0, ALL_PAGES, RIGHTS_DATA | RIGHTS_USER);
	gdt[PERCPU_DS / 8] = descriptor((uintptr_t)pc, ALL_PAGES, RIGHTS_DATA);
	gdt[GDT_TSS / 8] = descriptor((uintptr_t)&pc->tables.tss, sizeof(struct tss) - 1, RIGHTS_TSS);
	gdt[GDT_FAULT_TSS / 8] = descriptor((uintptr_t)&pc->tables.fault_tss, sizeof(struct tss) - 1, RIGHTS_TSS);
}

static void load_gdt(struct percpu *pc)
{
	struct {
		uint16_t limit;
		uintptr_t base;
	} __packed pointer = { sizeof(pc->tables.gdt) - 1, (uintptr_t)pc->tables.gdt };

	__asm__ volatile("lgdt %0\n\t"
			 "ljmp %1, $1f\n"
			 "1:\n\t"
			 "movl %2, %%ss\n\t"
			 "movl %3, %%ds\n\t"
			 "movl %3, %%es\n\t"
			 "movl %4, %%fs\n\t"
			 "ltr %w5"
			 :: "m"(pointer), "i"(KERNEL_CS), "r"(KERNEL_DS), "r"(USER_DS), "r"(PERCPU_DS), "r"(GDT_TSS)
			 : "memory");
}

void __init idt_init_mode(void)
{
	idt_set_gate(TRAP_NMI, asm_nmi, GATE_INTERRUPT);
	idt_set_gate(0x80, asm_int80, GATE_INTERRUPT | GATE_USER);
	idt_set_raw(TRAP_DF, (struct gate){ .selector = GDT_FAULT_TSS, .type = GATE_TASK });
}

/* The CPU has put all registers into the TSS of the task that it left. */
static void double_fault(void)
{
	const struct tss *was = &this_percpu.self->tables.tss;
	struct pt_regs regs = {
		.bx = was->bx, .cx = was->cx, .dx = was->dx, .si = was->si, .di = was->di, .bp = was->bp, .ax = was->ax,
		.ds = was->ds, .es = was->es, .fs = was->fs, .gs = was->gs, .orig_ax = (unsigned long)-1,
		.ip = was->ip, .cs = was->cs, .flags = was->flags, .sp = was->sp, .ss = was->ss,
	};

	die("double fault", &regs, 0);
}

void cpu_setup(void)
{
	struct percpu *pc = this_percpu.self;

	fill_gdt(pc);
	cpu_publish_place();
	load_gdt(pc);
	idt_load();
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
	percpu_stack(*pc) = boot_thread.stack_top;
	cpu_setup();
}
