/* SPDX-License-Identifier: MIT */
/* setmm.c - PR_SET_MM: a program changes what /proc says of its layout, arguments, vector and file, within limits. */
#include "common.h"

#include <elf.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define SET_MM 35
enum option {
	START_CODE = 1, END_CODE, START_DATA, END_DATA, START_STACK, START_BRK, HEAP_END, ARG_START, ARG_END, ENV_START,
	ENV_END, AUX, EXE, MAP, MAP_SIZE
};

/* Fields of /proc/PID/stat, from 1. */
enum field { F_CODE = 26, F_CODE_END, F_STACK, F_DATA = 45, F_DATA_END, F_BRK, F_ARG, F_ARG_END, F_ENV, F_ENV_END };

struct map {
	uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack, arg_start, arg_end, env_start, env_end;
	uint64_t auxv;
	uint32_t auxv_size, exe_fd;
};

static long set(enum option option, unsigned long value)
{
	return prctl(SET_MM, option, value, 0, 0);
}

static size_t read_proc(const char *name, char *to, size_t size)
{
	char path[64];
	int fd;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_RDONLY);
	got = read(fd, to, size - 1);
	close(fd);
	to[got > 0 ? got : 0] = 0;
	return got > 0 ? (size_t)got : 0;
}

static unsigned long stat_of(const char *dir, enum field number)
{
	char text[2048], path[64], *at;
	int fd;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%s/stat", dir);
	fd = open(path, O_RDONLY);
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got > 0 ? got : 0] = 0;
	at = strrchr(text, ')');
	for (int i = 2; at && i < (int)number; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoul(at, NULL, 10) : 0;
}

static unsigned long stat_field(enum field number)
{
	return stat_of("self", number);
}

static struct map now(void)
{
	return (struct map){
		.start_code = stat_field(F_CODE), .end_code = stat_field(F_CODE_END), .start_data = stat_field(F_DATA),
		.end_data = stat_field(F_DATA_END), .start_brk = stat_field(F_BRK), .brk = (uint64_t)syscall(SYS_brk, 0),
		.start_stack = stat_field(F_STACK), .arg_start = stat_field(F_ARG), .arg_end = stat_field(F_ARG_END),
		.env_start = stat_field(F_ENV), .env_end = stat_field(F_ENV_END), .exe_fd = ~0u,
	};
}

static long set_map(const struct map *map)
{
	return prctl(SET_MM, MAP, map, sizeof(*map), 0);
}

/* Each by itself wants CAP_SYS_RESOURCE, which even root may lack. */
static int may_set(void)
{
	return set(START_CODE, stat_field(F_CODE)) == 0;
}

static void test_places(void)
{
	static const struct { enum option option; enum field field; } all[] = {
		{ START_CODE, F_CODE }, { END_CODE, F_CODE_END }, { START_DATA, F_DATA }, { END_DATA, F_DATA_END },
		{ START_STACK, F_STACK }, { ARG_START, F_ARG }, { ENV_END, F_ENV_END },
	};
	unsigned long old, heap = (unsigned long)syscall(SYS_brk, 0);

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		old = stat_field(all[i].field);
		tap_is(set(all[i].option, old - 1), 0, "option %d is set", all[i].option);
		tap_ok(stat_field(all[i].field) == old - 1, "and seen");
		set(all[i].option, old);
	}
	old = stat_field(F_BRK);
	tap_is(set(HEAP_END, heap + 1), 0, "the heap's end moves by a byte");
	tap_is(syscall(SYS_brk, 0), heap + 1, "brk starts from there");
	set(HEAP_END, heap);
	tap_is(set(START_BRK, heap), 0, "its start moves to its end");
	tap_is(stat_field(F_BRK), heap, "and is seen");
	tap_is(syscall(SYS_brk, heap - 1), heap, "there is no way below it then");
	set(START_BRK, old);
}

