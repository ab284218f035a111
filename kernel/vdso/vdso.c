/* SPDX-License-Identifier: MIT */
/* vdso.c - the kernel's side of the vdso: its two pages, and where a program gets them. */
#include "vdso/vdso.h"

#include "arch/clock.h"
#include "arch/pte.h"
#include "base/assert.h"
#include "base/string.h"
#include "lib/printk.h"
#include "proc/elf.h"
#include "proc/exec.h"
#include "proc/va_random.h"
#include "quire/errno.h"
#include "quire/page.h"
#include "quire/vmalloc.h"
#include "sched/sched.h"
#include "vdso/data.h"

#define PAGE_BYTES 4096ul
/* Where the two go varies over what one table page maps. */
#define SPREAD_BYTES (2ul << 20)

extern const char vdso_image_start[], vdso_image_end[];

static struct page *data_page, *code_page;

/* A page of zeros in *page, and where the kernel sees it. */
static void *zeroed_page(struct page **page)
{
	void *at;

	*page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	at = *page ? vmap(page, 1, VM_MAP, PAGE_KERNEL) : NULL;
	if (!at)
		panic("no memory for the vdso");
	return at;
}

void vdso_init(void)
{
	size_t bytes = (size_t)(vdso_image_end - vdso_image_start);
	struct vdso_data *data = zeroed_page(&data_page);
	void *code = zeroed_page(&code_page);

	BUG_ON(bytes > PAGE_BYTES);
	memcpy(code, vdso_image_start, bytes);
	vunmap(code);
	data->coarse_ns = TICK_NS;
	clock_publish_to(data);
}

/* Behind the stack, in what is left of its two MiB, or anywhere when that is too little. */
static unsigned long choose(unsigned long stack_top)
{
	unsigned long end = (stack_top + SPREAD_BYTES - 1) & ~(SPREAD_BYTES - 1), room;

	if (end > DEFAULT_MAP_WINDOW)
		end = DEFAULT_MAP_WINDOW;
	room = end - stack_top;
	if (room < 2 * PAGE_BYTES)
		return 0;
	if (!va_randomness())
		return stack_top;
	return stack_top + va_random_u64() % (room / PAGE_BYTES - 1) * PAGE_BYTES;
}

static unsigned long anywhere(struct mm_struct *mm)
{
	unsigned long at = do_mmap(mm, 0, 2 * PAGE_BYTES, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);

	/* Nobody else maps in the new mm meanwhile. */
	if (!IS_ERR_VALUE(at))
		do_munmap(mm, at, 2 * PAGE_BYTES);
	return at;
}

unsigned long vdso_map(unsigned long stack_top)
{
	struct mm_struct *mm = task_mm(current);
	unsigned long at = choose(stack_top);
	int error;

	if (!at)
		at = anywhere(mm);
	if (IS_ERR_VALUE(at))
		return at;
	error = install_special_mapping(mm, at, PAGE_BYTES,
					VM_READ | VM_MAYREAD | VM_IO | VM_DONTDUMP | VM_PFNMAP,
					&data_page, "[vvar]");
	if (!error)
		error = install_special_mapping(mm, at + PAGE_BYTES, PAGE_BYTES,
						VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE |
						VM_MAYEXEC, &code_page, "[vdso]");
	return error ? (unsigned long)error : at + PAGE_BYTES;
}

unsigned long vdso_of(struct mm_struct *mm)
{
	const unsigned long *aux = mm_saved_auxv(mm);

	while (aux[0] != AT_NULL && aux[0] != AT_SYSINFO_EHDR)
		aux += 2;
	return aux[0] == AT_SYSINFO_EHDR ? aux[1] : 0;
}
