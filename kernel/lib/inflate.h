/* SPDX-License-Identifier: MIT */
/*
 * inflate.h - unpacking gzip: RFC 1952 around RFC 1951.
 *
 *	input in memory -> bits -> symbols -> 32 KiB window -> flush(bytes) whenever it is full
 *
 * [I1] No input, however broken, reads outside of [in, in + len) or writes outside of the window.
 * Lock: none. Sleeps: if flush does, or for memory. Allocates: about 40 KiB, given back before it returns.
 */
#ifndef KERNEL_LIB_INFLATE_H
#define KERNEL_LIB_INFLATE_H

#include <stdbool.h>
#include <stddef.h>

struct inflate_sink {
	/* NULL, or what is wrong: ends the unpacking. */
	const char *(*flush)(struct inflate_sink *sink, const unsigned char *bytes, size_t len);
};

static inline bool is_gzip(const unsigned char *in, size_t len)
{
	return len >= 18 && in[0] == 0x1f && in[1] == 0x8b;
}

/* Unpacks one member. NULL and *used (input bytes of the member), or what is wrong. */
const char *gunzip(const unsigned char *in, size_t len, size_t *used, struct inflate_sink *sink);

#endif
