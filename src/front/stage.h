/* SPDX-License-Identifier: MIT */
/*
 * stage.h - the stages of initialisation, each in a file of its own, so that who stops at one links nothing above it.
 *
 * Lock: none; boot CPU. Sleeps: never. Allocates: never by itself.
 */
#ifndef FRONT_STAGE_H
#define FRONT_STAGE_H

enum stage { STAGE_STARTED = 1, STAGE_MAP, STAGE_FRAMES, STAGE_OBJECTS, STAGE_KERNEL_VA, STAGE_USER_VM };

/* Notes that a stage is done; the one before it must be. */
void stage_enter(enum stage stage);
/* Logs which member of the port a stage lacks. -EINVAL. */
int stage_missing(const char *member);

#endif
