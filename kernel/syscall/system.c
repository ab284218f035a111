/* SPDX-License-Identifier: MIT */
/* system.c - the machine as a whole: its name, its load, its end; random numbers. */
#include "arch/elf_format.h"
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
	.machine = ELF_PLATFORM,
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
	u32 pad2[sizeof(long) / 8];
	unsigned long totalhigh, freehigh;
	u32 mem_unit;
	u32 pad3[sizeof(long) == 8 ? 1 : 2];
};
_Static_assert(sizeof(struct sysinfo) == (sizeof(long) == 8 ? 112 : 64), "user space's layout");

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
	REBOOT_RESTART = 0x01234567,
	REBOOT_RESTART2 = (int)0xa1b2c3d4,
	REBOOT_HALT = (int)0xcdef0123,
	REBOOT_CAD_ON = (int)0x89abcdef,
	REBOOT_CAD_OFF = 0,
	REBOOT_POWER_OFF = 0x4321fedc,
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
