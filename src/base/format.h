/* SPDX-License-Identifier: MIT */
/*
 * format.h - printf into a buffer of known size, with nothing but the stack.
 *
 *      %[-+ #0][width|*][.precision|.*][hh|h|l|ll|z|t|j](d i u x X o c s p %)
 *
 * [F1] Never writes past `size` bytes; terminates whenever size > 0.
 * [F2] quire_snprintf gives the length that the whole text has, also when it was cut;
 *      quire_scnprintf gives the length that is in the buffer.
 * [F3] %p prints 0x and the digits, or (nil); %s of a null pointer prints (null). An unknown
 *      conversion is printed as it stands.
 *
 * No floating point, no %n, no wide characters, no positional arguments.
 * Lock: none. Sleeps: never. Cost: O(length). Allocates: never.
 */
#ifndef QUIRE_BASE_FORMAT_H
#define QUIRE_BASE_FORMAT_H

#include <stdarg.h>
#include "base/compiler.h"

int quire_vsnprintf(char *buf, size_t size, const char *format, va_list args);
int quire_vscnprintf(char *buf, size_t size, const char *format, va_list args);
int quire_snprintf(char *buf, size_t size, const char *format, ...) __printf(3, 4);
int quire_scnprintf(char *buf, size_t size, const char *format, ...) __printf(3, 4);

#endif
