/* SPDX-License-Identifier: MIT */
/* trap_log.c - what the log says of a program that ends by a fault of its own, in Linux's words. */
#include "arch/clock.h"
#include "arch/cpu_setup.h"
#include "arch/current.h"
#include "arch/traps.h"
#include "base/format.h"
#include "lib/printk.h"
#include "proc/signal.h"
#include "quire/mm.h"
#include "quire/uaccess.h"

/* A fork of bad programs must not fill the log: so many messages in so many nanoseconds. */
#define LOG_BURST	10
#define LOG_INTERVAL	(5 * NSEC_PER_SEC)

/* Bytes of code that are shown: so many before the instruction, and behind its first byte. */
#define CODE_BEFORE	42
#define CODE_BEHIND	21
#define CODE_BYTES	(CODE_BEFORE + 1 + CODE_BEHIND)

static bool may_log(void)
{
	static uint64_t window_end;
	static unsigned int lines;
	uint64_t now = ktime_get_ns();

	if (now > __atomic_load_n(&window_end, __ATOMIC_RELAXED)) {
		__atomic_store_n(&window_end, now + LOG_INTERVAL, __ATOMIC_RELAXED);
		__atomic_store_n(&lines, 0, __ATOMIC_RELAXED);
	}
	return __atomic_fetch_add(&lines, 1, __ATOMIC_RELAXED) < LOG_BURST;
}

/* A program that catches the signal knows what it does. */
static bool is_unhandled(int sig)
{
	unsigned long handler = current->sighand->action[sig - 1].handler;

	return handler == SIG_DFL || handler == SIG_IGN;
}

/* " in FILE[offset,start+size]", or nothing. */
static void text_of_place(char *text, size_t size, unsigned long ip)
{
	struct mm_struct *mm = current_thread()->mm;
	struct mm_file_place place;

	text[0] = '\0';
	if (mm && mm_file_at(mm, ip, &place))
		quire_snprintf(text, size, " in %s[%llx,%lx+%lx]", place.name, (unsigned long long)place.offset,
			       (unsigned long)place.start, (unsigned long)(place.end - place.start));
}

static void log_code(int level, unsigned long ip)
{
	unsigned long first = ip - CODE_BEFORE;
	unsigned char code[CODE_BYTES];
	char text[CODE_BYTES * 3 + 8];
	int len = 0;

	if (copy_from_user(code, (const void *)first, sizeof(code))) {
		printk(level, "Code: Unable to access opcode bytes at 0x%lx.", first);
		return;
	}
	for (int i = 0; i < CODE_BYTES; i++)
		len += quire_scnprintf(text + len, sizeof(text) - (size_t)len, i == CODE_BEFORE ? " <%02x>" : " %02x", code[i]);
	printk(level, "Code:%s", text);
}

void log_user_fault(const struct pt_regs *regs, unsigned long address, unsigned long error)
{
	int level = current->pid > 1 ? LOGLEVEL_INFO : LOGLEVEL_EMERG;
	unsigned int cpu = this_percpu.cpu, core, package;
	char place[160];

	if (!is_unhandled(SIGSEGV) || !may_log())
		return;
	cpu_topology(&core, &package);
	text_of_place(place, sizeof(place), regs->ip);
	printk(level, "%s[%d]: segfault at %lx ip %016lx sp %016lx error %lx%s likely on CPU %u (core %u, socket %u)",
	       current->comm, current->pid, address, regs->ip, regs->sp, error, place, cpu, core, package);
	log_code(level, regs->ip);
}

void log_user_trap(const struct pt_regs *regs, int sig, const char *what, unsigned long error)
{
	char place[160];

	if (!is_unhandled(sig) || !may_log())
		return;
	text_of_place(place, sizeof(place), regs->ip);
	pr_info("traps: %s[%d] trap %s ip:%lx sp:%lx error:%lx%s", current->comm, current->pid, what, regs->ip,
		regs->sp, error, place);
}
