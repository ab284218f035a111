/* SPDX-License-Identifier: MIT */
/* calls_time.c - calls whose seconds have 32 bits: those whose seconds have 64, with other structures. */
#include "arch/i386/calls.h"

#include "proc/timespec.h"
#include "sched/wait.h"


/* A second and its part, timespec and timeval alike. */
struct pair32 {
	s32 sec, part;
};

struct pair64 {
	s64 sec, part;
};

#define PAIRS_MAX 2

/* @nr pairs at @user, made wide for a handler; NULL stays NULL. NULL and *error: -EFAULT. */
static struct pair64 *widen(const struct pair32 *user, unsigned int nr, struct pair64 *at, long *error)
{
	struct pair32 from[PAIRS_MAX];
	struct pair64 to[PAIRS_MAX];

	if (!user)
		return NULL;
	if (copy_from_user(from, user, nr * sizeof(*from)))
		goto fault;
	for (unsigned int i = 0; i < nr; i++)
		to[i] = (struct pair64){ from[i].sec, from[i].part };
	if (!copy_to_user(at, to, nr * sizeof(*to)))
		return at;
fault:
	*error = -EFAULT;
	return NULL;
}

/* What a handler has written becomes the program's. Result of the call. */
static long narrow(long result, const struct pair64 *at, struct pair32 *user, unsigned int nr)
{
	struct pair64 from[PAIRS_MAX];
	struct pair32 to[PAIRS_MAX];

	if (result < 0 || !user)
		return result;
	if (copy_from_user(from, at, nr * sizeof(*from)))
		return -EFAULT;
	for (unsigned int i = 0; i < nr; i++) {
		if ((s32)from[i].sec != from[i].sec)
			return -EOVERFLOW;
		to[i] = (struct pair32){ (s32)from[i].sec, (s32)from[i].part };
	}
	return copy_to_user(user, to, nr * sizeof(*to)) ? -EFAULT : result;
}

static struct pair64 *scratch_pairs(unsigned int nr)
{
	return user_scratch(nr * sizeof(struct pair64));
}

/* ---- clocks ---- */

SYSCALL_DEFINE2(i386_clock_gettime, int, id, struct pair32 *, to)
{
	struct pair64 *at = scratch_pairs(1);

	return narrow(sys_clock_gettime(WORD(id), WORD(at)), at, to, 1);
}

SYSCALL_DEFINE2(i386_clock_getres, int, id, struct pair32 *, to)
{
	struct pair64 *at = scratch_pairs(1);

	return narrow(sys_clock_getres(WORD(id), WORD(to ? at : NULL)), at, to, 1);
}

SYSCALL_DEFINE2(i386_clock_settime, int, id, const struct pair32 *, from)
{
	long error = from ? 0 : -EFAULT;
	struct pair64 *at = widen(from, 1, scratch_pairs(1), &error);

	return error ? error : sys_clock_settime(WORD(id), WORD(at));
}

SYSCALL_DEFINE2(i386_gettimeofday, struct pair32 *, to, void *, zone)
{
	struct pair64 *at = scratch_pairs(1);

	return narrow(sys_gettimeofday(WORD(to ? at : NULL), WORD(zone)), at, to, 1);
}

SYSCALL_DEFINE2(i386_settimeofday, const struct pair32 *, from, const void *, zone)
{
	long error = 0;
	struct pair64 *at = widen(from, 1, scratch_pairs(1), &error);

	return error ? error : sys_settimeofday(WORD(at), WORD(zone));
}

SYSCALL_DEFINE1(i386_time, s32 *, to)
{
	s32 now = (s32)(ktime_get_real_ns() / NSEC_PER_SEC);

	return to && put_user(now, to) ? -EFAULT : now;
}

SYSCALL_DEFINE1(i386_stime, s32 *, from)
{
	struct pair64 pair = { 0, 0 }, *at = scratch_pairs(1);
	s32 sec;

	if (get_user(sec, from))
		return -EFAULT;
	pair.sec = sec;
	return copy_to_user(at, &pair, sizeof(pair)) ? -EFAULT : sys_settimeofday(WORD(at), 0);
}

