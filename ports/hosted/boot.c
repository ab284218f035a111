/* SPDX-License-Identifier: MIT */
/* boot.c - takes a hosted machine through quire_init and back. */
#include "hosted/machine.h"

int hosted_boot(struct hosted_machine *machine)
{
	return quire_init(&machine->boot);
}

unsigned long hosted_shutdown(struct hosted_machine *machine)
{
	(void)machine;
	return quire_shutdown();
}
