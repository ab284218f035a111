/* SPDX-License-Identifier: MIT */
/*
 * efault.c - a wild pointer in any argument of any system call is an error, never a kernel fault.
 *
 * The table gives for each call which arguments are pointers and harmless values for the others.
 * Each pointer in turn is wild in many ways while the others are good. Calls that must read or
 * write through the pointer have to answer EFAULT; for the rest it is enough that the kernel lives.
 */
#include "common.h"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { NR_ARGUMENTS = 6 };

/* What an argument is. P and the two names must answer EFAULT, Q may answer anything. */
enum kind { NONE, VALUE, P, Q, PATH, LINK, FD, DIR_FD, PIPE_OUT, SOCKET_FD, READY_SET, OWN_PID };

struct call {
	const char *name;
	long nr;
	struct {
		enum kind kind;
		long value;
	} argument[NR_ARGUMENTS];
};

#define V(x) { VALUE, (x) }
#define PTR { P, 0 }
#define ANY { Q, 0 }
#define NAME { PATH, 0 }
#define SYM { LINK, 0 }
#define FILE_FD { FD, 0 }
#define OUT { PIPE_OUT, 0 }
#define SOCK { SOCKET_FD, 0 }
#define READY { READY_SET, 0 }
#define SELF { OWN_PID, 0 }
#define HERE V(AT_FDCWD)
#define CALL(name, ...) { #name, SYS_##name, { __VA_ARGS__ } }

