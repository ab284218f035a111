/* SPDX-License-Identifier: MIT */
/*
 * types.h - the vocabulary of units: every other header says "pages", "bytes" or "a physical
 * address" by the type it uses.
 *
 * Floor: F0. Locks: none. Sleeps: never. Allocates: never.
 */
#ifndef QUIRE_TYPES_H
#define QUIRE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u64 paddr_t;            /* physical address, bytes; 64 bits also where pointers have 32 (PAE) */
typedef unsigned long pfn_t;    /* page frame number: physical address divided by PAGE_SIZE           */
typedef unsigned long vaddr_t;  /* virtual address, kernel or user, bytes                             */
typedef unsigned long pgoff_t;  /* offset in an object, in pages                                      */
typedef u32 gfp_t;              /* __GFP_* flags (gfp.h)                                              */
typedef unsigned int vm_fault_t; /* VM_FAULT_* bits (fault.h)                                         */

struct quire;
struct quire_ctx;
struct quire_port;
struct page;
struct zone;
struct kmem_cache;
struct mm_struct;
struct mem_group;
struct vm_area_struct;
struct address_space;

/* What a program's resident pages (and swap entries) are counted as. */
enum mm_counter { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS };

/* A physical range in bytes, [start, end). */
struct phys_range {
	paddr_t start, end;
};

/* Where a renderer of a /proc text puts its output. Returns 0 or -errno; an error stops the renderer. */
struct text_sink {
	int (*write)(struct text_sink *sink, const char *text, size_t len);
};

#endif
