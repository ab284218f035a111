/* SPDX-License-Identifier: MIT */
/*
 * softpte.h - entries that map nothing but remember something: a type and a payload. A fault dispatches on the type.
 *
 *	SWAP        payload: slot in its area << 5 | area; flags EXCLUSIVE: this entry alone refers to the slot's page, UFFD_WP
 *	MIGRATION   payload: frame that is being moved, locked meanwhile; whoever faults waits. READ, WRITE: the right it had;
 *	            flags YOUNG, DIRTY, UFFD_WP: what else the entry said, and will say again
 *	HWPOISON    payload: frame that has failed
 *	NONLINEAR   payload: page offset in the file (remap_file_pages)
 *	MARKER      payload: bits of enum pte_marker
 *
 * An entry of a migration counts as a mapping of its frame in the mm's RSS, and in nr_migration of the frame's page; it holds no
 * reference: whoever moves the page has one, and lets go of the page when none of its entries is left.
 *
 * [SP1] type != SOFT_NONE, and what pte_mksoft takes comes back.
 *
 * Lock: none, values. Sleeps: never. Allocates: never.
 */
#ifndef PGTABLE_SOFTPTE_H
#define PGTABLE_SOFTPTE_H

#include "arch/pte.h"

enum soft_type {
	SOFT_NONE, /* not a soft entry */
	SOFT_SWAP,
	SOFT_MIGRATION_READ,
	SOFT_MIGRATION_WRITE,
	SOFT_HWPOISON,
	SOFT_NONLINEAR,
	SOFT_MARKER,
	NR_SOFT_TYPES,
};
static_assert(NR_SOFT_TYPES <= 1 << PTE_SOFT_TYPE_BITS, "an entry has room for every type");
static_assert(PTE_PFN_BITS <= PTE_SOFT_PAYLOAD_BITS, "and for any frame that it can map");

/* EXCLUSIVE is of swap, YOUNG and DIRTY of migration; WRITTEN stands for pte_soft_dirty(). */
enum soft_flags { SOFT_EXCLUSIVE = 1, SOFT_YOUNG = 1, SOFT_UFFD_WP = 2, SOFT_DIRTY = 4, SOFT_WRITTEN = 8 };
static_assert((SOFT_EXCLUSIVE | SOFT_UFFD_WP | SOFT_DIRTY | SOFT_WRITTEN) < 1 << PTE_SOFT_FLAG_BITS, "an entry has room for the flags");

enum pte_marker { PTE_MARKER_UFFD_WP = 1, PTE_MARKER_POISONED = 2, PTE_MARKER_GUARD = 4 };

/* log2 of the areas that a swap entry can name: where a payload is short, fewer of them, of 4 GiB each. */
#define SWAP_AREA_BITS (PTE_SOFT_PAYLOAD_BITS < 32 ? 3 : 5)
#define SWAP_MAX_SLOTS (1ull << (PTE_SOFT_PAYLOAD_BITS - SWAP_AREA_BITS))

typedef struct {
	u64 val; /* slot << SWAP_AREA_BITS | area */
} swp_entry_t;

static __always_inline swp_entry_t swp_entry(unsigned int area, u64 slot)
{
	return (swp_entry_t){ slot << SWAP_AREA_BITS | area };
}

static __always_inline unsigned int swp_area(swp_entry_t entry)
{
	return entry.val & ((1u << SWAP_AREA_BITS) - 1);
}

static __always_inline u64 swp_slot(swp_entry_t entry)
{
	return entry.val >> SWAP_AREA_BITS;
}

static __always_inline pte_t swp_entry_to_pte(swp_entry_t entry)
{
	return pte_mksoft(SOFT_SWAP, entry.val, 0);
}

static __always_inline swp_entry_t pte_to_swp_entry(pte_t pte)
{
	return (swp_entry_t){ pte_soft_payload(pte) };
}

/* SOFT_NONE for what is present or none. */
static __always_inline enum soft_type softpte_type(pte_t pte)
{
	return pte_soft(pte) ? (enum soft_type)pte_soft_type(pte) : SOFT_NONE;
}

static __always_inline bool is_swap_pte(pte_t pte)
{
	return softpte_type(pte) == SOFT_SWAP;
}

static __always_inline bool is_migration_pte(pte_t pte)
{
	enum soft_type type = softpte_type(pte);

	return type == SOFT_MIGRATION_READ || type == SOFT_MIGRATION_WRITE;
}

/* Entries whose payload is a frame. */
static __always_inline bool is_pfn_soft_pte(pte_t pte)
{
	return is_migration_pte(pte) || softpte_type(pte) == SOFT_HWPOISON;
}

static __always_inline pfn_t softpte_pfn(pte_t pte)
{
	return (pfn_t)pte_soft_payload(pte);
}

/* What stands for a present, counted entry while its page moves. */
static __always_inline pte_t make_migration_pte(pte_t pte)
{
	unsigned int flags = (pte_young(pte) ? SOFT_YOUNG : 0) | (pte_dirty(pte) ? SOFT_DIRTY : 0) |
			     (pte_uffd_wp(pte) ? SOFT_UFFD_WP : 0) | (pte_soft_dirty(pte) ? SOFT_WRITTEN : 0);

	return pte_mksoft(pte_write(pte) ? SOFT_MIGRATION_WRITE : SOFT_MIGRATION_READ, pte_pfn(pte), flags);
}

/* The same without the right to write (fork, mprotect). */
static __always_inline pte_t migration_pte_wrprotect(pte_t pte)
{
	return pte_mksoft(SOFT_MIGRATION_READ, pte_soft_payload(pte), pte_soft_flags(pte));
}

static __always_inline pte_t pte_with_soft_flags(pte_t pte, unsigned int flags)
{
	return pte_mksoft(pte_soft_type(pte), pte_soft_payload(pte), flags);
}

/* Watched writes, for every type of soft entry. */
static __always_inline bool softpte_uffd_wp(pte_t pte)
{
	return (pte_soft_flags(pte) & SOFT_UFFD_WP) != 0;
}

static __always_inline pte_t softpte_mkuffd_wp(pte_t pte)
{
	return pte_with_soft_flags(pte, pte_soft_flags(pte) | SOFT_UFFD_WP);
}

static __always_inline pte_t softpte_clear_uffd_wp(pte_t pte)
{
	return pte_with_soft_flags(pte, pte_soft_flags(pte) & ~(unsigned int)SOFT_UFFD_WP);
}

static __always_inline pte_t make_pte_marker(unsigned int bits)
{
	return pte_mksoft(SOFT_MARKER, bits, 0);
}

/* Bits of enum pte_marker; 0 for what is no marker. */
static __always_inline unsigned int pte_marker_bits(pte_t pte)
{
	return softpte_type(pte) == SOFT_MARKER ? (unsigned int)pte_soft_payload(pte) : 0;
}

/* "swap", "migration" ... for logs. */
const char *softpte_name(enum soft_type type);

#endif
