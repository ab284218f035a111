/* SPDX-License-Identifier: MIT */
/* files.c - names, contents, directories and descriptors, and the errors they give. */
#include "common.h"

#include <dirent.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <utime.h>

static int make(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0 && write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		tap_ok(0, "write to %s", path);
	return fd;
}

static void test_open(void)
{
	char text[16] = "";
	int fd = make("a", "hello");

	tap_ok(fd >= 0, "a file is made");
	fails(open("a", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST, "O_EXCL wants it new");
	fails(open("none", O_RDONLY), ENOENT, "what is not there cannot be opened");
	fails(open("a/b", O_RDONLY), ENOTDIR, "a file has nothing below it");
	fails(open("a", O_RDONLY | O_DIRECTORY), ENOTDIR, "O_DIRECTORY wants a directory");
	fails(open(".", O_WRONLY), EISDIR, "a directory cannot be written");
	fails(open("", O_RDONLY), ENOENT, "no name at all");
	tap_is(lseek(fd, 1, SEEK_SET), 1, "lseek");
	tap_is(read(fd, text, sizeof(text)), 4, "read goes on from there");
	tap_is_str(text, "ello", "with what is there");
	tap_is(read(fd, text, sizeof(text)), 0, "until the end");
	tap_is(lseek(fd, -2, SEEK_END), 3, "from the end");
	fails(lseek(fd, -9, SEEK_CUR), EINVAL, "not before the beginning");
	fails(lseek(fd, 0, 77), EINVAL, "no such origin");
	close(fd);
	fails(read(fd, text, 1), EBADF, "a closed descriptor is none");
	fd = open("a", O_WRONLY | O_APPEND);
	tap_is(write(fd, "!", 1), 1, "O_APPEND");
	tap_is(lseek(fd, 0, SEEK_CUR), 6, "writes at the end");
	fails(read(fd, text, 1), EBADF, "a descriptor for writing does not read");
	close(fd);
	unlink("a");
}

static void test_holes(void)
{
	struct stat st;
	char byte = 1;
	int fd = make("hole", "x");

	tap_is(pwrite(fd, "y", 1, 1 << 20), 1, "a write far behind the end");
	fstat(fd, &st);
	tap_is(st.st_size, (1 << 20) + 1, "makes the file long");
	tap_ok(st.st_blocks * 512 < 1 << 20, "but not big");
	tap_ok(pread(fd, &byte, 1, 5000) == 1 && byte == 0, "a hole reads as zeros");
	tap_is(ftruncate(fd, 1), 0, "ftruncate cuts");
	tap_is(ftruncate(fd, PAGE), 0, "and extends");
	tap_ok(pread(fd, &byte, 1, 1) == 1 && byte == 0, "with zeros");
	fails(ftruncate(fd, -1), EINVAL, "not below nothing");
	tap_is(fallocate(fd, 0, 0, 8 * PAGE), 0, "fallocate");
	fstat(fd, &st);
	tap_is(st.st_size, 8 * PAGE, "gives it room");
	close(fd);
	unlink("hole");
}

static void test_names(void)
{
	struct stat one, two;
	char longer[300], buffer[64];

	close(make("one", "1"));
	tap_is(link("one", "two"), 0, "a second name");
	stat("one", &one);
	stat("two", &two);
	tap_ok(one.st_ino == two.st_ino && one.st_nlink == 2, "for the same file");
	tap_is(unlink("one"), 0, "the first name goes");
	tap_is(access("two", R_OK), 0, "the file stays");
	tap_is(rename("two", "three"), 0, "rename");
	fails(access("two", F_OK), ENOENT, "takes the old name away");
	close(make("four", "4444"));
	tap_is(rename("three", "four"), 0, "and replaces");
	stat("four", &one);
	tap_is(one.st_size, 1, "what was there");
	fails(rename("none", "x"), ENOENT, "nothing to rename");
	mkdir("dir", 0755);
	fails(rename("four", "dir"), EISDIR, "a file does not replace a directory");
	fails(rename("dir", "four"), ENOTDIR, "nor a directory a file");
	fails(rename("dir", "dir/below"), EINVAL, "a directory does not go into itself");
	fails(link("dir", "dir2"), EPERM, "a directory has one name");
	memset(longer, 'n', 299);
	longer[299] = 0;
	fails(open(longer, O_CREAT | O_RDWR, 0600), ENAMETOOLONG, "a name has at most 255 bytes");
	tap_is(symlink("four", "sym"), 0, "a symbolic link");
	tap_is(readlink("sym", buffer, sizeof(buffer)), 4, "can be read");
	tap_is(lstat("sym", &two), 0, "looked at");
	tap_ok(S_ISLNK(two.st_mode) && !stat("sym", &two) && S_ISREG(two.st_mode), "and followed");
	symlink("loop", "loop");
	fails(open("loop", O_RDONLY), ELOOP, "but not round in circles");
	fails(open("sym", O_RDONLY | O_NOFOLLOW), ELOOP, "nor with O_NOFOLLOW");
	fails(readlink("four", buffer, 9), EINVAL, "a file is no link");
	fails(unlink("dir"), EISDIR, "unlink leaves directories alone");
	unlink("loop");
	unlink("sym");
	unlink("four");
	rmdir("dir");
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int nr = 0;

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return nr;
}

static void test_directories(void)
{
	char path[300], cwd[256], again[256];
	struct stat st;

	tap_is(mkdir("d", 0750), 0, "mkdir");
	fails(mkdir("d", 0750), EEXIST, "not twice");
	stat("d", &st);
	tap_is(st.st_mode & 07777, 0750, "with its mode");
	tap_is(count_entries("d"), 2, "an empty directory has . and ..");
	for (int i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "d/file-%d", i);
		close(open(path, O_CREAT | O_RDWR, 0600));
	}
	tap_is(count_entries("d"), 502, "500 files are listed, each once");
	fails(rmdir("d"), ENOTEMPTY, "a full directory stays");
	for (int i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "d/file-%d", i);
		unlink(path);
	}
	tap_ok(getcwd(cwd, sizeof(cwd)) != NULL, "getcwd");
	tap_is(chdir("d"), 0, "chdir");
	snprintf(path, sizeof(path), "%s%sd", cwd, strcmp(cwd, "/") ? "/" : "");
	tap_is_str(getcwd(again, sizeof(again)), path, "goes there");
	fails(syscall(SYS_getcwd, again, 2), ERANGE, "a short buffer is refused");
	tap_is(chdir(".."), 0, "and back");
	fails(chdir("none"), ENOENT, "not to nowhere");
	tap_is(rmdir("d"), 0, "an empty one goes");
	fails(rmdir("/"), EBUSY, "the root does not");
}

