/* SPDX-License-Identifier: MIT */
/*
 * high.c - addresses above 47 bits: who asks for them gets them where the CPU has five levels of page tables, and nobody where
 * it has four. The same answers as Linux's on both.
 */
#include "uffd.h"

#include <setjmp.h>
#include <sys/uio.h>
#include <ucontext.h>

#define WINDOW 0x7ffffffff000UL
#define TOP ((1UL << 56) - PAGE)
#define HIGH ((char *)(1UL << 48))
#define ARCH_SET_GS 0x1001
#define PAGEMAP_PRESENT (1ULL << 63)

static int five;
static sigjmp_buf back;
static volatile sig_atomic_t last_code;
static void *volatile last_address;
static void *volatile last_frame;

static void record(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	last_code = info->si_code;
	last_address = info->si_addr;
	last_frame = context;
	siglongjmp(back, 1);
}

/* si_code of the signal that an access is answered with, 0: none. */
static int fault_at(void *address, int write)
{
	last_code = 0;
	if (sigsetjmp(back, 1))
		return last_code;
	if (write)
		*(volatile char *)address = 1;
	else
		(void)*(volatile char *)address;
	return 0;
}

static char *map_at(void *hint, size_t bytes, int flags)
{
	return mmap(hint, bytes, RW, ANON | flags, -1, 0);
}

static int low(const void *p)
{
	return p != MAP_FAILED && (uintptr_t)p < WINDOW;
}

/* Whether /proc/cpuinfo says so: nobody else tells a program beforehand. */
static int has_flag(const char *name)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	size_t size = 0, length = strlen(name);
	char *line = NULL, *at;
	int found = 0;

	while (file && !found && getline(&line, &size, file) > 0)
		for (at = strncmp(line, "flags", 5) ? NULL : strstr(line, name); at && !found; at = strstr(at + 1, name))
			found = at[-1] == ' ' && strchr(" \n", at[length]);
	free(line);
	if (file)
		fclose(file);
	return found;
}

static void test_low(void)
{
	char *p = map_at(NULL, PAGE, 0);

	tap_ok(low(p), "without a hint a mapping lies below 47 bits");
	munmap(p, PAGE);
	tap_ok(low(sbrk(0)) && low(&p), "and so do heap and stack");
	p = map_at((void *)(WINDOW - PAGE), 2 * PAGE, 0);
	tap_ok(low(p) && (uintptr_t)p != WINDOW - PAGE, "a hint across the border is none");
	munmap(p, 2 * PAGE);
	p = map_at(HIGH, PAGE, MAP_32BIT);
	tap_ok((uintptr_t)p < 1UL << 31, "MAP_32BIT weighs more than a hint");
	munmap(p, PAGE);
}

/* What four levels say; nothing of it may end the program. */
static void test_refused(void)
{
	unsigned char vector;
	int pipes[2];
	char *p = map_at(HIGH, PAGE, 0), byte = 0;
	struct iovec here = { &byte, 1 }, there = { HIGH, 1 };
	int monitor = enabled_fd(0);

	tap_ok(low(p), "a hint above is none");
	fails(map_at(HIGH, PAGE, MAP_FIXED), ENOMEM, "nothing is mapped there");
	fails(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, HIGH), EINVAL, "nor moved there");
	munmap(p, PAGE);
	fails(munmap(HIGH, PAGE), EINVAL, "munmap");
	fails(mprotect(HIGH, PAGE, PROT_READ), ENOMEM, "mprotect");
	fails(madvise(HIGH, PAGE, MADV_DONTNEED), ENOMEM, "madvise");
	fails(mincore(HIGH, PAGE, &vector), ENOMEM, "mincore");
	fails(process_vm_readv(getpid(), &here, 1, &there, 1, 0), EFAULT, "process_vm_readv");
	fails(watch(monitor, HIGH, PAGE, MISSING), EINVAL, "userfaultfd");
	close(monitor);
	fails(syscall(SYS_arch_prctl, ARCH_SET_GS, HIGH), EPERM, "no segment begins there");
	pipe(pipes);
	fails(write(pipes[1], HIGH, 1), EFAULT, "nothing is read from there");
	close(pipes[0]);
	close(pipes[1]);
	tap_is(fault_at(HIGH, 0), SI_KERNEL, "the CPU does not know the address");
	tap_ok(!last_address, "and does not tell it");
}

