/* SPDX-License-Identifier: MIT */
/* stage_kernel_va.c - from objects to kernel addresses. */
#include "front/stage.h"
#include "kva/kva.h"
#include "quire/quire.h"
#include "sync/ctx.h"

int quire_init_kernel_va(void)
{
	int err;

	if (!this_quire()->port->park)
		return stage_missing("park");
	if (!this_quire()->port->unpark)
		return stage_missing("unpark");
	err = kva_init();
	if (err)
		return err;
	stage_enter(STAGE_KERNEL_VA);
	return 0;
}
