/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damo_snapshots.h - what DAMON found in each aggregation, put in the order of time: damo tells all
 * of one target, then all of the next. Regions are kept in a temporary file until all have been
 * told, so memory grows with aggregations only. One thread.
 */
#ifndef TRACE_DAMO_SNAPSHOTS_H
#define TRACE_DAMO_SNAPSHOTS_H

#include "import_lines.h"

struct damo_snapshots;

/* Whose memory it is, as far as is told; 0 where it is not. */
struct damo_target {
	uint64_t kdamond, context, target;
};

struct damo_region {
	uint64_t start, end; /* whole pages, below 2^57 */
	float seen; /* looks that found an access; of all looks a share where is_share is set */
	int is_share;
};

/* first_pid: of the first target that comes; the others count up. -EIO with the sentence. */
int damo_snapshots_new(int32_t first_pid, struct damo_snapshots **ret, struct sluice_err *reterr);
void damo_snapshots_free(struct damo_snapshots *snapshots); /* NULL is fine */

/* The process that stands for a target. -ENOSPC: there are too many. */
int damo_snapshots_pid(struct damo_snapshots *snapshots, const struct damo_target *target,
		       int32_t *ret_pid);

/* A region of the snapshot under way. -EIO, errno: the file cannot be written. */
int damo_snapshots_region(struct damo_snapshots *snapshots, const struct damo_region *region);
/* Ends the snapshot: its regions were looked at every look_ns from start_ns to end_ns (after it;
 * since anything). look_ns 0: not told yet, or never. -ENOMEM. */
int damo_snapshots_end(struct damo_snapshots *snapshots, int32_t pid, uint64_t start_ns,
		       uint64_t end_ns, uint64_t look_ns);
/* Of all snapshots since that index whose process or interval was not told (0): they are these. */
size_t damo_snapshots_count(const struct damo_snapshots *snapshots);
void damo_snapshots_tell(struct damo_snapshots *snapshots, size_t from, int32_t pid,
			 uint64_t look_ns);

/* Tells all as samples, by time, counted from the earliest. -EIO, -ENOMEM. */
int damo_snapshots_import(struct damo_snapshots *snapshots, struct import *import,
			  struct sluice_err *reterr);

#endif
