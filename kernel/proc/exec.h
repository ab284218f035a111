/* SPDX-License-Identifier: MIT */
/*
 * exec.h - replacing the program of a process.
 *
 *	open, permissions -> arguments in the new stack -> loader -> point of no return -> new mm
 *
 * [E1] Until begin_new_exec() succeeds, exec has no effect and may fail; after it, a failure kills.
 * [E2] bprm->p is the lowest byte of the strings in the new stack; what lies below is free.
 * Lock: none held. Sleeps: all. Allocates: all.
 */
#ifndef KERNEL_PROC_EXEC_H
#define KERNEL_PROC_EXEC_H

#include "quire/mm.h"
#include "sched/task.h"

struct file;
struct cred;

#define BINPRM_BUF_SIZE 256
#define MAX_ARG_STRLEN (32 * 4096ul)
#define MAX_ARG_STRINGS 0x7ffffffful

struct binprm {
	struct file *file;		/* being executed */
	struct mm_struct *mm;		/* the new address space */
	unsigned long p;		/* [E2] */
	unsigned long stack_top;	/* end of the stack's VMA */
	unsigned long least;		/* strings may not reach below it */
	char *page; /* strings on their way: mirrors [lo, hi) of the page at base */
	unsigned long base, lo, hi;
	size_t arg0_len;		/* of argv[0], with NUL */
	int argc, envc;
	const char *filename;		/* kernel's: as given, for AT_EXECFN */
	unsigned long exec;		/* where filename lies in the new stack */
	struct cred *cred;
	bool secure;
	bool no_return;			/* [E1] */
	char buf[BINPRM_BUF_SIZE];	/* the file's first bytes, then zeros */
};

/* Programs of the kernel's own choice: init. Does not return to the caller's code on success. */
int kernel_execve(const char *path, const char *const *argv, const char *const *envp);

/* elf.c: 0, -ENOEXEC when it is not ELF, -errno. */
int load_elf(struct binprm *bprm);
/* script.c: replaces bprm->file by the interpreter and puts its arguments in front. */
int load_script(struct binprm *bprm);

/* Adds a string of the kernel below bprm->p. */
int bprm_push_kernel(struct binprm *bprm, const char *text);
/* Takes argv[0] off. */
int bprm_drop_arg0(struct binprm *bprm);
/* Writes what is on its way into the new stack. 0 or -ENOMEM. */
int bprm_flush(struct binprm *bprm);
/* Reads the head of the file anew. */
int bprm_read_head(struct binprm *bprm);
/* The point of no return: other threads end, the new mm is installed. */
int begin_new_exec(struct binprm *bprm);
/* At the end: registers for the first instruction. */
void start_thread(unsigned long ip, unsigned long sp);

#endif
