/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes.h - from what is counted to what an operator wants to know, in a sentence: why pages do not
 * move, and what is not to be trusted. Pure; one thread at a time.
 */
#ifndef SERVICE_NOTES_H
#define SERVICE_NOTES_H

#include <stdint.h>

#include "engine.h"

/* What happened lately is told by the difference to counters of 10 to 20 s ago. */
struct notes {
	struct notes_past {
		uint64_t at_ns; /* 0: none yet */
		struct round_stats round;
		struct sampler_stats sampling;
	} older, newer;
};

/* To be called now and then with the counters of the moment. */
void notes_look(struct notes *notes, uint64_t now_ns, const struct round_stats *round,
		const struct sampler_stats *sampling);

/* status: all filled in but its note, which is added to: what is there already comes first. */
void notes_write(const struct notes *notes, uint64_t now_ns, struct engine_status *status);
/* The note of a target that has none. */
void notes_target(struct engine_target *target);

#endif
