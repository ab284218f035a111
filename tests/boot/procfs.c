/* SPDX-License-Identifier: MIT */
/* procfs.c - the figures in /proc are true and add up, also after a storm of forks. */
#include "common.h"

#define MIB (1L << 20)

static long page_kib = PAGE / 1024;

struct zones {
	long present, managed, free, pcp;
};

/* Add up what /proc/zoneinfo says of all zones, in pages. */
static struct zones read_zones(void)
{
	FILE *file = fopen("/proc/zoneinfo", "r");
	struct zones sum = { 0, 0, 0, 0 };
	char line[256];
	long value;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " present %ld", &value) == 1)
			sum.present += value;
		else if (sscanf(line, " managed %ld", &value) == 1)
			sum.managed += value;
		else if (sscanf(line, " pages free %ld", &value) == 1)
			sum.free += value;
		else if (sscanf(line, " count: %ld", &value) == 1)
			sum.pcp += value;
	}
	if (file)
		fclose(file);
	return sum;
}

static long buddy_pages(void)
{
	FILE *file = fopen("/proc/buddyinfo", "r");
	char line[512];
	long sum = 0;

	while (file && fgets(line, sizeof(line), file)) {
		char *at = strstr(line, "zone");
		char *word = at ? strtok(at + 4, " \n") : NULL;

		for (int order = 0; word && (word = strtok(NULL, " \n")); order++)
			sum += atol(word) << order;
	}
	if (file)
		fclose(file);
	return sum;
}

static void test_sums(const char *when)
{
	long best = LONG_MAX;
	struct zones zones = read_zones();

	tap_is(figure("/proc/meminfo", "MemTotal"), zones.managed * page_kib,
	       "MemTotal is what all zones manage, %s", when);
	tap_ok(zones.managed <= zones.present, "which is part of what is present");
	/* The files are read one after the other, so that a page may move in between. */
	for (int i = 0; i < 20 && best; i++) {
		long buddy = buddy_pages(), free;

		zones = read_zones();
		free = figure("/proc/vmstat", "nr_free_pages");
		if (labs(buddy + zones.pcp - free) < best)
			best = labs(buddy + zones.pcp - free);
	}
	tap_is(best, 0, "buddyinfo and the per-CPU lists add up to nr_free_pages, %s", when);
	tap_ok(labs(figure("/proc/meminfo", "MemFree") / page_kib -
		    figure("/proc/vmstat", "nr_free_pages")) < 512,
	       "MemFree is the same, %s", when);
}

static void storm(void)
{
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 20; i++) {
			if (fork())
				continue;
			char *area = mmap(NULL, MIB / 4, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			memset(area, i, MIB / 4);
			_exit(0);
		}
		while (wait(NULL) > 0)
			;
	}
}

static void test_storm(void)
{
	long before, after;

	storm();
	before = figure("/proc/meminfo", "MemFree");
	storm();
	storm();
	after = figure("/proc/meminfo", "MemFree");
	tap_ok(before - after < 1024, "a storm of forks loses no memory (%ld KiB)", before - after);
}

static void test_own_memory(void)
{
	long before = figure("/proc/self/status", "VmRSS"), after, size;
	long total_before = figure("/proc/meminfo", "MemFree");
	char *area = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	size = figure("/proc/self/status", "VmSize");
	memset(area, 1, 16 * MIB);
	after = figure("/proc/self/status", "VmRSS");
	tap_ok(after - before >= 16 * 1024 && after - before < 17 * 1024,
	       "VmRSS grows by what is touched (%ld KiB of 16384)", after - before);
	tap_ok(size > 16 * 1024 && size < 64 * 1024, "VmSize counts it (%ld KiB)", size);
	tap_ok(total_before - figure("/proc/meminfo", "MemFree") >= 15 * 1024, "MemFree sinks");
	munmap(area, 16 * MIB);
	tap_ok(figure("/proc/self/status", "VmRSS") < before + 1024, "VmRSS falls when it goes");
}

