/* SPDX-License-Identifier: MIT */
/* overcommit.c - how much memory may be promised: modes 0, 1 and 2, with Linux's arithmetic. */
#include "base/math.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"
#include "quire/errno.h"
#include "quire/port.h"
#include "vm/mm_int.h"
#include "vm/vm.h"

/* Defaults when memory is plentiful: enough for a shell and ps, or for sshd, a shell and top. */
#define USER_RESERVE_MAX_KB (128ul << 10)
#define ADMIN_RESERVE_MAX_KB (8ul << 10)

bool overcommit_allows(const struct overcommit_view *view, long pages, unsigned long committed)
{
	unsigned long allowed = view->limit;

	if (view->mode == OVERCOMMIT_ALWAYS)
		return true;
	if (view->mode == OVERCOMMIT_GUESS)
		return pages <= 0 || (unsigned long)pages <= view->total_ram + view->total_swap;
	if (!view->cap_sys_admin)
		allowed -= min(allowed, view->admin_reserve);
	if (view->has_mm)
		allowed -= min(allowed, min(view->mm_pages / 32, view->user_reserve));
	return committed < allowed;
}

unsigned long vm_commit_limit(void)
{
	const struct vm_state *vm = this_vm();
	unsigned long allowed;

	if (vm->overcommit_kbytes)
		allowed = vm->overcommit_kbytes >> (PAGE_SHIFT - 10);
	else
		allowed = (unsigned long)div_u64((u64)READ_ONCE(this_phys()->totalram_pages) * vm->overcommit_ratio, 100);
	return allowed;
}

/* Everything but mode 1 and the sane case of mode 0 comes here. */
static __noinline int enough_memory_slow(const struct mm_struct *mm, long pages, bool cap_sys_admin)
{
	const struct vm_state *vm = this_vm();
	struct overcommit_view view = { .mode = vm->overcommit_mode, .cap_sys_admin = cap_sys_admin };

	view.total_ram = READ_ONCE(this_phys()->totalram_pages);
	view.limit = vm_commit_limit();
	view.admin_reserve = vm->admin_reserve_kbytes >> (PAGE_SHIFT - 10);
	view.user_reserve = vm->user_reserve_kbytes >> (PAGE_SHIFT - 10);
	view.has_mm = mm != NULL;
	view.mm_pages = mm ? mm->total_vm : 0;
	if (overcommit_allows(&view, pages, (unsigned long)atomic_long_read(&this_vm()->committed)))
		return 0;
	vm_unacct_memory(pages);
	return -ENOMEM;
}

int vm_enough_memory(const struct mm_struct *mm, long pages, bool cap_sys_admin)
{
	struct vm_state *vm = this_vm();

	atomic_long_add(pages, &vm->committed);
	/* A request that is small against any machine needs no look at the machine's size. */
	if (vm->overcommit_mode == OVERCOMMIT_ALWAYS || (vm->overcommit_mode == OVERCOMMIT_GUESS && pages < 256))
		return 0;
	return enough_memory_slow(mm, pages, cap_sys_admin);
}

int vm_charge(const struct mm_struct *mm, long pages)
{
	const struct quire_port *port = this_quire()->port;
	bool admin = false;

	if (this_vm()->overcommit_mode == OVERCOMMIT_NEVER && port->capable)
		admin = port->capable(QUIRE_CAP_SYS_ADMIN);
	/* Memory of an object: whoever asks for it is the one that may not take all. */
	if (this_vm()->overcommit_mode == OVERCOMMIT_NEVER && !mm && port->current_mm)
		mm = port->current_mm();
	return vm_enough_memory(mm, pages, admin);
}

int mm_commit_pages(long nr)
{
	if (nr > 0)
		return vm_charge(NULL, nr);
	vm_unacct_memory(-nr);
	return 0;
}

unsigned long vm_committed_pages(void)
{
	long pages = atomic_long_read(&this_vm()->committed);

	return pages > 0 ? (unsigned long)pages : 0;
}

void vm_unacct_memory(long pages)
{
	atomic_long_sub(pages, &this_vm()->committed);
}

void overcommit_init(void)
{
	struct vm_state *vm = this_vm();
	unsigned long free_kb = nr_free_pages() << (PAGE_SHIFT - 10);

	vm->overcommit_mode = OVERCOMMIT_GUESS;
	vm->overcommit_ratio = 50;
	vm->overcommit_kbytes = 0;
	vm->user_reserve_kbytes = min(free_kb / 32, USER_RESERVE_MAX_KB);
	vm->admin_reserve_kbytes = min(free_kb / 32, ADMIN_RESERVE_MAX_KB);
}
