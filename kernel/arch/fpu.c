/* SPDX-License-Identifier: MIT */
/* fpu.c - images of floating point and vector registers: FXSAVE, or XSAVE where the CPU has it. */
#include "arch/fpu.h"

#include <stdbool.h>

#include "arch/current.h"
#include "arch/io.h"
#include "base/string.h"
#include "boot/linker.h"
#include "lib/printk.h"
#include "quire/errno.h"
#include "quire/uaccess.h"

#define FXSAVE_BYTES	512
#define XSAVE_HEADER	64
#define SW_RESERVED	464	/* offset of the words that software owns in an FXSAVE image */
#define MXCSR_OFFSET	24
#define MXCSR_DEFAULT	0x1f80u
#define FCW_DEFAULT	0x37fu

/*
 * Parts of XSAVE: x87, SSE, AVX, and the three of AVX-512. Others (AMX) stay off, also PKRU: it must hold whenever the kernel
 * touches user memory, and lies so far behind the others that its four bytes would triple every image. A signal frame has it
 * at XSAVE's place all the same, because programs look for it there.
 */
#define XFEATURES_WANTED 0xe7u
#define XFEATURES_LEGACY 0x3u
#define XFEATURE_PKRU	9u
#define PKRU_BYTES	8
/* Bytes of the largest image: with AVX-512 in the standard layout. */
#define STATE_MAX	2752

#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u

/* Every key but 0 denied, as programs find it on Linux. */
#define PKRU_INIT	0x55555554u

static bool has_xsave, has_pkru;
static uint64_t xfeatures = XFEATURES_LEGACY;
static size_t state_size = FXSAVE_BYTES;
static size_t user_size = FXSAVE_BYTES;		/* of the image in a signal frame: with PKRU */
static size_t pkru_offset;
static uint32_t mxcsr_mask = 0xffbf;

/* What Linux puts into a signal frame's software words. */
struct sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size;
	uint32_t padding[7];
};

/* ---- PKRU ---- */

static uint32_t read_pkru(void)
{
	uint32_t value, unused;

	__asm__ volatile("rdpkru" : "=a"(value), "=d"(unused) : "c"(0));
	return value;
}

static void write_pkru(uint32_t value)
{
	__asm__ volatile("wrpkru" :: "a"(value), "c"(0), "d"(0) : "memory");
}

void pkru_set_key(unsigned int key, uint32_t bits)
{
	write_pkru((read_pkru() & ~(3u << 2 * key)) | bits << 2 * key);
}

void pkru_deny_key(unsigned int key)
{
	if (!(read_pkru() >> 2 * key & PKRU_NO_ACCESS))
		pkru_set_key(key, PKRU_NO_ACCESS);
}

static void pkru_switch(struct thread_struct *prev, struct thread_struct *next)
{
	uint32_t now = read_pkru();

	prev->pkru = now;
	/* Kernel threads touch no user memory. */
	if (next->fpu && next->pkru != now)
		write_pkru(next->pkru);
}

/* ---- images ---- */

size_t fpu_state_size(void)
{
	return state_size;
}

void fpu_init_cpu(void)
{
	unsigned long cr0 = read_cr0();

	cr0 &= ~(1UL << 2 | 1UL << 3);			/* EM, TS */
	cr0 |= 1UL << 1 | 1UL << 5;			/* MP, NE */
	__asm__ volatile("mov %0, %%cr0" :: "r"(cr0));
	if (has_xsave) {
		write_cr4(read_cr4() | CR4_OSXSAVE);
		__asm__ volatile("xsetbv" :: "c"(0), "a"((uint32_t)xfeatures),
				 "d"((uint32_t)(xfeatures >> 32)));
	}
	if (has_pkru) {
		write_cr4(read_cr4() | CR4_PKE);
		write_pkru(PKRU_INIT);
	}
	__asm__ volatile("fninit");
}

