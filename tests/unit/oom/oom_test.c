/* SPDX-License-Identifier: MIT */
/* oom_test.c - who is ended when memory is gone: the score by values, and the choice among address spaces. */
#include "../vm/vm_machine.h"

#include "oom/oom.h"
#include "phys/phys_state.h"
#include "quire/oom.h"
#include "quire/stats.h"

#define RW (PROT_READ | PROT_WRITE)

static void test_score(void)
{
	static const struct {
		const char *what;
		struct oom_view view;
		long badness;
	} cases[] = {
		{ "what it holds", { .rss = 70, .page_tables = 5, .total = 100000 }, 75 },
		{ "a thousandth of all for each step up", { .rss = 70, .total = 100000, .adj = 3 }, 370 },
		{ "and down", { .rss = 70, .total = 100000, .adj = -3 }, -230 },
		{ "the most", { .rss = 1, .total = 100999, .adj = OOM_SCORE_ADJ_MAX }, 100001 },
		{ "the least that still may be", { .rss = 0, .total = 100000, .adj = -999 }, -99900 },
		{ "never", { .rss = 90000, .total = 100000, .adj = OOM_SCORE_ADJ_MIN }, OOM_NEVER },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_is(oom_badness(&cases[i].view), cases[i].badness, "%s", cases[i].what);
}

static struct {
	struct mm_struct *ended;
	unsigned int nr;
	struct quire_port port;
	const struct quire_port *real;
} host;

/* Ended at once: all that it had is unmapped. */
static void host_oom_kill(struct mm_struct *mm, const char *text)
{
	host.ended = mm;
	host.nr++;
	do_munmap(mm, 0, TASK_SIZE);
}

static struct mm_struct *program(unsigned long pages, int adj)
{
	struct mm_struct *mm = mm_alloc();

	vm_run_on(mm);
	map_anon(mm, pages, RW, MAP_POPULATE);
	mm_set_oom_score_adj(mm, adj);
	return mm;
}

static unsigned long ask(void)
{
	struct pressure pressure = { .gfp = GFP_KERNEL };
	int level = RELIEF_KILL;

	return relief_step(&pressure, &level);
}

static void test_choice(struct mm_struct *mm)
{
	struct mm_struct *small = program(4, 0), *big = program(64, 0), *kept = program(128, OOM_SCORE_ADJ_MIN);
	unsigned long events = global_vm_event(OOM_KILL);

	vm_run_on(mm);
	tap_ok(mm_oom_score(big) >= mm_oom_score(small), "the bigger program has the higher score");
	tap_is(mm_oom_score(kept), 0, "[O3] what is never ended has none");
	tap_is(ask(), 1, "somebody is ended");
	tap_ok(host.ended == big, "the biggest that may be");
	tap_is(ask(), 1, "its memory is back: look again first");
	tap_is(host.nr, 1, "[O1] and nobody else is ended for that");
	mm_set_oom_score_adj(kept, OOM_SCORE_ADJ_MIN + 1);
	mm_set_oom_score_adj(small, OOM_SCORE_ADJ_MAX);
	tap_is(ask(), 1, "again there is nothing");
	tap_ok(host.ended == small, "who is given up most gladly goes before who holds more");
	tap_is((long)(global_vm_event(OOM_KILL) - events), 2, "/proc/vmstat counts them");
	ask();
	mm_set_oom_score_adj(kept, OOM_SCORE_ADJ_MIN);
	mm_set_oom_score_adj(big, OOM_SCORE_ADJ_MIN);
	mm_set_oom_score_adj(small, OOM_SCORE_ADJ_MIN);
	tap_is(ask(), 0, "[O3] nobody may be ended");
	tap_is(host.nr, 2, "and nobody is");
	mmput(small);
	mmput(big);
	mmput(kept);
}

int main(void)
{
	struct mm_struct *mm;

	tap_plan(0);
	test_score();
	mm = vm_machine_start(32 << 20, 1);
	oom_exit();
	host.real = this_quire()->port;
	host.port = *host.real;
	host.port.oom_kill = host_oom_kill;
	this_quire()->port = &host.port;
	tap_is(oom_init(), 0, "a host that can end programs has the last rung");
	test_choice(mm);
	oom_exit();
	this_quire()->port = host.real;
	tap_is(oom_init(), 0, "one that cannot has none, and nothing fails");
	vm_machine_end(mm);
	return tap_done();
}
