/* SPDX-License-Identifier: MIT */
/* calls_signal.c - signals as they were before there were more than 32. */
#include "arch/i386/calls.h"

#include "proc/signal.h"


struct old_sigaction {
	u32 handler, mask, flags, restorer;
};

/* One that is set and one that was, with masks of 64 bits. */
struct sigaction_pair {
	struct k_sigaction act, old;
};

static long set_action(int sig, const struct k_sigaction *act, struct k_sigaction *old)
{
	struct sigaction_pair *at = user_scratch(sizeof(*at));
	long result;

	if (act && copy_to_user(&at->act, act, sizeof(*act)))
		return -EFAULT;
	result = sys_rt_sigaction(WORD(sig), WORD(act ? &at->act : NULL), WORD(old ? &at->old : NULL), sizeof(u64));
	return !result && old && copy_from_user(old, &at->old, sizeof(*old)) ? -EFAULT : result;
}

SYSCALL_DEFINE3(i386_sigaction, int, sig, const struct old_sigaction *, uact, struct old_sigaction *, uold)
{
	struct old_sigaction from, to;
	struct k_sigaction act, old;
	long result;

	if (uact && copy_from_user(&from, uact, sizeof(from)))
		return -EFAULT;
	if (uact)
		act = (struct k_sigaction){ from.handler, from.flags, from.restorer, from.mask };
	result = set_action(sig, uact ? &act : NULL, uold ? &old : NULL);
	if (result || !uold)
		return result;
	to = (struct old_sigaction){ (u32)old.handler, (u32)old.mask, (u32)old.flags, (u32)old.restorer };
	return copy_to_user(uold, &to, sizeof(to)) ? -EFAULT : 0;
}

/* The handler serves one signal, during which others of its kind come through. */
SYSCALL_DEFINE2(i386_signal, int, sig, unsigned long, handler)
{
	struct k_sigaction act = { handler, SA_RESETHAND | SA_NODEFER, 0, 0 }, old;
	long result = set_action(sig, &act, &old);

	return result ? result : (long)old.handler;
}

SYSCALL_DEFINE3(i386_sigprocmask, int, how, u32 *, uset, u32 *, uold)
{
	u64 *at = user_scratch(2 * sizeof(u64)), set, old;
	long result;
	u32 word = 0;

	if (uset && get_user(word, uset))
		return -EFAULT;
	/* SIG_SETMASK sets the first 32 only. */
	set = how == SIG_SETMASK ? (current->blocked & ~(u64)UINT32_MAX) | word : word;
	if (copy_to_user(at, &set, sizeof(set)))
		return -EFAULT;
	result = sys_rt_sigprocmask(WORD(how), WORD(uset ? at : NULL), WORD(at + 1), sizeof(u64));
	if (result || !uold)
		return result;
	if (copy_from_user(&old, at + 1, sizeof(old)))
		return -EFAULT;
	word = (u32)old;
	return put_user(word, uold) ? -EFAULT : 0;
}

SYSCALL_DEFINE1(i386_sigpending, u32 *, uset)
{
	u64 *at = user_scratch(sizeof(u64)), set;
	long result = sys_rt_sigpending(WORD(at), sizeof(u64));
	u32 word;

	if (result)
		return result;
	if (copy_from_user(&set, at, sizeof(set)))
		return -EFAULT;
	word = (u32)set;
	return put_user(word, uset) ? -EFAULT : 0;
}

SYSCALL_DEFINE3(i386_sigsuspend, int, unused0, int, unused1, u32, mask)
{
	u64 *at = user_scratch(sizeof(u64)), set = mask;

	return copy_to_user(at, &set, sizeof(set)) ? -EFAULT : sys_rt_sigsuspend(WORD(at), sizeof(u64));
}
