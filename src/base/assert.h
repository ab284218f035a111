/* SPDX-License-Identifier: MIT */
/*
 * assert.h - what is believed, said in code: a broken belief ends in the port's panic, or in a
 * warning.
 *
 *      BUG_ON(c)        always checked; c true means memory is no longer what we think: panic
 *      QUIRE_ASSERT(c)  c must hold; checked in debug builds only, but always compiled
 *      WARN_ON(c)       logs and goes on; its value is c, so that `if (WARN_ON(x)) return ...` reads well
 *      WARN_ON_ONCE(c)  the same, logged the first time only for each place
 *
 * The two ends, quire_bug and quire_warn, live one floor up (sync/bug.c), where the port is known.
 * The once-marks are kept there with the machine's other state, never in a static of this library.
 *
 * Lock: none. Sleeps: never. Cost: one predicted branch. Allocates: never.
 */
#ifndef QUIRE_BASE_ASSERT_H
#define QUIRE_BASE_ASSERT_H

#include "base/compiler.h"

/* The build passes 1 for a checked build; a header read alone is a release one. */
#ifndef QUIRE_DEBUG
#define QUIRE_DEBUG 0
#endif

__noreturn __cold void quire_bug(const char *file, int line, const char *what);
__cold void quire_warn(const char *file, int line, const char *what);
__cold void quire_warn_once(const char *file, int line, const char *what);

#define BUG()		quire_bug(__FILE__, __LINE__, "not reached")

#define BUG_ON(cond) \
	do { if (unlikely(cond)) quire_bug(__FILE__, __LINE__, #cond); } while (0)

#define QUIRE_ASSERT(cond)						\
	do {								\
		if (QUIRE_DEBUG && unlikely(!(cond)))			\
			quire_bug(__FILE__, __LINE__, "expected " #cond);	\
	} while (0)

/* The same with a sentence for whoever broke it. */
#define QUIRE_ASSERT_MSG(cond, msg)					\
	do {								\
		if (QUIRE_DEBUG && unlikely(!(cond)))			\
			quire_bug(__FILE__, __LINE__, msg);		\
	} while (0)

#define WARN_ON(cond) __extension__({					\
	bool __warn = !!(cond);						\
	if (unlikely(__warn))						\
		quire_warn(__FILE__, __LINE__, #cond);			\
	unlikely(__warn); })

#define WARN_ON_ONCE(cond) __extension__({				\
	bool __warn = !!(cond);						\
	if (unlikely(__warn))						\
		quire_warn_once(__FILE__, __LINE__, #cond);		\
	unlikely(__warn); })

#define BUILD_BUG_ON(cond)	static_assert(!(cond), "BUILD_BUG_ON: " #cond)

#endif
