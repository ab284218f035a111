/* SPDX-License-Identifier: MIT */
/*
 * fault.h - the one entry for page faults, from user mode or from kernel accesses to user addresses.
 *
 * handle_user_fault() is what a trap handler calls: it finds the VMA (first without the mmap lock: RCU look-up and the
 * VMA's own lock; then with it), checks the access, and dispatches.
 */
#ifndef QUIRE_FAULT_H
#define QUIRE_FAULT_H

#include "quire/types.h"

enum fault_flags {
	FAULT_FLAG_WRITE = 0x01,
	FAULT_FLAG_MKWRITE = 0x02,
	FAULT_FLAG_ALLOW_RETRY = 0x04, /* internal: the mmap lock may be dropped     */
	FAULT_FLAG_USER = 0x40,        /* from user mode (else: uaccess in the kernel)   */
	FAULT_FLAG_REMOTE = 0x80,      /* for another process (ptrace, process_vm_*)     */
	FAULT_FLAG_INSTRUCTION = 0x100,
	FAULT_FLAG_PKEY = 0x200,       /* the protection key of the page forbids it      */
	FAULT_FLAG_ALONE = 0x8000,     /* internal: no cached pages around it are mapped  */
	FAULT_FLAG_VMA_LOCK = 0x1000,  /* internal: running under the VMA's lock only    */
	FAULT_FLAG_KILLABLE = 0x10,
};

enum vm_fault_reason {
	VM_FAULT_OOM = 0x0001,
	VM_FAULT_SIGBUS = 0x0002,
	VM_FAULT_MAJOR = 0x0004,
	VM_FAULT_HWPOISON = 0x0010,
	VM_FAULT_SIGSEGV = 0x0040,
	VM_FAULT_NOPAGE = 0x0100,
	VM_FAULT_RETRY = 0x0400,
	VM_FAULT_ERROR = VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_HWPOISON | VM_FAULT_SIGSEGV,
};

/* Result for a signal: si_code of Linux. */
enum fault_si_code { FAULT_SEGV_MAPERR = 1, FAULT_SEGV_ACCERR = 2, FAULT_SEGV_PKUERR = 4, FAULT_BUS_ADRERR = 2, FAULT_BUS_MCEERR_AR = 4 };

struct fault_result {
	vm_fault_t what; /* 0 or VM_FAULT_MAJOR: done, resume; else one of VM_FAULT_ERROR */
	int si_code;     /* for SIGSEGV and SIGBUS; with SEGV_PKUERR the key << 8         */
};

/* `address`: faulting byte. `user_sp`: the user stack pointer, or 0 when unknown (limits nothing: Linux grows stacks for any
 * address within the rlimit). Context: no lock held, IRQs on, may sleep. On VM_FAULT_OOM the caller ends the process or
 * retries; nothing is held. */
struct fault_result handle_user_fault(struct mm_struct *mm, vaddr_t address, unsigned int flags);

#endif
