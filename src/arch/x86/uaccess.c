/* SPDX-License-Identifier: MIT */
/*
 * uaccess.c - user memory in bulk: string instructions, which stop at the byte that cannot be had.
 *
 * The words go first, a word a step; when one of them faults for good, the rest is tried byte by byte, so that the count
 * of what was not copied is exact.
 */
#include "quire/uaccess.h"

#include "arch/generic/user_range.h"
#include "arch/page.h"
#include "arch/uaccess.h"
#include "base/math.h"
#include "base/string.h"
#include "sync/ctx.h"

/* Either side may be the user's. Bytes not copied. */
static __always_inline size_t copy_checked(void *to, const void *from, size_t bytes)
{
	size_t words = bytes >> X86_WORD_SHIFT, tail = bytes & (sizeof(long) - 1);

	__asm__ volatile(UACCESS_ALLOW
			 "1:\trep movs" X86_W "\n"
			 "\tmov %[tail], " X86_CX "\n"
			 "2:\trep movsb\n"
			 "3:\n"
			 UACCESS_FORBID
			 "\t.pushsection .text.fixup, \"ax\"\n"
			 "4:\tlea (%[tail], " X86_CX ", " X86_WORD_BYTES "), " X86_CX "\n"
			 "5:\trep movsb\n"
			 "\tjmp 3b\n"
			 "\t.popsection\n"
			 UACCESS_FIXUP("1b", "4b")
			 UACCESS_FIXUP("2b", "3b")
			 UACCESS_FIXUP("5b", "3b")
			 : "+D"(to), "+S"(from), "+c"(words) : [tail] "r"(tail) : "memory");
	return words;
}

size_t copy_from_user(void *to, const void *from, size_t bytes)
{
	size_t left;

	if (unlikely(!user_range_ok(from, bytes)))
		left = bytes;
	else
		left = copy_checked(to, from, bytes);
	if (unlikely(left))
		memset((char *)to + (bytes - left), 0, left);
	return left;
}

size_t copy_to_user(void *to, const void *from, size_t bytes)
{
	if (unlikely(!user_range_ok(to, bytes)))
		return bytes;
	return copy_checked(to, from, bytes);
}

size_t clear_user(void *to, size_t bytes)
{
	size_t words = bytes >> X86_WORD_SHIFT, tail = bytes & (sizeof(long) - 1);

	if (unlikely(!user_range_ok(to, bytes)))
		return bytes;
	__asm__ volatile(UACCESS_ALLOW
			 "1:\trep stos" X86_W "\n"
			 "\tmov %[tail], " X86_CX "\n"
			 "2:\trep stosb\n"
			 "3:\n"
			 UACCESS_FORBID
			 "\t.pushsection .text.fixup, \"ax\"\n"
			 "4:\tlea (%[tail], " X86_CX ", " X86_WORD_BYTES "), " X86_CX "\n"
			 "5:\trep stosb\n"
			 "\tjmp 3b\n"
			 "\t.popsection\n"
			 UACCESS_FIXUP("1b", "4b")
			 UACCESS_FIXUP("2b", "3b")
			 UACCESS_FIXUP("5b", "3b")
			 : "+D"(to), "+c"(words) : [tail] "r"(tail), "a"(0ul) : "memory");
	return words;
}

#define WORD ((long)sizeof(long))
#define ONES (~0ul / 255)
#define HIGHS (ONES << 7)

/* Bits 7, 15, ... set where a byte of `word` is zero; exact up to the first one (Mycroft 1987). */
static unsigned long zero_bytes(unsigned long word)
{
	return (word - ONES) & ~word & HIGHS;
}

long strncpy_from_user(char *to, const char *from, long max)
{
	long done = 0;
	unsigned long word;

	if (unlikely((vaddr_t)from >= TASK_SIZE))
		return -EFAULT;
	/* Aligned words do not cross into a page that need not be there. */
	while (done < max) {
		if (!(((vaddr_t)from + done) & (WORD - 1)) && max - done >= WORD) {
			if (arch_get_user_word(&word, from + done))
				return -EFAULT;
			memcpy(to + done, &word, WORD);
			if (zero_bytes(word))
				return done + (__builtin_ctzl(zero_bytes(word)) >> 3);
			done += WORD;
			continue;
		}
		if (arch_get_user_1(&to[done], from + done))
			return -EFAULT;
		if (!to[done])
			return done;
		done++;
	}
	return max;
}

long strnlen_user(const char *text, long max)
{
	long done = 0;
	unsigned long word;
	char byte;

	if (unlikely((vaddr_t)text >= TASK_SIZE))
		return 0;
	while (done < max) {
		if (!(((vaddr_t)text + done) & (WORD - 1))) {
			if (arch_get_user_word(&word, text + done))
				return 0;
			if (zero_bytes(word)) {
				done += __builtin_ctzl(zero_bytes(word)) >> 3;
				return done < max ? done + 1 : max + 1;
			}
			done += WORD;
			continue;
		}
		if (arch_get_user_1(&byte, text + done))
			return 0;
		if (!byte)
			return done + 1;
		done++;
	}
	return max + 1;
}

int get_user_nofault(u32 *value, const u32 *user)
{
	int err;

	pagefault_disable();
	err = arch_get_user_4(value, user);
	pagefault_enable();
	return err;
}

int futex_cmpxchg_user(u32 *old, u32 *user, u32 expected, u32 desired)
{
	u32 found = expected;

	if (!user_range_ok(user, sizeof(*user)))
		return -EFAULT;
	pagefault_disable();
	__asm__ volatile goto(UACCESS_ALLOW
			      "1:\tlock cmpxchgl %k[desired], (%[user])\n"
			      UACCESS_FORBID
			      UACCESS_FIXUP("1b", "%l[fault]")
			      : "+a"(found) : [user] "r"(user), [desired] "r"(desired) : "memory" : fault);
	__asm__ volatile("");
	pagefault_enable();
	*old = found;
	return 0;
fault:
	arch_user_forbid();
	pagefault_enable();
	return -EFAULT;
}

int fault_in_writeable(u32 *user)
{
	if (!user_range_ok(user, sizeof(*user)))
		return -EFAULT;
	__asm__ volatile goto(UACCESS_ALLOW
			      "1:\tlock orl $0, (%0)\n"
			      UACCESS_FORBID
			      UACCESS_FIXUP("1b", "%l[fault]")
			      : : "r"(user) : "memory" : fault);
	return 0;
fault:
	arch_user_forbid();
	return -EFAULT;
}
