/* SPDX-License-Identifier: MIT */
/* vdso.c - the time and the CPU without a system call say what the calls say. */
#include "common.h"

#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/time.h>

static int (*v_gettime)(int, struct timespec *);
static int (*v_getres)(int, struct timespec *);
static int (*v_gettimeofday)(struct timeval *, void *);
static long (*v_time)(long *);
static long (*v_getcpu)(unsigned int *, unsigned int *, void *);

static const char *base;

/* The version that a symbol belongs to, by the tables of the ELF standard. */
static const char *version_of(const Elf64_Verdef *def, const char *strings, unsigned int index)
{
	for (;; def = (const void *)((const char *)def + def->vd_next)) {
		const Elf64_Verdaux *aux = (const void *)((const char *)def + def->vd_aux);

		if (def->vd_ndx == (index & 0x7fff) && !(def->vd_flags & VER_FLG_BASE))
			return strings + aux->vda_name;
		if (!def->vd_next)
			return "";
	}
}

static void *find_symbol(const char *name)
{
	const Elf64_Ehdr *ehdr = (const void *)base;
	const Elf64_Phdr *ph = (const void *)(base + ehdr->e_phoff);
	const void *table[64] = { NULL };
	const Elf64_Sym *syms;
	const Elf64_Half *versions;
	const char *strings;

	for (int i = 0; i < ehdr->e_phnum; i++) {
		const Elf64_Dyn *dyn = (const void *)(base + ph[i].p_offset);

		for (; ph[i].p_type == PT_DYNAMIC && dyn->d_tag != DT_NULL; dyn++) {
			if (dyn->d_tag < 32)
				table[dyn->d_tag] = base + dyn->d_un.d_ptr;
			if (dyn->d_tag == DT_VERSYM)
				table[32] = base + dyn->d_un.d_ptr;
			if (dyn->d_tag == DT_VERDEF)
				table[33] = base + dyn->d_un.d_ptr;
		}
	}
	syms = table[DT_SYMTAB];
	strings = table[DT_STRTAB];
	versions = table[32];
	/* DT_HASH: number of chains is that of symbols. */
	for (unsigned int i = 0; i < ((const Elf64_Word *)table[DT_HASH])[1]; i++)
		if (!strcmp(strings + syms[i].st_name, name) && syms[i].st_shndx != SHN_UNDEF &&
		    !strcmp(version_of(table[33], strings, versions[i]), "LINUX_2.6"))
			return (void *)(base + syms[i].st_value);
	return NULL;
}

static void test_symbols(void)
{
	static const char *const names[] = { "clock_gettime", "clock_getres", "gettimeofday",
					     "time", "getcpu" };
	char full[64];

	base = (const char *)getauxval(AT_SYSINFO_EHDR);
	tap_ok(base && !memcmp(base, ELFMAG, SELFMAG), "AT_SYSINFO_EHDR leads to an ELF header");
	for (int i = 0; i < 5; i++) {
		snprintf(full, sizeof(full), "__vdso_%s", names[i]);
		tap_ok(find_symbol(full) && find_symbol(full) == find_symbol(names[i]),
		       "%s of LINUX_2.6 is there", names[i]);
	}
	v_gettime = find_symbol("__vdso_clock_gettime");
	v_getres = find_symbol("__vdso_clock_getres");
	v_gettimeofday = find_symbol("__vdso_gettimeofday");
	v_time = find_symbol("__vdso_time");
	v_getcpu = find_symbol("__vdso_getcpu");
}

static long long ns_of(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

static long long by_call(int id)
{
	struct timespec ts;

	return syscall(SYS_clock_gettime, id, &ts) ? -1 : ns_of(&ts);
}

static long long by_vdso(int id)
{
	struct timespec ts;

	return v_gettime(id, &ts) ? -1 : ns_of(&ts);
}

/* Call, vdso and call again rise, many times: one clock, not two. */
static void test_agreement(int id, const char *name)
{
	long long before = by_call(id), mine, after;
	int wrong = 0;

	for (int i = 0; i < 2000; i++) {
		mine = by_vdso(id);
		after = by_call(id);
		wrong += !(before <= mine && mine <= after);
		before = after;
	}
	tap_is(wrong, 0, "%s is between the system calls around it", name);
}

static void test_other_entries(void)
{
	struct timespec fine, coarse, called;
	struct timeval tv;
	int zone[2] = { -1, -1 };
	long stored = 0, now;

	tap_is(v_getres(CLOCK_MONOTONIC, &fine), 0, "the resolution");
	tap_is(ns_of(&fine), 1, "is a nanosecond");
	tap_is(v_getres(CLOCK_REALTIME_COARSE, &coarse), 0, "that of a coarse clock");
	syscall(SYS_clock_getres, CLOCK_REALTIME_COARSE, &called);
	tap_is(ns_of(&coarse), ns_of(&called), "is the system call's");
	tap_is(v_getres(CLOCK_BOOTTIME, NULL), 0, "it need not be stored");
	tap_is(v_getres(77, &fine), -EINVAL, "an unknown clock has none");
	tap_is(v_gettime(77, &fine), -EINVAL, "and no time");
	tap_ok(by_vdso(CLOCK_PROCESS_CPUTIME_ID) > 0, "CPU time comes from the system call");
	tap_is(v_gettimeofday(&tv, zone), 0, "gettimeofday with a time zone");
	tap_is(zone[0], 0, "which is stored");
	now = v_time(&stored);
	tap_ok(now == stored && now - tv.tv_sec >= 0 && now - tv.tv_sec < 5, "time, both ways");
}

static void test_getcpu(void)
{
	unsigned int cpu = 77, node = 77, called = 78, called_node = 78;
	int wrong = 0, nr = (int)sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	for (int i = 0; i < nr; i++) {
		CPU_ZERO(&set);
		CPU_SET(i, &set);
		sched_setaffinity(0, sizeof(set), &set);
		v_getcpu(&cpu, &node, NULL);
		syscall(SYS_getcpu, &called, &called_node, NULL);
		wrong += cpu != (unsigned int)i || cpu != called || node != called_node;
	}
	tap_is(wrong, 0, "getcpu names each of %d CPUs where the thread is put", nr);
	tap_is(v_getcpu(NULL, NULL, NULL), 0, "and stores nothing when not asked to");
	memset(&set, 0xff, sizeof(set));
	sched_setaffinity(0, sizeof(set), &set);
}

/* ---- several threads ---- */

#define ROUNDS 20000

static _Atomic long long newest;
static atomic_int backwards;

static void *race(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		long long seen = atomic_load(&newest), mine = by_vdso(CLOCK_MONOTONIC);

		if (mine < seen)
			atomic_fetch_add(&backwards, 1);
		while (seen < mine && !atomic_compare_exchange_weak(&newest, &seen, mine))
			;
	}
	return unused;
}

