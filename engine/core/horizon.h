/* SPDX-License-Identifier: Apache-2.0 */
/*
 * horizon.h - how long what is promoted may be expected to stay hot, learned from our own moves.
 *
 * Promoted memory that stays is evidence for long stays, memory that is demoted again for short
 * ones: the expected stay is the time that promoted bytes stayed, by the bytes that left. What the
 * user expects counts as the first such evidence. Old evidence fades.
 */
#ifndef CORE_HORIZON_H
#define CORE_HORIZON_H

#include <stdint.h>

struct horizon {
	double first_ms; /* what the user expects */
	double byte_ms;  /* that promoted memory stayed, */
	double left;     /* and bytes of it that left */
	uint64_t updated_ns;
};

void horizon_init(struct horizon *horizon, uint64_t first_ms);
/* Promoted memory was demoted again. */
void horizon_left(struct horizon *horizon, uint64_t bytes);
/* So many bytes are in fast memory that were promoted in the last minutes; fast memory has so many
 * in all. Returns the expected stay in ms: from 10 s to 12 times what the user expects. */
uint64_t horizon_update(struct horizon *horizon, uint64_t promoted_bytes, uint64_t fast_bytes,
			uint64_t now_ns);

#endif
