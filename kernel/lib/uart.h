/* SPDX-License-Identifier: MIT */
/*
 * uart.h - the 16550 at COM1: polled output for the console, interrupts for what is typed.
 *
 * Lock: its own, any context. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_LIB_UART_H
#define KERNEL_LIB_UART_H

#include <stdbool.h>
#include <stddef.h>

/* Probes and sets up the port: 115200 8N1, FIFO on. False when there is none. */
bool uart_init(void);
void uart_write(const char *text, size_t len);
/*
 * From now on, @receive is called in interrupt context with every byte that arrives
 * (and UART_BREAK for a break). 0 or -errno.
 */
#define UART_BREAK	(-1)
int uart_start_receive(void (*receive)(int byte));

#endif
