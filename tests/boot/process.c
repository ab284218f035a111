/* SPDX-License-Identifier: MIT */
/* process.c - fork, exec, wait, orphans, groups and sessions. */
#include "common.h"

#include <sys/resource.h>

static void exit_with(void *status)
{
	_exit(*(int *)status);
}

static void test_wait(void)
{
	siginfo_t info;
	int status;
	pid_t child;

	tap_is(in_child(exit_with, &(int){ 42 }), 42, "an exit status arrives");
	fails(waitpid(-1, NULL, 0), ECHILD, "no children, nothing to wait for");
	child = fork();
	if (!child)
		for (;;)
			pause();
	tap_is(waitpid(child, &status, WNOHANG), 0, "WNOHANG does not wait");
	fails(waitpid(getppid(), &status, 0), ECHILD, "one cannot wait for one's parent");
	fails(waitpid(child, &status, 0x4000), EINVAL, "no such option");
	kill(child, SIGTERM);
	memset(&info, 0, sizeof(info));
	tap_is(waitid(P_PID, child, &info, WEXITED | WNOWAIT), 0, "waitid");
	tap_ok(info.si_pid == child && info.si_code == CLD_KILLED && info.si_status == SIGTERM,
	       "tells how the child ended");
	tap_is(waitpid(child, &status, 0), child, "WNOWAIT left it there");
}

static void test_order(void)
{
	pid_t children[10];
	int nr_right = 0, status;

	for (int i = 0; i < 10; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(i);
	}
	for (int i = 9; i >= 0; i--)
		nr_right += waitpid(children[i], &status, 0) == children[i] &&
			    WEXITSTATUS(status) == i;
	tap_is(nr_right, 10, "children can be waited for in any order");
}

static void test_orphan(void)
{
	int fds[2], status;
	pid_t child, parent = -1;

	if (pipe(fds))
		return;
	child = fork();
	if (!child) {
		if (!fork()) {
			for (int i = 0; i < 1000 && getppid() != 1; i++)
				sleep_ms(5);
			parent = getppid();
			if (write(fds[1], &parent, sizeof(parent)) < 0)
				_exit(1);
		}
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (read(fds[0], &parent, sizeof(parent)) != sizeof(parent))
		parent = -2;
	tap_is(parent, 1, "an orphan is given to the first process");
	close(fds[0]);
	close(fds[1]);
}

static void exec_shell(void *command)
{
	char *arguments[] = { "sh", "-c", command, "zero", "one two", NULL };
	char *environment[] = { "COLOUR=green", NULL };

	execve("/bin/sh", arguments, environment);
	_exit(126);
}

static int write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	ssize_t length = (ssize_t)strlen(text);
	int held = write(fd, text, (size_t)length) == length;

	close(fd);
	return held && !chmod(path, mode);
}

static void exec_path(void *path)
{
	execl(path, path, "argument", (char *)NULL);
	_exit(errno);
}

static void test_exec(void)
{
	char longer[300];

	tap_is(in_child(exec_shell, "exit 12"), 12, "execve runs a program");
	tap_is(in_child(exec_shell, "[ \"$1\" = 'one two' ] && [ $COLOUR = green ]"), 0,
	       "with its arguments and environment");
	write_file("script", "#!/bin/sh -e\n[ \"$1\" = argument ] && exit 33\n", 0755);
	tap_is(in_child(exec_path, "./script"), 33, "a script runs through its interpreter");
	write_file("script", "#!/no/such/interpreter\n", 0755);
	tap_is(in_child(exec_path, "./script"), ENOENT, "which must be there");
	write_file("script", "#!/bin/sh\n", 0644);
	tap_is(in_child(exec_path, "./script"), EACCES, "what is not executable does not run");
	tap_is(in_child(exec_path, "/tmp"), EACCES, "nor does a directory");
	tap_is(in_child(exec_path, "./nothing"), ENOENT, "nor what is not there");
	tap_is(in_child(exec_path, "./script/x"), ENOTDIR, "nor below a file");
	write_file("script", "no program\n", 0755);
	tap_is(in_child(exec_path, "./script"), ENOEXEC, "a text is no program");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	tap_is(in_child(exec_path, longer), ENAMETOOLONG, "a name has at most 255 bytes");
	unlink("script");
}

