/* SPDX-License-Identifier: MIT */
/*
 * termios.h - terminals' settings and requests, with Linux's numbers.
 *
 * Lock: none, formats only.
 */
#ifndef KERNEL_DEV_TERMIOS_H
#define KERNEL_DEV_TERMIOS_H

#include "quire/types.h"

#define NCCS 19
struct termios { /* termios2 of user space; TCGETS passes it without the speeds */
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line, c_cc[NCCS];
	u32 c_ispeed, c_ospeed;
};
#define TERMIOS_OLD_BYTES 36
_Static_assert(sizeof(struct termios) == 44, "struct termios2");

struct winsize {
	u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};

enum termios_cc {
	VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL, VREPRINT, VDISCARD, VWERASE,
	VLNEXT, VEOL2,
};

#define IGNBRK 0000001u
#define BRKINT 0000002u
#define IGNPAR 0000004u
#define PARMRK 0000010u
#define INPCK 0000020u
#define ISTRIP 0000040u
#define INLCR 0000100u
#define IGNCR 0000200u
#define ICRNL 0000400u
#define IUCLC 0001000u
#define IXON 0002000u
#define IXANY 0004000u
#define IXOFF 0010000u
#define IMAXBEL 0020000u
#define IUTF8 0040000u

#define OPOST 0000001u
#define OLCUC 0000002u
#define ONLCR 0000004u
#define OCRNL 0000010u
#define ONOCR 0000020u
#define ONLRET 0000040u
#define TABDLY 0014000u
#define XTABS 0014000u

#define CBAUD 0010017u
#define B38400 0000017u
#define B115200 0010002u
#define CSIZE 0000060u
#define CS8 0000060u
#define CREAD 0000200u
#define HUPCL 0002000u
#define CLOCAL 0004000u

#define ISIG 0000001u
#define ICANON 0000002u
#define XCASE 0000004u
#define ECHO 0000010u
#define ECHOE 0000020u
#define ECHOK 0000040u
#define ECHONL 0000100u
#define NOFLSH 0000200u
#define TOSTOP 0000400u
#define ECHOCTL 0001000u
#define ECHOPRT 0002000u
#define ECHOKE 0004000u
#define IEXTEN 0100000u

#define TCGETS 0x5401u
#define TCSETS 0x5402u
#define TCSETSW 0x5403u
#define TCSETSF 0x5404u
#define TCSBRK 0x5409u
#define TCXONC 0x540au
#define TCFLSH 0x540bu
#define TIOCEXCL 0x540cu
#define TIOCNXCL 0x540du
#define TIOCSCTTY 0x540eu
#define TIOCGPGRP 0x540fu
#define TIOCSPGRP 0x5410u
#define TIOCOUTQ 0x5411u
#define TIOCSTI 0x5412u
#define TIOCGWINSZ 0x5413u
#define TIOCSWINSZ 0x5414u
#define TIOCMGET 0x5415u
#define TIOCINQ 0x541bu /* FIONREAD */
#define TIOCPKT 0x5420u
#define TIOCNOTTY 0x5422u
#define TIOCSETD 0x5423u
#define TIOCGETD 0x5424u
#define TCSBRKP 0x5425u
#define TIOCGSID 0x5429u
#define TCGETS2 0x802c542au
#define TCSETS2 0x402c542bu
#define TCSETSW2 0x402c542cu
#define TCSETSF2 0x402c542du
#define TIOCGPTN 0x80045430u
#define TIOCSPTLCK 0x40045431u
#define TIOCGDEV 0x80045432u
#define TIOCGPTLCK 0x80045439u
#define TIOCVHANGUP 0x5437u
#define TIOCGPTPEER 0x5441u

enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
enum { TCOOFF, TCOON, TCIOFF, TCION };

#endif
