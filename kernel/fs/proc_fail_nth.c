/* SPDX-License-Identifier: MIT */
/*
 * proc_fail_nth.c - /proc/PID/fail-nth in debug builds: a task lets its own n-th allocation from now on fail, once.
 *
 * Linux's protocol: after writing a number and making a call, reading 0 says that the call came so far. Writing 0 takes the
 * order back. Frames, objects and page tables count together, those of the calls on this file, too: neither allocates.
 */
#include "base/format.h"
#include "fs/proc_pid.h"

static long fail_nth_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	char text[16];
	size_t len = (size_t)quire_scnprintf(text, sizeof(text), "%u\n", READ_ONCE(proc_task(file->f_inode)->ctx.fail_nth));

	if (*pos >= len)
		return 0;
	len = copy_to_iter(text + *pos, len - *pos, to);
	*pos += len;
	return len ? (long)len : -EFAULT;
}

/* A context changes its own fields only. */
static long fail_nth_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	struct task *task = proc_task(file->f_inode);
	size_t len = from->count;
	char text[24];
	long nth;

	if (task != current)
		return -EACCES;
	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_iter(text, len, from) != len)
		return -EFAULT;
	text[len] = 0;
	if (parse_long(text, &nth) || nth < 0 || (u64)nth > UINT32_MAX)
		return -EINVAL;
	task->ctx.fail_kinds = QUIRE_FAIL_ALL;
	task->ctx.fail_nth = (u32)nth;
	return (long)len;
}

const struct file_operations proc_fail_nth_fops = {
	.read_iter = fail_nth_read, .write_iter = fail_nth_write, .llseek = generic_file_llseek,
};
