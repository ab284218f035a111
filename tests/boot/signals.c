/* SPDX-License-Identifier: MIT */
/* signals.c - handlers, masks, what a fault tells, alternate stacks, restart, stop and go. */
#include "common.h"

#include <setjmp.h>
#include <sys/time.h>

static volatile sig_atomic_t nr_caught, last_signal, last_code;
static void *volatile last_address;
static volatile pid_t last_sender;
static sigjmp_buf back;

static void count(int sig)
{
	nr_caught++;
	last_signal = sig;
}

static void record(int sig, siginfo_t *info, void *context)
{
	(void)context;
	nr_caught++;
	last_signal = sig;
	last_code = info->si_code;
	last_address = info->si_addr;
	last_sender = info->si_pid;
}

static void record_and_jump(int sig, siginfo_t *info, void *context)
{
	record(sig, info, context);
	siglongjmp(back, 1);
}

static void install(int sig, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &action, NULL);
}

static void install_info(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO };

	sigaction(sig, &action, NULL);
}

static void test_delivery(void)
{
	struct sigaction old;

	install(SIGUSR1, count, 0);
	nr_caught = 0;
	raise(SIGUSR1);
	tap_is(nr_caught, 1, "raise runs the handler before it returns");
	install_info(SIGUSR2, record, 0);
	kill(getpid(), SIGUSR2);
	tap_is(last_code, SI_USER, "kill tells SI_USER");
	tap_is(last_sender, getpid(), "and who sent it");
	install(SIGUSR1, SIG_IGN, 0);
	nr_caught = 0;
	raise(SIGUSR1);
	tap_is(nr_caught, 0, "an ignored signal runs nothing");
	install(SIGUSR1, count, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	tap_ok(old.sa_handler == SIG_DFL, "SA_RESETHAND resets the handler");
	fails(sigaction(SIGKILL, &old, NULL), EINVAL, "no handler for SIGKILL");
	fails(kill(getpid(), 65), EINVAL, "no signal 65");
	fails(kill(0x3ffffff, 0), ESRCH, "no such process");
	tap_is(kill(getpid(), 0), 0, "signal 0 only asks");
}

static void test_masks(void)
{
	sigset_t set, old, pending;

	install(SIGUSR1, count, 0);
	install(SIGRTMIN, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &old);
	nr_caught = 0;
	for (int i = 0; i < 3; i++) {
		kill(getpid(), SIGUSR1);
		kill(getpid(), SIGRTMIN);
	}
	tap_is(nr_caught, 0, "a blocked signal waits");
	sigpending(&pending);
	tap_ok(sigismember(&pending, SIGUSR1) == 1, "sigpending shows it");
	sigprocmask(SIG_SETMASK, &old, NULL);
	tap_is(nr_caught, 1 + 3, "a plain signal is kept once, a real-time one as often as sent");

	sigprocmask(SIG_BLOCK, &set, NULL);
	nr_caught = 0;
	kill(getpid(), SIGUSR1);
	sigfillset(&pending);
	sigdelset(&pending, SIGUSR1);
	fails(sigsuspend(&pending), EINTR, "sigsuspend ends with the signal");
	tap_is(nr_caught, 1, "which ran its handler");
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_wait_for(void)
{
	struct timespec soon = { .tv_nsec = 20000000 };
	siginfo_t info;
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	fails(sigtimedwait(&set, &info, &soon), EAGAIN, "sigtimedwait gives up in time");
	kill(getpid(), SIGUSR1);
	tap_is(sigtimedwait(&set, &info, &soon), SIGUSR1, "sigtimedwait takes a pending signal");
	tap_is(info.si_pid, getpid(), "and tells who sent it");
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static int fault_at(void *address, int write)
{
	last_signal = 0;
	if (sigsetjmp(back, 1))
		return last_signal;
	if (write)
		*(volatile char *)address = 1;
	else
		(void)*(volatile char *)address;
	return 0;
}

static void test_faults(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	install_info(SIGSEGV, record_and_jump, 0);
	install_info(SIGFPE, record_and_jump, 0);
	install_info(SIGILL, record_and_jump, 0);
	install_info(SIGTRAP, record_and_jump, 0);
	tap_is(fault_at((void *)0x1234, 0), SIGSEGV, "a wild read is a SIGSEGV");
	tap_ok(last_address == (void *)0x1234, "si_addr is the address");
	tap_is(last_code, SEGV_MAPERR, "si_code says that nothing is mapped there");
	tap_is(fault_at(page + 7, 1), SIGSEGV, "a write to a read-only page is one too");
	tap_ok(last_address == page + 7, "si_addr is exact to the byte");
	tap_is(last_code, SEGV_ACCERR, "si_code says that the rights are missing");
	tap_is(fault_at((void *)0xffff888000000000UL, 0), SIGSEGV, "kernel memory is out of reach");
	tap_is(fault_at((void *)0x123456789abcdef0UL, 0), SIGSEGV, "so is a non-canonical address");
	munmap(page, PAGE);
	tap_is(fault_at(page, 0), SIGSEGV, "an unmapped page is gone");
	if (!sigsetjmp(back, 1))
		__asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" ::: "eax",
				 "ecx", "edx");
	tap_ok(last_signal == SIGFPE && last_code == FPE_INTDIV, "division by zero is FPE_INTDIV");
	if (!sigsetjmp(back, 1))
		__asm__ volatile("ud2");
	tap_is(last_signal, SIGILL, "an undefined instruction is a SIGILL");
	if (!sigsetjmp(back, 1))
		__asm__ volatile("int3");
	tap_is(last_signal, SIGTRAP, "a breakpoint is a SIGTRAP");
	if (!sigsetjmp(back, 1))
		__asm__ volatile("hlt");
	tap_is(last_signal, SIGSEGV, "a privileged instruction is a SIGSEGV");
	install(SIGSEGV, SIG_DFL, 0);
	install(SIGFPE, SIG_DFL, 0);
	install(SIGILL, SIG_DFL, 0);
	install(SIGTRAP, SIG_DFL, 0);
}

static char alternate[64 * 1024] __attribute__((aligned(16)));
static volatile int was_on_alternate;

static void where(int sig)
{
	char here;
	stack_t now;

	(void)sig;
	sigaltstack(NULL, &now);
	was_on_alternate = &here >= alternate && &here < alternate + sizeof(alternate) &&
			   (now.ss_flags & SS_ONSTACK);
	siglongjmp(back, 1);
}

static volatile int deeper = 1;

static void use_up_the_stack(volatile char *above)
{
	volatile char here[2048];

	here[0] = above ? above[0] : 0;
	if (deeper)
		use_up_the_stack(here);
	here[1] = here[0];
}

static void test_alternate_stack(void)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	stack_t small = { .ss_sp = alternate, .ss_size = 100 };

	tap_is(sigaltstack(&stack, NULL), 0, "an alternate stack is taken");
	fails(sigaltstack(&small, NULL), ENOMEM, "one of 100 bytes is not");
	install(SIGSEGV, where, SA_ONSTACK);
	if (!sigsetjmp(back, 1))
		use_up_the_stack(NULL);
	tap_ok(was_on_alternate, "a stack overflow is handled on the alternate stack");
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	install(SIGSEGV, SIG_DFL, 0);
}

static void poke_parent(void *argument)
{
	int fd = *(int *)argument;

	sleep_ms(150);
	kill(getppid(), SIGUSR1);
	sleep_ms(150);
	if (write(fd, "x", 1) != 1)
		_exit(1);
	_exit(0);
}

/* Read from a pipe while a child sends a signal and, later, a byte. */
static ssize_t read_while_poked(int flags)
{
	int fds[2];
	char byte;
	ssize_t got;
	int error;
	pid_t child;

	if (pipe(fds))
		return -2;
	install(SIGUSR1, count, flags);
	child = fork();
	if (!child)
		poke_parent(&fds[1]);
	got = read(fds[0], &byte, 1);
	error = errno;
	waitpid(child, NULL, 0);
	close(fds[0]);
	close(fds[1]);
	errno = error;
	return got;
}

static void test_restart(void)
{
	nr_caught = 0;
	tap_is(read_while_poked(SA_RESTART), 1, "SA_RESTART goes on reading");
	tap_is(nr_caught, 1, "after the handler has run");
	fails(read_while_poked(0), EINTR, "without it read is interrupted");
}

static void default_action(void *signal)
{
	raise(*(int *)signal);
	_exit(7);
}

static void test_defaults(void)
{
	static const int deadly[] = { SIGTERM, SIGSEGV, SIGKILL, SIGABRT, SIGALRM, SIGPIPE, SIGUSR1 };

	install(SIGUSR1, SIG_DFL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
		tap_is(in_child(default_action, (void *)&deadly[i]), 256 + deadly[i],
		       "signal %d kills by default", deadly[i]);
	tap_is(in_child(default_action, &(int){ SIGCHLD }), 7, "SIGCHLD does nothing by default");
	tap_is(in_child(default_action, &(int){ SIGWINCH }), 7, "nor does SIGWINCH");
}

static void test_stop_and_go(void)
{
	int status;
	pid_t child = fork();

	if (!child)
		for (;;)
			pause();
	kill(child, SIGSTOP);
	tap_is(waitpid(child, &status, WUNTRACED), child, "a stopped child is reported");
	tap_ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "as stopped by SIGSTOP");
	kill(child, SIGCONT);
	tap_is(waitpid(child, &status, WCONTINUED), child, "a continued one is, too");
	tap_ok(WIFCONTINUED(status), "as continued");
	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	kill(child, SIGKILL);
	tap_is(waitpid(child, &status, 0), child, "SIGKILL ends a stopped child");
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "by that signal");
}

