/* SPDX-License-Identifier: MIT */
/* proc_stat.c - figures of one process or thread: stat, statm, status, limits, io. */
#include "arch/smp.h"
#include "base/format.h"
#include "base/string.h"
#include "dev/tty.h"
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "fs/proc_pid.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "quire/mm.h"
#include "quire/stats.h"
#include "sched/sched.h"

#define PAGE_KB 4ul
#define PAGE_BYTES 4096ul
#define NS_PER_TICK (NSEC_PER_SEC / USER_HZ)

static const char *state_name(char c)
{
	switch (c) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'D':
		return "D (disk sleep)";
	case 'T':
		return "T (stopped)";
	case 'Z':
		return "Z (zombie)";
	case 'X':
		return "X (dead)";
	case 'I':
		return "I (idle)";
	default:
		return "? (unknown)";
	}
}

/* What stat and status show of memory; zeros for those who have none. */
struct memory_view {
	bool has_mm;
	struct mm_usage usage;
	struct mm_layout layout;
	unsigned long rss;
};

static void view_memory(struct task *task, struct memory_view *v)
{
	struct mm_struct *mm = get_task_mm(task);

	memset(v, 0, sizeof(*v));
	if (!mm)
		return;
	v->has_mm = true;
	mm_usage(mm, &v->usage);
	v->layout = *mm_layout(mm);
	v->rss = v->usage.rss[MM_FILEPAGES] + v->usage.rss[MM_ANONPAGES] + v->usage.rss[MM_SHMEMPAGES];
	mmput(mm);
}

/* Addresses are nobody else's business; code shows that there is some. */
static void hide_places(struct memory_view *v)
{
	memset(&v->layout, 0, sizeof(v->layout));
	v->layout.start_code = v->layout.end_code = v->has_mm;
}

/* Of a process with all its threads, or of one thread. */
struct time_view {
	u64 utime, stime, cutime, cstime;
	unsigned long min_flt, maj_flt, cmin_flt, cmaj_flt;
	int threads;
};

static void view_times(struct task *task, struct time_view *v)
{
	struct signal *sig = task->signal;
	struct task *t;

	memset(v, 0, sizeof(*v));
	v->cutime = sig->cutime;
	v->cstime = sig->cstime;
	v->cmin_flt = sig->cmin_flt;
	v->cmaj_flt = sig->cmaj_flt;
	v->utime = sig->utime;
	v->stime = sig->stime;
	v->min_flt = sig->min_flt;
	v->maj_flt = sig->maj_flt;
	spin_lock_irq(&tasklist_lock);
	v->threads = sig->nr_threads;
	for_each_thread(sig, t) {
		u64 utime, stime;

		task_cputime(t, &utime, &stime);
		v->utime += utime;
		v->stime += stime;
		v->min_flt += t->ctx.min_flt;
		v->maj_flt += t->ctx.maj_flt;
	}
	spin_unlock_irq(&tasklist_lock);
}

static u32 stat_signals(u64 set)
{
	return (u32)set & 0x7fffffff;
}

/* The priority field: nice for normal tasks, negative for real-time ones. */
static int stat_priority(const struct task *task)
{
	if (task->se.policy == SCHED_FIFO || task->se.policy == SCHED_RR)
		return -1 - task->se.rt_priority;
	return 20 + task->se.nice;
}

int proc_show_stat(struct text_sink *sink, struct task *task)
{
	u64 pending, shared, blocked, ignored, caught;
	struct memory_view m;
	struct time_view t;
	char comm[TASK_COMM_LEN];
	dev_t tty;
	int tty_pgrp, err;

	view_memory(task, &m);
	if (!may_inspect(task))
		hide_places(&m);
	view_times(task, &t);
	get_task_comm(comm, task);
	task_tty_info(task, &tty, &tty_pgrp);
	task_signal_sets(task, &pending, &shared, &blocked, &ignored, &caught);
	err = sink_printf(sink, "%d (%s) %c %d %d %d %d %d %u %lu %lu %lu %lu %llu %llu %lld %lld %d %d %d 0 %llu %lu %lu ",
			  task->pid, comm, task_state_char(task), task_ppid_nr(task), task_pgrp_nr(task),
			  task_session_nr(task), new_encode_dev(tty), tty_pgrp, task->flags, t.min_flt, t.cmin_flt,
			  t.maj_flt, t.cmaj_flt, (unsigned long long)(t.utime / NS_PER_TICK),
			  (unsigned long long)(t.stime / NS_PER_TICK), (long long)(t.cutime / NS_PER_TICK),
			  (long long)(t.cstime / NS_PER_TICK), stat_priority(task), task->se.nice, t.threads,
			  (unsigned long long)(task->start_time / NS_PER_TICK), m.usage.total_vm * PAGE_BYTES, m.rss);
	if (err)
		return err;
	/* kstkesp, kstkeip and wchan are not shown to anybody, as on Linux for processes that run. */
	return sink_printf(sink, "%llu %lu %lu %lu 0 0 %u %u %u %u 0 0 0 %d %u %u %u 0 0 0 %lu %lu %lu %lu %lu %lu %lu %d\n",
			   (unsigned long long)task_rlimit(task, RLIMIT_RSS), m.layout.start_code, m.layout.end_code,
			   m.layout.start_stack, stat_signals(pending), stat_signals(blocked), stat_signals(ignored),
			   stat_signals(caught), task->exit_signal, READ_ONCE(task->cpu), task->se.rt_priority,
			   task->se.policy, m.layout.start_data, m.layout.end_data, m.layout.start_brk,
			   m.layout.arg_start, m.layout.arg_end, m.layout.env_start, m.layout.env_end,
			   may_inspect(task) ? task->exit_code : 0);
}

