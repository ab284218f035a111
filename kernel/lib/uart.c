/* SPDX-License-Identifier: MIT */
/* uart.c - the 16550 at COM1. */
#include "lib/uart.h"

#include <stdint.h>

#include "arch/interrupt.h"
#include "arch/io.h"
#include "arch/rawlock.h"

#define COM1		0x3f8
#define COM1_IRQ	4
#define FIFO_BYTES	16

enum { REG_DATA = 0, REG_IER = 1, REG_FCR = 2, REG_IIR = 2, REG_LCR = 3, REG_MCR = 4, REG_LSR = 5,
       REG_SCRATCH = 7 };
enum { LSR_DATA = 0x01, LSR_BREAK = 0x10, LSR_THR_EMPTY = 0x20 };
/* OUT2 connects the interrupt line. */
enum { MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT2 = 0x08 };

static bool uart_present;
static struct raw_lock uart_lock;
static void (*uart_receive)(int byte);

bool uart_init(void)
{
	outb(COM1 + REG_SCRATCH, 0x5a);
	if (inb(COM1 + REG_SCRATCH) != 0x5a)
		return false;
	outb(COM1 + REG_IER, 0);
	outb(COM1 + REG_LCR, 0x80);	/* the divisor shows at 0 and 1 */
	outb(COM1 + REG_DATA, 1);	/* 115200 */
	outb(COM1 + REG_IER, 0);
	outb(COM1 + REG_LCR, 0x03);	/* 8N1 */
	outb(COM1 + REG_FCR, 0x01);
	outb(COM1 + REG_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
	uart_present = true;
	return true;
}

/*
 * A line that nobody takes from (flow control, a stopped terminal) must not stop the machine:
 * after this many looks at the status register the byte is dropped.
 */
#define PATIENCE	1000000

static void wait_empty(void)
{
	unsigned int i;

	for (i = 0; i < PATIENCE; i++)
		if (inb(COM1 + REG_LSR) & LSR_THR_EMPTY)
			return;
}

void uart_write(const char *text, size_t len)
{
	unsigned long flags;
	unsigned int room = 0;
	size_t i;

	if (!uart_present)
		return;
	flags = raw_lock_irqsave(&uart_lock);
	for (i = 0; i < len; i++) {
		if (!room) {
			wait_empty();
			room = FIFO_BYTES;
		}
		outb(COM1 + REG_DATA, text[i]);
		room--;
	}
	raw_unlock_irqrestore(&uart_lock, flags);
}

static void uart_interrupt(void *data)
{
	uint8_t status;

	inb(COM1 + REG_IIR);
	while ((status = inb(COM1 + REG_LSR)) & LSR_DATA) {
		uint8_t byte = inb(COM1 + REG_DATA);

		uart_receive(status & LSR_BREAK ? UART_BREAK : byte);
	}
}

int uart_start_receive(void (*receive)(int byte))
{
	int err;

	if (!uart_present)
		return -19; /* ENODEV */
	uart_receive = receive;
	err = request_irq(COM1_IRQ, uart_interrupt, NULL, "ttyS0");
	if (err)
		return err;
	outb(COM1 + REG_IER, 0x01);
	return 0;
}
