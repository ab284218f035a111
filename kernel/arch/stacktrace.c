/* SPDX-License-Identifier: MIT */
/* stacktrace.c - reads return addresses off the stack and names them. */
#include "arch/stacktrace.h"

#include "arch/current.h"
#include "arch/ksyms.h"
#include "arch/cpu_setup.h"
#include "base/format.h"
#include "boot/linker.h"
#include "quire/config.h"
#include "sched/task.h"

bool is_kernel_text(unsigned long address)
{
	return (address >= (unsigned long)__text_start && address < (unsigned long)__text_end) ||
	       (address >= (unsigned long)__inittext_start && address < (unsigned long)__inittext_end);
}

struct stack_range readable_stack(unsigned long sp)
{
	unsigned long top = current_thread()->stack_top, bottom = top - THREAD_SIZE;
	unsigned long record = (unsigned long)this_percpu.self;

	sp &= ~(sizeof(long) - 1);
	if (sp < top && sp >= bottom)
		return (struct stack_range){ sp, top };
	if (sp < bottom && sp >= bottom - 4096)
		return (struct stack_range){ bottom, top };
	if (sp >= record && sp < record + percpu_record_size())
		return (struct stack_range){ sp, record + percpu_record_size() };
	return (struct stack_range){ 0, 0 };
}

/* The chain of frame pointers, as long as it goes up within the stack. */
static unsigned int save_chain(struct stack_range stack, unsigned long bp, unsigned long *entries, unsigned int max)
{
	unsigned int nr = 0;

	while (nr < max && bp >= stack.start && bp + 2 * sizeof(long) <= stack.end && !(bp & (sizeof(long) - 1))) {
		unsigned long next = *(unsigned long *)bp, address = *(unsigned long *)(bp + sizeof(long));

		if (!is_kernel_text(address))
			break;
		entries[nr++] = address;
		if (next <= bp)
			break;
		bp = next;
	}
	return nr;
}

static unsigned int save_words(struct stack_range stack, unsigned long *entries, unsigned int max)
{
	unsigned long at = stack.start, end_of_entries = (unsigned long)(entries + max);
	unsigned int nr = 0;

	/* The caller's array lies on the stack itself, and holds what was found last time. */
	if (end_of_entries > at && end_of_entries < stack.end)
		at = end_of_entries;
	for (; at < stack.end && nr < max; at += sizeof(long)) {
		unsigned long word = *(unsigned long *)at;

		if (is_kernel_text(word) && (!nr || entries[nr - 1] != word))
			entries[nr++] = word;
	}
	return nr;
}

unsigned int stack_trace_save(unsigned long *entries, unsigned int max)
{
	unsigned long frame = (unsigned long)__builtin_frame_address(0);
	struct stack_range stack;

	if (!current_thread())
		return 0;
	stack = readable_stack(frame);
	return QUIRE_DEBUG ? save_chain(stack, frame, entries, max) : save_words(stack, entries, max);
}

bool symbol_text(unsigned long address, char *buf, size_t size)
{
	unsigned long into, bytes;
	const char *name = is_kernel_text(address) ? ksym_lookup(address, &into, &bytes) : NULL;

	if (name)
		quire_snprintf(buf, size, "%s+0x%lx/0x%lx", name, into, bytes);
	return name != NULL;
}
