/* SPDX-License-Identifier: MIT */
/* sysctl.c - /proc/sys/vm: values by name, with Linux's ranges and errors. */
#include "base/math.h"
#include "base/string.h"
#include "front/text.h"
#include "phys/phys_state.h"
#include "quire/errno.h"
#include "quire/stats.h"
#include "reclaim/reclaim.h"
#include "vm/vm.h"

/* Most values that one file holds. */
#define MAX_VALUES MAX_NR_ZONES

/* Zones that a vector has a value for. */
#define NR_SHOWN_ZONES (MAX_NR_ZONES - !ARCH_HAS_HIGHMEM)

struct sysctl {
	const char *name;
	unsigned long min, max;
	void (*get)(unsigned long *values);
	void (*set)(const unsigned long *values); /* NULL: read only */
	unsigned int nr;                          /* values in the file */
	bool zero_too;                            /* 0 is allowed below min: the default */
};

static struct phys_sysctl *vm(void)
{
	return &this_phys()->sysctl;
}

static void get_min_free(unsigned long *v)
{
	*v = vm()->min_free_kbytes;
}

static void set_min_free(const unsigned long *v)
{
	vm()->min_free_kbytes = *v;
	vm()->min_free_set = true;
	setup_per_zone_wmarks();
}

static void get_scale(unsigned long *v)
{
	*v = vm()->watermark_scale_factor;
}

static void set_scale(const unsigned long *v)
{
	vm()->watermark_scale_factor = (unsigned int)*v;
	setup_per_zone_wmarks();
}

static void get_boost(unsigned long *v)
{
	*v = vm()->watermark_boost_factor;
}

static void set_boost(const unsigned long *v)
{
	vm()->watermark_boost_factor = (unsigned int)*v;
}

static void get_high_fraction(unsigned long *v)
{
	*v = vm()->percpu_pagelist_high_fraction;
}

static void set_high_fraction(const unsigned long *v)
{
	vm()->percpu_pagelist_high_fraction = (unsigned int)*v;
	pcp_update_high();
}

static void get_reserve_ratio(unsigned long *v)
{
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		if (zone_type_is_shown((enum zone_type)i))
			*v++ = vm()->lowmem_reserve_ratio[i];
}

static void set_reserve_ratio(const unsigned long *v)
{
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		if (zone_type_is_shown((enum zone_type)i))
			vm()->lowmem_reserve_ratio[i] = (unsigned int)*v++;
	setup_per_zone_lowmem_reserve();
}

/* A value of the address-space room that needs nothing but to be stored. */
#define VM_VALUE(field)                                                                            \
	static void get_##field(unsigned long *v)                                                  \
	{                                                                                          \
		*v = this_vm()->field;                                                             \
	}                                                                                          \
	static void set_##field(const unsigned long *v)                                            \
	{                                                                                          \
		this_vm()->field = (__typeof__(this_vm()->field))*v;                               \
	}

VM_VALUE(admin_reserve_kbytes)
VM_VALUE(legacy_va_layout)
VM_VALUE(max_map_count)
VM_VALUE(mmap_min_addr)
VM_VALUE(overcommit_mode)
VM_VALUE(user_reserve_kbytes)

static void get_commit_kbytes(unsigned long *v)
{
	*v = this_vm()->overcommit_kbytes;
}

/* The limit is given either in KiB or as a share of memory: to write one forgets the other. */
static void set_commit_kbytes(const unsigned long *v)
{
	this_vm()->overcommit_kbytes = *v;
	this_vm()->overcommit_ratio = 0;
}

static void get_commit_ratio(unsigned long *v)
{
	*v = this_vm()->overcommit_ratio;
}

static void set_commit_ratio(const unsigned long *v)
{
	this_vm()->overcommit_ratio = (unsigned int)*v;
	this_vm()->overcommit_kbytes = 0;
}

/* A limit of what is dirty is a share of memory or a number of bytes: to write one forgets the other. */
#define DIRTY_LIMIT(field, other)                                                                  \
	static void get_##field(unsigned long *v)                                                  \
	{                                                                                          \
		*v = vm()->field;                                                                  \
	}                                                                                          \
	static void set_##field(const unsigned long *v)                                            \
	{                                                                                          \
		hint_write(vm()->field, (__typeof__(vm()->field))*v);                              \
		hint_write(vm()->other, 0);                                                        \
	}

DIRTY_LIMIT(dirty_background_bytes, dirty_background_ratio)
DIRTY_LIMIT(dirty_background_ratio, dirty_background_bytes)
DIRTY_LIMIT(dirty_bytes, dirty_ratio)
DIRTY_LIMIT(dirty_ratio, dirty_bytes)

static void get_compact(unsigned long *v)
{
	*v = vm()->compact_memory;
}

