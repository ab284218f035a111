/* SPDX-License-Identifier: MIT */
/* shm.c - what programs may expect of System V shared memory. */
#include "common.h"

#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>

#ifndef SHM_EXEC
#define SHM_EXEC 0100000
#endif
#define KEY 0x51756972

static int status_of(int id, struct shmid_ds *ds)
{
	memset(ds, 0, sizeof(*ds));
	return shmctl(id, IPC_STAT, ds);
}

static unsigned long attached(int id)
{
	struct shmid_ds ds;

	return status_of(id, &ds) ? ~0ul : ds.shm_nattch;
}

/* The line of maps that shows the address: perms and name. */
static int maps_line(const void *address, char *perms, char *name, unsigned long *inode)
{
	char line[512];
	unsigned long start, end;
	FILE *maps = fopen("/proc/self/maps", "r");
	int found = 0;

	*name = 0;
	while (maps && !found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%lx-%lx %4s %*s %*s %lu %255[^\n]", &start, &end, perms, inode, name) >= 4 &&
			start <= (unsigned long)address && (unsigned long)address < end;
	if (maps)
		fclose(maps);
	return found;
}

static void test_get(void)
{
	int id, other;

	fails(shmget(KEY, 4096, 0600), ENOENT, "no segment has the key");
	id = shmget(KEY, 8192, IPC_CREAT | 0600);
	tap_ok(id >= 0, "a segment is made");
	tap_is(shmget(KEY, 8192, IPC_CREAT | 0600), id, "and found again");
	tap_is(shmget(KEY, 0, 0), id, "size 0 fits any");
	fails(shmget(KEY, 8192, IPC_CREAT | IPC_EXCL | 0600), EEXIST, "exclusively it is not");
	fails(shmget(KEY, 8193, 0600), EINVAL, "it is not that large");
	fails(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL, "a new one has a size");
	fails(shmget(IPC_PRIVATE, ~0ul, IPC_CREAT | 0600), EINVAL, "not beyond SHMMAX");
	other = shmget(IPC_PRIVATE, 4096, 0600);
	tap_ok(other >= 0 && other != id, "private ones are new each time");
	tap_is(shmctl(other, IPC_RMID, NULL), 0, "and go");
	fails(shmctl(other, IPC_RMID, NULL), EINVAL, "once");
	tap_is(shmctl(id, IPC_RMID, NULL), 0, "the keyed one goes");
	fails(shmget(KEY, 4096, 0600), ENOENT, "and its key");
	fails(shmat(id, NULL, 0), EINVAL, "a removed one is not attached");
	fails(shmat(-1, NULL, 0), EINVAL, "no negative ids");
}

static void test_attach(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE - 100, 0600);
	char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY), *c, perms[8], name[256], expected[64];
	unsigned long inode;

	tap_ok(a != (void *)-1 && b != (void *)-1 && a != b, "attached twice");
	tap_is(attached(id), 2, "both are counted");
	strcpy(a + PAGE, "hello");
	tap_is_str(b + PAGE, "hello", "both show the same");
	tap_ok(maps_line(a, perms, name, &inode), "maps has it");
	snprintf(expected, sizeof(expected), "/SYSV%08x (deleted)", 0);
	tap_is_str(name, expected, "under its name");
	tap_is_str(perms, "rw-s", "to read and write");
	tap_is(inode, id, "its id is the inode");
	tap_ok(maps_line(b, perms, name, &inode) && !strcmp(perms, "r--s"), "and to read only");
	fails(mprotect(b, PAGE, PROT_READ | PROT_WRITE), EACCES, "what was attached to be read stays so");
	fails(shmat(id, a + 1, 0), EINVAL, "addresses are multiples of SHMLBA");
	fails(shmat(id, a, 0), EINVAL, "something is there");
	fails(shmat(id, NULL, SHM_REMAP), EINVAL, "replacing needs an address");
	c = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	tap_ok(shmat(id, c + 17, SHM_RND | SHM_REMAP) == c, "rounded down, and over what was there");
	tap_is_str(c + PAGE, "hello", "the pages are there");
	tap_is(attached(id), 3, "three attachments");
	fails(shmdt(c + PAGE), EINVAL, "detached by its beginning only");
	fails(shmdt(c + 1), EINVAL, "which is aligned");
	tap_is(munmap(c + PAGE, PAGE), 0, "a hole in the middle");
	tap_is(attached(id), 4, "makes two of it");
	tap_is(shmdt(c), 0, "detached with both parts");
	tap_is(attached(id), 2, "and counted off");
	tap_is(mprotect(a, PAGE, PROT_READ), 0, "another protection for a part");
	tap_is(attached(id), 3, "is another part");
	tap_is(shmdt(a), 0, "which goes along");
	tap_is(shmdt(b), 0, "the last one");
	tap_is(attached(id), 0, "nobody shows it");
	fails(shmdt(a), EINVAL, "once is enough");
	a = shmat(id, NULL, SHM_EXEC);
	tap_ok(a != (void *)-1 && maps_line(a, perms, name, &inode) && !strcmp(perms, "rwxs"), "with SHM_EXEC to run");
	tap_is_str(a + PAGE, "hello", "contents outlive the attachments");
	shmdt(a);
	shmctl(id, IPC_RMID, NULL);
	munmap(c, 4 * PAGE);
}

