/* SPDX-License-Identifier: MIT */
/* ids.c - users and groups, names of the system, priorities, CPUs, limits, the small calls. */
#include "common.h"

#include <grp.h>
#include <sched.h>
#include <sys/klog.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>

static void become_somebody(void *argument)
{
	uid_t r, e, s;

	(void)argument;
	if (getuid() || geteuid())
		_exit(0);
	if (setresgid(100, 100, 100) || setresuid(10, 20, 30))
		_exit(1);
	if (getresuid(&r, &e, &s) || r != 10 || e != 20 || s != 30)
		_exit(2);
	if (seteuid(30) || geteuid() != 30)
		_exit(3);
	if (setuid(0) != -1 || errno != EPERM)
		_exit(4);
	if (setgid(0) != -1 || errno != EPERM)
		_exit(5);
	if (kill(1, 0) != -1 || errno != EPERM)
		_exit(6);
	if (open("/proc/self/stat", O_RDONLY) < 0)
		_exit(7);
}

static void test_system(void)
{
	char bytes[64] = { 0 }, name[16] = "";
	struct utsname uts;
	int nr_zero = 0;

	tap_is(uname(&uts), 0, "uname");
	tap_is_str(uts.sysname, "Linux", "programs know the system by this name");
	tap_is_str(uts.machine, "x86_64", "on this machine");
	tap_is(getrandom(bytes, sizeof(bytes), 0), sizeof(bytes), "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		nr_zero += !bytes[i];
	tap_ok(nr_zero < 8, "is random");
	tap_is(prctl(PR_SET_NAME, "a-new-name"), 0, "a thread may change its name");
	prctl(PR_GET_NAME, name);
	tap_is_str(name, "a-new-name", "and ask for it");
	tap_ok(personality(0xffffffff) >= 0, "personality");
	fails(prctl(4711), EINVAL, "no such prctl");
}

static void test_scheduling(void)
{
	struct sched_param param = { 0 };
	cpu_set_t set, one;

	tap_is(sched_getaffinity(0, sizeof(set), &set), 0, "sched_getaffinity");
	tap_is(CPU_COUNT(&set), sysconf(_SC_NPROCESSORS_ONLN), "allows every CPU");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	tap_is(sched_setaffinity(0, sizeof(one), &one), 0, "a program may choose one");
	for (int i = 0; i < 100; i++)
		sched_yield();
	tap_is(sched_getcpu(), 0, "and runs there");
	CPU_ZERO(&one);
	fails(sched_setaffinity(0, sizeof(one), &one), EINVAL, "it must run somewhere");
	sched_setaffinity(0, sizeof(set), &set);
	tap_is(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER, "sched_getscheduler");
	tap_is(syscall(SYS_sched_getparam, 0, &param), 0, "sched_getparam");
	errno = 0;
	tap_is(getpriority(PRIO_PROCESS, 0), 0, "getpriority");
	tap_is(setpriority(PRIO_PROCESS, 0, 5), 0, "setpriority");
	tap_is(getpriority(PRIO_PROCESS, 0), 5, "is remembered");
}

static void test_limits(void)
{
	struct rlimit limit, old;
	int fd;

	tap_is(getrlimit(RLIMIT_NOFILE, &old), 0, "getrlimit");
	limit = (struct rlimit){ 20, old.rlim_max };
	tap_is(setrlimit(RLIMIT_NOFILE, &limit), 0, "setrlimit");
	while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd < 1000)
		;
	tap_ok(fd < 0 && errno == EMFILE, "is kept");
	for (int i = 3; i < 20; i++)
		close(i);
	setrlimit(RLIMIT_NOFILE, &old);
	limit = (struct rlimit){ 30, 20 };
	fails(setrlimit(RLIMIT_NOFILE, &limit), EINVAL, "soft above hard");
	fails(getrlimit(99, &limit), EINVAL, "no such limit");
	fails(syscall(SYS_getrlimit, RLIMIT_NOFILE, 16), EFAULT, "a wild pointer");
}

#define LOG_BYTES (256 << 10)

