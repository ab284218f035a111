/* SPDX-License-Identifier: MIT */
/*
 * sigframe.c - the frames of a signal handler on the user stack, in Linux's layouts for i386, and the
 * ways back from them.
 *
 *	SA_SIGINFO	{ return address, sig, &info, &uc, info, uc, code } and rt_sigreturn
 *	without		{ return address, sig, sigcontext, first word of the mask in it, the others behind, code } and sigreturn
 *
 * The registers of floating point lie above, in FXSAVE's image behind that of FSAVE.
 */
#include "arch/fpu.h"
#include "base/string.h"
#include "proc/altstack.h"
#include "proc/signal.h"
#include "quire/mm.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"
#include "vdso/i386/places.h"
#include "vdso/vdso.h"

struct sigcontext {
	u16 gs, pad0, fs, pad1, es, pad2, ds, pad3;
	u32 di, si, bp, sp, bx, dx, cx, ax, trapno, err, ip;
	u16 cs, pad4;
	u32 flags, sp_at_signal;
	u16 ss, pad5;
	u32 fpstate, oldmask, cr2;
};
_Static_assert(sizeof(struct sigcontext) == 88, "user space's layout");

struct ucontext {
	u32 uc_flags, uc_link;
	stack_t uc_stack;
	struct sigcontext uc_mcontext;
	u64 uc_sigmask;
};
_Static_assert(sizeof(struct ucontext) == 116, "user space's layout");

struct rt_sigframe {
	u32 pretcode, sig, pinfo, puc;
	u8 info[SIGINFO_BYTES];
	struct ucontext uc;
	u8 retcode[8];
};

struct sigframe {
	u32 pretcode, sig;
	struct sigcontext sc;
	u8 unused_fpstate[624];	/* where it once was */
	u32 extramask, pad;
	u8 retcode[8];
};

/* The registers of x87 as FSAVE has them, before FXSAVE's image. */
struct fsave_head {
	u32 cw, sw, tag, ip, cs, data, ds;
	u8 st[8][10];
	u16 status, magic;
};
_Static_assert(sizeof(struct fsave_head) == 112, "user space's layout");

#define MAGIC_FXSR	0x0000
#define FPU_ALIGN	64

#define UC_FP_XSTATE	1

/* What debuggers look for to see a frame. */
static const u8 code_sigreturn[8] = { 0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80 };	/* pop %eax; mov $119, %eax; int $0x80 */
static const u8 code_rt_sigreturn[8] = { 0xb8, 0xad, 0, 0, 0, 0xcd, 0x80, 0 };	/* mov $173, %eax; int $0x80 */

/* Where a frame of @bytes goes; *fp: where the FPU registers go. */
static unsigned long frame_address(const struct pt_regs *regs, const struct k_sigaction *ka, size_t bytes, unsigned long *fp)
{
	const struct task *p = current;
	unsigned long sp = regs->sp;

	if (ka->flags & SA_ONSTACK && !altstack_flags(p, regs->sp))
		sp = p->sas_ss_sp + p->sas_ss_size;
	/* The image is aligned, not what is before it. */
	*fp = ((sp - fpu_frame_size()) & ~(FPU_ALIGN - 1ul)) - sizeof(struct fsave_head);
	/* The ABI wants esp + 4 on a multiple of 16 at a function's first instruction. */
	return ((*fp - bytes + 4) & ~15ul) - 4;
}

static void fill_context(struct sigcontext *sc, const struct pt_regs *regs, unsigned long fp, u64 oldmask)
{
	*sc = (struct sigcontext){
		.gs = (u16)regs->gs, .fs = (u16)regs->fs, .es = (u16)regs->es, .ds = (u16)regs->ds,
		.di = regs->di, .si = regs->si, .bp = regs->bp, .sp = regs->sp, .bx = regs->bx, .dx = regs->dx, .cx = regs->cx,
		.ax = regs->ax, .trapno = current->trapno, .err = current->error_code, .ip = regs->ip,
		.cs = (u16)regs->cs, .flags = regs->flags, .sp_at_signal = regs->sp, .ss = (u16)regs->ss,
		.fpstate = fp, .oldmask = (u32)oldmask, .cr2 = current->cr2,
	};
}

