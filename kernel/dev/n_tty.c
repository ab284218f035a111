/* SPDX-License-Identifier: MIT */
/* n_tty.c - the line discipline: editing what is typed, echo, signals from the keyboard, cooking what is printed. */
#include "dev/tty.h"
#include "base/math.h"
#include "base/string.h"
#include "proc/siginfo.h"

#define I(tty, flag) ((tty)->termios.c_iflag & (flag))
#define O(tty, flag) ((tty)->termios.c_oflag & (flag))
#define L(tty, flag) ((tty)->termios.c_lflag & (flag))
#define DISABLED_CHAR 0 /* an unused entry of c_cc, and what stands for the end of file in the ring */
#define TAB_WIDTH 8

void n_tty_defaults(struct termios *t)
{
	static const u8 cc[NCCS] = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1, [VSTART] = 17,
		[VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22,
	};

	*t = (struct termios){
		.c_iflag = ICRNL | IXON, .c_oflag = OPOST | ONLCR, .c_cflag = B38400 | CS8 | CREAD | HUPCL,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.c_ispeed = 38400, .c_ospeed = 38400,
	};
	memcpy(t->c_cc, cc, sizeof(cc));
}

static inline bool is_cc(const struct tty *tty, enum termios_cc which, u8 c)
{
	return c != DISABLED_CHAR && tty->termios.c_cc[which] == c;
}

static inline bool is_continuation(const struct tty *tty, u8 c)
{
	return I(tty, IUTF8) && (c & 0xc0) == 0x80;
}

static inline bool is_control(u8 c)
{
	return c < 32 || c == 127;
}

static inline u8 *at(struct tty *tty, unsigned int pos)
{
	return &tty->ring[pos % TTY_RING];
}

/* ---- output ---- */

static void raw_out(struct tty *tty, const char *bytes, size_t len)
{
	tty->ops->write(tty, (const u8 *)bytes, len);
}

/* One character cooked. False when there is no room for all of it. */
static bool cook(struct tty *tty, u8 c)
{
	unsigned int spaces;

	switch (c) {
	case '\n':
		if (O(tty, ONLRET))
			tty->column = 0;
		if (O(tty, ONLCR)) {
			if (tty->ops->room(tty) < 2)
				return false;
			tty->column = tty->canon_column = 0;
			raw_out(tty, "\r\n", 2);
			return true;
		}
		tty->canon_column = tty->column;
		break;
	case '\r':
		if (O(tty, ONOCR) && tty->column == 0)
			return true;
		if (O(tty, OCRNL)) {
			c = '\n';
			break;
		}
		tty->column = tty->canon_column = 0;
		break;
	case '\t':
		spaces = TAB_WIDTH - tty->column % TAB_WIDTH;
		if (O(tty, TABDLY) == XTABS) {
			if (tty->ops->room(tty) < spaces)
				return false;
			raw_out(tty, "        ", spaces);
			tty->column += spaces;
			return true;
		}
		tty->column += spaces;
		break;
	case '\b':
		if (tty->column)
			tty->column--;
		break;
	default:
		if (O(tty, OLCUC) && c >= 'a' && c <= 'z')
			c = (u8)(c - 32);
		if (!is_control(c) && !is_continuation(tty, c))
			tty->column++;
	}
	return tty->ops->write(tty, &c, 1) == 1;
}

/* Bytes at the front that need nothing done to them. */
static size_t plain_run(const struct tty *tty, const u8 *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (is_control(bytes[i]) || O(tty, OLCUC) || is_continuation(tty, bytes[i]))
			break;
	return i;
}

size_t n_tty_output(struct tty *tty, const u8 *bytes, size_t len)
{
	size_t done = 0;

	if (!O(tty, OPOST))
		return tty->ops->write(tty, bytes, len);
	while (done < len) {
		size_t run = plain_run(tty, bytes + done, len - done);

		if (run) {
			size_t took = tty->ops->write(tty, bytes + done, run);

			tty->column += (unsigned int)took;
			done += took;
			if (took < run)
				break;
		} else {
			if (!tty->ops->room(tty) || !cook(tty, bytes[done]))
				break;
			done++;
		}
	}
	return done;
}

static void out_char(struct tty *tty, u8 c)
{
	if (O(tty, OPOST))
		cook(tty, c);
	else
		tty->ops->write(tty, &c, 1);
}

/* ---- echo ---- */

static void echo_char(struct tty *tty, u8 c)
{
	if (L(tty, ECHOCTL) && is_control(c) && c != '\t' && c != '\n') {
		char text[2] = { '^', (char)(c ^ 0x40) };

		raw_out(tty, text, 2);
		tty->column += 2;
		return;
	}
	out_char(tty, c);
}

static unsigned int width_of(const struct tty *tty, u8 c)
{
	if (is_control(c))
		return L(tty, ECHOCTL) ? 2 : 0;
	return is_continuation(tty, c) ? 0 : 1;
}

