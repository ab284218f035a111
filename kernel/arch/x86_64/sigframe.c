/* SPDX-License-Identifier: MIT */
/* sigframe.c - the frame of a signal handler on the user stack, in Linux's layout, and the way back
 * from it. */
#include "arch/fpu.h"
#include "base/string.h"
#include "proc/altstack.h"
#include "proc/signal.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	u64 fpstate;
	u64 reserved[8];
};
_Static_assert(sizeof(struct sigcontext) == 256, "user space's layout");

struct ucontext {
	u64 uc_flags;
	u64 uc_link;
	stack_t uc_stack;
	struct sigcontext uc_mcontext;
	u64 uc_sigmask;
};

struct rt_sigframe {
	u64 pretcode;
	struct ucontext uc;
	struct kernel_siginfo info;
	u8 info_rest[SIGINFO_BYTES - sizeof(struct kernel_siginfo)];
};

#define UC_FP_XSTATE 1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4

#define RED_ZONE_BYTES 128

/* Where the frame goes; *fp: where the FPU registers go. */
static unsigned long frame_address(const struct pt_regs *regs, const struct k_sigaction *ka,
				   unsigned long *fp)
{
	const struct task *p = current;
	unsigned long sp = regs->sp - RED_ZONE_BYTES;

	if (ka->flags & SA_ONSTACK && !altstack_flags(p, regs->sp))
		sp = p->sas_ss_sp + p->sas_ss_size;
	*fp = (sp - fpu_frame_size()) & ~63ul;
	return ((*fp - sizeof(struct rt_sigframe)) & ~15ul) - 8;
}

static void fill_context(struct sigcontext *sc, const struct pt_regs *regs, unsigned long fp,
			 u64 oldmask)
{
	*sc = (struct sigcontext){
		.r8 = regs->r8,
		.r9 = regs->r9,
		.r10 = regs->r10,
		.r11 = regs->r11,
		.r12 = regs->r12,
		.r13 = regs->r13,
		.r14 = regs->r14,
		.r15 = regs->r15,
		.di = regs->di,
		.si = regs->si,
		.bp = regs->bp,
		.bx = regs->bx,
		.dx = regs->dx,
		.ax = regs->ax,
		.cx = regs->cx,
		.sp = regs->sp,
		.ip = regs->ip,
		.flags = regs->flags,
		.cs = (u16)regs->cs,
		.ss = (u16)regs->ss,
		.err = current->error_code,
		.trapno = current->trapno,
		.cr2 = current->cr2,
		.oldmask = oldmask,
		.fpstate = fp,
	};
}

bool setup_rt_frame(struct pt_regs *regs, int sig, const struct k_sigaction *ka,
		    const struct kernel_siginfo *info, u64 oldmask)
{
	struct rt_sigframe frame;
	unsigned long fp, at = frame_address(regs, ka, &fp);

	/* An overflow of the alternate stack is not written below it. */
	if (altstack_flags(current, regs->sp) == SS_ONSTACK && !on_altstack(current, at))
		return false;
	if (!(ka->flags & SA_RESTORER) || fpu_save_to_user((void *)fp))
		return false;
	memset(&frame, 0, sizeof(frame));
	frame.pretcode = ka->restorer;
	frame.uc.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	altstack_save(&frame.uc.uc_stack, regs->sp);
	fill_context(&frame.uc.uc_mcontext, regs, fp, oldmask);
	frame.uc.uc_sigmask = oldmask;
	frame.info = *info;
	if (copy_to_user((void *)at, &frame, sizeof(frame)))
		return false;
	regs->di = (unsigned long)sig;
	regs->si = at + offsetof(struct rt_sigframe, info);
	regs->dx = at + offsetof(struct rt_sigframe, uc);
	regs->ax = 0;
	regs->ip = ka->handler;
	regs->sp = at;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->flags &= ~(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
	set_thread_flag(&current->thread, TIF_FULL_RETURN);
	return true;
}

static void take_context(struct pt_regs *regs, const struct sigcontext *sc)
{
	*regs = (struct pt_regs){
		.r8 = sc->r8, .r9 = sc->r9, .r10 = sc->r10, .r11 = sc->r11,
		.r12 = sc->r12, .r13 = sc->r13, .r14 = sc->r14, .r15 = sc->r15,
		.di = sc->di, .si = sc->si, .bp = sc->bp, .bx = sc->bx, .dx = sc->dx,
		.ax = sc->ax, .cx = sc->cx, .sp = sc->sp, .ip = sc->ip,
		.flags = (sc->flags & X86_EFLAGS_USER) | X86_EFLAGS_IF | 2,
		.orig_ax = (unsigned long)-1, .cs = USER_CS, .ss = USER_DS,
	};
}

SYSCALL_DEFINE0(rt_sigreturn)
{
	struct pt_regs *regs = current_pt_regs();
	struct ucontext uc;

	if (copy_from_user(&uc, (void *)(regs->sp - 8 + offsetof(struct rt_sigframe, uc)),
			   sizeof(uc)))
		goto bad;
	set_current_blocked(uc.uc_sigmask & ~UNBLOCKABLE);
	if (fpu_restore_from_user((void *)uc.uc_mcontext.fpstate))
		goto bad;
	take_context(regs, &uc.uc_mcontext);
	(void)altstack_set(&uc.uc_stack, regs->sp, 0);
	set_thread_flag(&current->thread, TIF_FULL_RETURN);
	return (long)regs->ax;
bad:
	force_fatal_sig(SIGSEGV);
	return 0;
}
