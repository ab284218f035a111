/* SPDX-License-Identifier: MIT */
/* stages_test.c - a stage starts only with the members of the port that it cannot do without, and names the one that lacks. */
#include <string.h>

#include "quire/errno.h"
#include "quire/quire.h"
#include "sync/quire_state.h"
#include "tap.h"
#include "tap_machine.h"

static char logged[256];

static void keep_line(int level, const char *text, size_t len)
{
	if (level <= QUIRE_LOG_CRIT)
		memcpy(logged, text, len < sizeof(logged) ? len + 1 : sizeof(logged));
	logged[sizeof(logged) - 1] = '\0';
}

/* What quire_init answers when the host supplies `port`. */
static int boot_with(struct quire_port *port, unsigned int cpus)
{
	struct hosted_config config = { .mem_bytes = 32 << 20, .cpus = cpus };
	struct hosted_machine *machine = tap_world_create(&config);
	int err;

	logged[0] = '\0';
	hosted_set_port(machine, port);
	err = hosted_boot(machine);
	hosted_set_port(machine, &hosted_port);
	if (!err)
		hosted_shutdown(machine);
	tap_world_destroy(machine);
	return err;
}

static struct quire_port whole(void)
{
	struct quire_port port = hosted_port;

	port.log = keep_line;
	return port;
}

static void needed(void)
{
	struct quire_port port = whole();

	port.log = NULL;
	tap_is(boot_with(&port, 1), -EINVAL, "no log");
	port = whole();
	port.panic = NULL;
	tap_is(boot_with(&port, 1), -EINVAL, "no panic");
	port = whole();
	port.now_ns = NULL;
	tap_is(boot_with(&port, 1), -EINVAL, "no clock");
	tap_ok(strstr(logged, "\"now_ns\""), "is named: %s", logged);
	port = whole();
	port.call_cpus = NULL;
	tap_is(boot_with(&port, 2), -EINVAL, "no calls, and two CPUs");
	tap_ok(strstr(logged, "\"call_cpus\""), "is named: %s", logged);
	port = whole();
	port.park = NULL;
	tap_is(boot_with(&port, 1), -EINVAL, "no park");
	tap_ok(strstr(logged, "\"park\""), "is named: %s", logged);
	port = whole();
	port.unpark = NULL;
	tap_is(boot_with(&port, 1), -EINVAL, "no unpark");
	tap_ok(strstr(logged, "\"unpark\""), "is named: %s", logged);
}

static void not_needed(void)
{
	struct quire_port port = whole();

	tap_is(boot_with(&port, 1), 0, "with all members it starts");
	tap_is_str(logged, "", "and complains of nothing");
	port.call_cpus = NULL;
	tap_is(boot_with(&port, 1), 0, "one CPU calls nobody");
	port = (struct quire_port){ .log = keep_line, .panic = hosted_port.panic, .now_ns = hosted_port.now_ns,
				    .park = hosted_port.park, .unpark = hosted_port.unpark };
	tap_is(boot_with(&port, 1), 0, "the five that are needed are enough");
}

int main(void)
{
	tap_plan(0);
	needed();
	not_needed();
	return tap_done();
}
