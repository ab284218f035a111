/* SPDX-License-Identifier: MIT */
/*
 * thread.h - what 32-bit mode adds to a thread: the three descriptors of set_thread_area(2).
 *
 * The segment registers are in pt_regs, and are loaded from these descriptors on the way out.
 * Lock: none, a thread's own. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_THREAD_H
#define KERNEL_ARCH_THREAD_H

#include <stdint.h>
#include "arch/offsets.h"

struct arch_thread {
	uint64_t tls[NR_TLS];	/* descriptors as the GDT has them; 0: none */
};

/* Which word of those that switch_stack() pushes is the frame pointer, from the lowest on. */
#define SWITCH_FRAME_BP	3
/* Suffix of the instructions that save and load the registers of floating point. */
#define FPU_SUFFIX	""
#define STACK_POINTER	"esp"

#endif
