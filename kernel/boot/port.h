/* SPDX-License-Identifier: MIT */
/*
 * port.h - what this kernel supplies to the library: the one struct quire_port.
 *
 * Lock: none, constant. Each member keeps the contract that quire/port.h states for it.
 */
#ifndef KERNEL_BOOT_PORT_H
#define KERNEL_BOOT_PORT_H

#include "quire/port.h"

extern const struct quire_port kernel_port;

#endif
