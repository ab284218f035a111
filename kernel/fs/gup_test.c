/* SPDX-License-Identifier: MIT */
/* gup_test.c - debugfs' gup_test: pins a range of the caller's memory, as a device's driver would, and reads what the pins see. */
#include "arch/page.h"
#include "fs/proc.h"
#include "quire/errno.h"
#include "quire/mm.h"
#include "quire/page.h"
#include "quire/slab.h"
#include "quire/uaccess.h"
#include "quire/vmalloc.h"
#include "sched/wait.h"
#include "sync/mutex.h"

/* Linux's requests: direction and size << 16 | 'g' << 8 | number. */
#define PIN_LONGTERM_TEST_START 0x40186707u
#define PIN_LONGTERM_TEST_STOP 0x00006708u
#define PIN_LONGTERM_TEST_READ 0x40086709u

struct pin_longterm_test {
	u64 addr, size;
	u32 flags;
	u32 pad;
};
#define PIN_USE_WRITE 1u
#define PIN_USE_FAST 2u /* there is one way only, and it is that fast */

/* What one open file holds. */
struct pin_test {
	struct mutex lock; /* LOCK_HOST_OUTER */
	struct mm_struct *mm; /* (lock) whose VmPin counts the pages; the struct only */
	struct page **pages;  /* (lock) NULL: none */
	unsigned long nr;     /* (lock) */
	bool write;           /* (lock) */
};

static int gup_test_open(struct inode *inode, struct file *file)
{
	struct pin_test *test = kzalloc(sizeof(*test), GFP_KERNEL);

	if (!test)
		return -ENOMEM;
	mutex_init(&test->lock, LOCK_HOST_OUTER);
	file->private_data = test;
	return 0;
}

static void drop_pins(struct pin_test *test)
{
	if (!test->pages)
		return;
	if (test->write)
		unpin_user_pages_dirty(test->pages, test->nr);
	else
		unpin_user_pages(test->pages, test->nr);
	kvfree(test->pages);
	test->pages = NULL;
	if (mmget_not_zero(test->mm)) {
		(void)mm_account_pinned(test->mm, -(long)test->nr);
		mmput(test->mm);
	}
	mmdrop(test->mm);
}

static long start_pins(struct pin_test *test, const struct pin_longterm_test *what)
{
	struct mm_struct *mm = task_mm(current);
	unsigned long nr = what->size >> PAGE_SHIFT;
	struct page **pages;
	long err, got;

	if (test->pages || (what->flags & ~(PIN_USE_WRITE | PIN_USE_FAST)) || ((what->addr | what->size) & ~PAGE_MASK) || !nr ||
	    what->addr >= TASK_SIZE || what->size > TASK_SIZE - what->addr)
		return -EINVAL;
	err = mm_account_pinned(mm, (long)nr);
	if (err)
		return err;
	pages = kvmalloc(nr * sizeof(*pages), GFP_KERNEL);
	got = pages ? pin_user_pages(mm, what->addr, nr, what->flags & PIN_USE_WRITE ? FOLL_WRITE : 0, pages) : -ENOMEM;
	if (got != (long)nr) {
		if (got > 0)
			unpin_user_pages(pages, (unsigned long)got);
		kvfree(pages);
		(void)mm_account_pinned(mm, -(long)nr);
		return got < 0 ? got : -EFAULT;
	}
	mmgrab(mm);
	test->mm = mm;
	test->pages = pages;
	test->nr = nr;
	test->write = what->flags & PIN_USE_WRITE;
	return 0;
}

/* The pinned pages' contents, one after the other, to the caller's memory. */
static long read_pins(const struct pin_test *test, unsigned long to)
{
	if (!test->pages)
		return -EINVAL;
	for (unsigned long i = 0; i < test->nr; i++)
		if (copy_to_user((void *)(to + (i << PAGE_SHIFT)), page_to_virt(test->pages[i]), PAGE_SIZE))
			return -EFAULT;
	return 0;
}

static long gup_test_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pin_test *test = file->private_data;
	struct pin_longterm_test what;
	u64 to;
	long err = 0;

	if (cmd == PIN_LONGTERM_TEST_START && copy_from_user(&what, (void *)arg, sizeof(what)))
		return -EFAULT;
	if (cmd == PIN_LONGTERM_TEST_READ && copy_from_user(&to, (void *)arg, sizeof(to)))
		return -EFAULT;
	mutex_lock(&test->lock);
	if (cmd == PIN_LONGTERM_TEST_START)
		err = start_pins(test, &what);
	else if (cmd == PIN_LONGTERM_TEST_READ)
		err = read_pins(test, to);
	else if (cmd == PIN_LONGTERM_TEST_STOP)
		drop_pins(test);
	else
		err = -ENOIOCTLCMD;
	mutex_unlock(&test->lock);
	return err;
}

static void gup_test_release(struct file *file)
{
	struct pin_test *test = file->private_data;

	drop_pins(test);
	kfree(test);
}

const struct file_operations gup_test_fops = {
	.open = gup_test_open, .ioctl = gup_test_ioctl, .release = gup_test_release, .llseek = no_llseek_zero,
};
