/* SPDX-License-Identifier: MIT */
/* kmsg.c - the kernel's log for programs: /dev/kmsg, /proc/kmsg and syslog(2). */
#include "dev/kmsg.h"
#include "base/format.h"
#include "base/math.h"
#include "base/string.h"
#include "dev/chrdev.h"
#include "fs/poll.h"
#include "lib/printk.h"
#include "proc/cred.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "sched/timer.h"
#include "syscall/syscall.h"

/*
 * A record may be added while any lock is held, so nothing can be woken from there: while somebody waits, a timer
 * looks for news instead.
 */
#define LOOK_EVERY_NS (50 * NSEC_PER_MSEC)

static DEFINE_WAITQ(log_wait);
static struct ktimer log_timer;
static u64 timer_seq;		/* the next number at the timer's last look */
static u64 clear_seq;		/* syslog CLEAR: what is before does not show any more */
static u64 syslog_seq;		/* /proc/kmsg and syslog READ have taken what is before */

static void log_look(struct ktimer *timer)
{
	u64 next = log_next_seq();

	if (next != timer_seq) {
		timer_seq = next;
		waitq_wake_poll(&log_wait, EPOLLIN | EPOLLRDNORM);
	}
	if (waitq_active(&log_wait))
		ktimer_start(timer, ktime_get_ns() + LOOK_EVERY_NS);
}

static void log_watch(void)
{
	ktimer_start(&log_timer, ktime_get_ns() + LOOK_EVERY_NS);
}

/* Waits for record *seq or a later one; moves *seq past what was lost. */
static int wait_record(const u64 *seq, bool nonblock)
{
	if (log_next_seq() > *seq)
		return 0;
	if (nonblock)
		return -EAGAIN;
	log_watch();
	return waitq_wait_interruptible(&log_wait, log_next_seq() > *seq);
}

/* ---- texts ---- */

/* "<6>[    1.234567] text\n", a line for each line of the record. Length. */
static size_t syslog_text(const struct log_record *r, char *buf, size_t size)
{
	const char *text = r->text;
	size_t len = 0;

	for (;;) {
		const char *end = strchr(text, '\n');
		int part = end ? (int)(end - text) : (int)strlen(text);

		len += (size_t)quire_scnprintf(buf + len, size - len, "<%d>[%5llu.%06llu] %.*s\n", r->level,
					       (unsigned long long)(r->time_ns / NSEC_PER_SEC),
					       (unsigned long long)(r->time_ns % NSEC_PER_SEC / 1000), part, text);
		if (!end)
			return len;
		text = end + 1;
	}
}

/* "6,123,1234567,-;text\n" */
static size_t kmsg_text(const struct log_record *r, char *buf, size_t size)
{
	size_t len = (size_t)quire_scnprintf(buf, size, "%d,%llu,%llu,-;", r->level, (unsigned long long)r->seq,
					     (unsigned long long)(r->time_ns / 1000));

	for (const char *c = r->text; *c && len + 6 < size; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c == 127 || *c == '\\')
			len += (size_t)quire_scnprintf(buf + len, size - len, "\\x%02x", (unsigned char)*c);
		else
			buf[len++] = *c;
	}
	buf[len++] = '\n';
	return len;
}

#define TEXT_MAX 4096
struct log_buffers {
	struct log_record record;
	char text[TEXT_MAX];
};

/* ---- /dev/kmsg ---- */

static int kmsg_open(struct inode *inode, struct file *file)
{
	u64 *seq;

	if ((file->f_mode & FMODE_READ) && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	seq = kmalloc(sizeof(*seq), GFP_KERNEL);
	if (!seq)
		return -ENOMEM;
	*seq = log_first_seq();
	file->private_data = seq;
	return 0;
}

static void kmsg_release(struct file *file)
{
	kfree(file->private_data);
}

static long kmsg_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	u64 *seq = file->private_data;
	struct log_buffers *b = kmalloc(sizeof(*b), GFP_KERNEL);
	long ret = b ? wait_record(seq, file->f_flags & O_NONBLOCK) : -ENOMEM;
	size_t len;

	if (ret)
		goto out;
	if (!log_read(*seq, &b->record)) {
		ret = -EAGAIN;
		goto out;
	}
	if (b->record.seq != *seq) { /* some were overwritten before they were read */
		*seq = b->record.seq;
		ret = -EPIPE;
		goto out;
	}
	len = kmsg_text(&b->record, b->text, sizeof(b->text));
	if (len > to->count) {
		ret = -EINVAL;
	} else if (copy_to_iter(b->text, len, to) != len) {
		ret = -EFAULT;
	} else {
		*seq = b->record.seq + 1;
		ret = (long)len;
	}
out:
	kfree(b);
	return ret;
}