static void child_writes(void *argument)
{
	((char *)argument)[0] = 'c';
}

static void test_fork_and_removal(void)
{
	int id = shmget(KEY + 1, PAGE, IPC_CREAT | 0640), fd[2], other;
	char *a = shmat(id, NULL, 0), byte;
	struct shmid_ds ds;
	pid_t child;

	a[0] = 'p';
	tap_is(in_child(child_writes, a), 0, "a child writes");
	tap_is(a[0], 'c', "and it is seen");
	tap_is(attached(id), 1, "the child's attachment went with it");
	if (pipe(fd))
		tap_diag("no pipe");
	child = fork();
	if (!child) {
		close(fd[1]);
		_exit(read(fd[0], &byte, 1) == 0 && a[0] == 'd' ? 0 : 1);
	}
	close(fd[0]);
	tap_is(attached(id), 2, "fork attaches");
	tap_is(shmctl(id, IPC_RMID, NULL), 0, "removed while attached");
	tap_is(status_of(id, &ds), 0, "it is still there");
	tap_ok(ds.shm_perm.mode & 01000, "marked to go");
	tap_is(ds.shm_perm.__key, IPC_PRIVATE, "without its key");
	other = shmget(KEY + 1, PAGE, IPC_CREAT | IPC_EXCL | 0600);
	tap_ok(other >= 0 && other != id, "which is free");
	shmctl(other, IPC_RMID, NULL);
	tap_ok(shmat(id, NULL, 0) != (void *)-1, "it may even be attached");
	a[0] = 'd';
	close(fd[1]);
	waitpid(child, (int *)&other, 0);
	tap_is(other, 0, "the child saw the last write");
	tap_is(attached(id), 2, "exit detaches");
	shmdt(a);
	tap_is(attached(id), 1, "one is left");
	child = fork();
	if (!child) {
		execl("/proc/self/exe", "shm", "exit", NULL);
		_exit(9);
	}
	waitpid(child, (int *)&other, 0);
	tap_is(other, 0, "exec detaches too");
	tap_is(attached(id), 1, "so one is left");
	tap_is(ds.shm_cpid, getpid(), "made by this process");
}

static void test_stat(void)
{
	time_t before = time(NULL);
	int id = shmget(IPC_PRIVATE, 5000, 0604), index = -1, highest;
	struct shmid_ds ds, changed;
	struct shminfo limits;
	struct shm_info sums;
	char *a;

	tap_is(status_of(id, &ds), 0, "status");
	tap_is(ds.shm_segsz, 5000, "size as asked for");
	tap_is(ds.shm_perm.mode, 0604, "mode");
	tap_ok(ds.shm_ctime >= before && ds.shm_atime == 0 && ds.shm_dtime == 0, "times of a new one");
	tap_is(ds.shm_lpid, 0, "nobody has attached it");
	a = shmat(id, NULL, 0);
	a[0] = 1;
	status_of(id, &ds);
	tap_ok(ds.shm_atime >= before && ds.shm_dtime == 0 && ds.shm_lpid == getpid(), "attaching leaves its time");
	changed = ds;
	changed.shm_perm.mode = 07600;
	changed.shm_perm.uid = 1000;
	tap_is(shmctl(id, IPC_SET, &changed), 0, "changed");
	status_of(id, &ds);
	tap_is(ds.shm_perm.mode, 0600, "permissions only");
	tap_is(ds.shm_perm.uid, 1000, "owner");
	tap_is(ds.shm_perm.cuid, 0, "not the maker");
	fails(shmctl(id, IPC_SET, (void *)1), EFAULT, "bad pointer");
	fails(shmctl(id, IPC_STAT, (void *)1), EFAULT, "bad pointer");
	fails(shmctl(id, 99, &ds), EINVAL, "no such command");
	fails(shmctl(id + (1 << 15), IPC_STAT, &ds), EINVAL, "the slot's former segment is gone");
	highest = shmctl(0, SHM_INFO, (void *)&sums);
	tap_ok(highest >= 0 && sums.used_ids >= 1 && sums.shm_tot >= 2 && sums.shm_rss >= 1, "sums");
	tap_is(shmctl(0, IPC_INFO, (void *)&limits), highest, "limits tell the same highest slot");
	tap_ok(limits.shmmni == (unsigned long)figure("/proc/sys/kernel/shmmni", "") || limits.shmmni > 0, "limits");
	for (int i = 0; i <= highest; i++)
		if (shmctl(i, SHM_STAT, &ds) == id)
			index = i;
	tap_ok(index >= 0, "found by its slot");
	tap_is(shmctl(index, SHM_STAT_ANY, &ds), id, "by anybody");
	fails(shmctl(4095, SHM_STAT, &ds), EINVAL, "an empty slot");
	shmdt(a);
	status_of(id, &ds);
	tap_ok(ds.shm_dtime >= before, "detaching leaves its time");
	shmctl(id, IPC_RMID, NULL);
}

