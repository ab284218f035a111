/* SPDX-License-Identifier: MIT */
/* clock.c - the TSC as clock, the APIC timer as alarm, and what they are measured against. */
#include "arch/clock.h"

#include <stdbool.h>

#include "arch/acpi.h"
#include "arch/io.h"
#include "arch/lapic.h"
#include "arch/percpu.h"
#include "arch/rtc.h"
#include "boot/linker.h"
#include "lib/printk.h"
#include "sync/spinlock.h"
#include "vdso/data.h"

/* ns = base_ns + (tsc - base_tsc) * mult >> 32 */
static uint64_t base_tsc, base_ns, mult;
static unsigned long tsc_khz;
/* APIC timer ticks in a nanosecond, 32 bits behind the point */
static uint64_t alarm_mult;
static uint64_t wall_offset;	/* (a) CLOCK_REALTIME - CLOCK_MONOTONIC */
static void (*alarm_handler)(void);
/* What programs read, and who may change it. */
static struct vdso_data *published;
static DEFINE_SPINLOCK(publish_lock, LOCK_LEAF);

uint64_t ktime_get_ns(void)
{
	return base_ns + vdso_scale(rdtsc() - base_tsc, mult);
}

uint64_t ktime_get_real_ns(void)
{
	return ktime_get_ns() + __atomic_load_n(&wall_offset, __ATOMIC_RELAXED);
}

/* The lock held, interrupts off. */
static void clock_publish_locked(void)
{
	struct vdso_data *d = published;

	if (!d)
		return;
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&d->base_tsc, base_tsc, __ATOMIC_RELAXED);
	__atomic_store_n(&d->base_ns, base_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&d->mult, mult, __ATOMIC_RELAXED);
	__atomic_store_n(&d->wall_offset_ns, wall_offset, __ATOMIC_RELAXED);
	/* Release: pairs with the first acquire in read_ns() of the vdso. */
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_RELEASE);
}

void clock_publish_to(struct vdso_data *page)
{
	unsigned long flags;

	spin_lock_irqsave(&publish_lock, flags);
	published = page;
	clock_publish_locked();
	spin_unlock_irqrestore(&publish_lock, flags);
}

void ktime_set_real_ns(uint64_t ns)
{
	unsigned long flags;

	spin_lock_irqsave(&publish_lock, flags);
	__atomic_store_n(&wall_offset, ns - ktime_get_ns(), __ATOMIC_RELAXED);
	clock_publish_locked();
	spin_unlock_irqrestore(&publish_lock, flags);
}

unsigned long clock_tsc_khz(void)
{
	return tsc_khz;
}

void udelay(unsigned long usec)
{
	uint64_t end = ktime_get_ns() + usec * NSEC_PER_USEC;

	while (ktime_get_ns() < end)
		__asm__ volatile("pause");
}

/*
 * A reference counter whose rate is known: the ACPI timer, or channel 0 of the PIT. Both count
 * up here, modulo mask + 1.
 */
struct reference {
	uint32_t (*read)(void);
	uint32_t mask;
	uint32_t hz;
};

static uint32_t pm_timer_read(void)
{
	return inl(acpi.pm_timer_port);
}

static uint32_t pit_read(void)
{
	uint32_t count;

	outb(0x43, 0x00);		/* latch channel 0 */
	count = inb(0x40);
	count |= inb(0x40) << 8;
	return -count;
}

static const struct reference pm_timer = { pm_timer_read, 0xffffff, 3579545 };
static const struct reference pit = { pit_read, 0xffff, 1193182 };
static const struct reference *reference;

struct sample {
	uint64_t tsc;
	uint32_t count, alarm;
};

static struct sample first_sample;

/* All three counters at one time: of several tries the one that was disturbed least. */
static struct sample take_sample(void)
{
	struct sample best = { 0 };
	uint64_t shortest = UINT64_MAX;
	int i;

	for (i = 0; i < 4; i++) {
		struct sample s;
		uint64_t before = rdtsc(), after;

		s.count = reference->read();
		after = rdtsc();
		s.alarm = lapic_timer_left();
		s.tsc = before + (after - before) / 2;
		if (after - before < shortest) {
			shortest = after - before;
			best = s;
		}
	}
	return best;
}

static bool __init reference_works(const struct reference *candidate)
{
	uint32_t start = candidate->read();
	int i;

	for (i = 0; i < 1000; i++)
		if (candidate->read() != start)
			return true;
	return false;
}

static void __init choose_reference(void)
{
	if (acpi.pm_timer_port && reference_works(&pm_timer)) {
		reference = &pm_timer;
		return;
	}
	outb(0x43, 0x34);		/* channel 0: rate generator, low byte first */
	outb(0x40, 0);
	outb(0x40, 0);			/* 65536 */
	if (reference_works(&pit))
		reference = &pit;
}

/* Counts of the reference from @a to @b; @expected tells how often it may have wrapped. */
static uint64_t reference_ticks(const struct sample *a, const struct sample *b, uint64_t expected)
{
	uint64_t period = (uint64_t)reference->mask + 1;
	uint64_t ticks = (b->count - a->count) & reference->mask;

	while (ticks + period / 2 < expected)
		ticks += period;
	return ticks;
}

