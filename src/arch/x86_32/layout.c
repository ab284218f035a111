/* SPDX-License-Identifier: MIT */
/* layout.c - how the kernel's GiB is divided: the memmap from above, the direct map from below, vmalloc in between. */
#include "arch/x86_32/layout.h"

#include "arch/page.h"
#include "base/math.h"

struct kernel_layout kernel_layout_of(paddr_t ram_end, u64 memmap_bytes)
{
	struct kernel_layout layout;
	u64 below;

	layout.memmap = PKMAP_BASE - (vaddr_t)ALIGN(memmap_bytes, LAYOUT_STEP);
	below = layout.memmap - PAGE_OFFSET - VMALLOC_GAP_BYTES - VMALLOC_MIN_BYTES;
	layout.lowmem_end = min_t(u64, LOWMEM_MAX_BYTES, below);
	/* Little memory leaves more room for the rest. */
	layout.vmalloc_start = PAGE_OFFSET + (vaddr_t)ALIGN(min(ram_end, layout.lowmem_end), LAYOUT_STEP) + VMALLOC_GAP_BYTES;
	layout.vmalloc_end = layout.vmalloc_start + min(layout.memmap - layout.vmalloc_start, (vaddr_t)VMALLOC_MAX_BYTES);
	return layout;
}
