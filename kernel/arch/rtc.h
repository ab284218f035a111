/* SPDX-License-Identifier: MIT */
/*
 * rtc.h - the battery clock, read once at boot.
 *
 * Lock: none, boot only. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_RTC_H
#define KERNEL_ARCH_RTC_H

#include <stdint.h>

/* Seconds since 1970 (the clock is taken to run in UTC); 0 when there is none. */
uint64_t rtc_read_seconds(void);

#endif
