/* SPDX-License-Identifier: MIT */
/* vmallocinfo.c - /proc/vmallocinfo: one line an area, in Linux's format. */
#include "front/text.h"
#include "kva/kva.h"
#include "quire/stats.h"

struct area_line {
	vaddr_t start, end;
	paddr_t phys;
	void *caller;
	unsigned int kind;
	bool is_lazy;
};

/* The first area at or above `from`. The lock is not held while a line is written, so that the sink may sleep. */
static bool next_area(vaddr_t from, struct area_line *line)
{
	struct kva_state *kva = this_kva();
	struct rb_node *node = kva->areas.rb_node;
	const struct vmap_area *best = NULL;

	spin_lock(&kva->lock);
	for (node = kva->areas.rb_node; node;) {
		const struct vmap_area *area = rb_entry(node, struct vmap_area, node);

		if (area->start >= from) {
			best = area;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	if (best)
		*line = (struct area_line){ best->start, best->end, best->phys, best->caller, best->kind,
					   best->state == AREA_LAZY };
	spin_unlock(&kva->lock);
	return best != NULL;
}

int quire_show_vmallocinfo(struct text_sink *sink)
{
	struct area_line line = { 0 };
	vaddr_t from = 0;
	int err = 0;

	while (!err && next_area(from, &line)) {
		unsigned long pages = (line.end - line.start) / PAGE_SIZE - 1;

		from = line.end;
		err = text_printf(sink, "0x%0*lx-0x%0*lx %7lu", (int)sizeof(long) * 2, line.start, (int)sizeof(long) * 2,
				  line.end, line.end - line.start);
		if (err)
			break;
		if (line.is_lazy) {
			err = text_puts(sink, " unpurged vm_area\n");
			continue;
		}
		err = text_printf(sink, " 0x%lx", (unsigned long)line.caller);
		if (!err && (line.kind & (VM_ALLOC | VM_KSTACK)))
			err = text_printf(sink, " pages=%lu vmalloc%s", pages, line.kind & VM_KSTACK ? " stack" : "");
		if (!err && line.kind & VM_MAP)
			err = text_printf(sink, " pages=%lu vmap", pages);
		if (!err && line.kind & VM_IOREMAP)
			err = text_printf(sink, " phys=0x%016llx ioremap", (unsigned long long)line.phys);
		if (!err)
			err = text_puts(sink, "\n");
	}
	return err;
}
