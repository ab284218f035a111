/* SPDX-License-Identifier: MIT */
/* user_word.h - the part of arch/uaccess.h, which includes it, that depends on the word: values of 8 bytes, and the border. */
#ifndef ARCH_USER_WORD_H
#define ARCH_USER_WORD_H

#include "arch/uaccess.h"

/* What a value that begins below TASK_SIZE reaches behind it is never mapped and faults. */
static __always_inline bool arch_user_range_ok(vaddr_t addr, unsigned int bytes)
{
	return likely(addr < TASK_SIZE);
}

ARCH_GET_USER(8, u64, "movq", "", "=r")
ARCH_PUT_USER(8, u64, "movq", "", "r")

#define arch_get_user_word arch_get_user_8

#endif