static void set_rates(uint64_t tsc_hz, uint64_t alarm_hz)
{
	uint64_t now_tsc = rdtsc();

	base_ns += vdso_scale(now_tsc - base_tsc, mult);
	base_tsc = now_tsc;
	mult = ((NSEC_PER_SEC << 32) + tsc_hz / 2) / tsc_hz;
	alarm_mult = (alarm_hz << 32) / NSEC_PER_SEC;
	tsc_khz = (tsc_hz + 500) / 1000;
}

/* Long enough for half a percent; clock_refine() does the rest without waiting. */
#define FIRST_WAIT_USEC	500

/* Rates from two samples, which lie seconds apart at most: the products fit 64 bits. */
static void measure(const struct sample *a, const struct sample *b, uint64_t expected,
		    uint64_t *tsc_hz, uint64_t *alarm_hz)
{
	uint64_t ticks = reference_ticks(a, b, expected);

	*tsc_hz = (b->tsc - a->tsc) * reference->hz / ticks;
	*alarm_hz = (uint64_t)(a->alarm - b->alarm) * reference->hz / ticks;
}

/* The rate that the CPU or the hypervisor states, or 0. */
static uint64_t __init stated_tsc_hz(void)
{
	struct cpuid r;

	if (cpuid(1, 0).c & 1u << 31 && cpuid(0x40000000, 0).a >= 0x40000010)
		return cpuid(0x40000010, 0).a * 1000ull;
	if (cpuid(0, 0).a < 0x15)
		return 0;
	r = cpuid(0x15, 0);
	return r.a && r.b && r.c ? (uint64_t)r.c * r.b / r.a : 0;
}

/* Neither timer there: the APIC timer's usual rate under hypervisors is all there is to go by. */
#define ALARM_HZ_ASSUMED (NSEC_PER_SEC / 16)

static void __init measure_without_reference(void)
{
	uint64_t hz = stated_tsc_hz(), start = rdtsc();
	uint32_t left;

	lapic_timer_start(UINT32_MAX);
	do {
		left = lapic_timer_left();
	} while (left > UINT32_MAX - ALARM_HZ_ASSUMED / 1000);
	if (!hz)
		hz = (rdtsc() - start) * ALARM_HZ_ASSUMED / (UINT32_MAX - left);
	set_rates(hz, ALARM_HZ_ASSUMED);
	lapic_timer_start(0);
}

void __init clock_init(void)
{
	uint64_t tsc_hz, alarm_hz;
	struct sample now;

	base_tsc = rdtsc();
	this_percpu.alarm_ns = CLOCK_NEVER;
	choose_reference();
	if (!reference) {
		measure_without_reference();
	} else {
		lapic_timer_start(UINT32_MAX);
		first_sample = take_sample();
		do {
			now = take_sample();
		} while (((now.count - first_sample.count) & reference->mask) <
			 reference->hz / 1000 * FIRST_WAIT_USEC / 1000);
		measure(&first_sample, &now, 0, &tsc_hz, &alarm_hz);
		set_rates(tsc_hz, alarm_hz);
	}
	wall_offset = rtc_read_seconds() * NSEC_PER_SEC - ktime_get_ns();
}

void clock_refine(void)
{
	uint64_t tsc_hz, alarm_hz, expected;
	struct sample now;

	if (!reference)
		return;
	now = take_sample();
	lapic_timer_start(0);
	expected = (now.tsc - first_sample.tsc) * reference->hz / (tsc_khz * 1000);
	measure(&first_sample, &now, expected, &tsc_hz, &alarm_hz);
	if (tsc_hz / 1000 < tsc_khz - tsc_khz / 50 || tsc_hz / 1000 > tsc_khz + tsc_khz / 50)
		return;
	set_rates(tsc_hz, alarm_hz);
	pr_info("tsc: %lu.%03lu MHz processor, by the %s", tsc_khz / 1000, tsc_khz % 1000,
		reference == &pit ? "PIT" : "ACPI timer");
}

void clock_init_cpu(void)
{
	this_percpu.alarm_ns = CLOCK_NEVER;
	lapic_timer_start(0);
}

/* The most that one start of the 32-bit counter may wait; a longer alarm is set in parts. */
#define ALARM_TICKS_MAX	0x7fffffffull

static void start_alarm(uint64_t now, uint64_t expires)
{
	uint64_t ticks = expires > now ? vdso_scale(expires - now, alarm_mult) + 1 : 1;

	lapic_timer_start(ticks < ALARM_TICKS_MAX ? ticks : ALARM_TICKS_MAX);
}

void clock_set_next_event(uint64_t expires)
{
	this_percpu.alarm_ns = expires;
	if (expires == CLOCK_NEVER)
		lapic_timer_start(0);
	else
		start_alarm(ktime_get_ns(), expires);
}

void clock_set_handler(void (*handler)(void))
{
	alarm_handler = handler;
}

void clock_interrupt(void)
{
	uint64_t expires = this_percpu.alarm_ns;
	uint64_t now = ktime_get_ns();

	if (now < expires) {
		if (expires != CLOCK_NEVER)
			start_alarm(now, expires);
		return;
	}
	this_percpu.alarm_ns = CLOCK_NEVER;
	alarm_handler();
}
