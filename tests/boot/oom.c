/* SPDX-License-Identifier: MIT */
/* oom.c - what is promised is counted; when memory is gone the right program is ended, and where not more is promised, none is. */
#include "common.h"

#include <sys/klog.h>

#define MIB (1ul << 20)

/* As much memory as this is worth taking away from everybody. */
#define LARGEST_MACHINE_KB (1024 * 1024)

static long number_in(const char *file, const char *name)
{
	char line[256];
	long value = -1;
	FILE *f = fopen(file, "r");

	while (f && value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			value = atol(line + strlen(name));
	if (f)
		fclose(f);
	return value;
}

static int set(const char *file, long value)
{
	char text[32];
	int fd = open(file, O_WRONLY), len = snprintf(text, sizeof(text), "%ld", value), done;

	done = fd >= 0 && write(fd, text, (size_t)len) == len;
	close(fd);
	return done;
}

static void take_without_end(void *unused)
{
	(void)unused;
	for (;;) {
		char *area = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (area == MAP_FAILED)
			_exit(errno == ENOMEM ? 7 : 1);
		memset(area, 1, MIB);
	}
}

/* A child that holds so much and sleeps. */
static pid_t holder(size_t bytes, int adj)
{
	int ready[2];
	pid_t child;
	char c;

	if (pipe(ready))
		return -1;
	child = fork();
	if (!child) {
		char *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memset(area, 1, bytes);
		if (!set("/proc/self/oom_score_adj", adj) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	tap_is(read(ready[0], &c, 1), 1, "a program holds %zu MiB", bytes / MIB);
	close(ready[0]);
	return child;
}

static long score(pid_t pid)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/oom_score", (int)pid);
	return number_in(name, "");
}

/* 256 + the signal that it died of; 0: it lives. */
static int ended_by(pid_t pid)
{
	int status = 0;

	return waitpid(pid, &status, WNOHANG) == pid && WIFSIGNALED(status) ? 256 + WTERMSIG(status) : 0;
}

static void all_is_taken(void)
{
	long before = number_in("/proc/vmstat", "oom_kill ");
	pid_t kept = holder(24 * MIB, 0), given = holder(8 * MIB, 1000);
	static char log[1 << 18];
	int len;

	tap_ok(score(kept) > score((pid_t)1), "/proc/PID/oom_score: more than that of init, which is %ld", score((pid_t)1));
	tap_ok(score(given) > score(kept) + 500, "and oom_score_adj counts");
	tap_is(in_child(take_without_end, NULL), 256 + SIGKILL, "who takes all memory is killed");
	tap_is(ended_by(given), 256 + SIGKILL, "and before it who asked to go first");
	tap_is(ended_by(kept), 0, "another program lives on");
	tap_is(number_in("/proc/vmstat", "oom_kill ") - before, 2, "/proc/vmstat counts both");
	len = klogctl(3, log, sizeof(log) - 1);
	log[len > 0 ? len : 0] = 0;
	tap_ok(strstr(log, "Out of memory: Killed process ") != NULL, "the kernel says whom it killed");
	kill(kept, SIGKILL);
	waitpid(kept, NULL, 0);
}

/* A 32nd of its size is kept back from it, up to user_reserve_kbytes: here more than there is. */
static void takes_no_reserve(void *argument)
{
	long reserve = number_in("/proc/sys/vm/user_reserve_kbytes", "");
	int fd = memfd_create("reserve", 0), wrong = 0;
	char byte = 1;

	(void)argument;
	wrong |= mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
	wrong |= mmap(NULL, 1ul << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
	wrong |= !set("/proc/sys/vm/user_reserve_kbytes", 1l << 34);
	wrong |= mmap(NULL, PAGE, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED || errno != ENOMEM;
	wrong |= mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED || errno != ENOMEM;
	wrong |= write(fd, &byte, 1) != -1 || errno != ENOSPC;
	wrong |= !set("/proc/sys/vm/user_reserve_kbytes", reserve);
	_exit(wrong);
}

/* Not more is promised than there is, with what the kernel itself needs kept back: so all of it can be had. */
static void only_what_is_there(void)
{
	long before = number_in("/proc/vmstat", "oom_kill "), ratio = number_in("/proc/sys/vm/overcommit_ratio", "");

	tap_ok(set("/proc/sys/vm/overcommit_memory", 2) && set("/proc/sys/vm/overcommit_ratio", 60), "mode 2");
	tap_is(in_child(take_without_end, NULL), 7, "who takes all that is promised gets ENOMEM from mmap");
	tap_is(number_in("/proc/vmstat", "oom_kill ") - before, 0, "and nobody is killed");
	tap_is(in_child(takes_no_reserve, NULL), 0, "a large program leaves the user reserve alone, whatever it asks for");
	tap_ok(set("/proc/sys/vm/overcommit_memory", 0) && set("/proc/sys/vm/overcommit_ratio", ratio), "mode 0 again");
}

static void files_in_memory_count(void)
{
	static char pages[16 * PAGE];
	int fd = memfd_create("counted", 0);
	long before, with;

	before = number_in("/proc/meminfo", "Committed_AS:");
	tap_is(ftruncate(fd, 64 * PAGE), 0, "a memfd");
	tap_is(number_in("/proc/meminfo", "Committed_AS:") - before, 0, "of nothing but holes is nothing promised");
	tap_is(pwrite(fd, pages, sizeof(pages), 0), (long)sizeof(pages), "16 pages are written");
	with = number_in("/proc/meminfo", "Committed_AS:");
	tap_is(with - before, 64, "and are in Committed_AS");
	tap_is(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE), 0, "4 are punched out");
	tap_is(number_in("/proc/meminfo", "Committed_AS:") - with, -16, "and are not any more");
	close(fd);
	tap_is(number_in("/proc/meminfo", "Committed_AS:"), before, "nor is anything when the memfd is gone");
}

int main(void)
{
	if (number_in("/proc/meminfo", "MemTotal:") > LARGEST_MACHINE_KB)
		tap_skip_all("all memory of so large a machine is not taken away");
	tap_plan(0);
	files_in_memory_count();
	all_is_taken();
	only_what_is_there();
	return tap_done();
}
