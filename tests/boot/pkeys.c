/* SPDX-License-Identifier: MIT */
/* pkeys.c - protection keys, where the CPU has them, and their absence elsewhere. */
#include "common.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <ucontext.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
enum { NO_ACCESS = 1, NO_WRITE = 2, PKUERR = 4 };

static sigjmp_buf back;
static volatile int code, key_told;
static volatile unsigned int rights_in_handler;

static unsigned int rights(void)
{
	unsigned int value, unused;

	__asm__ volatile("rdpkru" : "=a"(value), "=d"(unused) : "c"(0));
	return value;
}

static void set_rights(unsigned int value)
{
	__asm__ volatile("wrpkru" :: "a"(value), "c"(0), "d"(0) : "memory");
}

static void set_key(int key, unsigned int bits)
{
	set_rights((rights() & ~(3u << 2 * key)) | bits << 2 * key);
}

static void jump(int sig, siginfo_t *info, void *context)
{
	code = info->si_code;
	memcpy((void *)&key_told, (char *)info + 32, sizeof(key_told));
	rights_in_handler = rights();
	siglongjmp(back, sig);
	(void)context;
}

static int cpu_has_keys(void)
{
	unsigned int a = 7, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c >> 4 & 1;
}

static int touch(volatile char *address, int write)
{
	/* A jump out of the handler does not give back what it interrupted. */
	volatile unsigned int before = cpu_has_keys() ? rights() : 0;
	int sig = sigsetjmp(back, 1);

	if (sig) {
		set_rights(before);
		return sig;
	}
	if (write)
		*address = 1;
	else
		(void)*address;
	return 0;
}

static void returns(int sig)
{
	rights_in_handler = rights();
	(void)sig;
}

static long key_alloc(unsigned long flags, unsigned long bits)
{
	return syscall(SYS_pkey_alloc, flags, bits);
}

static long key_protect(void *address, size_t len, int prot, int key)
{
	return syscall(SYS_pkey_mprotect, address, len, prot, key);
}

static void test_without(void)
{
	char *p = mmap(NULL, PAGE, RW, ANON, -1, 0);

	fails(key_alloc(0, 0), EINVAL, "no keys without the CPU's");
	fails(syscall(SYS_pkey_free, 0), EINVAL, "so none is freed");
	fails(key_protect(p, PAGE, RW, 0), EINVAL, "nor used");
	tap_is(key_protect(p, PAGE, PROT_READ, -1), 0, "without a key it is mprotect");
}

static void test_calls(void)
{
	char *p = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
	int keys[16], nr = 0;

	fails(key_alloc(1, 0), EINVAL, "no flags exist");
	fails(key_alloc(0, 4), EINVAL, "no such right");
	fails(syscall(SYS_pkey_free, 1), EINVAL, "not allocated");
	fails(syscall(SYS_pkey_free, 16), EINVAL, "no such key");
	fails(syscall(SYS_pkey_free, -1), EINVAL, "no such key");
	fails(key_protect(p, PAGE, RW, 1), EINVAL, "not allocated");
	fails(key_protect(p, PAGE, RW, -2), EINVAL, "no such key");
	while (nr < 16 && (keys[nr] = (int)key_alloc(0, 0)) >= 0)
		nr++;
	tap_is(nr, 15, "fifteen keys beside the first");
	tap_is(errno, ENOSPC, "then no more");
	for (int i = 0; i < nr; i++)
		syscall(SYS_pkey_free, keys[i]);
	tap_is(key_alloc(0, 0), keys[0], "freed ones come again");
	syscall(SYS_pkey_free, keys[0]);
	munmap(p, 2 * PAGE);
}

static long protection_key(const void *address)
{
	char line[256];
	unsigned long start = 0, end = 0;
	long key = -1;
	FILE *smaps = fopen("/proc/self/smaps", "r");

	while (smaps && key < 0 && fgets(line, sizeof(line), smaps)) {
		sscanf(line, "%lx-%lx ", &start, &end);
		if (start <= (unsigned long)address && (unsigned long)address < end)
			sscanf(line, "ProtectionKey: %ld", &key);
	}
	if (smaps)
		fclose(smaps);
	return key;
}

static void child_sees(void *p)
{
	_exit(touch(p, 0) == SIGSEGV && code == PKUERR ? 0 : 1);
}

static void *other_thread(void *p)
{
	unsigned int mine = rights();

	set_rights(0x55555554);
	return (void *)(long)(touch(p, 0) == SIGSEGV ? mine : ~0u);
}