/* Written, all memory is compacted at once. */
static void set_compact(const unsigned long *v)
{
	vm()->compact_memory = (unsigned int)*v;
	compact_all();
}

static const struct sysctl sysctls[] = {
	{"admin_reserve_kbytes", 0, ~0ul, get_admin_reserve_kbytes, set_admin_reserve_kbytes, 1, false},
	{"compact_memory", 1, 1, get_compact, set_compact, 1, false},
	{"dirty_background_bytes", 1, ~0ul, get_dirty_background_bytes, set_dirty_background_bytes, 1, false},
	{"dirty_background_ratio", 0, 100, get_dirty_background_ratio, set_dirty_background_ratio, 1, false},
	{"dirty_bytes", 2 * PAGE_SIZE, ~0ul, get_dirty_bytes, set_dirty_bytes, 1, false},
	{"dirty_ratio", 0, 100, get_dirty_ratio, set_dirty_ratio, 1, false},
	{"legacy_va_layout", 0, 1, get_legacy_va_layout, set_legacy_va_layout, 1, false},
	{"lowmem_reserve_ratio", 0, 0xffffffff, get_reserve_ratio, set_reserve_ratio, NR_SHOWN_ZONES, false},
	{"max_map_count", 0, 0x7fffffff, get_max_map_count, set_max_map_count, 1, false},
	{"min_free_kbytes", 0, 0x7fffffff, get_min_free, set_min_free, 1, false},
	{"mmap_min_addr", 0, ~0ul, get_mmap_min_addr, set_mmap_min_addr, 1, false},
	{"overcommit_kbytes", 0, ~0ul, get_commit_kbytes, set_commit_kbytes, 1, false},
	{"overcommit_memory", 0, 2, get_overcommit_mode, set_overcommit_mode, 1, false},
	{"overcommit_ratio", 0, 0x7fffffff, get_commit_ratio, set_commit_ratio, 1, false},
	{"percpu_pagelist_high_fraction", 8, 0x7fffffff, get_high_fraction, set_high_fraction, 1, true},
	{"user_reserve_kbytes", 0, ~0ul, get_user_reserve_kbytes, set_user_reserve_kbytes, 1, false},
	{"watermark_boost_factor", 0, 0x7fffffff, get_boost, set_boost, 1, false},
	{"watermark_scale_factor", 1, 3000, get_scale, set_scale, 1, false},
};

static const struct sysctl *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sysctls); i++)
		if (!strcmp(name, sysctls[i].name))
			return &sysctls[i];
	return NULL;
}

const char *quire_sysctl_name(unsigned int i)
{
	return i < ARRAY_SIZE(sysctls) ? sysctls[i].name : NULL;
}

int quire_sysctl_read(const char *name, struct text_sink *sink)
{
	const struct sysctl *sysctl = find(name);
	unsigned long values[MAX_VALUES];
	unsigned int i;
	int err = 0;

	if (!sysctl)
		return -ENOENT;
	sysctl->get(values);
	for (i = 0; !err && i < sysctl->nr; i++)
		err = text_printf(sink, "%s%lu", i ? "\t" : "", values[i]);
	return err ? err : text_puts(sink, "\n");
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* One decimal number at *at (before `end`), between `min` and `max`. */
static int parse_value(const char **at, const char *end, const struct sysctl *sysctl, unsigned long *value)
{
	const char *text = *at;
	u64 sum = 0;

	if (text == end || *text < '0' || *text > '9')
		return -EINVAL;
	for (; text < end && *text >= '0' && *text <= '9'; text++) {
		if (check_mul_overflow(sum, (u64)10, &sum) || check_add_overflow(sum, (u64)(*text - '0'), &sum) || sum > sysctl->max)
			return -EINVAL;
	}
	if (text < end && !is_space(*text) && *text)
		return -EINVAL;
	if (sum < sysctl->min && !(sysctl->zero_too && sum == 0))
		return -EINVAL;
	*value = (unsigned long)sum;
	*at = text;
	return 0;
}

int quire_sysctl_write(const char *name, const char *text, size_t len)
{
	const struct sysctl *sysctl = find(name);
	const char *end = text + len;
	unsigned long values[MAX_VALUES];
	unsigned int i;

	if (!sysctl)
		return -ENOENT;
	if (!sysctl->set)
		return -EPERM;
	sysctl->get(values); /* a vector may be written in part */
	for (i = 0; i < sysctl->nr; i++) {
		int err;

		while (text < end && is_space(*text))
			text++;
		if (i && (text == end || !*text))
			break;
		err = parse_value(&text, end, sysctl, &values[i]);
		if (err)
			return err;
	}
	sysctl->set(values);
	return 0;
}