static void test_at(void)
{
	struct stat st;
	int dir, fd;

	mkdir("at", 0755);
	dir = open("at", O_RDONLY | O_DIRECTORY);
	fd = openat(dir, "x", O_CREAT | O_RDWR, 0600);
	tap_ok(fd >= 0 && !access("at/x", F_OK), "openat is relative to a directory");
	tap_is(fstatat(dir, "x", &st, 0), 0, "so is fstatat");
	tap_is(faccessat(dir, "x", R_OK, 0), 0, "and faccessat");
	fails(openat(fd, "y", O_RDONLY), ENOTDIR, "but not to a file");
	fails(openat(999, "y", O_RDONLY), EBADF, "nor to nothing");
	tap_is(fstatat(fd, "", &st, AT_EMPTY_PATH), 0, "AT_EMPTY_PATH means the descriptor");
	tap_is(unlinkat(dir, "x", 0), 0, "unlinkat");
	tap_is(unlinkat(AT_FDCWD, "at", AT_REMOVEDIR), 0, "removes directories as well");
	fails(openat(dir, "z", O_CREAT | O_RDWR, 0600), ENOENT, "nothing is made in a removed one");
	close(fd);
	close(dir);
}

static void test_descriptors(void)
{
	int fd = make("f", "0123456789"), copy = dup(fd), far;
	char byte;

	lseek(fd, 3, SEEK_SET);
	tap_ok(read(copy, &byte, 1) == 1 && byte == '3', "dup shares the position");
	far = fcntl(fd, F_DUPFD_CLOEXEC, 50);
	tap_ok(far >= 50 && fcntl(far, F_GETFD) == FD_CLOEXEC, "F_DUPFD_CLOEXEC");
	tap_is(dup2(fd, 60), 60, "dup2");
	fails(dup3(fd, fd, 0), EINVAL, "dup3 to itself");
	fails(dup2(fd, -1), EBADF, "dup2 to nothing");
	tap_is(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR, "F_GETFL");
	tap_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0, "F_SETFL");
	tap_ok(fcntl(copy, F_GETFL) & O_NONBLOCK, "is shared by copies");
	fails(fcntl(fd, 4711), EINVAL, "no such command");
	close(60);
	close(far);
	close(copy);
	close(fd);
	unlink("f");
}

