/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h - one function for each kind of sample; private to this room. */
#ifndef HEAT_FOLD_H
#define HEAT_FOLD_H

#include "estimate.h"
#include "table.h"

void fold_rate(struct heat *heat, const struct sample *sample, uint64_t tick);
void fold_counting(struct heat *heat, const struct sample *sample, uint64_t tick);
void fold_count(struct heat *heat, const struct sample *sample, uint64_t tick);
void fold_exact(struct heat *heat, const struct sample *sample, uint64_t tick);

/* The region's short memory, of single pages that it has no room for: so many events in so much
 * watching, older ones by their half-life. */
void region_remember_gaps(struct region *region, float events, float exposure_s, uint64_t tick);

/* What of a page's silence counts against its region, whose other pages took gap_s each. A touch
 * may be missed; of few pages that wait for minutes where the others were touched at once it is
 * likely, and their silence would outweigh hundreds of gaps. */
#define FEW_PART 4.0f       /* few: fewer than this part of the others */
#define FEW_GAPS_MOST 12.0f /* of their silence count so many gaps */

static inline float
silence_believed_s(float waiting, float others, float silence_s, float gap_s)
{
	return waiting * FEW_PART < others ? fminf(silence_s, FEW_GAPS_MOST * gap_s) : silence_s;
}

/* Page-seconds of that in a region without detail, of which `waiting` pages were not touched for so
 * long; all of it where no gaps are known. */
float region_silence_s(const struct region *region, uint32_t waiting, uint64_t ticks);

/* An alarm: that a region is several times hotter is so much likelier than that it is as hot as
 * believed, as a logarithm. */
#define ALARM_LOG 14.0f

/* The program has changed its ways there; `certain`: beyond doubt. */
void region_alarmed(struct heat *heat, struct region *region, int certain, uint64_t tick);

/* What the process's clock of drawn accesses shows; 0: none were ever drawn. */
uint64_t count_clock(struct heat *heat, int32_t pid, uint64_t tick);
/* Tell the region's pages how long accesses were drawn since they were told last. */
void count_tell(struct heat *heat, struct region *region, uint64_t tick);
void count_forget(struct heat *heat, int32_t pid);

#endif
