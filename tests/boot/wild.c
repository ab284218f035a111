/* SPDX-License-Identifier: MIT */
/*
 * wild.c - calls that no program would make: random numbers, and arguments that are almost right. The kernel answers each, and lives.
 *
 * usage: wild [SECONDS]
 *
 * Programs do it one after the other on each CPU, each from a seed of its own and until it has made enough calls or has taken away
 * its own memory. They work in a directory of their own, as somebody who may do nothing, or as root who sees nothing else. Left out
 * are calls that are meant to end or change the machine for everybody.
 */
#include "common.h"

#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#define SECONDS 4
#define CALLS 2000
#define LAST_CALL 470
#define PROGRAM_MS 1500		/* then it is killed */
#define KILLED_MS 20000		/* by when it must be gone */
#define NR_FDS 24
#define BUFFERS 4

/* Calls that would end this program, reach others, or change the machine; and those that make programs, which are made here. */
static const short left_out[] = {
	SYS_exit, SYS_exit_group, SYS_reboot, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
	424 /* pidfd_send_signal */, SYS_clone, 435 /* clone3 */, SYS_fork, SYS_vfork, SYS_execve, SYS_execveat, SYS_mount,
	SYS_umount2, SYS_pivot_root, SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex,
	SYS_clock_adjtime, SYS_syslog, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_swapon, SYS_swapoff,
	SYS_rt_sigreturn, SYS_sync, SYS_setpgid, SYS_setsid, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module,
	SYS_finit_module, SYS_delete_module, SYS_iopl, SYS_ioperm, SYS_vhangup, SYS_acct, SYS_quotactl, SYS_prlimit64,
	SYS_setpriority, SYS_process_vm_writev, SYS_ptrace,
};

static struct {
	struct tap_random random;
	char *buffer[BUFFERS];	/* two pages each, nothing behind them; the last can only be read */
	int fds[NR_FDS];
} my;

static uint64_t pick(uint64_t bound)
{
	return tap_random_below(&my.random, bound);
}

static bool is_left_out(long nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		if (left_out[i] == nr)
			return true;
	return false;
}

static void put_things(char *buffer)
{
	static const char *const names[] = { "a", "b", "dir", "dir/c", "link", "fifo", "nothere", ".", "..", "/proc/self/maps",
					     "/proc/self/mem", "/proc/self/smaps", "/dev/shm", "" };

	switch (pick(5)) {
	case 0:
		strcpy(buffer, names[pick(ARRAY_SIZE(names))]);
		break;
	case 1:
		for (struct iovec *v = (struct iovec *)buffer; (char *)(v + 1) <= buffer + 256; v++)
			*v = (struct iovec){ my.buffer[pick(BUFFERS)] + pick(2 * PAGE), pick(PAGE) };
		break;
	case 2:
		for (uint32_t *w = (uint32_t *)buffer; (char *)w < buffer + 128; w++)
			*w = (uint32_t)pick(3);
		break;
	case 3:
		for (uint64_t *w = (uint64_t *)buffer; (char *)w < buffer + 128; w++)
			*w = tap_random_next(&my.random);
		break;
	default:
		memset(buffer, 0, 256);
		break;
	}
}

static uint64_t pointer(void)
{
	char *buffer = my.buffer[pick(BUFFERS)];

	switch (pick(12)) {
	case 0:
		return 0;
	case 1:
		return 0xffff888000000000ull + pick(1u << 30);
	case 2:
		return (pick(2) ? 0x800000000000ull : 1ull << 56) - pick(3 * PAGE);
	case 3:
		return tap_random_next(&my.random);
	case 4: /* runs over the end */
		return (uint64_t)buffer + 2 * PAGE - pick(64);
	case 5:
		return 0x500000000000ull + pick(64) * PAGE;
	default:
		return (uint64_t)buffer;
	}
}

static uint64_t argument(void)
{
	switch (pick(8)) {
	case 0:
	case 1:
		return (uint64_t)my.fds[pick(NR_FDS)];
	case 2:
		return pick(16);
	case 3:
		return 1ull << pick(64);
	case 4:
		return PAGE * pick(64);
	case 5:
		return -pick(4);
	default:
		return pointer();
	}
}

