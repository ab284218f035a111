/* SPDX-License-Identifier: MIT */
/* switch.c - from one task to the next on a CPU, and how new ones begin. */
#include "arch/switch.h"

#include "arch/current.h"
#include "arch/fpu.h"
#include "arch/io.h"
#include "arch/page.h"
#include "proc/signal.h"

/* switch_stack.S */
struct thread_struct *switch_stack(struct thread_struct *prev, struct thread_struct *next);
void start_kernel_thread(void);
void start_user_thread(void);
void __attribute__((noreturn)) enter_user(struct pt_regs *regs);

/* What switch_stack() pops, from the lowest address up. */
struct switch_frame {
	unsigned long r15, r14, r13, r12, bx, bp;
	void (*ip)(void);
};

static void load_bases(const struct thread_struct *next)
{
	if (next->arch.fs_base != this_percpu.tables.fs_base) {
		wrmsr(MSR_FS_BASE, next->arch.fs_base);
		this_percpu.tables.fs_base = next->arch.fs_base;
	}
	if (next->arch.gs_base != this_percpu.tables.gs_base) {
		wrmsr(MSR_KERNEL_GS_BASE, next->arch.gs_base);
		this_percpu.tables.gs_base = next->arch.gs_base;
	}
}

struct thread_struct *switch_to(struct thread_struct *prev, struct thread_struct *next)
{
	fpu_switch(prev, next);
	if (next->mm)
		load_bases(next);
	this_percpu.current_task = (struct task *)next;
	this_percpu.ctx = next->ctx;
	this_percpu.tables.tss.rsp0 = next->stack_top;
	return switch_stack(prev, next);
}

void thread_start_kernel(struct thread_struct *t, void (*fn)(void *arg), void *arg)
{
	/* room for the registers of user mode, in case the thread becomes a program */
	struct switch_frame *frame = (struct switch_frame *)task_pt_regs(t) - 1;

	*frame = (struct switch_frame){
		.r12 = (unsigned long)fn, .r13 = (unsigned long)arg, .ip = start_kernel_thread,
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

void thread_set_fs_base(struct thread_struct *t, unsigned long base)
{
	t->arch.fs_base = base;
	if (t == current_thread()) {
		wrmsr(MSR_FS_BASE, base);
		this_percpu.tables.fs_base = base;
	}
}

void thread_set_gs_base(struct thread_struct *t, unsigned long base)
{
	t->arch.gs_base = base;
	if (t == current_thread()) {
		wrmsr(MSR_KERNEL_GS_BASE, base);
		this_percpu.tables.gs_base = base;
	}
}

void thread_reset_tls(void)
{
	thread_set_fs_base(current_thread(), 0);
	thread_set_gs_base(current_thread(), 0);
}

/* The bases are copied with the task itself. */
void thread_fork_tls(struct thread_struct *child)
{
	if (!child->fpu)
		child->arch = (struct arch_thread){ 0 };
}

int thread_set_tls(struct thread_struct *child, unsigned long tls)
{
	child->arch.fs_base = tls;
	return 0;
}

void pt_regs_init(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	*regs = (struct pt_regs){
		.ip = ip, .sp = sp, .cs = USER_CS, .ss = USER_DS, .flags = X86_EFLAGS_IF | 2,
		.orig_ax = (unsigned long)-1,
	};
}

/* IRET must never fault, because it would do so with the user's GS base in the kernel. */
void pt_regs_sanitise(struct pt_regs *regs)
{
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->flags = (regs->flags & X86_EFLAGS_USER) | X86_EFLAGS_IF | 2;
	if (!addr_is_canonical(regs->ip)) {
		regs->ip = 0;
		force_sig_fault(SIGSEGV, SI_KERNEL, 0);
	}
}
