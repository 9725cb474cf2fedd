/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_fake.h - for tests: what sampler_fake hands over is what the test has queued. There is
 * one queue in a process; sampler_fake_reset() empties it. One thread.
 */
#ifndef SAMPLER_FAKE_H
#define SAMPLER_FAKE_H

#include <stddef.h>
#include <stdint.h>

#include "ops.h"

/* Until then its probe says no, so that it is never picked by itself. */
void sampler_fake_reset(int available);
/* Handed over by the first read whose now_ns has come to the sample's time_ns, in the order of the
 * queue, if its pid is watched by then. -ENOMEM. */
int sampler_fake_push(const struct sample *samples, size_t count);
/* The next `times` reads fail so. */
void sampler_fake_fail(int code, unsigned int times);

/* What the round has asked for. */
int sampler_fake_watches(int32_t pid);
double sampler_fake_effort(void);        /* -1: never set */
unsigned int sampler_fake_running(void); /* starts less stops */

#endif
