/* SPDX-License-Identifier: MIT */
/* stage_frames.c - from the port to frames that can be allocated. */
#include "arch/mmu.h"
#include "base/math.h"
#include "front/stage.h"
#include "phys/memblock.h"
#include "phys/memmap.h"
#include "phys/phys.h"
#include "quire/config.h"
#include "quire/errno.h"
#include "quire/quire.h"
#include "sync/ctx.h"
#include "sync/report.h"
#include "sync/sync_state.h"

static_assert(sizeof(struct quire) <= sizeof(struct quire_place), "a host that knows only bytes makes room enough");

int stage_missing(const char *member)
{
	if (this_quire()->port->log)
		quire_log(QUIRE_LOG_CRIT, "quire: the port lacks its member \"%s\"", member);
	return -EINVAL;
}

void stage_enter(enum stage stage)
{
	BUG_ON(this_quire()->stage != (unsigned int)stage - 1);
	this_quire()->stage = stage;
}

int quire_start(const struct quire_boot *boot)
{
	struct quire *quire = this_quire();

	if (!boot->port || !boot->port->log || !boot->port->panic)
		return -EINVAL;
	quire->port = boot->port;
	quire->boot = boot;
	quire->nr_cpus = boot->nr_cpus ? boot->nr_cpus : 1;
	if (!boot->port->now_ns)
		return stage_missing("now_ns");
	if (quire->nr_cpus > QUIRE_MAX_CPUS) {
		quire_log(QUIRE_LOG_WARNING, "quire: %u CPUs, of which %d are used", quire->nr_cpus, QUIRE_MAX_CPUS);
		quire->nr_cpus = QUIRE_MAX_CPUS;
	}
	if (quire->nr_cpus > 1 && !boot->port->call_cpus)
		return stage_missing("call_cpus");
	stage_enter(STAGE_STARTED);
	return 0;
}

int quire_add_memory_map(void)
{
	int err = bootmap_init(this_quire()->boot);

	if (err)
		return err;
	stage_enter(STAGE_MAP);
	return 0;
}

/* The ISA's floor lies below memblock's: what it needs of boot memory is handed down. */
static bool ram_range(unsigned int i, paddr_t *start, paddr_t *end)
{
	const struct memblock_type *memory = &this_quire()->memblock->memory;

	if (i >= memory->cnt)
		return false;
	*start = memory->regions[i].base;
	*end = *start + memory->regions[i].size;
	return true;
}

static paddr_t boot_alloc(paddr_t size, paddr_t align, paddr_t limit, int nid)
{
	/* Later the memmap of a device may still grow. */
	if (this_quire()->stage >= STAGE_FRAMES) {
		struct page *page = alloc_pages_node(nid, GFP_KERNEL | __GFP_NOWARN, order_of((size_t)max(size, align), PAGE_SHIFT));

		return page ? page_to_phys(page) : 0;
	}
	return memblock_phys_alloc_range(size, align, 0, limit ? limit : MEMBLOCK_ALLOC_ANYWHERE, nid);
}

static void boot_free(paddr_t start, paddr_t size)
{
	memblock_phys_free(start, size);
}

static const struct boot_memory boot_memory = { .range = ram_range, .alloc = boot_alloc, .free = boot_free };

/* Nothing maps pages for a moment yet, so that memory without an address in the direct map would be of no use. */
static void leave_out_high_memory(void)
{
	paddr_t end = memblock_end_of_DRAM();

	if (end <= ARCH_LOWMEM_MAX)
		return;
	quire_log(QUIRE_LOG_WARNING, "memory above %lluM has no address and is not used: it ends at %lluM",
		  (unsigned long long)(ARCH_LOWMEM_MAX >> 20), (unsigned long long)(end >> 20));
	memblock_cap(ARCH_LOWMEM_MAX);
}

int quire_init_frames(void)
{
	const struct quire_boot *boot = this_quire()->boot;
	unsigned int nr_cpus = this_quire()->nr_cpus;
	void *sync;
	int err;

	if (ARCH_HAS_HIGHMEM)
		leave_out_high_memory();
	err = arch_init_mem_mapping(&boot_memory);
	if (err)
		return err;
	sync = memblock_alloc(sync_state_bytes(nr_cpus), CACHE_LINE_BYTES);
	if (!sync)
		return -ENOMEM;
	sync_init(sync, nr_cpus);
	err = phys_init_sections_and_zones(boot);
	if (err)
		return err;
	memblock_free_all();
	phys_init_late();
	stage_enter(STAGE_FRAMES);
	return 0;
}