static void save(void *image)
{
	if (has_xsave)
		__asm__ volatile("xsave" FPU_SUFFIX " (%0)" :: "r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxsave" FPU_SUFFIX " (%0)" :: "r"(image) : "memory");
}

static void load(const void *image)
{
	if (has_xsave)
		__asm__ volatile("xrstor" FPU_SUFFIX " (%0)" :: "r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxrstor" FPU_SUFFIX " (%0)" :: "r"(image) : "memory");
}

void __init fpu_init(void)
{
	static uint8_t probe[FXSAVE_BYTES] __attribute__((aligned(16))) __initdata;
	uint32_t mask;

	if (cpuid(1, 0).c & 1u << 26) {
		xfeatures = cpuid(0xd, 0).a & XFEATURES_WANTED;
		has_xsave = true;
		has_pkru = cpuid(0, 0).a >= 7 && (cpuid(7, 0).c & 1u << 3);
	}
	fpu_init_cpu();
	if (has_xsave)
		state_size = (cpuid(0xd, 0).b + 63) & ~63u;
	user_size = state_size;
	if (has_pkru) {
		pkru_offset = cpuid(0xd, XFEATURE_PKRU).b ?: state_size;
		if (user_size < pkru_offset + PKRU_BYTES)
			user_size = pkru_offset + PKRU_BYTES;
	}
	if (state_size > STATE_MAX)
		panic("an FPU image of %zu bytes", state_size);
	__asm__ volatile("fxsave" FPU_SUFFIX " (%0)" :: "r"(probe) : "memory");
	memcpy(&mask, probe + MXCSR_OFFSET + 4, sizeof(mask));
	if (mask)
		mxcsr_mask = mask;
}

