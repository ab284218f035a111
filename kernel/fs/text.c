/* SPDX-License-Identifier: MIT */
/*
 * text.c - files whose text is made when they are read: a chain of pages, filled at position 0 and read from there.
 *
 * Of a text in parts the chain holds a window that moves on; who reads before it makes the text begin anew.
 */
#include "base/format.h"
#include "base/math.h"
#include "base/string.h"
#include "fs/proc.h"
#include "quire/errno.h"
#include "quire/page.h"
#include "quire/slab.h"

struct text_page {
	struct text_page *next;
	char bytes[4096 - sizeof(void *)];
};

struct text_file {
	struct text_sink sink;		/* first: show() writes here */
	const struct text_ops *ops;
	void *arg;
	void (*release)(void *arg);
	struct mutex lock;		/* readers of one open file; unranked: taken above all others */
	struct text_page *first, *last;
	u64 start;			/* position of the window; 0 of a whole text */
	size_t len;			/* bytes in the window */
	unsigned long cursor;		/* of show_part */
	bool made, at_end;
};

/* A part that would make the window longer than this waits for the next read, as programs know it from Linux. */
#define WINDOW_BYTES 4096u

static void drop_pages(struct text_file *t)
{
	struct text_page *page = t->first, *next;

	for (; page; page = next) {
		next = page->next;
		free_page((unsigned long)page);
	}
	t->first = t->last = NULL;
	t->len = 0;
	t->made = false;
}

static int add_page(struct text_file *t)
{
	struct text_page *page = (struct text_page *)__get_free_pages(GFP_KERNEL, 0);

	if (!page)
		return -ENOMEM;
	page->next = NULL;
	if (t->last)
		t->last->next = page;
	else
		t->first = page;
	t->last = page;
	return 0;
}

static int append(struct text_sink *sink, const char *text, size_t len)
{
	struct text_file *t = container_of(sink, struct text_file, sink);

	while (len) {
		size_t at = t->len % sizeof(t->last->bytes), part;
		int err = at == 0 && t->len ? add_page(t) : 0;

		if (err)
			return err;
		part = min(len, sizeof(t->last->bytes) - at);
		memcpy(t->last->bytes + at, text, part);
		t->len += part;
		text += part;
		len -= part;
	}
	return 0;
}

static int make(struct text_file *t)
{
	int err;

	drop_pages(t);
	/* Before the first figure is looked at, so that what the text itself takes does not come in between. */
	err = add_page(t);
	if (!err)
		err = t->ops->show(&t->sink, t->arg);
	if (err)
		drop_pages(t);
	else
		t->made = true;
	return err;
}

/* The window behind this one: at least one part. */
static int make_next_window(struct text_file *t)
{
	u64 start = t->start + t->len;
	size_t before;
	int err;

	drop_pages(t);
	t->start = start;
	err = add_page(t);
	do {
		before = t->len;
		if (!err)
			err = t->ops->show_part(&t->sink, t->arg, &t->cursor);
	} while (!err && t->len + (t->len - before) <= WINDOW_BYTES);
	if (err < 0)
		drop_pages(t);
	t->at_end = err > 0;
	t->made = err >= 0;
	return err < 0 ? err : 0;
}

static int make_parts(struct text_file *t, u64 pos)
{
	int err = 0;

	if (!t->made || pos < t->start || pos == 0) {
		drop_pages(t);
		t->start = 0;
		t->cursor = 0;
		t->at_end = false;
	}
	while (!err && !t->at_end && pos >= t->start + t->len)
		err = make_next_window(t);
	return err;
}

static long copy_out(struct text_file *t, struct iov_iter *to, u64 *pos)
{
	const struct text_page *page = t->first;
	u64 in_window = *pos - t->start, skip = in_window / sizeof(page->bytes);
	long done = 0;

	while (page && skip--)
		page = page->next;
	while (page && to->count && in_window < t->len) {
		size_t at = in_window % sizeof(page->bytes);
		size_t part = min(min(sizeof(page->bytes) - at, t->len - (size_t)in_window), to->count);
		size_t did = copy_to_iter(page->bytes + at, part, to);

		*pos += did;
		in_window += did;
		done += (long)did;
		if (did < part)
			return done ? done : -EFAULT;
		if (at + part == sizeof(page->bytes))
			page = page->next;
	}
	return done;
}

static long text_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	struct text_file *t = file->private_data;
	long done = 0;

	if (!t->ops->show && !t->ops->show_part)
		return -EIO;
	mutex_lock(&t->lock);
	if (t->ops->show_part)
		done = make_parts(t, *pos);
	else if (!t->made || *pos == 0)
		done = make(t);
	if (!done)
		done = copy_out(t, to, pos);
	mutex_unlock(&t->lock);
	return done;
}

#define STORE_MAX 4095u

static long text_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	struct text_file *t = file->private_data;
	size_t count = from->count;
	char *text;
	long ret;

	if (!t->ops->store)
		return -EIO;
	if (count > STORE_MAX)
		return -EINVAL;
	text = kmalloc(count + 1, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	ret = -EFAULT;
	if (copy_from_iter(text, count, from) == count) {
		text[count] = 0;
		ret = t->ops->store(text, count, t->arg);
	}
	kfree(text);
	if (ret)
		return ret;
	*pos += count;
	return (long)count;
}

static void text_release(struct file *file)
{
	struct text_file *t = file->private_data;

	drop_pages(t);
	if (t->release)
		t->release(t->arg);
	kfree(t);
}

loff_t text_llseek(struct file *file, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += (loff_t)file->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	file->f_pos = (u64)offset;
	return offset;
}

const struct file_operations text_fops = {
	.llseek = text_llseek, .read_iter = text_read, .write_iter = text_write, .release = text_release,
};

int text_open(struct file *file, const struct text_ops *ops, void *arg, void (*release)(void *arg))
{
	struct text_file *t = kmalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	*t = (struct text_file){ .sink.write = append, .ops = ops, .arg = arg, .release = release };
	mutex_init(&t->lock, LOCK_UNRANKED);
	file->private_data = t;
	return 0;
}

/* ---- helpers of those who make texts ---- */

int sink_printf(struct text_sink *sink, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int len;

	va_start(args, fmt);
	len = quire_vscnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	return sink->write(sink, line, (size_t)len);
}

int sink_puts(struct text_sink *sink, const char *text)
{
	return sink->write(sink, text, strlen(text));
}

int parse_long(const char *text, long *value)
{
	bool negative = false, any = false;
	unsigned int base = 10;
	unsigned long v = 0;

	while (*text == ' ' || *text == '\t')
		text++;
	if (*text == '-' || *text == '+')
		negative = *text++ == '-';
	if (text[0] == '0' && (text[1] | 32) == 'x') {
		base = 16;
		text += 2;
	}
	for (;; text++) {
		unsigned int digit = *text >= '0' && *text <= '9' ? (unsigned int)(*text - '0') :
				     (*text | 32) >= 'a' && (*text | 32) <= 'f' ? (unsigned int)((*text | 32) - 'a' + 10) : 99;

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			return -EINVAL;
		any = true;
	}
	while (*text == '\n' || *text == ' ')
		text++;
	if (!any || *text || (long)v < 0)
		return -EINVAL;
	*value = negative ? -(long)v : (long)v;
	return 0;
}
