/* SPDX-License-Identifier: MIT */
/*
 * kmsg.h - the kernel's log as files: /dev/kmsg here, /proc/kmsg by the same operations.
 *
 * Lock: none of its own. Sleeps: reading.
 */
#ifndef KERNEL_DEV_KMSG_H
#define KERNEL_DEV_KMSG_H

#include "fs/vfs.h"

extern const struct file_operations proc_kmsg_fops;

#endif
