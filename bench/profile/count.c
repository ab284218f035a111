/* SPDX-License-Identifier: MIT */
/*
 * count.c - a plugin for QEMU that counts how often each guest instruction runs while measuring.
 *
 * Counting starts and stops at each `rdtsc` of a static program, which is where vmbench reads its
 * clock. A turn of a `rep` instruction counts, as under -icount. When the machine ends, the file
 * given as argument `out=` has a line of address and count for each instruction that ran in the
 * last stretch, which is what a row measures, in its last run. One CPU only. The declarations are
 * those of version 1 of QEMU's plugin interface, whose header Debian does not package.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t at);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*ran)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*ran)(unsigned int, void *), int flags, void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*ran)(plugin_id, void *), void *data);

/* Static programs lie below it; the vdso, which reads the clock as well, above. */
#define STATIC_END 0x100000000ULL
#define NR_BUCKETS 65536

struct counter {
	uint64_t at, count, stretch;
	struct counter *next;
};

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static struct counter *buckets[NR_BUCKETS];
static const char *out;
static bool counting;
static uint64_t stretch; /* a number for each time that counting was on */

static struct counter *counter_of(uint64_t at)
{
	struct counter **bucket = &buckets[at % NR_BUCKETS], *found;

	for (found = *bucket; found; found = found->next)
		if (found->at == at)
			return found;
	found = calloc(1, sizeof(*found));
	if (!found)
		abort();
	found->at = at;
	found->next = *bucket;
	*bucket = found;
	return found;
}

static void ran(unsigned int cpu, void *data)
{
	struct counter *counter = data;

	(void)cpu;
	if (!counting)
		return;
	if (counter->stretch != stretch) {
		counter->stretch = stretch;
		counter->count = 0;
	}
	counter->count++;
}

static void clock_read(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	counting = !counting;
	stretch += counting;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t at = qemu_plugin_insn_vaddr(insn);
		bool rdtsc = qemu_plugin_insn_size(insn) == 2 &&
			     !memcmp(qemu_plugin_insn_data(insn), "\x0f\x31", 2);

		if (rdtsc && at < STATIC_END)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, clock_read, 0, NULL);
		else
			qemu_plugin_register_vcpu_insn_exec_cb(insn, ran, 0, counter_of(at));
	}
}

static void write_counts(plugin_id id, void *data)
{
	FILE *file = fopen(out, "w");

	(void)id;
	(void)data;
	for (size_t i = 0; file && i < NR_BUCKETS; i++)
		for (struct counter *one = buckets[i]; one; one = one->next)
			if (one->count && one->stretch == stretch)
				fprintf(file, "%llx %llu\n", (unsigned long long)one->at,
					(unsigned long long)one->count);
	if (!file || fclose(file))
		perror(out);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info,
							       int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_counts, NULL);
	return 0;
}