static void one_call(void)
{
	uint64_t a[6];
	long nr = (long)pick(LAST_CALL);

	if (is_left_out(nr))
		return;
	put_things(my.buffer[pick(BUFFERS - 1)]);
	for (int i = 0; i < 6; i++)
		a[i] = argument();
	/* Most calls want a descriptor or a pointer first, and flags last. */
	if (pick(3) == 0)
		a[0] = (uint64_t)my.fds[pick(NR_FDS)];
	if (nr == SYS_prctl && a[0] == PR_SET_PDEATHSIG)
		return;
	if (nr == SYS_setitimer || nr == SYS_alarm || nr == SYS_timer_settime)
		a[0] |= 1; /* not the timer that ends waiting */
	syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void wake(int sig)
{
	(void)sig;
}

static void open_fds(void)
{
	sigset_t set;
	int pair[2], nr = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	my.fds[nr++] = open("a", O_RDWR | O_CREAT, 0600);
	my.fds[nr++] = open("b", O_RDONLY | O_CREAT, 0600);
	my.fds[nr++] = open(".", O_RDONLY | O_DIRECTORY);
	my.fds[nr++] = open(".", O_PATH);
	if (!pipe2(pair, O_NONBLOCK)) {
		my.fds[nr++] = pair[0];
		my.fds[nr++] = pair[1];
	}
	if (!socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) {
		my.fds[nr++] = pair[0];
		my.fds[nr++] = pair[1];
	}
	my.fds[nr++] = eventfd(1, EFD_NONBLOCK);
	my.fds[nr++] = epoll_create1(0);
	my.fds[nr++] = timerfd_create(CLOCK_MONOTONIC, 0);
	my.fds[nr++] = signalfd(-1, &set, SFD_NONBLOCK);
	my.fds[nr++] = (int)syscall(SYS_memfd_create, "wild", 2u);
	my.fds[nr++] = (int)syscall(323 /* userfaultfd */, O_NONBLOCK);
	my.fds[nr++] = (int)syscall(434 /* pidfd_open */, getpid(), 0);
	my.fds[nr++] = open("/dev/zero", O_RDWR);
	my.fds[nr++] = open("/proc/self/status", O_RDONLY);
	my.fds[nr++] = -1;
	my.fds[nr++] = AT_FDCWD;
	while (nr < NR_FDS)
		my.fds[nr++] = (int)pick(32);
}

static void make_buffers(void)
{
	for (int i = 0; i < BUFFERS; i++) {
		char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED)
			_exit(1);
		munmap(at + 3 * PAGE, PAGE);
		my.buffer[i] = at + PAGE;
		put_things(my.buffer[i]);
	}
	mprotect(my.buffer[BUFFERS - 1], 2 * PAGE, PROT_READ);
}

/* A few calls in a child, so that fork and exit meet what was done to this program. */
static void offspring(void)
{
	pid_t child = fork();

	if (!child) {
		for (int i = 0; i < 20; i++)
			one_call();
		_exit(0);
	}
	sleep_ms(1);
	if (child > 0)
		kill(child, SIGKILL);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void program(uint64_t number, bool root)
{
	struct itimerval ticks = { { 0, 20000 }, { 0, 20000 } };
	struct sigaction action = { .sa_handler = wake };
	struct rlimit memory = { 64 << 20, 64 << 20 }, files = { 256, 256 }, length = { 1 << 20, 1 << 20 };

	setpgid(0, 0);
	my.random = tap_random_stream(number);
	for (int fd = 0; fd < 64; fd++)
		close(fd);
	if (root) {
		if (chroot("."))
			_exit(1);
	} else if (setgid(1000) || setuid(1000)) {
		_exit(1);
	}
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_FSIZE, &length);
	make_buffers();
	open_fds();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &ticks, NULL);
	for (int i = 0; i < CALLS; i++) {
		one_call();
		if (pick(100) == 0)
			offspring();
	}
	_exit(0);
}

/* True: it is gone, by itself or killed. */
static bool wait_gone(pid_t child, int *killed)
{
	long long begin = now_ms();
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (now_ms() - begin > PROGRAM_MS + KILLED_MS)
			return false;
		if (now_ms() - begin > PROGRAM_MS) {
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
			++*killed;
		}
		sleep_ms(2);
	}
	kill(-child, SIGKILL);
	return true;
}

static void drop_segments(void)
{
	char line[256];
	FILE *file = fopen("/proc/sysvipc/shm", "r");
	int key, id;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%d %d", &key, &id) == 2)
			shmctl(id, IPC_RMID, NULL);
	if (file)
		fclose(file);
}

/* One after the other until the time is up; 0 unless one could not be killed. */
static int series(int lane, int seconds)
{
	long long end = now_ms() + seconds * 1000LL;
	char place[32];
	int killed = 0;

	snprintf(place, sizeof(place), "/tmp/wild%d", lane);
	if (mkdir(place, 0777) || chdir(place) || chmod(place, 0777))
		return 2;
	for (uint64_t number = (uint64_t)lane << 32; now_ms() < end; number++) {
		pid_t child = fork();

		if (!child)
			program(number, number & 1);
		if (child < 0)
			return 3;
		if (!wait_gone(child, &killed))
			return 4;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : SECONDS;
	int lanes = (int)sysconf(_SC_NPROCESSORS_ONLN);

	tap_plan(0);
	signal(SIGHUP, SIG_IGN);
	for (int lane = 0; lane < lanes; lane++)
		if (!fork())
			_exit(series(lane, seconds));
	for (int lane = 0; lane < lanes; lane++) {
		int status = -1;

		wait(&status);
		tap_is(status, 0, "programs that call anything end, one after the other");
	}
	drop_segments();
	tap_ok(1, "and the machine lives");
	return tap_done();
}
