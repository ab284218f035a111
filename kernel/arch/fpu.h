/* SPDX-License-Identifier: MIT */
/*
 * fpu.h - floating point and vector registers of user tasks.
 *
 * The kernel itself is compiled without them, so they are saved and loaded only when another user
 * task gets the CPU (switch_to does), and looked at for fork, exec and signals.
 *
 * [F1] thread->fpu is 64-byte aligned and fpu_state_size() bytes long; NULL for kernel threads.
 * [F2] While a task runs, its registers are newer than its image, unless the image was just loaded.
 * Lock: none, a task's own; interrupts may be on. Sleeps: the user copies. Allocates: never.
 */
#ifndef KERNEL_ARCH_FPU_H
#define KERNEL_ARCH_FPU_H

#include <stddef.h>
#include <stdint.h>

struct thread_struct;

void fpu_init(void);		/* boot CPU: what there is and how large */
void fpu_init_cpu(void);	/* every CPU */

/* Bytes of an image. */
size_t fpu_state_size(void);
/* A fresh image, as after exec. */
void fpu_state_init(void *image);
/* Child's image from the running parent's registers. */
void fpu_fork(struct thread_struct *child);
/* exec: the running task starts with fresh registers. */
void fpu_reset_current(void);

/* Called by switch_to, interrupts off. */
void fpu_switch(struct thread_struct *prev, struct thread_struct *next);

/* Bytes that a signal frame needs for the registers; the address must be a multiple of 64. */
size_t fpu_frame_size(void);
/* Saves the running task's registers to user memory in Linux's format. 0 or -EFAULT. */
int fpu_save_to_user(void *frame);
/* Loads them back from a signal frame (NULL: fresh registers). 0, -EFAULT; bad contents load nothing. */
int fpu_restore_from_user(const void *frame);

/* Rights of protection keys, the PKRU register: two bits a key, 1 no access, 2 no writing. Only where the CPU has it.
 * The running task's rights for one key become `bits`. */
void pkru_set_key(unsigned int key, uint32_t bits);
#define PKRU_NO_ACCESS 1u
/* The running task may not access memory of the key; whether it may write it afterwards stays as it is. */
void pkru_deny_key(unsigned int key);

#endif
