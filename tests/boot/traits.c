/* SPDX-License-Identifier: MIT */
/* traits.c - what prctl sets for a whole address space: who may look on, no new code, no huge pages; and who inherits it. */
#include "faults.h"

#include <stdbool.h>
#include <sys/ipc.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define RWX (RW | PROT_EXEC)
enum { SET_THP = 41, GET_THP, SET_MDWE = 65, GET_MDWE, GET_AUXV = 0x41555856 };

static long control(long option, unsigned long a, unsigned long b, unsigned long c)
{
	return syscall(SYS_prctl, option, a, b, c, 0ul);
}

static char *map(int prot)
{
	return mmap(NULL, PAGE, prot, ANON, -1, 0);
}

static void looks_on(void *argument)
{
	char path[64];
	int fd;

	if (setgid(1000) || setuid(1000))
		_exit(100);
	/* Whoever changes rights hides; a child of its own shows itself again. */
	prctl(PR_SET_DUMPABLE, 1);
	snprintf(path, sizeof(path), "/proc/%d/maps", *(int *)argument);
	fd = open(path, O_RDONLY);
	_exit(fd >= 0 ? 0 : errno);
}

static void changes_user(void *argument)
{
	(void)argument;
	if (setgid(1000) || setuid(1000))
		_exit(100);
	_exit(prctl(PR_GET_DUMPABLE));
}

static void hides(void *argument)
{
	(void)argument;
	prctl(PR_SET_DUMPABLE, 0);
	_exit(0);
}