void fpu_state_init(void *image)
{
	uint16_t fcw = FCW_DEFAULT;
	uint32_t mxcsr = MXCSR_DEFAULT;

	memset(image, 0, state_size);
	memcpy(image, &fcw, sizeof(fcw));
	memcpy((char *)image + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}

void fpu_fork(struct thread_struct *child)
{
	child->fpu_cpu = -1;
	child->pkru = PKRU_INIT;
	if (!current_thread()->fpu) {
		fpu_state_init(child->fpu);
		return;
	}
	if (has_pkru)
		child->pkru = read_pkru();
	memset((char *)child->fpu + FXSAVE_BYTES, 0, state_size > FXSAVE_BYTES ? XSAVE_HEADER : 0);
	save(child->fpu);
}

/* Loads @image into the registers as the running task's own. */
static void load_current(const void *image)
{
	struct thread_struct *t = current_thread();

	load(image);
	t->fpu_cpu = this_percpu.cpu;
	this_percpu.fpu_owner = t;
}

void fpu_reset_current(void)
{
	fpu_state_init(current_thread()->fpu);
	load_current(current_thread()->fpu);
	if (has_pkru)
		write_pkru(PKRU_INIT);
}

void fpu_switch(struct thread_struct *prev, struct thread_struct *next)
{
	unsigned int cpu = this_percpu.cpu;

	if (has_pkru)
		pkru_switch(prev, next);
	if (prev->fpu) {
		save(prev->fpu);
		prev->fpu_cpu = cpu;
		this_percpu.fpu_owner = prev;
	}
	if (next->fpu && !(this_percpu.fpu_owner == next && next->fpu_cpu == (int)cpu)) {
		load(next->fpu);
		next->fpu_cpu = cpu;
		this_percpu.fpu_owner = next;
	}
}

size_t fpu_frame_size(void)
{
	return has_xsave ? user_size + sizeof(uint32_t) : FXSAVE_BYTES;
}

/* PKRU goes where XSAVE would put it, and the header says that it is there. */
static int pkru_to_user(char *frame, uint32_t pkru)
{
	uint64_t value = pkru, header;

	memcpy(&header, (char *)current_thread()->fpu + FXSAVE_BYTES, sizeof(header));
	header |= 1ull << XFEATURE_PKRU;
	if (pkru_offset > state_size && clear_user(frame + state_size, pkru_offset - state_size))
		return -EFAULT;
	return copy_to_user(frame + pkru_offset, &value, sizeof(value)) ||
	       copy_to_user(frame + FXSAVE_BYTES, &header, sizeof(header)) ? -EFAULT : 0;
}

int fpu_save_to_user(void *frame)
{
	struct thread_struct *t = current_thread();
	struct sw_bytes sw = { 0 };
	uint32_t magic2 = FP_XSTATE_MAGIC2, pkru = 0;

	save(t->fpu);
	if (has_pkru) {
		/* The handler starts with the rights of a new program, and the frame is written with them. */
		pkru = read_pkru();
		write_pkru(PKRU_INIT);
	}
	if (has_xsave) {
		sw.magic1 = FP_XSTATE_MAGIC1;
		sw.extended_size = user_size + sizeof(magic2);
		sw.xfeatures = xfeatures | (has_pkru ? 1ull << XFEATURE_PKRU : 0);
		sw.xstate_size = user_size;
		if (copy_to_user((char *)frame + user_size, &magic2, sizeof(magic2)))
			return -EFAULT;
	}
	memcpy((char *)t->fpu + SW_RESERVED, &sw, sizeof(sw));
	if (copy_to_user(frame, t->fpu, state_size))
		return -EFAULT;
	return has_pkru ? pkru_to_user(frame, pkru) : 0;
}

/* The frame has more than FXSAVE's part, laid out as here. */
static bool is_extended(const char *image)
{
	const struct sw_bytes *sw = (const void *)(image + SW_RESERVED);

	return has_xsave && sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size == user_size;
}

/* A frame may have been written by the program: what would make XRSTOR fault is put right. */
static void sanitise_image(char *image)
{
	uint32_t mxcsr;
	uint64_t *header = (uint64_t *)(image + FXSAVE_BYTES);

	memcpy(&mxcsr, image + MXCSR_OFFSET, sizeof(mxcsr));
	mxcsr &= mxcsr_mask;
	memcpy(image + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
	if (!has_xsave)
		return;
	if (is_extended(image))
		header[0] &= xfeatures;
	else
		header[0] = XFEATURES_LEGACY;
	memset(&header[1], 0, XSAVE_HEADER - sizeof(header[0]));
}

/* The rights that the frame asks for: XSAVE's for a part that its header leaves out is zero. */
static int pkru_from_user(const char *frame, const char *image, uint32_t *pkru)
{
	const struct sw_bytes *sw = (const void *)(image + SW_RESERVED);
	uint64_t header;

	*pkru = PKRU_INIT;
	if (!is_extended(image) || !(sw->xfeatures >> XFEATURE_PKRU & 1))
		return 0;
	memcpy(&header, image + FXSAVE_BYTES, sizeof(header));
	*pkru = 0;
	if (!(header >> XFEATURE_PKRU & 1))
		return 0;
	return copy_from_user(pkru, frame + pkru_offset, sizeof(*pkru)) ? -EFAULT : 0;
}

/* The copy may sleep, and a task switch saves over t->fpu: so by way of a buffer. */
int fpu_restore_from_user(const void *frame)
{
	char image[STATE_MAX] __attribute__((aligned(64)));
	uint32_t pkru = PKRU_INIT;

	if (!frame) {
		fpu_reset_current();
		return 0;
	}
	memset(image, 0, state_size);
	if (copy_from_user(image, frame, FXSAVE_BYTES))
		return -EFAULT;
	if (is_extended(image) &&
	    copy_from_user(image + FXSAVE_BYTES, (const char *)frame + FXSAVE_BYTES, state_size - FXSAVE_BYTES))
		return -EFAULT;
	if (has_pkru && pkru_from_user(frame, image, &pkru))
		return -EFAULT;
	sanitise_image(image);
	load_current(image);
	if (has_pkru)
		write_pkru(pkru);
	return 0;
}
