/* SPDX-License-Identifier: MIT */
/* prctl_mm.c - PR_SET_MM: a restored program takes the addresses, the vector and the file of the one that was saved. */
#include "syscall/prctl_mm.h"

#include "base/string.h"
#include "fs/fdtable.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/mm.h"
#include "quire/uaccess.h"

enum set_mm {
	PR_SET_MM_START_CODE = 1, PR_SET_MM_END_CODE, PR_SET_MM_START_DATA, PR_SET_MM_END_DATA, PR_SET_MM_START_STACK,
	PR_SET_MM_START_BRK, PR_SET_MM_BRK, PR_SET_MM_ARG_START, PR_SET_MM_ARG_END, PR_SET_MM_ENV_START, PR_SET_MM_ENV_END,
	PR_SET_MM_AUXV, PR_SET_MM_EXE_FILE, PR_SET_MM_MAP, PR_SET_MM_MAP_SIZE,
};

/* Which address an option means: the options' order is not the map's. */
static const enum mm_place place_of[] = {
	[PR_SET_MM_START_CODE] = MM_START_CODE, [PR_SET_MM_END_CODE] = MM_END_CODE,
	[PR_SET_MM_START_DATA] = MM_START_DATA, [PR_SET_MM_END_DATA] = MM_END_DATA,
	[PR_SET_MM_START_STACK] = MM_START_STACK, [PR_SET_MM_START_BRK] = MM_START_BRK, [PR_SET_MM_BRK] = MM_BRK,
	[PR_SET_MM_ARG_START] = MM_ARG_START, [PR_SET_MM_ARG_END] = MM_ARG_END,
	[PR_SET_MM_ENV_START] = MM_ENV_START, [PR_SET_MM_ENV_END] = MM_ENV_END,
};

/* User space's struct prctl_mm_map. */
struct prctl_mm_map {
	u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack, arg_start, arg_end, env_start, env_end;
	u64 auxv; /* a user pointer */
	u32 auxv_size;
	u32 exe_fd; /* ~0: stays */
};
_Static_assert(sizeof(struct prctl_mm_map) == 104, "user space's layout");

/* The caller's next vector: `len` bytes of its own and zeros behind them, the last pair in any case. */
static int read_auxv(unsigned long vector[MM_AUXV_WORDS], unsigned long from, unsigned long len)
{
	if (len > MM_AUXV_WORDS * sizeof(long))
		return -EINVAL;
	memset(vector, 0, MM_AUXV_WORDS * sizeof(long));
	if (copy_from_user(vector, (void *)from, len))
		return -EFAULT;
	vector[MM_AUXV_WORDS - 2] = vector[MM_AUXV_WORDS - 1] = 0;
	return 0;
}

static long set_auxv(unsigned long from, unsigned long len)
{
	unsigned long vector[MM_AUXV_WORDS];
	int err = read_auxv(vector, from, len);

	/* What lies behind the given part stays as it was. */
	if (!err)
		memcpy(mm_saved_auxv(task_mm(current)), vector, len);
	return err;
}

static long set_exe(struct file *file)
{
	struct mmap_file backing;
	int err;

	if (!S_ISREG(file->f_inode->i_mode) || (file->f_path.mnt->mnt_flags & MS_NOEXEC))
		return -EACCES;
	err = path_permission(&file->f_path, MAY_EXEC);
	if (!err)
		err = file_mmap_backing(file, PROT_READ, MAP_PRIVATE, &backing);
	if (err)
		return err;
	if (!backing.mapping || exec_deny_write(file))
		return -EACCES;
	err = mm_replace_exe(task_mm(current), backing.mapping, file);
	exec_allow_write(file);
	return err;
}

static long set_exe_fd(unsigned int fd)
{
	struct fd f = fdget(fd);
	long err;

	if (!fd_file(f))
		return -EBADF;
	err = set_exe(fd_file(f));
	fdput(f);
	return err;
}

static long set_map(const struct prctl_mm_map *m)
{
	unsigned long vector[MM_AUXV_WORDS];
	const struct mm_layout wanted = {
		m->start_code, m->end_code, m->start_data, m->end_data, m->start_brk, m->brk, m->start_stack,
		m->arg_start, m->arg_end, m->env_start, m->env_end, 0, false,
	};
	long err = do_check_mm_layout(&wanted);

	if (!err && m->auxv_size && !m->auxv)
		err = -EINVAL;
	if (!err && m->auxv_size)
		err = read_auxv(vector, m->auxv, m->auxv_size);
	if (!err && m->exe_fd != ~0u) {
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
			return -EPERM;
		err = set_exe_fd(m->exe_fd);
	}
	return err ? err : do_set_mm_layout(task_mm(current), &wanted, m->auxv_size ? vector : NULL);
}

static long set_user_map(const void *from, unsigned long size)
{
	struct prctl_mm_map map;

	if (size != sizeof(map))
		return -EINVAL;
	return copy_from_user(&map, from, sizeof(map)) ? -EFAULT : set_map(&map);
}

long prctl_set_mm(unsigned long what, unsigned long addr, unsigned long a4, unsigned long a5)
{
	if (a5 || (a4 && what != PR_SET_MM_AUXV && what != PR_SET_MM_MAP && what != PR_SET_MM_MAP_SIZE))
		return -EINVAL;
	if (what == PR_SET_MM_MAP_SIZE)
		return put_user((unsigned int)sizeof(struct prctl_mm_map), (unsigned int *)addr);
	/* All of them at once are checked against each other; one by one they want a capability. */
	if (what == PR_SET_MM_MAP)
		return set_user_map((const void *)addr, a4);
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (what == PR_SET_MM_EXE_FILE)
		return set_exe_fd((unsigned int)addr);
	if (what == PR_SET_MM_AUXV)
		return set_auxv(addr, a4);
	if (what < PR_SET_MM_START_CODE || what > PR_SET_MM_ENV_END)
		return -EINVAL;
	return do_set_mm_place(task_mm(current), place_of[what], addr);
}
