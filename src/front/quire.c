/* SPDX-License-Identifier: MIT */
/* quire.c - all stages in order, the check of every room, and the way back. */
#include "quire/quire.h"
#include "reclaim/reclaim.h"

#include "kmem/slab_int.h"
#include "kva/kva.h"
#include "object/object.h"
#include "oom/oom.h"
#include "phys/account.h"
#include "phys/phys.h"
#include "sync/rcu.h"
#include "vm/vm.h"

int quire_init(const struct quire_boot *boot)
{
	int err = quire_start(boot);

	if (!err)
		err = quire_add_memory_map();
	if (!err)
		err = quire_init_frames();
	if (!err)
		err = quire_init_objects();
	if (!err)
		err = quire_init_kernel_va();
	if (!err)
		err = quire_init_user_vm();
	return err;
}

unsigned int quire_self_check(void)
{
	return phys_check() + kmem_check() + kva_check() + object_check() + vm_check();
}

unsigned long quire_shutdown(void)
{
	oom_exit();
	vm_exit();
	reclaim_exit();
	object_exit();
	kva_shutdown();
	rcu_barrier();
	kmem_shutdown();
	account_exit();
	return phys_pages_in_use();
}
