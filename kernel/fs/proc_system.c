/* SPDX-License-Identifier: MIT */
/* proc_system.c - /proc's texts about the machine as a whole, apart from its memory. */
#include "arch/clock.h"
#include "arch/interrupt.h"
#include "arch/smp.h"
#include "base/format.h"
#include "base/string.h"
#include "boot/boot_info.h"
#include "dev/chrdev.h"
#include "dev/kmsg.h"
#include "fs/proc.h"
#include "fs/special.h"
#include "proc/pid.h"
#include "proc/utsname.h"
#include "quire/errno.h"
#include "sched/sched.h"

#define NS_PER_TICK (NSEC_PER_SEC / USER_HZ)
#define NS_PER_CENTISECOND (NSEC_PER_SEC / 100)

static int show_uptime(struct text_sink *sink, void *arg)
{
	u64 up = ktime_get_ns() / NS_PER_CENTISECOND, idle = 0;

	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++) {
		struct cpu_times t;

		if (!cpu_online(cpu))
			continue;
		sched_cpu_times(cpu, &t);
		idle += t.idle + t.iowait;
	}
	idle /= NS_PER_CENTISECOND;
	return sink_printf(sink, "%llu.%02llu %llu.%02llu\n", (unsigned long long)(up / 100), (unsigned long long)(up % 100),
			   (unsigned long long)(idle / 100), (unsigned long long)(idle % 100));
}

/* Fixed point with 16 bits behind the point, rounded to two decimal places. */
static int show_load(struct text_sink *sink, unsigned long load)
{
	load += 65536 / 200;
	return sink_printf(sink, "%lu.%02lu ", load >> 16, ((load & 65535) * 100) >> 16);
}

static int show_loadavg(struct text_sink *sink, void *arg)
{
	unsigned long load[3];
	int err = 0;

	sched_loadavg(load);
	for (int i = 0; i < 3 && !err; i++)
		err = show_load(sink, load[i]);
	return err ? err : sink_printf(sink, "%lu/%u %d\n", sched_nr_running(), nr_threads_now(), last_pid);
}

/* ---- stat ---- */

static int show_cpu_times(struct text_sink *sink, const char *name, const struct cpu_times *t)
{
	return sink_printf(sink, "%s %llu %llu %llu %llu %llu %llu %llu 0 0 0\n", name,
			   (unsigned long long)(t->user / NS_PER_TICK), (unsigned long long)(t->nice / NS_PER_TICK),
			   (unsigned long long)(t->system / NS_PER_TICK), (unsigned long long)(t->idle / NS_PER_TICK),
			   (unsigned long long)(t->iowait / NS_PER_TICK), (unsigned long long)(t->irq / NS_PER_TICK),
			   (unsigned long long)(t->softirq / NS_PER_TICK));
}

static int show_interrupt_sums(struct text_sink *sink)
{
	u64 total = 0;
	int err;

	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (cpu_online(cpu))
			total += percpu_of(cpu)->nr_interrupts;
	err = sink_printf(sink, "intr %llu", (unsigned long long)total);
	for (unsigned int i = 0; !err; i++) {
		struct irq_info irq = irq_describe(i);

		if (!irq.name)
			break;
		err = sink_printf(sink, " %llu", (unsigned long long)irq.count);
	}
	return err ? err : sink_puts(sink, "\n");
}

static int show_stat(struct text_sink *sink, void *arg)
{
	struct cpu_times sum = { 0 }, t;
	char name[16];
	int err;

	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (!cpu_online(cpu))
			continue;
		sched_cpu_times(cpu, &t);
		sum.user += t.user;
		sum.nice += t.nice;
		sum.system += t.system;
		sum.idle += t.idle;
		sum.iowait += t.iowait;
		sum.irq += t.irq;
		sum.softirq += t.softirq;
	}
	err = show_cpu_times(sink, "cpu ", &sum);
	for (unsigned int cpu = 0; cpu < nr_cpu_ids && !err; cpu++) {
		if (!cpu_online(cpu))
			continue;
		sched_cpu_times(cpu, &t);
		quire_snprintf(name, sizeof(name), "cpu%u", cpu);
		err = show_cpu_times(sink, name, &t);
	}
	err = err ? err : show_interrupt_sums(sink);
	return err ? err : sink_printf(sink, "ctxt %llu\nbtime %llu\nprocesses %lu\nprocs_running %lu\nprocs_blocked %lu\n",
				       (unsigned long long)sched_nr_switches(),
				       (unsigned long long)((ktime_get_real_ns() - ktime_get_ns()) / NSEC_PER_SEC),
				       sched_nr_forks(), sched_nr_running(), sched_nr_iowait());
}

static int show_interrupts(struct text_sink *sink, void *arg)
{
	int err = sink_puts(sink, "           CPU0       \n");

	for (unsigned int i = 0; !err; i++) {
		struct irq_info irq = irq_describe(i);

		if (!irq.name)
			break;
		/* Lines are served by the boot CPU. */
		err = sink_printf(sink, "%4u: %10llu   IO-APIC  %s\n", irq.gsi == ~0u ? i : irq.gsi,
				  (unsigned long long)irq.count, irq.name);
	}
	return err;
}

/* ---- names and lists ---- */

static int show_version(struct text_sink *sink, void *arg)
{
	return sink_printf(sink, "%s version %s (quire) (cc " __VERSION__ ") %s\n", system_utsname.sysname,
			   system_utsname.release, system_utsname.version);
}

static int show_cmdline(struct text_sink *sink, void *arg)
{
	int err = sink_puts(sink, boot_info.cmdline);

	return err ? err : sink_puts(sink, "\n");
}

static int show_filesystems(struct text_sink *sink, void *arg)
{
	return filesystems_show(sink);
}

static int show_devices(struct text_sink *sink, void *arg)
{
	return devices_show(sink);
}

static int show_locks(struct text_sink *sink, void *arg)
{
	return locks_show(sink);
}

static int show_partitions(struct text_sink *sink, void *arg)
{
	return sink_puts(sink, "major minor  #blocks  name\n\n");
}

static int show_consoles(struct text_sink *sink, void *arg)
{
	return sink_puts(sink, "ttyS0                -W- (EC   a)    4:64\n");
}

void proc_system_init(void)
{
	struct pseudo_entry *kmsg;

	/* These two are looked up in another way; here they are listed. */
	pseudo_link(proc_root, "self", "self");
	pseudo_link(proc_root, "thread-self", "thread-self");
	pseudo_text(proc_root, "uptime", 0444, show_uptime, NULL);
	pseudo_text(proc_root, "loadavg", 0444, show_loadavg, NULL);
	pseudo_text(proc_root, "stat", 0444, show_stat, NULL);
	pseudo_text(proc_root, "interrupts", 0444, show_interrupts, NULL);
	pseudo_text(proc_root, "version", 0444, show_version, NULL);
	pseudo_text(proc_root, "cmdline", 0444, show_cmdline, NULL);
	pseudo_text(proc_root, "filesystems", 0444, show_filesystems, NULL);
	pseudo_text(proc_root, "devices", 0444, show_devices, NULL);
	pseudo_text(proc_root, "locks", 0444, show_locks, NULL);
	pseudo_text(proc_root, "partitions", 0444, show_partitions, NULL);
	pseudo_text(proc_root, "consoles", 0444, show_consoles, NULL);
	pseudo_link(proc_root, "mounts", "self/mounts");
	proc_cpuinfo_init();
	kmsg = pseudo_add(proc_root, "kmsg", S_IFREG | 0400);
	if (kmsg)
		kmsg->fops = &proc_kmsg_fops;
}