static void test_timers(void)
{
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } }, off = { { 0, 0 }, { 0, 0 } }, left;
	long long begin = now_ms();

	install(SIGALRM, count, 0);
	nr_caught = 0;
	setitimer(ITIMER_REAL, &every, NULL);
	while (nr_caught < 5 && now_ms() - begin < 5000)
		pause();
	setitimer(ITIMER_REAL, &off, &left);
	tap_ok(nr_caught >= 5, "an interval timer goes off again and again");
	tap_ok(now_ms() - begin >= 80, "and not too early");
	alarm(100);
	tap_ok(alarm(0) >= 99, "alarm tells what was left");
}

static void test_child_signal(void)
{
	pid_t child;

	install_info(SIGCHLD, record, 0);
	nr_caught = 0;
	child = fork();
	if (!child)
		_exit(3);
	while (!nr_caught)
		sleep_ms(5);
	tap_is(last_code, CLD_EXITED, "SIGCHLD says that the child exited");
	tap_is(last_sender, child, "and which");
	waitpid(child, NULL, 0);
	install(SIGCHLD, SIG_IGN, 0);
	child = fork();
	if (!child)
		_exit(0);
	fails(waitpid(child, NULL, 0), ECHILD, "with SIGCHLD ignored children leave nothing");
	install(SIGCHLD, SIG_DFL, 0);
}

int main(void)
{
	tap_plan(0);
	test_delivery();
	test_masks();
	test_wait_for();
	test_faults();
	test_alternate_stack();
	test_restart();
	test_defaults();
	test_stop_and_go();
	test_timers();
	test_child_signal();
	return tap_done();
}
