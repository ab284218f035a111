/* SPDX-License-Identifier: MIT */
/*
 * embed-frames: the first tier alone. A program without an operating system hands its memory to the
 * library and gets frames back: three members of the port, six answers of the host, three calls.
 */
#include "../lib/example.h"
#include "quire/ctx.h"
#include "quire/gfp.h"
#include "quire/page.h"
#include "quire/stats.h"
#include "quire_host.h"

/* ---- what the library asks its host: one machine, one CPU, one context ---- */

static struct quire_place place;
static struct quire_ctx context;

struct quire *quire_host_machine(void)
{
	return (struct quire *)&place;
}

unsigned int quire_host_cpu(void)
{
	return 0;
}

struct quire_ctx *quire_host_ctx(void)
{
	return &context;
}

void quire_host_cpu_pin(void)
{
}

void quire_host_cpu_unpin(void)
{
}

void quire_host_relax(void)
{
}

/* ---- the port: three members ---- */

static void log_line(int level, const char *text, size_t len)
{
	if (level <= QUIRE_LOG_WARNING)
		example_say("quire: %s", text);
}

static void __attribute__((noreturn)) panic(const char *text)
{
	example_say("panic: %s", text);
	example_end(false);
}

static const struct quire_port port = { .log = log_line, .panic = panic, .now_ns = example_now_ns };

/* ---- the program ---- */

static int show(struct text_sink *sink, const char *text, size_t len)
{
	example_text(text, len);
	return 0;
}

static struct text_sink screen = { .write = show };

static void show_free(const char *when)
{
	drain_all_pages(); /* what the CPU keeps at hand is free too */
	example_say("%s:", when);
	quire_show_buddyinfo(&screen);
}

void example_main(void)
{
	static struct quire_map_entry map[32];
	static struct quire_boot boot = { .port = &port, .map = map, .nr_cpus = 1 };
	unsigned long frame, run;

	boot.image = example_image();
	boot.nr_map = example_memory_map(map, 32);
	if (quire_start(&boot) || quire_add_memory_map() || quire_init_frames())
		example_end(false);
	show_free("before");

	frame = __get_free_pages(GFP_KERNEL | __GFP_ZERO, 0);
	run = __get_free_pages(GFP_KERNEL, 9);
	if (!frame || !run || *(unsigned long *)frame || run % (2ul << 20))
		example_end(false);
	example_say("a zeroed frame, and 2 MiB in one piece");
	show_free("meanwhile");

	free_pages(frame, 0);
	free_pages(run, 9);
	show_free("after");
}
