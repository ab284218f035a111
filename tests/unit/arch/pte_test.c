/* SPDX-License-Identifier: MIT */
/* pte_test.c - the simulated ISA's entries. */
#include "arch/pte.h"

#include "pte_cases.h"

int main(void)
{
	tap_plan(0);
	test_all_cases();
	return tap_done();
}
