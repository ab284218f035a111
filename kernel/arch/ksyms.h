/* SPDX-License-Identifier: MIT */
/*
 * ksyms.h - the table of function names that symbolises a backtrace.
 *
 * The kernel is linked twice. tools/ksyms reads the functions of the first image (nm) and writes
 * the table into section .ksyms of the second:
 *
 *	nr | offset[0] offset[1] ... offset[nr - 1] | "name0\0" "name1\0" ... "nameN\0"
 *
 * [K1] Offsets count bytes from _ktext and rise strictly.
 * [K2] Names stand in the order of the offsets; the i-th is found by passing over i zero bytes,
 *      which is slow and small: only a panic looks names up.
 * [K3] The first image has no table; kernel.ld defines _ktext as the lowest address of text, keeps
 *      *(.ksyms) behind all text (so that the table moves no function) and provides an empty
 *      quire_ksyms by PROVIDE(quire_ksyms = a zero word).  tools/ksyms --check fails the build
 *      when a function moved.
 *
 * Lock: none, read only. Sleeps: never. Allocates: never. Cost: linear.
 */
#ifndef KERNEL_ARCH_KSYMS_H
#define KERNEL_ARCH_KSYMS_H

#include <stddef.h>
#include <stdint.h>

struct ksyms {
	uint32_t nr;
	uint32_t offset[];
};

extern const struct ksyms quire_ksyms;
extern const char _ktext[];

/*
 * The name of the function that @address lies in, how far into it, and its size up to the next one
 * (bytes; 0 for the last); NULL when the address lies before the first function or there is no table.
 */
static inline const char *ksym_lookup(unsigned long address, unsigned long *into, unsigned long *size)
{
	const char *name = (const char *)&quire_ksyms.offset[quire_ksyms.nr];
	unsigned long offset = address - (unsigned long)_ktext;
	uint32_t i = 0;

	if (address < (unsigned long)_ktext || !quire_ksyms.nr)
		return NULL;
	if (offset < quire_ksyms.offset[0])
		return NULL;
	while (i + 1 < quire_ksyms.nr && quire_ksyms.offset[i + 1] <= offset) {
		while (*name++)
			;
		i++;
	}
	*into = offset - quire_ksyms.offset[i];
	*size = i + 1 < quire_ksyms.nr ? quire_ksyms.offset[i + 1] - quire_ksyms.offset[i] : 0;
	return name;
}

#endif
