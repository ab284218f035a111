/* SPDX-License-Identifier: MIT */
/* frames_script_test.c - random scripts on the frame allocator beside the model of tests/fuzz. */
#include "../../fuzz/frames_script.h"
#include "phys_machine.h"

int main(void)
{
	static struct script script;
	struct hosted_machine *machine;
	struct tap_random random;
	uint8_t data[2000];
	unsigned int broken = 0, nr = 200 / (unsigned int)tap_pace;

	tap_plan(0);
	machine = phys_machine(32 << 20, 1, 1);
	random = tap_random_stream(1);
	for (unsigned int i = 0; i < nr; i++) {
		const char *wrong;

		for (size_t k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)(tap_random_next(&random) >> 11);
		wrong = script_play(&script, data, i * sizeof(data) / nr & ~1ul);
		if (wrong) {
			tap_diag("script %u: %s", i, wrong);
			broken++;
		}
	}
	tap_is(broken, 0, "%u random scripts agree with the model", nr);
	tap_machine_frames_end(machine);
	return tap_done();
}
