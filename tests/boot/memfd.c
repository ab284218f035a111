/* SPDX-License-Identifier: MIT */
/* memfd.c - files of memory: their flags, their seals, and room that is asked for and not to be had. */
#include "faults.h"

#include <sys/mount.h>
#include <sys/statfs.h>

#define RW (PROT_READ | PROT_WRITE)
enum { ADD_SEALS = 1033, GET_SEALS };
enum { SEAL = 1, SHRINK = 2, GROW = 4, WRITE = 8, FUTURE_WRITE = 16, EXEC = 32 };
enum { ALLOW_SEALING = 2, HUGETLB = 4, NOEXEC_SEAL = 8 };
#define HUGE_SIZE(log2) ((unsigned int)(log2) << 26)

static int create(unsigned int flags)
{
	return (int)syscall(SYS_memfd_create, "memfd", flags);
}

static char *map(int fd, int prot)
{
	return mmap(NULL, PAGE, prot, MAP_SHARED, fd, 0);
}

static void test_flags(void)
{
	fails(create(0x20), EINVAL, "no such flag");
	fails(create(HUGE_SIZE(21)), EINVAL, "a size of pages for none");
	fails(create(HUGETLB | HUGE_SIZE(17)), ENODEV, "pages of a size that there is not");
	fails(create(NOEXEC_SEAL | 0x10), EINVAL, "to be run, and not");
	tap_is(fcntl(create(0), GET_SEALS), SEAL, "without leave there are no seals");
	tap_is(fcntl(create(ALLOW_SEALING), GET_SEALS), 0, "with it none yet");
	tap_is(fcntl(create(NOEXEC_SEAL), GET_SEALS), EXEC, "and one for what is never to be run");
}

static void test_exec_seal(void)
{
	int fd = create(NOEXEC_SEAL), program = create(ALLOW_SEALING);

	tap_is(fchmod(fd, 0644), 0, "who may read it can change");
	fails(fchmod(fd, 0744), EPERM, "but not to running it");
	tap_is(fcntl(program, ADD_SEALS, EXEC), 0, "a program is sealed");
	tap_is(fcntl(program, GET_SEALS), EXEC | SHRINK | GROW | WRITE | FUTURE_WRITE, "against all that changes it");
	fails(fchmod(program, 0700), EPERM, "and run by the same as before");
	tap_is(fchmod(program, 0711), 0, "whoever may read it");
	close(fd);
	close(program);
}

static void test_write_seal(void)
{
	int fd = create(ALLOW_SEALING);
	char *p, line[512];
	FILE *maps;

	if (ftruncate(fd, (off_t)PAGE))
		tap_diag("no room");
	p = map(fd, RW);
	fails(fcntl(fd, ADD_SEALS, WRITE), EBUSY, "what is mapped for writing");
	tap_is(fcntl(fd, ADD_SEALS, FUTURE_WRITE), 0, "but nobody else");
	tap_is(touch(p, 'w'), 0, "who has it writes on");
	fails(map(fd, RW), EPERM, "nobody maps it so");
	fails(pwrite(fd, "x", 1, 0), EPERM, "or writes it");
	munmap(p, PAGE);
	tap_is(fcntl(fd, ADD_SEALS, WRITE), 0, "then it is");
	p = map(fd, PROT_READ);
	tap_is(*p, 'w', "it can be read");
	fails(mprotect(p, PAGE, RW), EACCES, "for good");
	maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps) && !strstr(line, "/memfd:memfd"))
		;
	fclose(maps);
	tap_ok(strstr(line, "r--s"), "and is shared");
	munmap(p, PAGE);
	close(fd);
}

static long blocks(int fd)
{
	struct stat st;

	fstat(fd, &st);
	return (long)st.st_blocks / 8;
}

/* Ten blocks, of which the file has four that are not in a row. */
static void test_no_room(void)
{
	static const char path[] = "/tmp/memfd-room";
	struct statfs left;
	int fd;

	mkdir("/tmp", 0755);
	mkdir(path, 0755);
	if (mount("room", path, "tmpfs", 0, "size=40k")) {
		tap_diag("no tmpfs can be mounted");
		return;
	}
	fd = open("/tmp/memfd-room/file", O_RDWR | O_CREAT, 0600);
	for (int i = 0; i < 4; i++)
		tap_is(pwrite(fd, "x", 1, 3 * i * (off_t)PAGE), 1, "block %d", 3 * i);
	fails(fallocate(fd, 0, 0, 20 * (off_t)PAGE), ENOSPC, "more than there is");
	tap_is(blocks(fd), 4, "leaves nothing behind");
	tap_ok(statfs(path, &left) == 0 && left.f_bfree == 6, "all room is free again");
	tap_is(lseek(fd, 0, SEEK_END), 9 * (long)PAGE + 1, "and the size what it was");
	tap_is(fallocate(fd, 1, 0, 10 * (off_t)PAGE), 0, "what there is");
	tap_is(blocks(fd), 10, "is taken");
	close(fd);
	umount(path);
	rmdir(path);
}

int main(void)
{
	tap_plan(0);
	catch_faults();
	test_flags();
	test_exec_seal();
	test_write_seal();
	test_no_room();
	return tap_done();
}
