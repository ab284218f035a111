/* SPDX-License-Identifier: MIT */
/*
 * tty.h - a terminal: the line discipline between a driver and the programs on it, and job control.
 *
 *	driver -> tty_receive() -> [discipline: echo, erase, signals] -> ring of input -> read(2)
 *	write(2) -> [discipline: newlines, tabs] -> ops->write() -> driver
 *
 * [T1] read_tail <= canon_head <= read_head (they count without bound): in canonical mode what lies before canon_head
 *      is whole lines; a line's last byte has its bit in line_end.
 * [T2] session and pgrp hold references; signal->tty points here only in processes of that session.
 * [T3] A tty that was hung up reads as end of file and fails to write, for ever.
 * Lock: tty->lock (LOCK_HOST_SPIN2, interrupts off): ring, settings, output column. tasklist_lock and then tty->lock:
 * session, pgrp. Signals are sent after both are dropped. Sleeps: read, write, drain.
 */
#ifndef KERNEL_DEV_TTY_H
#define KERNEL_DEV_TTY_H

#include "base/bitmap.h"
#include "dev/termios.h"
#include "fs/vfs.h"
#include "proc/pid.h"
#include "sched/wait.h"

#define TTY_RING 4096u

struct tty;
struct tty_ops {
	/* Takes as many bytes as there is room for; any context, tty->lock held. */
	size_t (*write)(struct tty *tty, const u8 *bytes, size_t len);
	/* Room for output now. */
	size_t (*room)(struct tty *tty);
	/* Somebody made room in the input ring, or flushed (NULL: the driver does not care). No lock held. */
	void (*unthrottle)(struct tty *tty);
	/* The last file on it was closed. */
	void (*last_close)(struct tty *tty);
	bool is_pty;
};

struct tty {
	refcount_t refs;
	spinlock_t lock;
	const struct tty_ops *ops;	/* (c) */
	char name[16];			/* (c) "ttyS0", "pts/3" */
	dev_t dev;			/* (c) */
	struct termios termios;		/* (lock) */
	struct winsize winsize;		/* (lock) */
	bool stopped;			/* (lock) by the STOP character or TCXONC */
	bool hung_up;			/* (lock) [T3] */
	bool lnext;			/* (lock) the next character is taken as it is */
	bool exclusive;			/* (lock) */
	bool other_closed;		/* (lock) pty: the master has gone */
	unsigned int column;		/* (lock) of the cursor */
	unsigned int canon_column;	/* (lock) where the line being typed began */
	unsigned int open_count;	/* (lock) */
	unsigned int read_head, canon_head, read_tail;	/* (lock) */
	u8 *ring;			/* (lock) TTY_RING bytes */
	DECLARE_BITMAP(line_end, TTY_RING); /* (lock) */
	struct waitq read_wait, write_wait;
	struct mutex read_lock;		/* LOCK_HOST_STREAM: one reader copies out at a time */
	struct mutex write_lock;	/* the same for writers */
	struct pid *session, *pgrp;	/* (tasklist_lock + lock) */
	int pending_signal;		/* (lock) to be sent to pgrp after unlocking */
	void *driver;			/* (c) */
};

/* A tty with one reference and the usual settings. NULL: no memory. */
struct tty *tty_alloc(const struct tty_ops *ops, const char *name, dev_t dev);
void tty_put(struct tty *tty);
bool tty_get(struct tty *tty);	/* false: it is going away */

/* Bytes that were typed. Any context. How many were taken. */
size_t tty_receive(struct tty *tty, const u8 *bytes, size_t len);
void tty_receive_break(struct tty *tty);
/* The line is gone: readers see the end, the session gets SIGHUP. May sleep. */
void tty_hangup(struct tty *tty);
/* The driver can take output again. Any context. */
void tty_write_wakeup(struct tty *tty);

extern const struct file_operations tty_fops;
/* For open methods: makes `file` a file of this tty (takes a reference). 0 or -errno. */
int tty_open_file(struct tty *tty, struct file *file, bool may_control);
long tty_ioctl_common(struct tty *tty, struct file *file, unsigned int cmd, unsigned long arg);

/* ---- the discipline (n_tty.c); tty->lock held ---- */
void n_tty_defaults(struct termios *t);
/* One character from the driver. */
void n_tty_char(struct tty *tty, u8 c);
/* Puts out up to len bytes as the settings want; how many were taken. */
size_t n_tty_output(struct tty *tty, const u8 *bytes, size_t len);
/* A read is worth while now. */
bool n_tty_input_ready(const struct tty *tty);
/* Takes up to len bytes out; *end: a line or the end of file was reached. */
size_t n_tty_take(struct tty *tty, u8 *to, size_t len, bool *end);
/* Bytes for FIONREAD. */
unsigned int n_tty_unread(const struct tty *tty);
void n_tty_flush_input(struct tty *tty);
/* ICANON was switched: what was typed so far stays readable. */
void n_tty_mode_changed(struct tty *tty, const struct termios *old);

/* ---- job control (tty_job.c) ---- */
/* May the current task read (SIGTTIN) or write (SIGTTOU)? 0, -EIO, -ERESTARTSYS. */
int tty_check_change(struct tty *tty, int sig);
void tty_acquire(struct tty *tty); /* becomes the controlling terminal, if the task wants one */
long tty_job_ioctl(struct tty *tty, unsigned int cmd, unsigned long arg);
/* The current task's terminal with a reference, or NULL. */
struct tty *get_current_tty(void);
struct pid *tty_get_pgrp(struct tty *tty); /* with a reference, or NULL */
/* Processes of the session forget the terminal. */
void tty_clear_session(struct tty *tty, bool hup);
/* For /proc/PID/stat: device and foreground group of a task's terminal; 0 and -1 without one. */
void task_tty_info(struct task *p, dev_t *dev, int *pgrp);

#endif
