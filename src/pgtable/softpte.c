/* SPDX-License-Identifier: MIT */
/* softpte.c - the names of soft entries. */
#include "pgtable/softpte.h"

const char *softpte_name(enum soft_type type)
{
	static const char *const names[NR_SOFT_TYPES] = {
		"none", "swap", "migration (read)", "migration (write)", "poisoned page", "non-linear", "marker",
	};

	return (unsigned int)type < NR_SOFT_TYPES ? names[type] : "unknown";
}
