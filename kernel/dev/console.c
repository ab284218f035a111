/* SPDX-License-Identifier: MIT */
/* console.c - the serial line as a terminal: /dev/ttyS0, /dev/console, and /dev/tty for whatever one has. */
#include "base/string.h"
#include "dev/chrdev.h"
#include "dev/tty.h"
#include "lib/printk.h"
#include "lib/uart.h"
#include "quire/errno.h"

#define TTY_MAJOR 4
#define TTYAUX_MAJOR 5
#define SERIAL_MINOR 64

static struct tty *console_tty;

static size_t serial_write(struct tty *tty, const u8 *bytes, size_t len)
{
	console_write((const char *)bytes, len);
	return len;
}

static size_t serial_room(struct tty *tty)
{
	return TTY_RING;
}

static const struct tty_ops serial_ops = { .write = serial_write, .room = serial_room };

/* Interrupt context. */
static void serial_receive(int byte)
{
	u8 c = (u8)byte;

	if (byte == UART_BREAK)
		tty_receive_break(console_tty);
	else
		tty_receive(console_tty, &c, 1);
}

static int serial_open(struct inode *inode, struct file *file)
{
	return tty_open_file(console_tty, file, true);
}

/* The console is everybody's: opening it makes nobody's terminal of it. */
static int console_open(struct inode *inode, struct file *file)
{
	return tty_open_file(console_tty, file, false);
}

static int current_tty_open(struct inode *inode, struct file *file)
{
	struct tty *tty = get_current_tty();
	int err;

	if (!tty)
		return -ENXIO;
	err = tty_open_file(tty, file, false);
	tty_put(tty);
	return err;
}

static const struct file_operations serial_fops = { .open = serial_open };
static const struct file_operations console_fops = { .open = console_open };
static const struct file_operations current_tty_fops = { .open = current_tty_open };

static struct chrdev serial_chrdev = {
	.first = MKDEV(TTY_MAJOR, SERIAL_MINOR), .nr = 1, .name = "ttyS", .fops = &serial_fops,
};
static struct chrdev current_tty_chrdev = {
	.first = MKDEV(TTYAUX_MAJOR, 0), .nr = 1, .name = "/dev/tty", .fops = &current_tty_fops,
};
static struct chrdev console_chrdev = {
	.first = MKDEV(TTYAUX_MAJOR, 1), .nr = 1, .name = "/dev/console", .fops = &console_fops,
};

void tty_init(void)
{
	console_tty = tty_alloc(&serial_ops, "ttyS0", MKDEV(TTY_MAJOR, SERIAL_MINOR));
	if (!console_tty)
		panic("no memory for the console's terminal");
	console_tty->termios.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL;
	console_tty->termios.c_ispeed = console_tty->termios.c_ospeed = 115200;
	register_chrdev(&serial_chrdev);
	register_chrdev(&current_tty_chrdev);
	register_chrdev(&console_chrdev);
	devtmpfs_add(&(struct devnode){ "ttyS0", S_IFCHR | 0600, MKDEV(TTY_MAJOR, SERIAL_MINOR) });
	devtmpfs_add(&(struct devnode){ "tty", S_IFCHR | 0666, MKDEV(TTYAUX_MAJOR, 0) });
	devtmpfs_add(&(struct devnode){ "console", S_IFCHR | 0600, MKDEV(TTYAUX_MAJOR, 1) });
	if (uart_start_receive(serial_receive))
		pr_warn("ttyS0: no input: the interrupt is taken");
}
