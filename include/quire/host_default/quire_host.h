/* SPDX-License-Identifier: MIT */
/*
 * quire_host.h - what the library asks its host most often, as calls that any embedder can fill in.
 *
 * The installed libquire.a is compiled with this header. A host that wants these answers inline
 * compiles the library with a header of its own by this name instead: kernel/include has one.
 *
 * Context: any, also with interrupts off. Sleeps: never. Allocates: never.
 */
#ifndef QUIRE_HOST_H
#define QUIRE_HOST_H

struct quire;
struct quire_ctx;

struct quire *quire_host_machine(void);      /* the machine whose memory this is                */
unsigned int quire_host_cpu(void);           /* this CPU's number, below QUIRE_MAX_CPUS         */
struct quire_ctx *quire_host_ctx(void);      /* of what runs here: a task, or an interrupt      */
void quire_host_cpu_pin(void);               /* until the unpin no other CPU goes on with this; */
void quire_host_cpu_unpin(void);             /* pairs nest                                      */
void quire_host_relax(void);                 /* a waiting loop goes round once more             */

static inline struct quire *this_quire(void)
{
	return quire_host_machine();
}

static inline unsigned int this_cpu(void)
{
	return quire_host_cpu();
}

static inline struct quire_ctx *this_ctx(void)
{
	return quire_host_ctx();
}

static inline void cpu_pin(void)
{
	quire_host_cpu_pin();
}

static inline void cpu_unpin(void)
{
	quire_host_cpu_unpin();
}

#endif
