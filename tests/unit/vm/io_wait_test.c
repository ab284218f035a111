/* SPDX-License-Identifier: MIT */
/* io_wait_test.c - while one thread's fault waits for its page to be read, the others fault, map and unmap. */
#include "vm_machine.h"

#include <string.h>
#include <time.h>

#include "phys/memmap.h"

/* A fault that is still being read after so long waits for one that waits for it. */
#define GIVE_UP_SECONDS 20

static struct {
	struct mm_struct *mm;
	struct address_space mapping;
	unsigned long file, other, shared;
	unsigned int next, reading, go_on, gave_up, wrong;
	unsigned long min_flt, maj_flt;
} run;

static u64 size(struct address_space *mapping)
{
	return 8 * PG;
}

static bool wait_for(unsigned int *flag)
{
	time_t end = time(NULL) + GIVE_UP_SECONDS;

	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		if (time(NULL) > end)
			return false;
		quire_host_relax();
	}
	return true;
}

/* A slow disk: the page comes when the other CPU says so. */
static int slow_read(struct address_space *mapping, struct page *page)
{
	__atomic_store_n(&run.reading, 1, __ATOMIC_RELEASE);
	if (!wait_for(&run.go_on))
		run.gave_up = 1;
	memset(page_address(page), 7, PG);
	SetPageUptodate(page);
	unlock_page(page);
	return 0;
}

static const struct address_space_operations slow_ops = { .size = size, .read_page = slow_read };

static void work_meanwhile(void)
{
	struct mm_struct *mm = run.mm;
	unsigned long a;

	run.wrong += !wait_for(&run.reading);
	run.wrong += poke(run.other, 1) != 0;
	run.wrong += poke(run.shared, 2) != 0;
	a = map_anon(mm, 4, PROT_READ | PROT_WRITE, 0);
	run.wrong += IS_ERR_VALUE(a) || poke(a + PG, 3) != 0 || peek(a + PG) != 3;
	run.wrong += do_mprotect(mm, a, PG, PROT_READ) != 0;
	run.wrong += do_munmap(mm, a, 4 * PG) != 0;
	run.wrong += segv_code(a, 0) != FAULT_SEGV_MAPERR;
	/* The very VMA whose page is being read: who changes it need not wait, nor who faults behind such a change. */
	run.wrong += do_mprotect(mm, run.file, 3 * PG, PROT_READ | PROT_WRITE) != 0;
	run.wrong += do_munmap(mm, run.file + 4 * PG, 4 * PG) != 0;
	a = map_anon(mm, 1, PROT_READ | PROT_WRITE, MAP_POPULATE);
	run.wrong += IS_ERR_VALUE(a) || poke(a, 4) != 0;
	__atomic_store_n(&run.go_on, 1, __ATOMIC_RELEASE);
}

static void worker(void *unused)
{
	mmget(run.mm);
	vm_run_on(run.mm);
	if (__atomic_fetch_add(&run.next, 1, __ATOMIC_SEQ_CST) == 0) {
		run.min_flt = this_ctx()->min_flt;
		run.maj_flt = this_ctx()->maj_flt;
		run.wrong += peek(run.file + PG) != 7;
		run.min_flt = this_ctx()->min_flt - run.min_flt;
		run.maj_flt = this_ctx()->maj_flt - run.maj_flt;
	} else {
		work_meanwhile();
	}
	vm_run_on(NULL);
	pgtable_switch_kernel();
	vm_machine.running[this_cpu()] = NULL;
	mmput(run.mm);
}

int main(void)
{
	struct mmap_file handle = { .mapping = &run.mapping, .may_read = true, .may_exec = true };
	struct mm_struct *mm;

	tap_plan(0);
	mm = vm_machine_start(32 << 20, 2);
	run.mm = mm;
	address_space_init(&run.mapping, &slow_ops, NULL, GFP_HIGHUSER_MOVABLE, 0);
	run.file = do_mmap(mm, 0, 8 * PG, PROT_READ, MAP_PRIVATE, &handle, 0);
	run.other = map_anon(mm, 2, PROT_READ | PROT_WRITE, 0);
	run.shared = do_mmap(mm, 0, 2 * PG, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, NULL, 0);
	tap_run(vm_machine.machine, 2, worker, NULL);
	vm_run_on(mm);
	tap_is(run.gave_up, 0, "nobody waited for the page that was being read");
	tap_is(run.wrong, 0, "faults, mmap, mprotect and munmap went on meanwhile, and the page came");
	tap_is(run.maj_flt, 1, "who read the page had a major fault");
	tap_is(run.min_flt, 0, "and no other");
	do_munmap(mm, run.file, 8 * PG);
	address_space_destroy(&run.mapping);
	vm_machine_end(mm);
	return tap_done();
}