static void rub_out(struct tty *tty, unsigned int columns)
{
	while (columns--) {
		raw_out(tty, "\b \b", 3);
		if (tty->column)
			tty->column--;
	}
}

/* Columns from the start of the line to what was a tab at read_head. */
static void rub_out_tab(struct tty *tty)
{
	unsigned int column = tty->canon_column, pos, tab;

	for (pos = tty->canon_head; pos != tty->read_head; pos++) {
		u8 c = *at(tty, pos);

		column += c == '\t' ? TAB_WIDTH - column % TAB_WIDTH : width_of(tty, c);
	}
	tab = TAB_WIDTH - column % TAB_WIDTH;
	while (tab--) {
		raw_out(tty, "\b", 1);
		if (tty->column)
			tty->column--;
	}
}

static void echo_erased(struct tty *tty, u8 c)
{
	if (!L(tty, ECHO))
		return;
	if (!L(tty, ECHOE))
		echo_char(tty, tty->termios.c_cc[VERASE]);
	else if (c == '\t')
		rub_out_tab(tty);
	else
		rub_out(tty, width_of(tty, c));
}

/* ---- editing ---- */

/* Takes the last character of the line away, all its bytes. */
static void erase_one(struct tty *tty)
{
	u8 c;

	do {
		c = *at(tty, --tty->read_head);
	} while (is_continuation(tty, c) && tty->read_head != tty->canon_head);
	echo_erased(tty, c);
}

static bool is_word(u8 c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c >= 0x80;
}

static void erase_word(struct tty *tty)
{
	bool seen = false;

	while (tty->read_head != tty->canon_head) {
		u8 c = *at(tty, tty->read_head - 1);

		if (is_word(c))
			seen = true;
		else if (seen)
			break;
		erase_one(tty);
	}
}

static void erase_line(struct tty *tty)
{
	bool quiet = !L(tty, ECHO) || !L(tty, ECHOK) || !L(tty, ECHOKE) || !L(tty, ECHOE);

	if (quiet) {
		tty->read_head = tty->canon_head;
		if (L(tty, ECHO)) {
			echo_char(tty, tty->termios.c_cc[VKILL]);
			if (L(tty, ECHOK))
				out_char(tty, '\n');
		}
		return;
	}
	while (tty->read_head != tty->canon_head)
		erase_one(tty);
}

static void reprint(struct tty *tty)
{
	echo_char(tty, tty->termios.c_cc[VREPRINT]);
	out_char(tty, '\n');
	for (unsigned int pos = tty->canon_head; pos != tty->read_head; pos++)
		echo_char(tty, *at(tty, pos));
}

static bool edit(struct tty *tty, u8 c)
{
	bool extended = L(tty, IEXTEN);

	if (is_cc(tty, VERASE, c)) {
		if (tty->read_head != tty->canon_head)
			erase_one(tty);
		return true;
	}
	if (is_cc(tty, VKILL, c)) {
		erase_line(tty);
		return true;
	}
	if (extended && is_cc(tty, VWERASE, c)) {
		erase_word(tty);
		return true;
	}
	if (extended && is_cc(tty, VREPRINT, c) && L(tty, ECHO)) {
		reprint(tty);
		return true;
	}
	if (extended && is_cc(tty, VLNEXT, c)) {
		tty->lnext = true;
		if (L(tty, ECHO) && L(tty, ECHOCTL))
			raw_out(tty, "^\b", 2);
		return true;
	}
	return false;
}

/* ---- input ---- */

static unsigned int used(const struct tty *tty)
{
	return tty->read_head - tty->read_tail;
}

static void put(struct tty *tty, u8 c)
{
	unsigned int pos = tty->read_head % TTY_RING;

	tty->ring[pos] = c;
	__clear_bit(pos, tty->line_end);
	tty->read_head++;
}

static void beep(struct tty *tty)
{
	if (I(tty, IMAXBEL))
		raw_out(tty, "\a", 1);
}

static void wake_readers(struct tty *tty)
{
	waitq_wake_poll(&tty->read_wait, 0x001 | 0x040); /* EPOLLIN, EPOLLRDNORM */
}

static void end_line(struct tty *tty, u8 c)
{
	__set_bit(tty->read_head % TTY_RING, tty->line_end);
	tty->ring[tty->read_head % TTY_RING] = c;
	tty->read_head++;
	tty->canon_head = tty->read_head;
	wake_readers(tty);
}

/* A character that ends a line. True when it did. */
static bool line_char(struct tty *tty, u8 c)
{
	if (c == '\n') {
		if (L(tty, ECHO) || L(tty, ECHONL))
			out_char(tty, '\n');
		tty->canon_column = tty->column;
		end_line(tty, c);
		return true;
	}
	if (is_cc(tty, VEOF, c)) {
		end_line(tty, DISABLED_CHAR);
		return true;
	}
	if (is_cc(tty, VEOL, c) || (is_cc(tty, VEOL2, c) && L(tty, IEXTEN))) {
		if (L(tty, ECHO))
			echo_char(tty, c);
		end_line(tty, c);
		return true;
	}
	return false;
}

