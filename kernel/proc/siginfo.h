/* SPDX-License-Identifier: MIT */
/*
 * siginfo.h - numbers and structures of signals as user space knows them.
 *
 * Lock: none, formats only.
 */
#ifndef KERNEL_PROC_SIGINFO_H
#define KERNEL_PROC_SIGINFO_H

#include <stddef.h>
#include "quire/types.h"

#define NSIG 64
enum signal_number {
	SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
	SIGSEGV,
	SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN,
	SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
	SIGRTMIN = 32, SIGRTMAX = 64,
};

#define sigmask(sig) (1ULL << ((sig) - 1))
#define UNBLOCKABLE (sigmask(SIGKILL) | sigmask(SIGSTOP))

#define SA_NOCLDSTOP 0x00000001ul
#define SA_NOCLDWAIT 0x00000002ul
#define SA_SIGINFO 0x00000004ul
#define SA_RESTORER 0x04000000ul
#define SA_ONSTACK 0x08000000ul
#define SA_RESTART 0x10000000ul
#define SA_NODEFER 0x40000000ul
#define SA_RESETHAND 0x80000000ul

#define SIG_DFL 0ul
#define SIG_IGN 1ul

struct k_sigaction { /* as rt_sigaction(2) passes it */
	unsigned long handler;
	unsigned long flags;
	unsigned long restorer;
	u64 mask;
};

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SS_ONSTACK 1
#define SS_DISABLE 2
#define SS_AUTODISARM 0x80000000u
#define MINSIGSTKSZ 2048

typedef struct {
	void *ss_sp;
	int ss_flags;
	size_t ss_size;
} stack_t;

enum si_code {
	SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = -1, SI_TIMER = -2, SI_TKILL = -6,
	ILL_ILLOPC = 1, ILL_ILLOPN = 2, FPE_INTDIV = 1, FPE_INTOVF = 2, FPE_FLTDIV = 3,
	FPE_FLTOVF = 4,
	FPE_FLTUND = 5, FPE_FLTRES = 6, FPE_FLTINV = 7, SEGV_MAPERR = 1, SEGV_ACCERR = 2, SEGV_PKUERR = 4,
	BUS_ADRALN = 1,
	BUS_ADRERR = 2, TRAP_BRKPT = 1, TRAP_TRACE = 2, CLD_EXITED = 1, CLD_KILLED = 2,
	CLD_DUMPED = 3,
	CLD_STOPPED = 5, CLD_CONTINUED = 6, POLL_IN = 1,
};

/* Words where user space has words or pointers: the layout of every CPU. */
struct kernel_siginfo {
	int si_signo, si_errno, si_code;
	int pad_[sizeof(long) / 8];
	union {
		struct {
			int pid;
			u32 uid;
			unsigned long value;
		} rt;	/* kill, sigqueue */
		struct {
			int pid;
			u32 uid;
			int status;
			long utime, stime;
		} chld;
		struct {
			int tid, overrun;
			unsigned long value;
		} timer;
		struct {
			unsigned long addr;
			u16 addr_lsb, pad[sizeof(long) / 2 - 1];
			u32 pkey;
		} fault;
		unsigned char bytes[48];
	};
};

/* struct siginfo of user space: the above and zeros up to 128 bytes. */
#define SIGINFO_BYTES 128
_Static_assert(sizeof(struct kernel_siginfo) == (sizeof(long) == 8 ? 64 : 60), "the head of siginfo");

#endif
