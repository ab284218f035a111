/* SPDX-License-Identifier: MIT */
/* calls_ids.c - users and groups of 16 bits: those that do not fit are told as 65534, and 65535 means "leave it". */
#include "arch/i386/calls.h"

long sys_getuid(void);
long sys_getgid(void);
long sys_geteuid(void);
long sys_getegid(void);
long sys_setuid(unsigned long id);
long sys_setgid(unsigned long id);
long sys_setfsuid(unsigned long id);
long sys_setfsgid(unsigned long id);
long sys_setreuid(unsigned long real, unsigned long effective);
long sys_setregid(unsigned long real, unsigned long effective);
long sys_setresuid(unsigned long real, unsigned long effective, unsigned long saved);
long sys_setresgid(unsigned long real, unsigned long effective, unsigned long saved);
long sys_getresuid(unsigned long real, unsigned long effective, unsigned long saved);
long sys_getresgid(unsigned long real, unsigned long effective, unsigned long saved);
long sys_getgroups(unsigned long size, unsigned long list);
long sys_setgroups(unsigned long size, unsigned long list);

#define ID_OVERFLOW 65534

static u16 narrow(u32 id)
{
	return id > UINT16_MAX ? ID_OVERFLOW : (u16)id;
}

/* As a word of the wide call. */
static unsigned long widen(u16 id)
{
	return id == UINT16_MAX ? (unsigned long)-1 : id;
}

SYSCALL_DEFINE0(i386_getuid16)
{
	return narrow((u32)sys_getuid());
}

SYSCALL_DEFINE0(i386_getgid16)
{
	return narrow((u32)sys_getgid());
}

SYSCALL_DEFINE0(i386_geteuid16)
{
	return narrow((u32)sys_geteuid());
}

SYSCALL_DEFINE0(i386_getegid16)
{
	return narrow((u32)sys_getegid());
}

SYSCALL_DEFINE1(i386_setuid16, u16, id)
{
	return sys_setuid(widen(id));
}

SYSCALL_DEFINE1(i386_setgid16, u16, id)
{
	return sys_setgid(widen(id));
}

SYSCALL_DEFINE1(i386_setfsuid16, u16, id)
{
	return sys_setfsuid(widen(id));
}

SYSCALL_DEFINE1(i386_setfsgid16, u16, id)
{
	return sys_setfsgid(widen(id));
}

SYSCALL_DEFINE2(i386_setreuid16, u16, real, u16, effective)
{
	return sys_setreuid(widen(real), widen(effective));
}

SYSCALL_DEFINE2(i386_setregid16, u16, real, u16, effective)
{
	return sys_setregid(widen(real), widen(effective));
}

SYSCALL_DEFINE3(i386_setresuid16, u16, real, u16, effective, u16, saved)
{
	return sys_setresuid(widen(real), widen(effective), widen(saved));
}

SYSCALL_DEFINE3(i386_setresgid16, u16, real, u16, effective, u16, saved)
{
	return sys_setresgid(widen(real), widen(effective), widen(saved));
}

SYSCALL_DEFINE3(i386_chown16, const char *, path, u16, uid, u16, gid)
{
	return sys_chown(WORD(path), widen(uid), widen(gid));
}

SYSCALL_DEFINE3(i386_lchown16, const char *, path, u16, uid, u16, gid)
{
	return sys_lchown(WORD(path), widen(uid), widen(gid));
}

SYSCALL_DEFINE3(i386_fchown16, unsigned int, fd, u16, uid, u16, gid)
{
	return sys_fchown(fd, widen(uid), widen(gid));
}

/* Three ids where the wide call has left them. */
static long give_three(long result, const u32 *at, u16 *real, u16 *effective, u16 *saved)
{
	u32 ids[3];

	if (result)
		return result;
	if (copy_from_user(ids, at, sizeof(ids)))
		return -EFAULT;
	return put_user(narrow(ids[0]), real) || put_user(narrow(ids[1]), effective) || put_user(narrow(ids[2]), saved) ? -EFAULT : 0;
}

SYSCALL_DEFINE3(i386_getresuid16, u16 *, real, u16 *, effective, u16 *, saved)
{
	u32 *at = user_scratch(3 * sizeof(*at));

	return give_three(sys_getresuid(WORD(at), WORD(at + 1), WORD(at + 2)), at, real, effective, saved);
}

SYSCALL_DEFINE3(i386_getresgid16, u16 *, real, u16 *, effective, u16 *, saved)
{
	u32 *at = user_scratch(3 * sizeof(*at));

	return give_three(sys_getresgid(WORD(at), WORD(at + 1), WORD(at + 2)), at, real, effective, saved);
}

/* Groups go over the program's stack in the width of the other call. */
#define GROUPS_MAX 32

SYSCALL_DEFINE2(i386_getgroups16, int, size, u16 *, list)
{
	u32 *at = user_scratch(GROUPS_MAX * sizeof(*at)), groups[GROUPS_MAX];
	long nr = sys_getgroups(WORD(size > GROUPS_MAX ? GROUPS_MAX : size), WORD(at));

	if (nr <= 0 || !size)
		return nr;
	if (copy_from_user(groups, at, (size_t)nr * sizeof(*at)))
		return -EFAULT;
	for (long i = 0; i < nr; i++)
		if (put_user(narrow(groups[i]), &list[i]))
			return -EFAULT;
	return nr;
}

SYSCALL_DEFINE2(i386_setgroups16, int, size, u16 *, list)
{
	u32 *at = user_scratch(GROUPS_MAX * sizeof(*at)), groups[GROUPS_MAX];
	u16 id;

	if (size < 0 || size > GROUPS_MAX)
		return -EINVAL;
	for (int i = 0; i < size; i++) {
		if (get_user(id, &list[i]))
			return -EFAULT;
		groups[i] = id;
	}
	return copy_to_user(at, groups, (size_t)size * sizeof(*at)) ? -EFAULT : sys_setgroups(WORD(size), WORD(at));
}
