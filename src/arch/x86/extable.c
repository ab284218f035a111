/* SPDX-License-Identifier: MIT */
/*
 * extable.c - where to go on when an instruction that touches user memory faults for good.
 *
 * Both offsets of an entry are relative to themselves, so that the table needs no relocation; whoever moves an entry
 * corrects them.
 */
#include "arch/mmu.h"
#include "arch/page.h"
#include "arch/uaccess.h"
#include "quire/uaccess.h"

struct ex_entry {
	s32 insn, fixup;
};

extern const struct ex_entry __start_quire_ex_table[], __stop_quire_ex_table[];

static unsigned long insn_of(const struct ex_entry *entry)
{
	return (unsigned long)&entry->insn + (long)entry->insn;
}

unsigned long search_exception_table(unsigned long ip)
{
	const struct ex_entry *low = __start_quire_ex_table, *high = __stop_quire_ex_table;

	while (low < high) {
		const struct ex_entry *middle = low + (high - low) / 2;

		if (insn_of(middle) == ip)
			return (unsigned long)&middle->fixup + (long)middle->fixup;
		if (insn_of(middle) < ip)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/* Insertion: the linker leaves the table almost in order, file by file. */
void arch_sort_exception_table(void)
{
	long nr = __stop_quire_ex_table - __start_quire_ex_table;
	struct ex_entry *table = phys_to_virt(__pa_symbol(__start_quire_ex_table));
	long i, at;

	for (i = 1; i < nr; i++) {
		struct ex_entry moved = table[i];
		s32 step = sizeof(struct ex_entry);

		for (at = i; at > 0 && table[at - 1].insn - step > moved.insn; at--) {
			table[at].insn = table[at - 1].insn - step;
			table[at].fixup = table[at - 1].fixup - step;
			moved.insn += step;
			moved.fixup += step;
		}
		table[at] = moved;
	}
}
