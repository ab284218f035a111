/* SPDX-License-Identifier: MIT */
/* tls.c - set_thread_area(2): descriptors of a thread's own, by which programs reach thread-local storage. */
#include "arch/current.h"
#include "arch/descriptors.h"
#include "arch/interrupt.h"
#include "base/string.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

struct user_desc {
	u32 entry_number, base, limit;
	u32 seg_32bit : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1, seg_not_present : 1, useable : 1;
};

#define SEGMENT_PRESENT	0x0080u
#define SEGMENT_USER	0x0070u	/* DPL 3, memory */
#define SEGMENT_WRITE	0x0002u
#define SEGMENT_ACCESSED 0x0001u	/* so that the CPU need not write it */
#define SEGMENT_AVL	0x1000u
#define SEGMENT_32BIT	0x4000u
#define SEGMENT_PAGES	0x8000u

static bool is_empty(const struct user_desc *u)
{
	return !u->base && !u->limit && !u->contents && !u->seg_32bit && !u->limit_in_pages && !u->useable &&
	       u->read_exec_only == u->seg_not_present;
}

/* No code, none of 16 bits: with these a program could make the kernel's way out fault in many more ways. */
static bool is_allowed(const struct user_desc *u)
{
	return is_empty(u) || (u->seg_32bit && u->contents <= 1 && !u->seg_not_present);
}

static u64 to_descriptor(const struct user_desc *u)
{
	unsigned int rights = SEGMENT_PRESENT | SEGMENT_USER | SEGMENT_ACCESSED | u->contents << 2;

	if (is_empty(u))
		return 0;
	rights |= u->read_exec_only ? 0 : SEGMENT_WRITE;
	rights |= u->seg_32bit ? SEGMENT_32BIT : 0;
	rights |= u->limit_in_pages ? SEGMENT_PAGES : 0;
	rights |= u->useable ? SEGMENT_AVL : 0;
	return descriptor(u->base, u->limit, rights);
}

static void from_descriptor(struct user_desc *u, u64 d)
{
	unsigned int rights = (unsigned int)(d >> 40);

	u->base = (u32)(d >> 16 & 0xffffff) | (u32)(d >> 56) << 24;
	u->limit = (u32)(d & 0xffff) | (u32)(d >> 48 & 0xf) << 16;
	u->seg_32bit = (rights & SEGMENT_32BIT) != 0;
	u->contents = rights >> 2 & 3;
	u->read_exec_only = !(rights & SEGMENT_WRITE);
	u->limit_in_pages = (rights & SEGMENT_PAGES) != 0;
	u->seg_not_present = !(rights & SEGMENT_PRESENT);
	u->useable = (rights & SEGMENT_AVL) != 0;
}

static void set_tls(struct thread_struct *t, unsigned int i, u64 d)
{
	t->arch.tls[i] = d;
	if (t != current_thread())
		return;
	local_irq_disable();
	this_percpu.tables.gdt[GDT_TLS + i] = d;
	local_irq_enable();
}

SYSCALL_DEFINE1(set_thread_area, struct user_desc *, user)
{
	struct thread_struct *t = current_thread();
	struct user_desc u;
	unsigned int i = 0;

	if (copy_from_user(&u, user, sizeof(u)))
		return -EFAULT;
	if (!is_allowed(&u))
		return -EINVAL;
	if (u.entry_number == (u32)-1) {
		while (i < NR_TLS && t->arch.tls[i])
			i++;
		if (i == NR_TLS)
			return -ESRCH;
		u.entry_number = GDT_TLS + i;
		if (put_user(u.entry_number, &user->entry_number))
			return -EFAULT;
	}
	i = u.entry_number - GDT_TLS;
	if (i >= NR_TLS)
		return -EINVAL;
	set_tls(t, i, to_descriptor(&u));
	return 0;
}

SYSCALL_DEFINE1(get_thread_area, struct user_desc *, user)
{
	struct user_desc u;
	u32 number;

	if (get_user(number, &user->entry_number))
		return -EFAULT;
	if (number - GDT_TLS >= NR_TLS)
		return -EINVAL;
	memset(&u, 0, sizeof(u));
	u.entry_number = number;
	from_descriptor(&u, current_thread()->arch.tls[number - GDT_TLS]);
	return copy_to_user(user, &u, sizeof(u)) ? -EFAULT : 0;
}

int thread_set_tls(struct thread_struct *child, unsigned long tls)
{
	struct user_desc u;

	if (copy_from_user(&u, (const void *)tls, sizeof(u)))
		return -EFAULT;
	if (!is_allowed(&u) || u.entry_number - GDT_TLS >= NR_TLS)
		return -EINVAL;
	child->arch.tls[u.entry_number - GDT_TLS] = to_descriptor(&u);
	return 0;
}

void thread_reset_tls(void)
{
	for (unsigned int i = 0; i < NR_TLS; i++)
		set_tls(current_thread(), i, 0);
}

/* The descriptors are copied with the task itself. */
void thread_fork_tls(struct thread_struct *child)
{
	if (!child->fpu)
		memset(&child->arch, 0, sizeof(child->arch));
}
