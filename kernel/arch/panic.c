/* SPDX-License-Identifier: MIT */
/* panic.c - the last words: registers, a backtrace with names, and what panic= wants done then. */
#include "arch/clock.h"
#include "arch/cpu_setup.h"
#include "arch/current.h"
#include "arch/interrupt.h"
#include "arch/io.h"
#include "arch/machine.h"
#include "arch/page.h"
#include "arch/rawlock.h"
#include "arch/smp.h"
#include "arch/stacktrace.h"
#include "arch/traps.h"
#include "base/format.h"
#include "boot/boot_info.h"
#include "lib/printk.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "sched/rq.h"
#include "sched/task.h"

bool raw_locks_broken;

void print_address(const char *prefix, unsigned long address)
{
	char name[128];

	if (symbol_text(address, name, sizeof(name)))
		pr_emerg("%s%s [%lx]", prefix, name, address);
	else
		pr_emerg("%s[%lx]", prefix, address);
}

#define MAX_LINES	32

/*
 * Every word on the stack that points into the text may be a return address. Those that the chain
 * of frame pointers confirms are certain; the others get a question mark (all of them, in a build
 * without frame pointers).
 */
static void print_stack(struct stack_range stack, unsigned long ip, unsigned long bp)
{
	unsigned long at;
	unsigned int lines = 0;

	pr_emerg("Call Trace:");
	if (ip)
		print_address(" ", ip);
	for (at = stack.start; at < stack.end && lines < MAX_LINES; at += sizeof(long)) {
		unsigned long word = *(unsigned long *)at;
		bool certain = at == bp + sizeof(long);

		if (certain)
			bp = *(unsigned long *)bp;
		if (!is_kernel_text(word))
			continue;
		print_address(certain ? " " : " ? ", word);
		lines++;
	}
}

static void print_backtrace(unsigned long ip, unsigned long sp, unsigned long bp)
{
	print_stack(readable_stack(sp), ip, bp);
}

/* One CPU panics; a second one waits for its end, and a panic inside the panic stops right here. */
static void claim_panic(void)
{
	static int panicking_cpu = -1;
	int expected = -1, self = this_percpu.cpu;

	local_irq_disable();
	if (!__atomic_compare_exchange_n(&panicking_cpu, &expected, self, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		if (expected == self)
			machine_debug_line("quire: panic in panic");
		for (;;)
			__asm__ volatile("hlt");
	}
	smp_send_stop();
	__atomic_store_n(&raw_locks_broken, true, __ATOMIC_RELAXED);
	if (console_loglevel < LOGLEVEL_DEBUG)
		console_loglevel = LOGLEVEL_DEBUG;
}

int panic_timeout;

/* panic=N: restart after N seconds, at once when negative; 0, the default: stay where we are. */
static void __attribute__((noreturn)) finish_panic(void)
{
	long seconds = READ_ONCE(panic_timeout);

	machine_debug_line("quire: panic");
	if (seconds > 0)
		udelay(seconds * 1000000);
	if (seconds)
		machine_restart();
	machine_halt();
}

static void print_who(void)
{
	const struct task *p = current;

	pr_emerg("CPU: %u %s", this_percpu.cpu, in_interrupt() ? "in an interrupt" : "");
	if (p && this_percpu.idle)
		pr_emerg("PID: %d Comm: %.16s", p->pid, p->comm);
}

/*
 * Where each task stands that is off the CPU. Without tasklist_lock, which the one who stands still may hold: what is read here may be
 * about to change, and that is told to somebody for whom nothing changes any more.
 */
static void print_tasks(void)
{
	const struct task *leader, *p;

	list_for_each_entry(leader, &task_list, tasks) {
		for_each_thread(leader->signal, p) {
			const struct rq *rq = rq_of(p->cpu);
			unsigned long sp = p->thread.sp;

			if (rq && rq->curr == p)
				continue;
			pr_emerg("task:%-15s state:%c pid:%-5d tgid:%-5d cpu:%u%s", p->comm, task_state_char(p), p->pid, p->tgid,
				 p->cpu, p->on_rq ? " queued" : "");
			if (!p->exit_state)
				print_stack((struct stack_range){ sp, p->thread.stack_top }, 0, switched_off_bp(&p->thread));
		}
	}
}

/*
 * What this CPU does right now, and with the first CPU what the tasks wait for, for somebody who asks from outside why the machine stands still. One CPU after the
 * other; the log's locks are broken into meanwhile, because the CPU that holds one may be among those that report.
 */
void report_cpu(struct pt_regs *regs)
{
	static struct raw_lock turn;
	static int nr_reporting;
	int loglevel;

	__atomic_add_fetch(&nr_reporting, 1, __ATOMIC_SEQ_CST);
	while (__atomic_test_and_set(&turn.held, __ATOMIC_ACQUIRE))
		__asm__ volatile("pause");
	__atomic_store_n(&raw_locks_broken, true, __ATOMIC_RELAXED);
	loglevel = console_loglevel;
	console_loglevel = LOGLEVEL_DEBUG;
	pr_emerg("NMI backtrace for CPU %u%s", this_percpu.cpu, user_mode(regs) ? ", in user mode" : "");
	print_who();
	print_registers(regs);
	if (!user_mode(regs))
		print_backtrace(regs->ip, pt_regs_sp(regs), regs->bp);
	if (this_percpu.cpu == 0)
		print_tasks();
	console_loglevel = loglevel;
	__atomic_clear(&turn.held, __ATOMIC_RELEASE);
	if (!__atomic_sub_fetch(&nr_reporting, 1, __ATOMIC_SEQ_CST))
		__atomic_store_n(&raw_locks_broken, false, __ATOMIC_RELAXED);
}

void panic(const char *fmt, ...)
{
	char why[160];
	va_list args;

	claim_panic();
	va_start(args, fmt);
	quire_vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	pr_emerg("Kernel panic - not syncing: %s", why);
	print_who();
	print_backtrace(0, (unsigned long)__builtin_frame_address(0),
			(unsigned long)__builtin_frame_address(0));
	pr_emerg("---[ end Kernel panic - not syncing: %s ]---", why);
	finish_panic();
}

static void __attribute__((noreturn)) die_claimed(const char *what, struct pt_regs *regs, unsigned long error)
{
	unsigned long bottom = current_thread()->stack_top - THREAD_SIZE, cr2 = read_cr2();

	if (cr2 < bottom && cr2 >= bottom - 4096)
		pr_emerg("BUG: kernel stack overflow: %lx is in the guard page below the stack at %lx", cr2,
			 bottom);
	pr_emerg("%s: %04lx", what, error);
	print_who();
	print_registers(regs);
	print_backtrace(regs->ip, pt_regs_sp(regs), regs->bp);
	pr_emerg("Kernel panic - not syncing: %s", what);
	finish_panic();
}

void die(const char *what, struct pt_regs *regs, unsigned long error)
{
	claim_panic();
	die_claimed(what, regs, error);
}

void die_page_fault(struct pt_regs *regs, unsigned long address, unsigned long error)
{
	claim_panic();
	pr_emerg("BUG: unable to handle %s at %lx", address < 4096 ? "NULL pointer access" : "page fault", address);
	pr_emerg("#PF: %s %s in kernel mode, %s",
		 error & PF_INSTR ? "instruction fetch" : error & PF_WRITE ? "write" : "read",
		 error & PF_PROT ? "forbidden" : "of a page that is not present",
		 address < TASK_SIZE ? "user address" : "kernel address");
	die_claimed("Oops", regs, error);
}
