/* SPDX-License-Identifier: MIT */
/* init.c - from a kernel thread to the first program. */
#include "boot/init.h"

#include "base/compiler.h"
#include "base/string.h"
#include "boot/boot_info.h"
#include "fs/fdtable.h"
#include "fs/vfs.h"
#include "lib/printk.h"
#include "proc/exec.h"
#include "quire/errno.h"

#define MAX_ARGS	32

static const char *const environment[] = { "HOME=/", "TERM=linux", NULL };

/* The command line's words behind "--", cut in a copy that lives as long as the kernel. */
static void split_arguments(const char *argv[])
{
	static char words[BOOT_CMDLINE_MAX];
	char *at = strstr(boot_info.cmdline, " -- ");
	unsigned int argc = 1;

	if (!at)
		return;
	strscpy(words, at + 4, sizeof(words));
	for (at = words; *at && argc < MAX_ARGS; argc++) {
		at += strspn(at, " \t");
		if (!*at)
			break;
		argv[argc] = at;
		at += strcspn(at, " \t");
		if (*at)
			*at++ = '\0';
	}
}

static void open_console(void)
{
	struct file *console = filp_open("/dev/console", O_RDWR, 0);
	int i;

	if (IS_ERR(console)) {
		pr_warn("Warning: unable to open an initial console.");
		return;
	}
	for (i = 0; i < 3; i++)
		if (fd_install_new(i ? get_file(console) : console, 0) < 0)
			pr_warn("Warning: no descriptor %d for init", i);
}

/* Comes back only when the program does not start: -ENOENT when there is none. */
static int try_program(const char *path, const char *argv[])
{
	int err;

	argv[0] = path;
	err = kernel_execve(path, argv, environment);
	if (err != -ENOENT)
		pr_err("Starting init: %s exists but couldn't execute it (error %d)", path, err);
	return err;
}

void run_init(void)
{
	static const char *const programs[] = { "/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	static char chosen[256];
	const char *argv[MAX_ARGS + 1] = { NULL };
	unsigned int i;

	split_arguments(argv);
	open_console();
	if (boot_option("init", chosen, sizeof(chosen)) || boot_option("rdinit", chosen, sizeof(chosen)))
		panic("Requested init %s failed (error %d).", chosen, try_program(chosen, argv));
	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		pr_info("Run %s as init process", programs[i]);
		try_program(programs[i], argv);
	}
	panic("No working init found.  Try passing init= option to the kernel.");
}
