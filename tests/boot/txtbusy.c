/* SPDX-License-Identifier: MIT */
/* txtbusy.c - a program's file cannot be written while it runs, nor run while it can be written. */
#include "common.h"

#define COPY "/tmp/txtbusy-copy"
#define OTHER "/tmp/txtbusy-other"
#define SCRIPT "/tmp/txtbusy-script"

/* This program's bytes under another name. */
static void make_copy(const char *name)
{
	char buf[65536];
	int from = open("/proc/self/exe", O_RDONLY), to = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t got;

	while ((got = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)got) != got)
			tap_diag("the copy is cut short");
	close(from);
	close(to);
}

/* A copy that runs as `path how`: it says one byte and stays until its input ends. */
struct runner {
	pid_t pid;
	int to, from;
};

static struct runner start(const char *path, const char *how)
{
	struct runner r = { -1, -1, -1 };
	int in[2], out[2];
	char c;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return r;
	fflush(stdout);
	r.pid = fork();
	if (!r.pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(path, path, how, NULL);
		_exit(errno);
	}
	close(in[0]);
	close(out[1]);
	r.to = in[1];
	r.from = out[0];
	tap_is(read(r.from, &c, 1), 1, "%s %s runs", path, how);
	return r;
}

static void stop(struct runner *r)
{
	char c;

	close(r->to);
	tap_is(read(r->from, &c, 1), 0, "it is over");
	close(r->from);
	waitpid(r->pid, NULL, 0);
}

static int opens(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int runs(const char *path)
{
	int status;
	pid_t child = fork();

	if (!child) {
		execl(path, path, "exit", NULL);
		_exit(errno);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void test_running(void)
{
	struct runner r = start(COPY, "wait");
	struct stat before, after;

	stat(COPY, &before);
	fails(open(COPY, O_WRONLY), ETXTBSY, "its file cannot be opened for writing");
	fails(open(COPY, O_RDWR), ETXTBSY, "nor for both");
	fails(open(COPY, O_WRONLY | O_APPEND), ETXTBSY, "nor for appending");
	fails(open(COPY, O_WRONLY | O_TRUNC), ETXTBSY, "nor emptied");
	fails(truncate(COPY, 0), ETXTBSY, "nor cut");
	stat(COPY, &after);
	tap_ok(before.st_size == after.st_size && after.st_size > 0, "and is as long as before");
	tap_is(opens(COPY, O_RDONLY), 0, "it can be read");
	tap_is(runs(COPY), 42, "and run once more");
	fails(open(COPY, O_WRONLY), ETXTBSY, "whose end does not set it free");
	tap_is(chmod(COPY, 0700), 0, "its mode can be changed");
	tap_is(rename(COPY, COPY "2") | rename(COPY "2", COPY), 0, "and its name");
	stop(&r);
	tap_is(opens(COPY, O_WRONLY), 0, "when it has ended, it can be written again");
}

/* The program forks and ends; its child runs the same file. */
static void test_forked(void)
{
	struct runner r = start(COPY, "fork");

	waitpid(r.pid, NULL, 0);
	fails(open(COPY, O_WRONLY), ETXTBSY, "a child that goes on running it keeps writers out");
	stop(&r);
	sleep_ms(100);
	tap_is(opens(COPY, O_WRONLY), 0, "until it ends");
}

static void test_exec_away(void)
{
	struct runner r = start(COPY, "away");

	tap_is(opens(COPY, O_WRONLY), 0, "a process that runs another program by now does not");
	stop(&r);
}

static void test_open_for_writing(void)
{
	int fd = open(COPY, O_WRONLY);
	void *map;

	tap_is(runs(COPY), ETXTBSY, "a file that is open for writing does not run");
	close(fd);
	tap_is(runs(COPY), 42, "but then it does");
	fd = open(COPY, O_RDWR);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	tap_is(runs(COPY), ETXTBSY, "nor one that is mapped for writing");
	munmap(map, PAGE);
	tap_is(runs(COPY), 42, "until it is unmapped");
	fd = open(COPY, O_RDONLY);
	tap_is(runs(COPY), 42, "readers do not matter");
	close(fd);
	tap_is(opens(COPY, O_WRONLY), 0, "exec that has failed or ended leaves no mark");
}

/* Of a script it is the interpreter that runs. */
static void test_script(void)
{
	int fd = open(SCRIPT, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	struct runner r;

	dprintf(fd, "#!%s\n", COPY);
	tap_is(runs(SCRIPT), ETXTBSY, "a script that is open for writing does not run");
	close(fd);
	r = start(SCRIPT, "wait");
	tap_is(opens(SCRIPT, O_WRONLY), 0, "one that runs can be written");
	fails(open(COPY, O_WRONLY), ETXTBSY, "but not its interpreter");
	stop(&r);
	unlink(SCRIPT);
}

static int child(const char *how)
{
	char c;

	if (!strcmp(how, "exit"))
		return 42;
	if (!strcmp(how, "fork") && fork())
		return 0;
	if (!strcmp(how, "away")) {
		execl(OTHER, OTHER, "wait", NULL);
		return 1;
	}
	if (write(1, "r", 1) != 1)
		return 1;
	while (read(0, &c, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	/* A script's name comes before its arguments. */
	const char *how = argc > 1 ? argv[argc - 1] : NULL;

	if (how)
		return child(how);
	tap_plan(0);
	make_copy(COPY);
	make_copy(OTHER);
	test_running();
	test_forked();
	test_exec_away();
	test_open_for_writing();
	test_script();
	unlink(COPY);
	unlink(OTHER);
	return tap_done();
}
