/* SPDX-License-Identifier: MIT */
/* fault.c - page faults: resolved by the library, or a signal, a fixup, a panic. */
#include "quire/fault.h"

#include "arch/current.h"
#include "arch/interrupt.h"
#include "arch/io.h"
#include "arch/page.h"
#include "arch/traps.h"
#include "base/compiler.h"
#include "lib/printk.h"
#include "proc/signal.h"
#include "quire/ctx.h"
#include "quire/uaccess.h"
#include "sched/sched.h"
#include "sync/fail_nth.h"

static unsigned int access_flags(unsigned long error)
{
	/* The two upper flags lie as far apart as the CPU's bits: one shift for both. */
	_Static_assert(PF_INSTR << 4 == FAULT_FLAG_INSTRUCTION && PF_PK << 4 == FAULT_FLAG_PKEY, "as in quire/fault.h");
	return (error & PF_WRITE ? FAULT_FLAG_WRITE : 0) | (unsigned int)((error & (PF_INSTR | PF_PK)) << 4);
}

static void __noinline user_fault_signal(struct pt_regs *regs, unsigned long address,
					 unsigned long error, struct fault_result result)
{
	int sig = result.what & VM_FAULT_SIGSEGV ? SIGSEGV : SIGBUS;

	/* Who is being ended, perhaps for memory, ends; what fails for a test is tried again. */
	if ((result.what & VM_FAULT_OOM) && (fatal_signal_pending(current) || alloc_failed_on_purpose()))
		return;
	if (result.what & VM_FAULT_OOM) {
		pr_err("%s[%d]: out of memory in a page fault at %lx, killed", current->comm,
		       current->pid, address);
		force_sig(SIGKILL);
		return;
	}
	current->trapno = TRAP_PF;
	current->error_code = error;
	current->cr2 = address;
	if (sig == SIGSEGV)
		log_user_fault(regs, address, error);
	if (sig == SIGSEGV && (result.si_code & 0xff) == FAULT_SEGV_PKUERR)
		force_sig_pkuerr(address, (u32)result.si_code >> 8);
	else if (result.what & VM_FAULT_HWPOISON)
		force_sig_mceerr(result.si_code, address & ~0xffful);
	else
		force_sig_fault(sig, result.si_code, address);
}

/* From user mode. Interrupts are on. */
void do_user_fault(struct pt_regs *regs, unsigned long address, unsigned long error)
{
	struct fault_result result;

	if (unlikely(address >= TASK_SIZE)) {
		result = (struct fault_result){ VM_FAULT_SIGSEGV, FAULT_SEGV_MAPERR };
		user_fault_signal(regs, address, error | PF_PROT, result);
		return;
	}
	result = handle_user_fault(current_thread()->mm, address, access_flags(error) | FAULT_FLAG_USER);
	if (unlikely(result.what & VM_FAULT_ERROR))
		user_fault_signal(regs, address, error, result);
}

/* The copy functions touched a user page that is not there; anything else of the kernel must not fault. */
static bool resolve_user_access(struct pt_regs *regs, unsigned long address, unsigned long error)
{
	struct mm_struct *mm = current_thread()->mm;
	struct fault_result result;

	if (address >= TASK_SIZE || !mm || this_percpu.irq_depth || this_percpu.ctx->pagefault_off ||
	    !(regs->flags & X86_EFLAGS_IF))
		return false;
	local_irq_enable();
	result = handle_user_fault(mm, address, access_flags(error));
	local_irq_disable();
	return !(result.what & VM_FAULT_ERROR);
}

/* From kernel mode. Interrupts are off. */
void do_kernel_fault(struct pt_regs *regs, unsigned long address, unsigned long error)
{
	unsigned long fixup = search_exception_table(regs->ip);

	if (unlikely(!fixup))
		die_page_fault(regs, address, error);
	if (likely(resolve_user_access(regs, address, error)))
		return;
	regs->ip = fixup;
}
