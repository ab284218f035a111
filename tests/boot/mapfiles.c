/* SPDX-License-Identifier: MIT */
/* mapfiles.c - /proc/PID/numa_maps, map_files, and reading maps and smaps in pieces. */
#include "common.h"

#include <dirent.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#define NAME "/tmp/a file"

static char line[8192];

/* The line of numa_maps that begins with the address. */
static const char *numa_line(const void *address)
{
	FILE *file = fopen("/proc/self/numa_maps", "r");
	char wanted[32];
	size_t len = (size_t)snprintf(wanted, sizeof(wanted), "%08lx ", (unsigned long)address);

	*line = 0;
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, wanted, len))
			break;
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = 0;
	return strncmp(line, wanted, len) ? "" : line + len;
}

static void say_numa(void *address)
{
	_exit(strstr(numa_line(address), " mapmax=2 ") != NULL);
}

static void test_numa_maps(int fd)
{
	char *anon = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *map = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	volatile char sink;

	mprotect(anon + 6 * PAGE, PAGE, PROT_READ); /* so that nothing merges behind it */
	tap_is_str(numa_line(anon), "default", "a VMA without pages has no figures");
	anon[0] = anon[PAGE] = anon[5 * PAGE] = 1;
	tap_ok(!strncmp(numa_line(anon), "default anon=3 dirty=3 ", 23), "pages written are counted");
	tap_ok(strstr(numa_line(anon), " N0=3 kernelpagesize_kB=4") != NULL, "on their node");
	sink = map[0];
	tap_ok(!strncmp(numa_line(map), "default file=/tmp/a\\040file ", 28), "a path is one word");
	tap_ok(strstr(line, " dirty=1 ") && strstr(line, " N0=1 ") && !strstr(line, "anon="),
	       "its page is the file's");
	tap_is(in_child(say_numa, anon), 1, "shared with a child they say by how many");
	tap_ok(strstr(numa_line(anon), "mapmax") == NULL, "and not when it has gone");
	(void)sink;
	munmap(anon, 8 * PAGE);
	munmap(map, 3 * PAGE);
}

static void test_map_files(int fd)
{
	char *map = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	char path[128], target[128], data[8] = "", none[128];
	struct stat by_link, by_fd;
	DIR *dir = opendir("/proc/self/map_files");
	struct dirent *entry;
	int nr = 0, seen = 0, opened;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)map,
		 (unsigned long)map + 3 * PAGE);
	snprintf(none, sizeof(none), "/proc/self/map_files/%lx-%lx", (unsigned long)map,
		 (unsigned long)map + 2 * PAGE);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			nr++;
			seen += !strcmp(entry->d_name, strrchr(path, '/') + 1);
		}
	tap_ok(nr >= 2 && seen == 1, "map_files lists the mappings of files, among them this");
	len = readlink(path, target, sizeof(target) - 1);
	target[len < 0 ? 0 : len] = 0;
	tap_is_str(target, NAME, "a link leads to the file");
	tap_is(lstat(path, &by_link), 0, "it has attributes");
	tap_is(by_link.st_mode, S_IFLNK | 0600, "and the rights of the opening");
	tap_ok(!stat(path, &by_link) && !fstat(fd, &by_fd) && by_link.st_ino == by_fd.st_ino,
	       "it is the same file");
	fails(lstat(none, &by_link), ENOENT, "another range is not there");
	fails(lstat("/proc/self/map_files/0-0", &by_link), ENOENT, "nor what is no range");
	unlink(NAME);
	opened = open(path, O_RDONLY);
	tap_ok(opened >= 0 && pread(opened, data, 5, 0) == 5 && !strcmp(data, "hello"),
	       "a file without a name is reached through its mapping");
	close(opened);
	munmap(map, 3 * PAGE);
	fails(lstat(path, &by_link), ENOENT, "the link goes with the mapping");
	if (dir)
		closedir(dir);
}