static const struct call calls[] = {
	CALL(read, FILE_FD, PTR, V(64)),
	CALL(write, OUT, PTR, V(64)),
	CALL(pread64, FILE_FD, PTR, V(64), V(0)),
	CALL(pwrite64, FILE_FD, PTR, V(64), V(0)),
	CALL(readv, FILE_FD, PTR, V(2)),
	CALL(writev, OUT, PTR, V(2)),
	CALL(open, NAME, V(O_RDONLY)),
	CALL(openat, HERE, NAME, V(O_RDONLY)),
	CALL(creat, NAME, V(0600)),
	CALL(stat, NAME, PTR),
	CALL(lstat, NAME, PTR),
	CALL(fstat, FILE_FD, PTR),
	CALL(newfstatat, HERE, NAME, PTR, V(0)),
	CALL(access, NAME, V(0)),
	CALL(faccessat, HERE, NAME, V(0)),
	{ "faccessat2", 439, { HERE, NAME, V(0), V(0) } },
	CALL(readlink, SYM, PTR, V(64)),
	CALL(readlinkat, HERE, SYM, PTR, V(64)),
	CALL(getcwd, PTR, V(256)),
	CALL(chdir, NAME),
	CALL(mkdir, NAME, V(0700)),
	CALL(mkdirat, HERE, NAME, V(0700)),
	CALL(rmdir, NAME),
	CALL(unlink, NAME),
	CALL(unlinkat, HERE, NAME, V(0)),
	CALL(rename, NAME, NAME),
	CALL(renameat, HERE, NAME, HERE, NAME),
	{ "renameat2", 316, { HERE, NAME, HERE, NAME, V(0) } },
	CALL(link, NAME, NAME),
	CALL(linkat, HERE, NAME, HERE, NAME, V(0)),
	CALL(symlink, NAME, NAME),
	CALL(symlinkat, NAME, HERE, NAME),
	CALL(mknod, NAME, V(S_IFIFO | 0600), V(0)),
	CALL(chmod, NAME, V(0600)),
	CALL(fchmodat, HERE, NAME, V(0600)),
	CALL(chown, NAME, V(0), V(0)),
	CALL(lchown, NAME, V(0), V(0)),
	CALL(fchownat, HERE, NAME, V(0), V(0), V(0)),
	CALL(truncate, NAME, V(10)),
	CALL(statfs, NAME, PTR),
	CALL(fstatfs, FILE_FD, PTR),
	CALL(utimensat, HERE, NAME, PTR, V(0)),
	CALL(getdents64, { DIR_FD, 0 }, PTR, V(512)),
	CALL(pipe, PTR),
	CALL(pipe2, PTR, V(0)),
	CALL(socketpair, V(AF_UNIX), V(SOCK_STREAM), V(0), PTR),
	CALL(poll, PTR, V(2), V(0)),
	CALL(ppoll, PTR, V(2), PTR, ANY, V(8)),
	CALL(select, V(3), ANY, ANY, ANY, PTR),
	CALL(pselect6, V(3), ANY, ANY, ANY, PTR, ANY),
	CALL(sendfile, OUT, FILE_FD, PTR, V(8)),
	CALL(ioctl, FILE_FD, V(0x5401), ANY),
	CALL(fcntl, FILE_FD, V(F_GETLK), ANY),
	CALL(rt_sigaction, V(SIGUSR2), PTR, ANY, V(8)),
	CALL(rt_sigaction, V(SIGUSR2), V(0), PTR, V(8)),
	CALL(rt_sigprocmask, V(SIG_BLOCK), PTR, ANY, V(8)),
	CALL(rt_sigprocmask, V(SIG_BLOCK), V(0), PTR, V(8)),
	CALL(rt_sigpending, PTR, V(8)),
	CALL(rt_sigsuspend, PTR, V(8)),
	CALL(rt_sigtimedwait, PTR, ANY, ANY, V(8)),
	CALL(rt_sigqueueinfo, V(1), V(0), PTR),
	CALL(sigaltstack, PTR, ANY),
	CALL(sigaltstack, V(0), PTR),
	CALL(setitimer, V(0), PTR, ANY),
	CALL(getitimer, V(0), PTR),
	CALL(nanosleep, PTR, ANY),
	CALL(clock_nanosleep, V(CLOCK_MONOTONIC), V(0), PTR, ANY),
	CALL(clock_gettime, V(CLOCK_REALTIME), PTR),
	CALL(clock_getres, V(CLOCK_REALTIME), PTR),
	CALL(gettimeofday, PTR, ANY),
	CALL(times, PTR),
	CALL(getrusage, V(0), PTR),
	CALL(sysinfo, PTR),
	CALL(uname, PTR),
	CALL(getrlimit, V(RLIMIT_NOFILE), PTR),
	CALL(setrlimit, V(RLIMIT_NOFILE), PTR),
	CALL(prlimit64, V(0), V(RLIMIT_NOFILE), PTR, V(0)),
	CALL(prlimit64, V(0), V(RLIMIT_NOFILE), V(0), PTR),
	CALL(getrandom, PTR, V(64), V(0)),
	CALL(execve, NAME, ANY, ANY),
	CALL(wait4, V(-1), ANY, V(WNOHANG), ANY),
	CALL(waitid, V(0), V(0), ANY, V(WNOHANG | WEXITED), ANY),
	CALL(futex, PTR, V(0), V(0), ANY, V(0), V(0)),
	CALL(futex, ANY, V(1), V(1), V(0), V(0), V(0)),
	CALL(set_robust_list, ANY, V(24)),
	CALL(get_robust_list, V(0), PTR, PTR),
	CALL(arch_prctl, V(0x1003), PTR),
	CALL(prctl, V(15), PTR),
	CALL(prctl, V(16), PTR),
	CALL(getresuid, PTR, PTR, PTR),
	CALL(getresgid, PTR, PTR, PTR),
	CALL(getgroups, V(10), ANY),
	CALL(setgroups, V(2), PTR),
	CALL(capget, PTR, ANY),
	CALL(capset, PTR, ANY),
	CALL(sched_getaffinity, V(0), V(128), PTR),
	CALL(sched_setaffinity, V(0), V(128), PTR),
	CALL(sched_getparam, V(0), ANY),
	CALL(sched_setscheduler, V(0), V(0), ANY),
	CALL(mincore, V(0x10000), V(4096), ANY),
	CALL(mincore, V(-1), V(4096), ANY),
	CALL(memfd_create, PTR, V(0)),
	CALL(mount, ANY, PTR, ANY, V(0), ANY),
	CALL(umount2, PTR, V(0)),
	CALL(syslog, V(3), ANY, V(100)),
	CALL(clone3, PTR, V(64)),
	CALL(sethostname, PTR, V(5)),
	CALL(copy_file_range, FILE_FD, ANY, FILE_FD, ANY, V(10), V(0)),
	CALL(madvise, ANY, V(4096), V(4)),
	CALL(mprotect, ANY, V(4096), V(1)),
	CALL(munmap, V(-4096), V(4096)),
	CALL(mremap, ANY, V(4096), V(8192), V(0)),
	CALL(msync, ANY, V(4096), V(1)),
	CALL(brk, V(-1)),
	CALL(mmap, ANY, V(4096), V(3), V(MAP_PRIVATE | MAP_ANONYMOUS), V(-1), V(0)),
	CALL(clone, V(SIGCHLD | CLONE_PARENT_SETTID), V(0), ANY, V(0), V(0)),
	CALL(clone, V(SIGCHLD | CLONE_CHILD_SETTID), V(0), V(0), ANY, V(0)),
	CALL(mlock, ANY, V(4096)),
	CALL(munlock, ANY, V(4096)),
	CALL(mlock2, ANY, V(4096), V(1)),
	CALL(remap_file_pages, ANY, V(4096), V(0), V(0), V(0)),
	{ "mseal", 462, { ANY, V(4096), V(0) } },
	{ "pkey_mprotect", 329, { ANY, V(4096), V(1), V(-1) } },
	{ "process_madvise", 440, { V(0), ANY, V(1), V(20), V(0) } },
	CALL(process_vm_readv, SELF, PTR, V(1), ANY, V(1), V(0)),
	CALL(process_vm_writev, SELF, PTR, V(1), ANY, V(1), V(0)),
	CALL(shmat, V(0), ANY, V(0)),
	CALL(shmdt, ANY),
	CALL(shmctl, V(0), V(1), PTR),
	CALL(shmctl, V(0), V(3), PTR),
	CALL(shmctl, V(0), V(14), PTR),
	CALL(clock_settime, V(CLOCK_REALTIME), PTR),
	CALL(settimeofday, PTR, V(0)),
	CALL(settimeofday, V(0), PTR),
	CALL(time, PTR),
	CALL(timer_create, V(CLOCK_MONOTONIC), PTR, ANY),
	CALL(timer_settime, V(0), V(0), PTR, ANY),
	CALL(timer_gettime, V(0), ANY),
	CALL(timerfd_settime, V(0), V(0), PTR, ANY),
	CALL(timerfd_gettime, V(0), ANY),
	CALL(epoll_ctl, READY, V(1), FILE_FD, PTR),
	CALL(epoll_wait, READY, PTR, V(4), V(0)),
	CALL(epoll_pwait, READY, PTR, V(4), V(0), PTR, V(8)),
	{ "epoll_pwait2", 441, { READY, PTR, V(4), PTR, PTR, V(8) } },
	CALL(signalfd, V(-1), PTR, V(8)),
	CALL(signalfd4, V(-1), PTR, V(8), V(0)),
	CALL(rt_tgsigqueueinfo, SELF, SELF, V(10), PTR),
	{ "pidfd_send_signal", 424, { V(0), V(0), ANY, V(0) } },
	CALL(sched_setparam, V(0), PTR),
	CALL(sched_setattr, V(0), PTR, V(0)),
	CALL(sched_getattr, V(0), PTR, V(48), V(0)),
	CALL(sched_rr_get_interval, V(0), PTR),
	CALL(getcpu, PTR, PTR, V(0)),
	CALL(setdomainname, PTR, V(5)),
	CALL(set_tid_address, ANY),
	{ "rseq", 334, { ANY, V(32), V(0), V(0x53053053) } },
	CALL(getdents, { DIR_FD, 0 }, PTR, V(512)),
	CALL(preadv, FILE_FD, PTR, V(2), V(0), V(0)),
	CALL(pwritev, FILE_FD, PTR, V(2), V(0), V(0)),
	CALL(preadv2, FILE_FD, PTR, V(2), V(0), V(0), V(0)),
	CALL(pwritev2, FILE_FD, PTR, V(2), V(0), V(0), V(0)),
	{ "statx", 332, { HERE, NAME, V(0), V(0x7ff), PTR } },
	{ "openat2", 437, { HERE, NAME, PTR, V(24) } },
	{ "fchmodat2", 452, { HERE, NAME, V(0600), V(0) } },
	CALL(execveat, HERE, NAME, ANY, ANY, V(0)),
	CALL(chroot, NAME),
	CALL(pivot_root, NAME, ANY),
	CALL(mknodat, HERE, NAME, V(S_IFIFO | 0600), V(0)),
	CALL(utime, NAME, PTR),
	CALL(utimes, NAME, PTR),
	CALL(futimesat, HERE, NAME, PTR),
	CALL(getxattr, ANY, ANY, ANY, V(64)),
	CALL(lgetxattr, ANY, ANY, ANY, V(64)),
	CALL(fgetxattr, FILE_FD, ANY, ANY, V(64)),
	CALL(setxattr, ANY, ANY, ANY, V(4), V(0)),
	CALL(lsetxattr, ANY, ANY, ANY, V(4), V(0)),
	CALL(fsetxattr, FILE_FD, ANY, ANY, V(4), V(0)),
	CALL(listxattr, NAME, ANY, V(64)),
	CALL(llistxattr, NAME, ANY, V(64)),
	CALL(flistxattr, FILE_FD, ANY, V(64)),
	CALL(removexattr, ANY, ANY),
	CALL(lremovexattr, ANY, ANY),
	CALL(fremovexattr, FILE_FD, ANY),
	CALL(getsockname, SOCK, ANY, PTR),
	CALL(getpeername, SOCK, ANY, PTR),
	CALL(getsockopt, SOCK, V(SOL_SOCKET), V(SO_TYPE), ANY, PTR),
	CALL(setsockopt, SOCK, V(SOL_SOCKET), V(SO_SNDBUF), PTR, V(4)),
	CALL(sendto, SOCK, PTR, V(64), V(MSG_DONTWAIT), V(0), V(0)),
	CALL(recvfrom, SOCK, PTR, V(64), V(MSG_DONTWAIT), ANY, ANY),
	CALL(sendmsg, SOCK, PTR, V(MSG_DONTWAIT)),
	CALL(recvmsg, SOCK, PTR, V(MSG_DONTWAIT)),
};

