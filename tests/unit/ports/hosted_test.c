/* SPDX-License-Identifier: MIT */
/* hosted_test.c - sparse machines of any size, and who is which CPU. */
#include "hosted/hosted.h"
#include "quire/errno.h"
#include "quire_host.h"
#include "tap.h"

#include <string.h>

static void test_sizes(void)
{
	const uint64_t most = sizeof(long) == 8 ? (uint64_t)4 << 40 : (uint64_t)1 << 30;
	struct hosted_config config = { .mem_bytes = most, .cpus = 1, .nodes = 4 };
	struct hosted_machine *m = hosted_create(&config);

	tap_ok(m != NULL, "a machine with %llu GiB", (unsigned long long)(most >> 30));
	if (!m)
		return;
	host_self.phys_base[0] = 1;
	host_self.phys_base[most - 1] = 2;
	tap_ok(host_self.phys_base[most / 2] == 0, "memory is zero until it is written");
	tap_is(hosted_boot_info(m)->nr_nodes, 4, "four nodes");
	tap_is(hosted_boot_info(m)->map[3].start, most / 4 * 3, "one after the other");
	hosted_destroy(m);
	tap_ok(!this_quire(), "the thread is no CPU any more");
}

static void test_bad_configs(void)
{
	struct hosted_config none = { .cpus = 1 }, many = { .mem_bytes = 1 << 20, .cpus = 100000 };

	tap_ok(!hosted_create(&none), "no memory, no machine");
	tap_ok(!hosted_create(&many), "too many CPUs, no machine");
}

static void test_entering(void)
{
	struct hosted_config config = { .mem_bytes = 1 << 20, .cpus = 2 };
	struct hosted_machine *m = hosted_create(&config);

	tap_is(hosted_cpu_enter(m, 0), -EBUSY, "a CPU is one thread's only");
	tap_is(this_cpu(), 0, "the maker is CPU 0");
	hosted_destroy(m);
}

int main(void)
{
	tap_plan(0);
	test_sizes();
	test_bad_configs();
	test_entering();
	return tap_done();
}