static void test_close_on_exec(void)
{
	char command[64];
	int keep = open("/dev/null", O_RDONLY), drop = open("/dev/null", O_RDONLY | O_CLOEXEC);

	snprintf(command, sizeof(command), "[ -e /proc/self/fd/%d ] && [ ! -e /proc/self/fd/%d ]",
		 keep, drop);
	tap_is(in_child(exec_shell, command), 0, "O_CLOEXEC closes, others stay open");
	close(keep);
	close(drop);
}

static void test_vfork(void)
{
	volatile int seen = 0;
	int status;
	pid_t child = vfork();

	if (!child) {
		seen = 1;
		execl("/bin/sh", "sh", "-c", "exit 6", (char *)NULL);
		_exit(1);
	}
	tap_is(seen, 1, "vfork shares memory until the child runs a program");
	waitpid(child, &status, 0);
	tap_is(WEXITSTATUS(status), 6, "which then goes its own way");
}

static void in_new_session(void *argument)
{
	(void)argument;
	if (setsid() != getpid() || getsid(0) != getpid() || getpgrp() != getpid())
		_exit(1);
	if (setsid() != -1 || errno != EPERM)
		_exit(2);
	if (setpgid(0, 0) != -1 || errno != EPERM)
		_exit(3);
}

static void test_groups(void)
{
	pid_t child;
	int status, nr_killed = 0;

	tap_is(in_child(in_new_session, NULL), 0, "setsid makes a session, once");
	child = fork();
	if (!child) {
		setpgid(0, 0);
		for (int i = 0; i < 3; i++)
			if (!fork())
				break;
		for (;;)
			pause();
	}
	setpgid(child, child);
	tap_is(getpgid(child), child, "a parent may move its child to a group of its own");
	sleep_ms(150);
	tap_is(kill(-child, SIGTERM), 0, "a signal can be sent to a whole group");
	tap_is(waitpid(-child, &status, 0), child, "and a group be waited for");
	nr_killed = WIFSIGNALED(status);
	tap_is(nr_killed, 1, "it reached them");
	for (int i = 0; i < 1000 && !kill(-child, 0); i++)
		sleep_ms(5);
	fails(kill(-child, 0), ESRCH, "all of them");
	fails(setpgid(0, 0x3ffffff), EPERM, "one cannot join a group that does not exist");
	fails(setpgid(1, 0), ESRCH, "nor move somebody else's child");
}

static void test_usage(void)
{
	struct rusage usage;
	volatile unsigned long n = 0;
	long long begin = now_ms();

	while (now_ms() - begin < 120)
		for (int i = 0; i < 1000; i++)
			n++;
	tap_is(getrusage(RUSAGE_SELF, &usage), 0, "getrusage");
	tap_ok(usage.ru_utime.tv_sec * 1000000L + usage.ru_utime.tv_usec +
		       usage.ru_stime.tv_sec * 1000000L + usage.ru_stime.tv_usec > 20000,
	       "counts the time that was used");
	tap_ok(usage.ru_minflt > 0, "and the faults");
	tap_ok(usage.ru_maxrss > 50, "and the greatest size");
}

static void test_pidfd(void)
{
	pid_t child = fork();
	int fd;

	if (!child)
		for (;;)
			pause();
	fd = (int)syscall(434 /* pidfd_open */, child, 0);
	tap_ok(fd >= 0, "pidfd_open");
	close(fd);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	fails(syscall(434, child, 0), ESRCH, "not of a process that has gone");
}

int main(void)
{
	tap_plan(0);
	test_wait();
	test_order();
	test_orphan();
	test_exec();
	test_close_on_exec();
	test_vfork();
	test_groups();
	test_usage();
	test_pidfd();
	return tap_done();
}