static void test_access(void)
{
	struct sigaction action = { .sa_sigaction = jump, .sa_flags = SA_SIGINFO };
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
	int key = (int)key_alloc(0, NO_ACCESS), pipes[2];
	pthread_t thread;
	void *result;

	sigaction(SIGSEGV, &action, NULL);
	tap_is(rights() >> 2 * key & 3, NO_ACCESS, "allocated with rights");
	p[0] = 7;
	tap_is(key_protect(p, 2 * PAGE, RW, key), 0, "two pages get the key");
	tap_is(protection_key(p), key, "smaps shows it");
	tap_is(protection_key(p + 2 * PAGE), 0, "for them only");
	tap_is(touch(p, 0), SIGSEGV, "no reading");
	tap_ok(code == PKUERR && key_told == key, "the signal names the key");
	tap_is(rights_in_handler, 0x55555554, "a handler starts with the first rights");
	signal(SIGUSR1, returns);
	set_key(key, NO_WRITE);
	raise(SIGUSR1);
	tap_is(rights() >> 2 * key & 3, NO_WRITE, "and its return gives the others back");
	set_key(key, NO_ACCESS);
	tap_is(touch(p + PAGE, 0), SIGSEGV, "nor of a page that is not there yet");
	tap_is(touch(p + 2 * PAGE, 1), 0, "the neighbour is free");
	if (pipe(pipes))
		tap_diag("no pipe");
	fails(write(pipes[1], p, 1), EFAULT, "the kernel keeps to it");
	tap_is(in_child(child_sees, p), 0, "and so do children");
	set_key(key, NO_WRITE);
	tap_is(touch(p, 0), 0, "reading allowed");
	tap_is(p[0], 7, "what was there");
	tap_ok(touch(p, 1) == SIGSEGV && code == PKUERR, "but no writing");
	fails(read(pipes[0], NULL, 0) ? -1 : (write(pipes[1], "x", 1), read(pipes[0], p, 1)), EFAULT, "not by the kernel either");
	pthread_create(&thread, NULL, other_thread, p);
	pthread_join(thread, &result);
	tap_is((long)result >> 2 * key & 3, NO_WRITE, "a new thread has its maker's rights");
	tap_is(rights() >> 2 * key & 3, NO_WRITE, "and changes its own only");
	set_key(key, 0);
	tap_is(touch(p, 1), 0, "everything allowed");
	tap_is(mprotect(p, PAGE, PROT_READ), 0, "mprotect");
	tap_is(protection_key(p), key, "keeps the key");
	tap_ok(touch(p, 1) == SIGSEGV && code == 2, "and its own rights count as well");
	tap_is(key_protect(p, 2 * PAGE, RW, 0), 0, "the first key again");
	set_key(key, NO_ACCESS);
	tap_is(touch(p, 1), 0, "then the other does not matter");
	munmap(p, 4 * PAGE);
}

static void test_exec(void)
{
	int status;
	pid_t child;

	set_rights(0);
	child = fork();
	if (!child) {
		execl("/proc/self/exe", "pkeys", "rights", NULL);
		_exit(9);
	}
	waitpid(child, &status, 0);
	tap_is(status, 0, "exec starts with the first rights");
}

/* Two processes with different rights take turns on a CPU. */
static void spins(void *argument)
{
	unsigned int mine = *(unsigned int *)argument;
	long long end = now_ms() + 300;

	set_rights(mine);
	while (now_ms() < end) {
		if (rights() != mine)
			_exit(1);
		sched_yield();
	}
}

static void test_switching(void)
{
	unsigned int a = 0x11111110, b = 0x22222220;
	int status, in_parent;
	pid_t child = fork();

	if (!child) {
		spins(&a);
		_exit(0);
	}
	in_parent = in_child(spins, &b);
	waitpid(child, &status, 0);
	tap_ok(!in_parent && !status, "each task keeps its rights");
}

/* ---- the signal frame: PKRU lies where XSAVE would put it ---- */

enum { SW_WORDS = 464, XSAVE_HEADER = 512, MAGIC1 = 0x46505853, MAGIC2 = 0x46505845 };
static volatile unsigned int in_frame;
static volatile int frame_whole, new_rights = -1;

static unsigned int pkru_place(void)
{
	unsigned int a = 13, b, c = 9, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b;
}

static void looks_at_frame(int sig, siginfo_t *info, void *context)
{
	char *state = (char *)((ucontext_t *)context)->uc_mcontext.fpregs;
	unsigned int words[5], place = pkru_place();
	unsigned long long header, features;

	memcpy(words, state + SW_WORDS, sizeof(words));
	memcpy(&features, words + 2, sizeof(features));
	memcpy(&header, state + XSAVE_HEADER, sizeof(header));
	memcpy((void *)&in_frame, state + place, sizeof(in_frame));
	frame_whole = words[0] == MAGIC1 && words[1] == words[4] + 4 && words[4] >= place + 8 && (features >> 9 & 1) &&
		      (header >> 9 & 1) && *(unsigned int *)(state + words[4]) == MAGIC2;
	if (new_rights == 0)
		memset(state + place, 0, 4);
	if (new_rights == 1) {
		header &= ~(1ull << 9);
		memcpy(state + XSAVE_HEADER, &header, sizeof(header));
	}
	(void)sig;
	(void)info;
}

