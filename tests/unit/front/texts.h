/* SPDX-License-Identifier: MIT */
/*
 * texts.h - a /proc text in a buffer, and the figures in it.
 *
 *	const char *text = text_of(quire_show_meminfo);
 *	text_value(text, "MemTotal:")                the number behind the name, at the start of a line
 */
#ifndef TESTS_UNIT_FRONT_TEXTS_H
#define TESTS_UNIT_FRONT_TEXTS_H

#include <stdio.h>
#include <string.h>

#include "quire/errno.h"
#include "quire/page.h"
#include "quire/stats.h"
#include "tap.h"

struct text_buffer {
	struct text_sink sink;
	size_t len;
	char text[1 << 16];
};

static inline int text_collect(struct text_sink *sink, const char *text, size_t len)
{
	struct text_buffer *b = (struct text_buffer *)sink;

	if (b->len + len >= sizeof(b->text))
		return -ENOMEM;
	memcpy(b->text + b->len, text, len);
	b->len += len;
	b->text[b->len] = '\0';
	return 0;
}

/* The text, or "" when the renderer failed, which is reported. Valid until the next call. */
static inline const char *text_of(int (*show)(struct text_sink *sink))
{
	static struct text_buffer buffer;
	int err;

	buffer.sink.write = text_collect;
	buffer.len = 0;
	buffer.text[0] = '\0';
	err = show(&buffer.sink);
	if (err)
		tap_is(err, 0, "the text is written");
	return err ? "" : buffer.text;
}

/* The number behind `name` at the start of a line; ~0 when there is none. */
static inline unsigned long text_value(const char *text, const char *name)
{
	size_t len = strlen(name);
	unsigned long value = ~0ul;

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL)
		if (!strncmp(line, name, len) && (line[len] == ' ' || line[len] == '\t'))
			sscanf(line + len, " %lu", &value);
	return value;
}

/* Free pages that buddyinfo shows. */
static inline unsigned long text_buddy_pages(void)
{
	char copy[4096], *save = NULL, zone[16];
	unsigned long total = 0;
	int node, used;

	snprintf(copy, sizeof(copy), "%s", text_of(quire_show_buddyinfo));
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "Node %d, zone %15s %n", &node, zone, &used) != 2)
			return ~0ul;
		line += used;
		for (unsigned int order = 0; order < NR_ORDERS; order++) {
			unsigned long runs;

			if (sscanf(line, "%lu %n", &runs, &used) != 1)
				return ~0ul;
			line += used;
			total += runs << order;
		}
	}
	return total;
}

/* Pages that zoneinfo shows on per-CPU lists, and managed ones. */
static inline unsigned long text_zoneinfo_sum(const char *name)
{
	const char *at = text_of(quire_show_zoneinfo);
	unsigned long total = 0, value;

	while ((at = strstr(at, name)) != NULL) {
		at += strlen(name);
		if (sscanf(at, " %lu", &value) == 1)
			total += value;
	}
	return total;
}

#endif