static void test_dumpable(void)
{
	pid_t child;
	struct stat st;
	int pid;

	tap_is(prctl(PR_GET_DUMPABLE), 1, "a program can be looked at");
	fails(prctl(PR_SET_DUMPABLE, 2), EINVAL, "root alone may not be asked for");
	tap_is(in_child(hides, NULL), 0, "a child that hides");
	tap_is(prctl(PR_GET_DUMPABLE), 1, "hides itself only");
	child = vfork();
	if (!child) {
		prctl(PR_SET_DUMPABLE, 0);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	tap_is(prctl(PR_GET_DUMPABLE), 0, "one that runs on the same memory hides that");
	tap_ok(stat("/proc/self/maps", &st) == 0 && st.st_uid == 0, "what it tells belongs to root");
	prctl(PR_SET_DUMPABLE, 1);
	tap_is(in_child(changes_user, NULL), 0, "whoever becomes another user hides");
	pid = getpid();
	tap_ok(in_child(looks_on, &pid) != 0, "that other sees nothing of this one");
}

static void thp_child(void *argument)
{
	(void)argument;
	_exit((int)control(GET_THP, 0, 0, 0));
}

static void test_no_huge_pages(void)
{
	tap_is(control(GET_THP, 0, 0, 0), 0, "huge pages are not forbidden");
	tap_is(control(SET_THP, 1, 0, 0), 0, "they are");
	tap_is(control(GET_THP, 0, 0, 0), 1, "which can be asked for");
	tap_is(in_child(thp_child, NULL), 1, "and is inherited");
	fails(control(SET_THP, 1, 1, 0), EINVAL, "no such exception");
	fails(control(SET_THP, 0, 2, 0), EINVAL, "exceptions from nothing");
	fails(control(SET_THP, 1, 0, 1), EINVAL, "an argument too many");
	fails(control(GET_THP, 1, 0, 0), EINVAL, "there as well");
	tap_is(control(SET_THP, 0, 0, 0), 0, "allowed again");
	tap_is(control(GET_THP, 0, 0, 0), 0, "they are");
}

static void test_auxv(void)
{
	unsigned long vector[128] = { 0 }, page = 0;
	long bytes = control(GET_AUXV, (unsigned long)vector, sizeof(vector), 0);

	for (long i = 0; i < bytes / 16; i++)
		if (vector[2 * i] == 6)
			page = vector[2 * i + 1];
	tap_is(page, PAGE, "the auxiliary vector has the page size");
	tap_is(control(GET_AUXV, 0, 0, 0), bytes, "its length alone");
	fails(control(GET_AUXV, 8, 16, 0), EFAULT, "to nowhere");
	fails(control(GET_AUXV, (unsigned long)vector, 16, 1), EINVAL, "and no more");
}

static void mdwe_child(void *argument)
{
	_exit((int)control(GET_MDWE, 0, 0, 0) != *(int *)argument || (map(RWX) == MAP_FAILED) != (*(int *)argument != 0));
}

/* In a child: it is for good. */
static void denies(void *argument)
{
	char *p = map(RW), *code = map(RX), *file;
	int fd = (int)syscall(SYS_memfd_create, "traits", 0), id = shmget(IPC_PRIVATE, PAGE, 0700), one = 1;

	(void)argument;
	tap_is(control(SET_MDWE, 1, 0, 0), 0, "no code from now on");
	tap_is(control(GET_MDWE, 0, 0, 0), 1, "it says so");
	fails(map(RWX), EACCES, "what can be written and run");
	tap_ok(map(RX) != MAP_FAILED, "what can only be run is there from the beginning");
	fails(mprotect(p, PAGE, RX), EACCES, "but not made of data");
	fails(mprotect(code, PAGE, RWX), EACCES, "nor written");
	tap_is(mprotect(code, PAGE, RX), 0, "it stays");
	tap_is(mprotect(code, PAGE, PROT_READ), 0, "and may cease");
	fails(mprotect(code, PAGE, RX), EACCES, "for good");
	fails(mmap(NULL, PAGE, RWX, MAP_SHARED, fd, 0), EACCES, "no file's either");
	file = mmap(NULL, PAGE, RX, MAP_SHARED, fd, 0);
	tap_ok(file != MAP_FAILED, "that is only run");
	fails(shmat(id, NULL, SHM_EXEC), EACCES, "nor a segment's");
	shmctl(id, IPC_RMID, NULL);
	fails(control(SET_MDWE, 0, 0, 0), EPERM, "it cannot be taken back");
	fails(control(SET_MDWE, 3, 0, 0), EPERM, "nor changed");
	tap_is(control(SET_MDWE, 1, 0, 0), 0, "only said again");
	tap_is(in_child(mdwe_child, &one), 0, "a child inherits it");
	personality(READ_IMPLIES_EXEC);
	fails(map(RW), EACCES, "whoever runs what can be read can write nothing");
}

/* The same, but its children may. */
static void denies_alone(void *argument)
{
	int none = 0;
	bool alone;

	(void)argument;
	alone = control(SET_MDWE, 3, 0, 0) == 0 && control(GET_MDWE, 0, 0, 0) == 3 && map(RWX) == MAP_FAILED && errno == EACCES;
	_exit(!alone || in_child(mdwe_child, &none) != 0);
}

static void test_no_new_code(void)
{
	fails(control(SET_MDWE, 2, 0, 0), EINVAL, "nothing to inherit");
	fails(control(SET_MDWE, 8, 0, 0), EINVAL, "no such wish");
	fails(control(SET_MDWE, 1, 1, 0), EINVAL, "an argument too many");
	fails(control(GET_MDWE, 1, 0, 0), EINVAL, "there as well");
	tap_is(control(SET_MDWE, 0, 0, 0), 0, "nothing is wished");
	tap_is(in_child(denies_alone, NULL), 0, "no code from now on, but not for children");
	denies(NULL);
}

static void data_limit(void *argument)
{
	struct rlimit limit = { 0, RLIM_INFINITY };

	(void)argument;
	setrlimit(RLIMIT_DATA, &limit);
	if (map(RW) == MAP_FAILED)
		_exit(1);
	limit.rlim_max = 0;
	setrlimit(RLIMIT_DATA, &limit);
	_exit(map(RW) == MAP_FAILED && errno == ENOMEM ? 0 : 2);
}

int main(void)
{
	tap_plan(0);
	test_dumpable();
	test_no_huge_pages();
	test_auxv();
	tap_is(in_child(data_limit, NULL), 0, "a soft limit of no data at all stands for the hard one");
	test_no_new_code();
	return tap_done();
}
