/* SPDX-License-Identifier: MIT */
/* stage_user_vm.c - from kernel addresses to programs' memory: the place that introduces the wings to each other. */
#include "front/stage.h"
#include "object/object.h"
#include "oom/oom.h"
#include "quire/quire.h"
#include "reclaim/reclaim.h"
#include "vm/vm.h"

int quire_init_user_vm(void)
{
	int err = object_init();

	if (!err)
		err = vm_init();
	if (!err)
		err = reclaim_init();
	if (!err)
		err = oom_init();
	if (err)
		return err;
	stage_enter(STAGE_USER_VM);
	return 0;
}
