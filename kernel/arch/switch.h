/* SPDX-License-Identifier: MIT */
/*
 * switch.h - the CPU's side of a task, and the step from one task to the next.
 *
 * struct task begins with a thread_struct, so that the entry code finds its fields at fixed
 * offsets from percpu.current and `task == (struct task *)thread`.
 *
 *	stack_top -> +--------------------+ multiple of 16
 *	             | struct pt_regs     | registers of user mode (user tasks only)
 *	             +--------------------+
 *	             | kernel calls ...   | <- sp while another task runs
 *	             +--------------------+ stack_top - THREAD_SIZE, below it a guard page
 *
 * [S1] sp is valid only while the task does not run.
 * [S2] fpu == NULL for kernel threads: the kernel never touches FPU registers, so they keep the
 *      last user task's until another user task runs on this CPU.
 * [S3] flags is set by any CPU with atomic operations; the exit to user mode tests it with one
 *      compare, interrupts off, and leaves by the short way only when it is 0.
 * Lock: switch_to() with interrupts off. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_SWITCH_H
#define KERNEL_ARCH_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/ptregs.h"
#include "arch/thread.h"

#define THREAD_SIZE	16384

struct task;
struct mm_struct;
struct quire_ctx;

/* Bits of thread_struct.flags: work to do before the task returns to user mode. */
enum thread_flag {
	TIF_SIGPENDING = 0,	/* a signal may have to be delivered */
	TIF_NEED_RESCHED = 1,	/* another task should run */
	TIF_FULL_RETURN = 2,	/* pt_regs were changed as a whole: leave by IRET (exec, sigreturn) */
	TIF_NOTIFY_RESUME = 3,	/* task work is queued */
};

struct thread_struct {
	unsigned long sp;
	unsigned long stack_top;
	unsigned int flags;		/* TIF_* bits, atomic */
	int fpu_cpu;			/* CPU whose registers hold fpu's contents, or -1 */
	struct mm_struct *mm;		/* user address space, NULL for kernel threads */
	struct quire_ctx *ctx;		/* what this_ctx() is while the task runs */
	void *fpu;			/* FXSAVE or XSAVE image, 64-byte aligned (fpu.h), or NULL */
	struct arch_thread arch;	/* what the CPU's mode adds */
	uint32_t pkru;			/* rights of the protection keys, while the task does not run */
};

/* The frame pointer of a task that is off the CPU: the first register that switch_stack pushed. */
static inline unsigned long switched_off_bp(const struct thread_struct *thread)
{
	return ((const unsigned long *)thread->sp)[SWITCH_FRAME_BP];
}

_Static_assert(offsetof(struct thread_struct, sp) == THREAD_SP, "used by switch_stack.S");
_Static_assert(offsetof(struct thread_struct, stack_top) == THREAD_STACK_TOP, "used by the entry code");
_Static_assert(offsetof(struct thread_struct, flags) == THREAD_FLAGS, "used by the entry code");

static inline void set_thread_flag(struct thread_struct *t, enum thread_flag flag)
{
	__atomic_fetch_or(&t->flags, 1u << flag, __ATOMIC_SEQ_CST);
}

static inline void clear_thread_flag(struct thread_struct *t, enum thread_flag flag)
{
	__atomic_fetch_and(&t->flags, ~(1u << flag), __ATOMIC_SEQ_CST);
}

static inline bool test_thread_flag(const struct thread_struct *t, enum thread_flag flag)
{
	return __atomic_load_n(&t->flags, __ATOMIC_RELAXED) & (1u << flag);
}

/* Where user registers are, for a task with a user side. */
static inline struct pt_regs *task_pt_regs(const struct thread_struct *t)
{
	return (struct pt_regs *)t->stack_top - 1;
}

/*
 * Runs @next instead of @prev on this CPU; returns, when @prev runs again, the task that ran just
 * before it (whose stack may be freed from then on). The caller switches address spaces by
 * switch_mm() before. Context: interrupts off.
 */
struct thread_struct *switch_to(struct thread_struct *prev, struct thread_struct *next);

/*
 * Makes a new thread start in fn(arg) on its kernel stack. fn must not return. Before fn,
 * schedule_tail(prev) is called and interrupts are switched on.
 */
void thread_start_kernel(struct thread_struct *t, void (*fn)(void *arg), void *arg);

/*
 * Makes a new thread leave to user mode with the registers that stand at task_pt_regs(t) (fork
 * copies them there and sets ax to 0). schedule_tail(prev) is called first.
 */
void thread_start_user(struct thread_struct *t);

/* Turns the running kernel thread into a user task: leaves to task_pt_regs(current). */
void __attribute__((noreturn)) thread_enter_user(void);

/* exec: no thread-local storage. Of the running task. */
void thread_reset_tls(void);
/* fork: the child starts with the running task's thread-local storage; a kernel thread with none. */
void thread_fork_tls(struct thread_struct *child);
/* CLONE_SETTLS: with the one that @tls describes. 0, -EFAULT, -EINVAL. */
int thread_set_tls(struct thread_struct *child, unsigned long tls);

/* start_thread(): the registers of a program at its first instruction. */
void pt_regs_init(struct pt_regs *regs, unsigned long ip, unsigned long sp);
/*
 * Registers that came from the program as a whole (sigreturn) or from exec: the way out must not fault
 * on them. Called at the exit to user mode, interrupts on.
 */
void pt_regs_sanitise(struct pt_regs *regs);

#endif
