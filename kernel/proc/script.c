/* SPDX-License-Identifier: MIT */
/* script.c - "#!": a text file whose first line names the program that reads it. */
#include "base/string.h"
#include "fs/vfs.h"
#include "proc/exec.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Cuts the first line in place: *name the interpreter, *arg all the rest of the line as one
 * argument, or NULL.
 */
static int parse_line(char *line, char **name, char **arg)
{
	char *end = strchr(line, '\n'), *s;
	bool whole = end != NULL;

	if (!end)
		end = line + strlen(line);
	while (end > line && is_blank(end[-1]))
		end--;
	*end = '\0';
	for (s = line; is_blank(*s); s++)
		;
	if (!*s)
		return -ENOEXEC;
	*name = s;
	while (*s && !is_blank(*s))
		s++;
	/* A name that the buffer cuts off may be another program's. */
	if (!*s && !whole)
		return -ENOEXEC;
	*arg = NULL;
	if (*s) {
		*s++ = '\0';
		while (is_blank(*s))
			s++;
		*arg = s;
	}
	return 0;
}

int load_script(struct binprm *bprm)
{
	char line[BINPRM_BUF_SIZE], *name, *arg;
	struct file *file;
	int error;

	memcpy(line, bprm->buf + 2, sizeof(line) - 3);
	line[sizeof(line) - 3] = '\0';
	error = parse_line(line, &name, &arg);
	if (error)
		return error;
	error = bprm_drop_arg0(bprm);
	if (!error)
		error = bprm_push_kernel(bprm, bprm->filename);
	bprm->argc++;
	if (!error && arg) {
		error = bprm_push_kernel(bprm, arg);
		bprm->argc++;
	}
	if (!error)
		error = bprm_push_kernel(bprm, name);
	bprm->argc++;
	if (error)
		return error;
	file = open_exec(name);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	exec_allow_write(bprm->file);
	fput(bprm->file);
	bprm->file = file;
	return 0;
}
