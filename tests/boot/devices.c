/* SPDX-License-Identifier: MIT */
/* devices.c - the devices that every program expects, and files that live in memory only. */
#include "common.h"

#include <sys/sysmacros.h>

static void test_device(const char *path, unsigned int major_wanted, unsigned int minor_wanted)
{
	struct stat st;

	tap_is(stat(path, &st), 0, "%s exists", path);
	tap_ok(S_ISCHR(st.st_mode) && major(st.st_rdev) == major_wanted &&
		       minor(st.st_rdev) == minor_wanted,
	       "as device %u:%u", major_wanted, minor_wanted);
}

static void test_null_zero_full(void)
{
	static char block[3 * PAGE];
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
	int full = open("/dev/full", O_RDWR), nr_set = 0;
	char *area;

	tap_is(read(null, block, 10), 0, "/dev/null is empty");
	tap_is(write(null, block, sizeof(block)), sizeof(block), "and takes everything");
	memset(block, 1, sizeof(block));
	tap_is(read(zero, block, sizeof(block)), sizeof(block), "/dev/zero never ends");
	for (size_t i = 0; i < sizeof(block); i++)
		nr_set += block[i];
	tap_is(nr_set, 0, "and is full of zeros");
	fails(write(full, block, 1), ENOSPC, "/dev/full is full");
	area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
	tap_ok(area != MAP_FAILED && !area[PAGE], "/dev/zero can be mapped");
	area[PAGE] = 1;
	close(null);
	close(zero);
	close(full);
}

static void test_random(const char *path)
{
	unsigned char bytes[4096];
	int fd = open(path, O_RDONLY), seen[256] = { 0 }, nr_seen = 0;

	tap_is(read(fd, bytes, sizeof(bytes)), sizeof(bytes), "%s gives bytes", path);
	for (size_t i = 0; i < sizeof(bytes); i++)
		seen[bytes[i]]++;
	for (int i = 0; i < 256; i++)
		nr_seen += seen[i] > 0 && seen[i] < 64;
	tap_ok(nr_seen > 250, "that look random");
	close(fd);
}

static void test_memfd(void)
{
	int fd = (int)syscall(SYS_memfd_create, "name", 1 /* MFD_CLOEXEC */);
	char *area;

	tap_ok(fd >= 0 && !ftruncate(fd, 2 * PAGE), "memfd_create");
	area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	area[PAGE] = 'm';
	tap_ok(pread(fd, area, 1, PAGE) == 1 && area[0] == 'm', "is a file in memory");
	munmap(area, 2 * PAGE);
	close(fd);
	fails(syscall(SYS_memfd_create, "name", 0x8000), EINVAL, "no such flag");
}

static void test_kmsg(void)
{
	char line[2048];
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ssize_t got = read(fd, line, sizeof(line) - 1);

	line[got > 0 ? got : 0] = 0;
	tap_ok(got > 0 && strchr(line, ';') && strchr(line, '\n'),
	       "/dev/kmsg gives records of the kernel's log");
	close(fd);
}

int main(void)
{
	tap_plan(0);
	test_device("/dev/null", 1, 3);
	test_device("/dev/zero", 1, 5);
	test_device("/dev/full", 1, 7);
	test_device("/dev/random", 1, 8);
	test_device("/dev/urandom", 1, 9);
	test_device("/dev/tty", 5, 0);
	test_device("/dev/console", 5, 1);
	test_device("/dev/ptmx", 5, 2);
	test_null_zero_full();
	test_random("/dev/random");
	test_random("/dev/urandom");
	test_memfd();
	if (!access("/tests/run", F_OK))
		test_kmsg();
	return tap_done();
}
