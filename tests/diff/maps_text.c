/* SPDX-License-Identifier: MIT */
/* maps_text.c - /proc/PID/maps as both sides have it in common: only the windows, in pages, and what kind of memory it is. */
#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct window {
	const char *tag;
	unsigned long base, pages;
};

static const char *kind_of(const char *name)
{
	static const char *const kinds[][2] = {
		{ "memfd:diff0", "file0" }, { "memfd:diff1", "file1" }, { "memfd:diff2", "file2" }, { "zero", "shm" },
		{ "[heap]", "heap" }, { "[stack]", "stack" }, { "SYSV", "sysv" }, { "anon:diffa", "anon-a" },
		{ "anon:diffb", "anon-b" }, { "anon_shmem:diffa", "shm-a" }, { "anon_shmem:diffb", "shm-b" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strstr(name, kinds[i][0]))
			return kinds[i][1];
	return "anon";
}

/* "start-end perms offset dev inode name" */
static void normalise_line(const char *line, const struct window *window, char **out, const char *end)
{
	unsigned long start, stop, offset, inode, last = window->base + window->pages * 4096;
	char perms[8], name[64] = "", copy[256], *rest;
	unsigned int major, minor;

	/* Most lines are outside. The others are copied, because sscanf looks for the end of its text. */
	start = strtoul(line, &rest, 16);
	if (*rest != '-' || start >= last || (stop = strtoul(rest + 1, &rest, 16)) <= window->base || end - *out < 80)
		return;
	snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(rest, "\n"), rest);
	if (sscanf(copy, " %7s %lx %x:%x %lu %63[^\n]", perms, &offset, &major, &minor, &inode, name) < 5)
		return;
	if (start < window->base)
		start = window->base;
	if (stop > last)
		stop = last;
	*out += snprintf(*out, (size_t)(end - *out), "%s%lu-%lu %s %lx %s\n", window->tag, (start - window->base) / 4096,
			 (stop - window->base) / 4096, perms, offset / 4096, kind_of(name));
}

void maps_normalise(const char *text, unsigned long heap, char *out, size_t size)
{
	const struct window arena = { "", ARENA_BASE, ARENA_PAGES }, heaps = { "h", heap, HEAP_PAGES };
	char *end = out + size;

	*out = 0;
	while (*text) {
		normalise_line(text, &arena, &out, end);
		normalise_line(text, &heaps, &out, end);
		text = strchr(text, '\n');
		if (!text)
			return;
		text++;
	}
}

/* One line of a normalised text. */
struct part {
	bool heap;
	unsigned long start, end, offset;
	char perms[8], kind[16];
};

static bool read_part(const char *line, struct part *part)
{
	part->heap = *line == 'h';
	return sscanf(line + part->heap, "%lu-%lu %7s %lx %15s", &part->start, &part->end, part->perms, &part->offset,
		      part->kind) == 5;
}

static bool goes_on(const struct part *a, const struct part *b)
{
	bool offsets = strcmp(a->kind, "anon") && strcmp(a->kind, "heap");
	/* What is cut off the heap behind its end is not called so any more. */
	bool tail = !strcmp(a->kind, "heap") && !strcmp(b->kind, "anon");

	return a->heap == b->heap && a->end == b->start && !strcmp(a->perms, b->perms) && (tail || !strcmp(a->kind, b->kind)) &&
	       (!offsets || a->offset + a->end - a->start == b->offset);
}

void maps_without_cuts(char *maps)
{
	struct part part, next;
	static char text[MAPS_TEXT];
	const char *from = strcpy(text, maps);
	char *out = maps;
	bool any = read_part(from, &part);

	while (any) {
		from = strchr(from, '\n') + 1;
		any = *from && read_part(from, &next);
		if (any && goes_on(&part, &next)) {
			part.end = next.end;
			continue;
		}
		out += sprintf(out, "%s%lu-%lu %s %lx %s\n", part.heap ? "h" : "", part.start, part.end, part.perms, part.offset,
			       part.kind);
		part = next;
	}
	*out = 0;
}