/* The head that goes before FXSAVE's image at @fp, from that image. */
static int write_fsave_head(unsigned long fp)
{
	struct fsave_head head;
	struct {
		u16 cw, sw;
		u8 tags, reserved;
		u16 op;
		u32 ip;
		u16 cs, reserved1;
		u32 data;
		u16 ds, reserved2;
		u32 mxcsr[2];
		u8 st[8][16];
	} fx;
	unsigned int i, full, top;

	if (copy_from_user(&fx, (void *)(fp + sizeof(head)), sizeof(fx)))
		return -EFAULT;
	memset(&head, 0, sizeof(head));
	head.cw = fx.cw | 0xffff0000u;
	head.sw = fx.sw | 0xffff0000u;
	head.ip = fx.ip;
	head.cs = fx.cs | (u32)fx.op << 16;
	head.data = fx.data;
	head.ds = fx.ds | 0xffff0000u;
	head.status = fx.sw;
	head.magic = MAGIC_FXSR;
	head.tag = 0xffff0000u;
	top = fx.sw >> 11 & 7;
	for (i = 0; i < 8; i++) {
		const u8 *st = fx.st[(i - top) & 7];
		u16 exponent = (u16)(st[8] | st[9] << 8) & 0x7fff;
		bool integer = st[7] & 0x80, zero = true;

		memcpy(head.st[i], fx.st[i], 10);
		for (full = 0; full < 8; full++)
			zero = zero && !st[full];
		/* 0: a number, 1: zero, 2: special, 3: empty */
		if (!(fx.tags >> i & 1))
			full = 3;
		else if (!exponent && zero)
			full = 1;
		else
			full = exponent == 0x7fff || !exponent || !integer ? 2 : 0;
		head.tag |= full << (2 * i);
	}
	return copy_to_user((void *)fp, &head, sizeof(head)) ? -EFAULT : 0;
}

static bool save_fpu(unsigned long fp)
{
	return !fpu_save_to_user((void *)(fp + sizeof(struct fsave_head))) && !write_fsave_head(fp);
}