/* Takes the character as data. One byte of the ring stays free for the end of the line. */
static void data_char(struct tty *tty, u8 c)
{
	if (used(tty) >= TTY_RING - 1) {
		beep(tty);
		return;
	}
	if (L(tty, ECHO)) {
		if (tty->read_head == tty->canon_head)
			tty->canon_column = tty->column;
		echo_char(tty, c);
	}
	put(tty, c);
	if (!L(tty, ICANON)) {
		tty->canon_head = tty->read_head;
		wake_readers(tty);
	}
}

static void keyboard_signal(struct tty *tty, int sig, u8 c)
{
	if (!L(tty, NOFLSH))
		n_tty_flush_input(tty);
	if (L(tty, ECHO))
		echo_char(tty, c);
	tty->pending_signal = sig;
}

static bool signal_char(struct tty *tty, u8 c)
{
	int sig = is_cc(tty, VINTR, c) ? SIGINT : is_cc(tty, VQUIT, c) ? SIGQUIT : is_cc(tty, VSUSP, c) ? SIGTSTP : 0;

	if (sig)
		keyboard_signal(tty, sig, c);
	return sig;
}

static void start_output(struct tty *tty)
{
	tty->stopped = false;
	waitq_wake_poll(&tty->write_wait, 0x004 | 0x100); /* EPOLLOUT, EPOLLWRNORM */
}

static bool flow_char(struct tty *tty, u8 c)
{
	if (is_cc(tty, VSTOP, c)) {
		tty->stopped = true;
		return true;
	}
	if (is_cc(tty, VSTART, c)) {
		start_output(tty);
		return true;
	}
	if (tty->stopped && I(tty, IXANY))
		start_output(tty);
	return false;
}

void n_tty_char(struct tty *tty, u8 c)
{
	if (tty->lnext) {
		tty->lnext = false;
		data_char(tty, c);
		return;
	}
	if (I(tty, ISTRIP))
		c &= 0x7f;
	if (I(tty, IUCLC) && L(tty, IEXTEN) && c >= 'A' && c <= 'Z')
		c = (u8)(c + 32);
	if (I(tty, IXON) && flow_char(tty, c))
		return;
	if (L(tty, ISIG) && signal_char(tty, c))
		return;
	if (c == '\r') {
		if (I(tty, IGNCR))
			return;
		if (I(tty, ICRNL))
			c = '\n';
	} else if (c == '\n' && I(tty, INLCR)) {
		c = '\r';
	}
	if (L(tty, ICANON)) {
		if (edit(tty, c))
			return;
		if (line_char(tty, c))
			return;
	}
	data_char(tty, c);
}

/* ---- reading ---- */

bool n_tty_input_ready(const struct tty *tty)
{
	return tty->canon_head != tty->read_tail;
}

size_t n_tty_take(struct tty *tty, u8 *to, size_t len, bool *end)
{
	size_t done = 0;

	*end = false;
	while (done < len && tty->read_tail != tty->canon_head) {
		unsigned int pos = tty->read_tail % TTY_RING;
		bool last = L(tty, ICANON) && test_bit(pos, tty->line_end);
		u8 c = tty->ring[pos];

		tty->read_tail++;
		if (!last || c != DISABLED_CHAR)
			to[done++] = c;
		if (last) {
			*end = true;
			break;
		}
	}
	/* The end-of-file mark right behind what was taken belongs to it: it must not read as an empty line next. */
	if (!*end && done == len && L(tty, ICANON) && tty->read_tail != tty->canon_head) {
		unsigned int pos = tty->read_tail % TTY_RING;

		if (test_bit(pos, tty->line_end) && tty->ring[pos] == DISABLED_CHAR) {
			tty->read_tail++;
			*end = true;
		}
	}
	return done;
}

unsigned int n_tty_unread(const struct tty *tty)
{
	unsigned int nr = 0;

	for (unsigned int pos = tty->read_tail; pos != tty->canon_head; pos++) {
		unsigned int i = pos % TTY_RING;

		if (!(L(tty, ICANON) && test_bit(i, tty->line_end) && tty->ring[i] == DISABLED_CHAR))
			nr++;
	}
	return nr;
}

void n_tty_flush_input(struct tty *tty)
{
	tty->read_tail = tty->canon_head = tty->read_head;
	bitmap_zero(tty->line_end, TTY_RING);
	tty->lnext = false;
}

void n_tty_mode_changed(struct tty *tty, const struct termios *old)
{
	if (((old->c_lflag ^ tty->termios.c_lflag) & ICANON) == 0)
		return;
	bitmap_zero(tty->line_end, TTY_RING);
	if (L(tty, ICANON) && tty->read_head != tty->read_tail)
		__set_bit((tty->read_head - 1) % TTY_RING, tty->line_end);
	tty->canon_head = tty->read_head;
	tty->lnext = false;
	wake_readers(tty);
}
