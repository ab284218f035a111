/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - what the language leaves out: hints, attributes, and the few macros that everything
 * uses.
 *
 * Nothing here makes code or data. READ_ONCE and WRITE_ONCE keep the compiler from tearing,
 * repeating or inventing an access; they order nothing between CPUs (that is base/atomic.h).
 *
 * Lock: none. Sleeps: never. Allocates: never.
 */
#ifndef QUIRE_BASE_COMPILER_H
#define QUIRE_BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef static_assert
#define static_assert _Static_assert
#endif

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define __must_check	__attribute__((__warn_unused_result__))
#define __maybe_unused	__attribute__((__unused__))
#define __noinline	__attribute__((__noinline__))
#ifndef __always_inline
#define __always_inline	inline __attribute__((__always_inline__))
#endif
#define __noreturn	__attribute__((__noreturn__))
#define __packed	__attribute__((__packed__))
#define __aligned(n)	__attribute__((__aligned__(n)))
#define __cold		__attribute__((__cold__))
#define __printf(f, a)	__attribute__((__format__(__printf__, f, a)))
#define __pure_fn	__attribute__((__pure__))
#define __const_fn	__attribute__((__const__))
#define __user		/* marks a pointer into user memory; for the reader */
#define fallthrough	__attribute__((__fallthrough__))

/* The line that x86, arm64 and riscv64 machines share out between CPUs, in bytes. */
#define CACHE_LINE_BYTES	64
#define __cacheline_aligned	__aligned(CACHE_LINE_BYTES)

/* barrier() - the compiler moves no memory access across it; the CPU may. */
#define barrier()	__asm__ volatile("" ::: "memory")

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
/* The thread sanitizer takes a volatile access for a race; it must hear that this one is meant. */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), val, __ATOMIC_RELAXED)
#else
#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, val) \
	do { *(volatile __typeof__(x) *)&(x) = (val); } while (0)
#endif

/* container_of - the struct of type `type` whose member `member` lies at `ptr`. */
#define container_of(ptr, type, member) __extension__({				\
	const volatile void *__mptr = (ptr);					\
	static_assert(__builtin_types_compatible_p(__typeof__(*(ptr)),		\
						   __typeof__(((type *)0)->member)) || \
		      __builtin_types_compatible_p(__typeof__(*(ptr)), void),	\
		      "container_of: the pointer is not of the member's type");	\
	(type *)((uintptr_t)__mptr - offsetof(type, member)); })

#define __same_array(a)	\
	(sizeof(struct { static_assert(!__builtin_types_compatible_p(__typeof__(a), \
		__typeof__(&(a)[0])), "ARRAY_SIZE of a pointer"); char c; }) * 0)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]) + __same_array(a))

#define __stringify_1(x)	#x
#define __stringify(x)		__stringify_1(x)
#define __concat_1(a, b)	a##b
#define __concat(a, b)		__concat_1(a, b)
#define __unique_id(prefix)	__concat(prefix, __LINE__)

#endif
