/* SPDX-License-Identifier: MIT */
/* migrate.c - memory is compacted under threads that use it: every page moves or stays, and nobody notices. */
#include "common.h"

#include <pthread.h>
#include <stdatomic.h>

#define WRITERS 2
#define PAGES 3000ul /* of each writer, of which every fourth stays */
#define KEEP 4
#define ROUNDS 2

struct writer {
	char *area;
	pthread_t thread;
	unsigned long wrong, laps;
};

static atomic_int stop;

static unsigned long vmstat(const char *name)
{
	FILE *file = fopen("/proc/vmstat", "r");
	unsigned long value = 0, found = 0;
	char key[64];

	while (file && fscanf(file, "%63s %lu", key, &value) == 2)
		if (!strcmp(key, name))
			found = value;
	if (file)
		fclose(file);
	return found;
}

static int compact(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY), done = fd >= 0 && write(fd, "1\n", 2) == 2;

	if (fd >= 0)
		close(fd);
	return done;
}

/* Raises the counter at the start of each page, and looks at the one at its end, which it wrote the lap before. */
static void *write_on(void *arg)
{
	struct writer *w = arg;

	while (!atomic_load(&stop)) {
		for (unsigned long i = 0; i < PAGES; i += KEEP) {
			unsigned long *first = (unsigned long *)(w->area + i * PAGE), *last = first + PAGE / sizeof(long) - 1;

			w->wrong += *first != w->laps || *last != w->laps + i;
			*first = w->laps + 1;
			*last = w->laps + 1 + i;
		}
		w->laps++;
	}
	return NULL;
}

static void fill(struct writer *w)
{
	w->area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned long i = 0; i < PAGES; i++)
		*(unsigned long *)(w->area + i * PAGE + PAGE - sizeof(long)) = i;
	/* Its blocks of memory are mostly empty from now on. */
	for (unsigned long i = 0; i < PAGES; i++)
		if (i % KEEP)
			madvise(w->area + i * PAGE, PAGE, MADV_DONTNEED);
}

/* Forks while pages move: the child's copies are of one moment. */
static int fork_sees_one_moment(struct writer *w)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (unsigned long i = 0; i < PAGES; i += KEEP) {
			unsigned long *first = (unsigned long *)(w->area + i * PAGE), *last = first + PAGE / sizeof(long) - 1;

			/* The writer was done with the page, or between its two words. */
			if (*last != *first + i && *last + 1 != *first + i)
				_exit(1);
			*first = ~0ul;
		}
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
	struct writer writers[WRITERS] = {{ 0 }};
	unsigned long before = vmstat("pgmigrate_success"), wrong = 0, laps = 0;
	int compacted = 1, forks = 1;

	tap_plan(0);
	for (int i = 0; i < WRITERS; i++)
		fill(&writers[i]);
	for (int i = 0; i < WRITERS; i++)
		pthread_create(&writers[i].thread, NULL, write_on, &writers[i]);
	for (int round = 0; round < ROUNDS; round++) {
		char *hole = mmap(NULL, 512 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		compacted &= compact();
		forks &= fork_sees_one_moment(&writers[round % WRITERS]);
		munmap(hole, 512 * PAGE);
	}
	atomic_store(&stop, 1);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		wrong += writers[i].wrong;
		laps += writers[i].laps;
	}
	tap_ok(compacted, "memory is compacted %d times", ROUNDS);
	tap_ok(vmstat("pgmigrate_success") > before + 100, "pages moved: %lu", vmstat("pgmigrate_success") - before);
	tap_is(wrong, 0, "under threads that wrote them %lu times, and lost nothing", laps);
	tap_ok(forks, "forks meanwhile");
	return tap_done();
}