static void test_places(void)
{
	char *p = map_at(HIGH, 2 * PAGE, 0), *q;

	tap_ok(p == HIGH, "a hint above is taken");
	q = map_at(HIGH + PAGE, PAGE, 0);
	tap_ok((uintptr_t)q > WINDOW && (uintptr_t)q < TOP && q != HIGH + PAGE, "one that is taken asks for another place there");
	munmap(q, PAGE);
	q = map_at((void *)-1L, PAGE, 0);
	tap_ok((uintptr_t)q > WINDOW && (uintptr_t)q < TOP, "and so does one beyond all addresses");
	munmap(q, PAGE);
	q = map_at((void *)(TOP - PAGE), PAGE, MAP_FIXED);
	tap_ok((uintptr_t)q == TOP - PAGE && !fault_at(q, 1), "the last page can be had");
	munmap(q, PAGE);
	fails(map_at((void *)TOP, PAGE, MAP_FIXED), ENOMEM, "the one behind it cannot");
	fails(map_at((void *)(TOP - PAGE), 2 * PAGE, MAP_FIXED), ENOMEM, "nor both");
	q = map_at((void *)WINDOW, 2 * PAGE, MAP_FIXED_NOREPLACE);
	tap_ok((uintptr_t)q == WINDOW && !fault_at(q, 1) && !fault_at(q + PAGE, 1), "the border itself is nothing special");
	munmap(q, 2 * PAGE);
	q = mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	tap_ok(low(q), "what moves by itself comes back below");
	munmap(q, 2 * PAGE);
	munmap(p, 2 * PAGE);
}

static long long vm_pte(void)
{
	return figure("/proc/self/status", "VmPTE");
}

static void child_writes(void *argument)
{
	char *p = argument;

	if (p[0] != 'a' || p[PAGE] != 'b')
		_exit(1);
	p[0] = 'c';
	munmap(p + PAGE, PAGE);
	_exit(p[0] == 'c' && fault_at(p + PAGE, 0) == SEGV_MAPERR ? 0 : 2);
}

/* The same pages under every call that takes an address. */
static void test_calls(void)
{
	long long before, tables;
	unsigned char vector[2];
	char *p = HIGH + (5UL << 48) + (3UL << 30), byte = 0, line[256], wanted[64];
	struct iovec here = { &byte, 1 }, there = { p + PAGE, 1 };
	uint64_t entry = 0;
	int found = 0, pagemap = open("/proc/self/pagemap", O_RDONLY);
	FILE *maps;

	vm_pte();	/* what the C library needs for it is there */
	before = vm_pte();
	map_at(p, 2 * PAGE, MAP_FIXED);
	p[0] = 'a';
	p[PAGE] = 'b';
	tables = vm_pte() - before;
	tap_ok(tables >= 12 && tables <= 16, "VmPTE counts the tables on the way: %lld kB", tables);
	tap_is(in_child(child_writes, p), 0, "a child has a copy");
	tap_ok(p[0] == 'a' && p[PAGE] == 'b', "and only that");
	tap_ok(!mincore(p, 2 * PAGE, vector) && (vector[0] & vector[1] & 1), "mincore");
	tap_ok(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1 && byte == 'b', "process_vm_readv");
	tap_ok(pread(pagemap, &entry, 8, (off_t)((uintptr_t)p / PAGE * 8)) == 8 && (entry & PAGEMAP_PRESENT), "pagemap");
	tap_is(pread(pagemap, &entry, 8, (off_t)((TOP + PAGE) / PAGE * 8)), 0, "which ends behind the last address");
	close(pagemap);
	snprintf(wanted, sizeof(wanted), "%lx-%lx rw-p", (unsigned long)p, (unsigned long)(p + 2 * PAGE));
	maps = fopen("/proc/self/smaps", "r");
	while (maps && fgets(line, sizeof(line), maps)) {
		found += !strncmp(line, wanted, strlen(wanted));
		if (found == 1 && sscanf(line, "Rss: %lu kB", &(unsigned long){ 0 }) == 1)
			found += !strncmp(line + strcspn(line, "0123456789"), "8 kB", 4) ? 1 : 2;
	}
	if (maps)
		fclose(maps);
	tap_is(found, 2, "smaps");
	tap_ok(!mprotect(p, PAGE, PROT_READ) && fault_at(p, 1) == SEGV_ACCERR && last_address == p, "mprotect");
	tap_ok(!mprotect(p, PAGE, RW) && !madvise(p, PAGE, MADV_DONTNEED) && p[0] == 0, "madvise");
	tap_ok(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + (7UL << 48)) == p + (7UL << 48), "mremap to another part");
	tap_ok(p[7UL << 48] == 0 && p[PAGE] == 'b', "and the content");
	munmap(p + (7UL << 48), PAGE);
	munmap(p, 2 * PAGE);
	tap_is(fault_at(p + 3, 0), SEGV_MAPERR, "munmap");
	tap_ok(last_address == p + 3, "si_addr has all bits");
	tap_is(vm_pte(), before, "and the tables are gone");
}