int proc_show_statm(struct text_sink *sink, struct task *task)
{
	struct memory_view m;

	view_memory(task, &m);
	return sink_printf(sink, "%lu %lu %lu %lu 0 %lu 0\n", m.usage.total_vm, m.rss,
			   m.usage.rss[MM_FILEPAGES] + m.usage.rss[MM_SHMEMPAGES],
			   (m.layout.end_code - m.layout.start_code + PAGE_BYTES - 1) / PAGE_BYTES,
			   m.usage.data_vm + m.usage.stack_vm);
}

/* ---- status ---- */

static int show_identity(struct text_sink *sink, struct task *task)
{
	const struct cred *c = get_task_cred(task);
	char comm[TASK_COMM_LEN];
	struct files_struct *files = get_files_struct(task);
	unsigned int fd_size = files ? files->fdt->max_fds : 0;
	struct fs_struct *fs = get_task_fs(task);
	int err;

	if (files)
		files_put(files);
	get_task_comm(comm, task);
	err = sink_printf(sink, "Name:\t%s\n", comm);
	if (fs) {
		err = err ? err : sink_printf(sink, "Umask:\t%04o\n", fs->umask);
		fs_put(fs);
	}
	if (!err)
		err = sink_printf(sink, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
				  state_name(task_state_char(task)), task->tgid, task->pid, task_ppid_nr(task));
	if (!err)
		err = sink_printf(sink, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", c->uid,
				  c->euid, c->suid, c->fsuid, c->gid, c->egid, c->sgid, c->fsgid, fd_size);
	for (int i = 0; !err && c->group_info && i < c->group_info->ngroups; i++)
		err = sink_printf(sink, "%u ", c->group_info->gid[i]);
	put_cred(c);
	return err ? err : sink_printf(sink, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t%d\n", task->tgid,
				       task->pid, task_pgrp_nr(task), task_session_nr(task), (task->flags & PF_KTHREAD) != 0);
}

static int show_memory(struct text_sink *sink, struct task *task)
{
	struct memory_view m;
	struct mm_usage *u = &m.usage;
	unsigned long text, hiwater, hiwater_rss;
	int err;

	view_memory(task, &m);
	if (!m.has_mm)
		return 0;
	text = ((m.layout.end_code + PAGE_BYTES - 1) / PAGE_BYTES - m.layout.start_code / PAGE_BYTES) * PAGE_KB;
	hiwater = u->hiwater_vm > u->total_vm ? u->hiwater_vm : u->total_vm;
	hiwater_rss = u->hiwater_rss > m.rss ? u->hiwater_rss : m.rss;
	err = sink_printf(sink, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8lu kB\nVmHWM:\t%8lu kB\n"
			  "VmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\n",
			  hiwater * PAGE_KB, u->total_vm * PAGE_KB, u->locked_vm * PAGE_KB, u->pinned_vm * PAGE_KB,
			  hiwater_rss * PAGE_KB, m.rss * PAGE_KB, u->rss[MM_ANONPAGES] * PAGE_KB,
			  u->rss[MM_FILEPAGES] * PAGE_KB, u->rss[MM_SHMEMPAGES] * PAGE_KB);
	if (err)
		return err;
	return sink_printf(sink, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8lu kB\nVmPTE:\t%8lu kB\n"
			   "VmSwap:\t%8lu kB\nCoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t%#lx\n", u->data_vm * PAGE_KB, u->stack_vm * PAGE_KB, text,
			   u->exec_vm * PAGE_KB > text ? u->exec_vm * PAGE_KB - text : 0, u->pgtables_bytes / 1024,
			   u->rss[MM_SWAPENTS] * PAGE_KB, ~0ul);
}

static int show_signals(struct text_sink *sink, struct task *task)
{
	u64 pending, shared, blocked, ignored, caught;
	struct time_view t;

	view_times(task, &t);
	task_signal_sets(task, &pending, &shared, &blocked, &ignored, &caught);
	return sink_printf(sink, "Threads:\t%d\nSigQ:\t%d/%lu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n"
			   "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", t.threads,
			   atomic_read(&task->cred->user->sigpending), task_rlimit(task, RLIMIT_SIGPENDING),
			   (unsigned long long)pending, (unsigned long long)shared, (unsigned long long)blocked,
			   (unsigned long long)ignored, (unsigned long long)caught);
}