/* A line of a program's, with an optional "<priority>" in front. */
static long kmsg_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	char line[LOG_LINE_MAX + 8], *text = line;
	size_t count = from->count, len = min(count, sizeof(line) - 1);
	int level = LOGLEVEL_WARNING;

	if (copy_from_iter(line, len, from) != len)
		return -EFAULT;
	line[len] = 0;
	if (line[0] == '<') {
		unsigned int value = 0, i;

		for (i = 1; line[i] >= '0' && line[i] <= '9' && i < 8; i++)
			value = value * 10 + (unsigned int)(line[i] - '0');
		if (i > 1 && line[i] == '>') {
			level = (int)(value & 7);
			text = line + i + 1;
		}
	}
	len = strlen(text);
	if (len && text[len - 1] == '\n')
		len--;
	printk_text(level, text, len);
	iov_iter_advance(from, from->count);
	return (long)count;
}

static loff_t kmsg_llseek(struct file *file, loff_t offset, int whence)
{
	u64 *seq = file->private_data;

	if (offset)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
		*seq = log_first_seq();
		return 0;
	case SEEK_DATA:
		*seq = clear_seq;
		return 0;
	case SEEK_END:
		*seq = log_next_seq();
		return 0;
	default:
		return -EINVAL;
	}
}

static unsigned int kmsg_poll(struct file *file, struct poll_table *pt)
{
	u64 *seq = file->private_data;

	poll_wait(&log_wait, pt);
	if (log_next_seq() > *seq)
		return EPOLLIN | EPOLLRDNORM;
	log_watch();
	return 0;
}

static const struct file_operations kmsg_fops = {
	.open = kmsg_open, .release = kmsg_release, .read_iter = kmsg_read, .write_iter = kmsg_write,
	.llseek = kmsg_llseek, .poll = kmsg_poll,
};

/* ---- the one stream of /proc/kmsg and syslog(2) ---- */

static long stream_read(struct iov_iter *to, bool nonblock)
{
	struct log_buffers *b = kmalloc(sizeof(*b), GFP_KERNEL);
	long done = 0, err = b ? 0 : -ENOMEM;

	if (!err)
		err = wait_record(&syslog_seq, nonblock);
	while (!err && log_read(syslog_seq, &b->record)) {
		size_t len = syslog_text(&b->record, b->text, sizeof(b->text));

		if (len > to->count) {
			if (!done)
				err = -EINVAL;
			break;
		}
		if (copy_to_iter(b->text, len, to) != len) {
			err = -EFAULT;
			break;
		}
		syslog_seq = b->record.seq + 1;
		done += (long)len;
	}
	kfree(b);
	return done ? done : err;
}

static long proc_kmsg_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	return stream_read(to, file->f_flags & O_NONBLOCK);
}

static unsigned int proc_kmsg_poll(struct file *file, struct poll_table *pt)
{
	poll_wait(&log_wait, pt);
	if (log_next_seq() > syslog_seq)
		return EPOLLIN | EPOLLRDNORM;
	log_watch();
	return 0;
}

static int proc_kmsg_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYSLOG) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

const struct file_operations proc_kmsg_fops = {
	.open = proc_kmsg_open, .read_iter = proc_kmsg_read, .poll = proc_kmsg_poll,
};

/* ---- syslog(2) ---- */

/* Bytes of all records from `seq` on; stops at `limit` records' end. */
static size_t text_from(struct log_buffers *b, u64 seq)
{
	size_t total = 0;

	for (; log_read(seq, &b->record); seq = b->record.seq + 1)
		total += syslog_text(&b->record, b->text, sizeof(b->text));
	return total;
}