/* A monitor hears of the address with all its bits, and answers there. */
static void test_watched(void)
{
	char *p = map_at(HIGH + (9UL << 48), PAGE, 0), content[PAGE] = { [7] = 'w' };
	struct copy answer = { U(p), U(content), PAGE, 0, 0 };
	struct touch reader = { .address = p + 7 };
	struct msg said = { .event = 0 };
	int monitor = enabled_fd(0);
	pthread_t thread;

	tap_is(watch(monitor, p, PAGE, MISSING), 0, "userfaultfd");
	pthread_create(&thread, NULL, touches, &reader);
	tap_ok(next_msg(monitor, &said), "tells of the fault");
	tap_ok(said.event == E_FAULT && said.address == U(p), "at %llx", (unsigned long long)said.address);
	tap_is(ioctl(monitor, COPY, &answer), 0, "and puts a page there");
	pthread_join(thread, NULL);
	tap_is(reader.seen, 'w', "which its reader sees");
	close(monitor);
	munmap(p, PAGE);
}

static void test_faults(void)
{
	char *beyond = (char *)(1UL << 56);
	int pipes[2];

	pipe(pipes);
	fails(write(pipes[1], HIGH, 1), EFAULT, "nothing is mapped: EFAULT");
	fails(write(pipes[1], beyond, 1), EFAULT, "no address: EFAULT");
	fails(write(pipes[1], (char *)TOP, 1), EFAULT, "the last page: EFAULT");
	close(pipes[0]);
	close(pipes[1]);
	tap_is(fault_at(beyond, 0), SI_KERNEL, "beyond 56 bits the CPU does not know the address");
	tap_ok(!last_address, "and does not tell it");
	tap_is(fault_at((char *)TOP, 0), SEGV_MAPERR, "the last page is none");
	fails(syscall(SYS_arch_prctl, ARCH_SET_GS, TOP), EPERM, "no segment begins there");
	tap_ok(!syscall(SYS_arch_prctl, ARCH_SET_GS, HIGH) && !syscall(SYS_arch_prctl, ARCH_SET_GS, 0), "but anywhere below");
}

static void skip_ud2(int sig, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)sig;
	last_address = info->si_addr;
	last_frame = user;
	user->uc_mcontext.gregs[REG_RIP] += 2;
}

/* Code and a signal's stack in the last pages: the ways back to user mode load such addresses. */
static void test_code(void)
{
	static const unsigned char code[] = {
		0xb8, SYS_getppid, 0, 0, 0,	/* mov $SYS_getppid, %eax */
		0x0f, 0x05,			/* syscall */
		0x0f, 0x0b,			/* ud2 */
		0xc3,				/* ret */
	};
	struct sigaction action = { .sa_sigaction = skip_ud2, .sa_flags = SA_SIGINFO | SA_ONSTACK }, old;
	char *page = map_at((void *)(TOP - PAGE), PAGE, MAP_FIXED), *stack = map_at((void *)(TOP - 20 * PAGE), 16 * PAGE, MAP_FIXED);
	stack_t alternate = { .ss_sp = stack, .ss_size = 16 * PAGE }, none = { .ss_flags = SS_DISABLE };
	char *start = page + PAGE - sizeof(code);

	memcpy(start, code, sizeof(code));
	mprotect(page, PAGE, PROT_READ | PROT_EXEC);
	sigaltstack(&alternate, NULL);
	sigaction(SIGILL, &action, &old);
	tap_is(((int (*)(void))start)(), getppid(), "code in the last bytes makes a call");
	tap_ok(last_address == start + 7, "and a fault, whose handler returns there");
	tap_ok((char *)last_frame > stack && (char *)last_frame < stack + 16 * PAGE, "from a stack that lies there too");
	sigaction(SIGILL, &old, NULL);
	sigaltstack(&none, NULL);
	munmap(page, PAGE);
	munmap(stack, 16 * PAGE);
}

/* Tables of the fourth and fifth level come and go under four threads; a translation that is left over shows a wrong number. */
static void *come_and_go(void *argument)
{
	uintptr_t self = (uintptr_t)argument, wrong = 0;

	for (uintptr_t i = 0; i < 60; i++) {
		volatile uintptr_t *p = (void *)map_at(HIGH + ((i % 5 * 4 + self) << 48) + ((i % 3) << 39), PAGE, MAP_FIXED);

		wrong += *p != 0;
		*p = i;
		if (i % 7 == 0)
			sched_yield();
		wrong += *p != i;
		munmap((void *)p, PAGE);
	}
	return (void *)wrong;
}

static void test_threads(void)
{
	pthread_t threads[4];
	uintptr_t wrong = 0;
	void *result;

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, come_and_go, (void *)i);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		wrong += (uintptr_t)result;
	}
	tap_is(wrong, 0, "threads share what comes and goes");
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = record, .sa_flags = SA_SIGINFO };
	char *probe;

	tap_plan(0);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	probe = map_at(HIGH, PAGE, MAP_FIXED);
	five = probe != MAP_FAILED;
	if (five)
		munmap(probe, PAGE);
	tap_is(five, has_flag("la57"), "/proc/cpuinfo tells whether there are five levels: %d", five);
	test_low();
	if (five) {
		test_places();
		test_calls();
		test_watched();
		test_faults();
		test_code();
		test_threads();
	} else {
		test_refused();
	}
	return tap_done();
}
