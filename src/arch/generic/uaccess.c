/* SPDX-License-Identifier: MIT */
/* uaccess.c - the part of user memory access that is the same for every ISA. */
#include "quire/uaccess.h"

#include "arch/generic/user_range.h"

bool access_ok(const void *ptr, size_t bytes)
{
	return user_range_ok(ptr, bytes);
}

/* The second word of FUTEX_WAKE_OP: any of its operations, made of compare-and-exchange. */
int futex_atomic_op_user(int op, u32 *user, u32 arg, u32 *old)
{
	u32 desired;

	for (;;) {
		u32 expected;

		if (get_user_nofault(&expected, user))
			return -EFAULT;
		switch (op) {
		case 0:
			desired = arg;
			break;
		case 1:
			desired = expected + arg;
			break;
		case 2:
			desired = expected | arg;
			break;
		case 3:
			desired = expected & ~arg;
			break;
		case 4:
			desired = expected ^ arg;
			break;
		default:
			return -ENOSYS;
		}
		if (futex_cmpxchg_user(old, user, expected, desired))
			return -EFAULT;
		if (*old == expected)
			return 0;
	}
}
