/* SPDX-License-Identifier: MIT */
/* registers.c - what a panic shows of the CPU. */
#include "arch/io.h"
#include "arch/traps.h"
#include "lib/printk.h"

void print_registers(const struct pt_regs *r)
{
	print_address("EIP: ", r->ip);
	pr_emerg("ESP: %08lx EFLAGS: %08lx CS: %04lx", pt_regs_sp(r), r->flags, r->cs & 0xffff);
	pr_emerg("EAX: %08lx EBX: %08lx ECX: %08lx EDX: %08lx", r->ax, r->bx, r->cx, r->dx);
	pr_emerg("ESI: %08lx EDI: %08lx EBP: %08lx", r->si, r->di, r->bp);
	pr_emerg("DS: %04lx ES: %04lx FS: %04lx GS: %04lx", r->ds & 0xffff, r->es & 0xffff, r->fs & 0xffff, r->gs & 0xffff);
	pr_emerg("CR2: %08lx CR3: %08lx CR4: %08lx", read_cr2(), read_cr3(), read_cr4());
}