static void test_refused(void)
{
	unsigned long code = stat_field(F_CODE), code_end = stat_field(F_CODE_END), old = stat_field(F_ARG_END);
	struct rlimit limit, none = { 4096, RLIM_INFINITY };

	fails(set(START_CODE, 0), EINVAL, "null");
	fails(set(START_CODE, 1UL << 56), EINVAL, "beyond what programs have");
	fails(set(START_CODE, code_end), EINVAL, "no code at all");
	fails(set(END_DATA, stat_field(F_DATA) - 1), EINVAL, "an end before the start");
	fails(set(ARG_START, old + 1), EINVAL, "arguments backwards");
	fails(set(HEAP_END, stat_field(F_BRK) - 1), EINVAL, "a heap backwards");
	fails(set(ENV_END, (1UL << 47) - 2 * PAGE), EFAULT, "nothing is mapped above");
	fails(set(START_STACK, (1UL << 47) - 2 * PAGE), EFAULT, "for a stack neither");
	fails(set(0, code), EINVAL, "no such option");
	fails(set(16, code), EINVAL, "nor this one");
	fails(prctl(SET_MM, START_CODE, code, 1, 0), EINVAL, "a fourth argument");
	fails(prctl(SET_MM, START_CODE, code, 0, 1), EINVAL, "a fifth");
	getrlimit(RLIMIT_DATA, &limit);
	setrlimit(RLIMIT_DATA, &none);
	fails(set(HEAP_END, stat_field(F_BRK) + 1024 * PAGE), EINVAL, "more than RLIMIT_DATA");
	setrlimit(RLIMIT_DATA, &limit);
	tap_ok(stat_field(F_CODE) == code && stat_field(F_ARG_END) == old, "nothing has changed");
}

static size_t shown_as(const struct map *map, const char *name, char *text, size_t size)
{
	tap_is(set_map(map), 0, "arguments and environment elsewhere");
	return read_proc(name, text, size);
}

static void test_arguments(void)
{
	static char of_file[] = "one\0two";
	char text[256], *title = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct map old = now(), map = old;

	memcpy(title, "one\0two\0A=1\0B=2", 16);
	map.arg_start = (uintptr_t)title;
	map.arg_end = map.env_start = map.arg_start + 8;
	map.env_end = map.arg_start + 16;
	tap_is(shown_as(&map, "cmdline", text, sizeof(text)), 8, "cmdline has the arguments' length");
	tap_ok(!memcmp(text, "one\0two", 8), "and text");
	tap_is(read_proc("environ", text, sizeof(text)), 8, "environ has its length");
	tap_ok(!memcmp(text, "A=1\0B=2", 8), "and text");
	memcpy(title, "a title over all", 17);
	tap_is(read_proc("cmdline", text, sizeof(text)), 16, "a title that goes on in the environment is shown up to its end");
	tap_ok(!memcmp(text, "a title over all", 16), "as it is");
	memcpy(title, "short\0xx", 8);
	tap_is(read_proc("cmdline", text, sizeof(text)), 6, "one that is shorter up to its NUL");
	map.env_start = map.arg_end + 1;
	memcpy(title, "long and longer ", 17);
	tap_is(shown_as(&map, "cmdline", text, sizeof(text)), 8, "where the environment is elsewhere, no further than the arguments");
	map.arg_start = (uintptr_t)of_file;
	map.arg_end = map.arg_start + sizeof(of_file);
	tap_is(shown_as(&map, "cmdline", text, sizeof(text)), 0, "a file's memory is not read");
	tap_is(set_map(&old), 0, "and back");
	munmap(title, PAGE);
}

