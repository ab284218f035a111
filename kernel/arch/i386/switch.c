/* SPDX-License-Identifier: MIT */
/* switch.c - from one task to the next on a CPU, and how new ones begin. */
#include "arch/switch.h"

#include "arch/current.h"
#include "arch/fpu.h"
#include "arch/interrupt.h"
#include "arch/traps.h"
#include "proc/signal.h"

/* switch_stack.S */
struct thread_struct *switch_stack(struct thread_struct *prev, struct thread_struct *next);
void start_kernel_thread(void);
void start_user_thread(void);
void __attribute__((noreturn)) enter_user(struct pt_regs *regs);

/* What switch_stack() pops, from the lowest address up. */
struct switch_frame {
	unsigned long di, si, bx, bp;
	void (*ip)(void);
};

/* The selectors are loaded from pt_regs on the way to user mode: only the descriptors matter here. */
static void load_tls(const struct thread_struct *next)
{
	for (unsigned int i = 0; i < NR_TLS; i++)
		this_percpu.tables.gdt[GDT_TLS + i] = next->arch.tls[i];
}

struct thread_struct *switch_to(struct thread_struct *prev, struct thread_struct *next)
{
	fpu_switch(prev, next);
	if (next->mm)
		load_tls(next);
	this_percpu.current_task = (struct task *)next;
	this_percpu.ctx = next->ctx;
	this_percpu.tables.tss.sp0 = next->stack_top;
	return switch_stack(prev, next);
}

void thread_start_kernel(struct thread_struct *t, void (*fn)(void *arg), void *arg)
{
	/* room for the registers of user mode, in case the thread becomes a program */
	struct switch_frame *frame = (struct switch_frame *)task_pt_regs(t) - 1;

	*frame = (struct switch_frame){
		.bx = (unsigned long)fn, .si = (unsigned long)arg, .ip = start_kernel_thread,
	};
	t->sp = (unsigned long)frame;
}

void thread_start_user(struct thread_struct *t)
{
	struct switch_frame *frame = (struct switch_frame *)task_pt_regs(t) - 1;

	*frame = (struct switch_frame){ .ip = start_user_thread };
	t->sp = (unsigned long)frame;
}

void thread_enter_user(void)
{
	enter_user(current_pt_regs());
}

void pt_regs_init(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	*regs = (struct pt_regs){
		.ip = ip, .sp = sp, .cs = USER_CS, .ss = USER_DS, .ds = USER_DS, .es = USER_DS,
		.flags = X86_EFLAGS_IF | 2, .orig_ax = (unsigned long)-1,
	};
}

/* Selectors other than cs and ss are tried when they are loaded (trap_entry.S). */
void pt_regs_sanitise(struct pt_regs *regs)
{
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->flags = (regs->flags & X86_EFLAGS_USER) | X86_EFLAGS_IF | 2;
}

void return_fault(struct pt_regs *regs);
/* The program's stack segment is gone, which it can bring about by set_thread_area(2). Interrupts are off. */
void return_fault(struct pt_regs *regs)
{
	pt_regs_sanitise(regs);
	local_irq_enable();
	force_fatal_sig(SIGSEGV);
}
