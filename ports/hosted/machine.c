/* SPDX-License-Identifier: MIT */
/* machine.c - makes and destroys machines: the sparse mappings, the map of memory, the CPUs. */
#define _GNU_SOURCE
#include "hosted/machine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/math.h"
#include "quire/errno.h"
#include "quire/page.h"

/* Frames have 4 KiB in every ISA that a hosted machine plays. */
#define FRAME_SHIFT	12
/* Two 2 MiB huge pages of slack would hide overruns; one inaccessible page on each side shows them. */
#define GUARD_BYTES	((size_t)1 << FRAME_SHIFT)
/* Addresses for vmalloc: plenty where they cost nothing, little where the host has 3 GiB in all. */
#define VMALLOC_BYTES	(sizeof(long) == 8 ? (u64)64 << 30 : (u64)64 << 20)

static pthread_once_t forks_watched = PTHREAD_ONCE_INIT;

struct quire *hosted_quire(struct hosted_machine *machine)
{
	return &machine->quire;
}

const struct quire_boot *hosted_boot_info(struct hosted_machine *machine)
{
	return &machine->boot;
}

unsigned int hosted_nr_cpus(struct hosted_machine *machine)
{
	return machine->nr_cpus;
}

void hosted_set_port(struct hosted_machine *machine, const struct quire_port *port)
{
	machine->boot.port = port;
	machine->quire.port = port;
}

struct hosted_machine *hosted_this_machine(void)
{
	return host_self.quire ? container_of(host_self.quire, struct hosted_machine, quire) : NULL;
}

/* `bytes` of zeroes that exist once they are touched, 2 MiB aligned, between two guards. */
static char *map_sparse(u64 bytes)
{
	const size_t align = (size_t)2 << 20;
	size_t len = (size_t)bytes + 2 * align;
	uintptr_t raw, base;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	raw = (uintptr_t)mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (raw == (uintptr_t)MAP_FAILED)
		return NULL;
	base = ALIGN(raw + GUARD_BYTES, align);
	munmap((void *)raw, base - GUARD_BYTES - raw);
	munmap((void *)(base + (size_t)bytes + GUARD_BYTES), raw + len - base - (size_t)bytes - GUARD_BYTES);
	if (mprotect((void *)base, (size_t)bytes, PROT_READ | PROT_WRITE))
		return NULL;
	/* A core dump of a failed test should not hold the machine's memory. */
	madvise((void *)base, (size_t)bytes, MADV_DONTDUMP);
	return (char *)base;
}

static void unmap_sparse(char *base, u64 bytes)
{
	if (base)
		munmap(base - GUARD_BYTES, (size_t)bytes + 2 * GUARD_BYTES);
}

/*
 * Frames are the pages of a file in memory, so that the vmalloc area can show them a second time. A test's child process
 * gets a private copy instead: what it breaks stays with it.
 */
static bool map_frames(struct hosted_machine *m)
{
	m->phys_fd = memfd_create("quire-frames", MFD_CLOEXEC);
	m->phys_base = map_sparse(m->phys_bytes);
	if (m->phys_fd < 0 || !m->phys_base || ftruncate(m->phys_fd, (off_t)m->phys_bytes))
		return false;
	return mmap(m->phys_base, (size_t)m->phys_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
		    m->phys_fd, 0) == m->phys_base;
}

static void child_keeps_to_itself(void)
{
	struct hosted_machine *m = hosted_this_machine();

	if (!m)
		return;
	m->in_child = true;
	if (mmap(m->phys_base, (size_t)m->phys_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
		 m->phys_fd, 0) != m->phys_base)
		abort();
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, child_keeps_to_itself);
}

