/* SPDX-License-Identifier: MIT */
/*
 * cpuinfo.h - the text of /proc/cpuinfo: one paragraph for each CPU that is online.
 *
 * All CPUs are taken to be alike: the one that answers speaks for all.
 * Lock: none. Sleeps: if the sink does. Allocates: never.
 */
#ifndef KERNEL_ARCH_CPUINFO_H
#define KERNEL_ARCH_CPUINFO_H

#include "quire/types.h"

/* 0, or the sink's -errno. */
int cpuinfo_show(struct text_sink *sink);

#endif
