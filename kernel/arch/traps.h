/* SPDX-License-Identifier: MIT */
/*
 * traps.h - exceptions: who caused them and what becomes of him.
 *
 *	user mode    -> a signal (force_sig_fault), a line in the log
 *	kernel mode  -> the exception table's fixup, else panic
 *
 * Lock: none. Sleeps: page faults on user addresses may. Allocates: never by itself.
 */
#ifndef KERNEL_ARCH_TRAPS_H
#define KERNEL_ARCH_TRAPS_H

#include "arch/ptregs.h"

enum trap_vector {
	TRAP_DE = 0, TRAP_DB = 1, TRAP_NMI = 2, TRAP_BP = 3, TRAP_OF = 4, TRAP_BR = 5, TRAP_UD = 6,
	TRAP_NM = 7, TRAP_DF = 8, TRAP_TS = 10, TRAP_NP = 11, TRAP_SS = 12, TRAP_GP = 13,
	TRAP_PF = 14, TRAP_MF = 16, TRAP_AC = 17, TRAP_MC = 18, TRAP_XM = 19,
};

/* Called by trap_entry.S. */
void do_trap(struct pt_regs *regs, unsigned long vector, unsigned long error);
void do_paranoid_trap(struct pt_regs *regs, unsigned long vector, unsigned long error);
void do_user_fault(struct pt_regs *regs, unsigned long address, unsigned long error);
void do_kernel_fault(struct pt_regs *regs, unsigned long address, unsigned long error);
void do_irq(struct pt_regs *regs);
void exit_to_user_work(struct pt_regs *regs);

/*
 * trap_log.c: what the log says of a program that does not handle the signal, a few times in some seconds at most.
 *
 *	NAME[PID]: segfault at ADDR ip IP sp SP error N in FILE[OFFSET,START+SIZE] likely on CPU n (core c, socket s)
 *	Code: the bytes around the instruction
 *	traps: NAME[PID] trap WHAT ip:IP sp:SP error:N in FILE[OFFSET,START+SIZE]
 *
 * Context: the program's own, interrupts on. Sleeps: where its code must be read in.
 */
void log_user_fault(const struct pt_regs *regs, unsigned long address, unsigned long error);
void log_user_trap(const struct pt_regs *regs, int sig, const char *what, unsigned long error);

/* panic.c: "PREFIX name+into/size [address]". registers.c: all of them, by the CPU's own names. */
void print_address(const char *prefix, unsigned long address);
void print_registers(const struct pt_regs *r);

/* The end of a kernel that broke: registers, backtrace, panic=. */
/* Prints registers and backtrace of this CPU, from its NMI handler. */
void report_cpu(struct pt_regs *regs);
void __attribute__((noreturn)) die(const char *what, struct pt_regs *regs, unsigned long error);
/* The same for an access of the kernel's own that nothing can resolve. */
void __attribute__((noreturn)) die_page_fault(struct pt_regs *regs, unsigned long address, unsigned long error);

/* The CPU's error code of a page fault. */
#define PF_PROT		0x01	/* the page is present */
#define PF_WRITE	0x02
#define PF_USER		0x04
#define PF_INSTR	0x10
#define PF_PK		0x20	/* a protection key forbids it */


#endif
