/* SPDX-License-Identifier: MIT */
/* faults.h - touch what may not be there, and come back from the signal by a jump. */
#ifndef TESTS_BOOT_FAULTS_H
#define TESTS_BOOT_FAULTS_H

#include "common.h"

#include <setjmp.h>

static sigjmp_buf fault_back;
/* What the last signal told. */
static siginfo_t fault_told;

static inline void fault_jump(int sig, siginfo_t *info, void *context)
{
	(void)context;
	fault_told = *info;
	siglongjmp(fault_back, sig);
}

/* From here on touch() comes back from SIGSEGV and SIGBUS. */
static inline void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = fault_jump, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* 0 when the byte could be read, or written if `write` (that value), else the signal. */
static inline int touch(volatile char *address, int write)
{
	int sig = sigsetjmp(fault_back, 1);

	if (sig)
		return sig;
	if (write)
		*address = (char)write;
	else
		(void)*address;
	return 0;
}

/* The same for a call of the code there. */
static inline int run_at(const void *code)
{
	int sig = sigsetjmp(fault_back, 1);

	if (!sig)
		((void (*)(void))(uintptr_t)code)();
	return sig;
}

#endif
