/* SPDX-License-Identifier: MIT */
/* smp_test.c - threads of one program: faults beside mapping and unmapping, forks beside writes, shared memory. */
#include "vm_machine.h"

#include <stdatomic.h>

#define CPUS 3
#define ROUNDS 60

struct shared {
	struct mm_struct *mm;
	unsigned long area[CPUS];  /* each thread's own */
	unsigned long common;      /* written by all, read by all */
	atomic_uint next, wrong, done;
	atomic_int stop;
};

static unsigned long anon(struct mm_struct *mm, unsigned long pages)
{
	return map_anon(mm, pages, PROT_READ | PROT_WRITE, 0);
}

static void leave(void)
{
	vm_run_on(NULL);
	pgtable_switch_kernel();
	vm_machine.running[this_cpu()] = NULL;
}

/* Each thread maps, fills, checks, protects and unmaps memory of its own while the others do the same. */
static void own_memory(void *arg)
{
	struct shared *s = arg;
	unsigned int me = this_cpu();

	mmget(s->mm);
	vm_run_on(s->mm);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned long a = anon(s->mm, 4);
		unsigned char mark = (unsigned char)(me * 50 + round % 50 + 1);

		for (int i = 0; i < 4; i++)
			s->wrong += poke(a + i * PG, mark) != 0;
		s->wrong += do_mprotect(s->mm, a + PG, PG, PROT_READ) != 0;
		for (int i = 0; i < 4; i++)
			s->wrong += peek(a + i * PG) != mark;
		s->wrong += segv_code(a + PG, 1) != FAULT_SEGV_ACCERR;
		s->wrong += peek(s->area[me]) != (int)me + 1;
		s->wrong += do_munmap(s->mm, a, 4 * PG) != 0;
	}
	leave();
	mmput(s->mm);
}

static void start_areas(struct shared *s, struct mm_struct *mm)
{
	s->mm = mm;
	s->common = anon(mm, 8);
	for (unsigned int i = 0; i < CPUS; i++) {
		s->area[i] = anon(mm, 64);
		poke(s->area[i], (unsigned char)(i + 1));
	}
}

static void test_own_memory(struct mm_struct *mm)
{
	struct shared s = { .mm = mm };

	start_areas(&s, mm);
	tap_run(vm_machine.machine, CPUS, own_memory, &s);
	vm_run_on(mm);
	tap_is(s.wrong, 0, "mapping, touching and unmapping side by side");
	tap_is(vm_check(), 0, "in order");
}

/* One thread takes rights and memory away again and again; the others must see the right bytes or a signal, never more. */
static void common_memory(void *arg)
{
	struct shared *s = arg;
	unsigned int me = s->next++;

	mmget(s->mm);
	vm_run_on(s->mm);
	for (int round = 0; round < ROUNDS; round++) {
		if (me == 0) {
			s->wrong += do_mprotect(s->mm, s->common, 8 * PG, PROT_READ) != 0;
			s->wrong += do_madvise(s->mm, s->common + 4 * PG, 4 * PG, 4) != 0;
			s->wrong += do_mprotect(s->mm, s->common, 8 * PG, PROT_READ | PROT_WRITE) != 0;
			continue;
		}
		for (unsigned int i = 0; i < 8; i++) {
			int got = peek(s->common + i * PG);

			s->wrong += got != 0 && got != (int)i + 1;
			if (poke(s->common + i * PG, (unsigned char)(i + 1)) != 0)
				s->wrong += vm_machine.last[this_cpu()].si_code != FAULT_SEGV_ACCERR;
		}
	}
	leave();
	mmput(s->mm);
}

static void test_common_memory(struct mm_struct *mm)
{
	struct shared s = { .mm = mm };

	start_areas(&s, mm);
	tap_run(vm_machine.machine, CPUS, common_memory, &s);
	vm_run_on(mm);
	tap_is(s.wrong, 0, "rights and pages taken away under other threads");
	tap_is(vm_check(), 0, "in order");
}

/* A counter in the first byte of each page is raised by its one writer only; copies made meanwhile must be frozen. */
static void fork_beside(void *arg)
{
	struct shared *s = arg;
	unsigned int me = s->next++;

	mmget(s->mm);
	vm_run_on(s->mm);
	for (int round = 0; round < ROUNDS; round++) {
		struct mm_struct *child;

		if (me != 0) {
			for (int i = 0; i < 8; i++) {
				int got = peek(s->area[me] + i * PG);

				s->wrong += poke(s->area[me] + i * PG, (unsigned char)(got + 1)) != 0;
				s->wrong += peek(s->area[me] + i * PG) != (unsigned char)(got + 1);
			}
			continue;
		}
		if (dup_mm(s->mm, &child) != 0) {
			s->wrong++;
			continue;
		}
		vm_run_on(child);
		for (unsigned int t = 1; t < CPUS; t++) {
			int first = peek(s->area[t] + 3 * PG), second = peek(s->area[t] + 3 * PG);

			s->wrong += first != second;
			s->wrong += poke(s->area[t] + 3 * PG, 250) != 0;
		}
		vm_run_on(s->mm);
		mmput(child);
	}
	leave();
	mmput(s->mm);
}

static void test_fork_beside(struct mm_struct *mm)
{
	struct shared s = { .mm = mm };

	start_areas(&s, mm);
	tap_run(vm_machine.machine, CPUS, fork_beside, &s);
	vm_run_on(mm);
	tap_is(s.wrong, 0, "forks beside writers");
	tap_is(vm_check(), 0, "in order");
}

int main(void)
{
	struct mm_struct *mm;

	tap_plan(0);
	mm = vm_machine_start(64 << 20, CPUS);
	test_own_memory(mm);
	test_common_memory(mm);
	test_fork_beside(mm);
	vm_machine_end(mm);
	return tap_done();
}