/* The newest records that fit, whole. */
static long read_all(char *user, size_t len, bool clear)
{
	struct log_buffers *b = kmalloc(sizeof(*b), GFP_KERNEL);
	u64 seq = clear_seq, end = log_next_seq();
	size_t total, done = 0;

	if (!b)
		return -ENOMEM;
	total = text_from(b, seq);
	while (total > len && log_read(seq, &b->record)) {
		total -= syslog_text(&b->record, b->text, sizeof(b->text));
		seq = b->record.seq + 1;
	}
	for (; seq < end && log_read(seq, &b->record); seq = b->record.seq + 1) {
		size_t part = syslog_text(&b->record, b->text, sizeof(b->text));

		if (part > len - done)
			break;
		if (copy_to_user(user + done, b->text, part)) {
			kfree(b);
			return -EFAULT;
		}
		done += part;
	}
	kfree(b);
	if (clear)
		clear_seq = end;
	return (long)done;
}

static long size_unread(void)
{
	struct log_buffers *b = kmalloc(sizeof(*b), GFP_KERNEL);
	long size = b ? (long)text_from(b, syslog_seq) : -ENOMEM;

	kfree(b);
	return size;
}

enum syslog_action {
	SYSLOG_CLOSE, SYSLOG_OPEN, SYSLOG_READ, SYSLOG_READ_ALL, SYSLOG_READ_CLEAR, SYSLOG_CLEAR, SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON, SYSLOG_CONSOLE_LEVEL, SYSLOG_SIZE_UNREAD, SYSLOG_SIZE_BUFFER,
};

#define CONSOLE_LEVEL_MIN 1
#define CONSOLE_LEVEL_DEFAULT 7

static long console_action(int action, int level)
{
	static int saved = -1;

	switch (action) {
	case SYSLOG_CONSOLE_OFF:
		if (saved < 0)
			saved = console_loglevel;
		console_loglevel = CONSOLE_LEVEL_MIN;
		return 0;
	case SYSLOG_CONSOLE_ON:
		if (saved >= 0)
			console_loglevel = saved;
		saved = -1;
		return 0;
	default:
		if (level < 1 || level > 8)
			return -EINVAL;
		console_loglevel = level;
		saved = -1;
		return 0;
	}
}

SYSCALL_DEFINE3(syslog, int, action, char *, user, int, len)
{
	struct iov_iter it;

	if (action < SYSLOG_CLOSE || action > SYSLOG_SIZE_BUFFER)
		return -EINVAL;
	if (action != SYSLOG_READ_ALL && action != SYSLOG_SIZE_BUFFER && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (action >= SYSLOG_READ && action <= SYSLOG_READ_CLEAR) {
		if (!user || len < 0)
			return -EINVAL;
		if (!access_ok(user, (size_t)len))
			return -EFAULT;
	}
	switch (action) {
	case SYSLOG_READ:
		iov_iter_ubuf(&it, user, (size_t)len);
		return len ? stream_read(&it, false) : 0;
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		return read_all(user, (size_t)len, action == SYSLOG_READ_CLEAR);
	case SYSLOG_CLEAR:
		clear_seq = log_next_seq();
		return 0;
	case SYSLOG_SIZE_UNREAD:
		return size_unread();
	case SYSLOG_SIZE_BUFFER:
		return (long)log_buffer_size();
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	default:
		return console_action(action, len);
	}
}

static int kmsg_node_open(struct inode *inode, struct file *file)
{
	file_set_ops(file, &kmsg_fops);
	return kmsg_open(inode, file);
}

static const struct file_operations kmsg_node_fops = { .open = kmsg_node_open };
static struct chrdev kmsg_chrdev = { .first = MKDEV(1, 11), .nr = 1, .name = "mem", .fops = &kmsg_node_fops };

void kmsg_init(void)
{
	ktimer_init(&log_timer, log_look);
	register_chrdev(&kmsg_chrdev);
	devtmpfs_add(&(struct devnode){ "kmsg", S_IFCHR | 0644, MKDEV(1, 11) });
}
