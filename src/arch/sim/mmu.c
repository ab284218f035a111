/* SPDX-License-Identifier: MIT */
/* mmu.c - the software MMU: a TLB for each CPU that is believed until it is flushed, and a walker behind it. */
#include "arch/mmu.h"

#include "arch/tlb.h"
#include "base/math.h"
#include "base/string.h"
#include "quire/errno.h"

/* A page that is there after a fault may be gone again; a handler that never helps must not hang the test. */
#define SIM_MAX_FAULTS 64

static struct sim_mmu *this_mmu(void)
{
	return &this_quire()->arch->mmu[this_cpu()];
}

static struct sim_tlb_entry *tlb_slot(vaddr_t addr)
{
	return &this_mmu()->tlb[addr >> PAGE_SHIFT & (SIM_TLB_ENTRIES - 1)];
}

void arch_tlb_flush_page(vaddr_t addr)
{
	struct sim_tlb_entry *slot = tlb_slot(addr);

	if (slot->page == ((addr & PAGE_MASK) | 1))
		slot->page = 0;
}

void arch_tlb_flush_user(void)
{
	memset(this_mmu()->tlb, 0, sizeof(this_mmu()->tlb));
}

void arch_tlb_flush_all(void)
{
	arch_tlb_flush_user();
}

void arch_load_root(paddr_t root)
{
	this_mmu()->root = root;
	arch_tlb_flush_user();
}

paddr_t arch_read_root(void)
{
	return this_mmu()->root;
}

void sim_set_fault_handler(int (*fault)(vaddr_t addr, unsigned int access))
{
	this_quire()->arch->fault = fault;
}

static bool allows(pte_t pte, unsigned int access)
{
	if (!pte_present(pte) || pte_protnone(pte) || !pte_user(pte))
		return false;
	if (access & SIM_ACCESS_WRITE)
		return pte_write(pte);
	return !(access & SIM_ACCESS_EXEC) || pte_exec(pte);
}

/* Reads the tables, and sets ACCESSED and DIRTY as a CPU does: in one step, only while the entry is as it was read. */
static bool walk(vaddr_t addr, unsigned int access, pte_t *found)
{
	pte_t *table = phys_to_virt(this_mmu()->root);

	for (unsigned int level = PGTABLE_ROOT_LEVEL;; level--) {
		pte_t *entry = &table[pt_index(addr, level)];
		pte_t old = { __atomic_load_n(&entry->val, __ATOMIC_ACQUIRE) }, now;

		if (level && pte_is_table(old)) {
			table = phys_to_virt((paddr_t)pte_pfn(old) << PAGE_SHIFT);
			continue;
		}
		do {
			if (!allows(old, access))
				return false;
			now = pte_mkyoung(access & SIM_ACCESS_WRITE ? pte_mkdirty(old) : old);
		} while (!pte_same(old, now) &&
			 !__atomic_compare_exchange_n(&entry->val, &old.val, now.val, false, __ATOMIC_SEQ_CST,
						      __ATOMIC_RELAXED));
		if (level) {
			pfn_t within = (addr & (pt_size(level) - 1)) >> PAGE_SHIFT;

			now.val += (pteval_t)within << SIM_PFN_SHIFT;
		}
		*found = now;
		return true;
	}
}

void *sim_translate(vaddr_t addr, unsigned int access)
{
	struct sim_tlb_entry *slot = tlb_slot(addr);
	bool hit = slot->page == ((addr & PAGE_MASK) | 1);

	/* A write through an entry that is not dirty yet goes back to the tables; so does what the entry forbids. */
	if (!hit || !allows(slot->pte, access) || ((access & SIM_ACCESS_WRITE) && !pte_dirty(slot->pte))) {
		pte_t pte;

		slot->page = 0;
		if (!this_mmu()->root || !walk(addr, access, &pte))
			return NULL;
		slot->page = (addr & PAGE_MASK) | 1;
		slot->pte = pte;
	}
	return (char *)phys_to_virt((paddr_t)pte_pfn(slot->pte) << PAGE_SHIFT) + (addr & ~PAGE_MASK);
}

/* Translates, asking for help as long as it helps. */
static void *touch(vaddr_t addr, unsigned int access)
{
	struct arch_state *state = this_quire()->arch;

	for (unsigned int tries = 0; tries < SIM_MAX_FAULTS; tries++) {
		void *where = sim_translate(addr, access);

		if (where)
			return where;
		if (addr >= TASK_SIZE || !state->fault || pagefault_disabled() || state->fault(addr, access))
			return NULL;
	}
	return NULL;
}

