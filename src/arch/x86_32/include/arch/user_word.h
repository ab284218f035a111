/* SPDX-License-Identifier: MIT */
/* user_word.h - the part of arch/uaccess.h, which includes it, that depends on the word: values of 8 bytes, and the border. */
#ifndef ARCH_USER_WORD_H
#define ARCH_USER_WORD_H

#include "arch/uaccess.h"

/* Exact, because the direct map begins where the program's addresses end. */
static __always_inline bool arch_user_range_ok(vaddr_t addr, unsigned int bytes)
{
	return likely(addr <= TASK_SIZE - bytes);
}

/* By halves; *to is 0 if either faults. */
static __always_inline int arch_get_user_8(void *to, const void *from)
{
	u32 half[2];
	int err = arch_get_user_4(&half[0], from);

	err = err ? err : arch_get_user_4(&half[1], (const u32 *)from + 1);
	*(u64 *)to = err ? 0 : (u64)half[1] << 32 | half[0];
	return err;
}

/* The same; the first half may have been written when the second one faults. */
static __always_inline int arch_put_user_8(const void *from, void *to)
{
	int err = arch_put_user_4(from, to);

	return err ? err : arch_put_user_4((const u32 *)from + 1, (u32 *)to + 1);
}

#define arch_get_user_word arch_get_user_4

#endif
