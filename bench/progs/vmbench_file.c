/* SPDX-License-Identifier: MIT */
/* vmbench_file.c - the rows of vmbench about files and about address spaces of many areas. */
#include "vmbench.h"

#include <fcntl.h>
#include <stdlib.h>

#define NR_AREAS 10000UL
#define NR_FILE_PAGES (8 * MIB / PAGE)

static const char path[] = "/tmp/vmbench-file";
static char buffer[64 << 10] __attribute__((aligned(4096)));

/* A file of 8 MiB, wholly in memory. */
static int make_file(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	unlink(path);
	for (size_t done = 0; done < 8 * MIB; done += sizeof(buffer))
		if (write(fd, buffer, sizeof(buffer)) != sizeof(buffer))
			exit(1);
	return fd;
}

static double file_fault(int flags, int write, unsigned long step)
{
	int fd = make_file();
	char *at = mmap(NULL, 8 * MIB, RW, flags, fd, 0);
	double per_touch = write ? write_pages(at, 8 * MIB / step, step)
				 : read_pages(at, 8 * MIB / step, step);

	munmap(at, 8 * MIB);
	close(fd);
	return per_touch;
}

static double file_priv_read_fault(void)
{
	return file_fault(MAP_PRIVATE, 0, PAGE);
}

static double file_priv_read_fault_64Kstep(void)
{
	return file_fault(MAP_PRIVATE, 0, 64 << 10);
}

static double file_priv_write_fault(void)
{
	return file_fault(MAP_PRIVATE, 1, PAGE);
}

static double file_shared_read_fault(void)
{
	return file_fault(MAP_SHARED, 0, PAGE);
}

static double file_shared_read_fault_64Kstep(void)
{
	return file_fault(MAP_SHARED, 0, 64 << 10);
}

static double file_shared_write_fault(void)
{
	return file_fault(MAP_SHARED, 1, PAGE);
}

static double file_shared_munmap_8M(void)
{
	int fd = make_file();
	char *at = mmap(NULL, 8 * MIB, RW, MAP_SHARED, fd, 0);
	uint64_t begin;

	write_pages(at, NR_FILE_PAGES, PAGE);
	begin = ticks();
	munmap(at, 8 * MIB);
	begin = ticks() - begin;
	close(fd);
	return (double)begin / NR_FILE_PAGES;
}

static double file_mmap_munmap_1p(void)
{
	int fd = make_file();
	uint64_t begin = ticks();

	for (int i = 0; i < 100; i++)
		munmap(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), PAGE);
	begin = ticks() - begin;
	close(fd);
	return (double)begin / 100;
}

/* Read or write the whole file in blocks; ticks per call. */
static double stream(size_t size, int writing)
{
	int fd = make_file();
	unsigned long nr = 8 * MIB / size;
	uint64_t begin;

	lseek(fd, 0, SEEK_SET);
	begin = ticks();
	for (unsigned long i = 0; i < nr; i++)
		if ((writing ? write(fd, buffer, size) : read(fd, buffer, size)) != (ssize_t)size)
			exit(1);
	begin = ticks() - begin;
	close(fd);
	return (double)begin / (double)nr;
}

static double file_read_4K(void)
{
	return stream(4 << 10, 0);
}

static double file_read_64K(void)
{
	return stream(64 << 10, 0);
}

static double file_write_4K(void)
{
	return stream(4 << 10, 1);
}

static double file_write_64K(void)
{
	return stream(64 << 10, 1);
}

static double file_append_4K(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	uint64_t begin;

	unlink(path);
	begin = ticks();
	for (unsigned long i = 0; i < NR_FILE_PAGES; i++)
		if (write(fd, buffer, PAGE) != (ssize_t)PAGE)
			exit(1);
	begin = ticks() - begin;
	close(fd);
	return (double)begin / NR_FILE_PAGES;
}

static double file_truncate_8M(void)
{
	int fd = make_file();
	uint64_t begin = ticks();

	if (ftruncate(fd, 0))
		exit(1);
	begin = ticks() - begin;
	close(fd);
	return (double)begin / NR_FILE_PAGES;
}

