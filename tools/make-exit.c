/* SPDX-License-Identifier: MIT */
/*
 * make-exit.c - lets `make run CMD=...` end with the exit status of the command.
 *
 * make itself turns every failure into status 2 and a message of its own. This is loaded into
 * make (see "Loading Dynamic Objects" in its manual) and gives the makefile the function
 * $(quire-exit N), which ends make with status N and says nothing.
 */
#include <gnumake.h>
#include <stdlib.h>

int plugin_is_GPL_compatible; /* make insists on this name before it loads anything */

int make_exit_gmk_setup(void);

static char *quire_exit(const char *name, unsigned int nr_args, char **args)
{
	exit(atoi(args[0]));
}

int make_exit_gmk_setup(void)
{
	gmk_add_function("quire-exit", quire_exit, 1, 1, GMK_FUNC_DEFAULT);
	return 1;
}
