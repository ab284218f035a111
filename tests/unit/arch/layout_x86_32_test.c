/* SPDX-License-Identifier: MIT */
/* layout_x86_32_test.c - how 32-bit x86 divides the kernel's GiB, for machines of all sizes. */
#include "../../../src/arch/x86_32/include/arch/page.h"

#include "tap.h"

#include "../../../src/arch/x86_32/layout.c"

#define MIB (1ull << 20)
#define PAGE_BYTES_OF_RAM(ram) ((ram) / 4096 * 32)

static struct kernel_layout layout_of(u64 ram_mib)
{
	return kernel_layout_of(ram_mib * MIB, PAGE_BYTES_OF_RAM(ram_mib * MIB));
}

static void test_sizes(void)
{
	static const struct {
		u64 ram, lowmem;
		unsigned long vmalloc;
	} cases[] = {
		{ 16, 896, 128 }, { 256, 896, 128 }, { 512, 896, 128 }, { 896, 896, 100 }, { 1024, 896, 100 }, { 4096, 896, 76 },
		{ 5120, 896, 68 }, { 7168, 884, 64 }, { 65536, 428, 64 },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kernel_layout layout = layout_of(cases[i].ram);

		tap_is(layout.lowmem_end / MIB, cases[i].lowmem, "low memory of %llu MiB", (unsigned long long)cases[i].ram);
		tap_is((layout.vmalloc_end - layout.vmalloc_start) / MIB, cases[i].vmalloc, "and what vmalloc has");
	}
}

static void test_order(void)
{
	unsigned int bad = 0;

	for (u64 ram = 4; ram <= 65536; ram += 4) {
		struct kernel_layout layout = layout_of(ram);
		u64 direct_end = PAGE_OFFSET + min_t(u64, ram * MIB, layout.lowmem_end);

		bad += direct_end + VMALLOC_GAP_BYTES > layout.vmalloc_start || layout.vmalloc_end > layout.memmap ||
		       layout.vmalloc_end - layout.vmalloc_start < VMALLOC_MIN_BYTES ||
		       layout.memmap + PAGE_BYTES_OF_RAM(ram * MIB) > PKMAP_BASE || layout.lowmem_end % LAYOUT_STEP ||
		       layout.vmalloc_start % LAYOUT_STEP || layout.memmap % LAYOUT_STEP;
	}
	tap_is(bad, 0, "nothing overlaps, for any size up to 64 GiB");
}

int main(void)
{
	tap_plan(0);
	test_sizes();
	test_order();
	return tap_done();
}
