/* SPDX-License-Identifier: MIT */
/* prctl_memory.c - prctl's part about the caller's memory: who may look on, what it may run, names, the auxiliary vector. */
#include "base/math.h"
#include "quire/errno.h"
#include "quire/mm.h"
#include "quire/uaccess.h"
#include "sched/task.h"
#include "syscall/prctl_mm.h"

enum prctl_memory_option {
	PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4, PR_SET_MM = 35, PR_SET_THP_DISABLE = 41, PR_GET_THP_DISABLE = 42,
	PR_SET_MDWE = 65, PR_GET_MDWE = 66, PR_GET_AUXV = 0x41555856, PR_SET_VMA = 0x53564d41,
};

#define PR_SET_VMA_ANON_NAME 0
#define PR_THP_DISABLE_EXCEPT_ADVISED 2ul
#define PR_MDWE_REFUSE_EXEC_GAIN 1ul
#define PR_MDWE_NO_INHERIT 2ul

static long set_vma(unsigned long what, unsigned long start, unsigned long len, const char *user)
{
	char name[VMA_NAME_BYTES];
	long length;

	if (what != PR_SET_VMA_ANON_NAME)
		return -EINVAL;
	if (!user)
		return do_set_vma_name(task_mm(current), start, len, NULL);
	length = strncpy_from_user(name, user, sizeof(name));
	if (length < 0)
		return length;
	if (length == (long)sizeof(name))
		return -EINVAL;
	return do_set_vma_name(task_mm(current), start, len, name);
}

static long set_thp_disable(unsigned long off, unsigned long flags)
{
	unsigned int traits = (off ? MM_NO_HUGE_PAGES : 0) | (flags ? MM_HUGE_PAGES_ADVISED : 0);

	/* Exceptions are from being off only. */
	if ((flags & ~PR_THP_DISABLE_EXCEPT_ADVISED) || (flags && !off))
		return -EINVAL;
	mm_set_traits(task_mm(current), MM_NO_HUGE_PAGES | MM_HUGE_PAGES_ADVISED, traits);
	return 0;
}

static long get_thp_disable(void)
{
	unsigned int traits = mm_traits(task_mm(current));

	if (!(traits & MM_NO_HUGE_PAGES))
		return 0;
	return 1 | (traits & MM_HUGE_PAGES_ADVISED ? PR_THP_DISABLE_EXCEPT_ADVISED : 0);
}

static unsigned long get_mdwe(void)
{
	unsigned int traits = mm_traits(task_mm(current));

	return (traits & MM_DENY_EXEC_GAIN ? PR_MDWE_REFUSE_EXEC_GAIN : 0) |
	       (traits & MM_DENY_NOT_INHERITED ? PR_MDWE_NO_INHERIT : 0);
}

/* What was promised once stays promised. */
static long set_mdwe(unsigned long bits)
{
	unsigned long now = get_mdwe();

	if ((bits & ~(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT)) || bits == PR_MDWE_NO_INHERIT)
		return -EINVAL;
	if (now && now != bits)
		return -EPERM;
	mm_set_traits(task_mm(current), MM_DENY_EXEC_GAIN | MM_DENY_NOT_INHERITED,
		      (bits & PR_MDWE_REFUSE_EXEC_GAIN ? MM_DENY_EXEC_GAIN : 0) |
		      (bits & PR_MDWE_NO_INHERIT ? MM_DENY_NOT_INHERITED : 0));
	return 0;
}

/* As much of it as there is room for; how long it is. */
static long get_auxv(void *user, unsigned long len)
{
	const unsigned long bytes = MM_AUXV_WORDS * sizeof(long);

	return copy_to_user(user, mm_saved_auxv(task_mm(current)), min(len, bytes)) ? -EFAULT : (long)bytes;
}

/* Options whose unused arguments must be zero. */
static long strict_option(int option, unsigned long a2, unsigned long a3, bool rest)
{
	switch (option) {
	case PR_SET_THP_DISABLE:
		return rest ? -EINVAL : set_thp_disable(a2, a3);
	case PR_GET_THP_DISABLE:
		return a2 || a3 || rest ? -EINVAL : get_thp_disable();
	case PR_SET_MDWE:
		return a3 || rest ? -EINVAL : set_mdwe(a2);
	case PR_GET_MDWE:
		return a2 || a3 || rest ? -EINVAL : (long)get_mdwe();
	case PR_GET_AUXV:
		return rest ? -EINVAL : get_auxv((void *)a2, a3);
	}
	return -ENOSYS;
}

long prctl_memory(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5)
{
	switch (option) {
	case PR_GET_DUMPABLE:
		return !(mm_traits(task_mm(current)) & MM_HIDDEN);
	case PR_SET_DUMPABLE:
		if (a2 > 1)
			return -EINVAL;
		mm_set_traits(task_mm(current), MM_HIDDEN, a2 ? 0 : MM_HIDDEN);
		return 0;
	case PR_SET_MM:
		return prctl_set_mm(a2, a3, a4, a5);
	case PR_SET_VMA:
		return set_vma(a2, a3, a4, (const char *)a5);
	}
	return strict_option(option, a2, a3, a4 || a5);
}
