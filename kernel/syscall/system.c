/* SPDX-License-Identifier: MIT */
/* system.c - the machine as a whole: its name, its load, its log, its end; random numbers. */
#include "arch/clock.h"
#include "arch/machine.h"
#include "base/format.h"
#include "base/string.h"
#include "lib/printk.h"
#include "lib/random.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "proc/utsname.h"
#include "quire/slab.h"
#include "quire/stats.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#define PAGE_BYTES 4096ul

struct utsname system_utsname = {
	.sysname = "Linux",
	.nodename = "(none)",
	.release = QUIRE_RELEASE,
	.version = "#1 SMP",
	.machine = "x86_64",
	.domainname = "(none)",
};
static DEFINE_SPINLOCK(uts_lock, LOCK_LEAF);

SYSCALL_DEFINE1(uname, struct utsname *, to)
{
	struct utsname copy;

	spin_lock(&uts_lock);
	copy = system_utsname;
	spin_unlock(&uts_lock);
	if (current->personality & UNAME26)
		memcpy(copy.release, "2.6.72", sizeof("2.6.72"));
	return copy_to_user(to, &copy, sizeof(copy)) ? -EFAULT : 0;
}

static long set_name(char *field, const char *from, int len)
{
	char name[UTS_LEN] = { 0 };

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len >= UTS_LEN)
		return -EINVAL;
	if (copy_from_user(name, from, (size_t)len))
		return -EFAULT;
	spin_lock(&uts_lock);
	memcpy(field, name, sizeof(name));
	spin_unlock(&uts_lock);
	return 0;
}

SYSCALL_DEFINE2(sethostname, const char *, from, int, len)
{
	return set_name(system_utsname.nodename, from, len);
}

SYSCALL_DEFINE2(setdomainname, const char *, from, int, len)
{
	return set_name(system_utsname.domainname, from, len);
}

struct sysinfo {
	long uptime;
	unsigned long loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u32 pad2;
	unsigned long totalhigh, freehigh;
	u32 mem_unit;
	u32 pad3;
};
_Static_assert(sizeof(struct sysinfo) == 112, "user space's layout");

