/* SPDX-License-Identifier: MIT */
/* auxv.c - what a program is told beside its arguments: every entry of the auxiliary vector, and who may run code on the stack. */
#include "common.h"

#include <cpuid.h>
#include <elf.h>
#include <sched.h>
#include <sys/personality.h>

/* Younger than some C libraries' headers. */
enum { RSEQ_FEATURE_SIZE = 27, RSEQ_ALIGN = 28, MINIMAL_SIGNAL_STACK = 51 };

#define COPY "./auxv-program"

static char *self;
static const Elf64_auxv_t *vector;

static const Elf64_auxv_t *find(unsigned long type)
{
	for (const Elf64_auxv_t *at = vector; at->a_type != AT_NULL; at++)
		if (at->a_type == type)
			return at;
	return NULL;
}

static unsigned long value(unsigned long type)
{
	const Elf64_auxv_t *at = find(type);

	return at ? at->a_un.a_val : ~0ul;
}

/* ---- each entry ---- */

static void test_presence(void)
{
	static const unsigned long types[] = {
		AT_SYSINFO_EHDR, MINIMAL_SIGNAL_STACK, AT_HWCAP, AT_PAGESZ, AT_CLKTCK, AT_PHDR, AT_PHENT, AT_PHNUM, AT_BASE,
		AT_FLAGS, AT_ENTRY, AT_UID, AT_EUID, AT_GID, AT_EGID, AT_SECURE, AT_RANDOM, AT_HWCAP2, AT_EXECFN, AT_PLATFORM,
		RSEQ_FEATURE_SIZE, RSEQ_ALIGN,
	};
	static char bytes[4096];
	int fd = open("/proc/self/auxv", O_RDONLY);
	ssize_t got = read(fd, bytes, sizeof(bytes));
	size_t nr = 1;

	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		unsigned int times = 0;

		for (const Elf64_auxv_t *at = vector; at->a_type != AT_NULL; at++)
			times += at->a_type == types[i];
		tap_is(times, 1, "type %lu is there once", types[i]);
	}
	while (vector[nr - 1].a_type != AT_NULL)
		nr++;
	tap_ok(got >= (ssize_t)(nr * sizeof(*vector)) && !memcmp(bytes, vector, nr * sizeof(*vector)),
	       "/proc/self/auxv shows the same");
}

static void test_program(void)
{
	const Elf64_Phdr *ph = (const Elf64_Phdr *)value(AT_PHDR);
	Elf64_Phdr in_file[16];
	Elf64_Ehdr ehdr;
	int fd = open(self, O_RDONLY);

	tap_is(pread(fd, &ehdr, sizeof(ehdr), 0), sizeof(ehdr), "the program's file is read");
	pread(fd, in_file, sizeof(in_file), (off_t)ehdr.e_phoff);
	close(fd);
	tap_is(value(AT_PHENT), sizeof(Elf64_Phdr), "AT_PHENT");
	tap_is(value(AT_PHNUM), ehdr.e_phnum, "AT_PHNUM is the file's");
	tap_ok(!memcmp(ph, in_file, ehdr.e_phnum * sizeof(*ph)), "AT_PHDR leads to the file's headers");
	tap_is(value(AT_ENTRY), ehdr.e_entry, "AT_ENTRY is the file's");
	tap_is(value(AT_BASE), 0, "AT_BASE: a static program has no interpreter");
	tap_is(value(AT_FLAGS), 0, "AT_FLAGS");
	tap_is_str((const char *)value(AT_EXECFN), self, "AT_EXECFN is the name that execve was given");
}

static void test_machine(void)
{
	unsigned int a, b, c, d;

	__cpuid(1, a, b, c, d);
	tap_is(value(AT_HWCAP), d, "AT_HWCAP is what the CPU says in edx of leaf 1");
	tap_is(value(AT_HWCAP2) & ~3ul, 0, "AT_HWCAP2 has two bits");
	if (value(AT_HWCAP2) & 2) {
		unsigned long base;

		__asm__ volatile("rdfsbase %0" : "=r"(base));
		tap_ok(base != 0, "FSGSBASE, which AT_HWCAP2 promises");
	}
	tap_is(value(AT_PAGESZ), 4096, "AT_PAGESZ");
	tap_is(value(AT_CLKTCK), 100, "AT_CLKTCK");
	tap_is_str((const char *)value(AT_PLATFORM), "x86_64", "AT_PLATFORM");
	tap_ok(!memcmp((const void *)value(AT_SYSINFO_EHDR), ELFMAG, SELFMAG), "AT_SYSINFO_EHDR leads to the vdso");
	tap_ok(value(RSEQ_FEATURE_SIZE) >= 20 && value(RSEQ_FEATURE_SIZE) <= 64, "AT_RSEQ_FEATURE_SIZE: the first version's, or more");
	tap_is(value(RSEQ_ALIGN), 32, "AT_RSEQ_ALIGN");
}

