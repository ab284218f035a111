/* SPDX-License-Identifier: MIT */
/*
 * random.c - ChaCha20 (Bernstein, "ChaCha, a variant of Salsa20", 2008) as a generator with fast
 * key erasure.
 *
 * Each request makes blocks from the CPU's key; the first half block becomes the next key. The keys
 * start from RDSEED or RDRAND, the time stamp counter and the wall clock, and are stirred now and
 * then.
 */
#include "lib/random.h"

#include "arch/clock.h"
#include "arch/io.h"
#include "arch/irq.h"
#include "arch/percpu.h"
#include "base/compiler.h"
#include "base/string.h"
#include "quire/config.h"

#define KEY_WORDS 8
#define BLOCK_WORDS 16
#define BLOCK_BYTES 64
/* Requests after which fresh entropy is mixed in. */
#define RESEED_REQUESTS 256

struct generator {
	uint32_t key[KEY_WORDS];
	uint32_t requests;
	uint32_t input_seen;
	uint64_t spare[3];	/* random words that are left over */
	uint32_t nr_spare;
};

static struct generator generators[QUIRE_MAX_CPUS];
static uint32_t input[KEY_WORDS];	/* (a) what was added */
static uint32_t input_count;		/* (a) */

static uint32_t rotate(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

#define QUARTER(a, b, c, d) do {				\
	a += b; d = rotate(d ^ a, 16);				\
	c += d; b = rotate(b ^ c, 12);				\
	a += b; d = rotate(d ^ a, 8);				\
	c += d; b = rotate(b ^ c, 7);				\
} while (0)

static void chacha_block(const uint32_t key[KEY_WORDS], uint64_t counter, uint32_t out[BLOCK_WORDS])
{
	static const uint32_t sigma[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	uint32_t start[BLOCK_WORDS];
	int i;

	memcpy(start, sigma, sizeof(sigma));
	memcpy(start + 4, key, KEY_WORDS * sizeof(uint32_t));
	start[12] = (uint32_t)counter;
	start[13] = (uint32_t)(counter >> 32);
	start[14] = start[15] = 0;
	memcpy(out, start, sizeof(start));
	for (i = 0; i < 10; i++) {
		QUARTER(out[0], out[4], out[8], out[12]);
		QUARTER(out[1], out[5], out[9], out[13]);
		QUARTER(out[2], out[6], out[10], out[14]);
		QUARTER(out[3], out[7], out[11], out[15]);
		QUARTER(out[0], out[5], out[10], out[15]);
		QUARTER(out[1], out[6], out[11], out[12]);
		QUARTER(out[2], out[7], out[8], out[13]);
		QUARTER(out[3], out[4], out[9], out[14]);
	}
	for (i = 0; i < BLOCK_WORDS; i++)
		out[i] += start[i];
}

/* A word from the CPU's own source, or 0 when it has none. */
static uint64_t hardware_word(void)
{
	static int have = -1;
	const unsigned int half = sizeof(long) * 4;
	uint64_t word = 0;
	unsigned long part;
	unsigned char ok;

	if (have < 0)
		have = cpuid(1, 0).c >> 30 & 1;
	if (!have)
		return 0;
	for (size_t i = 0; i < sizeof(word) / sizeof(part); i++) {
		__asm__ volatile("rdrand %0; setc %1" : "=r"(part), "=qm"(ok) :: "cc");
		word = word << half << half | (ok ? part : 0);
	}
	return word;
}

static void stir(struct generator *g)
{
	uint64_t words[4] = { hardware_word(), rdtsc(), ktime_get_real_ns(), hardware_word() };
	uint32_t block[BLOCK_WORDS];
	int i;

	for (i = 0; i < 4; i++) {
		g->key[2 * i] ^= (uint32_t)words[i];
		g->key[2 * i + 1] ^= (uint32_t)(words[i] >> 32);
	}
	for (i = 0; i < KEY_WORDS; i++)
		g->key[i] ^= __atomic_load_n(&input[i], __ATOMIC_RELAXED);
	g->key[0] ^= this_percpu.cpu << 16;
	chacha_block(g->key, ~0ull, block);
	memcpy(g->key, block, sizeof(g->key));
	g->requests = 1;
	g->input_seen = __atomic_load_n(&input_count, __ATOMIC_RELAXED);
}

/* Interrupts off. */
static struct generator *ready_generator(void)
{
	struct generator *g = &generators[this_percpu.cpu];

	if (!g->requests || ++g->requests > RESEED_REQUESTS ||
	    g->input_seen != __atomic_load_n(&input_count, __ATOMIC_RELAXED))
		stir(g);
	return g;
}

/* The next key and up to half a block of output. */
static void first_block(struct generator *g, void *to, size_t len)
{
	uint32_t block[BLOCK_WORDS];

	chacha_block(g->key, 0, block);
	memcpy(g->key, block, sizeof(g->key));
	memcpy(to, block + KEY_WORDS, len);
}

void get_random_bytes(void *to, size_t len)
{
	uint32_t key[KEY_WORDS], block[BLOCK_WORDS];
	unsigned long flags = irq_save();
	struct generator *g = ready_generator();
	size_t part;
	uint64_t counter = 1;

	if (len <= sizeof(key)) {
		first_block(g, to, len);
		irq_restore(flags);
		return;
	}
	/* A key of this request's own, so that interrupts need not wait for long ones. */
	first_block(g, key, sizeof(key));
	irq_restore(flags);
	for (; len; len -= part, to = (char *)to + part) {
		chacha_block(key, counter++, block);
		part = len < BLOCK_BYTES ? len : BLOCK_BYTES;
		memcpy(to, block, part);
	}
	memset(key, 0, sizeof(key));
	barrier();
}

uint64_t random_u64(void)
{
	unsigned long flags = irq_save();
	struct generator *g = ready_generator();
	uint64_t word, words[4];

	if (!g->nr_spare) {
		first_block(g, words, sizeof(words));
		memcpy(g->spare, words + 1, sizeof(g->spare));
		g->nr_spare = 3;
		word = words[0];
	} else {
		word = g->spare[--g->nr_spare];
		g->spare[g->nr_spare] = 0;
	}
	irq_restore(flags);
	return word;
}

void random_add(const void *from, size_t len)
{
	const unsigned char *bytes = from;
	size_t i;

	for (i = 0; i < len; i++) {
		uint32_t word = (uint32_t)bytes[i] << (i % 4 * 8);

		__atomic_fetch_add(&input[i / 4 % KEY_WORDS],
				   word * 0x9e3779b1u + (uint32_t)rdtsc(), __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&input_count, 1, __ATOMIC_RELAXED);
}
