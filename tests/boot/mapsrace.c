/* SPDX-License-Identifier: MIT */
/*
 * mapsrace.c - maps, smaps and numa_maps are whole while the process maps, unmaps, protects and forks as fast as it can. Linux 6.18
 * tells a range twice in smaps, when it grew down over what was told already.
 */
#include "common.h"

#include <pthread.h>

/* Posts stand for good, AREA bytes apart; between them two threads change everything, each at every other post. */
#define POSTS 40ul
#define AREA (8 * PAGE)
#define SECONDS 1

enum fault { TORN = 1, TWICE = 2, MISSING = 4, UNREADABLE = 8 };

static char *base;
static int stop;

static void change(char *area, unsigned int what)
{
	switch (what & 3) {
	case 0:
		mmap(area, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		area[0] = 1;
		break;
	case 1:
		munmap(area, 4 * PAGE);
		break;
	case 2:
		mprotect(area, 2 * PAGE, PROT_READ);
		break;
	default:
		mmap(area + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
}

static void *change_without_end(void *argument)
{
	unsigned long who = (unsigned long)argument;
	unsigned int random = (unsigned int)who + 1;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		random = random * 1103515245 + 12345;
		change(base + ((random >> 16) % (POSTS / 2) * 2 + who) * AREA + 2 * PAGE, random >> 8);
		if (!who && (random >> 20) % 64 == 0)
			in_child((void (*)(void *))(uintptr_t)_exit, NULL);
	}
	return NULL;
}

static long read_all(const char *name, char *buf, size_t size, size_t chunk)
{
	char path[64];
	long got, len = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_RDONLY);
	while ((got = read(fd, buf + len, chunk < size - (size_t)len - 1 ? chunk : size - (size_t)len - 1)) > 0)
		len += got;
	close(fd);
	buf[len] = 0;
	return got < 0 ? -1 : len;
}

/* The range in a line that begins one: 0 for other lines. numa_maps tells no end. */
static int range_of(const char *line, int has_end, unsigned long *start, unsigned long *end)
{
	char *rest;

	*start = strtoul(line, &rest, 16);
	if (rest - line < 8)
		return 0;
	*end = *start + 1;
	if (has_end)
		*end = *rest == '-' ? strtoul(rest + 1, NULL, 16) : 0;
	return 1;
}

static int look(const char *name, size_t chunk)
{
	static char text[1 << 20];
	int seen[POSTS] = { 0 }, bad = 0, has_end = strcmp(name, "numa_maps") != 0;
	unsigned long start, end, last = 0;
	char *line, *rest = NULL;

	if (read_all(name, text, sizeof(text), chunk) <= 0)
		return UNREADABLE;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!range_of(line, has_end, &start, &end))
			continue;
		bad |= end <= start ? TORN : start < last ? TWICE : 0;
		last = end;
		for (unsigned long i = 0; i < POSTS; i++)
			seen[i] += start <= (unsigned long)base + i * AREA && (unsigned long)base + i * AREA < end;
	}
	for (unsigned long i = 0; i < POSTS; i++)
		bad |= !seen[i] ? MISSING : seen[i] > 1 ? TWICE : 0;
	return bad;
}

int main(void)
{
	static const struct {
		const char *name;
		size_t chunk;
	} files[] = { { "maps", 777 }, { "maps", 65536 }, { "smaps", 65536 }, { "numa_maps", 4096 } };
	int bad[ARRAY_SIZE(files)] = { 0 }, rounds = 0;
	pthread_t threads[2];
	time_t end;

	tap_plan(0);
	base = mmap(NULL, POSTS * AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(base, POSTS * AREA);
	for (unsigned long i = 0; i < POSTS; i++)
		mmap(base + i * AREA, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (unsigned long i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, change_without_end, (void *)i);
	for (end = time(NULL) + SECONDS; rounds < 3 || time(NULL) <= end; rounds++)
		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			bad[i] |= look(files[i].name, files[i].chunk);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		tap_is(bad[i], 0, "%s, %zu bytes at a time: every post once, nothing torn or told twice",
		       files[i].name, files[i].chunk);
	return tap_done();
}
