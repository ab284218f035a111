/* SPDX-License-Identifier: MIT */
/* word.h - how instructions say "a word of the CPU": for what x86 shares between its word sizes. Locks, sleep: none. */
#ifndef ARCH_WORD_H
#define ARCH_WORD_H

/* The suffix of instructions on words, the counter of string instructions, and log2 of a word's bytes. */
#define X86_W "q"
#define X86_CX "%%rcx"
#define X86_WORD_BYTES "8"
#define X86_WORD_SHIFT 3
/* Of a line that is written next. */
#define X86_PREFETCHW "prefetchw %0"

#endif
