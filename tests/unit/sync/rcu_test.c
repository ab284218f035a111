/* SPDX-License-Identifier: MIT */
/*
 * rcu_test.c - what a reader has found stays until it is through, and everything is freed in the
 * end.
 */
#include "quire/port.h"
#include "sync/rcu.h"
#include "tap.h"
#include "tap_machine.h"

#include <stdlib.h>

#define CPUS 4
#define ROUNDS 1500
#define ALIVE 0x600d
#define DEAD 0xdead

struct thing {
	struct rcu_head rcu;
	int state, twice;
};

static struct thing *root;
static spinlock_t lock;
static atomic_t freed, wrong, in_order;

static struct thing *new_thing(int n)
{
	struct thing *thing = malloc(sizeof(*thing));

	thing->state = ALIVE;
	thing->twice = 2 * n;
	return thing;
}

static void free_thing(struct rcu_head *head)
{
	struct thing *thing = container_of(head, struct thing, rcu);

	if (thing->state != ALIVE)
		atomic_inc(&wrong);
	thing->state = DEAD;
	free(thing);
	atomic_inc(&freed);
}

static void replace(int n, struct tap_random *random)
{
	struct thing *thing = new_thing(n), *old;

	spin_lock(&lock);
	old = rcu_dereference_protected(root);
	rcu_assign_pointer(root, thing);
	spin_unlock(&lock);
	if (tap_random_below(random, 4)) {
		call_rcu(&old->rcu, free_thing);
	} else {
		synchronize_rcu();
		free_thing(&old->rcu);
	}
}

static void read_some(struct tap_random *random)
{
	struct thing *thing;

	rcu_read_lock();
	thing = rcu_dereference(root);
	for (u64 i = tap_random_below(random, 20); i > 0; i--) {
		if (READ_ONCE(thing->state) != ALIVE)
			atomic_inc(&wrong);
		quire_host_sched_point();
	}
	rcu_read_lock();
	if (READ_ONCE(thing->twice) % 2)
		atomic_inc(&wrong);
	rcu_read_unlock();
	if (READ_ONCE(thing->state) != ALIVE)
		atomic_inc(&wrong);
	rcu_read_unlock();
}

static void read_and_write(void *arg)
{
	struct tap_random random = tap_random_stream(this_cpu() + 1);
	const struct quire_port *port = this_quire()->port;

	for (int i = 0; i < ROUNDS; i++) {
		if (tap_random_below(&random, 8) == 0)
			replace(i, &random);
		else
			read_some(&random);
		if (tap_random_below(&random, 16) == 0)
			port->cond_resched();
	}
}

static int expected;

static void check_order(struct rcu_head *head)
{
	struct thing *thing = container_of(head, struct thing, rcu);

	if (thing->twice == 2 * expected++)
		atomic_inc(&in_order);
	free(thing);
}

static void test_alone(void)
{
	const struct quire_port *port = this_quire()->port;
	struct thing *thing = new_thing(1);

	rcu_read_lock();
	call_rcu(&thing->rcu, free_thing);
	for (int i = 0; i < 10; i++)
		rcu_process(this_cpu());
	tap_is(atomic_read(&freed), 0, "[U3] a callback does not run during a section that was there before");
	rcu_read_unlock();
	tap_ok(rcu_has_work(this_cpu()), "the CPU knows that it has work");
	/* Where the kernel has a thread for it, that thread needs the CPU. */
	for (int i = 0; i < 1000 && !atomic_read(&freed); i++) {
		port->cond_resched();
		if (i >= 4)
			(void)port->park(port->now_ns() + 1000000);
	}
	tap_is(atomic_read(&freed), 1, "and runs after it");
	tap_ok(!rcu_has_work(this_cpu()), "no work is left");
	for (int i = 0; i < 100; i++) {
		call_rcu(&new_thing(i)->rcu, check_order);
		if (i % 10 == 0)
			rcu_process(this_cpu());
	}
	rcu_barrier();
	tap_is(atomic_read(&in_order), 100, "[U4] callbacks of one CPU run in order, all before rcu_barrier returns");
}

int main(void)
{
	struct hosted_machine *m;
	int made;

	tap_plan(0);
	m = tap_machine_bare(1 << 20, CPUS, 1);
	spin_lock_init(&lock, LOCK_LEAF);
	test_alone();
	root = new_thing(0);
	atomic_set(&freed, 0);
	tap_run(m, CPUS, read_and_write, NULL);
	made = atomic_read(&freed);
	rcu_barrier();
	tap_is(atomic_read(&wrong), 0, "no reader saw a dead thing");
	tap_ok(atomic_read(&freed) >= made && !rcu_has_work(0), "rcu_barrier ran what was left on every CPU");
	free(root);
	tap_machine_bare_end(m);
	return tap_done();
}
