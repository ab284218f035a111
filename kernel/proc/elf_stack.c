/* SPDX-License-Identifier: MIT */
/* elf_stack.c - argc, argv, envp and the auxiliary vector of a new program. */
#include "proc/elf_stack.h"

#include "arch/fpu.h"
#include "arch/io.h"
#include "base/string.h"
#include "lib/random.h"
#include "proc/cred.h"
#include "proc/elf.h"
#include "proc/siginfo.h"
#include "proc/signal.h"
#include "quire/mm.h"
#include "quire/uaccess.h"
#include "sched/sched.h"

/* Words gathered in the kernel before they are written. */
#define BATCH_WORDS 64

struct word_writer {
	unsigned long words[BATCH_WORDS];
	unsigned int nr;
	unsigned long at;	/* where the batch goes */
	unsigned long *aux;	/* the kernel's own copy of the vector: where the next pair goes */
	bool failed;
};

static void flush_words(struct word_writer *w)
{
	size_t bytes = w->nr * sizeof(w->words[0]);

	if (bytes && copy_to_user((void *)w->at, w->words, bytes))
		w->failed = true;
	w->at += bytes;
	w->nr = 0;
}

static void put_word(struct word_writer *w, unsigned long word)
{
	if (w->nr == BATCH_WORDS)
		flush_words(w);
	w->words[w->nr++] = word;
}

static void put_aux(struct word_writer *w, enum auxv_type type, unsigned long value)
{
	put_word(w, type);
	put_word(w, value);
	*w->aux++ = type;
	*w->aux++ = value;
}

/* Pointers to @count strings that stand one after the other from *at on. */
static void put_strings(struct word_writer *w, int count, unsigned long *at)
{
	long len;

	while (count-- > 0 && !w->failed) {
		put_word(w, *at);
		len = strnlen_user((const char *)*at, MAX_ARG_STRLEN);
		if (len <= 0 || len > (long)MAX_ARG_STRLEN)
			w->failed = true;
		*at += (unsigned long)len;
	}
	put_word(w, 0);
}

#define NR_AUX (23 + (ELF_VSYSCALL != 0))
_Static_assert(2 * NR_AUX <= MM_AUXV_WORDS, "the vector fits where /proc shows it");

static void put_auxv(struct word_writer *w, const struct binprm *bprm, const struct elf_stack *st,
		     unsigned long platform, unsigned long random)
{
	const struct cred *cred = current_cred();

	if (ELF_VSYSCALL)
		put_aux(w, AT_SYSINFO, st->vdso + ELF_VSYSCALL);
	put_aux(w, AT_SYSINFO_EHDR, st->vdso);
	put_aux(w, AT_HWCAP, cpuid(1, 0).d);
	put_aux(w, AT_PAGESZ, 4096);
	put_aux(w, AT_CLKTCK, USER_HZ);
	put_aux(w, AT_PHDR, st->phdr);
	put_aux(w, AT_PHENT, sizeof(struct elf_phdr));
	put_aux(w, AT_PHNUM, st->phnum);
	put_aux(w, AT_BASE, st->base);
	put_aux(w, AT_FLAGS, 0);
	put_aux(w, AT_ENTRY, st->entry);
	put_aux(w, AT_UID, cred->uid);
	put_aux(w, AT_EUID, cred->euid);
	put_aux(w, AT_GID, cred->gid);
	put_aux(w, AT_EGID, cred->egid);
	put_aux(w, AT_SECURE, bprm->secure);
	put_aux(w, AT_RANDOM, random);
	put_aux(w, AT_PLATFORM, platform);
	/* Neither ring 3's MWAIT nor FSGSBASE is switched on. */
	put_aux(w, AT_HWCAP2, 0);
	put_aux(w, AT_EXECFN, bprm->exec);
	put_aux(w, AT_MINSIGSTKSZ, MINSIGSTKSZ + fpu_frame_size());
	put_aux(w, AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_BYTES);
	put_aux(w, AT_RSEQ_ALIGN, RSEQ_ALIGN_BYTES);
	put_aux(w, AT_NULL, 0);
}

int elf_fill_stack(struct binprm *bprm, const struct elf_stack *st, unsigned long *sp)
{
	struct mm_layout *layout = mm_layout(task_mm(current));
	unsigned long at = bprm->p & ~15ul, platform, random, strings = bprm->p;
	struct word_writer w = { .aux = mm_saved_auxv(task_mm(current)) };
	struct { u8 random[16]; char platform[16]; } block;
	unsigned long words;

	get_random_bytes(block.random, sizeof(block.random));
	memset(block.platform, 0, sizeof(block.platform));
	memcpy(block.platform, ELF_PLATFORM, sizeof(ELF_PLATFORM));
	at -= sizeof(block);
	random = at;
	platform = at + offsetof(__typeof__(block), platform);
	if (copy_to_user((void *)at, &block, sizeof(block)))
		return -EFAULT;
	words = 1 + (unsigned long)bprm->argc + 1 + (unsigned long)bprm->envc + 1 + 2 * NR_AUX;
	*sp = (at - words * sizeof(long)) & ~15ul;
	w.at = *sp;
	layout->start_stack = *sp;
	put_word(&w, (unsigned long)bprm->argc);
	layout->arg_start = strings;
	put_strings(&w, bprm->argc, &strings);
	layout->arg_end = layout->env_start = strings;
	put_strings(&w, bprm->envc, &strings);
	layout->env_end = strings;
	put_auxv(&w, bprm, st, platform, random);
	flush_words(&w);
	return w.failed ? -EFAULT : 0;
}
