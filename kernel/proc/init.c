/* SPDX-License-Identifier: MIT */
/* init.c - from the kernel's first thread to the first program. */
#include "proc/init.h"

#include "arch/io.h"
#include "base/string.h"
#include "boot/boot_info.h"
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "fs/vfs.h"
#include "lib/printk.h"
#include "proc/exec.h"
#include "proc/fork.h"

#define INIT_ARGS_MAX 32

static const char *argv_init[INIT_ARGS_MAX + 2];
static const char *envp_init[INIT_ARGS_MAX + 3] = { "HOME=/", "TERM=linux" };
static char cmdline[BOOT_CMDLINE_MAX];

/* Words behind "--" are init's arguments; before it, unknown NAME=value words become its
 * environment. */
static void split_cmdline(void)
{
	char *s = cmdline, *word;
	bool ours = false;
	int args = 1, envs = 2;

	strscpy(cmdline, boot_info.cmdline, sizeof(cmdline));
	while (*s) {
		while (*s == ' ')
			*s++ = '\0';
		word = s;
		while (*s && *s != ' ')
			s++;
		if (*s)
			*s++ = '\0';
		if (!*word)
			continue;
		if (ours && args <= INIT_ARGS_MAX)
			argv_init[args++] = word;
		else if (!strcmp(word, "--"))
			ours = true;
		else if (word[0] >= 'A' && word[0] <= 'Z' && strchr(word, '=') &&
			 envs < INIT_ARGS_MAX + 2)
			envp_init[envs++] = word;
	}
}

static int try_run(const char *path)
{
	argv_init[0] = path;
	return kernel_execve(path, argv_init, envp_init);
}

static void open_console(void)
{
	struct file *file = filp_open("/dev/console", O_RDWR, 0);
	int fd;

	if (IS_ERR(file)) {
		pr_warn("Warning: unable to open an initial console.");
		return;
	}
	for (fd = 0; fd < 3; fd++) {
		if (fd)
			get_file(file);
		if (fd_install_new(file, 0) < 0)
			return;
	}
}

static void become_process_one(void)
{
	struct task *p = current;

	init_task_ptr = p;
	p->files = files_alloc();
	p->fs = fs_init_task();
	if (!p->files || !p->fs)
		panic("no memory for the first process");
	p->flags &= ~(unsigned int)PF_KTHREAD;
	p->exit_signal = SIGCHLD;
	p->signal->flags |= SIGNAL_UNKILLABLE;
}

void run_init(void)
{
	static const char *const customary[] = { "/sbin/init", "/etc/init", "/bin/init",
						 "/bin/sh" };
	char path[256];
	unsigned int i;
	int error;

	become_process_one();
	split_cmdline();
	open_console();
	/* The initial file system is the root for good, so that init= means it, too. */
	if (boot_option("init", path, sizeof(path))) {
		error = try_run(path);
		if (!error)
			goto run;
		panic("Requested init %s failed (error %d).", path, error);
	}
	if (!boot_option("rdinit", path, sizeof(path)))
		strscpy(path, "/init", sizeof(path));
	error = try_run(path);
	if (!error)
		goto run;
	if (error != -ENOENT || boot_option_present("rdinit"))
		pr_err("Failed to execute %s (error %d)", path, error);
	for (i = 0; i < ARRAY_SIZE(customary); i++) {
		error = try_run(customary[i]);
		if (!error)
			goto run;
		if (error != -ENOENT)
			pr_err("Starting init: %s exists but couldn't execute it (error %d)",
			       customary[i], error);
	}
	panic("No working init found.  Try passing init= option to kernel.");
run:
	pr_info("Run %s as init process", argv_init[0]);
	pr_info("quire: boot took %llu ticks of the TSC",
		(unsigned long long)(rdtsc() - boot_start_tsc));
	thread_enter_user();
}