static void test_vectors(void)
{
	char a[3], b[5];
	struct iovec out[] = { { "abc", 3 }, { "", 0 }, { "defgh", 5 } };
	struct iovec in[] = { { a, 3 }, { b, 5 } };
	struct iovec bad[] = { { a, (size_t)-1 }, { b, 5 } };
	int fd = make("v", ""), target = make("w", "");
	off_t from = 2;

	tap_is(writev(fd, out, 3), 8, "writev");
	lseek(fd, 0, SEEK_SET);
	tap_is(readv(fd, in, 2), 8, "readv");
	tap_ok(!memcmp(a, "abc", 3) && !memcmp(b, "defgh", 5), "in pieces");
	fails(readv(fd, bad, 2), EINVAL, "not more than there can be");
	fails(syscall(SYS_writev, fd, out, -1L), EINVAL, "nor less than nothing");
	tap_is(sendfile(target, fd, &from, 100), 6, "sendfile copies from file to file");
	tap_is(from, 8, "and moves the position it was given");
	close(fd);
	close(target);
	unlink("v");
	unlink("w");
}

static void test_attributes(void)
{
	struct utimbuf times = { .actime = 1000, .modtime = 2000 };
	struct stat st;
	struct statfs fs;
	mode_t old = umask(027);

	close(open("m", O_CREAT | O_RDWR, 0666));
	umask(old);
	stat("m", &st);
	tap_is(st.st_mode & 07777, 0640, "umask takes rights away");
	tap_is(chmod("m", 04711), 0, "chmod");
	stat("m", &st);
	tap_is(st.st_mode, S_IFREG | 04711, "sets all twelve bits");
	tap_is(chown("m", 12, 34), 0, "chown");
	stat("m", &st);
	tap_ok(st.st_uid == 12 && st.st_gid == 34, "changes the owner");
	tap_is(utime("m", &times), 0, "utime");
	stat("m", &st);
	tap_ok(st.st_atime == 1000 && st.st_mtime == 2000, "sets the times");
	tap_is(statfs("m", &fs), 0, "statfs");
	tap_ok(fs.f_bsize > 0 && fs.f_namelen == 255, "describes the file system");
	unlink("m");
}

static void test_unlinked(void)
{
	struct stat st;
	char text[8] = "";
	int fd = make("gone", "still");

	unlink("gone");
	fstat(fd, &st);
	tap_is(st.st_nlink, 0, "an open file without a name");
	tap_is(pread(fd, text, 7, 0), 5, "can still be read");
	close(fd);
}

static long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (long)st.st_size;
}

/* A directory in memory has a size, which grows with its names. */
static void test_directory_sizes(void)
{
	const char *dir = "/dev/shm/sizes", *other = "/dev/shm/sizes/other";

	mkdir(dir, 0700);
	tap_is(size_of(dir), 40, "an empty directory's size");
	mkdir(other, 0700);
	close(open("/dev/shm/sizes/file", O_CREAT | O_WRONLY, 0600));
	tap_is(link("/dev/shm/sizes/file", "/dev/shm/sizes/link"), 0, "a second name");
	tap_is(size_of(dir), 100, "three names are in it");
	tap_is(rename("/dev/shm/sizes/link", "/dev/shm/sizes/other/moved"), 0, "one moves");
	tap_is(size_of(dir), 80, "out of here");
	tap_is(size_of(other), 60, "and in there");
	/* Two names of one file stay two when one is renamed to the other, so a new file it is. */
	close(open("/dev/shm/sizes/third", O_CREAT | O_WRONLY, 0600));
	tap_is(rename("/dev/shm/sizes/third", "/dev/shm/sizes/file"), 0, "one takes the place of another");
	tap_is(size_of(dir), 80, "which counts once");
	unlink("/dev/shm/sizes/other/moved");
	rmdir(other);
	unlink("/dev/shm/sizes/file");
	tap_is(size_of(dir), 40, "empty again");
	rmdir(dir);
}

int main(void)
{
	tap_plan(0);
	if (mkdir("files-test", 0755) || chdir("files-test"))
		tap_ok(0, "a directory to work in");
	test_open();
	test_holes();
	test_names();
	test_directories();
	test_at();
	test_descriptors();
	test_vectors();
	test_attributes();
	test_unlinked();
	tap_is(chdir(".."), 0, "leave the directory");
	tap_is(rmdir("files-test"), 0, "in which nothing was left behind");
	test_directory_sizes();
	return tap_done();
}
