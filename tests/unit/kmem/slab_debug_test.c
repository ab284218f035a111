/* SPDX-License-Identifier: MIT */
/* slab_debug_test.c - with slab_debug=FZPU wrong uses of objects are reported, and right ones are not. */
#include <stdlib.h>
#include <string.h>

#include "hosted/hosted.h"
#include "quire/slab.h"
#include "tap.h"

static unsigned int reports;

static void counting_log(int level, const char *text, size_t len)
{
	if (level <= QUIRE_LOG_ERR && len > 4 && !strncmp(text, "BUG ", 4))
		reports++;
}

int main(void)
{
	struct hosted_machine *machine = hosted_create(&(struct hosted_config){ .mem_bytes = 32 << 20, .cmdline = "slab_debug=FZPU" });
	static struct quire_port port;
	struct kmem_cache *cache;
	char *p, *q;

	tap_plan(0);
	port = hosted_port;
	port.log = counting_log;
	hosted_set_port(machine, &port);
	if (quire_start(hosted_boot_info(machine)) || quire_add_memory_map() || quire_init_frames() || quire_init_objects())
		abort();
	cache = kmem_cache_create("checked", 48, 0, 0, NULL);
	p = kmem_cache_alloc(cache, GFP_KERNEL);
	q = kmem_cache_alloc(cache, GFP_KERNEL);
	tap_is(reports, 0, "right use is not reported");
	kmem_cache_free(cache, p);
	kmem_cache_free(cache, p);
	tap_ok(reports >= 1, "a double free is reported");
	reports = 0;
	p[5] = 1;
	tap_ok(kmem_cache_alloc(cache, GFP_KERNEL) == p && reports >= 1, "a write after free is reported");
	reports = 0;
	q[48] = 1;
	kmem_cache_free(cache, q);
	tap_ok(reports >= 1, "a write behind the object is reported");
	reports = 0;
	kmem_cache_free(cache, p + 8);
	tap_ok(reports >= 1, "a pointer into an object is refused");
	/* What was refused stays in use: this machine does not come back whole. */
	hosted_destroy(machine);
	return tap_done();
}
