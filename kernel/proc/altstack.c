/* SPDX-License-Identifier: MIT */
/* altstack.c - a stack of their own for signal handlers: sigaltstack(2), and what frames say of it. */
#include "proc/altstack.h"

#include "arch/current.h"
#include "base/string.h"
#include "proc/signal.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

bool on_altstack(const struct task *p, unsigned long sp)
{
	return !(p->sas_ss_flags & SS_AUTODISARM) && sp > p->sas_ss_sp &&
	       sp - p->sas_ss_sp <= p->sas_ss_size;
}

int altstack_flags(const struct task *p, unsigned long sp)
{
	if (!p->sas_ss_size)
		return SS_DISABLE;
	return on_altstack(p, sp) ? SS_ONSTACK : 0;
}

void altstack_save(stack_t *st, unsigned long sp)
{
	struct task *p = current;

	st->ss_sp = (void *)p->sas_ss_sp;
	st->ss_size = p->sas_ss_size;
	st->ss_flags = altstack_flags(p, sp) | (int)(p->sas_ss_flags & SS_AUTODISARM);
	if (p->sas_ss_flags & SS_AUTODISARM) {
		p->sas_ss_sp = p->sas_ss_size = 0;
		p->sas_ss_flags = 0;
	}
}

int altstack_set(const stack_t *st, unsigned long sp, size_t least)
{
	struct task *p = current;
	unsigned int mode = (unsigned int)st->ss_flags & ~SS_AUTODISARM;

	if (on_altstack(p, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		p->sas_ss_sp = p->sas_ss_size = 0;
		p->sas_ss_flags = 0;
		return 0;
	}
	if (st->ss_size < least)
		return -ENOMEM;
	p->sas_ss_sp = (unsigned long)st->ss_sp;
	p->sas_ss_size = st->ss_size;
	p->sas_ss_flags = (unsigned int)st->ss_flags & SS_AUTODISARM;
	return 0;
}

SYSCALL_DEFINE2(sigaltstack, const stack_t *, uss, stack_t *, uoss)
{
	unsigned long sp = current_pt_regs()->sp;
	stack_t st, old;
	int error;

	memset(&old, 0, sizeof(old));
	old.ss_sp = (void *)current->sas_ss_sp;
	old.ss_size = current->sas_ss_size;
	old.ss_flags = altstack_flags(current, sp) | (int)(current->sas_ss_flags & SS_AUTODISARM);
	if (uss) {
		if (copy_from_user(&st, uss, sizeof(st)))
			return -EFAULT;
		error = altstack_set(&st, sp, MINSIGSTKSZ);
		if (error)
			return error;
	}
	if (uoss && copy_to_user(uoss, &old, sizeof(old)))
		return -EFAULT;
	return 0;
}
