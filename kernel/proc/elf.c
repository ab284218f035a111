/* SPDX-License-Identifier: MIT */
/*
 * elf.c - loading ELF programs: fixed and position-independent ones, with or without an
 * interpreter.
 *
 * Everything that a file may claim is checked before the point of no return, so that a damaged file
 * is -ENOEXEC and not a dead process.
 */
#include "proc/elf.h"

#include "arch/page.h"
#include "base/string.h"
#include "fs/vfs.h"
#include "lib/printk.h"
#include "proc/cred.h"
#include "proc/elf_stack.h"
#include "proc/exec.h"
#include "proc/va_random.h"
#include "quire/slab.h"
#include "quire/uaccess.h"
#include "vdso/vdso.h"

#define PAGE_BYTES 4096ul
#define PAGE_DOWN(x) ((x) & ~(PAGE_BYTES - 1))
#define PAGE_UP(x) (((x) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1))
#define BRK_RANDOM_PAGES (1ul << 13)
#define PHDRS_MAX (65536ul / sizeof(struct elf_phdr))

struct elf_image {
	struct file *file;
	struct elf_ehdr ehdr;
	struct elf_phdr *phdrs;
	struct elf_phdr few[12];	/* most files have no more */
	unsigned long low, high;	/* addresses that the segments span, page-aligned */
};

static bool ehdr_ok(const struct elf_ehdr *e)
{
	return !memcmp(e->e_ident, "\177ELF", 4) && e->e_ident[4] == ELF_CLASS &&
	       e->e_ident[5] == ELFDATA2LSB && e->e_machine == ELF_MACHINE &&
	       (e->e_type == ET_EXEC || e->e_type == ET_DYN) &&
	       e->e_phentsize == sizeof(struct elf_phdr) && e->e_phnum > 0 &&
	       e->e_phnum <= PHDRS_MAX;
}

/* What lies past the end of the file is SIGBUS when it is touched, as in any mapping. */
static bool segment_ok(const struct elf_phdr *ph, u64 file_size, u64 previous_end)
{
	if (ph->p_filesz > ph->p_memsz || ph->p_offset >= file_size ||
	    ph->p_filesz > INT64_MAX - ph->p_offset)
		return false;
	if (ph->p_vaddr > TASK_SIZE || ph->p_memsz > TASK_SIZE - ph->p_vaddr)
		return false;
	if ((ph->p_vaddr - ph->p_offset) & (PAGE_BYTES - 1))
		return false;
	return ph->p_vaddr >= previous_end;
}

/* Segments rise, do not overlap, begin in the file and lie in user space. Sets low and high. */
static int check_segments(struct elf_image *img)
{
	u64 size = READ_ONCE(img->file->f_inode->i_size), end = 0;
	bool any = false;
	int i;

	for (i = 0; i < img->ehdr.e_phnum; i++) {
		const struct elf_phdr *ph = &img->phdrs[i];

		if (ph->p_type != PT_LOAD)
			continue;
		if (!segment_ok(ph, size, end))
			return -ENOEXEC;
		if (!any)
			img->low = PAGE_DOWN(ph->p_vaddr);
		any = true;
		end = ph->p_vaddr + ph->p_memsz;
		img->high = PAGE_UP(end);
	}
	return any && img->high > img->low && img->high <= TASK_SIZE ? 0 : -ENOEXEC;
}

/* @head: the file's first bytes. */
static int read_image(struct elf_image *img, struct file *file, const char *head)
{
	size_t bytes;
	long got;

	img->file = file;
	memcpy(&img->ehdr, head, sizeof(img->ehdr));
	if (!ehdr_ok(&img->ehdr))
		return -ENOEXEC;
	bytes = img->ehdr.e_phnum * sizeof(struct elf_phdr);
	img->phdrs = img->few;
	if (bytes > sizeof(img->few)) {
		img->phdrs = kmalloc(bytes, GFP_KERNEL);
		if (!img->phdrs)
			return -ENOMEM;
	}
	got = kernel_read(file, img->phdrs, bytes, img->ehdr.e_phoff);
	if (got != (long)bytes)
		return got < 0 ? (int)got : -ENOEXEC;
	return check_segments(img);
}

static void drop_image(struct elf_image *img)
{
	if (img->phdrs && img->phdrs != img->few)
		kfree(img->phdrs);
}

