/* SPDX-License-Identifier: MIT */
/*
 * securebits.h - bits of prctl(PR_SET_SECUREBITS), as user space knows them.
 *
 * Lock: none, numbers only.
 */
#ifndef KERNEL_PROC_SECUREBITS_H
#define KERNEL_PROC_SECUREBITS_H

#define SECBIT_NOROOT 0x01u
#define SECBIT_NO_SETUID_FIXUP 0x04u
#define SECBIT_KEEP_CAPS 0x10u
#define SECBIT_KEEP_CAPS_LOCKED 0x20u
#define SECBIT_NO_CAP_AMBIENT_RAISE 0x40u
#define SECBITS_ALL 0xffu

#endif
