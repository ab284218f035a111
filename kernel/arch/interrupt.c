/* SPDX-License-Identifier: MIT */
/* interrupt.c - vectors, the I/O APICs that raise them, and the dispatch. */
#include "arch/interrupt.h"

#include "arch/acpi.h"
#include "arch/clock.h"
#include "arch/io.h"
#include "arch/lapic.h"
#include "arch/paging.h"
#include "arch/percpu.h"
#include "arch/rawlock.h"
#include "arch/smp.h"
#include "arch/traps.h"
#include "base/compiler.h"
#include "boot/linker.h"
#include "lib/printk.h"
#include "quire/errno.h"

#define NR_VECTORS	(VECTOR_LAST - VECTOR_FIRST + 1)
#define GSI_MESSAGE	(~0u)

struct vector {
	irq_handler_t handler;
	void *data;
	const char *name;
	unsigned int gsi;
	uint64_t count;
};

static struct vector vectors[NR_VECTORS];	/* vector_lock to add */
static unsigned int nr_vectors;			/* vector_lock */
static struct raw_lock vector_lock;

#define IOAPIC_VERSION	1
#define IOAPIC_ENTRY	0x10	/* two words for each pin */
#define ENTRY_MASKED	(1u << 16)
#define ENTRY_LEVEL	(1u << 15)
#define ENTRY_LOW	(1u << 13)

struct ioapic {
	volatile uint32_t *select;	/* the data word is 16 bytes further */
	unsigned int first_gsi, nr_pins;
};

static struct ioapic ioapics[ACPI_MAX_IOAPICS];
static unsigned int nr_ioapics;

static uint32_t ioapic_read(const struct ioapic *io, unsigned int reg)
{
	io->select[0] = reg;
	return io->select[4];
}

static void ioapic_write(const struct ioapic *io, unsigned int reg, uint32_t value)
{
	io->select[0] = reg;
	io->select[4] = value;
}

static void __init ioapic_init(uint64_t phys, unsigned int first_gsi)
{
	struct ioapic *io = &ioapics[nr_ioapics];
	unsigned int pin;

	io->select = mmio_map(phys);
	if (!io->select)
		return;
	io->first_gsi = first_gsi;
	io->nr_pins = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
	for (pin = 0; pin < io->nr_pins; pin++)
		ioapic_write(io, IOAPIC_ENTRY + 2 * pin, ENTRY_MASKED);
	nr_ioapics++;
	pr_info("IOAPIC[%u]: address 0x%llx, GSI %u-%u", nr_ioapics - 1, (unsigned long long)phys,
		first_gsi, first_gsi + io->nr_pins - 1);
}

/* The two 8259s would deliver on vectors of exceptions: moved away and masked. */
static void __init pic_disable(void)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0x20);
	outb(0xa1, 0x28);
	outb(0x21, 0x04);
	outb(0xa1, 0x02);
	outb(0x21, 0x01);
	outb(0xa1, 0x01);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void __init interrupt_init(void)
{
	unsigned int i;

	pic_disable();
	for (i = 0; i < acpi.nr_ioapics; i++)
		ioapic_init(acpi.ioapics[i].phys, acpi.ioapics[i].first_gsi);
}

static int add_vector(irq_handler_t handler, void *data, const char *name, unsigned int gsi)
{
	unsigned long flags = raw_lock_irqsave(&vector_lock);
	int n = -ENOSPC;

	if (nr_vectors < NR_VECTORS) {
		n = nr_vectors++;
		vectors[n] = (struct vector){ handler, data, name, gsi, 0 };
	}
	raw_unlock_irqrestore(&vector_lock, flags);
	return n < 0 ? n : n + VECTOR_FIRST;
}

static bool gsi_taken(unsigned int gsi)
{
	unsigned int i;

	for (i = 0; i < nr_vectors; i++)
		if (vectors[i].gsi == gsi)
			return true;
	return false;
}

int request_irq(unsigned int gsi, irq_handler_t handler, void *data, const char *name)
{
	bool level = gsi >= 16, low = gsi >= 16;	/* PCI lines; ISA lines are edges */
	const struct ioapic *io;
	unsigned int i, pin;
	int vector;

	for (i = 0; i < acpi.nr_overrides; i++) {
		if (acpi.overrides[i].isa_irq != gsi)
			continue;
		gsi = acpi.overrides[i].gsi;
		level = acpi.overrides[i].level;
		low = acpi.overrides[i].low;
		break;
	}
	for (i = 0; i < nr_ioapics; i++)
		if (gsi >= ioapics[i].first_gsi && gsi < ioapics[i].first_gsi + ioapics[i].nr_pins)
			break;
	if (i == nr_ioapics)
		return -EINVAL;
	if (gsi_taken(gsi))
		return -EBUSY;
	vector = add_vector(handler, data, name, gsi);
	if (vector < 0)
		return vector;
	io = &ioapics[i];
	pin = gsi - io->first_gsi;
	ioapic_write(io, IOAPIC_ENTRY + 2 * pin + 1, percpu_of(0)->apic_id << 24);
	ioapic_write(io, IOAPIC_ENTRY + 2 * pin, vector | (level ? ENTRY_LEVEL : 0) | (low ? ENTRY_LOW : 0));
	return 0;
}

int request_msi(irq_handler_t handler, void *data, const char *name, uint64_t *address,
		uint32_t *message)
{
	int vector = add_vector(handler, data, name, GSI_MESSAGE);

	if (vector < 0)
		return vector;
	*address = 0xfee00000ull | percpu_of(0)->apic_id << 12;
	*message = vector;
	return 0;
}

struct irq_info irq_describe(unsigned int i)
{
	if (i >= nr_vectors)
		return (struct irq_info){ 0 };
	return (struct irq_info){ vectors[i].name, vectors[i].gsi, vectors[i].count };
}

static void device_interrupt(unsigned int vector)
{
	struct vector *v = &vectors[vector - VECTOR_FIRST];

	if (vector < VECTOR_FIRST || vector - VECTOR_FIRST >= nr_vectors)
		return;
	v->count++;
	v->handler(v->data);
}

/* Interrupts are off. They come one at a time: a handler never switches them on. */
void do_irq(struct pt_regs *regs)
{
	unsigned int vector = ~regs->orig_ax;
	struct quire_ctx *outer = this_percpu.ctx;

	this_percpu.ctx = this_percpu.irq_ctx;
	this_percpu.irq_regs = regs;
	this_percpu.irq_depth++;
	this_percpu.nr_interrupts++;
	if (vector == VECTOR_TIMER)
		clock_interrupt();
	else if (vector == VECTOR_CALL)
		smp_call_interrupt();
	else if (vector != VECTOR_RESCHED)
		device_interrupt(vector);
	if (vector != VECTOR_SPURIOUS)
		lapic_eoi();
	this_percpu.irq_depth--;
	this_percpu.irq_regs = NULL;
	this_percpu.ctx = outer;
}