static volatile unsigned long handled_at;
static void on_signal(int sig)
{
	volatile char here = (char)sig;

	handled_at = (unsigned long)&here;
}

static void test_signal_stack(void)
{
	size_t frame = value(MINIMAL_SIGNAL_STACK), bytes = frame < 2048 ? 2048 : frame;
	stack_t stack = { .ss_sp = malloc(bytes), .ss_size = bytes };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	tap_ok(frame >= 1024 && frame < 65536, "AT_MINSIGSTKSZ: %zu", frame);
	tap_is(syscall(SYS_sigaltstack, &stack, NULL), 0, "a stack of that size, or of MINSIGSTKSZ, is accepted");
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	tap_ok(handled_at - (unsigned long)stack.ss_sp < bytes, "and enough for a handler");
	stack.ss_flags = SS_DISABLE;
	syscall(SYS_sigaltstack, &stack, NULL);
	free(stack.ss_sp);
}

static void test_rseq(void)
{
	static struct { uint32_t start, cpu; uint64_t cs; uint32_t flags, node, cid; char rest[36]; }
		area __attribute__((aligned(64)));
	unsigned int cpu, node;

	area.cpu = area.node = area.cid = 77;
	if (value(RSEQ_FEATURE_SIZE) < 28 || syscall(334, &area, 32, 0, 0x53053053) != 0)
		return;
	sched_yield();
	syscall(SYS_getcpu, &cpu, &node, NULL);
	tap_ok(area.cpu < 77, "the area that AT_RSEQ_* describes has a CPU");
	tap_is(area.node, node, "and its node");
	tap_ok(area.cid < 77, "and a number among the threads that run");
	tap_is(syscall(334, &area, 32, 1, 0x53053053), 0, "it is given back");
	tap_ok(area.cpu == ~0u && !area.node && !area.cid, "and empty");
}

/* ---- other runs of this program ---- */

/* What a run of COPY prints for "random", "ids" or "exec", of which it is run with this argument. */
static unsigned long answer_of(const char *what)
{
	unsigned long answer = ~0ul;
	int out[2], status;
	pid_t child;

	if (pipe(out))
		return answer;
	child = fork();
	if (!child) {
		dup2(out[1], 1);
		execl(COPY, COPY, what, (char *)NULL);
		_exit(1);
	}
	close(out[1]);
	if (read(out[0], &answer, sizeof(answer)) != sizeof(answer))
		answer = ~0ul;
	close(out[0]);
	waitpid(child, &status, 0);
	return status ? ~0ul : answer;
}

static void copy_self(const char *to, int gnu_stack)
{
	static char bytes[1 << 20];
	int from = open(self, O_RDONLY), fd;
	ssize_t len = read(from, bytes, sizeof(bytes));
	Elf64_Ehdr *ehdr = (Elf64_Ehdr *)bytes;
	Elf64_Phdr *ph = (Elf64_Phdr *)(bytes + ehdr->e_phoff);

	close(from);
	for (int i = 0; i < ehdr->e_phnum; i++)
		if (ph[i].p_type == PT_GNU_STACK) {
			ph[i].p_type = gnu_stack < 0 ? PT_NULL : PT_GNU_STACK;
			ph[i].p_flags = gnu_stack < 0 ? 0 : (Elf64_Word)gnu_stack;
		}
	unlink(to);
	fd = open(to, O_WRONLY | O_CREAT, 0755);
	if (write(fd, bytes, (size_t)len) != len)
		tap_diag("cannot copy the program");
	close(fd);
}

static void test_random(void)
{
	unsigned long first = answer_of("random"), second = answer_of("random");

	tap_ok(first != ~0ul && second != ~0ul && first != second, "AT_RANDOM differs from run to run");
	tap_ok(value(AT_RANDOM) > (unsigned long)&first, "and lies in the stack");
}

static void be_another(void *argument)
{
	unsigned long answer;

	(void)argument;
	if (setgid(3000) || setuid(3000))
		_exit(1);
	answer = answer_of("ids");
	_exit(answer == 0x3000000 + 3000 ? 0 : answer == 0x1000000 + 3000 ? 3 : 2);
}

static void test_ids(void)
{
	tap_is(value(AT_UID), getuid(), "AT_UID");
	tap_is(value(AT_EUID), geteuid(), "AT_EUID");
	tap_is(value(AT_GID), getgid(), "AT_GID");
	tap_is(value(AT_EGID), getegid(), "AT_EGID");
	tap_is(value(AT_SECURE), 0, "AT_SECURE: the same user as before");
	if (getuid() != 0)
		return;
	chmod(".", 0755);
	chown(COPY, 0, 0);
	chmod(COPY, 04755);
	tap_is(in_child(be_another, NULL), 0, "AT_SECURE, AT_UID and AT_EUID of a set-user-ID program");
}

