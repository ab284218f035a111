/* SPDX-License-Identifier: MIT */
/* wait_test.c - nobody sleeps through a wake-up, whatever the two sides do at the same time. */
#include "quire/errno.h"
#include "quire/port.h"
#include "sync/completion.h"
#include "tap.h"
#include "tap_machine.h"

#define CPUS 4
#define ROUNDS (2000 / tap_pace)

static struct wait_queue_head wq;
static struct completion go, done;
static atomic_t turn, passed;
static int keys[CPUS];

/* Each CPU waits for its turn and passes it on: one lost wake-up and everything stands still. */
static void pass_round(void *arg)
{
	int me = (int)this_cpu();

	for (int i = 0; i < ROUNDS; i++) {
		wait_event(&wq, atomic_read_acquire(&turn) % CPUS == me);
		atomic_inc(&passed);
		atomic_set_release(&turn, atomic_read(&turn) + 1);
		wake_up_all(&wq);
	}
}

/* The same through hashed queues, each CPU on a key of its own. */
static void pass_round_by_key(void *arg)
{
	int me = (int)this_cpu();

	for (int i = 0; i < ROUNDS; i++) {
		wait_event_key(&keys[me], atomic_read_acquire(&turn) % CPUS == me);
		atomic_inc(&passed);
		atomic_set_release(&turn, atomic_read(&turn) + 1);
		wake_key(&keys[(me + 1) % CPUS]);
	}
}

/* A completion on the stack of each round's waiter: [W5] under the address sanitizer. */
static struct completion *volatile mailbox;

static void post_completions(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (this_cpu() == 0) {
			struct completion mine;

			init_completion(&mine);
			__atomic_store_n(&mailbox, &mine, __ATOMIC_RELEASE);
			wait_for_completion(&mine);
			atomic_inc(&passed);
		} else {
			struct completion *theirs;

			while (!(theirs = __atomic_exchange_n(&mailbox, NULL, __ATOMIC_ACQUIRE)))
				quire_host_relax();
			complete(theirs);
		}
	}
}

static void all_at_once(void *arg)
{
	if (this_cpu() == 0)
		complete_all(&go);
	wait_for_completion(&go);
	complete(&done);
}

static void test_alone(void)
{
	const struct quire_port *port = this_quire()->port;
	u64 start = port->now_ns();
	struct completion c;

	init_completion(&c);
	tap_is(wait_for_completion_deadline(&c, start + 2000000), -ETIMEDOUT, "a wait ends at its deadline");
	tap_ok(port->now_ns() >= start + 2000000, "and not before it");
	complete(&c);
	tap_ok(completion_done(&c) && try_wait_for_completion(&c) && !completion_done(&c),
	       "[W4] one completion lets one through");
	tap_is(wait_event_deadline(&wq, true, 1), 0, "a true condition does not look at the clock");
	port->unpark(this_ctx());
	tap_is(port->park(0), 0, "a permit given before the park is kept");
	tap_is(wake_up_key_nr(&wq, NULL, ~0U), 0, "nobody is left on the queue");
}

int main(void)
{
	struct hosted_machine *m;

	tap_plan(0);
	m = tap_machine_bare(1 << 20, CPUS, 1);
	init_waitqueue_head(&wq);
	init_completion(&go);
	init_completion(&done);
	test_alone();
	tap_run(m, CPUS, pass_round, NULL);
	tap_is(atomic_read(&passed), CPUS * ROUNDS, "[W1] every turn came round");
	atomic_set(&passed, 0);
	atomic_set(&turn, 0);
	tap_run(m, CPUS, pass_round_by_key, NULL);
	tap_is(atomic_read(&passed), CPUS * ROUNDS, "[W1] by keys too");
	atomic_set(&passed, 0);
	tap_run(m, 2, post_completions, NULL);
	tap_is(atomic_read(&passed), ROUNDS, "[W5] completions on the stack");
	tap_run(m, CPUS, all_at_once, NULL);
	for (int i = 0; i < CPUS; i++)
		wait_for_completion(&done);
	tap_ok(!completion_done(&done), "[W4] complete_all let every CPU through, each counted once");
	tap_machine_bare_end(m);
	return tap_done();
}
