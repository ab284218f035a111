/* SPDX-License-Identifier: MIT */
/*
 * utsname.h - the names of the system, for uname(2) and /proc/sys/kernel.
 *
 * Lock: a lock of system.c's for host and domain name; the others are constant.
 */
#ifndef KERNEL_PROC_UTSNAME_H
#define KERNEL_PROC_UTSNAME_H

#define UTS_LEN 65
#define QUIRE_RELEASE "6.12.0-quire"

struct utsname {
	char sysname[UTS_LEN], nodename[UTS_LEN], release[UTS_LEN], version[UTS_LEN],
		machine[UTS_LEN], domainname[UTS_LEN];
};

extern struct utsname system_utsname;

/* Bits of personality(2) that mean something here. */
#define ADDR_NO_RANDOMIZE 0x0040000u
#define ADDR_COMPAT_LAYOUT 0x0200000u
#define UNAME26 0x0020000u
#define READ_IMPLIES_EXEC 0x0400000u

#endif
