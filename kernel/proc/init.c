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

static int run_init_process(const char *path)
{
	argv_init[0] = path;
	pr_info("Run %s as init process", path);
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

/* rdinit= or /init, when the initial file system has it. True: it runs. */
static bool run_early_init(void)
{
	char name[256];
	struct path path;
	int error;

	if (!boot_option("rdinit", name, sizeof(name)))
		strscpy(name, "/init", sizeof(name));
	error = kern_path(name, LOOKUP_FOLLOW, &path);
	if (error) {
		if (boot_option_present("rdinit"))
			pr_warn("check access for rdinit=%s failed: %d, ignoring", name, error);
		return false;
	}
	path_put(&path);
	error = run_init_process(name);
	if (error)
		pr_err("Failed to execute %s (error %d)", name, error);
	return !error;
}

/* init=, or else the customary places, on the root, which is the initial file system for good. Returns when one runs. */
static void run_root_init(void)
{
	static const char *const customary[] = { "/sbin/init", "/etc/init", "/bin/init",
						 "/bin/sh" };
	char name[256];
	unsigned int i;
	int error;

	if (boot_option("init", name, sizeof(name))) {
		error = run_init_process(name);
		if (error)
			panic("Requested init %s failed (error %d).", name, error);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(customary); i++) {
		error = run_init_process(customary[i]);
		if (!error)
			return;
		if (error != -ENOENT)
			pr_err("Starting init: %s exists but couldn't execute it (error %d)",
			       customary[i], error);
	}
	panic("No working init found.  Try passing init= option to kernel.");
}

void run_init(void)
{
	become_process_one();
	split_cmdline();
	open_console();
	if (!run_early_init())
		run_root_init();
	pr_info("quire: boot took %llu ticks of the TSC",
		(unsigned long long)(rdtsc() - boot_start_tsc));
	thread_enter_user();
}
