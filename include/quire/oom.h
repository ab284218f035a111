/* SPDX-License-Identifier: MIT */
/* oom.h - who would be ended when memory is gone. */
#ifndef QUIRE_OOM_H
#define QUIRE_OOM_H

#include "quire/types.h"

struct mm_struct;

/* As /proc/PID/oom_score: 0 for what is never ended, up to 2000 for what goes first. Context: any. */
unsigned int mm_oom_score(struct mm_struct *mm);

#endif