static void as_nobody(void *path)
{
	char target[128];
	int fd;

	if (setresuid(1000, 1000, 1000))
		_exit(1);
	fd = open(path, O_RDONLY);
	_exit(fd < 0 && (errno == EPERM || errno == EACCES) ? readlink(path, target, 128) > 0 ? 7 : 8 : 2);
}

static void test_rights(int fd)
{
	char *map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	char path[128];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)map,
		 (unsigned long)map + PAGE);
	tap_is(in_child(as_nobody, path), 7, "without a capability a link is read and not followed");
	munmap(map, PAGE);
}

/* What is mapped need not be a file: names, and nothing that breaks. */
static void test_shared_memory(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600), fd;
	char *map = shmat(id, NULL, 0), path[128], target[128] = "";
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)map,
		 (unsigned long)map + PAGE);
	tap_ok(readlink(path, target, sizeof(target) - 1) > 0 && !strncmp(target, "/SYSV", 5),
	       "a segment of shared memory has a link: %s", target);
	fd = open(path, O_RDONLY);
	tap_diag("open: %d, errno %d", fd, errno);
	shmctl(id, IPC_RMID, NULL);
	shmdt(map);
	memset(target, 0, sizeof(target));
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)shared,
		 (unsigned long)shared + PAGE);
	tap_ok(readlink(path, target, sizeof(target) - 1) > 0, "and so has anonymous shared memory: %s", target);
	if (fd >= 0)
		close(fd);
	fd = open(path, O_RDONLY);
	tap_diag("open: %d, errno %d", fd, errno);
	if (fd >= 0)
		close(fd);
	munmap(shared, PAGE);
}

/* ---- texts in pieces ---- */

#define NR_VMAS 600

static size_t read_all(const char *name, char *text, size_t size, size_t piece, long *first)
{
	int fd = open(name, O_RDONLY);
	size_t len = 0;
	ssize_t got;

	*first = 0;
	while (len < size && (got = read(fd, text + len, size - len < piece ? size - len : piece)) > 0) {
		*first = *first ? *first : got;
		len += (size_t)got;
	}
	close(fd);
	return len;
}

static void test_pieces(void)
{
	size_t size = 1 << 20, len, small;
	char *base = mmap(NULL, 2 * NR_VMAS * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *other = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char again[64];
	long first;
	int fd, lines = 0;

	for (int i = 0; i < NR_VMAS; i++)
		mprotect(base + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE);
	/* Both are touched before, for what is resident stands in the text. */
	memset(text, 0, size);
	memset(other, 0, size);
	len = read_all("/proc/self/maps", text, size, size, &first);
	small = read_all("/proc/self/maps", other, size, 7, &first);
	tap_ok(len == small && !memcmp(text, other, len), "maps is the same in pieces of 7 bytes");
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	tap_ok(lines >= 2 * NR_VMAS, "and has all of %d lines", lines);
	len = read_all("/proc/self/smaps", text, size, 4096, &first);
	tap_ok(first > 0 && first < 4096, "the first read of smaps is short: %ld bytes", first);
	tap_ok(strstr(text + len - 200 > text ? text + len - 200 : text, "VmFlags:") != NULL, "its end has flags");
	fd = open("/proc/self/maps", O_RDONLY);
	tap_ok(pread(fd, again, 40, 30000) == 40 && !memcmp(again, other + 30000, 40), "a place is read by pread");
	tap_ok(pread(fd, again, 40, 100) == 40 && !memcmp(again, other + 100, 40), "and one before it");
	tap_is(pread(fd, again, 40, 10000000), 0, "nothing is behind the end");
	tap_ok(lseek(fd, 20000, SEEK_SET) == 20000 && read(fd, again, 40) == 40 &&
	       !memcmp(again, other + 20000, 40), "or after lseek");
	close(fd);
}

int main(void)
{
	int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);

	tap_plan(0);
	if (write(fd, "hello", 5) != 5 || ftruncate(fd, 4 * PAGE))
		tap_diag("no file");
	test_numa_maps(fd);
	test_map_files(fd);
	test_rights(fd);
	test_shared_memory();
	test_pieces();
	close(fd);
	return tap_done();
}
