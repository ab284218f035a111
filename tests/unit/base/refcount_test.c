/* SPDX-License-Identifier: MIT */
/*
 * refcount_test.c - counts saturate instead of wrapping, and the atomic operations mean what they
 * say.
 */
#include "base/refcount.h"
#include "tap_machine.h"
#include "tap.h"

#include <limits.h>

static void test_refcount(void)
{
	refcount_t r = REFCOUNT_INIT(1);

	tap_ok(refcount_inc_not_zero(&r) && refcount_read(&r) == 2, "a live count rises");
	tap_ok(!refcount_dec_and_test(&r) && refcount_dec_and_test(&r), "the second put is the last");
	tap_ok(!refcount_inc_not_zero(&r), "[R1] a dead count stays dead");
	refcount_set(&r, INT_MAX);
	refcount_inc(&r);
	tap_ok(refcount_read(&r) < 0, "[R2] an overflow saturates");
	tap_ok(!refcount_dec_and_test(&r) && refcount_read(&r) < 0, "[R2] and is never freed");
	refcount_set(&r, 0);
	tap_ok(!refcount_dec_and_test(&r) && refcount_read(&r) == REFCOUNT_SATURATED,
	       "[R2] an underflow saturates");
}

static void test_atomic(void)
{
	atomic_t v = ATOMIC_INIT(5);
	atomic_long_t l = ATOMIC_INIT(0);
	unsigned long word = 0;
	int old;

	tap_is(atomic_add_return(3, &v), 8, "add_return gives the new value");
	tap_ok(!atomic_dec_and_test(&v) && atomic_sub_and_test(7, &v), "and_test sees zero");
	tap_ok(!atomic_inc_not_zero(&v), "inc_not_zero declines zero");
	tap_ok(atomic_add_negative(-1, &v), "add_negative sees the sign");
	tap_is(atomic_xchg(&v, 7), -1, "xchg gives the old value");
	old = 6;
	tap_ok(!atomic_try_cmpxchg(&v, &old, 9) && old == 7, "a failed try_cmpxchg tells what is there");
	tap_ok(atomic_try_cmpxchg(&v, &old, 9) && atomic_read(&v) == 9, "and then it stores");
	tap_is(atomic_return_old_andnot(1, &v), 9, "andnot gives the old value");
	tap_is(atomic_read(&v), 8, "and clears the bit");
	atomic_long_sub(1, &l);
	tap_is(atomic_long_read(&l), -1, "longs count below zero");
	tap_ok(!test_and_set_bit(3, &word) && test_and_set_bit(3, &word) && test_bit(3, &word),
	       "a bit is set once");
	clear_bit_unlock(3, &word);
	tap_is(word, 0, "and cleared");
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = tap_machine_bare(1 << 20, 1, 1);
	test_refcount();
	test_atomic();
	tap_machine_bare_end(machine);
	return tap_done();
}