static atomic_int setting;

static void *set_clock(void *argument)
{
	const struct timespec *times = argument;

	for (int i = 0; i < 400; i++)
		syscall(SYS_clock_settime, CLOCK_REALTIME, &times[i & 1]);
	atomic_store(&setting, 0);
	return NULL;
}

/* A clock that is set to and fro reads as one of the two, never as a mixture. */
static void test_setting(void)
{
	struct timespec times[2], real;
	long long origin, off, wrong = 0, reads = 0;
	pthread_t thread;

	syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
	times[0] = times[1] = real;
	times[1].tv_sec += 1ll << 32;
	atomic_store(&setting, 1);
	pthread_create(&thread, NULL, set_clock, times);
	origin = ns_of(&real);
	while (atomic_load(&setting)) {
		off = by_vdso(CLOCK_REALTIME) - origin;
		if (off >= 1ll << 61)
			off -= (1ll << 32) * 1000000000ll;
		wrong += off < -60000000000ll || off > 60000000000ll;
		reads++;
	}
	pthread_join(thread, NULL);
	tap_is(wrong, 0, "the clock is whole while it is set 400 times");
	tap_diag("%lld reads meanwhile", reads);
	real.tv_sec += 7200;
	syscall(SYS_clock_settime, CLOCK_REALTIME, &real);
	off = by_vdso(CLOCK_REALTIME) - ns_of(&real);
	tap_ok(off >= 0 && off < 30000000000ll, "what is set is read");
	syscall(SYS_clock_settime, CLOCK_REALTIME, &times[0]);
}

static void test_threads(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, race, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	tap_is(atomic_load(&backwards), 0, "no thread reads a time before one that another has read");
}

/* ---- the mapping ---- */

static int find_line(const char *name, unsigned long *start, unsigned long *end, char *rights)
{
	char line[256];
	FILE *maps = fopen("/proc/self/maps", "r");
	int found = 0;

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, name))
			found += sscanf(line, "%lx-%lx %7s", start, end, rights) == 3;
	if (maps)
		fclose(maps);
	return found;
}

static void read_child_time(void *unused)
{
	_exit(by_vdso(CLOCK_MONOTONIC) > 0 && !unused ? 7 : 1);
}

static void test_mapping(void)
{
	unsigned long code, code_end, data, data_end;
	unsigned char copy[4096], *text;
	char rights[8];
	int mem = open("/proc/self/mem", O_RDONLY);

	tap_is(find_line("[vdso]", &code, &code_end, rights), 1, "maps has a [vdso]");
	tap_is_str(rights, "r-xp", "which may be executed");
	tap_ok((const char *)code == base && code_end - code == 4096, "of a page, where auxv says");
	tap_is(find_line("[vvar]", &data, &data_end, rights), 1, "and a [vvar]");
	tap_is_str(rights, "r--p", "which may be read only");
	tap_is(data_end, code, "before it");
	tap_is(pread(mem, copy, 4096, (off_t)code), 4096, "a debugger reads the code");
	tap_ok(!memcmp(copy, base, 4096), "as it is");
	fails(pread(mem, copy, 4096, (off_t)data), EIO, "but not the data");
	fails(mprotect((void *)data, 4096, PROT_READ | PROT_WRITE), EACCES, "nobody writes those");
	tap_is(in_child(read_child_time, NULL), 7, "a child reads the time as well");
	text = (unsigned char *)code;
	tap_is(mprotect(text, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0, "the code may be changed");
	text[4000] = 0x5a;
	tap_ok(!memcmp(copy, base, 4000) && text[4000] == 0x5a, "in a copy that is one's own");
	tap_ok(by_vdso(CLOCK_MONOTONIC) > 0, "which works as before");
	close(mem);
}

static void run_anew(void *unused)
{
	execl("/proc/self/exe", "vdso", "fresh", (char *)unused, (char *)NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && argv[1])
		return ((const unsigned char *)getauxval(AT_SYSINFO_EHDR))[4000];
	tap_plan(0);
	test_symbols();
	if (!v_gettime || !v_getcpu || !v_time || !v_getres || !v_gettimeofday)
		return tap_done();
	test_agreement(CLOCK_MONOTONIC, "the monotonic clock");
	test_agreement(CLOCK_REALTIME, "the real clock");
	test_agreement(CLOCK_BOOTTIME, "the time since boot");
	test_other_entries();
	test_getcpu();
	test_threads();
	/* Only in a machine of the tests, never on the host. */
	if (!access("/tests/vdso", X_OK))
		test_setting();
	test_mapping();
	tap_is(in_child(run_anew, NULL), 0, "another program gets the unchanged code");
	return tap_done();
}
