/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coarse_pace.h - what a coarse tracker tells of how fast processes are.
 *
 * Marks tell a process's pace (pace.h) in bursts, which slow it down themselves, and one process
 * more than another. A coarse tracker looks at all processes all the time. It may see a part of all
 * accesses only, but of all processes' cold memory as much, so it tells how much faster one is than
 * another. Hot memory is left out: of that it sees too little.
 *
 * As heat.h: one thread at a time.
 */
#ifndef HEAT_COARSE_PACE_H
#define HEAT_COARSE_PACE_H

#include "pace.h"

/* It saw so many accesses of cold memory where, at the usual pace, so many were to be expected. */
void coarse_pace_seen(struct pace *pace, float events, float expected, uint64_t tick);

/* How much of what is believed at the present pace it saw in the last seconds; near 1 while that is
 * little, 0 for a process of which no pace is known. */
float coarse_pace_scale(struct heat *heat, int32_t pid);

/* Octaves by which it sees all processes faster than marks do, and one more than all. */
float coarse_pace_common(const struct heat *heat);
float coarse_pace_beyond(const struct heat *heat, const struct pace *pace, float common);

#endif
