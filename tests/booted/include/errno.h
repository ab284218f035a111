/* SPDX-License-Identifier: MIT */
/* errno.h - the numbers; there is no variable. */
#ifndef TESTS_BOOTED_ERRNO_H
#define TESTS_BOOTED_ERRNO_H

#include "quire/errno.h"

#endif