static double msync_1p(void)
{
	int fd = make_file();
	char *at = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	uint64_t begin;

	*at = 1;
	begin = ticks();
	for (int i = 0; i < 100; i++)
		msync(at, PAGE, MS_SYNC);
	begin = ticks() - begin;
	munmap(at, PAGE);
	close(fd);
	return (double)begin / 100;
}

/* --- Ten thousand areas: every other one may be written, so that none can merge. --- */

static uint32_t shuffle_state;

static unsigned long below(unsigned long bound)
{
	shuffle_state = shuffle_state * 1664525 + 1013904223;
	return (unsigned long)(((uint64_t)shuffle_state * bound) >> 32);
}

static char *many_base;

static char *area_at(unsigned long i)
{
	return many_base + i * 2 * PAGE;
}

/* Areas of two pages each in an empty stretch; ticks per area. */
static double make_many(void)
{
	uint64_t begin;

	many_base = mmap(NULL, NR_AREAS * 2 * PAGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	munmap(many_base, NR_AREAS * 2 * PAGE);
	begin = ticks();
	for (unsigned long i = 0; i < NR_AREAS; i++)
		mmap(area_at(i), 2 * PAGE, i % 2 ? RW : RW | PROT_EXEC, ANON | MAP_FIXED, -1, 0);
	return since(begin) / NR_AREAS;
}

static void drop_many(void)
{
	munmap(many_base, NR_AREAS * 2 * PAGE);
}

static double vma10k_create(void)
{
	double per_area = make_many();

	drop_many();
	return per_area;
}

static double vma10k_destroy_rand(void)
{
	static unsigned int order[NR_AREAS];
	uint64_t begin;

	make_many();
	shuffle_state = 1;
	for (unsigned int i = 0; i < NR_AREAS; i++) {
		unsigned long j = below(i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	begin = ticks();
	for (unsigned long i = 0; i < NR_AREAS; i++)
		munmap(area_at(order[i]), 2 * PAGE);
	return since(begin) / NR_AREAS;
}

/* Write to pages chosen at random, each once at most: i * 4099 runs through all of 10,000 areas. */
static double rand_faults(void)
{
	uint64_t begin = ticks();

	for (unsigned long i = 0; i < 2000; i++)
		*(volatile char *)area_at(i * 4099 % NR_AREAS) = 1;
	return since(begin) / 2000;
}

static double vma10k_rand_fault(void)
{
	double per_fault;

	make_many();
	for (unsigned long i = 0; i < NR_AREAS; i += 128)
		*(volatile char *)(area_at(i) + PAGE) = 1;
	per_fault = rand_faults();
	drop_many();
	return per_fault;
}

static double vma1_rand_fault(void)
{
	double per_fault;

	many_base = map(NR_AREAS * 2 * PAGE);
	for (unsigned long i = 0; i < NR_AREAS; i += 128)
		*(volatile char *)(area_at(i) + PAGE) = 1;
	per_fault = rand_faults();
	drop_many();
	return per_fault;
}

static double vma10k_mmap_munmap(void)
{
	uint64_t begin;

	make_many();
	begin = ticks();
	for (int i = 0; i < 200; i++)
		munmap(map(PAGE), PAGE);
	begin = ticks() - begin;
	drop_many();
	return (double)begin / 200;
}

static double vma10k_fork_exit_wait(void)
{
	uint64_t begin;

	make_many();
	begin = ticks();
	if (!fork())
		_exit(0);
	wait(NULL);
	begin = ticks() - begin;
	drop_many();
	return (double)begin;
}

const struct row file_rows[] = {
	ROW(file_priv_read_fault), ROW(file_priv_read_fault_64Kstep), ROW(file_priv_write_fault),
	ROW(file_shared_read_fault), ROW(file_shared_read_fault_64Kstep),
	ROW(file_shared_write_fault), ROW(file_shared_munmap_8M), ROW(file_mmap_munmap_1p),
	ROW(file_read_4K), ROW(file_read_64K), ROW(file_write_4K), ROW(file_write_64K),
	ROW(file_append_4K), ROW(file_truncate_8M), ROW(msync_1p), ROW(vma10k_create),
	ROW(vma10k_destroy_rand), ROW(vma10k_rand_fault), ROW(vma1_rand_fault),
	ROW(vma10k_mmap_munmap), ROW(vma10k_fork_exit_wait),
};

const size_t nr_file_rows = sizeof(file_rows) / sizeof(file_rows[0]);