static int show_capabilities(struct text_sink *sink, struct task *task)
{
	const struct cred *c = get_task_cred(task);
	int err = sink_printf(sink, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\n"
			      "CapAmb:\t%016llx\nNoNewPrivs:\t%d\n", (unsigned long long)c->cap_inheritable,
			      (unsigned long long)c->cap_permitted, (unsigned long long)c->cap_effective,
			      (unsigned long long)c->cap_bset, (unsigned long long)c->cap_ambient, task->no_new_privs);

	put_cred(c);
	return err;
}

/* "0-3" and its like from a mask; and the mask itself as hexadecimal words. */
static int show_cpus(struct text_sink *sink, struct task *task)
{
	const u64 *bits = task->cpus_allowed.bits;
	unsigned int nr = nr_cpu_ids, cpu = 0;
	bool first = true;
	char mask[40];
	int err, len = 0;

	for (unsigned int word = (nr + 31) / 32; word-- > 0;) {
		u32 part = (u32)(bits[word / 2] >> (word % 2 * 32));

		if (nr - word * 32 < 32)
			part &= (1u << (nr - word * 32)) - 1;
		len += quire_scnprintf(mask + len, sizeof(mask) - (size_t)len, "%s%0*x", len ? "," : "",
				       len ? 8 : (int)((nr % 32 ? nr % 32 : 32) + 3) / 4, part);
	}
	err = sink_printf(sink, "Cpus_allowed:\t%s\nCpus_allowed_list:\t", mask);
	while (!err && cpu < nr) {
		unsigned int end = cpu;

		if (!cpumask_test(&task->cpus_allowed, cpu)) {
			cpu++;
			continue;
		}
		while (end + 1 < nr && cpumask_test(&task->cpus_allowed, end + 1))
			end++;
		if (end > cpu)
			err = sink_printf(sink, "%s%u-%u", first ? "" : ",", cpu, end);
		else
			err = sink_printf(sink, "%s%u", first ? "" : ",", cpu);
		first = false;
		cpu = end + 1;
	}
	return err ? err : sink_puts(sink, "\n");
}

/* The nodes that its memory may come from: all, as long as nothing keeps a task to some. */
static int show_nodes(struct text_sink *sink, struct task *task)
{
	int err = sink_puts(sink, "Mems_allowed_list:\t");

	if (!err)
		err = quire_show_nodes("has_memory", sink);
	return err ? err : sink_printf(sink, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
				       (unsigned long long)task->nvcsw, (unsigned long long)task->nivcsw);
}

int proc_show_status(struct text_sink *sink, struct task *task)
{
	int err = show_identity(sink, task);

	if (!err)
		err = show_memory(sink, task);
	if (!err)
		err = show_signals(sink, task);
	if (!err)
		err = show_capabilities(sink, task);
	if (!err)
		err = show_cpus(sink, task);
	return err ? err : show_nodes(sink, task);
}

/* ---- limits ---- */

int proc_show_limits(struct text_sink *sink, struct task *task)
{
	static const struct {
		const char *name, *unit;
	} rows[RLIM_NLIMITS] = {
		{ "Max cpu time", "seconds" }, { "Max file size", "bytes" }, { "Max data size", "bytes" },
		{ "Max stack size", "bytes" }, { "Max core file size", "bytes" }, { "Max resident set", "bytes" },
		{ "Max processes", "processes" }, { "Max open files", "files" }, { "Max locked memory", "bytes" },
		{ "Max address space", "bytes" }, { "Max file locks", "locks" }, { "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" }, { "Max nice priority", "" }, { "Max realtime priority", "" },
		{ "Max realtime timeout", "us" },
	};
	int err = sink_printf(sink, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");

	for (int i = 0; !err && i < RLIM_NLIMITS; i++) {
		const struct rlimit *r = &task->signal->rlim[i];
		char soft[24] = "unlimited", hard[24] = "unlimited";

		if (r->rlim_cur != RLIM_INFINITY)
			quire_snprintf(soft, sizeof(soft), "%llu", (unsigned long long)r->rlim_cur);
		if (r->rlim_max != RLIM_INFINITY)
			quire_snprintf(hard, sizeof(hard), "%llu", (unsigned long long)r->rlim_max);
		if (*rows[i].unit)
			err = sink_printf(sink, "%-25s %-20s %-20s %-10s\n", rows[i].name, soft, hard, rows[i].unit);
		else
			err = sink_printf(sink, "%-25s %-20s %-20s\n", rows[i].name, soft, hard);
	}
	return err;
}

int proc_show_io(struct text_sink *sink, struct task *task)
{
	return sink_printf(sink, "rchar: %lu\nwchar: %lu\nread_bytes: %lu\nwrite_bytes: %lu\n", task->rchar,
			   task->wchar, task->inblock * 512, task->oublock * 512);
}