static const char file_name[] = "efault-file", link_name[] = "efault-link";
static long good_area, edge;
static int file_fd, dir_fd, pipe_out, socket_fd, ready_set;

static long fill(const struct call *call, int i)
{
	switch (call->argument[i].kind) {
	case FD:
		return file_fd;
	case DIR_FD:
		return dir_fd;
	case PIPE_OUT:
		return pipe_out;
	case SOCKET_FD:
		return socket_fd;
	case READY_SET:
		return ready_set;
	case OWN_PID:
		return getpid();
	case PATH:
		return (long)file_name;
	case LINK:
		return (long)link_name;
	case P:
	case Q:
		return good_area + i * 512;
	default:
		return call->argument[i].value;
	}
}

struct trial {
	const struct call *call;
	int argument;
	long wild;
};

/*
 * Runs in a child, which may be harmed. Kernels may end a call early for another good reason;
 * what must not happen is success.
 */
static void try_one(void *argument)
{
	const struct trial *trial = argument;
	long a[NR_ARGUMENTS], result;

	alarm(20);
	for (int i = 0; i < NR_ARGUMENTS; i++)
		a[i] = fill(trial->call, i);
	a[trial->argument] = trial->wild;
	lseek(file_fd, 0, SEEK_SET);
	errno = 0;
	result = syscall(trial->call->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (result == -1 && errno == EFAULT)
		_exit(0);
	/* The one byte before the edge may have been used, and an odd pointer be refused as odd. */
	if ((result == 1 && trial->wild == edge) || (errno == EINVAL && trial->wild & 3))
		_exit(0);
	_exit(result == -1 ? errno : 200);
}

static int outcome(const struct call *call, int argument, long wild)
{
	struct trial trial = { call, argument, wild };

	return in_child(try_one, &trial);
}

/* A pointer to the last bytes of a page behind which there is nothing. */
static long make_edge(void)
{
	char *area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(area, 'x', PAGE);
	munmap(area + PAGE, PAGE);
	return (long)area + (long)PAGE - 1;
}

static void try_call(const struct call *call, const long *wild, int nr_wild)
{
	for (int i = 0; i < NR_ARGUMENTS; i++) {
		int nr_wrong = 0, first = 0;
		long where = 0;

		if (call->argument[i].kind < P || call->argument[i].kind > LINK)
			continue;
		for (int w = 0; w < nr_wild; w++) {
			int status = outcome(call, i, wild[w]);
			int fine = status == 0 || call->argument[i].kind == Q || status == ENOSYS;

			if (fine || nr_wrong++)
				continue;
			first = status;
			where = wild[w];
		}
		if (!tap_ok(!nr_wrong, "%s, argument %d", call->name, i + 1))
			tap_diag("%d of %d; the first at %#lx: errno or status %d", nr_wrong,
				 nr_wild, where, first);
	}
}

/* A socket with something to read, and a set in which a pipe that takes bytes is ready. */
static void make_ready(void)
{
	static const char bytes[4096];
	struct epoll_event event = { .events = EPOLLOUT };
	int pair[2];

	ready_set = epoll_create1(0);
	if (ready_set < 0 || epoll_ctl(ready_set, EPOLL_CTL_ADD, pipe_out, &event) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || write(pair[1], bytes, sizeof(bytes)) < 0)
		tap_diag("no set or sockets to work with");
	socket_fd = pair[0];
}

int main(void)
{
	long wild[] = { 8, 0x10000, 0x7ffffffff000, 0x800000000000, 0xfffffffffff000, 1l << 56, 0xffff800000000000,
			0xffff888000000000, 0xffffc90000000000, 0xffffffff80200000, -64, -1,
			0x4141414141414141, 0, 0 };
	int fds[2], nr = (int)ARRAY_SIZE(wild);

	tap_plan(0);
	good_area = (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	wild[nr - 2] = edge = make_edge();
	wild[nr - 1] = (long)mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	file_fd = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	dir_fd = open(".", O_RDONLY);
	if (write(file_fd, calls, PAGE) != (long)PAGE || pipe(fds))
		tap_diag("no file or pipe to work with");
	pipe_out = fds[1];
	make_ready();
	tap_is(symlink("anywhere", link_name), 0, "a symbolic link to read");
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		try_call(&calls[i], wild, nr);
	unlink(file_name);
	unlink(link_name);
	return tap_done();
}