SYSCALL_DEFINE2(i386_sched_rr_get_interval, int, pid, struct pair32 *, to)
{
	struct pair64 *at = scratch_pairs(1);

	return narrow(sys_sched_rr_get_interval(WORD(pid), WORD(at)), at, to, 1);
}

/* ---- waiting ---- */

/* A sleep that goes on after a stop writes what is left where it was first told to. */
static long sleep_result(long result, const struct pair64 *at, struct pair32 *left)
{
	bool interrupted = result == -ERESTART_RESTARTBLOCK || result == -ERESTARTNOHAND || result == -EINTR;

	return interrupted && left && narrow(0, at, left, 1) ? -EFAULT : result;
}

SYSCALL_DEFINE2(i386_nanosleep, const struct pair32 *, from, struct pair32 *, left)
{
	struct pair64 *at = scratch_pairs(2);
	long error = from ? 0 : -EFAULT;

	widen(from, 1, at, &error);
	return error ? error : sleep_result(sys_nanosleep(WORD(at), WORD(left ? at + 1 : NULL)), at + 1, left);
}

SYSCALL_DEFINE4(i386_clock_nanosleep, int, id, int, flags, const struct pair32 *, from, struct pair32 *, left)
{
	struct pair64 *at = scratch_pairs(2);
	long error = from ? 0 : -EFAULT;

	widen(from, 1, at, &error);
	return error ? error : sleep_result(sys_clock_nanosleep(WORD(id), WORD(flags), WORD(at), WORD(left ? at + 1 : NULL)),
					    at + 1, left);
}

SYSCALL_DEFINE5(i386_select, int, nr, unsigned long *, in, unsigned long *, out, unsigned long *, ex, struct pair32 *, tv)
{
	long error = 0;
	struct pair64 *at = widen(tv, 1, scratch_pairs(1), &error);

	return error ? error : narrow(sys_select(WORD(nr), WORD(in), WORD(out), WORD(ex), WORD(at)), at, tv, 1);
}

SYSCALL_DEFINE1(i386_old_select, const u32 *, args)
{
	u32 a[5];

	if (copy_from_user(a, args, sizeof(a)))
		return -EFAULT;
	return sys_i386_select(a[0], a[1], a[2], a[3], a[4]);
}

SYSCALL_DEFINE6(i386_pselect6, int, nr, unsigned long *, in, unsigned long *, out, unsigned long *, ex, struct pair32 *, ts,
		const unsigned long *, mask)
{
	long error = 0;
	struct pair64 *at = widen(ts, 1, scratch_pairs(1), &error);

	return error ? error : narrow(sys_pselect6(WORD(nr), WORD(in), WORD(out), WORD(ex), WORD(at), WORD(mask)), at, ts, 1);
}

SYSCALL_DEFINE5(i386_ppoll, void *, fds, unsigned int, nr, struct pair32 *, ts, const u64 *, mask, size_t, size)
{
	long error = 0;
	struct pair64 *at = widen(ts, 1, scratch_pairs(1), &error);

	return error ? error : narrow(sys_ppoll(WORD(fds), nr, WORD(at), WORD(mask), size), at, ts, 1);
}

SYSCALL_DEFINE4(i386_rt_sigtimedwait, const u64 *, set, void *, info, const struct pair32 *, ts, size_t, size)
{
	long error = 0;
	struct pair64 *at = widen(ts, 1, scratch_pairs(1), &error);

	return error ? error : sys_rt_sigtimedwait(WORD(set), WORD(info), WORD(at), size);
}

/* Operations of futex(2) whose fourth word is a time; of the others it is a number. */
#define FUTEX_CMD_MASK	127
#define FUTEX_TIMED	(1u << 0 | 1u << 6 | 1u << 9 | 1u << 11 | 1u << 13)

