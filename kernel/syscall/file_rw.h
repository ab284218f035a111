/* SPDX-License-Identifier: MIT */
/*
 * file_rw.h - positions of files, for those whose words are too short for one.
 *
 * Context: system calls. Lock: takes the file's. Sleeps: yes.
 */
#ifndef KERNEL_SYSCALL_FILE_RW_H
#define KERNEL_SYSCALL_FILE_RW_H

#include "fs/uapi.h"

/* lseek(2): the new position, or -errno. */
loff_t file_seek(unsigned int fd, loff_t offset, unsigned int whence);

#endif
