/* SPDX-License-Identifier: MIT */
/* calls_process.c - calls on processes with another order of parameters, narrower ones, or many calls in one. */
#include "arch/i386/calls.h"

#include "base/math.h"
#include "proc/signal.h"


long sys_umount2(unsigned long name, unsigned long flags);
long sys_getpriority(unsigned long which, unsigned long who);
long sys_setpriority(unsigned long which, unsigned long who, unsigned long nice);

SYSCALL_DEFINE5(i386_clone, unsigned long, flags, unsigned long, stack, int *, parent_tid, unsigned long, tls, int *, child_tid)
{
	return sys_clone(flags, stack, WORD(parent_tid), WORD(child_tid), tls);
}

SYSCALL_DEFINE3(i386_waitpid, int, pid, int *, status, int, options)
{
	return sys_wait4(WORD(pid), WORD(status), WORD(options), 0);
}

SYSCALL_DEFINE1(i386_umount, const char *, name)
{
	return sys_umount2(WORD(name), 0);
}

/* getpriority(2) tells 20 - nice. */
SYSCALL_DEFINE1(i386_nice, int, by)
{
	long now = sys_getpriority(0, 0), nice;

	if (now < 0)
		return now;
	nice = min(max(20 - now + min(max(by, -40), 40), -20l), 19l);
	now = sys_setpriority(0, 0, WORD(nice));
	return now == -EACCES ? -EPERM : now;
}

/* ---- limits of 32 bits ---- */

struct rlimit32 {
	u32 cur, max;
};

#define RLIM32_INFINITY UINT32_MAX

static u32 narrow_limit(u64 limit, u32 most)
{
	return limit > most ? most : (u32)limit;
}

/* @most: what larger ones are told as. */
static long get_limit(unsigned int which, struct rlimit32 *to, u32 most)
{
	struct rlimit *at = user_scratch(sizeof(*at)), limit;
	long result = sys_prlimit64(0, which, 0, WORD(at));
	struct rlimit32 out;

	if (result)
		return result;
	if (copy_from_user(&limit, at, sizeof(limit)))
		return -EFAULT;
	out = (struct rlimit32){ narrow_limit(limit.rlim_cur, most), narrow_limit(limit.rlim_max, most) };
	return copy_to_user(to, &out, sizeof(out)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(i386_ugetrlimit, unsigned int, which, struct rlimit32 *, to)
{
	return get_limit(which, to, RLIM32_INFINITY);
}

SYSCALL_DEFINE2(i386_getrlimit, unsigned int, which, struct rlimit32 *, to)
{
	return get_limit(which, to, INT32_MAX);
}

SYSCALL_DEFINE2(i386_setrlimit, unsigned int, which, const struct rlimit32 *, from)
{
	struct rlimit *at = user_scratch(sizeof(*at)), limit;
	struct rlimit32 in;

	if (copy_from_user(&in, from, sizeof(in)))
		return -EFAULT;
	limit.rlim_cur = in.cur == RLIM32_INFINITY ? UINT64_MAX : in.cur;
	limit.rlim_max = in.max == RLIM32_INFINITY ? UINT64_MAX : in.max;
	return copy_to_user(at, &limit, sizeof(limit)) ? -EFAULT : sys_prlimit64(0, which, WORD(at), 0);
}
