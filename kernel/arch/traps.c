/* SPDX-License-Identifier: MIT */
/* traps.c - the interrupt table, exceptions other than page faults, and the way back to user mode. */
#include "arch/traps.h"

#include "arch/cpu_setup.h"
#include "arch/current.h"
#include "arch/interrupt.h"
#include "arch/io.h"
#include "arch/smp.h"
#include "base/compiler.h"
#include "boot/linker.h"
#include "lib/printk.h"
#include "proc/signal.h"
#include "quire/uaccess.h"
#include "sched/sched.h"

static struct gate idt[256] __aligned(16);

extern char trap_stubs[], irq_stubs[];
extern char asm_page_fault[];

#define STUB_BYTES	16

void __init idt_set_gate(unsigned int vector, const char *entry, unsigned int type)
{
	idt[vector] = gate_to((uintptr_t)entry, type);
}

void __init idt_set_raw(unsigned int vector, struct gate gate)
{
	idt[vector] = gate;
}

void __init idt_init(void)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		idt_set_gate(i, trap_stubs + i * STUB_BYTES, GATE_INTERRUPT);
	for (i = 32; i < 256; i++)
		idt_set_gate(i, irq_stubs + (i - 32) * STUB_BYTES, GATE_INTERRUPT);
	idt_set_gate(TRAP_BP, trap_stubs + TRAP_BP * STUB_BYTES, GATE_INTERRUPT | GATE_USER);
	idt_set_gate(TRAP_OF, trap_stubs + TRAP_OF * STUB_BYTES, GATE_INTERRUPT | GATE_USER);
	idt_set_gate(TRAP_PF, asm_page_fault, GATE_INTERRUPT);
	idt_init_mode();
}

void idt_load(void)
{
	struct {
		uint16_t limit;
		uintptr_t base;
	} __packed pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	__asm__ volatile("lidt %0" :: "m"(pointer));
}

/* What a program gets for each exception; Linux's signals and codes. */
static const struct trap_kind {
	const char *name;
	int signal, code;
	bool at_ip;	/* si_addr is the instruction */
} kinds[32] = {
	[TRAP_DE] = { "divide error", SIGFPE, FPE_INTDIV, true },
	[TRAP_DB] = { "debug", SIGTRAP, TRAP_TRACE, true },
	[TRAP_BP] = { "int3", SIGTRAP, SI_KERNEL, false },
	[TRAP_OF] = { "overflow", SIGSEGV, SI_KERNEL, false },
	[TRAP_BR] = { "bounds", SIGSEGV, SI_KERNEL, false },
	[TRAP_UD] = { "invalid opcode", SIGILL, ILL_ILLOPN, true },
	[TRAP_NM] = { "device not available", SIGFPE, FPE_FLTINV, true },
	[TRAP_TS] = { "invalid TSS", SIGSEGV, SI_KERNEL, false },
	[TRAP_NP] = { "segment not present", SIGBUS, SI_KERNEL, false },
	[TRAP_SS] = { "stack segment", SIGBUS, SI_KERNEL, false },
	[TRAP_GP] = { "general protection fault", SIGSEGV, SI_KERNEL, false },
	[TRAP_MF] = { "fpu exception", SIGFPE, FPE_FLTINV, true },
	[TRAP_AC] = { "alignment check", SIGBUS, BUS_ADRALN, false },
	[TRAP_MC] = { "machine check", SIGBUS, SI_KERNEL, false },
	[TRAP_XM] = { "simd exception", SIGFPE, FPE_FLTINV, true },
};

static const char *trap_name(unsigned long vector)
{
	return vector < 32 && kinds[vector].name ? kinds[vector].name : "unknown exception";
}

/* Which floating-point exception: the lowest raised and unmasked one of MXCSR or of the x87 words. */
static int fpe_code(unsigned long vector)
{
	uint32_t mxcsr = 0;
	uint16_t status = 0, control = 0;
	unsigned int raised;

	if (vector == TRAP_XM) {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		raised = mxcsr & ~(mxcsr >> 7);
	} else {
		__asm__ volatile("fnstsw %0" : "=m"(status));
		__asm__ volatile("fnstcw %0" : "=m"(control));
		raised = status & ~control;
	}
	if (raised & 0x01)
		return FPE_FLTINV;
	if (raised & 0x04)
		return FPE_FLTDIV;
	if (raised & 0x08)
		return FPE_FLTOVF;
	if (raised & 0x12)
		return FPE_FLTUND;
	return raised & 0x20 ? FPE_FLTRES : FPE_FLTINV;
}

static void user_trap(struct pt_regs *regs, unsigned long vector, unsigned long error)
{
	static const struct trap_kind unknown = { "unknown", SIGSEGV, SI_KERNEL, false };
	const struct trap_kind *kind = vector < 32 && kinds[vector].name ? &kinds[vector] : &unknown;
	int code = kind->code;

	if (vector == TRAP_MF || vector == TRAP_XM)
		code = fpe_code(vector);
	local_irq_enable();
	current->trapno = vector;
	current->error_code = error;
	if (vector != TRAP_DB && vector != TRAP_BP)
		log_user_trap(regs, kind->signal, kind->name, error);
	force_sig_fault(kind->signal, code, kind->at_ip ? regs->ip : 0);
}

void do_trap(struct pt_regs *regs, unsigned long vector, unsigned long error)
{
	unsigned long fixup;

	if (user_mode(regs)) {
		user_trap(regs, vector, error);
		return;
	}
	fixup = search_exception_table(regs->ip);
	if (fixup) {
		regs->ip = fixup;
		return;
	}
	if (vector == TRAP_BP) {
		pr_notice("int3 in the kernel at %lx", regs->ip);
		return;
	}
	die(trap_name(vector), regs, error);
}

/*
 * On a stack of its own. An NMI stops this CPU when another one panics; else somebody outside wants to know
 * what the CPU does (the `nmi` of QEMU's monitor goes to all of them).
 */
void do_paranoid_trap(struct pt_regs *regs, unsigned long vector, unsigned long error)
{
	if (__atomic_load_n(&smp_stopping, __ATOMIC_RELAXED))
		for (;;)
			__asm__ volatile("cli; hlt");
	if (vector == TRAP_NMI) {
		report_cpu(regs);
		return;
	}
	die("double fault", regs, error);
}

/* Interrupts are off on entry and on return; then no thread flag is set. */
void exit_to_user_work(struct pt_regs *regs)
{
	struct thread_struct *thread = current_thread();
	unsigned int flags;

	while ((flags = __atomic_load_n(&thread->flags, __ATOMIC_RELAXED))) {
		local_irq_enable();
		if (flags & 1u << TIF_NEED_RESCHED)
			schedule_preempt();
		if (flags & (1u << TIF_SIGPENDING | 1u << TIF_NOTIFY_RESUME))
			do_signal(regs);
		if (flags & 1u << TIF_FULL_RETURN) {
			clear_thread_flag(thread, TIF_FULL_RETURN);
			pt_regs_sanitise(regs);
		}
		local_irq_disable();
	}
}
