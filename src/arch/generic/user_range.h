/* SPDX-License-Identifier: MIT */
/* user_range.h - whether an address range can be a program's at all. Inline for what copies; access_ok() for the rest. */
#ifndef ARCH_GENERIC_USER_RANGE_H
#define ARCH_GENERIC_USER_RANGE_H

#include "arch/page.h"
#include "base/compiler.h"
#include "quire/types.h"

static __always_inline bool user_range_ok(const void *ptr, size_t bytes)
{
	return bytes <= TASK_SIZE && (vaddr_t)ptr <= TASK_SIZE - bytes;
}

#endif
