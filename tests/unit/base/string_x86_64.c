/* SPDX-License-Identifier: MIT */
/*
 * string_x86_64.c - string_renamed.c with that ISA's memory functions, where the host can run them.
 */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define memcpy my_memcpy
#define memmove my_memmove
#define memset my_memset
#define memcmp my_memcmp
#define memchr my_memchr
#define strlen my_strlen
#define strnlen my_strnlen
#define strcmp my_strcmp
#define strncmp my_strncmp
#define strchr my_strchr
#define strrchr my_strrchr
#define strstr my_strstr
#define strspn my_strspn
#define strcspn my_strcspn

#include "base/string.c"

#ifdef __x86_64__
#include "arch/x86/include/arch/cpu.h"

#include "arch/x86/memory.c"
#else
#include "base/memory.c"
#endif
