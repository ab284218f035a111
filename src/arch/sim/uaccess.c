/* SPDX-License-Identifier: MIT */
/* uaccess.c - user memory from the kernel's side: page by page through the software MMU. */
#include "quire/uaccess.h"

#include "arch/generic/user_range.h"
#include "arch/page.h"
#include "arch/tlb.h"
#include "arch/uaccess.h"
#include "base/math.h"
#include "base/string.h"

static size_t to_page_end(const void *addr, size_t bytes)
{
	return min(bytes, (size_t)(PAGE_SIZE - ((vaddr_t)addr & ~PAGE_MASK)));
}

size_t copy_from_user(void *to, const void *from, size_t bytes)
{
	size_t done = 0;

	while (done < bytes && user_range_ok(from, bytes)) {
		const char *at = (const char *)from + done;
		size_t part = to_page_end(at, bytes - done);
		const void *where = sim_touch((vaddr_t)at, SIM_ACCESS_READ);

		if (!where)
			break;
		memcpy((char *)to + done, where, part);
		done += part;
	}
	if (done >= bytes)
		return 0;
	memset((char *)to + done, 0, bytes - done);
	return bytes - done;
}

size_t copy_to_user(void *to, const void *from, size_t bytes)
{
	size_t done = 0;

	while (done < bytes && user_range_ok(to, bytes)) {
		char *at = (char *)to + done;
		size_t part = to_page_end(at, bytes - done);
		void *where = sim_touch((vaddr_t)at, SIM_ACCESS_WRITE);

		if (!where)
			break;
		memcpy(where, (const char *)from + done, part);
		done += part;
	}
	return bytes - done;
}

size_t clear_user(void *to, size_t bytes)
{
	size_t done = 0;

	while (done < bytes && user_range_ok(to, bytes)) {
		char *at = (char *)to + done;
		size_t part = to_page_end(at, bytes - done);
		void *where = sim_touch((vaddr_t)at, SIM_ACCESS_WRITE);

		if (!where)
			break;
		memset(where, 0, part);
		done += part;
	}
	return bytes - done;
}

long strncpy_from_user(char *to, const char *from, long max)
{
	for (long done = 0; done < max; done++) {
		if (sim_get_user(&to[done], from + done, 1))
			return -EFAULT;
		if (!to[done])
			return done;
	}
	return max;
}

long strnlen_user(const char *text, long max)
{
	char byte;

	for (long done = 0; done < max; done++) {
		if (sim_get_user(&byte, text + done, 1))
			return 0;
		if (!byte)
			return done + 1;
	}
	return max + 1;
}

int sim_get_user(void *to, const void *from, size_t bytes)
{
	return copy_from_user(to, from, bytes) ? -EFAULT : 0;
}

int sim_put_user(const void *from, void *to, size_t bytes)
{
	return copy_to_user(to, from, bytes) ? -EFAULT : 0;
}

int get_user_nofault(u32 *value, const u32 *user)
{
	int err;

	pagefault_disable();
	err = sim_get_user(value, user, sizeof(*value));
	pagefault_enable();
	return err;
}

int futex_cmpxchg_user(u32 *old, u32 *user, u32 expected, u32 desired)
{
	u32 *where;

	if (!user_range_ok(user, sizeof(*user)) || (vaddr_t)user % sizeof(*user))
		return -EFAULT;
	pagefault_disable();
	where = sim_touch((vaddr_t)user, SIM_ACCESS_WRITE);
	pagefault_enable();
	if (!where)
		return -EFAULT;
	__atomic_compare_exchange_n(where, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	*old = expected;
	return 0;
}

int fault_in_writeable(u32 *user)
{
	return user_range_ok(user, sizeof(*user)) && sim_touch((vaddr_t)user, SIM_ACCESS_WRITE) ? 0 : -EFAULT;
}

/* Nothing faults for real here. */
unsigned long search_exception_table(unsigned long ip)
{
	return 0;
}
