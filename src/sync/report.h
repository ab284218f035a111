/* SPDX-License-Identifier: MIT */
/*
 * report.h - formatted lines to the host's log, and the formatted end.
 *
 * The text is formatted on the stack (256 bytes; longer lines are cut) and handed to the port in
 * one call.
 *
 * Lock: none. Sleeps: never. Cost: the port's. Allocates: never. Context: any.
 */
#ifndef SYNC_REPORT_H
#define SYNC_REPORT_H

#include "base/compiler.h"
#include "quire/port.h"

/* One line without newline; level: enum quire_log_level. */
__printf(2, 3) __cold void quire_log(int level, const char *fmt, ...);
__printf(1, 2) __cold __noreturn void quire_panic(const char *fmt, ...);

#endif
