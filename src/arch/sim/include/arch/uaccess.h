/* SPDX-License-Identifier: MIT */
/*
 * uaccess.h - single values of user memory, through the software MMU.
 *
 * Lock: none. Sleeps: in the fault handler, when the page is not there. Allocates: never.
 */
#ifndef ARCH_UACCESS_H
#define ARCH_UACCESS_H

#include "quire/errno.h"
#include "quire/types.h"

int sim_get_user(void *to, const void *from, size_t bytes);
int sim_put_user(const void *from, void *to, size_t bytes);

static inline int arch_get_user_1(void *to, const void *from) { return sim_get_user(to, from, 1); }
static inline int arch_get_user_2(void *to, const void *from) { return sim_get_user(to, from, 2); }
static inline int arch_get_user_4(void *to, const void *from) { return sim_get_user(to, from, 4); }
static inline int arch_get_user_8(void *to, const void *from) { return sim_get_user(to, from, 8); }
static inline int arch_put_user_1(const void *from, void *to) { return sim_put_user(from, to, 1); }
static inline int arch_put_user_2(const void *from, void *to) { return sim_put_user(from, to, 2); }
static inline int arch_put_user_4(const void *from, void *to) { return sim_put_user(from, to, 4); }
static inline int arch_put_user_8(const void *from, void *to) { return sim_put_user(from, to, 8); }

#endif
