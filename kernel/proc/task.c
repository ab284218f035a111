/* SPDX-License-Identifier: MIT */
/* task.c - looking at a task from outside: its memory, its name, its limits. */
#include "base/string.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "quire/mm.h"

struct mm_struct *get_task_mm(struct task *p)
{
	unsigned long flags;
	struct mm_struct *mm;

	spin_lock_irqsave(&p->lock, flags);
	mm = p->flags & PF_KTHREAD ? NULL : p->thread.mm;
	if (mm && !mmget_not_zero(mm))
		mm = NULL;
	spin_unlock_irqrestore(&p->lock, flags);
	return mm;
}

int task_mm_traits(struct task *p)
{
	unsigned long flags;
	struct mm_struct *mm;
	int traits;

	/* Under the lock the mm stays the task's, and its struct with it. */
	spin_lock_irqsave(&p->lock, flags);
	mm = p->flags & PF_KTHREAD ? NULL : p->thread.mm;
	traits = mm ? (int)mm_traits(mm) : -1;
	spin_unlock_irqrestore(&p->lock, flags);
	return traits;
}

void get_task_comm(char *to, struct task *p)
{
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	memcpy(to, p->comm, TASK_COMM_LEN);
	spin_unlock_irqrestore(&p->lock, flags);
}

void set_task_comm(struct task *p, const char *name)
{
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	memset(p->comm, 0, TASK_COMM_LEN);
	strscpy(p->comm, name, TASK_COMM_LEN);
	spin_unlock_irqrestore(&p->lock, flags);
}

unsigned long task_rlimit(struct task *p, enum rlimit_resource which)
{
	return READ_ONCE(p->signal->rlim[which].rlim_cur);
}
