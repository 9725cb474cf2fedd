/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_out.h - samples that wait to be handed over, and page bits told as few of them. One thread.
 */
#ifndef SAMPLER_SCAN_OUT_H
#define SAMPLER_SCAN_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "heat.h"
#include "scan_walk.h"
#include "sluice/err.h"

#define SCAN_OUT_MAX 8192
/* A bit for each page of a slice. */
#define SCAN_WORDS (HEAT_REGION_PAGES / 64)
/* Most samples that one slice becomes. */
#define SCAN_SLICE_SAMPLES (HEAT_REGION_PAGES / 2 + 1)

struct scan_out {
	struct sample *pending;
	size_t count, next;
	uint64_t samples; /* so far */
	float spread;     /* of each, as heat.h has it */
};

int scan_out_init(struct scan_out *out, float spread, struct sluice_err *reterr);
void scan_out_destroy(struct scan_out *out);

/* Room for what one more slice becomes? */
int scan_out_has_room(const struct scan_out *out);
/* The pages of the slice whose bit is set were accessed before time_ns: a SAMPLE_SEEN a run.
 * Returns how many pages those are. */
uint32_t scan_out_seen(struct scan_out *out, const struct scan_slice *slice,
		       const uint64_t bits[SCAN_WORDS], uint64_t time_ns);
/* One range. kind: SAMPLE_ARMED or SAMPLE_SEEN. */
void scan_out_range(struct scan_out *out, uint32_t kind, int32_t pid, uint64_t addr,
		    uint64_t len_bytes, uint64_t time_ns);
/* Samples as they are, no more than a slice becomes. */
void scan_out_add(struct scan_out *out, const struct sample *samples, size_t count);
/* As a sampler's read. */
size_t scan_out_take(struct scan_out *out, struct sample *samples, size_t capacity);

static inline void
scan_bit_set(uint64_t bits[SCAN_WORDS], uint32_t page)
{
	bits[page / 64] |= 1ull << (page % 64);
}

static inline int
scan_bit(const uint64_t bits[SCAN_WORDS], uint32_t page)
{
	return (int)(bits[page / 64] >> (page % 64) & 1);
}

#endif
