/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the end: power off, restart, halt, and what is said about it on the debug port.
 *
 * What started the machine learns how it ended from lines written to I/O port 0xe9 (QEMU's
 * debugcon): "quire: poweroff", or "quire: exit N" when a status was set, or "quire: panic".
 * Lock: none. Sleeps: never. Allocates: never. Context: any.
 */
#ifndef KERNEL_ARCH_MACHINE_H
#define KERNEL_ARCH_MACHINE_H

void machine_init(void);
/* The status that the next power-off reports, such as that of a command that ran instead of a shell. */
void machine_set_exit_status(int status);
void __attribute__((noreturn)) machine_power_off(void);
void __attribute__((noreturn)) machine_restart(void);
void __attribute__((noreturn)) machine_halt(void);
/* Writes a line to the debug port. */
void machine_debug_line(const char *text);

#endif
