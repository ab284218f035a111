/* SPDX-License-Identifier: MIT */
/*
 * linker.h - where kernel.ld put the parts of the image.
 *
 *	phys 2 MiB  __init_begin | init text | init data | __init_end     freed after boot
 *	            __text_start | text      | __text_end                 read, execute
 *	            __rodata_start | rodata  | __rodata_end               read
 *	            __data_start | data | __data_end __bss_start | bss | __bss_end   read, write
 *
 * Every border is page-aligned. Lock: none, constants.
 */
#ifndef KERNEL_BOOT_LINKER_H
#define KERNEL_BOOT_LINKER_H

/* Physical address of something in the image: __pa_symbol(). */
#include "arch/page.h"

extern char __image_start[], __image_end[];
extern char __init_begin[], __init_end[];
extern char __inittext_start[], __inittext_end[];
extern char __initdata_start[], __initdata_end[];
extern char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __data_start[], __data_end[];
extern char __bss_start[], __bss_end[];

/* Code and data that are given back after boot. Nothing that runs later may refer to them. */
#define __init		__attribute__((__section__(".init.text"), __cold__))
#define __initdata	__attribute__((__section__(".init.data")))
#define __initconst	__attribute__((__section__(".init.rodata")))

#endif
