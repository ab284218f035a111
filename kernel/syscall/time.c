/* SPDX-License-Identifier: MIT */
/* time.c - clocks and sleeping. */
#include "base/string.h"
#include "proc/cred.h"
#include "proc/pid.h"
#include "proc/rusage.h"
#include "proc/signal.h"
#include "proc/timespec.h"
#include "quire/uaccess.h"
#include "sched/wait.h"
#include "syscall/syscall.h"

enum clock_id {
	CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
	CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM,
	CLOCK_BOOTTIME_ALARM,
	CLOCK_TAI = 11,
};
#define TIMER_ABSTIME 1

struct timezone {
	int tz_minuteswest, tz_dsttime;
};
static struct timezone system_zone;

/* A negative id names the CPU time of a process or thread: ~pid << 3 | flags. */
#define CPUCLOCK_PERTHREAD 4

static int cpu_clock(pid_t nr, bool thread, u64 *ns)
{
	struct task *p;
	u64 utime, stime;
	int error = -EINVAL;

	spin_lock_irq(&tasklist_lock);
	p = nr ? pid_task_locked(find_pid_locked(nr), thread ? PIDTYPE_PID : PIDTYPE_TGID) :
		 thread ? current : current->group_leader;
	if (p && (!thread || same_thread_group(p, current))) {
		if (thread) {
			*ns = task_sum_exec(p);
		} else {
			group_cputime(p, &utime, &stime);
			*ns = utime + stime;
		}
		error = 0;
	}
	spin_unlock_irq(&tasklist_lock);
	return error;
}

static int read_clock(int id, u64 *ns)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = ktime_get_real_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = ktime_get_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		return cpu_clock(0, false, ns);
	case CLOCK_THREAD_CPUTIME_ID:
		return cpu_clock(0, true, ns);
	}
	return id < 0 ? cpu_clock(~(id >> 3), id & CPUCLOCK_PERTHREAD, ns) : -EINVAL;
}

static long put_ns(struct timespec64 *to, u64 ns)
{
	struct timespec64 ts = ns_to_timespec(ns);

	return copy_to_user(to, &ts, sizeof(ts)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(clock_gettime, int, id, struct timespec64 *, to)
{
	u64 ns;
	int error = read_clock(id, &ns);

	return error ? error : put_ns(to, ns);
}

SYSCALL_DEFINE2(clock_getres, int, id, struct timespec64 *, to)
{
	u64 ns;
	int error = read_clock(id, &ns);

	if (error)
		return error;
	if (!to)
		return 0;
	return put_ns(to,
		      id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE ? TICK_NS : 1);
}

static long set_clock(u64 ns)
{
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	ktime_set_real_ns(ns);
	return 0;
}

SYSCALL_DEFINE2(clock_settime, int, id, const struct timespec64 *, from)
{
	struct timespec64 ts;

	if (id != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&ts, from, sizeof(ts)))
		return -EFAULT;
	return timespec_valid(&ts) ? set_clock(timespec_to_ns(&ts)) : -EINVAL;
}

SYSCALL_DEFINE2(gettimeofday, struct timeval64 *, to, struct timezone *, zone)
{
	struct timeval64 tv = ns_to_timeval(ktime_get_real_ns());

	if (to && copy_to_user(to, &tv, sizeof(tv)))
		return -EFAULT;
	return zone && copy_to_user(zone, &system_zone, sizeof(system_zone)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(settimeofday, const struct timeval64 *, from, const struct timezone *, zone)
{
	struct timeval64 tv;
	struct timezone tz;

	if (from && copy_from_user(&tv, from, sizeof(tv)))
		return -EFAULT;
	if (zone && copy_from_user(&tz, zone, sizeof(tz)))
		return -EFAULT;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (zone)
		system_zone = tz;
	if (!from)
		return 0;
	if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EINVAL;
	return set_clock((u64)tv.tv_sec * NSEC_PER_SEC + (u64)tv.tv_usec * NSEC_PER_USEC);
}

SYSCALL_DEFINE1(time, s64 *, to)
{
	s64 now = (s64)(ktime_get_real_ns() / NSEC_PER_SEC);

	return to && put_user(now, to) ? -EFAULT : now;
}

/* ---- sleeping ---- */

/* 0 when the time has come, -ERESTARTSYS on a signal. */
static int sleep_until(u64 deadline)
{
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			break;
		if (!schedule_until(deadline) || ktime_get_ns() >= deadline)
			return 0;
	}
	__set_current_state(TASK_RUNNING);
	return ktime_get_ns() >= deadline ? 0 : -ERESTARTSYS;
}

static long nanosleep_restart(struct restart_block *block);

/* A relative sleep that a signal ends is finished by restart_syscall, with what was left. */
static long sleep_relative(u64 deadline, struct timespec64 *rmtp)
{
	struct restart_block *block = &current->restart_block;
	u64 now;

	if (!sleep_until(deadline))
		return 0;
	now = ktime_get_ns();
	if (rmtp && put_ns(rmtp, deadline > now ? deadline - now : 0))
		return -EFAULT;
	block->fn = nanosleep_restart;
	block->nanosleep.expires = deadline;
	block->nanosleep.rmtp = rmtp;
	return -ERESTART_RESTARTBLOCK;
}

static long nanosleep_restart(struct restart_block *block)
{
	return sleep_relative(block->nanosleep.expires, block->nanosleep.rmtp);
}

SYSCALL_DEFINE2(nanosleep, const struct timespec64 *, from, struct timespec64 *, rmtp)
{
	struct timespec64 ts;

	if (copy_from_user(&ts, from, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	return sleep_relative(deadline_after(timespec_to_ns(&ts)), rmtp);
}

SYSCALL_DEFINE4(clock_nanosleep, int, id, int, flags, const struct timespec64 *, from,
		struct timespec64 *, rmtp)
{
	bool real = id == CLOCK_REALTIME || id == CLOCK_TAI || id == CLOCK_REALTIME_ALARM;
	struct timespec64 ts;
	u64 ns;

	if (!real && id != CLOCK_MONOTONIC && id != CLOCK_BOOTTIME && id != CLOCK_BOOTTIME_ALARM)
		return id == CLOCK_PROCESS_CPUTIME_ID ? -EOPNOTSUPP : -EINVAL;
	if (copy_from_user(&ts, from, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	ns = timespec_to_ns(&ts);
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(deadline_after(ns), rmtp);
	return sleep_until(real ? deadline_of_real(ns) : ns) ? -ERESTARTNOHAND : 0;
}