static void test_map(void)
{
	unsigned int size = 0;
	struct map map = now();

	tap_is(prctl(SET_MM, MAP_SIZE, &size, 0, 0), 0, "the map's size");
	tap_is(size, sizeof(map), "is ours");
	fails(prctl(SET_MM, MAP_SIZE, 8, 0, 0), EFAULT, "a bad place for it");
	fails(prctl(SET_MM, MAP, &map, sizeof(map) - 1, 0), EINVAL, "another size");
	fails(prctl(SET_MM, MAP, 8, sizeof(map), 0), EFAULT, "a bad map");
	map.end_code = map.start_code;
	fails(set_map(&map), EINVAL, "a wrong one");
	map = now();
	map.env_end = PAGE;
	fails(set_map(&map), EINVAL, "an address too low");
	map = now();
	map.auxv_size = 16;
	fails(set_map(&map), EINVAL, "a vector that is nowhere");
	map.auxv = 8;
	fails(set_map(&map), EFAULT, "a bad one");
	map.auxv_size = 4096;
	fails(set_map(&map), EINVAL, "one that is too long");
	map = now();
	map.exe_fd = 999;
	fails(set_map(&map), EBADF, "no such file");
}

static void test_auxv(void)
{
	static const unsigned long words[] = { 4711, 1, 4712, 2, 0, 0 };
	unsigned long saved[64], seen[64], big[60];
	size_t length = read_proc("auxv", (char *)saved, sizeof(saved));
	struct map old = now(), map = old;

	tap_ok(length > 16 && length % 16 == 0 && !saved[length / 8 - 2], "the vector ends with a zero pair");
	map.auxv = (uintptr_t)words;
	map.auxv_size = sizeof(words);
	tap_is(set_map(&map), 0, "another vector");
	tap_is(read_proc("auxv", (char *)seen, sizeof(seen)), sizeof(words), "has its length");
	tap_ok(!memcmp(seen, words, sizeof(words)), "and contents");
	for (size_t i = 0; i < ARRAY_SIZE(big); i++)
		big[i] = i + 1;
	map.auxv = (uintptr_t)big;
	map.auxv_size = 56 * 8;
	tap_is(set_map(&map), 0, "the longest");
	tap_is(read_proc("auxv", (char *)seen, sizeof(seen)), 56 * 8, "is whole");
	tap_ok(seen[53] == 54 && !seen[54] && !seen[55], "but for its end");
	map.auxv_size = 57 * 8;
	fails(set_map(&map), EINVAL, "one longer");
	map.auxv = (uintptr_t)saved;
	map.auxv_size = (uint32_t)length;
	tap_is(set_map(&map), 0, "the old one comes back");
	tap_is(read_proc("auxv", (char *)seen, sizeof(seen)), length, "with its length");
	tap_ok(!memcmp(seen, saved, length), "as it was");
}

static void test_auxv_alone(void)
{
	static const unsigned long words[] = { 4711, 1 };
	unsigned long saved[64], seen[64];
	size_t length = read_proc("auxv", (char *)saved, sizeof(saved));

	tap_is(prctl(SET_MM, AUX, words, sizeof(words), 0), 0, "a part of the vector");
	tap_is(read_proc("auxv", (char *)seen, sizeof(seen)), length, "leaves the rest");
	tap_ok(seen[0] == 4711 && seen[1] == 1 && !memcmp(seen + 2, saved + 2, length - 16), "as it was");
	fails(prctl(SET_MM, AUX, words, 57 * 8, 0), EINVAL, "too long");
	fails(prctl(SET_MM, AUX, 8, 16, 0), EFAULT, "a bad pointer");
	prctl(SET_MM, AUX, saved, length, 0);
}

static void as_nobody(void *unused)
{
	struct map map;
	int exe = open("/proc/self/exe", O_RDONLY);

	(void)unused;
	if (setgid(1000) || setuid(1000))
		_exit(100);
	map = now();
	/* Not dumpable any more: stat hides nothing from oneself. */
	if (!map.start_code || set_map(&map))
		_exit(1);
	if (set(START_CODE, map.start_code) != -1 || errno != EPERM)
		_exit(2);
	if (set(99, map.start_code) != -1 || errno != EPERM)
		_exit(3);
	map.exe_fd = (uint32_t)exe;
	if (set_map(&map) != -1 || errno != EPERM)
		_exit(4);
	_exit(stat_of("1", F_CODE) <= 1 && stat_of("1", F_CODE_END) <= 1 && !stat_of("1", F_ARG) ? 0 : 5);
}

