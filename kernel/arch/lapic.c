/* SPDX-License-Identifier: MIT */
/* lapic.c - the local APIC. */
#include "arch/lapic.h"

#include "arch/interrupt.h"
#include "arch/io.h"
#include "arch/paging.h"
#include "lib/printk.h"

/* Register offsets; an x2APIC's MSR is MSR_X2APIC + offset / 16. */
enum { REG_ID = 0x20, REG_TPR = 0x80, REG_EOI = 0xb0, REG_LDR = 0xd0, REG_DFR = 0xe0, REG_SPURIOUS = 0xf0,
       REG_ICR = 0x300, REG_ICR_HIGH = 0x310, REG_LVT_TIMER = 0x320, REG_LVT_LINT0 = 0x350,
       REG_LVT_LINT1 = 0x360, REG_LVT_ERROR = 0x370, REG_TIMER_INITIAL = 0x380,
       REG_TIMER_CURRENT = 0x390, REG_TIMER_DIVIDE = 0x3e0 };

#define SPURIOUS_ENABLE	0x100
#define LVT_MASKED	0x10000
#define LVT_NMI		0x400
#define ICR_PENDING	0x1000
#define ICR_ASSERT	0x4000
#define ICR_NMI		0x400
#define ICR_INIT	0x500
#define ICR_STARTUP	0x600
#define DIVIDE_BY_16	0x3
#define BASE_X2APIC	(1u << 10)
#define BASE_ENABLE	(1u << 11)

static volatile char *registers;
static bool x2apic;

static uint32_t read_reg(unsigned int reg)
{
	if (x2apic)
		return rdmsr(MSR_X2APIC + reg / 16);
	return *(volatile uint32_t *)(registers + reg);
}

static void write_reg(unsigned int reg, uint32_t value)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + reg / 16, value);
	else
		*(volatile uint32_t *)(registers + reg) = value;
}

void lapic_init(uint64_t phys)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	x2apic = base & BASE_X2APIC;
	if (!x2apic)
		registers = mmio_map(phys ? phys : base & 0xffffffffff000);
	if (!x2apic && !registers)
		panic("no room to map the local APIC");
}

void lapic_init_cpu(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BASE_ENABLE | (x2apic ? BASE_X2APIC : 0));
	write_reg(REG_TPR, 0);
	if (!x2apic) {
		write_reg(REG_DFR, 0xffffffff);
		write_reg(REG_LDR, 0);
	}
	write_reg(REG_LVT_LINT0, LVT_MASKED);
	write_reg(REG_LVT_LINT1, LVT_NMI);
	write_reg(REG_LVT_ERROR, LVT_MASKED);
	write_reg(REG_TIMER_DIVIDE, DIVIDE_BY_16);
	write_reg(REG_LVT_TIMER, VECTOR_TIMER);
	write_reg(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}

unsigned int lapic_id(void)
{
	return x2apic ? read_reg(REG_ID) : read_reg(REG_ID) >> 24;
}

void lapic_eoi(void)
{
	write_reg(REG_EOI, 0);
}

/* An interrupt between the two halves could send one of its own. */
static void write_icr(unsigned int id, uint32_t command)
{
	unsigned long flags;

	if (x2apic) {
		wrmsr(MSR_X2APIC + REG_ICR / 16, (uint64_t)id << 32 | command);
		return;
	}
	__asm__ volatile("pushf; pop %0; cli" : "=r"(flags) :: "memory");
	while (read_reg(REG_ICR) & ICR_PENDING)
		__asm__ volatile("pause");
	write_reg(REG_ICR_HIGH, id << 24);
	write_reg(REG_ICR, command);
	__asm__ volatile("push %0; popf" :: "r"(flags) : "memory", "cc");
}

void lapic_send(unsigned int id, unsigned int vector)
{
	/* what the other CPU will look at must be there before the message is */
	__asm__ volatile("mfence" ::: "memory");
	write_icr(id, ICR_ASSERT | vector);
}

void lapic_send_nmi(unsigned int id)
{
	write_icr(id, ICR_ASSERT | ICR_NMI);
}

void lapic_send_init(unsigned int id)
{
	write_icr(id, ICR_ASSERT | ICR_INIT);
}

void lapic_send_startup(unsigned int id, unsigned int page)
{
	write_icr(id, ICR_ASSERT | ICR_STARTUP | page);
}

void lapic_timer_start(uint32_t ticks)
{
	write_reg(REG_TIMER_INITIAL, ticks);
}

uint32_t lapic_timer_left(void)
{
	return read_reg(REG_TIMER_CURRENT);
}