/* ---- mapping; current has the new mm ---- */

static unsigned long segment_prot(const struct elf_phdr *ph)
{
	return (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	       (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

static int map_file_part(const struct elf_image *img, const struct elf_phdr *ph,
			 unsigned long bias)
{
	unsigned long addr = PAGE_DOWN(ph->p_vaddr) + bias, prot = segment_prot(ph), at;
	unsigned long flags = MAP_PRIVATE | MAP_FIXED;
	unsigned long len = PAGE_UP(ph->p_filesz + (ph->p_vaddr & (PAGE_BYTES - 1)));
	struct mmap_file backing;
	int error = file_mmap_backing(img->file, prot, flags, &backing);

	if (error)
		return error;
	at = do_mmap(task_mm(current), addr, len, prot, flags, &backing, PAGE_DOWN(ph->p_offset));
	return IS_ERR_VALUE(at) ? (int)(long)at : 0;
}

/* The bytes past the file's: its last page is zeroed to its end, for programs use what lies behind
 * their bss (glibc's loader allocates there); whole pages are anonymous. */
static int map_bss(const struct elf_phdr *ph, unsigned long bias)
{
	unsigned long file_end = ph->p_vaddr + ph->p_filesz + bias,
		      end = ph->p_vaddr + ph->p_memsz + bias;
	unsigned long from = ph->p_filesz ? PAGE_UP(file_end) : PAGE_DOWN(file_end);

	if (ph->p_filesz && ph->p_flags & PF_W && from > file_end &&
	    clear_user((void *)file_end, from - file_end))
		return -EFAULT;
	if (PAGE_UP(end) <= from)
		return 0;
	return vm_brk_flags(task_mm(current), from, PAGE_UP(end) - from,
			    ph->p_flags & PF_X ? VM_EXEC : 0);
}

static int map_segments(const struct elf_image *img, unsigned long bias)
{
	int i, error = 0;

	for (i = 0; i < img->ehdr.e_phnum && !error; i++) {
		const struct elf_phdr *ph = &img->phdrs[i];

		if (ph->p_type != PT_LOAD || !ph->p_memsz)
			continue;
		if (ph->p_filesz)
			error = map_file_part(img, ph, bias);
		if (!error && ph->p_memsz > ph->p_filesz)
			error = map_bss(ph, bias);
	}
	return error;
}

/* A free range for the image, at or near @hint (0: anywhere). Nobody else maps in the new mm
 * meanwhile. */
static int place_image(const struct elf_image *img, unsigned long hint, unsigned long *bias)
{
	unsigned long len = img->high - img->low;
	unsigned long at = do_mmap(task_mm(current), hint, len, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);

	if (IS_ERR_VALUE(at))
		return (int)(long)at;
	*bias = at - img->low;
	return do_munmap(task_mm(current), at, len);
}

static void set_layout(const struct elf_image *img, unsigned long bias, struct binprm *bprm)
{
	struct mm_layout *layout = mm_layout(task_mm(current));
	unsigned long brk = img->high + bias;
	int i;

	layout->start_code = layout->start_data = ~0ul;
	layout->end_code = layout->end_data = 0;
	for (i = 0; i < img->ehdr.e_phnum; i++) {
		const struct elf_phdr *ph = &img->phdrs[i];
		unsigned long start = ph->p_vaddr + bias, end = start + ph->p_filesz;

		if (ph->p_type != PT_LOAD)
			continue;
		if (start < layout->start_code)
			layout->start_code = start;
		if (ph->p_flags & PF_X && end > layout->end_code)
			layout->end_code = end;
		if (start > layout->start_data || layout->start_data == ~0ul)
			layout->start_data = start;
		if (end > layout->end_data)
			layout->end_data = end;
	}
	if (va_randomness() > 1)
		brk += va_random_u64() % BRK_RANDOM_PAGES * PAGE_BYTES;
	layout->start_brk = layout->brk = brk;
}

/* ---- the interpreter ---- */

/* Opens what PT_INTERP names into @interp; -ENOENT: the program has none. */
static int open_interpreter(const struct elf_image *img, struct elf_image *interp)
{
	const struct elf_phdr *ph = NULL;
	char name[512], head[BINPRM_BUF_SIZE];
	struct file *file;
	int i;

	for (i = 0; i < img->ehdr.e_phnum && !ph; i++)
		if (img->phdrs[i].p_type == PT_INTERP)
			ph = &img->phdrs[i];
	if (!ph)
		return 0;
	if (ph->p_filesz < 2 || ph->p_filesz > sizeof(name))
		return -ENOEXEC;
	if (kernel_read(img->file, name, ph->p_filesz, ph->p_offset) != (long)ph->p_filesz)
		return -EIO;
	if (name[ph->p_filesz - 1])
		return -ENOEXEC;
	file = open_exec(name);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	interp->file = file;
	if (kernel_read(file, head, sizeof(head), 0) < (long)sizeof(struct elf_ehdr))
		return -ELIBBAD;
	i = read_image(interp, file, head);
	return i == -ENOEXEC ? -ELIBBAD : i;
}

static void drop_interpreter(struct elf_image *interp)
{
	drop_image(interp);
	if (interp->file) {
		exec_allow_write(interp->file);
		fput(interp->file);
	}
}

/* ---- the whole ---- */

static bool wants_exec_stack(const struct elf_image *img)
{
	int i;

	for (i = 0; i < img->ehdr.e_phnum; i++)
		if (img->phdrs[i].p_type == PT_GNU_STACK)
			return img->phdrs[i].p_flags & PF_X;
	return false;
}

static unsigned long pie_hint(const struct elf_image *interp)
{
	/* A program without an interpreter is an interpreter itself: it must not be where programs
	 * go. */
	if (!interp->file)
		return 0;
	return PIE_BASE + (va_randomness() ? va_random_u64() % PIE_RANDOM_PAGES * PAGE_BYTES : 0);
}

/* Address of the program headers in memory, or 0. */
static unsigned long phdr_address(const struct elf_image *img, unsigned long bias)
{
	u64 off = img->ehdr.e_phoff;
	int i;

	for (i = 0; i < img->ehdr.e_phnum; i++) {
		const struct elf_phdr *ph = &img->phdrs[i];

		if (ph->p_type == PT_LOAD && ph->p_offset <= off &&
		    off < ph->p_offset + ph->p_filesz)
			return off - ph->p_offset + ph->p_vaddr + bias;
	}
	return 0;
}

static int start_image(struct binprm *bprm, const struct elf_image *img,
		       const struct elf_image *interp)
{
	unsigned long bias = 0, interp_bias = 0, entry, sp;
	struct elf_stack st = { .phnum = img->ehdr.e_phnum };
	int error = 0;

	if (img->ehdr.e_type == ET_DYN)
		error = place_image(img, pie_hint(interp), &bias);
	if (!error)
		error = map_segments(img, bias);
	if (!error && interp->file) {
		error = place_image(interp, 0, &interp_bias);
		if (!error)
			error = map_segments(interp, interp_bias);
	}
	if (!error && wants_exec_stack(img))
		error = do_mprotect(task_mm(current), PAGE_DOWN(bprm->p), PAGE_BYTES,
				    PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);
	if (error)
		return error;
	set_layout(img, bias, bprm);
	entry = interp->file ? interp->ehdr.e_entry + interp_bias : img->ehdr.e_entry + bias;
	if (entry >= TASK_SIZE)
		return -EINVAL;
	st.vdso = vdso_map(bprm->stack_top);
	if (IS_ERR_VALUE(st.vdso))
		return (int)(long)st.vdso;
	st.phdr = phdr_address(img, bias);
	st.base = interp->file ? interp_bias : 0;
	st.entry = img->ehdr.e_entry + bias;
	error = elf_fill_stack(bprm, &st, &sp);
	if (error)
		return error;
	start_thread(entry, sp);
	return 0;
}

int load_elf(struct binprm *bprm)
{
	struct { struct elf_image img, interp; } *both = kmalloc(sizeof(*both), GFP_KERNEL);
	int error;

	if (!both)
		return -ENOMEM;
	both->img.phdrs = both->interp.phdrs = NULL;
	both->interp.file = NULL;
	error = read_image(&both->img, bprm->file, bprm->buf);
	if (!error)
		error = open_interpreter(&both->img, &both->interp);
	if (!error)
		error = begin_new_exec(bprm);
	if (!error)
		error = start_image(bprm, &both->img, &both->interp);
	drop_interpreter(&both->interp);
	drop_image(&both->img);
	kfree(both);
	return error;
}
