/* SPDX-License-Identifier: MIT */
/*
 * uaccess.h - user memory from kernel mode, safe against any pointer.
 *
 * Every user access instruction has an entry in the exception table (section quire_ex_table); a fault that cannot be resolved
 * continues at the fixup. Addresses at or above TASK_SIZE are refused before they are touched.
 *
 * Context: may sleep (a touch may fault a page in) unless pagefault_disable() is in force; no spinning lock held.
 */
#ifndef QUIRE_UACCESS_H
#define QUIRE_UACCESS_H

#include "arch/uaccess.h"
#include "base/compiler.h"
#include "quire/errno.h"
#include "quire/types.h"

/* Return the number of bytes NOT copied (0: all). copy_from_user zeroes the rest of `to`. */
size_t copy_from_user(void *to, const void *from, size_t bytes);
size_t copy_to_user(void *to, const void *from, size_t bytes);
size_t clear_user(void *to, size_t bytes);
/* Copies up to and including NUL. Length without NUL, `max` when there was none within max bytes, or -EFAULT. */
long strncpy_from_user(char *to, const char *from, long max);
/* Length including NUL, more than max when none was found, 0 on a fault. */
long strnlen_user(const char *text, long max);

bool access_ok(const void *ptr, size_t bytes);

static __always_inline int quire_get_user(void *to, const void *from, size_t bytes)
{
	switch (bytes) {
	case 1:
		return arch_get_user_1(to, from);
	case 2:
		return arch_get_user_2(to, from);
	case 4:
		return arch_get_user_4(to, from);
	case 8:
		return arch_get_user_8(to, from);
	default:
		return copy_from_user(to, from, bytes) ? -EFAULT : 0;
	}
}

static __always_inline int quire_put_user(const void *from, void *to, size_t bytes)
{
	switch (bytes) {
	case 1:
		return arch_put_user_1(from, to);
	case 2:
		return arch_put_user_2(from, to);
	case 4:
		return arch_put_user_4(from, to);
	case 8:
		return arch_put_user_8(from, to);
	default:
		return copy_to_user(to, from, bytes) ? -EFAULT : 0;
	}
}

/* Single values of 1, 2, 4, 8 bytes, inline; larger ones are copied. 0 or -EFAULT (get_user: var is zeroed then). */
#define get_user(var, ptr)                                                                                 \
	({                                                                                                 \
		__typeof__(*(ptr)) quire_val_;                                                             \
		int quire_err_ = quire_get_user(&quire_val_, (ptr), sizeof(quire_val_));                   \
		(var) = (__typeof__(var))quire_val_;                                                       \
		quire_err_;                                                                                \
	})
#define put_user(val, ptr)                                                                                 \
	({                                                                                                 \
		__typeof__(*(ptr)) quire_val_ = (__typeof__(*(ptr)))(val);                                 \
		quire_put_user(&quire_val_, (ptr), sizeof(quire_val_));                                    \
	})

/* Atomic operations on user words for futexes: 0 and *old, or -EFAULT (the page is not there: fault it in by
 * fault_in_writeable() and try again). Never sleep. */
int futex_cmpxchg_user(u32 *old, u32 *user, u32 expected, u32 desired);
int futex_atomic_op_user(int op, u32 *user, u32 arg, u32 *old); /* op: FUTEX_OP_SET 0, ADD 1, OR 2, ANDN 3, XOR 4 */
/* Reads without faulting in: 0 or -EFAULT. Never sleeps. */
int get_user_nofault(u32 *value, const u32 *user);
int fault_in_writeable(u32 *user);

/* Address to continue at when the instruction at `ip` faulted in kernel mode, or 0. */
unsigned long search_exception_table(unsigned long ip);

#endif