static void no_rights(void *argument)
{
	int id = *(int *)argument;
	struct shmid_ds ds = { 0 };

	if (setgid(2000) || setuid(2000))
		_exit(1);
	if (shmat(id, NULL, 0) != (void *)-1 || errno != EACCES)
		_exit(2);
	if (shmat(id, NULL, SHM_RDONLY) == (void *)-1)
		_exit(3);
	if (shmctl(id, IPC_STAT, &ds) || !shmctl(id, IPC_RMID, NULL) || errno != EPERM)
		_exit(4);
	if (!shmctl(id, IPC_SET, &ds) || errno != EPERM)
		_exit(5);
	if (!shmctl(id, SHM_LOCK, NULL) || errno != EPERM)
		_exit(6);
	if (shmget(KEY + 2, 0, 0200) != -1 || errno != EACCES)
		_exit(7);
	if (shmget(KEY + 2, 0, 0400) != id)
		_exit(8);
}

static void locks_too_much(void *argument)
{
	struct rlimit limit = { PAGE, PAGE };
	int small, large, none;

	setrlimit(RLIMIT_MEMLOCK, &limit);
	if (setgid(2000) || setuid(2000))
		_exit(1);
	small = shmget(IPC_PRIVATE, PAGE, 0600);
	large = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
	if (!shmctl(large, SHM_LOCK, NULL) || errno != ENOMEM)
		_exit(2);
	if (shmctl(small, SHM_LOCK, NULL) || shmctl(small, SHM_LOCK, NULL))
		_exit(3);
	if (shmctl(small, SHM_UNLOCK, NULL) || shmctl(small, SHM_LOCK, NULL))
		_exit(4);
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	none = shmctl(large, SHM_LOCK, NULL);
	if (!none || errno != EPERM)
		_exit(5);
	shmctl(small, IPC_RMID, NULL);
	shmctl(large, IPC_RMID, NULL);
	(void)argument;
}

static void test_rights(void)
{
	int id = shmget(KEY + 2, PAGE, IPC_CREAT | 0644);
	struct shmid_ds ds;

	tap_is(in_child(no_rights, &id), 0, "what others may do");
	tap_is(shmctl(id, SHM_LOCK, NULL), 0, "locked");
	status_of(id, &ds);
	tap_ok(ds.shm_perm.mode & 02000, "its mode says so");
	tap_is(shmctl(id, SHM_UNLOCK, NULL), 0, "unlocked");
	status_of(id, &ds);
	tap_ok(!(ds.shm_perm.mode & 02000), "its mode says so");
	tap_is(in_child(locks_too_much, NULL), 0, "locking is limited");
	shmctl(id, IPC_RMID, NULL);
}

static void test_proc(void)
{
	int id = shmget(KEY + 3, 2 * PAGE, IPC_CREAT | 0600), found = 0, key, shmid;
	unsigned int mode;
	unsigned long size, nattch, rss;
	char *a = shmat(id, NULL, 0), line[512];
	FILE *file = fopen("/proc/sysvipc/shm", "r");

	a[0] = 1;
	tap_ok(file && fgets(line, sizeof(line), file) && strstr(line, "nattch   uid   gid"), "a heading");
	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%d %d %o %lu %*d %*d %lu %*u %*u %*u %*u %*u %*u %*u %lu", &key, &shmid, &mode,
			       &size, &nattch, &rss) == 6 && shmid == id;
	tap_ok(found && key == KEY + 3 && mode == 0600 && size == 2 * PAGE && nattch == 1 && rss == PAGE, "the line is right");
	if (file)
		fclose(file);
	shmdt(a);
	shmctl(id, IPC_RMID, NULL);
}

/* More segments than the table has slots at first, and all of their memory comes back. */
static void test_many(void)
{
	enum { MANY = 300 };
	static int ids[MANY];
	int made = 0, removed = 0, doubles = 0;

	for (int i = 0; i < MANY; i++) {
		ids[i] = shmget(IPC_PRIVATE, PAGE, 0600);
		made += ids[i] >= 0;
		for (int j = 0; j < i; j++)
			doubles += ids[j] == ids[i];
	}
	tap_is(made, MANY, "many segments");
	tap_is(doubles, 0, "each with an id of its own");
	for (int i = 0; i < MANY; i++)
		removed += !shmctl(ids[i], IPC_RMID, NULL);
	tap_is(removed, MANY, "all of them go");
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	tap_plan(0);
	test_get();
	test_attach();
	test_fork_and_removal();
	test_stat();
	test_rights();
	test_proc();
	test_many();
	return tap_done();
}
