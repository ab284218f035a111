/* SPDX-License-Identifier: MIT */
/* string.h - the kernel's own string functions under C's name. */
#ifndef TESTS_BOOTED_STRING_H
#define TESTS_BOOTED_STRING_H

#include "base/string.h"

#endif
