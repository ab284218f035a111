/* SPDX-License-Identifier: MIT */
/*
 * softpte.h - entries that map nothing but remember something: a type and a payload. A fault dispatches on the type.
 *
 *	SWAP        payload: slot in its area << 5 | area; flag EXCLUSIVE: this entry alone refers to the slot's page
 *	MIGRATION   payload: frame that is being moved; whoever faults waits. READ, WRITE, EXCLUSIVE: the right it had
 *	HWPOISON    payload: frame that has failed
 *	NONLINEAR   payload: page offset in the file (remap_file_pages)
 *	MARKER      payload: bits of enum pte_marker
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
	SOFT_MIGRATION_READ_EXCLUSIVE,
	SOFT_MIGRATION_WRITE,
	SOFT_HWPOISON,
	SOFT_NONLINEAR,
	SOFT_MARKER,
	NR_SOFT_TYPES,
};
static_assert(NR_SOFT_TYPES <= 1 << PTE_SOFT_TYPE_BITS, "an entry keeps the type in five bits");

enum soft_flags { SOFT_EXCLUSIVE = 1, SOFT_UFFD_WP = 2, SOFT_DIRTY = 4 };

enum pte_marker { PTE_MARKER_UFFD_WP = 1, PTE_MARKER_POISONED = 2, PTE_MARKER_GUARD = 4 };

/* log2 of the areas that a swap entry can name. */
#define SWAP_AREA_BITS 5
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

	return type >= SOFT_MIGRATION_READ && type <= SOFT_MIGRATION_WRITE;
}

static __always_inline pte_t pte_with_soft_flags(pte_t pte, unsigned int flags)
{
	return pte_mksoft(pte_soft_type(pte), pte_soft_payload(pte), flags);
}

/* "swap", "migration" ... for logs. */
const char *softpte_name(enum soft_type type);

#endif
