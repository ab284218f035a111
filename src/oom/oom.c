/* SPDX-License-Identifier: MIT */
/* oom.c - the worst address space is found, its owner ended and waited for. */
#include "oom/oom.h"

#include "base/format.h"
#include "base/math.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"
#include "quire/errno.h"
#include "quire/oom.h"
#include "quire/port.h"
#include "quire/slab.h"
#include "sync/ctx.h"
#include "sync/report.h"
#include "vm/mm_int.h"

/* After so long a victim is taken for stuck, and another one is chosen. */
#define OOM_PATIENCE_NS 10000000000ull
/* A request looks for memory again after so long, and looks after the victim so often. */
#define OOM_WAIT_NS 200000000ull
#define OOM_LOOK_NS 5000000ull

struct oom_state {
	struct relief kill;          /* (c) */
	struct mm_struct *victim;    /* (mm_list_lock) with a reference by mmgrab */
	u64 deadline_ns;             /* (mm_list_lock) when the victim is given up */
};

#define this_oom() (this_quire()->oom)

long oom_badness(const struct oom_view *view)
{
	if (view->adj <= OOM_SCORE_ADJ_MIN)
		return OOM_NEVER;
	return (long)(view->rss + view->page_tables) + (long)view->adj * (long)(view->total / 1000);
}

static long mm_badness(struct mm_struct *mm)
{
	struct oom_view view = {
		.rss = get_mm_rss(mm), .page_tables = READ_ONCE(mm->pgt.pgtables_bytes) >> PAGE_SHIFT,
		.total = READ_ONCE(this_phys()->totalram_pages), .adj = READ_ONCE(mm->oom_score_adj),
	};

	return oom_badness(&view);
}

unsigned int mm_oom_score(struct mm_struct *mm)
{
	long badness = mm_badness(mm), total = (long)READ_ONCE(this_phys()->totalram_pages);

	if (badness == OOM_NEVER || badness <= -total)
		return 0;
	return (unsigned int)div_u64((u64)(total + badness) * 1000, (u32)total) * 2 / 3;
}

/* mm_list_lock held. With one reference, or NULL. */
static struct mm_struct *choose(void)
{
	struct mm_struct *mm, *worst = NULL;
	long most = OOM_NEVER, badness;

	list_for_each_entry(mm, &this_vm()->mm_list, mm_list) {
		badness = mm->oom_given_up ? OOM_NEVER : mm_badness(mm);
		if (badness == OOM_NEVER || badness < most)
			continue;
		most = badness;
		worst = mm;
	}
	if (worst)
		mmgrab(worst);
	return worst;
}

static bool dying(void)
{
	const struct quire_port *port = this_quire()->port;

	return port->fatal_signal_pending && port->fatal_signal_pending();
}

static inline bool memory_is_back(const struct mm_struct *mm)
{
	return !READ_ONCE(mm->total_vm);
}

/* Until the victim's memory is back, or this request should look for itself. */
static void wait_for(const struct mm_struct *victim)
{
	const struct quire_port *port = this_quire()->port;
	u64 end = port->now_ns() + OOM_WAIT_NS;

	while (!memory_is_back(victim) && !dying() && port->now_ns() < end)
		(void)port->park(port->now_ns() + OOM_LOOK_NS);
	/* Whoever waits for something else may have been told meanwhile. */
	port->unpark(this_ctx());
}

static void end_program(struct mm_struct *mm)
{
	char text[200];

	quire_scnprintf(text, sizeof(text),
			"total-vm:%lukB, anon-rss:%lukB, file-rss:%lukB, shmem-rss:%lukB, pgtables:%lukB oom_score_adj:%d",
			READ_ONCE(mm->total_vm) << (PAGE_SHIFT - 10), get_mm_counter(mm, MM_ANONPAGES) << (PAGE_SHIFT - 10),
			get_mm_counter(mm, MM_FILEPAGES) << (PAGE_SHIFT - 10),
			get_mm_counter(mm, MM_SHMEMPAGES) << (PAGE_SHIFT - 10), (unsigned long)READ_ONCE(mm->pgt.pgtables_bytes) >> 10,
			READ_ONCE(mm->oom_score_adj));
	count_vm_event(OOM_KILL);
	this_quire()->port->oom_kill(mm, text);
}

/* Forgets a victim whose memory is back, or who had its time. mm_list_lock held. The victim, whose reference is the caller's. */
static struct mm_struct *forget_victim(struct oom_state *oom)
{
	struct mm_struct *victim = oom->victim;

	if (!victim)
		return NULL;
	if (!memory_is_back(victim)) {
		if (this_quire()->port->now_ns() < oom->deadline_ns)
			return NULL;
		victim->oom_given_up = true;
	}
	oom->victim = NULL;
	return victim;
}

/* The step of the ladder. 1 when it is worth to look again. */
static unsigned long oom_relief(struct relief *self, const struct pressure *pressure)
{
	struct vm_state *vm = this_vm();
	struct oom_state *oom = this_oom();
	struct mm_struct *gone, *victim;
	bool fresh = false;

	if (dying()) /* [O2] */
		return 1;
	spin_lock(&vm->mm_list_lock);
	gone = forget_victim(oom);
	if (!gone && !oom->victim) {
		oom->victim = choose();
		oom->deadline_ns = this_quire()->port->now_ns() + OOM_PATIENCE_NS;
		fresh = true;
	}
	victim = oom->victim;
	if (victim)
		mmgrab(victim);
	spin_unlock(&vm->mm_list_lock);
	if (gone) {
		mmdrop(gone);
		return 1;
	}
	if (!victim)
		return 0;
	if (fresh)
		end_program(victim);
	wait_for(victim);
	mmdrop(victim);
	return 1;
}

int oom_init(void)
{
	const struct quire_port *port = this_quire()->port;
	struct oom_state *oom;

	if (!port->oom_kill || !port->park || !port->unpark)
		return 0;
	oom = kzalloc(sizeof(*oom), GFP_KERNEL);
	if (!oom)
		return -ENOMEM;
	oom->kill = (struct relief){ .cost = RELIEF_KILL, .name = "kill", .run = oom_relief };
	this_quire()->oom = oom;
	relief_register(&oom->kill);
	return 0;
}

void oom_exit(void)
{
	struct oom_state *oom = this_oom();

	if (!oom)
		return;
	relief_unregister(&oom->kill);
	if (oom->victim)
		mmdrop(oom->victim);
	kfree(oom);
	this_quire()->oom = NULL;
}
