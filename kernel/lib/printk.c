/* SPDX-License-Identifier: MIT */
/* printk.c - the log's ring of records, and their way to the console. */
#include "lib/printk.h"

#include "arch/clock.h"
#include "arch/rawlock.h"
#include "base/format.h"
#include "base/string.h"
#include "lib/uart.h"

/* Both are powers of two. A boot leaves about 60 records of 60 bytes; the rest is for what follows. */
#define TEXT_BYTES	(64u * 1024)
#define NR_RECORDS	1024u

struct descriptor {
	uint64_t time_ns;
	uint64_t pos;		/* of the text, counted in bytes ever written; modulo TEXT_BYTES */
	uint16_t len;
	uint8_t level;
};

static struct raw_lock log_lock;
static struct raw_lock console_lock;	/* keeps the pieces of one text together */
static char log_text[TEXT_BYTES];			/* log_lock */
static struct descriptor descriptors[NR_RECORDS];	/* log_lock */
static uint64_t first_seq, next_seq, next_pos;		/* log_lock */
static void (*log_notify)(void);

int console_loglevel = 7;

/* Forgets the oldest records until @len more bytes and one more record fit. */
static void make_room_locked(size_t len)
{
	while (first_seq < next_seq &&
	       (next_seq - first_seq >= NR_RECORDS ||
		next_pos + len - descriptors[first_seq % NR_RECORDS].pos > TEXT_BYTES))
		first_seq++;
}

static void store_locked(int level, uint64_t now, const char *text, size_t len)
{
	struct descriptor *d;
	size_t i;

	make_room_locked(len);
	d = &descriptors[next_seq % NR_RECORDS];
	d->time_ns = now;
	d->pos = next_pos;
	d->len = len;
	d->level = level;
	for (i = 0; i < len; i++)
		log_text[(next_pos + i) % TEXT_BYTES] = text[i];
	next_pos += len;
	next_seq++;
}

void console_write(const char *text, size_t len)
{
	unsigned long flags = raw_lock_irqsave(&console_lock);

	uart_write(text, len);
	raw_unlock_irqrestore(&console_lock, flags);
}

/* The console shows records as lines of a terminal: newlines need their carriage returns. */
static void console_record(uint64_t now, const char *text, size_t len)
{
	unsigned long flags = raw_lock_irqsave(&console_lock);
	char stamp[32];
	size_t n, done, piece;

	n = quire_snprintf(stamp, sizeof(stamp), "[%5llu.%06llu] ",
			   (unsigned long long)(now / NSEC_PER_SEC),
			   (unsigned long long)(now % NSEC_PER_SEC / 1000));
	uart_write(stamp, n);
	for (done = 0; done <= len; done += piece + 1) {
		const char *newline = done < len ? memchr(text + done, '\n', len - done) : NULL;

		piece = newline ? (size_t)(newline - text) - done : len - done;
		uart_write(text + done, piece);
		uart_write("\r\n", 2);
	}
	raw_unlock_irqrestore(&console_lock, flags);
}

void printk_text(int level, const char *text, size_t len)
{
	uint64_t now = ktime_get_ns();
	unsigned long flags;

	if (len && text[len - 1] == '\n')
		len--;
	if (len > LOG_LINE_MAX)
		len = LOG_LINE_MAX;
	flags = raw_lock_irqsave(&log_lock);
	store_locked(level, now, text, len);
	raw_unlock_irqrestore(&log_lock, flags);
	if (level < console_loglevel)
		console_record(now, text, len);
	if (log_notify)
		log_notify();
}

void vprintk(int level, const char *fmt, va_list args)
{
	char text[LOG_LINE_MAX + 1];
	int len = quire_vsnprintf(text, sizeof(text), fmt, args);

	printk_text(level, text, len < LOG_LINE_MAX ? len : LOG_LINE_MAX);
}

void printk(int level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintk(level, fmt, args);
	va_end(args);
}

bool log_read(uint64_t seq, struct log_record *record)
{
	unsigned long flags = raw_lock_irqsave(&log_lock);
	const struct descriptor *d;
	size_t i;

	if (seq < first_seq)
		seq = first_seq;
	if (seq >= next_seq) {
		raw_unlock_irqrestore(&log_lock, flags);
		return false;
	}
	d = &descriptors[seq % NR_RECORDS];
	record->seq = seq;
	record->time_ns = d->time_ns;
	record->level = d->level;
	record->len = d->len;
	for (i = 0; i < d->len; i++)
		record->text[i] = log_text[(d->pos + i) % TEXT_BYTES];
	record->text[i] = 0;
	raw_unlock_irqrestore(&log_lock, flags);
	return true;
}

uint64_t log_first_seq(void)
{
	return __atomic_load_n(&first_seq, __ATOMIC_RELAXED);
}

uint64_t log_next_seq(void)
{
	return __atomic_load_n(&next_seq, __ATOMIC_RELAXED);
}

size_t log_buffer_size(void)
{
	return TEXT_BYTES;
}

void log_set_notify(void (*notify)(void))
{
	log_notify = notify;
}