SYSCALL_DEFINE1(sysinfo, struct sysinfo *, to)
{
	struct quire_sysinfo mem;
	struct sysinfo info;

	quire_sysinfo(&mem);
	memset(&info, 0, sizeof(info));
	info.uptime = (long)((ktime_get_ns() + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
	sched_loadavg(info.loads);
	info.totalram = mem.totalram * PAGE_BYTES;
	info.freeram = mem.freeram * PAGE_BYTES;
	info.sharedram = mem.sharedram * PAGE_BYTES;
	info.bufferram = mem.bufferram * PAGE_BYTES;
	info.totalswap = mem.totalswap * PAGE_BYTES;
	info.freeswap = mem.freeswap * PAGE_BYTES;
	info.procs = (u16)nr_threads_now();
	info.mem_unit = 1;
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

/* ---- random ---- */

#define GRND_NONBLOCK 1u
#define GRND_RANDOM 2u
#define GRND_INSECURE 4u
#define RANDOM_CHUNK 256

SYSCALL_DEFINE3(getrandom, char *, to, size_t, len, unsigned int, flags)
{
	char buf[RANDOM_CHUNK];
	size_t done, part;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (len > INT32_MAX)
		len = INT32_MAX;
	for (done = 0; done < len; done += part) {
		part = len - done < sizeof(buf) ? len - done : sizeof(buf);
		get_random_bytes(buf, part);
		if (copy_to_user(to + done, buf, part))
			return done ? (long)done : -EFAULT;
		if (signal_pending(current) && done)
			break;
		cond_resched();
	}
	return (long)done;
}

/* ---- the end ---- */

#define REBOOT_MAGIC1 0xfee1deadu
enum reboot_command {
	REBOOT_RESTART = 0x01234567, REBOOT_RESTART2 = (int)0xa1b2c3d4, REBOOT_HALT = (int)0xcdef0123,
	REBOOT_CAD_ON = (int)0x89abcdef, REBOOT_CAD_OFF = 0, REBOOT_POWER_OFF = 0x4321fedc,
};

static bool reboot_magic2(u32 magic)
{
	return magic == 672274793 || magic == 85072278 || magic == 369367448 || magic == 537993216;
}

SYSCALL_DEFINE4(reboot, u32, magic1, u32, magic2, int, cmd, void *, arg)
{
	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != REBOOT_MAGIC1 || !reboot_magic2(magic2))
		return -EINVAL;
	switch (cmd) {
	case REBOOT_RESTART:
	case REBOOT_RESTART2:
		pr_emerg("reboot: Restarting system");
		machine_restart();
	case REBOOT_HALT:
		pr_emerg("reboot: System halted");
		machine_halt();
	case REBOOT_POWER_OFF:
		pr_emerg("reboot: Power down");
		machine_power_off();
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0;
	}
	return -EINVAL;
}

/* ---- the log ---- */

enum syslog_action {
	SYSLOG_CLOSE, SYSLOG_OPEN, SYSLOG_READ, SYSLOG_READ_ALL, SYSLOG_READ_CLEAR, SYSLOG_CLEAR, SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON, SYSLOG_CONSOLE_LEVEL, SYSLOG_SIZE_UNREAD, SYSLOG_SIZE_BUFFER,
};

static u64 clear_seq, read_seq;
static int saved_loglevel = -1;

/* A record as dmesg shows it, each line with its prefix. Length. */
static size_t format_record(const struct log_record *r, char *buf, size_t size)
{
	int n = quire_scnprintf(buf, size, "<%d>[%5llu.%06llu] ", r->level,
				(unsigned long long)(r->time_ns / NSEC_PER_SEC),
				(unsigned long long)(r->time_ns % NSEC_PER_SEC / NSEC_PER_USEC));
	size_t len = r->len;

	if (len > size - (size_t)n - 1)
		len = size - (size_t)n - 1;
	memcpy(buf + n, r->text, len);
	buf[(size_t)n + len] = '\n';
	return (size_t)n + len + 1;
}

#define LOG_TEXT_MAX (LOG_LINE_MAX + 40)

struct log_buffers {
	struct log_record record;
	char text[LOG_TEXT_MAX];
};

/* The first record from which on everything fits into @len. */
static u64 last_that_fit(struct log_buffers *b, u64 from, size_t len)
{
	u64 seq;
	size_t sum = 0;

	for (seq = from; log_read(seq, &b->record); seq = b->record.seq + 1)
		sum += format_record(&b->record, b->text, sizeof(b->text));
	for (seq = from; sum > len && log_read(seq, &b->record); seq = b->record.seq + 1)
		sum -= format_record(&b->record, b->text, sizeof(b->text));
	return seq;
}

static long copy_log(struct log_buffers *b, u64 seq, char *to, size_t len, u64 *next)
{
	size_t done = 0, n;

	while (log_read(seq, &b->record)) {
		n = format_record(&b->record, b->text, sizeof(b->text));
		if (done + n > len)
			break;
		if (copy_to_user(to + done, b->text, n))
			return -EFAULT;
		done += n;
		seq = b->record.seq + 1;
		cond_resched();
	}
	*next = seq;
	return (long)done;
}

static long syslog_read(int action, char *to, int len)
{
	struct log_buffers *b;
	long result;
	u64 next;

	if (!to || len < 0)
		return -EINVAL;
	b = kmalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	if (action == SYSLOG_READ) {
		result = copy_log(b, read_seq, to, (size_t)len, &read_seq);
	} else {
		result = copy_log(b, last_that_fit(b, clear_seq, (size_t)len), to, (size_t)len, &next);
		if (result >= 0 && action == SYSLOG_READ_CLEAR)
			clear_seq = next;
	}
	kfree(b);
	return result;
}

static long size_unread(void)
{
	struct log_buffers *b = kmalloc(sizeof(*b), GFP_KERNEL);
	long sum = 0;
	u64 seq;

	if (!b)
		return -ENOMEM;
	for (seq = read_seq; log_read(seq, &b->record); seq = b->record.seq + 1)
		sum += (long)format_record(&b->record, b->text, sizeof(b->text));
	kfree(b);
	return sum;
}

static long set_console(int action, int level)
{
	switch (action) {
	case SYSLOG_CONSOLE_OFF:
		if (saved_loglevel < 0)
			saved_loglevel = console_loglevel;
		console_loglevel = 1;
		return 0;
	case SYSLOG_CONSOLE_ON:
		if (saved_loglevel >= 0)
			console_loglevel = saved_loglevel;
		saved_loglevel = -1;
		return 0;
	}
	if (level < 1 || level > 8)
		return -EINVAL;
	console_loglevel = level;
	saved_loglevel = -1;
	return 0;
}

SYSCALL_DEFINE3(syslog, int, action, char *, to, int, len)
{
	if (action != SYSLOG_READ_ALL && action != SYSLOG_SIZE_BUFFER && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (action) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		return syslog_read(action, to, len);
	case SYSLOG_CLEAR:
		clear_seq = log_next_seq();
		return 0;
	case SYSLOG_CONSOLE_OFF:
	case SYSLOG_CONSOLE_ON:
	case SYSLOG_CONSOLE_LEVEL:
		return set_console(action, len);
	case SYSLOG_SIZE_UNREAD:
		return size_unread();
	case SYSLOG_SIZE_BUFFER:
		return (long)log_buffer_size();
	}
	return -EINVAL;
}
