/* SPDX-License-Identifier: MIT */
/*
 * string_renamed.c - the freestanding string functions under names of their own, for string_test.c.
 */
#include "base/string.h"

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
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

#include "base/memory.c"