static void enter_handler(struct pt_regs *regs, const struct k_sigaction *ka, unsigned long at, unsigned long ax,
			  unsigned long dx, unsigned long cx)
{
	regs->sp = at;
	regs->ip = ka->handler;
	regs->ax = ax;
	regs->dx = dx;
	regs->cx = cx;
	regs->ds = regs->es = regs->ss = USER_DS;
	regs->cs = USER_CS;
	regs->flags &= ~(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
	set_thread_flag(&current->thread, TIF_FULL_RETURN);
}

/* Without an address of its own the program returns by way of [vdso], because the stack may not be executable. */
static u32 return_address(const struct k_sigaction *ka, unsigned long place)
{
	return ka->flags & SA_RESTORER ? (u32)ka->restorer : (u32)(vdso_of(task_mm(current)) + place);
}

static bool setup_old_frame(struct pt_regs *regs, int sig, const struct k_sigaction *ka, u64 oldmask)
{
	struct sigframe frame;
	unsigned long fp, at = frame_address(regs, ka, sizeof(frame), &fp);

	if (altstack_flags(current, regs->sp) == SS_ONSTACK && !on_altstack(current, at))
		return false;
	if (!save_fpu(fp))
		return false;
	memset(&frame, 0, sizeof(frame));
	frame.pretcode = return_address(ka, VDSO_SIGRETURN);
	frame.sig = (u32)sig;
	fill_context(&frame.sc, regs, fp, oldmask);
	frame.extramask = (u32)(oldmask >> 32);
	memcpy(frame.retcode, code_sigreturn, sizeof(frame.retcode));
	if (copy_to_user((void *)at, &frame, sizeof(frame)))
		return false;
	enter_handler(regs, ka, at, (unsigned long)sig, 0, 0);
	return true;
}

bool setup_rt_frame(struct pt_regs *regs, int sig, const struct k_sigaction *ka, const struct kernel_siginfo *info, u64 oldmask)
{
	struct rt_sigframe frame;
	unsigned long fp, at = frame_address(regs, ka, sizeof(frame), &fp);

	if (!(ka->flags & SA_SIGINFO))
		return setup_old_frame(regs, sig, ka, oldmask);
	/* An overflow of the alternate stack is not written below it. */
	if (altstack_flags(current, regs->sp) == SS_ONSTACK && !on_altstack(current, at))
		return false;
	if (!save_fpu(fp))
		return false;
	memset(&frame, 0, sizeof(frame));
	frame.pretcode = return_address(ka, VDSO_RT_SIGRETURN);
	frame.sig = (u32)sig;
	frame.pinfo = at + offsetof(struct rt_sigframe, info);
	frame.puc = at + offsetof(struct rt_sigframe, uc);
	memcpy(frame.info, info, sizeof(*info));
	frame.uc.uc_flags = UC_FP_XSTATE;
	altstack_save(&frame.uc.uc_stack, regs->sp);
	fill_context(&frame.uc.uc_mcontext, regs, fp, oldmask);
	frame.uc.uc_sigmask = oldmask;
	memcpy(frame.retcode, code_rt_sigreturn, sizeof(frame.retcode));
	if (copy_to_user((void *)at, &frame, sizeof(frame)))
		return false;
	enter_handler(regs, ka, at, (unsigned long)sig, frame.pinfo, frame.puc);
	return true;
}

static unsigned long selector(u16 value)
{
	return value ? value | 3u : 0;
}

/* Registers, those of floating point included. 0 or -EFAULT. */
static int take_context(struct pt_regs *regs, const struct sigcontext *sc)
{
	if (fpu_restore_from_user(sc->fpstate ? (void *)(uintptr_t)(sc->fpstate + sizeof(struct fsave_head)) : NULL))
		return -EFAULT;
	*regs = (struct pt_regs){
		.bx = sc->bx, .cx = sc->cx, .dx = sc->dx, .si = sc->si, .di = sc->di, .bp = sc->bp, .ax = sc->ax,
		.ds = selector(sc->ds), .es = selector(sc->es), .fs = selector(sc->fs), .gs = selector(sc->gs),
		.ip = sc->ip, .sp = sc->sp, .flags = (sc->flags & X86_EFLAGS_USER) | X86_EFLAGS_IF | 2,
		.orig_ax = (unsigned long)-1, .cs = USER_CS, .ss = USER_DS,
	};
	set_thread_flag(&current->thread, TIF_FULL_RETURN);
	return 0;
}

/* The handler has popped the return address, and the code of the frame the signal's number. */
SYSCALL_DEFINE0(i386_sigreturn)
{
	struct pt_regs *regs = current_pt_regs();
	struct sigframe *frame = (void *)(regs->sp - 8);
	struct sigcontext sc;
	u32 extramask;

	if (copy_from_user(&sc, &frame->sc, sizeof(sc)) || get_user(extramask, &frame->extramask))
		goto bad;
	set_current_blocked(((u64)extramask << 32 | sc.oldmask) & ~UNBLOCKABLE);
	if (!take_context(regs, &sc))
		return (long)regs->ax;
bad:
	force_fatal_sig(SIGSEGV);
	return 0;
}

SYSCALL_DEFINE0(rt_sigreturn)
{
	struct pt_regs *regs = current_pt_regs();
	const struct rt_sigframe *frame = (const void *)(regs->sp - 4);
	struct ucontext uc;

	if (copy_from_user(&uc, &frame->uc, sizeof(uc)))
		goto bad;
	set_current_blocked(uc.uc_sigmask & ~UNBLOCKABLE);
	if (take_context(regs, &uc.uc_mcontext))
		goto bad;
	(void)altstack_set(&uc.uc_stack, regs->sp, 0);
	return (long)regs->ax;
bad:
	force_fatal_sig(SIGSEGV);
	return 0;
}
