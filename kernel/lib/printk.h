/* SPDX-License-Identifier: MIT */
/*
 * printk.h - the kernel's log: a ring of records for dmesg and /dev/kmsg, and the console.
 *
 *	printk -> [ record | record | ... ] ring -> /dev/kmsg, syslog(2)
 *	            \-> console, when level < console_loglevel
 *
 * [L1] A record is {sequence number, level, time, text}; sequence numbers have no gaps.
 * [L2] The newest records are kept: a reader that lags finds a larger first sequence number.
 * [L3] One call is one record: a trailing newline is dropped, newlines inside stay.
 * Lock: its own, below every other; any context, interrupts and NMI included. Sleeps: never.
 * Allocates: never. Cost: the text, twice, and the console's speed.
 */
#ifndef KERNEL_LIB_PRINTK_H
#define KERNEL_LIB_PRINTK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {	/* Linux's numbers */
	LOGLEVEL_EMERG,
	LOGLEVEL_ALERT,
	LOGLEVEL_CRIT,
	LOGLEVEL_ERR,
	LOGLEVEL_WARNING,
	LOGLEVEL_NOTICE,
	LOGLEVEL_INFO,
	LOGLEVEL_DEBUG,
};

/* Bytes of text that one record keeps; more is cut off. */
#define LOG_LINE_MAX	480

void printk(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vprintk(int level, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
/* Text as it stands, @len bytes, such as the library's log or a write to /dev/kmsg. */
void printk_text(int level, const char *text, size_t len);

#define pr_emerg(...)	printk(LOGLEVEL_EMERG, __VA_ARGS__)
#define pr_crit(...)	printk(LOGLEVEL_CRIT, __VA_ARGS__)
#define pr_err(...)	printk(LOGLEVEL_ERR, __VA_ARGS__)
#define pr_warn(...)	printk(LOGLEVEL_WARNING, __VA_ARGS__)
#define pr_notice(...)	printk(LOGLEVEL_NOTICE, __VA_ARGS__)
#define pr_info(...)	printk(LOGLEVEL_INFO, __VA_ARGS__)
#define pr_debug(...)	printk(LOGLEVEL_DEBUG, __VA_ARGS__)

/* Prints why, registers, and a backtrace; then does what panic= says. Any context. */
void __attribute__((noreturn, format(printf, 1, 2))) panic(const char *fmt, ...);

/* Seconds from a panic to a restart; negative: at once, 0: never. panic=, /proc/sys/kernel/panic. */
extern int panic_timeout;

/* Levels below it reach the console: 7 by default, 4 with `quiet`, else loglevel=. */
extern int console_loglevel;

struct log_record {
	uint64_t seq;
	uint64_t time_ns;
	int level;
	size_t len;		/* bytes of text, without the NUL behind them */
	char text[LOG_LINE_MAX + 1];
};

/* The first record with number >= @seq into @record; false when there is none yet. */
bool log_read(uint64_t seq, struct log_record *record);
/* Number of the oldest record, and of the one that comes next. */
uint64_t log_first_seq(void);
uint64_t log_next_seq(void);
/* Bytes that the ring can hold (syslog SIZE_BUFFER). */
size_t log_buffer_size(void);
/* Called after a record was added, from any context: may only set a flag or wake. */
void log_set_notify(void (*notify)(void));

/* Puts bytes on the console as they are (the tty's way out). Any context. */
void console_write(const char *text, size_t len);

#endif