static void test_frame(void)
{
	struct sigaction action = { .sa_sigaction = looks_at_frame, .sa_flags = SA_SIGINFO };
	char *p = mmap(NULL, PAGE, RW, ANON, -1, 0);
	int key = (int)key_alloc(0, NO_ACCESS);
	unsigned int mine;

	sigaction(SIGUSR1, &action, NULL);
	set_key(key, NO_WRITE);
	mine = rights();
	raise(SIGUSR1);
	tap_ok(frame_whole, "a frame with all its parts");
	tap_is(in_frame, mine, "and the rights of whom it interrupted");
	tap_is(rights(), mine, "which are back afterwards");
	/* As a library does that opens what was touched. */
	sigaction(SIGSEGV, &action, NULL);
	set_key(key, NO_ACCESS);
	key_protect(p, PAGE, RW, key);
	new_rights = 0;
	*(volatile char *)p = 'f';
	tap_is(rights(), 0, "a handler gives rights by way of the frame");
	set_key(key, NO_ACCESS);
	new_rights = 1;
	*(volatile char *)p = 'g';
	tap_is(rights(), 0, "a part that the header leaves out is zero");
	set_rights(0x55555554);
	syscall(SYS_pkey_free, key);
	munmap(p, PAGE);
}

/* ---- memory that may only be executed ---- */

static void child_executes(void *p)
{
	int (*f)(void) = (int (*)(void))p;

	_exit(f() == 7 && touch(p, 0) == SIGSEGV && code == PKUERR ? 0 : 1);
}

static void test_execute_only(void)
{
	static const unsigned char seven[] = { 0xb8, 7, 0, 0, 0, 0xc3 };
	struct sigaction action = { .sa_sigaction = jump, .sa_flags = SA_SIGINFO };
	char *p = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0), *q;
	int (*f)(void) = (int (*)(void))p, key, pipes[2];

	sigaction(SIGSEGV, &action, NULL);
	memcpy(p, seven, sizeof(seven));
	memcpy(p + PAGE, seven, sizeof(seven));
	tap_is(mprotect(p, PAGE, PROT_EXEC), 0, "PROT_EXEC alone");
	key = (int)protection_key(p);
	tap_ok(key > 0, "takes a key");
	tap_is(protection_key(p + PAGE), 0, "for itself");
	tap_is(f(), 7, "it runs");
	tap_is(touch(p, 0), SIGSEGV, "and cannot be read");
	tap_ok(code == PKUERR && key_told == key, "because of the key");
	if (pipe(pipes))
		tap_diag("no pipe");
	fails(write(pipes[1], p, 1), EFAULT, "nor by the kernel");
	fails(syscall(SYS_pkey_free, key), EINVAL, "the key is not the program's");
	fails(key_protect(p + PAGE, PAGE, PROT_READ, key), EINVAL, "to free or use");
	tap_is(in_child(child_executes, p), 0, "a child has it, too");
	q = mmap(NULL, PAGE, PROT_EXEC, ANON, -1, 0);
	tap_is(protection_key(q), key, "mmap takes the same");
	tap_ok(touch(q, 0) == SIGSEGV && code == PKUERR, "with the same effect");
	set_key(key, 0);
	munmap(q, PAGE);
	q = mmap(NULL, PAGE, PROT_EXEC, ANON, -1, 0);
	tap_is(touch(p, 0), SIGSEGV, "asking again takes rights back that the program gave itself");
	tap_is(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0, "other rights");
	tap_ok(protection_key(p) == 0 && touch(p, 0) == 0, "give the first key back");
	tap_is(key_protect(p, PAGE, PROT_EXEC, 0), 0, "asked for with a key");
	tap_ok(protection_key(p) == 0 && touch(p, 0) == 0, "it has that key");
	close(pipes[0]);
	close(pipes[1]);
	munmap(q, PAGE);
	munmap(p, 2 * PAGE);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "rights"))
		return rights() == 0x55555554 ? 0 : 1;
	tap_plan(0);
	if (cpu_has_keys()) {
		test_calls();
		test_access();
		test_exec();
		test_switching();
		test_frame();
		test_execute_only();
	} else {
		test_without();
	}
	return tap_done();
}
