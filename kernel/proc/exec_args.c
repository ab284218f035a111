/* SPDX-License-Identifier: MIT */
/*
 * exec_args.c - argv and envp on their way into the new stack.
 *
 * Strings are laid down from the top. They pass through one page of the kernel's that mirrors the
 * page of the stack they go to, so that each page of the stack is looked up once.
 */
#include "proc/exec_args.h"

#include "arch/elf_format.h"
#include "arch/page.h"
#include "base/string.h"
#include "proc/signal.h"
#include "proc/utsname.h"
#include "proc/va_random.h"
#include "quire/slab.h"
#include "quire/uaccess.h"

#define PAGE_BYTES 4096ul
#define STACK_TOP DEFAULT_MAP_WINDOW
/* The stack VMA that exec begins with; it grows by itself. */
#define STACK_FIRST_BYTES (132ul << 10)
/* Strings may take a quarter of the stack limit, but at most this and at least 128 KiB. */
#define ARGS_MOST (6ul << 20)
#define ARGS_LEAST (128ul << 10)

/* String @i, NULL at the end, or ERR_PTR(-EFAULT). */
static const char *array_get(const struct string_array *array, int i)
{
	const char *s = NULL;

	if (array->kernel)
		return array->kernel[i];
	if (array->user && get_user(s, (const char **)array->user + i))
		return ERR_PTR(-EFAULT);
	return s;
}

static int array_count(const struct string_array *array)
{
	const char *s;
	int i = 0;

	while ((s = array_get(array, i))) {
		if (IS_ERR(s))
			return -EFAULT;
		if (++i >= (int)MAX_ARG_STRINGS)
			return -E2BIG;
		if (i % 512)
			continue;
		if (fatal_signal_pending(current))
			return -ERESTARTNOHAND;
		cond_resched();
	}
	return i;
}

int bprm_flush(struct binprm *bprm)
{
	size_t bytes = bprm->hi - bprm->lo;
	char *from = bprm->page + (bprm->lo - bprm->base);

	if (bytes && access_remote_vm(bprm->mm, bprm->lo, from, bytes, FOLL_WRITE) != bytes) {
		/* Below the stack's first pages: a fault makes it grow. */
		if (handle_user_fault(bprm->mm, bprm->lo, FAULT_FLAG_WRITE | FAULT_FLAG_REMOTE)
			    .what &
		    VM_FAULT_ERROR)
			return -ENOMEM;
		if (access_remote_vm(bprm->mm, bprm->lo, from, bytes, FOLL_WRITE) != bytes)
			return -ENOMEM;
	}
	bprm->hi = bprm->lo;
	return 0;
}

/* Lays @len bytes (with NUL) below bprm->p. */
static int push_bytes(struct binprm *bprm, const char *text, size_t len, bool kernel)
{
	unsigned long end = bprm->p, start = end - len, page, from;
	int error;

	if (len > bprm->p || start < bprm->least)
		return -E2BIG;
	while (end > start) {
		page = (end - 1) & ~(PAGE_BYTES - 1);
		if (page != bprm->base) {
			error = bprm_flush(bprm);
			if (error)
				return error;
			bprm->base = page;
			bprm->hi = end;
		}
		from = start > page ? start : page;
		if (kernel)
			memcpy(bprm->page + (from - page), text + (from - start), end - from);
		else if (copy_from_user(bprm->page + (from - page), text + (from - start),
					end - from))
			return -EFAULT;
		bprm->lo = end = from;
	}
	bprm->p = start;
	return 0;
}

int bprm_push_kernel(struct binprm *bprm, const char *text)
{
	size_t len = strlen(text) + 1;

	bprm->arg0_len = len;
	return push_bytes(bprm, text, len, true);
}

static int push_user(struct binprm *bprm, const char *text)
{
	long len = strnlen_user(text, MAX_ARG_STRLEN);

	if (!len)
		return -EFAULT;
	if (len > (long)MAX_ARG_STRLEN)
		return -E2BIG;
	bprm->arg0_len = (size_t)len;
	return push_bytes(bprm, text, (size_t)len, false);
}

int bprm_drop_arg0(struct binprm *bprm)
{
	int error = bprm_flush(bprm);

	bprm->p += bprm->arg0_len;
	bprm->base = 0;
	bprm->lo = bprm->hi = bprm->p;
	bprm->argc--;
	return error;
}

/* From the last string to the first. */
static int push_array(struct binprm *bprm, const struct string_array *array, int count)
{
	const char *s;
	int error = 0;

	while (count-- > 0 && !error) {
		s = array_get(array, count);
		if (IS_ERR(s) || !s)
			return -EFAULT;
		error = array->kernel ? bprm_push_kernel(bprm, s) : push_user(bprm, s);
		if (fatal_signal_pending(current))
			return -ERESTARTNOHAND;
		cond_resched();
	}
	return error;
}

static int limit_room(struct binprm *bprm)
{
	unsigned long room = rlimit(RLIMIT_STACK) / 4;
	unsigned long pointers =
		((unsigned long)bprm->argc + (unsigned long)bprm->envc + 2) * sizeof(void *);

	if (room > ARGS_MOST)
		room = ARGS_MOST;
	if (room < ARGS_LEAST)
		room = ARGS_LEAST;
	if (pointers >= room)
		return -E2BIG;
	bprm->least = bprm->p - (room - pointers);
	return 0;
}

static int make_stack(struct binprm *bprm)
{
	unsigned long top = DEFAULT_MAP_WINDOW;

	bprm->page = kmalloc(PAGE_BYTES, GFP_KERNEL);
	bprm->mm = mm_alloc();
	if (!bprm->page || !bprm->mm)
		return -ENOMEM;
	if (va_randomness())
		top -= va_random_u64() % STACK_RANDOM_PAGES * PAGE_BYTES;
	if (current->personality & ADDR_COMPAT_LAYOUT)
		arch_pick_bottomup_layout(bprm->mm, va_randomness());
	else
		arch_pick_mmap_layout(bprm->mm, rlimit(RLIMIT_STACK), va_randomness());
	bprm->stack_top = top;
	bprm->p = bprm->lo = bprm->hi = top - sizeof(void *);
	return setup_stack_vma(bprm->mm, top, STACK_FIRST_BYTES, 0);
}

int bprm_build_stack(struct binprm *bprm, const struct string_array *argv,
		     const struct string_array *envp)
{
	int error;

	bprm->argc = array_count(argv);
	if (bprm->argc < 0)
		return bprm->argc;
	bprm->envc = array_count(envp);
	if (bprm->envc < 0)
		return bprm->envc;
	error = make_stack(bprm);
	if (!error)
		error = limit_room(bprm);
	if (!error)
		error = bprm_push_kernel(bprm, bprm->filename);
	bprm->exec = bprm->p;
	if (!error)
		error = push_array(bprm, envp, bprm->envc);
	if (!error)
		error = push_array(bprm, argv, bprm->argc);
	if (error || bprm->argc)
		return error;
	/* A program without even a name for itself gets an empty one. */
	bprm->argc = 1;
	return bprm_push_kernel(bprm, "");
}
