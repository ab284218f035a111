/* SPDX-License-Identifier: MIT */
/* tty.c - pseudo terminals: the line discipline, signals from keys, sizes, background groups. */
#include "common.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char slave_name[32];
static volatile sig_atomic_t caught;

static void note(int sig)
{
	caught = sig;
}

static int open_pair(void)
{
	int unlock = 0, number = -1;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number))
		return 0;
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	return slave >= 0;
}

static void type(const char *keys)
{
	if (write(master, keys, strlen(keys)) != (ssize_t)strlen(keys))
		tap_diag("could not type");
}

/* What can be read within a moment, as a string. */
static const char *take(int fd)
{
	static char text[256];
	struct pollfd set = { .fd = fd, .events = POLLIN };
	ssize_t got = 0;

	if (poll(&set, 1, 300) == 1)
		got = read(fd, text, sizeof(text) - 1);
	text[got > 0 ? got : 0] = 0;
	return text;
}

static void test_canonical(void)
{
	struct pollfd set = { .fd = slave, .events = POLLIN };

	type("hal");
	tap_is(poll(&set, 1, 50), 0, "half a line cannot be read");
	type("l\177lo\n");
	tap_is_str(take(slave), "hallo\n", "a line can, after the eraser was used");
	tap_is_str(take(master), "hall\b \blo\r\n", "the terminal saw it echoed");
	type("wrong\025right\n");
	tap_is_str(take(slave), "right\n", "a whole line is killed by Ctrl-U");
	take(master);
	type("one\ntwo\n");
	tap_is_str(take(slave), "one\n", "read gives one line at a time");
	tap_is_str(take(slave), "two\n", "then the next");
	take(master);
	type("no end\004");
	tap_is_str(take(slave), "no end", "Ctrl-D ends a line without a newline");
	type("\004");
	tap_is(poll(&set, 1, 300), 1, "and alone");
	tap_is(read(slave, (char[4]){ 0 }, 4), 0, "the file");
	take(master);
}

static void test_output(void)
{
	if (write(slave, "a\nb", 3) != 3)
		tap_diag("write failed");
	tap_is_str(take(master), "a\r\nb", "a newline goes out with a carriage return");
}

static void test_raw(void)
{
	struct termios saved, raw;

	tap_is(tcgetattr(slave, &saved), 0, "tcgetattr");
	raw = saved;
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tap_is(tcsetattr(slave, TCSANOW, &raw), 0, "tcsetattr");
	type("x\003\004\r");
	tap_is_str(take(slave), "x\003\004\r", "a raw terminal gives every byte as it is");
	tap_is_str(take(master), "", "and echoes none");
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 1;
	tcsetattr(slave, TCSANOW, &raw);
	tap_is(read(slave, (char[4]){ 0 }, 4), 0, "VTIME limits the wait");
	tcsetattr(slave, TCSANOW, &saved);
}

static void test_size(void)
{
	struct winsize size = { .ws_row = 33, .ws_col = 99 }, got;

	tap_is(ioctl(master, TIOCSWINSZ, &size), 0, "a size can be set");
	tap_is(ioctl(slave, TIOCGWINSZ, &got), 0, "and asked for");
	tap_ok(got.ws_row == 33 && got.ws_col == 99, "on the other side");
	tap_ok(isatty(slave), "the slave is a terminal");
	fails(ioctl(slave, 0x5499, NULL), ENOTTY, "no such request");
}

static void leader(void *argument)
{
	int fd;

	(void)argument;
	setsid();
	fd = open(slave_name, O_RDWR);
	signal(SIGINT, note);
	signal(SIGWINCH, note);
	if (tcgetpgrp(fd) != getpgrp())
		_exit(1);
	if (open("/dev/tty", O_RDWR) < 0)
		_exit(2);
	if (write(master, "\003", 1) != 1)
		_exit(3);
	for (int i = 0; i < 400 && caught != SIGINT; i++)
		sleep_ms(5);
	if (caught != SIGINT)
		_exit(4);
	if (ioctl(master, TIOCSWINSZ, &(struct winsize){ .ws_row = 5 }))
		_exit(5);
	for (int i = 0; i < 400 && caught != SIGWINCH; i++)
		sleep_ms(5);
	_exit(caught == SIGWINCH ? 0 : 6);
}

static void background(void *argument)
{
	int fd, status;
	pid_t child;

	(void)argument;
	setsid();
	fd = open(slave_name, O_RDWR);
	child = fork();
	if (!child) {
		setpgid(0, 0);
		_exit(read(fd, (char[1]){ 0 }, 1) == 1);
	}
	if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTTIN)
		_exit(1);
	signal(SIGTTOU, SIG_IGN);
	if (tcsetpgrp(fd, child) || tcgetpgrp(fd) != child)
		_exit(2);
	kill(child, SIGCONT);
	sleep_ms(50);
	if (write(master, "y\n", 2) != 2)
		_exit(3);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 1)
		_exit(4);
}

static void hang_up(void *argument)
{
	(void)argument;
	setsid();
	if (open(slave_name, O_RDWR) < 0)
		_exit(1);
	signal(SIGHUP, note);
	close(slave);
	close(master);
	for (int i = 0; i < 400 && !caught; i++)
		sleep_ms(5);
	_exit(caught == SIGHUP ? 0 : 2);
}

int main(void)
{
	tap_plan(0);
	tap_ok(open_pair(), "a pseudo terminal");
	test_canonical();
	test_output();
	test_raw();
	test_size();
	tap_is(in_child(leader, NULL), 0, "a session leader gets signals from the keys");
	take(master);
	tap_is(in_child(background, NULL), 0, "a background group is stopped when it reads");
	close(slave);
	tap_is(read(master, (char[64]){ 0 }, 64) < 0 ? 0 : read(master, (char[64]){ 0 }, 64) <= 0, 1,
	       "after the last close of the slave the master is at its end");
	close(master);
	tap_ok(open_pair(), "another pair");
	close(slave);
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	fflush(stdout);
	{
		pid_t child = fork();
		int status;

		if (!child)
			hang_up(NULL);
		close(master);
		close(slave);
		waitpid(child, &status, 0);
		tap_is(WEXITSTATUS(status), 0, "a lost terminal is a SIGHUP");
	}
	return tap_done();
}