/* ---- PT_GNU_STACK and READ_IMPLIES_EXEC ---- */

enum { STACK_X = 1, READ_X = 2, HEAP_X = 4, STACK_RUNS = 8, PERSONALITY = 16 };

static int executable(const void *address)
{
	char line[512], perms[8];
	unsigned long start, end;
	int found = 0;
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && !found && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) == 3 && start <= (unsigned long)address &&
		    (unsigned long)address < end)
			found = perms[2] == 'x' ? 1 : -1;
	if (maps)
		fclose(maps);
	return found > 0;
}

static void run_on_stack(void *argument)
{
	unsigned char code[] = { 0xc3 };
	void (*function)(void) = (void (*)(void))(uintptr_t)code;

	(void)argument;
	__asm__ volatile("" : : "r"(code) : "memory");
	function();
}

static unsigned long who_may_run(void)
{
	long heap = syscall(SYS_brk, 0);
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long answer = executable(&heap) ? STACK_X : 0;

	heap = syscall(SYS_brk, heap + 4 * (long)PAGE) - 1;
	answer |= executable(page) ? READ_X : 0;
	answer |= executable((void *)heap) ? HEAP_X : 0;
	answer |= in_child(run_on_stack, NULL) == 0 ? STACK_RUNS : 0;
	return answer | ((unsigned long)personality(0xffffffff) & READ_IMPLIES_EXEC ? PERSONALITY : 0);
}

static void exec_with_personality(void *argument)
{
	(void)argument;
	personality(READ_IMPLIES_EXEC);
	_exit((int)answer_of("exec"));
}

static void live_with_personality(void *argument)
{
	char *before = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *page;
	long heap = syscall(SYS_brk, 0);
	int status;

	(void)argument;
	personality(READ_IMPLIES_EXEC);
	if (personality(0xffffffff) != READ_IMPLIES_EXEC)
		_exit(1);
	page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(before, PAGE, PROT_READ);
	mprotect(before + PAGE, PAGE, PROT_WRITE);
	if (!executable(page) || !executable(before) || executable(before + PAGE) || executable(before + 2 * PAGE))
		_exit(2);
	heap = syscall(SYS_brk, heap + 4 * (long)PAGE) - 1;
	if (!executable((void *)heap))
		_exit(3);
	if (!fork()) {
		page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		_exit(executable(page) ? 0 : 1);
	}
	wait(&status);
	if (status)
		_exit(4);
	personality(0);
	page = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (executable(page) || !executable(before))
		_exit(5);
}

static void test_stack(void)
{
	copy_self(COPY, PF_R | PF_W | PF_X);
	tap_is(answer_of("exec"), STACK_X | STACK_RUNS, "PT_GNU_STACK with X: the stack, and nothing else, may be run");
	tap_is(in_child(exec_with_personality, NULL), STACK_X | STACK_RUNS, "execve takes READ_IMPLIES_EXEC away");
	copy_self(COPY, -1);
	tap_is(answer_of("exec"), 0, "without PT_GNU_STACK nothing may be run that does not ask");
	tap_is(in_child(exec_with_personality, NULL), 0, "nor if the one before had READ_IMPLIES_EXEC");
	copy_self(COPY, PF_R | PF_W);
	tap_is(answer_of("exec"), 0, "PT_GNU_STACK without X: nothing");
	tap_is(in_child(live_with_personality, NULL), 0, "READ_IMPLIES_EXEC while a program runs");
	tap_is(in_child(run_on_stack, NULL), 256 + SIGSEGV, "code on this stack is not run");
}

static int answer(const char *what)
{
	unsigned long result = 0;

	if (!strcmp(what, "random"))
		memcpy(&result, (const void *)value(AT_RANDOM), sizeof(result));
	else if (!strcmp(what, "ids"))
		result = (value(AT_SECURE) << 24) + (value(AT_EUID) == 0 ? 0x2000000 : 0) + value(AT_UID);
	else
		result = who_may_run();
	return write(1, &result, sizeof(result)) != sizeof(result);
}

int main(int argc, char **argv, char **environment)
{
	while (*environment)
		environment++;
	vector = (const Elf64_auxv_t *)(environment + 1);
	self = argv[0];
	if (argc > 1)
		return answer(argv[1]);
	tap_plan(0);
	test_presence();
	test_program();
	test_machine();
	test_signal_stack();
	test_rseq();
	copy_self(COPY, PF_R | PF_W);
	test_random();
	test_ids();
	test_stack();
	unlink(COPY);
	return tap_done();
}