/* How often the kernel's log says this of this process. */
static long count_in_log(char *log, const char *what)
{
	char name[16] = "", wanted[80];
	long bytes = klogctl(3, log, LOG_BYTES), nr = 0;

	prctl(PR_GET_NAME, name);
	snprintf(wanted, sizeof(wanted), "%s[%d]: %s", name, getpid(), what);
	log[bytes > 0 ? bytes : 0] = 0;
	for (char *at = log; (at = strstr(at, wanted)); at++)
		nr++;
	return nr;
}

static int users_are(uid_t real, uid_t effective, uid_t saved)
{
	uid_t r, e, s;

	return !getresuid(&r, &e, &s) && r == real && e == effective && s == saved;
}

static int groups_are(gid_t real, gid_t effective, gid_t saved)
{
	gid_t r, e, s;

	return !getresgid(&r, &e, &s) && r == real && e == effective && s == saved;
}

#define must(condition) do { if (!(condition)) _exit(__LINE__ % 250 + 1); } while (0)

/* setreuid moves the saved id when the real one is set or the effective one becomes another than the real one. */
static void take_two_ids(void *argument)
{
	(void)argument;
	must(!setregid(100, 200) && groups_are(100, 200, 200));
	must(!setresgid(100, 200, 300) && setregid(-1, 300) == 0 && groups_are(100, 300, 300));
	must(!setresuid(10, 20, 30) && users_are(10, 20, 30));
	must(setreuid(30, -1) == -1 && errno == EPERM); /* a real id cannot come from the saved one */
	must(!setreuid(-1, 10) && users_are(10, 10, 30));
	must(!setreuid(-1, 30) && users_are(10, 30, 30));
	must(!setreuid(30, 10) && users_are(30, 10, 10));
	must(setregid(7, -1) == -1 && errno == EPERM && setregid(-1, 7) == -1);
	must(setresgid(-1, 7, -1) == -1 && !setresgid(300, -1, -1) && groups_are(300, 300, 300));
	must(setgid(100) == -1 && errno == EPERM);
	_exit(0);
}

static void take_file_ids(void *argument)
{
	(void)argument;
	must(!mkdir("/tmp/ids-private", 0700) || errno == EEXIST);
	must(syscall(SYS_setfsuid, 50) == 0 && syscall(SYS_setfsuid, -1) == 50);
	must(open("/tmp/ids-private/file", O_WRONLY | O_CREAT | O_EXCL, 0600) == -1 && errno == EACCES);
	must(syscall(SYS_setfsuid, 0) == 50);
	must(syscall(SYS_setfsgid, 60) == 0 && syscall(SYS_setfsgid, -1) == 60);
	must(!setresuid(10, 20, 30) && syscall(SYS_setfsuid, 40) == 20 && syscall(SYS_setfsuid, 30) == 20);
	must(syscall(SYS_setfsuid, 10) == 30 && syscall(SYS_setfsuid, 99) == 10);
	must(syscall(SYS_setfsgid, 61) == 60 && syscall(SYS_setfsgid, -1) == 60);
	_exit(0);
}

static void test_unknown(void)
{
	char *log = malloc(LOG_BYTES + 1);
	long before = count_in_log(log, "system call 180 is not there"), after;

	fails(syscall(900), ENOSYS, "call 900 does not exist");
	fails(syscall(180), ENOSYS, "nor does call 180, which once served NFS");
	fails(syscall(180), ENOSYS, "nor the next time");
	after = count_in_log(log, "system call 180 is not there");
	tap_is(after - before, 1, "the log says so once, with the program's name");
	free(log);
	fails(syscall(-1), ENOSYS, "nor does call -1");
	fails(syscall(0x7fffffff), ENOSYS, "nor a very large one");
	fails(syscall(0x40000000 | SYS_getpid), ENOSYS, "nor the x32 calls");
	fails(syscall(SYS_set_robust_list, 0, 1), EINVAL, "a robust list of odd size");
}

int main(void)
{
	tap_plan(0);
	tap_is(in_child(become_somebody, NULL), 0, "giving up being root is for good");
	test_system();
	test_scheduling();
	test_limits();
	tap_is(in_child(take_two_ids, NULL), 0, "setreuid and setregid change what they may");
	tap_is(in_child(take_file_ids, NULL), 0, "and so do setfsuid and setfsgid");
	test_unknown();
	return tap_done();
}
