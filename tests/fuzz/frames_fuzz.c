/* SPDX-License-Identifier: MIT */
/* frames_fuzz.c - libFuzzer's way into frames_script.h. */
#include <stdio.h>

#include "frames_script.h"
#include "hosted/hosted.h"
#include "quire/quire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(void)
{
	struct hosted_machine *machine = hosted_create(&(struct hosted_config){.mem_bytes = 32 << 20, .cpus = 1});
	const struct quire_boot *boot = machine ? hosted_boot_info(machine) : NULL;

	if (!machine || quire_start(boot) || quire_add_memory_map() || quire_init_frames())
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script script;
	static bool started;
	const char *wrong;

	if (!started)
		start();
	started = true;
	wrong = script_play(&script, data, size);
	if (wrong) {
		fprintf(stderr, "frames: %s\n", wrong);
		abort();
	}
	return 0;
}
