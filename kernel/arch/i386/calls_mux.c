/* SPDX-License-Identifier: MIT */
/* calls_mux.c - socketcall(2) and ipc(2): one number for many calls, whose parameters lie in memory. */
#include "arch/i386/calls.h"

#include "base/math.h"


enum { NR_socket = 359, NR_socketpair, NR_bind, NR_connect, NR_listen, NR_accept4, NR_getsockopt, NR_setsockopt, NR_getsockname,
       NR_getpeername, NR_sendto, NR_sendmsg, NR_recvfrom, NR_recvmsg, NR_shutdown, NR_sendmmsg = 345, NR_shmget = 395, NR_shmctl,
       NR_shmat, NR_shmdt };

/* The call of its own that each is; parameters that are not passed are 0 (accept without flags, send without an address). */
static const struct {
	u16 number, parameters;
} socket_calls[] = {
	[1] = { NR_socket, 3 },
	[2] = { NR_bind, 3 },
	[3] = { NR_connect, 3 },
	[4] = { NR_listen, 2 },
	[5] = { NR_accept4, 3 },
	[6] = { NR_getsockname, 3 },
	[7] = { NR_getpeername, 3 },
	[8] = { NR_socketpair, 4 },
	[9] = { NR_sendto, 4 },
	[10] = { NR_recvfrom, 4 },
	[11] = { NR_sendto, 6 },
	[12] = { NR_recvfrom, 6 },
	[13] = { NR_shutdown, 2 },
	[14] = { NR_setsockopt, 5 },
	[15] = { NR_getsockopt, 5 },
	[16] = { NR_sendmsg, 3 },
	[17] = { NR_recvmsg, 3 },
	[18] = { NR_accept4, 4 },
	[20] = { NR_sendmmsg, 4 },
};

SYSCALL_DEFINE2(i386_socketcall, unsigned int, call, const u32 *, args)
{
	u32 a[6] = { 0 };

	if (call >= ARRAY_SIZE(socket_calls) || !socket_calls[call].number)
		return -EINVAL;
	if (copy_from_user(a, args, socket_calls[call].parameters * sizeof(*a)))
		return -EFAULT;
	return syscall_table[socket_calls[call].number](a[0], a[1], a[2], a[3], a[4], a[5]);
}

enum { IPC_SHMAT = 21, IPC_SHMDT = 22, IPC_SHMGET = 23, IPC_SHMCTL = 24 };

/* The upper half of @call is a version, which only SHMAT of another system ever had. */
SYSCALL_DEFINE6(i386_ipc, unsigned int, call, int, first, unsigned long, second, u32 *, third, unsigned long, ptr, long, fifth)
{
	long result;

	switch (call & 0xffff) {
	case IPC_SHMAT:
		if (call >> 16 == 1)
			return -EINVAL;
		result = syscall_table[NR_shmat](WORD(first), ptr, second, 0, 0, 0);
		if ((unsigned long)result >= -4095ul)
			return result;
		return put_user((u32)result, third) ? -EFAULT : 0;
	case IPC_SHMDT:
		return syscall_table[NR_shmdt](ptr, 0, 0, 0, 0, 0);
	case IPC_SHMGET:
		return syscall_table[NR_shmget](WORD(first), second, WORD(third), 0, 0, 0);
	case IPC_SHMCTL:
		return syscall_table[NR_shmctl](WORD(first), second, ptr, 0, 0, 0);
	}
	return -ENOSYS;
}