SYSCALL_DEFINE6(i386_futex, u32 *, uaddr, int, op, u32, val, unsigned long, time, u32 *, uaddr2, u32, val3)
{
	unsigned int cmd = (unsigned int)op & FUTEX_CMD_MASK;
	long error = 0;

	if (cmd < 32 && FUTEX_TIMED >> cmd & 1)
		time = WORD(widen((const struct pair32 *)time, 1, scratch_pairs(1), &error));
	return error ? error : sys_futex(WORD(uaddr), WORD(op), val, time, WORD(uaddr2), val3);
}

/* ---- times of files ---- */

SYSCALL_DEFINE2(i386_utime, const char *, path, const struct pair32 *, times)
{
	long error = 0;
	struct pair64 *at = widen(times, 1, scratch_pairs(1), &error);

	return error ? error : sys_utime(WORD(path), WORD(at));
}

SYSCALL_DEFINE2(i386_utimes, const char *, path, const struct pair32 *, times)
{
	long error = 0;
	struct pair64 *at = widen(times, 2, scratch_pairs(2), &error);

	return error ? error : sys_utimes(WORD(path), WORD(at));
}

SYSCALL_DEFINE3(i386_futimesat, int, dfd, const char *, path, const struct pair32 *, times)
{
	long error = 0;
	struct pair64 *at = widen(times, 2, scratch_pairs(2), &error);

	return error ? error : sys_futimesat(WORD(dfd), WORD(path), WORD(at));
}

SYSCALL_DEFINE4(i386_utimensat, int, dfd, const char *, path, const struct pair32 *, times, int, flags)
{
	long error = 0;
	struct pair64 *at = widen(times, 2, scratch_pairs(2), &error);

	return error ? error : sys_utimensat(WORD(dfd), WORD(path), WORD(at), WORD(flags));
}

/* ---- timers ---- */

SYSCALL_DEFINE2(i386_timer_gettime, int, id, struct pair32 *, to)
{
	struct pair64 *at = scratch_pairs(2);

	return narrow(sys_timer_gettime(WORD(id), WORD(at)), at, to, 2);
}

SYSCALL_DEFINE4(i386_timer_settime, int, id, int, flags, const struct pair32 *, from, struct pair32 *, old)
{
	struct pair64 *at = scratch_pairs(4);
	long error = from ? 0 : -EINVAL;

	widen(from, 2, at, &error);
	return error ? error : narrow(sys_timer_settime(WORD(id), WORD(flags), WORD(at), WORD(old ? at + 2 : NULL)), at + 2, old, 2);
}

SYSCALL_DEFINE2(i386_timerfd_gettime, int, fd, struct pair32 *, to)
{
	struct pair64 *at = scratch_pairs(2);

	return narrow(sys_timerfd_gettime(WORD(fd), WORD(at)), at, to, 2);
}

SYSCALL_DEFINE4(i386_timerfd_settime, int, fd, int, flags, const struct pair32 *, from, struct pair32 *, old)
{
	struct pair64 *at = scratch_pairs(4);
	long error = from ? 0 : -EFAULT;

	widen(from, 2, at, &error);
	return error ? error : narrow(sys_timerfd_settime(WORD(fd), WORD(flags), WORD(at), WORD(old ? at + 2 : NULL)), at + 2, old, 2);
}

SYSCALL_DEFINE2(i386_getitimer, int, which, struct pair32 *, to)
{
	struct pair64 *at = scratch_pairs(2);

	return narrow(sys_getitimer(WORD(which), WORD(at)), at, to, 2);
}

SYSCALL_DEFINE3(i386_setitimer, int, which, const struct pair32 *, from, struct pair32 *, old)
{
	struct pair64 *at = scratch_pairs(4), *wide;
	long error = 0;

	wide = widen(from, 2, at, &error);
	return error ? error : narrow(sys_setitimer(WORD(which), WORD(wide), WORD(old ? at + 2 : NULL)), at + 2, old, 2);
}
