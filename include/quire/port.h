/* SPDX-License-Identifier: MIT */
/*
 * port.h - what the host supplies: one constant table, in the tiers of quire.h. An embedder fills the tiers that it
 * uses and leaves the rest NULL; a stage of initialisation refuses to start (-EINVAL and a log line that names the member)
 * when a member that its tier cannot do without is missing. The others say what happens without them. PORTING.md leads
 * through it.
 *
 * Beside the table the host supplies `quire_host.h` on the include path (see host_default/quire_host.h):
 * this_quire(), this_cpu(), this_ctx(), cpu_pin(), cpu_unpin(), quire_host_relax(), which are too hot for calls
 * through pointers.
 *
 * Contract for every member unless it says otherwise: may be called from any context with any lock held, IRQs
 * on or off; must not allocate from Quire, must not sleep, must not call back.
 */
#ifndef QUIRE_PORT_H
#define QUIRE_PORT_H

#include "quire/types.h"

enum quire_log_level { /* Linux's numbers */
	QUIRE_LOG_EMERG,
	QUIRE_LOG_ALERT,
	QUIRE_LOG_CRIT,
	QUIRE_LOG_ERR,
	QUIRE_LOG_WARNING,
	QUIRE_LOG_NOTICE,
	QUIRE_LOG_INFO,
	QUIRE_LOG_DEBUG,
};

/* A set of CPUs, bit n = CPU n. */
struct quire_cpumask {
	u64 bits[4];
};

enum quire_capability {
	QUIRE_CAP_IPC_LOCK,
	QUIRE_CAP_SYS_ADMIN,
	QUIRE_CAP_SYS_RESOURCE,
	QUIRE_CAP_SYS_RAWIO,
};

enum quire_rlimit {
	QUIRE_RLIMIT_AS,
	QUIRE_RLIMIT_DATA,
	QUIRE_RLIMIT_STACK,
	QUIRE_RLIMIT_MEMLOCK,
	QUIRE_RLIMIT_DATA_MAX, /* the hard one of QUIRE_RLIMIT_DATA */
};

/* Who runs, for reports. */
struct quire_task_id {
	s32 pid, tgid;
	char comm[16]; /* ended by a zero */
};

struct quire_port {
	/* Tier 1: frames. All three are needed. */

	/* One line of text without newline, `len` bytes; level: enum quire_log_level. */
	void (*log)(int level, const char *text, size_t len);

	/* A broken invariant. Never returns. */
	void (*panic)(const char *text) __attribute__((noreturn));

	/* Monotonic time since some start, nanoseconds. */
	u64 (*now_ns)(void);

	/* Tier 1, for reports and page_owner=on; none is needed. */

	/* Names what runs here (in an interrupt: what it interrupted). NULL: nobody is named. */
	void (*task_id)(struct quire_task_id *id);

	/* Return addresses of the calls that led here, innermost first, at most `max`; how many. NULL: none. */
	unsigned int (*stack_trace)(unsigned long *entries, unsigned int max);

	/* Writes an address as "function+0xinto/0xsize", ended by a zero; false: it has no name. NULL: none has. */
	bool (*symbol)(unsigned long address, char *buf, size_t size);

	/* Several CPUs, at any tier. */

	/* Runs fn(arg) once on every online CPU of `mask` (the caller's own CPU included if set) and returns when all
	 * have finished. Context: IRQs on, no lock of rank 70 or higher held. fn runs with IRQs off and takes no lock
	 * below rank 70. */
	void (*call_cpus)(const struct quire_cpumask *mask, void (*fn)(void *arg), void *arg);

	/* Tier 3: kernel addresses, and with them waiting. park and unpark are needed. */

	/* Blocks the current context until unpark() was called for it (one permit is remembered: an unpark before the
	 * park makes it return at once) or until `deadline_ns` on now_ns()'s clock (0: no deadline). Spurious returns
	 * are allowed. Result: 0 or -ETIMEDOUT. Context: no spinning lock held, IRQs on. Sleeps. */
	int (*park)(u64 deadline_ns);

	/* Gives `ctx` its permit and makes it runnable. */
	void (*unpark)(struct quire_ctx *ctx);

	/* Lets others run if they are due. Context: no spinning lock held. May sleep. NULL: long work does not give way. */
	void (*cond_resched)(void);

	/* Starts a thread in the host that runs fn(arg), named `name`. 0 or -ENOMEM. May sleep. NULL: no background work. */
	int (*start_thread)(const char *name, void (*fn)(void *arg), void *arg);

	/* Tier 4: user memory, and with it processes. None is needed. */

	/* Out of memory: ends the process that owns `mm`. `text` tells what it held. Must not wait for it.
	 * NULL: nobody is ended, the request fails. */
	void (*oom_kill)(struct mm_struct *mm, const char *text);

	/* A fatal signal is pending for the current context: long operations give up with -EINTR.
	 * NULL: never. */
	bool (*fatal_signal_pending)(void);

	/* May the current context do what needs `capability`? NULL: no. */
	bool (*capable)(enum quire_capability capability);

	/* The address space of the program that runs, which mode 2 of overcommit keeps its reserve back from. NULL, or returns NULL: none. */
	struct mm_struct *(*current_mm)(void);

	/* Soft limit of the current context in bytes, ~0UL for none. NULL: none. */
	unsigned long (*rlimit)(enum quire_rlimit which);

	/* The running context may not read or write memory of protection key `key` any more, but execute it.
	 * NULL: memory that may only be executed can be read. */
	void (*deny_pkey)(unsigned int key);

	/* Fills `buf` with `len` random bytes (address space layout, free-list hardening). NULL: fixed
	 * addresses, and free lists whose secret is known. Any tier. */
	void (*random)(void *buf, size_t len);
};

#endif
