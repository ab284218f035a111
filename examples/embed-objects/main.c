/* SPDX-License-Identifier: MIT */
/*
 * embed-objects: the first two tiers, frames and the objects cut from them. The port and the host's
 * answers are those of embed-frames; one more call, quire_init_objects().
 */
#include "../lib/example.h"
#include "quire/ctx.h"
#include "quire/gfp.h"
#include "quire/slab.h"
#include "quire/stats.h"
#include "quire_host.h"

static struct quire_place place;
static struct quire_ctx context;

struct quire *quire_host_machine(void)
{
	return (struct quire *)&place;
}

unsigned int quire_host_cpu(void)
{
	return 0;
}

struct quire_ctx *quire_host_ctx(void)
{
	return &context;
}

void quire_host_cpu_pin(void)
{
}

void quire_host_cpu_unpin(void)
{
}

void quire_host_relax(void)
{
}

static void log_line(int level, const char *text, size_t len)
{
	if (level <= QUIRE_LOG_WARNING)
		example_say("quire: %s", text);
}

static void __attribute__((noreturn)) panic(const char *text)
{
	example_say("panic: %s", text);
	example_end(false);
}

static const struct quire_port port = { .log = log_line, .panic = panic, .now_ns = example_now_ns };

/* ---- the program: a list of the primes below a million, one object each ---- */

#define PRIMES_BELOW	1000000u

struct prime {
	struct prime *next;
	unsigned int value;
};

static struct kmem_cache *cache;

static struct prime *find_primes(void)
{
	unsigned char *composite = kzalloc(PRIMES_BELOW, GFP_KERNEL);
	struct prime *first = NULL;

	if (!composite)
		return NULL;
	for (unsigned int n = 2; n < PRIMES_BELOW; n++) {
		struct prime *prime;

		if (composite[n])
			continue;
		prime = kmem_cache_alloc(cache, GFP_KERNEL);
		if (!prime)
			break;
		*prime = (struct prime){ .next = first, .value = n };
		first = prime;
		for (unsigned long m = (unsigned long)n * n; m < PRIMES_BELOW; m += n)
			composite[m] = 1;
	}
	kfree(composite);
	return first;
}

static int show(struct text_sink *sink, const char *text, size_t len)
{
	example_text(text, len);
	return 0;
}

static struct text_sink screen = { .write = show };

void example_main(void)
{
	static struct quire_map_entry map[32];
	static struct quire_boot boot = { .port = &port, .map = map, .nr_cpus = 1 };
	struct prime *first, *next;
	unsigned int nr = 0;

	boot.image = example_image();
	boot.nr_map = example_memory_map(map, 32);
	if (quire_start(&boot) || quire_add_memory_map() || quire_init_frames() || quire_init_objects())
		example_end(false);
	cache = KMEM_CACHE(prime, 0);
	if (!cache)
		example_end(false);
	first = find_primes();
	quire_show_slabinfo(&screen);
	for (; first; first = next, nr++) {
		next = first->next;
		kmem_cache_free(cache, first);
	}
	kmem_cache_destroy(cache);
	example_say("%u primes below %u, and their memory is free again", nr, PRIMES_BELOW);
	example_end(nr == 78498);
}
