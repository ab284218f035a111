/* SPDX-License-Identifier: MIT */
/* itimer.c - setitimer and alarm, and the limit on CPU time: all that ends in a signal to the own
 * process. */
#include "proc/itimer.h"

#include "base/string.h"
#include "proc/rusage.h"
#include "proc/signal.h"
#include "proc/sigqueue.h"
#include "proc/timespec.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

enum itimer_which { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

struct itimerval64 {
	struct timeval64 it_interval, it_value;
};

static struct signal *signal_of(struct ktimer *timer)
{
	return container_of(timer, struct signal, real_timer);
}

/* In the timer interrupt. The process exists: its last thread cancels the timer before it goes. */
void real_timer_expired(struct ktimer *timer)
{
	struct signal *sig = signal_of(timer);
	struct task *p = sig->timer_owner;

	group_send_sig(SIGALRM, p, SEND_SIG_PRIV);
	if (sig->real_interval)
		ktimer_start(timer, timer->expires + sig->real_interval);
}

/* CPU time since the process began: what its timers and RLIMIT_CPU count. */
static u64 process_time(struct signal *sig, bool user_only)
{
	u64 sum = user_only ? sig->utime : sig->sum_exec;
	struct task *t;

	for_each_thread(sig, t) {
		if (user_only)
			sum += t->utime_ticks * TICK_NS;
		else
			sum += READ_ONCE(t->se.sum_exec);
	}
	return sum;
}

static void check_cpu_timer(struct task *p, struct cpu_itimer *it, u64 now, int sig)
{
	if (!it->expires || now < it->expires)
		return;
	it->expires = it->interval ? it->expires + it->interval : 0;
	send_signal_locked(sig, SEND_SIG_PRIV, p, true);
}

static void check_cpu_limit(struct task *p, u64 now)
{
	struct rlimit *limit = &p->signal->rlim[RLIMIT_CPU];

	if (limit->rlim_cur == RLIM_INFINITY)
		return;
	if (now >= limit->rlim_max * NSEC_PER_SEC) {
		send_signal_locked(SIGKILL, SEND_SIG_PRIV, p, true);
	} else if (now >= limit->rlim_cur * NSEC_PER_SEC) {
		send_signal_locked(SIGXCPU, SEND_SIG_PRIV, p, true);
		limit->rlim_cur++;
	}
}

void cpu_timers_tick(struct task *p, bool user)
{
	struct signal *sig = p->signal;
	unsigned long flags;
	struct sighand *sighand;

	if (!sig->it[0].expires && !sig->it[1].expires &&
	    sig->rlim[RLIMIT_CPU].rlim_cur == RLIM_INFINITY)
		return;
	sighand = lock_task_sighand(p, &flags);
	if (!sighand)
		return;
	if (sig->it[0].expires && user)
		check_cpu_timer(p, &sig->it[0], process_time(sig, true), SIGVTALRM);
	check_cpu_timer(p, &sig->it[1], process_time(sig, false), SIGPROF);
	check_cpu_limit(p, process_time(sig, false));
	unlock_task_sighand(sighand, flags);
}

static u64 timeval_to_ns(const struct timeval64 *tv)
{
	struct timespec64 ts = { tv->tv_sec, tv->tv_usec * 1000 };

	return timespec_to_ns(&ts);
}

static bool timeval_valid(const struct timeval64 *tv)
{
	return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < 1000000;
}

struct itimer_ns {
	u64 value, interval;
};

static void get_timer(int which, struct itimer_ns *it)
{
	struct signal *sig = current->signal;
	struct cpu_itimer *cpu;
	u64 now;

	if (which == ITIMER_REAL) {
		it->interval = sig->real_interval;
		it->value = ktimer_remaining(&sig->real_timer);
		return;
	}
	spin_lock_irq(&current->sighand->lock);
	cpu = &sig->it[which - ITIMER_VIRTUAL];
	now = process_time(sig, which == ITIMER_VIRTUAL);
	it->interval = cpu->interval;
	it->value = !cpu->expires ? 0 : cpu->expires > now ? cpu->expires - now : TICK_NS;
	spin_unlock_irq(&current->sighand->lock);
}

static void set_timer(int which, const struct itimer_ns *it)
{
	struct signal *sig = current->signal;
	struct cpu_itimer *cpu;

	if (which == ITIMER_REAL) {
		ktimer_cancel(&sig->real_timer);
		sig->timer_owner = current->group_leader;
		sig->real_interval = it->interval;
		if (it->value)
			ktimer_start(&sig->real_timer, deadline_after(it->value));
		return;
	}
	spin_lock_irq(&current->sighand->lock);
	cpu = &sig->it[which - ITIMER_VIRTUAL];
	cpu->interval = it->interval;
	cpu->expires = it->value ? process_time(sig, which == ITIMER_VIRTUAL) + it->value : 0;
	spin_unlock_irq(&current->sighand->lock);
}

static int put_timer(struct itimerval64 *to, const struct itimer_ns *it)
{
	struct itimerval64 out = { ns_to_timeval(it->interval), ns_to_timeval(it->value) };

	return copy_to_user(to, &out, sizeof(out)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(getitimer, int, which, struct itimerval64 *, to)
{
	struct itimer_ns it;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	get_timer(which, &it);
	return put_timer(to, &it);
}

SYSCALL_DEFINE3(setitimer, int, which, const struct itimerval64 *, from, struct itimerval64 *, to)
{
	struct itimer_ns old, it = { 0, 0 };
	struct itimerval64 in;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (from) {
		if (copy_from_user(&in, from, sizeof(in)))
			return -EFAULT;
		if (!timeval_valid(&in.it_value) || !timeval_valid(&in.it_interval))
			return -EINVAL;
		it.value = timeval_to_ns(&in.it_value);
		it.interval = timeval_to_ns(&in.it_interval);
	}
	get_timer(which, &old);
	set_timer(which, &it);
	return to ? put_timer(to, &old) : 0;
}

SYSCALL_DEFINE1(alarm, unsigned int, seconds)
{
	struct itimer_ns old, it = { seconds * NSEC_PER_SEC, 0 };
	u64 left;

	get_timer(ITIMER_REAL, &old);
	set_timer(ITIMER_REAL, &it);
	left = (old.value + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	return old.value && !left ? 1 : (long)left;
}
