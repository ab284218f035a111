/* SPDX-License-Identifier: MIT */
/* arch_prctl.c - the call by which 64-bit programs set their thread-local storage. */
#include "arch/current.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS, ARCH_GET_CPUID = 0x1011 };

SYSCALL_DEFINE2(arch_prctl, int, option, unsigned long, addr)
{
	struct thread_struct *t = current_thread();

	switch (option) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (!access_ok((void *)addr, 1))
			return -EPERM;
		if (option == ARCH_SET_FS)
			thread_set_fs_base(t, addr);
		else
			thread_set_gs_base(t, addr);
		return 0;
	case ARCH_GET_FS:
		return put_user(t->arch.fs_base, (unsigned long *)addr);
	case ARCH_GET_GS:
		return put_user(t->arch.gs_base, (unsigned long *)addr);
	case ARCH_GET_CPUID:
		return 1;
	}
	return -EINVAL;
}
