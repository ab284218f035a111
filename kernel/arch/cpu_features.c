/* SPDX-License-Identifier: MIT */
/* cpu_features.c - which CPU of the machine this one is, and SMAP. */
#include "arch/cpu_setup.h"

#include "arch/io.h"
#include "arch/paging.h"
#include "arch/percpu.h"
#include "base/string.h"
#include "boot/linker.h"

/* Bits of the APIC id that number the n values 0 .. n - 1. */
static unsigned int bits_for(unsigned int n)
{
	return n > 1 ? 32 - (unsigned int)__builtin_clz(n - 1) : 0;
}

void cpu_topology(unsigned int *core, unsigned int *package)
{
	unsigned int top = cpuid(0, 0).a, id = this_percpu.apic_id, thread_bits = 0, package_bits = 0;

	if (top >= 0xb && cpuid(0xb, 0).b) {
		thread_bits = cpuid(0xb, 0).a & 31;
		package_bits = cpuid(0xb, 1).b ? cpuid(0xb, 1).a & 31 : thread_bits;
	} else if (cpuid(1, 0).d & 1u << 28) {
		unsigned int cores = top >= 4 ? (cpuid(4, 0).a >> 26) + 1 : 1;

		package_bits = bits_for(cpuid(1, 0).b >> 16 & 255);
		if (bits_for(cores) < package_bits)
			thread_bits = package_bits - bits_for(cores);
	}
	*core = (id & ((1u << package_bits) - 1)) >> thread_bits;
	*package = id >> package_bits;
}

bool cpu_has_smap(void)
{
	return cpuid(0, 0).a >= 7 && (cpuid(7, 0).b & 1u << 20);
}

struct smap_site {
	int32_t at;		/* of the three bytes, from this field */
	uint32_t bytes;		/* the instruction that replaces the NOP */
};

extern const struct smap_site __smap_sites_start[], __smap_sites_end[];

/* The direct map of the boot tables is writable, whatever the image's own mapping says. */
void __init smap_patch(void)
{
	const struct smap_site *site;

	if (!cpu_has_smap())
		return;
	for (site = __smap_sites_start; site < __smap_sites_end; site++)
		memcpy(early_phys(__pa_symbol(&site->at) + site->at), &site->bytes, 3);
}