/*
 * What programs do to shared memory is theirs to order: byte by byte and atomically, as far as this process is concerned,
 * so that a program's race is not taken for one of the machine's.
 */
static void copy_bytes(char *to, const char *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		__atomic_store_n(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

static int copy_user(vaddr_t addr, char *buf, size_t bytes, unsigned int access)
{
	while (bytes) {
		size_t part = min(bytes, (size_t)(PAGE_SIZE - (addr & ~PAGE_MASK)));
		char *where = touch(addr, access);

		if (!where)
			return -EFAULT;
		if (access & SIM_ACCESS_WRITE)
			copy_bytes(where, buf, part);
		else
			copy_bytes(buf, where, part);
		addr += part;
		buf += part;
		bytes -= part;
	}
	return 0;
}

int sim_load(vaddr_t addr, void *to, size_t bytes)
{
	return copy_user(addr, to, bytes, SIM_ACCESS_READ | SIM_ACCESS_USER);
}

int sim_store(vaddr_t addr, const void *from, size_t bytes)
{
	return copy_user(addr, (char *)from, bytes, SIM_ACCESS_WRITE | SIM_ACCESS_USER);
}

int sim_fetch(vaddr_t addr)
{
	return touch(addr, SIM_ACCESS_EXEC | SIM_ACCESS_USER) ? 0 : -EFAULT;
}

void *sim_touch(vaddr_t addr, unsigned int access)
{
	return touch(addr, access);
}

int arch_init_mem_mapping(const struct boot_memory *memory)
{
	unsigned int cpus = this_quire()->nr_cpus;
	size_t state_bytes = ALIGN(sizeof(struct arch_state), CACHE_LINE_BYTES);
	size_t tlb_bytes = cpus * sizeof(struct tlb_cpu);
	paddr_t where = memory->alloc(state_bytes + tlb_bytes, CACHE_LINE_BYTES, 0, -1);
	paddr_t mmus = memory->alloc(cpus * sizeof(struct sim_mmu), CACHE_LINE_BYTES, 0, -1);
	paddr_t root = memory->alloc(PAGE_SIZE, PAGE_SIZE, 0, -1);
	struct arch_state *state;
	paddr_t start, end;

	if (!where || !mmus || !root)
		return -ENOMEM;
	state = phys_to_virt(where);
	memset(state, 0, state_bytes + tlb_bytes);
	state->kernel_root = root;
	state->tlb = (struct tlb_cpu *)((char *)state + state_bytes);
	state->mmu = phys_to_virt(mmus);
	memset(state->mmu, 0, cpus * sizeof(struct sim_mmu));
	clear_page(phys_to_virt(root));
	for (unsigned int i = 0; memory->range(i, &start, &end); i++)
		state->direct_map_bytes[0] += end - start;
	this_quire()->arch = state;
	return 0;
}

/* The host maps the whole array, sparsely, as far as its physical memory goes. */
int arch_vmemmap_populate(vaddr_t start, vaddr_t end, int nid)
{
	return end - VMEMMAP_START <= host_self.vmemmap_bytes ? 0 : -ENOMEM;
}

/* What the kernel's tables say of [start, end) becomes true for the host's own MMU. */
void arch_sync_kernel_mappings(vaddr_t start, vaddr_t end)
{
	for (vaddr_t addr = start; addr < end; addr += PAGE_SIZE) {
		pte_t *table = phys_to_virt(this_quire()->arch->kernel_root);
		pte_t entry = { 0 };

		for (unsigned int level = PGTABLE_ROOT_LEVEL;; level--) {
			entry = pte_read(&table[pt_index(addr, level)]);
			if (!level || !pte_is_table(entry))
				break;
			table = phys_to_virt((paddr_t)pte_pfn(entry) << PAGE_SHIFT);
		}
		if (pte_present(entry))
			quire_host_kmap((void *)addr, (uint64_t)pte_pfn(entry) << PAGE_SHIFT, pte_write(entry));
		else
			quire_host_kunmap((void *)addr);
	}
}

u64 arch_direct_map_bytes(unsigned int level)
{
	return level < 3 ? this_quire()->arch->direct_map_bytes[level] : 0;
}

paddr_t arch_kernel_root(void)
{
	return this_quire()->arch->kernel_root;
}
