/* SPDX-License-Identifier: Apache-2.0 */
/* heat_clip.h - evidence of mapped memory only: trackers of ranges pass over gaps between mappings.
 */
#ifndef CLI_HEAT_CLIP_H
#define CLI_HEAT_CLIP_H

#include "evidence.h"
#include "pid_list.h"

struct mapped;

#define HEAT_CLIP_SPANS_MAX (1u << 22) /* of all processes together */

struct heat_clip { /* begins as {0} */
	struct pid_list list;
	struct mapped *mapped;
	size_t count, capacity, span_count;
};

void heat_clip_free(struct heat_clip *clip); /* and makes it {0} */
/* The mappings of a process from now on: an item SLUICE_TRACE_SPANS. -ENOMEM; -E2BIG: too many
 * processes, or mappings. */
int heat_clip_spans(struct heat_clip *clip, const struct sluice_trace_item *item);
/* Hands over what is mapped of it, mapping by mapping; all of it where no mappings were told. */
void heat_clip(const struct heat_clip *clip, const struct evidence_told *told,
	       void (*take)(void *ctx, const struct evidence_told *told), void *ctx);

#endif