static void test_exe(void)
{
	char path[128];
	int directory = open("/", O_RDONLY), exe = open("/proc/self/exe", O_RDONLY), plain, pipes[2];

	fails(set(EXE, 999), EBADF, "no file");
	fails(set(EXE, (unsigned long)directory), EACCES, "a directory");
	tap_is(pipe(pipes), 0, "a pipe");
	fails(set(EXE, (unsigned long)pipes[0]), EACCES, "is no program");
	plain = open("/tmp/setmm-file", O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (plain < 0)
		plain = open("/setmm-file", O_RDWR | O_CREAT | O_TRUNC, 0644);
	fails(set(EXE, (unsigned long)plain), EACCES, "what may not be executed neither");
	fchmod(plain, 0755);
	fails(set(EXE, (unsigned long)exe), EBUSY, "while the old one is mapped");
	memset(path, 0, sizeof(path));
	tap_ok(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0 && strstr(path, "setmm"), "it is still ours");
	unlink("/tmp/setmm-file");
	unlink("/setmm-file");
	close(plain);
	close(directory);
	close(exe);
	close(pipes[0]);
	close(pipes[1]);
}

/*
 * A program that unmaps itself and changes its file must run elsewhere: these few instructions are copied to a page of their own
 * and do what the block says.
 */
struct leap {
	unsigned long image, image_bytes, fd;
	long set, length;
	char link[24], target[200];
};
extern const char leap_code[], leap_end[];
__asm__("leap_code: mov %rdi, %rbx\n"
	"	mov $11, %eax; mov 0(%rbx), %rdi; mov 8(%rbx), %rsi; syscall\n"
	"	mov $157, %eax; mov $35, %edi; mov $13, %esi; mov 16(%rbx), %rdx; xor %r10d, %r10d; xor %r8d, %r8d; syscall\n"
	"	mov %rax, 24(%rbx)\n"
	"	mov $89, %eax; lea 40(%rbx), %rdi; lea 64(%rbx), %rsi; mov $199, %edx; syscall\n"
	"	mov %rax, 32(%rbx)\n"
	"	mov $231, %eax; xor %edi, %edi; syscall\n"
	"leap_end:");

/* From the first to the last line of maps that names this program. */
static void find_image(struct leap *leap)
{
	unsigned long start, end;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "setmm") && sscanf(line, "%lx-%lx", &start, &end) == 2) {
			leap->image = leap->image ? leap->image : start;
			leap->image_bytes = end - leap->image;
		}
	if (maps)
		fclose(maps);
}

static void leap(void *argument)
{
	struct leap *block = argument;
	void *code = (char *)argument + PAGE;

	memcpy(code, leap_code, (size_t)(leap_end - leap_code));
	find_image(block);
	((void (*)(struct leap *))code)(block);
}

static void test_other_exe(void)
{
	struct leap *block = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = open("/bin/busybox", O_RDONLY);

	block->fd = (unsigned long)fd;
	strcpy(block->link, "/proc/self/exe");
	tap_is(in_child(leap, block), 0, "a child unmaps its program");
	tap_is(block->set, 0, "then it may run another");
	tap_ok(block->length > 0 && strstr(block->target, "busybox"), "exe leads there");
	munmap(block, 2 * PAGE);
	close(fd);
}

int main(void)
{
	tap_plan(0);
	test_arguments();
	test_map();
	test_auxv();
	if (may_set()) {
		test_places();
		test_refused();
		test_auxv_alone();
		test_exe();
		test_other_exe();
	} else {
		tap_diag("no CAP_SYS_RESOURCE: the rest is left out");
	}
	tap_is(in_child(as_nobody, NULL), 0, "without rights only the whole map can be set");
	return tap_done();
}
