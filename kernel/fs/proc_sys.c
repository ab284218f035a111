/* SPDX-License-Identifier: MIT */
/* proc_sys.c - /proc/sys: settings of the machine by name. */
#include "arch/machine.h"
#include "base/format.h"
#include "base/math.h"
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/proc.h"
#include "lib/printk.h"
#include "lib/random.h"
#include "proc/cred.h"
#include "proc/exec.h"
#include "proc/pid.h"
#include "proc/utsname.h"
#include "proc/va_random.h"
#include "quire/errno.h"
#include "quire/stats.h"

/* ---- one number ---- */

struct number {
	const char *name;
	int *value;
	int min, max;
	umode_t mode;
};

static int show_number(struct text_sink *sink, void *arg)
{
	const struct number *n = arg;

	return sink_printf(sink, "%d\n", READ_ONCE(*n->value));
}

static int store_number(const char *text, size_t len, void *arg)
{
	const struct number *n = arg;
	long value;
	int err = parse_long(text, &value);

	if (err)
		return err;
	if (value < n->min || value > n->max)
		return -EINVAL;
	WRITE_ONCE(*n->value, (int)value);
	return 0;
}

static int zero, cap_last = CAP_LAST_CAP, ngroups_max = NGROUPS_MAX, nr_open = NR_OPEN_MAX, pipe_max = 1048576;
static int overflow_id = 65534, entropy = 256;

static const struct number numbers[] = {
	{ "kernel/pid_max", &pid_max, 301, 4194304, 0644 },
	{ "kernel/threads-max", (int *)&threads_max, 20, 0x7fffffff, 0644 },
	{ "kernel/panic", &panic_timeout, -0x7fffffff - 1, 0x7fffffff, 0644 },
	{ "kernel/randomize_va_space", &randomize_va_space, 0, 2, 0644 },
	{ "kernel/cap_last_cap", &cap_last, 0, 0, 0444 },
	{ "kernel/ngroups_max", &ngroups_max, 0, 0, 0444 },
	{ "kernel/overflowuid", &overflow_id, 0, 0, 0444 },
	{ "kernel/overflowgid", &overflow_id, 0, 0, 0444 },
	{ "kernel/tainted", &zero, 0, 0, 0444 },
	{ "kernel/dmesg_restrict", &zero, 0, 0, 0444 },
	{ "kernel/random/entropy_avail", &entropy, 0, 0, 0444 },
	{ "kernel/random/poolsize", &entropy, 0, 0, 0444 },
	{ "fs/nr_open", &nr_open, 0, 0, 0444 },
	{ "fs/pipe-max-size", &pipe_max, 0, 0, 0444 },
};

/* ---- names ---- */

static int show_string(struct text_sink *sink, void *arg)
{
	return sink_printf(sink, "%s\n", (const char *)arg);
}

static int store_name(const char *text, size_t len, void *arg)
{
	char name[UTS_LEN] = { 0 };

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	strscpy(name, text, sizeof(name));
	name[strcspn(name, "\n")] = 0;
	memcpy(arg, name, sizeof(name));
	return 0;
}

static int show_printk(struct text_sink *sink, void *arg)
{
	return sink_printf(sink, "%d\t4\t1\t7\n", console_loglevel);
}

static int store_printk(const char *text, size_t len, void *arg)
{
	char first[16];
	long level;
	size_t n = strcspn(text, " \t\n");

	strscpy(first, text, min(n + 1, sizeof(first)));
	if (parse_long(first, &level) || level < 1 || level > 15)
		return -EINVAL;
	console_loglevel = (int)level;
	return 0;
}

/* Random bytes as a version 4 UUID. */
static void make_uuid(char *text, size_t size)
{
	u8 b[16];

	get_random_bytes(b, sizeof(b));
	b[6] = (u8)((b[6] & 15) | 0x40);
	b[8] = (u8)((b[8] & 0x3f) | 0x80);
	quire_snprintf(text, size, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		       b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static char boot_id[40];

static int show_uuid(struct text_sink *sink, void *arg)
{
	char text[40];

	make_uuid(text, sizeof(text));
	return sink_printf(sink, "%s\n", text);
}

/* What the next power-off tells the host. */
static int store_exit_status(const char *text, size_t len, void *arg)
{
	long status;

	if (parse_long(text, &status) || status < 0 || status > 255)
		return -EINVAL;
	machine_set_exit_status((int)status);
	return 0;
}

/* ---- sys/vm ---- */

static int show_vm(struct text_sink *sink, void *arg)
{
	return quire_sysctl_read(arg, sink);
}

static int store_vm(const char *text, size_t len, void *arg)
{
	return quire_sysctl_write(arg, text, len);
}

/* ---- the tree ---- */

/* "kernel/random/uuid" below /proc/sys; directories are made on the way. */
static struct pseudo_entry *add(const char *path, umode_t mode, int (*show)(struct text_sink *sink, void *arg),
				int (*store)(const char *text, size_t len, void *arg), void *arg)
{
	struct pseudo_entry *dir = pseudo_dir(proc_root, "sys"), *e;
	const char *slash;
	char name[40];

	while ((slash = strchr(path, '/'))) {
		strscpy(name, path, min((size_t)(slash - path) + 1, sizeof(name)));
		dir = pseudo_dir(dir, name);
		path = slash + 1;
	}
	e = pseudo_text(dir, path, mode, show, arg);
	if (e)
		e->text.store = store;
	return e;
}

void proc_sys_init(void)
{
	const char *name;
	char path[64];

	make_uuid(boot_id, sizeof(boot_id));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		add(numbers[i].name, numbers[i].mode, show_number, store_number, (void *)&numbers[i]);
	add("kernel/ostype", 0444, show_string, NULL, system_utsname.sysname);
	add("kernel/osrelease", 0444, show_string, NULL, system_utsname.release);
	add("kernel/version", 0444, show_string, NULL, system_utsname.version);
	add("kernel/hostname", 0644, show_string, store_name, system_utsname.nodename);
	add("kernel/domainname", 0644, show_string, store_name, system_utsname.domainname);
	add("kernel/printk", 0644, show_printk, store_printk, NULL);
	add("kernel/random/boot_id", 0444, show_string, NULL, boot_id);
	add("kernel/random/uuid", 0444, show_uuid, NULL, NULL);
	add("kernel/quire_exit_status", 0200, NULL, store_exit_status, NULL);
	for (unsigned int i = 0; (name = quire_sysctl_name(i)); i++) {
		quire_snprintf(path, sizeof(path), "vm/%s", name);
		add(path, 0644, show_vm, store_vm, (void *)name);
	}
}
