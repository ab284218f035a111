/* SPDX-License-Identifier: MIT */
/* registers.c - what a panic shows of the CPU. */
#include "arch/io.h"
#include "arch/traps.h"
#include "lib/printk.h"

void print_registers(const struct pt_regs *r)
{
	print_address("RIP: ", r->ip);
	pr_emerg("RSP: %016lx EFLAGS: %08lx CS: %04lx SS: %04lx", r->sp, r->flags, r->cs, r->ss);
	pr_emerg("RAX: %016lx RBX: %016lx RCX: %016lx", r->ax, r->bx, r->cx);
	pr_emerg("RDX: %016lx RSI: %016lx RDI: %016lx", r->dx, r->si, r->di);
	pr_emerg("RBP: %016lx R08: %016lx R09: %016lx", r->bp, r->r8, r->r9);
	pr_emerg("R10: %016lx R11: %016lx R12: %016lx", r->r10, r->r11, r->r12);
	pr_emerg("R13: %016lx R14: %016lx R15: %016lx", r->r13, r->r14, r->r15);
	pr_emerg("CR2: %016lx CR3: %016lx CR4: %016lx", read_cr2(), read_cr3(), read_cr4());
}
