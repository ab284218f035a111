/* SPDX-License-Identifier: MIT */
/* stage_objects.c - from frames to objects. */
#include "front/stage.h"
#include "kmem/slab_int.h"
#include "quire/quire.h"

int quire_init_objects(void)
{
	int err = kmem_init();

	if (err)
		return err;
	stage_enter(STAGE_OBJECTS);
	return 0;
}
