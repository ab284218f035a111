/* SPDX-License-Identifier: MIT */
/* rusage.c - CPU time and other use of a task, a process and its children. */
#include "proc/rusage.h"

#include "base/string.h"
#include "quire/errno.h"
#include "quire/mm.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

/* The exact time on the CPU, shared out between user and kernel mode as the ticks fell. */
void task_cputime(struct task *p, u64 *utime, u64 *stime)
{
	u64 total = task_sum_exec(p);
	u64 user = p->utime_ticks, system = p->stime_ticks, part;

	if (!user && !system) {
		*utime = 0;
		*stime = total;
		return;
	}
	part = total / (user + system) * system +
	       total % (user + system) * system / (user + system);
	*stime = part;
	*utime = total - part;
}

void group_cputime(struct task *p, u64 *utime, u64 *stime)
{
	u64 u, s;
	struct task *t;

	*utime = p->signal->utime;
	*stime = p->signal->stime;
	for_each_thread(p->signal, t) {
		task_cputime(t, &u, &s);
		*utime += u;
		*stime += s;
	}
}

static void add_thread(struct task *t, struct rusage *usage)
{
	usage->ru_nvcsw += (long)t->nvcsw;
	usage->ru_nivcsw += (long)t->nivcsw;
	usage->ru_minflt += (long)t->ctx.min_flt;
	usage->ru_majflt += (long)t->ctx.maj_flt;
	usage->ru_inblock += (long)t->inblock;
	usage->ru_oublock += (long)t->oublock;
}

static void add_children(const struct signal *sig, struct rusage *usage)
{
	usage->ru_nvcsw += (long)sig->cnvcsw;
	usage->ru_nivcsw += (long)sig->cnivcsw;
	usage->ru_minflt += (long)sig->cmin_flt;
	usage->ru_majflt += (long)sig->cmaj_flt;
	usage->ru_inblock += (long)sig->cinblock;
	usage->ru_oublock += (long)sig->coublock;
	usage->ru_maxrss = (long)sig->cmaxrss;
}

static void add_group(struct task *p, struct rusage *usage)
{
	const struct signal *sig = p->signal;
	struct task *t;

	usage->ru_nvcsw += (long)sig->nvcsw;
	usage->ru_nivcsw += (long)sig->nivcsw;
	usage->ru_minflt += (long)sig->min_flt;
	usage->ru_majflt += (long)sig->maj_flt;
	usage->ru_inblock += (long)sig->inblock;
	usage->ru_oublock += (long)sig->oublock;
	if ((long)sig->maxrss > usage->ru_maxrss)
		usage->ru_maxrss = (long)sig->maxrss;
	for_each_thread(p->signal, t)
		add_thread(t, usage);
}

void task_rusage(struct task *p, enum rusage_who who, struct rusage *usage)
{
	u64 utime = 0, stime = 0;
	struct mm_usage mm;

	memset(usage, 0, sizeof(*usage));
	if (who == RUSAGE_THREAD) {
		task_cputime(p, &utime, &stime);
		add_thread(p, usage);
	} else {
		if (who != RUSAGE_SELF) {
			utime = p->signal->cutime;
			stime = p->signal->cstime;
			add_children(p->signal, usage);
		}
		if (who != RUSAGE_CHILDREN) {
			u64 u, s;

			group_cputime(p, &u, &s);
			utime += u;
			stime += s;
			add_group(p, usage);
		}
	}
	if (p == current && who != RUSAGE_CHILDREN && p->thread.mm) {
		mm_usage(p->thread.mm, &mm);
		if ((long)mm.hiwater_rss * 4 > usage->ru_maxrss)
			usage->ru_maxrss = (long)mm.hiwater_rss * 4;
	}
	usage->ru_utime.tv_sec = (long)(utime / 1000000000);
	usage->ru_utime.tv_usec = (long)(utime % 1000000000 / 1000);
	usage->ru_stime.tv_sec = (long)(stime / 1000000000);
	usage->ru_stime.tv_usec = (long)(stime % 1000000000 / 1000);
}

SYSCALL_DEFINE2(getrusage, int, who, struct rusage *, to)
{
	struct rusage usage;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	spin_lock_irq(&tasklist_lock);
	task_rusage(current, (enum rusage_who)who, &usage);
	spin_unlock_irq(&tasklist_lock);
	return copy_to_user(to, &usage, sizeof(usage)) ? -EFAULT : 0;
}

#define NS_PER_CLOCK_T (1000000000ull / USER_HZ)

SYSCALL_DEFINE1(times, long *, to)
{
	u64 utime, stime;
	long out[4];

	if (to) {
		spin_lock_irq(&tasklist_lock);
		group_cputime(current, &utime, &stime);
		out[2] = (long)(current->signal->cutime / NS_PER_CLOCK_T);
		out[3] = (long)(current->signal->cstime / NS_PER_CLOCK_T);
		spin_unlock_irq(&tasklist_lock);
		out[0] = (long)(utime / NS_PER_CLOCK_T);
		out[1] = (long)(stime / NS_PER_CLOCK_T);
		if (copy_to_user(to, out, sizeof(out)))
			return -EFAULT;
	}
	return (long)(ktime_get_ns() / NS_PER_CLOCK_T);
}