static void test_maps(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	int nr_stack = 0, nr_program = 0, nr_found = 0, nr_disorder = 0, nr_lines = 0;
	unsigned long start, end, last = 0;
	char rights[8], line[512];
	char *area = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3)
			nr_disorder++;
		nr_disorder += start < last || end <= start;
		last = end;
		nr_stack += strstr(line, "[stack]") && !strncmp(rights, "rw", 2);
		nr_program += strstr(line, "/procfs") && rights[2] == 'x';
		nr_found += start == (unsigned long)area && end == start + 3 * PAGE &&
			    !strcmp(rights, "r--s");
		nr_lines++;
	}
	if (file)
		fclose(file);
	tap_ok(nr_lines > 3 && !nr_disorder, "maps lists areas in order");
	tap_is(nr_stack, 1, "one of them is the stack");
	tap_is(nr_program, 1, "one is the program's code");
	tap_is(nr_found, 1, "one is what has just been mapped");
}

static void read_whole(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = read(fd, text, size - 1);

	text[got > 0 ? got : 0] = 0;
	close(fd);
}

static void test_own_files(void)
{
	char text[4096], state, link[256] = "";
	int pid = 0, parent = 0;
	long size, resident;

	read_whole("/proc/self/stat", text, sizeof(text));
	tap_ok(sscanf(text, "%d (procfs) %c %d", &pid, &state, &parent) == 3, "stat has its fields");
	tap_ok(pid == getpid() && parent == getppid() && state == 'R', "and they are right");
	read_whole("/proc/self/statm", text, sizeof(text));
	tap_ok(sscanf(text, "%ld %ld", &size, &resident) == 2 && resident > 0 && size >= resident,
	       "statm");
	read_whole("/proc/self/comm", text, sizeof(text));
	tap_is_str(text, "procfs\n", "comm");
	tap_ok(readlink("/proc/self/exe", link, sizeof(link) - 1) > 0 && strstr(link, "procfs"),
	       "exe");
	tap_ok(readlink("/proc/self/fd/0", link, sizeof(link) - 1) > 0, "fd/0");
	tap_is(figure("/proc/self/status", "Pid"), getpid(), "status knows the process");
	tap_is(figure("/proc/self/status", "Threads"), 1, "and its threads");
	fails(open("/proc/999999/stat", O_RDONLY), ENOENT, "there is no process 999999");
	fails(open("/proc/self/none", O_RDONLY), ENOENT, "nor a file of any name");
	tap_ok(open("/proc/new", O_CREAT | O_RDWR, 0600) < 0, "nor can one be made");
}

/* Every file can be read to its end, at any offset, without harm. */
static void test_read_everything(void)
{
	static const char *const files[] = {
		"meminfo", "zoneinfo", "buddyinfo", "vmstat", "iomem", "slabinfo", "cpuinfo",
		"stat", "uptime", "loadavg", "mounts", "filesystems", "version", "cmdline",
		"swaps", "self/maps", "self/status", "self/stat", "self/statm", "self/cmdline",
		"self/environ", "self/limits", "self/oom_score_adj",
	};
	char path[64], text[1024];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		long total = 0;
		ssize_t got;
		int fd;

		snprintf(path, sizeof(path), "/proc/%s", files[i]);
		fd = open(path, O_RDONLY);
		while ((got = read(fd, text, 1 + i * 40)) > 0 && total < 1 << 22)
			total += got;
		tap_ok(fd >= 0 && got == 0, "%s can be read (%ld bytes)", path, total);
		if (fd >= 0)
			close(fd);
	}
}

/* panic= on the command line, and what is written later. */
static void test_panic_timeout(void)
{
	static const char path[] = "/proc/sys/kernel/panic";
	char was[64], now[64];
	int fd = open(path, O_RDWR);

	read_whole(path, was, sizeof(was));
	tap_is_str(was, "-1\n", "kernel/panic is what the command line says");
	tap_is(write(fd, "7", 1), 1, "another is written");
	read_whole(path, now, sizeof(now));
	tap_is_str(now, "7\n", "and read");
	fails(write(fd, "soon", 4), EINVAL, "but no word");
	tap_is(pwrite(fd, was, strlen(was), 0), (long)strlen(was), "back again");
	close(fd);
}

int main(void)
{
	tap_plan(0);
	test_own_files();
	test_maps();
	test_own_memory();
	test_read_everything();
	test_panic_timeout();
	test_sums("at rest");
	test_storm();
	test_sums("after a storm of forks");
	return tap_done();
}