void quire_host_kmap(void *at, uint64_t phys, bool writable)
{
	struct hosted_machine *m = hosted_this_machine();

	if (mmap(at, (size_t)1 << FRAME_SHIFT, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		 (m->in_child ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED | MAP_NORESERVE, m->phys_fd, (off_t)phys) != at)
		abort();
}

void quire_host_kunmap(void *at)
{
	if (mmap(at, (size_t)1 << FRAME_SHIFT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
		 0) != at)
		abort();
}

static void unmap_all(struct hosted_machine *m)
{
	unmap_sparse(m->phys_base, m->phys_bytes);
	unmap_sparse(m->vmemmap_base, m->vmemmap_bytes);
	unmap_sparse(m->vmalloc_base, m->vmalloc_bytes);
	if (m->phys_fd >= 0)
		close(m->phys_fd);
}

/* Nodes one after the other, a hole between each two. The first megabyte has a PC's hole. */
static void make_map(struct hosted_machine *m)
{
	const struct hosted_config *c = &m->config;
	u64 per_node = ALIGN_DOWN(c->mem_bytes / c->nodes, (u64)1 << FRAME_SHIFT);
	u64 start = c->phys_start;
	unsigned int nr = 0;

	for (unsigned int n = 0; n < c->nodes; n++, start += per_node + c->node_gap_bytes) {
		m->nodes[n] = (struct quire_node_range){ .start = start, .end = start + per_node, .nid = (int)n };
		m->map[nr++] = (struct quire_map_entry){ start, per_node, QUIRE_RANGE_RAM };
	}
	m->boot.map = m->map;
	m->boot.nr_map = nr;
	if (c->nodes > 1) {
		m->boot.nodes = m->nodes;
		m->boot.nr_nodes = c->nodes;
	}
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		m->cpu_to_node[i] = (u8)(i % c->nodes);
	m->boot.cpu_to_node = m->cpu_to_node;
}

static void find_extent(struct hosted_machine *m)
{
	for (unsigned int i = 0; i < m->boot.nr_map; i++) {
		const struct quire_map_entry *e = &m->boot.map[i];

		if (e->type == QUIRE_RANGE_RAM && e->start + e->size > m->phys_bytes)
			m->phys_bytes = e->start + e->size;
	}
	m->phys_bytes = ALIGN(m->phys_bytes, (u64)4 << 20);
	m->vmemmap_bytes = ALIGN((m->phys_bytes >> FRAME_SHIFT) * sizeof(struct page), (u64)2 << 20);
}

static bool config_is_sane(const struct hosted_config *c)
{
	return c->nodes <= HOSTED_MAX_NODES && c->cpus + c->spare_cpus <= QUIRE_MAX_CPUS &&
	       (c->map ? c->nr_map > 0 : c->mem_bytes > 0);
}

static void init_cpus(struct hosted_machine *m)
{
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		struct hosted_cpu *cpu = &m->cpus[i];

		pthread_mutex_init(&cpu->gate, NULL);
		cpu->machine = m;
		cpu->task.ctx.host = &cpu->task;
		cpu->irq.ctx.host = &cpu->irq;
		cpu->irq.ctx.flags = QUIRE_CTX_IRQ;
	}
}

struct hosted_machine *hosted_create(const struct hosted_config *config)
{
	struct hosted_machine *m;

	if (!config_is_sane(config) || posix_memalign((void **)&m, CACHE_LINE_BYTES, sizeof(*m)))
		return NULL;
	memset(m, 0, sizeof(*m));
	m->config = *config;
	m->config.cpus = max(config->cpus, 1U);
	m->config.nodes = max(config->nodes, 1U);
	m->nr_cpus = m->config.cpus + config->spare_cpus;
	m->boot = (struct quire_boot){ .cmdline = config->cmdline, .map = config->map,
				       .nr_map = config->nr_map, .nr_cpus = m->nr_cpus };
	if (!config->map)
		make_map(m);
	find_extent(m);
	pthread_once(&forks_watched, watch_forks);
	m->vmalloc_bytes = VMALLOC_BYTES;
	m->vmemmap_base = map_sparse(m->vmemmap_bytes);
	m->vmalloc_base = map_sparse(m->vmalloc_bytes);
	if (!map_frames(m) || !m->vmemmap_base || !m->vmalloc_base ||
	    mprotect(m->vmalloc_base, (size_t)m->vmalloc_bytes, PROT_NONE)) {
		unmap_all(m);
		free(m);
		return NULL;
	}
	hosted_set_port(m, &hosted_port);
	m->quire.nr_cpus = m->nr_cpus;
	init_cpus(m);
	hosted_irq_setup();
	hosted_cpu_enter(m, 0);
	return m;
}

void hosted_destroy(struct hosted_machine *m)
{
	hosted_cpu_leave();
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		pthread_mutex_destroy(&m->cpus[i].gate);
	unmap_all(m);
	free(m);
}
