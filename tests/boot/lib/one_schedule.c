/* SPDX-License-Identifier: MIT */
/* one_schedule.c - a booted program runs once: only the simulated machine has schedules to try. */
#include "tap.h"

const int tap_schedules = 1;
